"""A cached Markdown parser whose tokens have the source position of each character.

CommonMark with tables and strike-through. HTML is not parsed: it stays text, so that nothing can hide in it. Positions
are indexes into the text of the block: `meta["at"]` has one for each character of plain text, `meta["pos"]` is the
start of any other inline token.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any, Literal

from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_TILDES = re.compile("~*")


class _InlineState(StateInline):
    """An inline parser's state that records source positions."""

    def __init__(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> None:
        self._at: list[int] = []
        """The position of each character of the pending text."""
        self._pushed_at, self._in_run = -1, 0
        self._run_at, self._run_length = -1, 0
        super().__init__(src, md, env, tokens)

    def append_pending(self, text: str) -> None:
        self._at.extend(range(self.pos, self.pos + len(text)))
        super().append_pending(text)

    @property
    def pending(self) -> str:
        return super().pending

    @pending.setter
    def pending(self, value: str) -> None:
        # A line break removes the spaces before it.
        del self._at[len(value) :]
        StateInline.pending.__set__(self, value)  # type: ignore[attr-defined]  # the setter of the base

    def pushPending(self) -> Token:
        at = list(self._at)
        token = super().pushPending()
        token.meta["at"] = at
        return token

    def push(self, ttype: str, tag: str, nesting: Literal[-1, 0, 1]) -> Token:
        token = super().push(ttype, tag, nesting)
        self._in_run = self._in_run + 1 if self._pushed_at == self.pos and ttype == "text" else 0
        self._pushed_at = self.pos
        token.meta["pos"] = self.pos + self._run_offset()
        return token

    def _run_offset(self) -> int:
        """A run of `*`, `_` or `~` is pushed in pieces before the position advances; `~` in pairs."""
        if not self._in_run or self.src[self.pos] != "~":
            return self._in_run
        if self._run_at != self.pos:
            run = _TILDES.match(self.src, self.pos)
            self._run_at, self._run_length = self.pos, len(run[0]) if run else 0
        return 2 * self._in_run - self._run_length % 2


class _Inline(ParserInline):
    """An inline parser with our state."""

    def parse(self, src: str, md: MarkdownIt, env: MutableMapping[str, Any], tokens: list[Token]) -> list[Token]:
        state = _InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def parser() -> MarkdownIt:
    """The Markdown parser for mail, built once."""
    made = MarkdownIt()
    made.inline = _Inline()
    made.configure("commonmark", {"html": False})
    made.enable(["table", "strikethrough"])
    # Both would join tokens and lose their positions.
    return made.disable(["text_join", "fragments_join", "html_block", "html_inline"])
