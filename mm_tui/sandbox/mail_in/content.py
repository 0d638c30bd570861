"""The content of a part of an email: texts, remarks, files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mm_tui.sandbox.gateway.mail import MailAttachment

_INVISIBLE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad\u034f\u180e\u3164\u2800]+")


@dataclass(slots=True)
class Content:
    """The content of a part."""

    texts: list[str] = field(default_factory=list)
    """Texts in reading order, without leading and trailing blank lines."""
    notes: list[str] = field(default_factory=list)
    """Remarks to show before all texts: delivery reports, and what cannot be read."""
    files: list[MailAttachment] = field(default_factory=list)

    def add(self, other: Content) -> None:
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
