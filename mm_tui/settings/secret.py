"""A key or signing secret that no repr, log line or traceback shows."""

from __future__ import annotations

from typing import Final

_HIDDEN: Final = "Secret('…')"


class Secret:
    """A text that is handed out only by `get_secret_value`. Two are equal when their texts are."""

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
