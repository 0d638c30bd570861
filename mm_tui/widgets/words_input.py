"""An input for own words under numbered answers: while it is empty, a digit chooses instead of being typed."""

from __future__ import annotations

from textual.widgets import Input


class WordsInput(Input):
    """Leaves digits to the screen's bindings as long as nothing has been typed."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        if not self.value and key.isascii() and key.isdecimal():
            return False
        return super().check_consume_key(key, character)
