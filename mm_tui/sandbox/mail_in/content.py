"""The content of a part of an email (texts, remarks, files), and the most readable of alternative texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message

from mm_tui.sandbox.gateway.mail import MailAttachment

_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad\u034f\u180e\u3164\u2800]+")
RICH = ("text/html", "text/x-amp-html", "text/watch-html", "application/xhtml+xml")
READ_AS_TEXT = ("text/plain", "text/markdown", "text/enriched", "text/richtext", "text/x-markdown", *RICH)
_STUB = re.compile(
    r"\bhtml\b|view (?:this|it) (?:e-?mail|message|online|in)|your (?:e-?mail )?(?:client|program|browser)|"
    r"does not support|web version|in (?:a|your|the) browser|im browser|navigateur|navegador|HTML-",
    re.I,
)


@dataclass(slots=True)
class PartContent:
    texts: list[str] = field(default_factory=list)
    """Texts in reading order, without leading and trailing blank lines."""
    notes: list[str] = field(default_factory=list)
    """Remarks to show before all texts: delivery reports, and what cannot be read."""
    files: list[MailAttachment] = field(default_factory=list)

    def add(self, other: PartContent) -> None:
        """Adds the content of another part."""
        self.texts += other.texts
        self.notes += other.notes
        self.files += other.files

    @property
    def body(self) -> str:
        """All of it as one text."""
        return "\n\n".join((*dict.fromkeys(self.notes), *self.texts))


def is_readable(text: str) -> bool:
    """Whether a text has anything visible."""
    return bool(_INVISIBLE.sub("", text))


def shortened_name(name: str) -> str:
    """A file name of at most 255 characters, keeping its extension."""
    if len(name) <= 255:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem[: 254 - len(ending)]}.{ending}" if dot and len(ending) <= 20 else name[:255]


def kind_of(part: Message) -> str:
    """The type of an alternative; for a group, of its first readable part."""
    kind = part.get_content_type()
    payload = part.get_payload() if part.is_multipart() else None
    if kind.startswith("multipart/") and isinstance(payload, list):
        inner = [kind_of(child) for child in payload[:20] if isinstance(child, Message)]
        return next((one for one in inner if one in READ_AS_TEXT), kind)
    return kind


def best_of(read: list[tuple[str, PartContent]]) -> PartContent | None:
    """Plain text if it is as complete as the others, otherwise HTML, otherwise anything readable."""
    readable = [(kind, content) for kind, content in read if is_readable(content.body)]
    if not readable:
        return None
    order = {
        "text/plain": 0,
        "text/markdown": 0,
        "text/html": 1,
        "application/xhtml+xml": 1,
        "text/enriched": 2,
        "text/richtext": 2,
    }
    # Of two of the same kind, the later one is richer.
    ranked = sorted(enumerate(readable), key=lambda item: (order.get(item[1][0], 3), -item[0]))
    best_kind, best = ranked[0][1]
    if best_kind == "text/plain":
        rich = next((content for _at, (kind, content) in ranked if kind == "text/html"), None)
        if rich is not None and _is_stub(best.body, rich.body):
            return rich
    return best


def _is_stub(plain: str, rich: str) -> bool:
    """Whether plain text only refers to the HTML version."""
    words, others = len(re.findall(r"\w+", plain)), len(re.findall(r"\w+", re.sub(r"\]\([^)]*\)", "", rich)))
    if words * 8 < others:
        return True
    return words < others and words <= 60 and bool(_STUB.search(plain)) and (words <= 20 or words * 2 < others)
