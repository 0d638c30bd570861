"""The stand-in for Jamba: simple rules behind the same API, so that demo and tests work without a key.

It reports its own id and is shown as "local stand-in, not Jamba". It sees what a model sees, the prompt's messages,
and knows a task by the first line of the system prompt:

    task: summarise | classify | extract | draft | redraft | second_reader
    labels: a, b, c          (classify)
    signature: name / team   (draft)
    instruction: free text   (draft, redraft; also accepted in the user's message, before the first fence)

The mail is in the user's messages, oldest first, each email between the lines `<<<MAIL` and `MAIL>>>`: `From:`, `Date:`
and `Subject:` lines, an empty line, the body. The text to redraft, or for the second reader, is between
`<<<DRAFT` and `DRAFT>>>`, house facts between `<<<FACTS name` and `FACTS>>>`. A reviewer's own text is in the system
prompt between `<<<SUGGESTED` and `SUGGESTED>>>`, and examples between `<<<EXAMPLE` and `EXAMPLE>>>`, with a line
`RELEASED:` between the draft and the text that was sent instead. Text inside a fence is data and never determines the
task. For prompts of any other form the task is guessed from their words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr

from mm_tui.sandbox.model import replies as model_replies
from mm_tui.sandbox.model import rules as model_rules
from mm_tui.sandbox.model import second_reader as model_second_reader
from mm_tui.sandbox.model.text import PromptMail, own_words, sentences

MODEL_ID = "local-rules-0"
DEFAULT_LABELS = ("support", "billing", "partnership", "spam", "other")

_HEADER = re.compile(r"^(From|Date|Subject|To|Cc):[ \t]*(.{0,2000})$", re.IGNORECASE)
_TASK = re.compile(r"^\s*task:\s*(summari[sz]e|classify|extract|draft|redraft|second_reader)\s*$", re.IGNORECASE)
_SETTING = re.compile(r"^\s*(labels|instruction|signature):[ \t]*(.*)$", re.IGNORECASE)
_WISH = re.compile(r"^\s*instruction:[ \t]*(.*)$", re.IGNORECASE)
_SUGGESTED = re.compile(r"^<<<SUGGESTED\n(.*?)\nSUGGESTED>>>$", re.MULTILINE | re.DOTALL)
_LABEL_LIST = re.compile(
    r"\b(?:labels|categories|classes|one of|as|into)\b[^:\n]{0,60}[:(]\s*([\w \"'`/,|-]{3,300})", re.IGNORECASE
)
_GUESSES = (
    ("classify", re.compile(r"\b(?:classif|categori[sz]e|label (?:this|the)|which category)", re.IGNORECASE)),
    ("extract", re.compile(r"\b(?:extract|structured data|json object with)", re.IGNORECASE)),
    ("redraft", re.compile(r"\b(?:rewrite|rephrase|redraft|make (?:it|this) (?:shorter|friendlier))", re.IGNORECASE)),
    (
        "draft",
        re.compile(
            r"\b(?:draft|reply to|write (?:a|an|the) (?:reply|response|answer|e-?mail)|respond to)", re.IGNORECASE
        ),
    ),
    ("summarise", re.compile(r"\b(?:summar|tl;?dr|key points|zusammenfass|résum|resum)", re.IGNORECASE)),
)
_ABOUT = (
    "This is a local stand-in made of plain rules, not Jamba. "
    "It can summarise, classify and extract from mail, and draft replies from templates."
)


@dataclass(slots=True)
class _Prompt:
    task: str = ""
    labels: tuple[str, ...] = DEFAULT_LABELS
    instruction: str = ""
    signature: str = ""
    system: str = ""
    mails: list[PromptMail] = field(default_factory=list)
    draft: str = ""
    facts: str = ""
    examples: list[tuple[str, str]] = field(default_factory=list)
    """Earlier drafts, and the texts that were sent instead."""
    suggested: str = ""
    """The text that a reviewer would prefer."""
    loose: list[str] = field(default_factory=list)
    """Lines of the user's messages outside fences."""


def _labels(text: str) -> tuple[str, ...]:
    found = [part.strip(" \"'`.") for part in re.split(r"[,|/]| or ", text)]
    return tuple(dict.fromkeys(part for part in found if part and len(part) <= 60))[:50]


def _read_mail(lines: Sequence[str]) -> PromptMail:
    headers = {"from": "", "date": "", "subject": ""}
    end = len(lines)
    for at, line in enumerate(lines):
        match = _HEADER.match(line)
        if match is None:
            end = at
            break
        headers[match[1].lower()] = headers.get(match[1].lower()) or match[2].strip()
    return PromptMail(headers["from"], headers["date"], headers["subject"], "\n".join(lines[end:]).strip("\n"))


