"""A pager for long text: wrapped once, drawn line by line, with marks. It knows which parts have been seen.

Everything to read before a decision (draft, difference) is shown in a `Pager`, so that "all of it has been on the
screen" means the same everywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import ClassVar, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from mm_tui import keymap
from mm_tui.clock import DWELL_SECONDS
from mm_tui.terminal.arrival import once_arrived
from mm_tui.widgets.marks import Mark, MarkIndex, with_sentences
from mm_tui.widgets.unread import Unread, within
from mm_tui.widgets.wrapping import TAB, quote_before, wrapped

MIN_WIDTH = 8


class Page(NamedTuple):
    """A clean text with its marks. Where marks overlap, later ones win."""

    text: str = ""
    marks: tuple[Mark, ...] = ()
    needed: int | None = None
    """Up to where the text must have been on the screen to count as seen; None: all of it."""


class PageWriter:
    """Builds a page piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._marks: list[Mark] = []
        self._length = 0

    def write(self, text: str, style: str = "", marks: Iterable[Mark] = ()) -> None:
        """Appends clean text. The positions of `marks` are relative to it."""
        start = self._length
        self._pieces.append(text)
        self._length += len(text)
        if style:
            self._marks.append(Mark(start, self._length, style))
        self._marks.extend(mark._replace(start=start + mark.start, end=start + mark.end) for mark in marks)

    def line(self, text: str = "", style: str = "") -> None:
        """Appends clean text and a line break."""
        self.write(text, style)
        self.write("\n")

    @property
    def length(self) -> int:
        """The number of characters so far."""
        return self._length

    def page(self, needed: int | None = None) -> Page:
        """The page, without line breaks at its end; `needed` as for `Page`."""
        text = "".join(self._pieces)
        kept = len(text.rstrip("\n"))
        return Page(text[:kept], tuple(mark for mark in self._marks if mark.start < kept), needed)


def quote_marks(text: str) -> list[Mark]:
    """Dim marks on the quoted lines (`> …`) of an email."""
    marks: list[Mark] = []
    at = 0
    for line in text.split("\n"):
        if line.startswith(">"):
            marks.append(Mark(at, at + len(line), "dim"))
        at += len(line) + 1
    return marks


