"""Models and other structs as JSON, and back: what is read has the declared types, and its texts are clean."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from mm_tui.text import CleanText

T = TypeVar("T")


def dumped(value: object) -> str:
    """The JSON of a struct."""
    return msgspec.json.encode(value, enc_hook=str.__str__).decode()


def values_of(value: object) -> Any:
    """A model as what `json.loads` would make of its JSON."""
    return msgspec.to_builtins(value, enc_hook=str.__str__)


def read(kind: type[T], text: str) -> T:
    """The struct in a JSON text. Unknown fields are ignored, and missing ones have their default. Raises ValueError if
    the text is no JSON of this kind; the message names the place, and quotes nothing but a word that is none of the
    allowed ones."""
    try:
        return msgspec.json.decode(text, type=kind, dec_hook=_cleaned)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def from_values(kind: type[T], values: object) -> T:
    """The same from what `json.loads` made of it; fields may also have their type already. The keys of a dictionary
    must: they are left as they are. Raises ValueError as `read` does."""
    return msgspec.convert(values, kind, dec_hook=_cleaned)


def _cleaned(kind: type[CleanText], value: object) -> CleanText:
    if not isinstance(value, str):
        raise TypeError("Expected `str`")
    return kind(value)
