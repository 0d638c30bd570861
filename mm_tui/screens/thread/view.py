"""The view of a thread: one line per folded message, and open ones wrapped below their heads.

It uses Textual's line API and draws only what is visible, so a body of 262,144 characters or a thread of a thousand
messages costs no more than a screen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mm_tui.messages import session_of
from mm_tui.review.render_pass import RenderPass, plain
from mm_tui.screens.rendering import BodiesRendered, render_later
from mm_tui.screens.status_words import chip
from mm_tui.screens.thread.lines import NOTHING, MessageItem, Pieces, head, lay, styled
from mm_tui.text import OneLine
from mm_tui.widgets.cells import at_most, fit_address, fit_cells
from mm_tui.widgets.words import age

INDENT = 3
MAX_TEXT = 96
"""The width in cells to wrap bodies to on wide terminals: longer lines are hard to read."""
SENDER, LEAST_SENDER = 44, 12


class ThreadView(ScrollView, can_focus=True, inherit_bindings=False):
    """The messages of a thread, oldest first. The `thread.*` keys act on the current one."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "thread--row", "thread--dim", "thread--strong", "thread--risk", "thread--fail", "thread--bar",
        "thread--emphasis", "thread--struck", "thread--code", "thread--link",
    }  # fmt: skip
    DEFAULT_CSS = """
    ThreadView {
        overflow: hidden auto;
        scrollbar-size-vertical: 0;
        background: $background;
        & > .thread--row { color: $foreground; }
        & > .thread--dim { color: $mm-dim; }
        & > .thread--strong { color: $foreground; text-style: bold; }
        & > .thread--risk { color: $mm-risk; }
        & > .thread--fail { color: $mm-fail; text-style: bold; }
        & > .thread--bar { color: $accent; }
        & > .thread--emphasis { color: $foreground; text-style: italic; }
        & > .thread--struck { color: $mm-dim; text-style: strike; }
        & > .thread--code { color: $foreground; background: $panel; }
        & > .thread--link { color: $foreground; text-style: underline; }
    }
    """

    @dataclass(eq=False, repr=False)
    class Toggled(Message):
        """The reader unfolded a message whose body is not loaded yet."""

        item: MessageItem

    class Turned(Message):
        """Posted when another message becomes the current one."""

    def __init__(self, *, now_ms: int, is_test: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._items: list[MessageItem] = []
        self._tops: list[int] = []
        self._current = 0
        self._laid_for = 0
        self._sender_cells = SENDER
        self.now_ms, self._is_test = now_ms, is_test
        self._as_source = False
        """Whether bodies are shown as written, not as a recipient reads them."""
        self._bodies = RenderPass()

    # The messages

    @property
    def items(self) -> Sequence[MessageItem]:
        return self._items

    @property
    def current(self) -> MessageItem | None:
        """The message that keys act on."""
        return self._items[self._current] if self._items else None

    def show(self, items: Sequence[MessageItem], current: int) -> None:
        self._items = list(items)
        self._current = max(0, min(current, len(self._items) - 1))
        self._lay_all()
        self._bring_into_view()

    def add(self, item: MessageItem, at: int) -> None:
        """Inserts a message at its place in the thread; the text being read stays in place."""
        offset = self._offset if self._items else 0
        self._current += bool(self._items) and at <= self._current
        self._items.insert(at, item)
        self._lay_around(offset)

    def changed(self, item: MessageItem) -> None:
        """Lays `item` out again; what is on top of the view stays there."""
        at = self._items.index(item)
        before = item.height
        top = self.scroll_offset.y
        self._lay(item)
        self._measure()
        if self._tops[at] < top and at != self._current:
            self.scroll_to(y=top + item.height - before, animate=False)
        self.refresh()

    def unfold(self, item: MessageItem, unfolded: bool) -> None:
        """Opens or folds a message; asks for its body if it is not loaded."""
        item.open = unfolded
        self.changed(item)
        self._bring_into_view()
        if unfolded and item.detail is None:
            self.post_message(self.Toggled(item))

    def toggle_source(self) -> bool:
        """Switches between bodies as written and as read. Returns whether they are shown as written."""
        self._as_source = not self._as_source
        self._bodies = RenderPass(as_source=self._as_source)
        self._lay_all()
        self._bring_into_view()
        return self._as_source

    def on_bodies_rendered(self, message: BodiesRendered) -> None:
        """Shows the rendered bodies; the message being read stays in place."""
        for item in self._items:
            if item.laid[0] in message.bodies:
                item.laid = ("", 0, False)
        if self._items:
            self._lay_around(self._offset)

    # Layout

    @property
    def _offset(self) -> int:
        """How many lines of the current message are above the view."""
        return self.scroll_offset.y - self._tops[self._current]

    def _lay_around(self, offset: int) -> None:
        """Lays everything out with `offset` lines of the current message above the view."""
        self._lay_all()
        self.scroll_to(y=self._tops[self._current] + min(offset, self._items[self._current].height), animate=False)

    def _lay_all(self) -> None:
        for item in self._items:
            self._lay(item)
        self._measure()
        self.refresh()

    def _room(self) -> int:
        return max(20, min(MAX_TEXT, self.size.width - INDENT - 1))

    def _lay(self, item: MessageItem) -> None:
        if not item.open:
            item.head, item.body, item.laid = [], NOTHING, ("", 0, False)
            return
        width = self._room()
        opening = self._items[0].row.subject if self._items else ""
        item.head = head(item, max(20, self.size.width - INDENT - 1), opening, session_of(self).settings.keys)
        body = item.detail.body if item.detail is not None and self.size.width else ""
        if item.laid != (body, width, self._as_source):
            item.laid = (body, width, self._as_source)
            item.body = lay(self._bodies.of(body), width)

    def _measure(self) -> None:
        self._sender_cells = min(SENDER, max((cell_len(item.row.sender) for item in self._items), default=SENDER))
        tops, at = [], 0
        for item in self._items:
            tops.append(at)
            at += item.height
        self._tops = tops
        self.virtual_size = Size(self.size.width, at)
        render_later(self, self._bodies)
        self._bodies = RenderPass(as_source=self._as_source)

    def on_resize(self) -> None:
        if self.size.width != self._laid_for and self._items:
            self._laid_for = self.size.width
            self._lay_around(self._offset)
        elif self._items and self._offset <= 0:
            # The card above took room: what was at the bottom stays in view.
            self._bring_into_view()

    # Moving

    def line_down(self) -> None:
        """Scrolls down one line in an open message, or moves to the next message."""
        item = self.current
        if item is None:
            return
        end = self._tops[self._current] + item.height
        if item.open and end > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=self.scroll_offset.y + 1, animate=False)
        else:
            self.turn(1)

    def line_up(self) -> None:
        if self.current is None:
            return
        if self._tops[self._current] < self.scroll_offset.y:
            self.scroll_to(y=self.scroll_offset.y - 1, animate=False)
        else:
            self.turn(-1)

    def turn(self, by: int) -> None:
        """Makes the message `by` positions further on current."""
        self.turn_to(self._current + by)

    def turn_to(self, index: int) -> None:
        index = max(0, min(index, len(self._items) - 1))
        if not self._items:
            return
        if index != self._current:
            for at in (self._current, index):
                self.refresh_lines(self._tops[at], self._items[at].height)
            self._current = index
            self.post_message(self.Turned())
        self._bring_into_view()

    def page(self, by: int) -> None:
        """Scrolls by pages; the current message follows when it leaves the view."""
        if not self._items:
            return
        height = max(1, self.size.height - 2)
        self.scroll_to(y=max(0, self.scroll_offset.y + by * height), animate=False)
        top = self.scroll_offset.y
        first, last = self._tops[self._current], self._tops[self._current] + self._items[self._current].height
        if last <= top or first >= top + self.size.height:
            index = self._item_at(top if by > 0 else top + self.size.height - 1)
            self.refresh()
            self._current = index
            self.post_message(self.Turned())

    def _bring_into_view(self) -> None:
        if not self._items:
            return
        first, tall = self._tops[self._current], self._items[self._current].height
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if first < top or tall > height:
            if not (first <= top < first + tall - height):
                self.scroll_to(y=first, animate=False)
        elif first + tall > top + height:
            self.scroll_to(y=first + tall - height, animate=False)

    def _item_at(self, line: int) -> int:
        return max(0, min(bisect_right(self._tops, line) - 1, len(self._items) - 1))

    def on_click(self, event: events.Click) -> None:
        line = event.y + self.scroll_offset.y
        index = self._item_at(line)
        if self._items:
            self.focus()
            on_head = line == self._tops[index]
            self.turn_to(index)
            if on_head:
                self.unfold(self._items[index], not self._items[index].open)

    # Drawing

    def style(self, name: str) -> Style:
        return self.get_component_rich_style(f"thread--{name}")

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        at = y + self.scroll_offset.y
        if not self._items or at >= self.virtual_size.height:
            return Strip.blank(width, self.style("row"))
        index = self._item_at(at)
        item, line = self._items[index], at - self._tops[index]
        bar = ("▌" if index == self._current else " ", "bar")
        pieces = self._first(item, width) if line == 0 else self._inner(item, line)
        segments = [Segment(text, self.style(style)) for text, style in (bar, *pieces) if text]
        return Strip(segments).adjust_cell_length(width, self.style("row"))

    def _first(self, item: MessageItem, width: int) -> Pieces:
        row = item.row
        word, chip_style = chip(row, is_test=self._is_test)
        when = "" if row.received_at is None else age(self.now_ms - row.received_at)
        start: Pieces = [
            ("▾ " if item.open else "▸ ", "dim"),
            ("●" if row.status == "unread" else " ", "dim"),
            (f"{when:>4}  ", "dim"),
        ]
        left = width - 10 - len(word) - 2
        sender = str(row.sender)
        if item.unsent:
            state = f"▲ {OneLine(item.unsent)}  "
            shown = at_most(state, left)
            start.append((shown, "risk"))
            left -= cell_len(shown)
        if item.open:
            name = f"  {row.sender_name}" if row.sender_name else ""
            shown = fit_address(sender, min(left, cell_len(sender)))
            start += [(shown, "dim" if item.unsent else "strong"), (fit_cells(name, left - cell_len(shown)), "dim")]
        else:
            gist = _gist(item)
            narrow = min(self._sender_cells, left // 2 if gist or left < LEAST_SENDER else left)
            start += [
                (fit_address(sender, narrow) if left >= LEAST_SENDER else "", "dim" if item.unsent else "row"),
                (fit_cells(f"  {gist}", left - narrow if left >= LEAST_SENDER else left), "dim"),
            ]
        return [*start, (f" {word} ", chip_style)]

    def _inner(self, item: MessageItem, line: int) -> Pieces:
        blank = ("┊" + " " * (INDENT - 2), "risk") if item.unsent else (" " * (INDENT - 1), "row")
        if line < len(item.head):
            return [blank, *item.head[line]]
        at = line - len(item.head)
        if item.detail is None or at >= len(item.body.lines):
            return []
        return [blank, *styled(item.body, at, "dim" if item.unsent else "row")]


def _gist(item: MessageItem) -> str:
    """The gist of a folded message, on one line."""
    if item.row.summary:
        return OneLine(plain(item.row.summary))
    if item.detail is not None:
        for line in item.detail.body[:2000].split("\n"):
            if line.strip() and not line.startswith(">"):
                return OneLine(plain(line.strip()))
    return ""