class Pager(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows a text of any length. Posts `EndSeen` once every line of a page that must be seen was on the screen for a
    moment."""

    BINDINGS = keymap.bindings("paper")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pager--text", "pager--dim", "pager--strong", "pager--risk", "pager--fail", "pager--added", "pager--removed",
        "pager--accent", "pager--emphasis", "pager--struck", "pager--code", "pager--link",
        "pager--reader", "pager--here",
    }  # fmt: skip
    DEFAULT_CSS = """
    Pager {
        background: $background;
        overflow: hidden auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        padding: 0 1;
        & > .pager--text { color: $foreground; }
        & > .pager--dim { color: $mm-dim; }
        & > .pager--strong { color: $foreground; text-style: bold; }
        & > .pager--accent { color: $mm-accent; }
        & > .pager--emphasis { color: $foreground; text-style: italic; }
        & > .pager--struck { color: $mm-dim; text-style: strike; }
        & > .pager--code { color: $foreground; background: $panel; }
        & > .pager--link { color: $foreground; text-style: underline; }
        & > .pager--reader { color: $mm-accent; text-style: underline; }
        & > .pager--risk { color: $mm-risk; text-style: underline; }
        & > .pager--fail { color: $mm-fail; text-style: bold underline; }
        & > .pager--here { color: $foreground; text-style: bold reverse; }
        & > .pager--added { color: $success; text-style: bold underline; }
        & > .pager--removed { color: $mm-fail; text-style: strike; }
    }
    """

    @dataclass(eq=False, repr=False)
    class EndSeen(Message):
        """Every line of the page has been on the screen for the dwell time, in any order."""

        page_name: str

    class LinesSeen(Message):
        """Another number of lines is left to read."""

    class NothingLeft(Message):
        """The reader asks for more at the end of a page whose lines have all been on the screen."""

    class RoomChanged(Message):
        """The line width changed: a page built for a width must be built again."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._laid_out_for = 0
        self._page = Page()
        self._page_name = ""
        self._unread = Unread()
        self._painted: object = None
        """The view that was painted last; see `_view`."""
        self._once_painted: list[Callable[[], object]] = []
        self._lines: list[tuple[int, int]] = [(0, 0)]
        self._wrapped_for = 0
        self._marks = MarkIndex()
        self._here: Mark | None = None
        """The marked words that the reader went to last."""
        self._dwell: Timer | None = None

    # What is shown

    def show(self, page: Page, name: str, *, keep_place: bool = False) -> None:
        """Shows a page. `name` identifies it, and is repeated in `EndSeen`. `keep_place`: keep the scroll position, for
        a page that changed only a little."""
        top = self.scroll_offset.y if keep_place else 0
        if name == self._page_name and page == self._page:
            self.scroll_to(y=top, animate=False)
            return
        if (name, page.text, page.needed) != (self._page_name, self._page.text, self._page.needed):
            whole = len(page.text) + 1
            self._unread.begin(whole if page.needed is None else min(page.needed, whole))
        self._page, self._page_name = page, name
        self._highlight(self._here if self._here in with_sentences(page.text, page.marks) else None)
        self._wrapped_for = 0
        self._wrap()
        self.scroll_to(y=top, animate=False)
        self.refresh()

    @property
    def room(self) -> int:
        """The width of a line in cells."""
        return max(MIN_WIDTH, self.scrollable_content_region.width)

    @property
    def page(self) -> Page:
        return self._page

    @property
    def lines_unread(self) -> int:
        """The number of drawn lines that are left to read."""
        return sum(1 for at in range(len(self._lines)) if self._is_unseen(at))

    @property
    def is_waiting(self) -> bool:
        """Whether something on the screen has not been there for the dwell time."""
        return self._unread.is_waiting

    @property
    def top(self) -> int:
        """The position in the text of the first line on the screen."""
        return self._lines[min(self.scroll_offset.y, len(self._lines) - 1)][0]

    @property
    def page_name(self) -> str:
        return self._page_name

    def once_painted(self, call: Callable[[], object]) -> None:
        """Calls the function once the current content has been laid out and painted."""
        self._once_painted.append(call)
        self.refresh()

    def _is_unseen(self, at: int) -> bool:
        start, end = self._lines[at][0], self._line_end(at)
        return bool(within(self._unread.left, start, end))

    def _line_end(self, at: int) -> int:
        """The start of the next drawn line: the spaces at which a line was broken belong to it."""
        return self._lines[at + 1][0] if at + 1 < len(self._lines) else len(self._page.text) + 1

    def _view(self) -> object:
        """Everything that determines which text is on the screen."""
        return self._page_name, self._page.text, self._wrapped_for, self.scroll_offset.y, self.size.height

    def look(self) -> None:
        """Records what has been painted; posts `EndSeen` once the whole page was, all of it for a moment. Skipped text
        has not been seen, nor what flew past, nor a page behind a dialog."""
        if not self._is_painted():
            self._unread.hides()
            return
        while self._once_painted:
            self._once_painted.pop(0)()
        if self._dwell is not None:
            self._dwell.stop()
            self._dwell = None
        if not self._page_name:
            return
        top = min(self.scroll_offset.y, len(self._lines) - 1)
        bottom = min(top + self.size.height, len(self._lines)) - 1
        before = self._unread.left
        self._unread.shows(self._lines[top][0], self._line_end(bottom), self._painted)
        if self._unread.left != before:
            self.post_message(self.LinesSeen())
        if self._unread.is_waiting or not self._unread.left:
            if getattr(self.screen, "DECIDES", False):
                once_arrived(self, partial(self._arrived, self._painted))
            else:
                self._arrived(self._painted, monotonic())

    def _arrived(self, painted: object, at: float) -> None:
        """What was painted then is now on the terminal."""
        self._unread.arrived(painted, at)
        if not self._is_visible():
            self._unread.hides()
        elif self._painted == painted and self._is_painted() and self._dwell is None:
            self._dwell = self.set_timer(DWELL_SECONDS, partial(self._dwelt, self._painted))

    def _dwelt(self, painted: object) -> None:
        """What was painted then has been visible for the dwell time, if it is what is painted still."""
        # A busy program gets to the timer late: another page may have come before `look` could stop it.
        if self._painted is not painted:
            return
        self._dwell = None
        if not self._is_visible():
            self._unread.hides()
        elif self._is_painted():
            self._unread.dwelt()
            if not self._unread.left:
                self.post_message(self.EndSeen(self._page_name))

    def _is_visible(self) -> bool:
        """Whether nothing covers it."""
        return self.is_mounted and self.screen.is_active and self.is_on_screen and self.size.height > 0

    def _is_painted(self) -> bool:
        return self._is_visible() and self._wrapped_for == self.room and self._painted == self._view()

    def _wrap(self) -> None:
        width = self.room
        if width != self._wrapped_for:
            self._wrapped_for = width
            self._lines = wrapped(self._page.text, width)
        self.virtual_size = Size(width, len(self._lines))

    def on_resize(self) -> None:
        # The terminal may have been smaller for a while, and not have shown all that was painted.
        self._unread.hides()
        if self._laid_out_for != self.room:
            self._laid_out_for = self.room
            self.post_message(self.RoomChanged())
        first = self.top
        self._wrap()
        self.scroll_to(y=max(0, self._line_at(first)), animate=False)

    # Moving

    def action_pager_down(self) -> None:
        self.scroll_relative(y=1, animate=False)

    def action_pager_up(self) -> None:
        self.scroll_relative(y=-1, animate=False)

    def action_pager_page_down(self) -> None:
        if self._page_name and self._unread.left and self.scroll_offset.y >= self.max_scroll_y:
            # The skipped text is left to read.
            self.scroll_to(y=next(at for at in range(len(self._lines)) if self._is_unseen(at)), animate=False)
        else:
            if self._page_name and self.scroll_offset.y >= self.max_scroll_y:
                self.post_message(self.NothingLeft())
            self.scroll_relative(y=max(1, self.size.height - 2), animate=False)

    def action_pager_page_up(self) -> None:
        self.scroll_relative(y=-max(1, self.size.height - 2), animate=False)

    def action_pager_first(self) -> None:
        self.scroll_to(y=0, animate=False)

    def action_pager_last(self) -> None:
        self.scroll_to(y=len(self._lines), animate=False)

    def show_first(self, styles: Collection[str]) -> None:
        """Goes to the first words in one of these styles, unless they are on the screen."""
        first = next((mark for mark in self._page.marks if mark.style in styles), None)
        if first is not None and self.size.height and not self._begins_in_view(first):
            above = self.size.height // 3
            self.scroll_to(y=max(0, self._line_at(first.start) - above), animate=False, immediate=True)

    # From one sentence to the next

    @property
    def words_here(self) -> Mark | None:
        """The marked words that the reader went to last, if they are still on the page."""
        return self._here

    def go_to_words(self, step: int) -> tuple[int, int] | None:
        """Goes to the next words that have a sentence, with -1 to the previous ones, and highlights them. If the last
        ones are not on the screen any more, it starts from what is. Returns their number in the order of the text, from
        1, and how many there are; None without any."""
        found, here = with_sentences(self._page.text, self._page.marks), self._here
        if not found:
            return None
        if here is not None and self._begins_in_view(here):
            at = found.index(here) + step
        elif step > 0:
            at = next((at for at, mark in enumerate(found) if mark.start >= self.top), 0)
        else:
            at = sum(mark.start < self.top for mark in found) - 1
        at %= len(found)
        self._highlight(found[at])
        first, last = self._line_at(found[at].start), self._line_at(found[at].end - 1)
        if not (self._begins_in_view(found[at]) and last < self.scroll_offset.y + self.size.height):
            above = max(0, min(self.size.height // 3, self.size.height - (last - first + 1)))
            self.scroll_to(y=max(0, first - above), animate=False, immediate=True)
        self.refresh()
        return at + 1, len(found)

    def _highlight(self, words: Mark | None) -> None:
        self._here = words
        here = [words._replace(style="here")] if words is not None else []
        self._marks = MarkIndex((*self._page.marks, *here))

    def _begins_in_view(self, mark: Mark) -> bool:
        top = self.scroll_offset.y
        return top <= self._line_at(mark.start) < top + self.size.height

    def _line_at(self, at: int) -> int:
        """The drawn line with this position of the text."""
        return bisect_right(self._lines, at, key=lambda line: line[0]) - 1

    # Drawing

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"pager--{name}")

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        # What is painted here is written to the terminal before the next message is processed.
        self._painted = self._view()
        self.call_later(self.look)
        return strips

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        at = y + self.scroll_offset.y
        if at >= len(self._lines):
            return Strip.blank(width, self._style("text"))
        start, end = self._lines[at]
        segments = [
            Segment(self._page.text[a:b].replace("\t", " " * TAB), self._style(style))
            for a, b, style in self._marks.pieces(start, end, "text")
        ]
        if before := quote_before(self._page.text, start, self._wrapped_for):
            segments.insert(0, Segment(before, self._style("dim")))
        return Strip(segments).adjust_cell_length(width, self._style("text"))
