"""Replies of the stand-in model, by language: they say no more than rules can know, and leave a gap for the rest."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from difflib import SequenceMatcher
from importlib import resources

from mm_tui.sandbox.model.text import PromptMail, first_name, language_of, own_words, sentences

_TEMPLATES: dict[str, dict[str, str]] = tomllib.loads(
    resources.files(__package__).joinpath("replies.toml").read_text("utf-8")
)
_ANSWER_PREFIX = re.compile(r"^\s*(?:(?:re|fw|fwd|aw|wg|rv|sv|antw|res|回复|返信|答复)\s?[:：]\s*)+", re.IGNORECASE)
_REPLACE = re.compile(
    r"^(?:please )?(?:replace|change)\s+[\"'“]?(.{1,200}?)[\"'”]?\s+(?:with|to|by)\s+[\"'“]?(.{1,200}?)[\"'”]?\s*\.?$",
    re.IGNORECASE,
)
_REMOVE = re.compile(r"^(?:please )?(?:remove|delete|drop)\s+[\"'“](.{1,200})[\"'”]\s*\.?$", re.IGNORECASE)
_SHORTER = re.compile(
    r"short|brief|concise|kürzer|knapp|plus court|más corto|mais curto|短く|简短|короче|أقصر|קצר", re.I
)
_FRIENDLY = re.compile(
    r"friendl|warm|kinder|wrong tone|nicer|freundlich|herzlich|amical|amable|amigável|丁寧|友好|дружелюб|ودّ|ידידותי",
    re.I,
)
_MASK = re.compile(r"\[(?:name|number|address|link)\]")
_PIECE = re.compile(r"[^\n.!?]+[.!?]*")
_FORMAL = re.compile(r"formal|professional|förmlich|formel|formell|正式|официальн", re.IGNORECASE)
_WORD_BY_WORD_FORMAL = (
    (re.compile(r"^(?:Hi|Hey|Hello)\b", re.MULTILINE), "Dear"),
    (re.compile(r"\bthanks\b", re.IGNORECASE), "thank you"),
    (re.compile(r"\b(can|won|don|isn|doesn|couldn|wouldn|aren|didn)['’]t\b", re.IGNORECASE), None),
    (re.compile(r"!"), "."),
)
_LONG_FORMS = {
    "can": "cannot", "won": "will not", "don": "do not", "isn": "is not", "doesn": "does not", "couldn": "could not",
    "wouldn": "would not", "aren": "are not", "didn": "did not",
}  # fmt: skip


def _quoted_subject(subject: str, language: str) -> str:
    line = " ".join(_ANSWER_PREFIX.sub("", subject).split())[:80].strip("\"'“”„«»")
    if not line:
        return ""
    marks = {"de": "„%s“", "fr": "« %s »", "es": "«%s»", "ru": "«%s»", "ja": "「%s」", "zh": "“%s”"}.get(
        language, '"%s"'
    )
    return marks % line


def draft(mails: Sequence[PromptMail], instruction: str = "", signature: str = "") -> str:
    """A reply to the newest mail, in its language: greeting, that it has arrived, close, signature. A gap holds the
    reviewer's instruction when there is one: rules cannot turn it into prose."""
    newest = mails[-1] if mails else PromptMail("", "", "", "")
    body = own_words(newest.body)
    language = language_of(f"{newest.subject}\n{body}")
    words = _TEMPLATES.get(language, _TEMPLATES["en"])
    wish = " ".join(instruction.split())[:300]
    rest = f"{words['gap'][:-1]}: {wish}{words['gap'][-1]}" if wish else words["received"]
    name = first_name(newest.sender)
    subject = _quoted_subject(newest.subject, language)
    spaced = f", {name}" if language in ("ru", "pl", "ko") else f" {name}"
    hello = words["hello"].replace("{name}", spaced if name else "")
    text = words["thanks"].replace("{subject}", subject).replace("{rest}", rest)
    text = re.sub(r" +([.,:])", r"\1", re.sub(r" {2,}", " ", text))
    if language == "en":
        text = text[:1].upper() + text[1:]
    signed = "".join(f"\n{line.strip()}" for line in signature.split(" / ") if line.strip())
    return f"{hello}\n\n{text}\n\n{words['close']}{signed}"


