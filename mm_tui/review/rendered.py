"""Renders mail as its recipient reads it: Markdown as plain lines with styles and source positions.

Nothing can hide here. A link always shows its host, an image its description and host. What a recipient would not see
(link definitions, the language of a code block, HTML, links without text) is written out in the style `hidden`.
A text whose characters cannot all be traced to the source is shown as its source.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.review.render_writer import Replaced, Styled, Writer, cells, end_link, put_title, target_words
from mm_tui.review.source_lines import PREFIX, NotFollowedError, SourceLines
from mm_tui.text import ManyLine

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MOST_CHARACTERS = 262_144
"""The gateway's maximum. A longer text is shown as its source."""
RULE = "─" * 24
WIDEST_TABLE = 100
"""Cells. The columns of a wider table are not aligned."""
NO_DESCRIPTION = "no description"
_HTML = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?[a-zA-Z].*?(?:\?>|\Z)|<[/!]?[a-zA-Z][^<>]{0,2000}>", re.DOTALL
)
_SIGNS = re.compile(
    r"[*_`~\[\]<&\\|#]|^(?:>|[^\S\n])*+(?:[-+]|\d{1,9}[.)])(?:\s|$)|^(?:>|[^\S\n])*+(?:=+|-{2,})[^\S\n]*$"
    r"|^(?: {4}|\t)| {2}$",
    re.MULTILINE,
)
"""Without one of these a text is the same as its source."""
_STYLES = {"strong_open": "strong", "em_open": "emphasis", "s_open": "struck"}


class Rendered(NamedTuple):
    """A text as its recipient reads it."""

    text: str
    styles: tuple[Styled, ...] = ()
    source: array[int] | None = None
    """The source index of each character, -1 for our own; None if the text is the source."""
    order: array[int] = array("i")
    """Text indexes, sorted by source index."""
    replaced: tuple[Replaced, ...] = ()
    """What stands for other source text, in the order of the source."""

    @property
    def is_source(self) -> bool:
        """Whether it is shown as written: on request, because it is too long, or because it could not be traced."""
        return self.source is None

    def stretches(self, start: int, end: int) -> list[tuple[int, int]]:
        """The ranges of the text that show the source from `start` up to `end`."""
        if self.source is None:
            return [(start, end)] if start < end else []
        first, last = (bisect_left(self.order, edge, key=self.source.__getitem__) for edge in (start, end))
        found: list[tuple[int, int]] = []
        for place in sorted(self.order[first:last]):
            if found and found[-1][1] == place:
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
        # They are in the order of the source, and none overlaps another.
        first = bisect_right(self.replaced, start, key=attrgetter("source_end"))
        last = bisect_left(self.replaced, end, key=attrgetter("source_start"))
        standing = [(one.start, one.end) for one in self.replaced[first:last]]
        return found + standing


def rendered(source: str) -> Rendered:
    """Renders clean Markdown as its recipient reads it. Takes about 2 ms per 1,000 characters."""
    if not needs_rendering(source):
        return Rendered(source)
    try:
        made = _Renderer(source).made()
    except NotFollowedError:
        return Rendered(source)
    # Characters that are now adjacent may form new sequences that cleaning removes.
    return made if ManyLine(made.text) == made.text else Rendered(source)


@lru_cache(maxsize=4)
def needs_rendering(source: str) -> bool:
    """Whether the rendered text may differ from the source. Each drawing of a screen asks it several times."""
    return len(source) <= MOST_CHARACTERS and _SIGNS.search(source) is not None


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from mm_tui.review.markdown_positions import parser

    return parser()


