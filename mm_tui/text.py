"""Untrusted text made safe. The only module that knows the rules.

Every string that did not come from our own source passes through `OneLine` or `ManyLine` before anything may
show, log or print it. The rules are those of docs/safety.md ("Untrusted text").
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

_SEQUENCES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]?"
    "|(?:\x1b[\\]P_^X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?"
    "|\x1b[ -/]*[0-~]?"
)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200c\u200e\u200f\u2028\u2029\u202a-\u202e"
    "\u2060\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("\r\n?")


def _clean(raw: str) -> tuple[str, int]:
    text = _BREAKS.sub("\n", raw)
    if text.isascii() and text.isprintable():
        return text, 0
    removed = 0

    def drop(match: re.Match[str]) -> str:
        nonlocal removed
        removed += len(match.group())
        return ""

    return _HIDDEN.sub(drop, _SEQUENCES.sub(drop, text)), removed


class CleanText(str):
    """A string that may be shown. Building one cleans it, so the type is the guarantee."""

    removed: int
    """How many characters cleaning took away."""

    def __new__(cls, raw: str = "") -> Self:
        if type(raw) is cls:
            return raw
        text, removed = cls._rule(raw)
        made = super().__new__(cls, text)
        made.removed = removed + (raw.removed if isinstance(raw, CleanText) else 0)
        return made

    @staticmethod
    def _rule(raw: str) -> tuple[str, int]:
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(
            cls,
            core_schema.str_schema(strict=True),
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )


class OneLine(CleanText):
    """Cleaned text on one line: line breaks and tabs become single spaces."""

    @staticmethod
    def _rule(raw: str) -> tuple[str, int]:
        text, removed = _clean(raw)
        return text.replace("\n", " ").replace("\t", " "), removed


class ManyLine(CleanText):
    """Cleaned text that keeps its line breaks and tabs."""

    @staticmethod
    def _rule(raw: str) -> tuple[str, int]:
        return _clean(raw)


def escaped(raw: str) -> str:
    """The raw text with everything but printable ASCII and line breaks as backslash escapes, for "view raw"."""
    return "\n".join(line.encode("unicode_escape").decode("ascii") for line in _BREAKS.sub("\n", raw).split("\n"))