def _parts(text: str) -> tuple[str, list[str], str]:
    """A draft as greeting, paragraphs, close (either end may be empty)."""
    blocks = [block.strip("\n") for block in re.split(r"\n[ \t]*\n", text.strip()) if block.strip()]
    hello = blocks.pop(0) if len(blocks) > 1 and len(blocks[0]) < 80 and "\n" not in blocks[0] else ""
    short_end = len(blocks) > 1 and len(blocks[-1]) < 120 and not re.search(r"[.?]$|[。？]$", blocks[-1])
    close = blocks.pop() if short_end else ""
    return hello, blocks, close


def _joined(hello: str, blocks: Sequence[str], close: str) -> str:
    return "\n\n".join(part for part in (hello, *blocks, close) if part)


def _shorter(text: str) -> str:
    hello, blocks, close = _parts(text)
    lines = [line for block in blocks for line in sentences(block)]
    if len(lines) <= 1:
        return text.strip()
    # A gap or a figure matters more than a courtesy.
    weight = [2 * any(sign in line for sign in "[［") + any(sign.isdigit() for sign in line) for line in lines]
    best = sorted(range(len(lines)), key=lambda at: (-weight[at], at))[: len(lines) // 2]
    kept = [lines[at] for at in sorted(best)]
    return _joined(hello, [" ".join(kept)], close)


def _friendlier(text: str, language: str) -> str:
    hello, blocks, close = _parts(text)
    warm = _TEMPLATES.get(language, _TEMPLATES["en"])["warm"]
    if warm in text:
        return text.strip()
    if language == "en":
        hello = re.sub(r"^Dear (?:Sir or Madam|(?:Mr|Mrs|Ms)\.? )?", "Hi ", hello)
        blocks = [re.sub(r"\bWe regret\b", "We're sorry", block) for block in blocks]
    return _joined(hello, [*blocks, warm], close)


def _more_formal(text: str) -> str:
    for pattern, replacement in _WORD_BY_WORD_FORMAL:
        if replacement is None:
            text = pattern.sub(lambda match: _LONG_FORMS[match[1].lower()], text)
        else:
            text = pattern.sub(replacement, text)
    return text.strip()


def redraft(text: str, instruction: str) -> str:
    """A draft changed as asked: shorter, friendlier, more formal, "replace X with Y", "remove 'X'". Other instructions
    are put into the draft as a gap, so that nobody thinks they were followed."""
    wish = " ".join(instruction.split())[:300]
    language = language_of(text)
    if match := _REPLACE.match(wish):
        if match[1] in text:
            return text.replace(match[1], match[2]).strip()
    elif (match := _REMOVE.match(wish)) and match[1] in text:
        return re.sub(r"[ \t]{2,}", " ", text.replace(match[1], "")).strip()
    elif _SHORTER.search(wish):
        return _shorter(text)
    elif _FRIENDLY.search(wish):
        return _friendlier(text, language)
    elif _FORMAL.search(wish) and language == "en":
        return _more_formal(text)
    if not wish:
        return text.strip()
    hello, blocks, close = _parts(text)
    gap = _TEMPLATES.get(language, _TEMPLATES["en"])["gap"]
    return _joined(hello, [*blocks, f"{gap[:-1]}: {wish}{gap[-1]}"], close)


def learned(text: str, examples: Sequence[tuple[str, str]]) -> str:
    """A draft with the changes that humans made to the same sentences of earlier ones. `examples`: (what was written,
    what was sent in its place). Sentences with a mask such as `[name]` are skipped."""
    for written, released in examples:
        before, after = _pieces(written), _pieces(released)
        for kind, at, end, new_at, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            old, new = " ".join(before[at:end]), " ".join(after[new_at:new_end])
            if kind == "equal" or _MASK.search(new):
                continue
            if kind == "insert":
                old = before[at - 1] if at else ""
                new = f"{old} {new}"
            if old and old in text and new not in text:
                text = text.replace(old, new, 1)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in _PIECE.findall(text) if piece.strip()]