class _Renderer:
    """Renders the tokens of one text."""

    def __init__(self, source: str) -> None:
        self._source = SourceLines(source)
        self._tokens = _parser().parse(source)
        self._out = Writer()
        self._next_line = 0
        """The first line of the source that has not been rendered."""
        self._heading_end = 0
        """The line after the open heading, including its underline."""
        self._containers: list[list[str]] = []
        """The prefixes within quotes and lists: of the first line, and of the others."""
        self._numbers: list[tuple[int | None, int | None]] = []
        """The next and the first item number of each open list; None for unnumbered ones."""

    def made(self) -> Rendered:
        tokens = iter(self._tokens)
        for token in tokens:
            self._block(token, tokens)
        self._hidden_lines(len(self._source.lines))
        text = "".join(self._out.pieces)
        coded = [one for one in self._out.styles if one.style == "code"]
        html = []
        for match in _HTML.finditer(text):
            before = bisect_right(coded, match.start(), key=attrgetter("start")) - 1
            if before < 0 or match.start() >= coded[before].end:
                html.append(Styled(*match.span(), "hidden"))
        source = array("i", self._out.source)
        order = array("i", sorted((at for at, index in enumerate(source) if index >= 0), key=source.__getitem__))
        return Rendered(text, (*self._out.styles, *html), source, order, tuple(sorted(self._out.replaced)))

    # Blocks

    def _block(self, token: Token, tokens: Iterator[Token]) -> None:
        match token.type:
            case "blockquote_open":
                self._containers.append(["> ", "> "])
                self._out.active.append("dim")
            case "blockquote_close":
                self._containers.pop()
                self._out.active.pop()
            case "bullet_list_open" | "ordered_list_open":
                start = int(token.attrs.get("start", 1)) if token.type == "ordered_list_open" else None
                self._numbers.append((start, start))
            case "bullet_list_close" | "ordered_list_close":
                self._numbers.pop()
            case "list_item_open":
                self._item(token.info)
            case "list_item_close":
                self._containers.pop()
            case "heading_open":
                self._out.active.append("strong")
                self._heading_end = (token.map or [0, 0])[1]
            case "heading_close":
                self._out.active.pop()
                self._next_line = max(self._next_line, self._heading_end)
            case "inline":
                self._begin(token)
                self._inline(token, self._source.placed(token), self._out)
            case "fence" | "code_block":
                self._code(token)
            case "hr":
                self._begin(token)
                self._out.put(RULE, style="dim")
            case "table_open":
                self._table(token, tokens)

    def _item(self, written: str) -> None:
        number, first = self._numbers[-1]
        sign = "• " if number is None else f"{number}. "
        indent = " " * len(sign)
        if number is not None:
            self._numbers[-1] = number + 1, first
            # Recipients of HTML see items counted, whatever number the text gives them. "1." at all items is usual.
            if written and int(written) not in (number, first):
                sign += f"(written {written}.) "
        self._containers.append([sign, indent])

    def _begin(self, token: Token) -> None:
        """Starts a block's line, after as many empty lines as in the source."""
        first, end = token.map or [self._next_line, self._next_line]
        self._hidden_lines(first)
        if self._out.length:
            self._out.put("\n" * (1 + min(2, self._source.blank_before(first))))
        self._line_start()
        self._next_line = max(self._next_line, end)

    def _line_start(self) -> None:
        for container in self._containers:
            self._out.put(container[0], style="dim")
            container[0] = container[1]

    def _hidden_lines(self, end: int) -> None:
        """Writes out the lines before `end` outside any block: definitions, which no recipient sees."""
        for number in range(self._next_line, end):
            line = self._source.lines[number]
            skipped = PREFIX.match(line)
            at = skipped.end() if skipped else 0
            if at < len(line):
                if self._out.length:
                    self._out.put("\n")
                start = self._source.starts[number]
                self._out.put(line[at:], range(start + at, start + len(line)), "hidden")
        self._next_line = max(self._next_line, end)

    def _code(self, token: Token) -> None:
        self._begin(token)
        first, _ = token.map or [0, 0]
        info = token.info.strip()
        lines = token.content.split("\n")[:-1] if token.content.endswith("\n") else token.content.split("\n")
        if token.type == "fence":
            if info:
                self._out.put(info, self._source.within(first, info, 0), "hidden")
                self._new_line()
            first += 1
        for number, line in enumerate(lines):
            if number:
                self._new_line()
            self._out.put("  ")
            if line:
                self._out.put(line, self._source.at_end(first + number, line), "code")

    def _new_line(self) -> None:
        self._out.put("\n")
        self._line_start()

    def _table(self, opened: Token, tokens: Iterator[Token]) -> None:
        self._begin(opened)
        rows: list[list[Writer]] = []
        cursor, row_line = 0, -1
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
                row_line, cursor = (token.map or [0, 0])[0], 0
            elif token.type == "inline":
                placed = self._source.cell(row_line, token.content, cursor)
                cursor = placed[-1] - self._source.starts[row_line] + 1 if placed else cursor
                cell = Writer()
                cell.active = [*self._out.active, *(["strong"] if len(rows) == 1 else [])]
                self._inline(token, placed, cell)
                rows[-1].append(cell)
            elif token.type == "tr_close":
                rows[-1] += self._left_of_row(row_line, cursor)
        self._next_line = max(self._next_line, (opened.map or [0, 0])[1])
        widths = [max(map(cells, column)) for column in zip(*rows, strict=False)] if rows else []
        lined_up = sum(widths) + 3 * len(widths) <= WIDEST_TABLE
        for number, row in enumerate(rows):
            if number:
                self._new_line()
            for place, cell in enumerate(row):
                if place:
                    self._out.put(" │ ", style="dim")
                self._out.add(cell)
                if lined_up and place < len(row) - 1 and place < len(widths):
                    self._out.put(" " * (widths[place] - cells(cell)))

    def _left_of_row(self, number: int, cursor: int) -> list[Writer]:
        """The part of a table's row beyond its last column, which no recipient sees."""
        line = self._source.lines[number]
        left = line[cursor:].strip("| \t")
        if not left:
            return []
        cell = Writer()
        start = self._source.starts[number] + line.index(left, cursor)
        cell.put(left, range(start, start + len(left)), "hidden")
        return [cell]

    # Inline content

    def _inline(self, token: Token, placed: Sequence[int], out: Writer) -> None:
        links: list[tuple[int, int, Token]] = []
        children = token.children or []
        for child, after in zip_longest(children, children[1:]):
            match child.type:
                case "text":
                    at = child.meta.get("at")
                    if at is None:
                        first = child.meta.get("pos", 0)
                        at = range(first, first + len(child.content))
                    self._put(out, child.content, [placed[one] for one in at])
                case "text_special":
                    self._special(out, child, placed)
                case "code_inline":
                    self._code_span(out, child, token.content, placed)
                case "softbreak" | "hardbreak":
                    out.put("\n")
                    self._line_start()
                case "strong_open" | "em_open" | "s_open":
                    out.active.append(_STYLES[child.type])
                case "strong_close" | "em_close" | "s_close":
                    out.active.pop()
                case "link_open":
                    links.append((out.length, len(out.pieces), child))
                case "link_close":
                    shown = out.length
                    end_link(out, *links.pop())
                    self._replace(out, shown, placed, child.meta["pos"], after)
                case "image":
                    first = child.meta["pos"] + 2
                    out.put("[image: ", style="link")
                    at = [placed[one] for one in range(first, first + len(child.content))]
                    if child.content.strip():
                        self._put(out, child.content.replace("\n", " "), at, "link")
                    else:
                        out.put(NO_DESCRIPTION, style="hidden")
                    shown = out.length
                    out.put(f" ‹{target_words(str(child.attrs.get('src', '')))}›]", style="link")
                    put_title(out, child)
                    self._replace(out, shown, placed, first + len(child.content), after)

    def _replace(self, out: Writer, shown: int, placed: Sequence[int], first: int, after: Token | None) -> None:
        """Records that the text written since `shown` represents the source from `first` up to the next token."""
        last = len(placed)
        if after is not None:
            last = after.meta["at"][0] if after.meta.get("at") else after.meta.get("pos", last)
        if first < last and shown < out.length:
            out.replaced.append(Replaced(placed[first], placed[last - 1] + 1, shown, out.length))

    def _put(self, out: Writer, text: str, at: Sequence[int], style: str = "") -> None:
        if len(text) != len(at):
            raise NotFollowedError
        out.put(text, at, style)

    def _special(self, out: Writer, token: Token, placed: Sequence[int]) -> None:
        """An escaped sign or an entity: shown as written if it would be invisible."""
        first = token.meta["pos"]
        seen = ManyLine(token.content) == token.content and token.content.strip() != ""
        text = token.content if seen else token.markup
        at = [placed[first + min(place, len(token.markup) - 1)] for place in range(len(text))]
        if token.info == "escape" and len(text) == 1:
            at = [placed[first + 1]]
        out.put(text, at, "" if seen or token.content in (" ", "\xa0") else "hidden")

    def _code_span(self, out: Writer, token: Token, content: str, placed: Sequence[int]) -> None:
        first = token.meta["pos"] + len(token.markup)
        if content[first : first + len(token.content)].replace("\n", " ") != token.content:
            first += 1  # one space is removed at either end
        written = content[first : first + len(token.content)].replace("\n", " ")
        if written != token.content:
            raise NotFollowedError
        out.put(token.content, [placed[one] for one in range(first, first + len(token.content))], "code")
