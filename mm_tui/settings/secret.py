"""A key or signing secret that never appears in a repr, log line or traceback."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_HIDDEN: Final = "Secret('…')"


class Secret:
    """A text that only `get_secret_value` returns. Two are equal if their texts are."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


HIDDEN = "[key]"
"""Replaces a key removed from a text."""
SHORTEST = 8
"""The length of the shortest key to search for in a text. No service has shorter keys."""


def longest_first(keys: Iterable[Secret]) -> list[str]:
    """The texts of the keys to search for, longest first because one key may be a prefix of another."""
    texts = {key.get_secret_value() for key in keys}
    return sorted((text for text in texts if len(text) >= SHORTEST), key=len, reverse=True)


def hide_in(text: str, keys: Iterable[Secret]) -> str:
    """The text without any of these keys."""
    for key in longest_first(keys):
        text = text.replace(key, HIDDEN)
    return text


def without_begun(text: str, keys: Iterable[Secret]) -> str:
    """A streamed text up to what may be the beginning of one of these keys."""
    begun = 0
    for key in longest_first(keys):
        begun = max(begun, next((size for size in range(len(key) - 1, 0, -1) if text.endswith(key[:size])), 0))
    return text[: len(text) - begun]