def _read_user(text: str, prompt: _Prompt) -> None:
    held: list[str] | None = None
    closing = ""
    for line in text.replace("\r\n", "\n").split("\n"):
        mark = line.strip()
        if held is not None:
            if mark == closing:
                _close(held, closing, prompt)
                held = None
            else:
                held.append(line)
        elif mark in ("<<<MAIL", "<<<DRAFT", "<<<EXAMPLE") or mark.startswith("<<<FACTS "):
            held, closing = [], f"{mark[3:].split()[0]}>>>"
        elif (match := _WISH.match(line)) and not (prompt.instruction or prompt.mails or prompt.draft):
            prompt.instruction = match[1].strip()
        else:
            prompt.loose.append(line)
    if held is not None:
        _close(held, closing, prompt)


def _close(held: list[str], closing: str, prompt: _Prompt) -> None:
    if closing == "DRAFT>>>":
        prompt.draft = "\n".join(held).strip("\n")
    elif closing == "FACTS>>>":
        prompt.facts += "\n".join(held) + "\n"
    elif closing == "EXAMPLE>>>":
        written, _, released = "\n".join(held).partition("\nRELEASED:\n")
        prompt.examples.append((written, released))
    else:
        prompt.mails.append(_read_mail(held))


def _set(prompt: _Prompt, match: re.Match[str]) -> None:
    if match[1].lower() == "labels":
        prompt.labels = _labels(match[2]) or DEFAULT_LABELS
    elif match[1].lower() == "signature":
        prompt.signature = match[2].strip()
    else:
        prompt.instruction = match[2].strip()


def _read(messages: Sequence[tuple[str, str]]) -> _Prompt:
    prompt = _Prompt()
    system = "\n".join(content for role, content in messages if role == "system")
    if found := _SUGGESTED.search(system):
        prompt.suggested = found[1].strip("\n")
        system = system[: found.start()] + system[found.end() :]
    prompt.system = system
    for line in system.split("\n"):
        if not prompt.task and (task := _TASK.match(line)):
            prompt.task = task[1].lower().replace("summarize", "summarise")
        elif setting := _SETTING.match(line):
            _set(prompt, setting)
    for role, content in messages:
        if role == "user":
            _read_user(content, prompt)
    if not prompt.task:
        _guess(prompt, system, messages)
    return prompt


def _guess(prompt: _Prompt, system: str, messages: Sequence[tuple[str, str]]) -> None:
    """Guesses the task of other prompts by their verbs, and takes the rest as the email."""
    last = next((content for role, content in reversed(messages) if role == "user"), "")
    asked = f"{system[:4000]}\n{last[:600]}"
    prompt.task = next((task for task, pattern in _GUESSES if pattern.search(asked)), "answer")
    if prompt.task == "classify" and (listed := _LABEL_LIST.search(asked)):
        prompt.labels = _labels(listed[1]) or DEFAULT_LABELS
    if not prompt.mails:
        head, _, rest = last.partition("\n")
        is_task = any(pattern.search(head[:400]) for _task, pattern in _GUESSES)
        body = last if not is_task else rest.strip("\n") if rest.strip() else re.sub(r"^[^:\n]{0,200}:\s+", "", last)
        prompt.mails.append(_read_mail(body.split("\n")))


def _answered(prompt: _Prompt) -> list[PromptMail]:
    """The thread up to the email to answer: the newest one not sent by ourselves."""
    for end in range(len(prompt.mails), 0, -1):
        address = parseaddr(prompt.mails[end - 1].sender)[1]
        if not address or address not in prompt.system:
            return prompt.mails[:end]
    return prompt.mails


def complete(messages: Sequence[tuple[str, str]], *, json_mode: bool = False) -> str:
    """The stand-in's answer, the text of the assistant's message. Never raises on any content. `messages`: (role,
    content) pairs, as in the request. `json_mode`: answer with one JSON object: {"summary"}, {"label"}, {"text"},
    {"answer"}, or the extraction."""
    prompt = _read(messages)
    if prompt.task == "extract":
        return json.dumps(model_rules.extract(prompt.mails), ensure_ascii=False)
    if prompt.task == "second_reader":
        lines = model_second_reader.compare(prompt.mails, prompt.facts, prompt.draft)
        return json.dumps({"lines": lines}, ensure_ascii=False)
    key, text = "answer", ""
    if prompt.task == "classify":
        key, text = "label", model_rules.classify(prompt.mails, prompt.labels)
    elif prompt.task == "summarise":
        key, text = "summary", model_rules.summarise(prompt.mails)
    elif prompt.task == "draft":
        text = model_replies.draft(_answered(prompt), prompt.instruction, prompt.signature)
        key, text = "text", model_replies.learned(text, prompt.examples)
    elif prompt.task == "redraft":
        present = prompt.suggested or prompt.draft or "\n".join(mail.body for mail in prompt.mails)
        # A reviewer's own text is used as it is, without a gap.
        wish = "" if prompt.suggested else prompt.instruction or " ".join(prompt.loose[:3])
        key, text = "text", model_replies.learned(model_replies.redraft(present, wish), prompt.examples)
    else:
        said = [line for mail in prompt.mails for line in sentences(own_words(mail.body))[:40]]
        text = model_rules.summarise(prompt.mails) if len(said) > 3 else _ABOUT
    return json.dumps({key: text}, ensure_ascii=False) if json_mode else text
