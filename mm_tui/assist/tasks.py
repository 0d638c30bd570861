"""The models' tasks, and the checks of their answers. A model's text is untrusted: it is cleaned, must have the
expected form, and never decides anything."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Generic, Literal, Self, TypeVar

import msgspec
from msgspec.structs import replace

from mm_tui import typed_json
from mm_tui.assist import prompts
from mm_tui.assist.model import ChatModel, Completion, PromptTurn, StreamPart, TokenUsage
from mm_tui.assist.prompts import NOTHING, Background, PromptEmail, Task
from mm_tui.assist.second_reader import DraftReading, SecondReading, check
from mm_tui.settings.sections import Assist
from mm_tui.text import ManyLine, OneLine

LONGEST_SUMMARY = 600
LONGEST_LINE = 300
"""Characters."""
LONGEST_DRAFT = 20_000
"""Characters; several times what the tokens of a draft make."""
MAX_TOKENS: dict[Task, int] = {
    "summarise": 200,
    "classify": 12,
    "extract": 400,
    "draft": 1500,
    "redraft": 1500,
    "second_reader": 900,
}
TEMPERATURE: dict[Task, float] = {
    "summarise": 0.2,
    "classify": 0.0,
    "extract": 0.0,
    "draft": 0.4,
    "redraft": 0.4,
    "second_reader": 0.0,
}
NEWEST_TOKENS = 4_000
"""The tokens of the newest email that are enough for labels and extraction."""
ANSWER_SECONDS = 30.0
WRITING_SECONDS = 120.0
REDRAFT_TOKENS = 8_000

T = TypeVar("T")

_WORDS = re.compile(r"\w+", re.UNICODE)
_CODE_FENCE = "```"
_TOOL_CALL = re.compile(r"<\|?/?(?:tool|function)_?calls?\b|\[TOOL_CALLS?\]", re.IGNORECASE)
_HEADER_LINE = re.compile(r"^(?:subject|betreff|objet|asunto|to|from)\s*:", re.IGNORECASE)


def _words(value: Any) -> Any:
    """Converts a model's value for a line of text to words, if it is plausible. Raises ValueError if it is too long."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and len(OneLine(value)) > LONGEST_LINE:
        raise ValueError(f"a text has more than {LONGEST_LINE} characters")
    return value


def _listed(value: Any) -> Any:
    if value is None:
        return ()
    if isinstance(value, str):
        return (_words(value),) if value.strip() else ()
    if isinstance(value, list):
        return [_words(" ".join(map(str, item.values())) if isinstance(item, dict) else item) for item in value]
    return value


def _urgency(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """The requests extracted from an email."""

    intent: OneLine
    requested_action: OneLine
    urgency: Literal["low", "normal", "high", "unknown"]
    deadline: OneLine
    amounts: tuple[OneLine, ...]

    @classmethod
    def unknown(cls) -> Self:
        """The result if the model's answers were unreadable, even on a second try."""
        line = OneLine("unknown")
        return cls(intent=line, requested_action=OneLine(""), urgency="unknown", deadline=OneLine(""), amounts=())


class Answered(msgspec.Struct, Generic[T], frozen=True):
    """A task's result, with its cost and whether the mail had to be cut."""

    value: T
    model: OneLine
    usage: TokenUsage
    cut: bool = False
    certain: bool = True
    """False if the model's answer was unusable and this is a default."""


class Request(msgspec.Struct, frozen=True):
    """One question to a model, ready to ask or to look up."""

    task: Task
    messages: tuple[PromptTurn, ...]
    model: str
    version: str
    cut: bool

    @property
    def content_hash(self) -> str:
        """Identifies the question: the same prompt has the same hash."""
        return hashlib.sha256(json.dumps(self.messages).encode()).hexdigest()

    @property
    def estimate(self) -> int:
        """The approximate number of tokens to send."""
        return sum(prompts.tokens(message.text) for message in self.messages)


def prepare(
    task: Literal["summarise", "classify", "extract"], emails: Sequence[PromptEmail], assist: Assist
) -> Request:
    """Shortens the thread to its budget, writes the prompt and chooses the model. `emails`: the thread, oldest first;
    labels and extraction use only the newest."""
    budget = assist.thread_tokens if task == "summarise" else min(NEWEST_TOKENS, assist.thread_tokens)
    chosen, was_cut = prompts.cut(emails if task == "summarise" else emails[-1:], budget)
    if task == "summarise":
        messages = prompts.summarise(chosen)
    elif task == "classify":
        messages = prompts.classify(chosen, assist.labels)
    else:
        messages = prompts.extract(chosen)
    return _request(task, messages, assist, was_cut)


def prepare_draft(
    emails: Sequence[PromptEmail], own_address: str, instruction: str, assist: Assist, background: Background = NOTHING
) -> Request:
    """Prepares a reply to the newest message, with an optional instruction."""
    chosen, was_cut = prompts.cut(emails, _room(assist.thread_tokens, background))
    messages = prompts.draft(chosen, own_address, instruction, assist.signature, background)
    return _request("draft", messages, assist, was_cut)


def prepare_redraft(
    emails: Sequence[PromptEmail], text: str, instruction: str, assist: Assist, background: Background = NOTHING
) -> Request:
    """Prepares a new version of `text`, changed as instructed."""
    chosen, was_cut = prompts.cut(emails, _room(min(REDRAFT_TOKENS, assist.thread_tokens), background))
    return _request("redraft", prompts.redraft(chosen, text, instruction, background), assist, was_cut)


def prepare_redraft_for_reviewer(
    emails: Sequence[PromptEmail],
    text: str,
    reason: str,
    suggestion: str,
    assist: Assist,
    background: Background = NOTHING,
) -> Request:
    """Prepares another draft in place of the rejected `text`; see `prompts.redraft_for_reviewer`."""
    budget = min(REDRAFT_TOKENS, assist.thread_tokens)
    room = max(budget // 2, _room(budget, background) - prompts.tokens(suggestion))
    chosen, was_cut = prompts.cut(emails, room)
    messages = prompts.redraft_for_reviewer(chosen, text, reason, suggestion, background)
    return _request("redraft", messages, assist, was_cut)


def prepare_second_reader(reading: DraftReading, assist: Assist, background: Background = NOTHING) -> Request:
    """Prepares a comparison of a draft with its thread."""
    chosen, was_cut = prompts.cut(reading.emails, _room(assist.thread_tokens, background))
    return _request("second_reader", prompts.second_reader(chosen, reading.draft, background), assist, was_cut)


def _room(tokens: int, background: Background) -> int:
    """The tokens left for the thread after house facts and examples; at least half of them."""
    taken = sum(prompts.tokens(fact.text) for fact in background.facts)
    taken += sum(prompts.tokens(one.written) + prompts.tokens(one.released) for one in background.examples)
    return max(tokens // 2, tokens - taken)


def _request(task: Task, messages: list[PromptTurn], assist: Assist, was_cut: bool) -> Request:
    size = sum(prompts.tokens(message.text) for message in messages)
    long = task == "summarise" and size >= assist.long_thread_tokens
    default = assist.large_model if task in ("draft", "redraft") or long else assist.small_model
    return Request(task, tuple(messages), assist.task_models.get(task) or default, prompts.VERSIONS[task], was_cut)


async def summarise(model: ChatModel, request: Request) -> Answered[ManyLine]:
    """Summarizes the thread. Raises AssistError, like all tasks here."""
    answer = await _complete(model, request)
    text = " ".join(answer.text.split())
    if len(text) > LONGEST_SUMMARY:
        text = text[: LONGEST_SUMMARY - 1].rsplit(" ", 1)[0] + "…"
    return Answered(ManyLine(text), answer.model, answer.usage, request.cut)


async def classify(model: ChatModel, request: Request, labels: Sequence[str]) -> Answered[OneLine]:
    """Chooses one of `labels`; the last one if the model's answer is none of them."""
    answer = await _complete(model, request)
    label = chosen_label(answer.text, labels)
    return Answered(OneLine(label or labels[-1]), answer.model, answer.usage, request.cut, certain=label is not None)


def chosen_label(answer: str, labels: Sequence[str]) -> str | None:
    """The label in an answer, ignoring case and punctuation; None if there is none or several."""
    bare = " ".join(_WORDS.findall(answer)).lower()
    named = []
    for label in labels:
        wanted = " ".join(_WORDS.findall(label)).lower()
        if bare == wanted:
            return label
        if wanted and re.search(rf"(?:^| ){re.escape(wanted)}(?: |$)", bare):
            named.append(label)
    return named[0] if len(named) == 1 else None


async def extract(model: ChatModel, request: Request) -> Answered[Extraction]:
    """Extracts requests. A bad answer is repaired once by the model; after that the result is "unknown"."""
    answer = await _complete(model, request)
    usage = answer.usage
    found, complaint = _read_extraction(answer.text)
    if found is None:
        again = replace(request, messages=tuple(prompts.repair(request.messages, answer.text, complaint)))
        answer = await _complete(model, again)
        usage += answer.usage
        found, _ = _read_extraction(answer.text)
    if found is None:
        return Answered(Extraction.unknown(), answer.model, usage, request.cut, certain=False)
    return Answered(found, answer.model, usage, request.cut)


def _read_extraction(text: str) -> tuple[Extraction | None, str]:
    try:
        values = json.loads(_unfenced(text))
        if isinstance(values, dict):
            names = values.keys() & set(Extraction.__struct_fields__)
            values = {name: _AS_READ.get(name, _words)(values[name]) for name in names}
        found = typed_json.from_values(Extraction, values)
    except RecursionError:
        return None, "the answer is nested too deeply"
    except ValueError as error:
        return None, str(error)[:100]
    return msgspec.structs.replace(found, amounts=found.amounts[:10]), ""


_AS_READ = {"urgency": _urgency, "amounts": _listed}


async def second_reader(model: ChatModel, request: Request, reading: DraftReading) -> Answered[SecondReading]:
    """Asks for remarks on a draft, and keeps those with valid quotes."""
    answer = await _complete(model, request)
    found = check(answer.text, reading.draft, reading.sources)
    return Answered(found, answer.model, answer.usage, request.cut, certain=found.readable)


async def write_whole(model: ChatModel, request: Request) -> Completion:
    """Writes a draft in one piece, for the agent, which shows nobody the progress."""
    answer = await _complete(model, request, deadline=WRITING_SECONDS)
    return replace(answer, text=body_alone(answer.text))


def is_reply(text: str) -> bool:
    """Whether a draft may be a reply: not JSON, a call of a tool or a part of the prompt, and not much too long."""
    if len(text) > LONGEST_DRAFT or _TOOL_CALL.search(text) or prompts.has_fence(text):
        return False
    return not (text.startswith(("{", "[")) and _is_json(text))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


async def write(model: ChatModel, request: Request) -> AsyncGenerator[StreamPart, None]:
    """Streams a draft or a redraft. The last part has `whole`; closing the generator stops the model."""
    parts = model.stream(
        request.messages,
        request.model,
        max_tokens=MAX_TOKENS[request.task],
        temperature=TEMPERATURE[request.task],
        deadline=WRITING_SECONDS,
    )
    async with aclosing(parts):
        async for part in parts:
            text = body_alone(part.text)
            yield StreamPart(text, replace(part.whole, text=text) if part.whole else None)


def body_alone(text: str) -> ManyLine:
    """A draft without a surrounding code fence, header lines, or empty lines at the ends."""
    lines = _unfenced(text).split("\n")
    while lines and (_HEADER_LINE.match(lines[0]) or not lines[0].strip()):
        lines.pop(0)
    return ManyLine("\n".join(lines))


def _unfenced(text: str) -> str:
    bare = text.strip()
    if bare.startswith(_CODE_FENCE):
        bare = bare.partition("\n")[2].removesuffix(_CODE_FENCE).strip()
    return bare


async def _complete(model: ChatModel, request: Request, deadline: float = ANSWER_SECONDS) -> Completion:
    return await model.complete(
        request.messages,
        request.model,
        max_tokens=MAX_TOKENS[request.task],
        temperature=TEMPERATURE[request.task],
        json=request.task in ("extract", "second_reader"),
        deadline=deadline,
    )
