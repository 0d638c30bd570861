"""A list of any length that draws only what is visible: rows are read by page, and moving the cursor repaints two rows.

Subclasses define how rows are read and drawn. The list has keys (an array of row ids, or ids), a bounded cache of rows
and one of drawn lines. When keys change, the cursor stays on its row and the view stays in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar, Generic

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mm_tui import keymap
from mm_tui.widgets.cells import fit_cells
from mm_tui.widgets.list_cache import DrawnLines, Key, Row, Rows, Turns
from mm_tui.widgets.wrapping import wrapped


class VirtualList(ScrollView, Generic[Key, Row], can_focus=True, inherit_bindings=False):
    """The base of all lists. Subclasses implement `fetch_rows` and `draw_row`, and may set `row_height`. Textual's own
    bindings are not inherited: nothing scrolls sideways, so the screen uses left and right."""

    BINDINGS = keymap.bindings("list")
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--row", "list--dim", "list--strong", "list--risk", "list--fail", "list--bar", "list--here",
        "list--here-strong", "list--here-risk", "list--here-fail", "list--mark",
    }  # fmt: skip
    DEFAULT_CSS = """
    VirtualList {
        overflow: hidden auto;
        scrollbar-size-vertical: 0;
        background: $background;
        & > .list--row { color: $foreground; }
        & > .list--dim { color: $mm-dim; }
        & > .list--strong { color: $foreground; text-style: bold; }
        & > .list--risk { color: $mm-risk; }
        & > .list--fail { color: $mm-fail; }
        & > .list--bar { color: $accent; background: $mm-here; }
        & > .list--here { color: $mm-here-text; background: $mm-here; }
        & > .list--here-strong { color: $mm-here-text; background: $mm-here; text-style: bold; }
        & > .list--here-risk { color: $mm-here-risk; background: $mm-here; text-style: bold; }
        & > .list--here-fail { color: $mm-here-fail; background: $mm-here; text-style: bold; }
        & > .list--mark { color: $mm-accent; text-style: bold; }
        &:ansi > .list--here { text-style: reverse; }
        &:ansi > .list--here-strong, &:ansi > .list--here-risk, &:ansi > .list--here-fail { text-style: bold reverse; }
    }
    """

    virtual_size = Reactive(Size(0, 0), repaint=False)
    """There is no scrollbar: the screen is laid out again only when the list starts or stops being scrollable."""

    class Moved(Message):
        """The cursor moved to another row, or to none."""

    class Opened(Message):
        """The user opened the row under the cursor, by key or by mouse."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._keys: Sequence[Key] = ()
        self._cursor = 0
        self.wants_last = False
        """Whether the reader last asked for the last row: of a list that is still being read, more may follow."""
        self._turns = Turns()
        self._rows: Rows[Key, Row] = Rows()
        self._strips: DrawnLines[Key] = DrawnLines()
        self._named_styles: dict[str, Style] = {}
        self._drawn_width = 0
        """The width in cells of all cached lines."""
        self._height = 1
        self._drawn = True
        """Whether the rows that `set_keys` brought into view have been drawn."""
        self._after_drawing: list[Callable[[], object]] = []
        self.empty_words: tuple[str, ...] = ()
        """The text shown without rows: why there are none, and what to do next."""

    # For subclasses

    def fetch_rows(self, keys: Sequence[Key]) -> Sequence[Row]:
        """Reads the rows of these keys from the store, in their order. Called on the UI thread: at most 2 ms."""
        raise NotImplementedError

    def draw_row(self, row: Row, line: int, width: int, here: bool) -> list[Segment]:
        """Draws one line (0 to `row_height` - 1) of a row from `fetch_rows`, in segments that should fill the width.
        `here`: the cursor is on it."""
        raise NotImplementedError

    def index_of(self, key: Key) -> int | None:
        """The index of `key`, or None. Subclasses with ordered keys override it with something faster."""
        try:
            return self._keys.index(key)
        except ValueError:
            return None

    # Rows

    @property
    def keys(self) -> Sequence[Key]:
        return self._keys

    @property
    def keys_in_view(self) -> Sequence[Key]:
        """The keys of the visible rows, in order."""
        return self._in_view()[2]

    @property
    def cursor(self) -> int:
        return self._cursor

    @property
    def is_last(self) -> bool:
        return self._cursor + 1 >= len(self._keys)

    @property
    def current_key(self) -> Key | None:
        """The key under the cursor; None if the list is empty."""
        return self._keys[self._cursor] if self._keys else None

    @property
    def current_row(self) -> Row | None:
        return self.row_at(self._cursor) if self._keys else None

    @property
    def row_height(self) -> int:
        """Lines per row."""
        return self._height

    @row_height.setter
    def row_height(self, lines: int) -> None:
        if lines != self._height:
            top = self.scroll_offset.y // self._height
            self._height = lines
            self._strips.clear()
            self._resize_content()
            self.scroll_to(y=top * lines, animate=False)
            self._show_cursor()
            self.refresh()

    def row_at(self, index: int) -> Row:
        return self._rows.at(self._keys, index, self.fetch_rows)

    def set_keys(self, keys: Sequence[Key], *, go_first: bool = False) -> None:
        """Shows other keys. The cursor stays on its row and the view in place, unless `go_first`. If the row under the
        cursor is gone, the cursor moves to the row that took its place."""
        old_key, old_cursor, old_top = self.current_key, self._cursor, self.scroll_offset.y
        before = self._in_view()
        self._keys = keys
        found = None if go_first or old_key is None else self.index_of(old_key)
        self._cursor = 0 if go_first else max(0, min(old_cursor if found is None else found, len(keys) - 1))
        moved = self._cursor - old_cursor
        self._resize_content()
        top = 0 if go_first else old_top
        last_line = (self._cursor + 1) * self._height
        if found is not None and moved and (old_top > 0 or last_line > self._view_height()):
            # At the very top new rows may push the others down; elsewhere nothing visible moves.
            top = old_top + moved * self._height
        self.scroll_to(y=max(0, top), animate=False)
        if self._in_view() != before:
            self._drawn = False
            self.refresh()
        if self.current_key != old_key:
            self.post_message(self.Moved())
        if (self.current_key is None) != (old_key is None):
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers `open` only if there is a row to open."""
        return action != "open" or self.current_key is not None

    def after_drawing(self, call: Callable[[], object]) -> None:
        """Calls the function once the rows that `set_keys` brought into view have been drawn."""
        if self._drawn:
            call()
        else:
            self._after_drawing.append(call)

    def _in_view(self) -> tuple[int, int, Sequence[Key]]:
        """Everything except the rows that the picture depends on: scroll position, cursor, keys in view."""
        top = self.scroll_offset.y
        first, last = top // self._height, (top + self._view_height()) // self._height + 1
        return top, self._cursor, tuple(self._keys[first:last])

    def forget_rows(self, keys: Iterable[Key] | None = None) -> None:
        """Reads rows again: those of `keys`, or all."""
        if keys is None:
            self._rows.clear()
        else:
            for key in keys:
                self._rows.pop(key, None)
        self.redraw()

    def redraw(self) -> None:
        """Draws all visible rows again. The driver writes only the cells that changed."""
        self._strips.clear()
        self.refresh()

    def redraw_ages(self) -> None:
        """Redraws the next few visible rows, if they changed. Call it every five seconds."""
        seen = list(self.indexes_in_view)
        for at in self._turns.next(len(seen), attended=getattr(self.app, "is_attended", True)):
            index, key = seen[at]
            for line in range(self._height):
                y = index * self._height + line - self.scroll_offset.y
                if 0 <= y < self.size.height:
                    before = self.render_line(y)
                    self._strips.pop((key, line, index == self._cursor), None)
                    if self.render_line(y) != before:
                        self.refresh(Region(0, y, self.size.width, 1))

    @property
    def indexes_in_view(self) -> Iterator[tuple[int, Key]]:
        """The rows that are on the screen: where each stands, and its key."""
        first = self.scroll_offset.y // self._height
        return enumerate(self._in_view()[2], start=first)

    def forget_row(self, key: Key) -> None:
        """Reads a row that is not in view again when it comes into view."""
        self._rows.pop(key, None)
        self._strips.forget(key, self._height)

    def redraw_row(self, index: int) -> None:
        self._strips.forget(self._keys[index], self._height)
        self.refresh_lines(index * self._height, self._height)

    # Moving

    def move_to(self, index: int) -> None:
        """Moves the cursor to `index`, or the nearest valid one, and scrolls it into view."""
        index = max(0, min(index, len(self._keys) - 1))
        old, self.wants_last = self._cursor, False
        if index != old and self._keys:
            self._cursor = index
            self.refresh_lines(old * self._height, self._height)
            self.refresh_lines(index * self._height, self._height)
            self.post_message(self.Moved())
        self._show_cursor()

    def _view_height(self) -> int:
        return max(1, self.size.height)

    def _show_cursor(self) -> None:
        first, height, top = self._cursor * self._height, self._view_height(), self.scroll_offset.y
        if first < top:
            self.scroll_to(y=first, animate=False)
        elif first + self._height > top + height:
            self.scroll_to(y=first + self._height - height, animate=False)

    def _resize_content(self) -> None:
        before, height = self.virtual_size.height, len(self._keys) * self._height
        self.virtual_size = Size(self.size.width, height)
        if (height > self._view_height()) != (before > self._view_height()):
            self.refresh(layout=True)

    def on_resize(self) -> None:
        self._strips.clear()
        self._resize_content()
        self._show_cursor()

    def action_cursor_down(self) -> None:
        self.move_to(self._cursor + 1)

    def action_cursor_up(self) -> None:
        self.move_to(self._cursor - 1)

    def action_page_down(self) -> None:
        self.move_to(self._cursor + max(1, self._view_height() // self._height - 1))

    def action_page_up(self) -> None:
        self.move_to(self._cursor - max(1, self._view_height() // self._height - 1))

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(len(self._keys) - 1)
        self.wants_last = True

    def action_open(self) -> None:
        if self.current_key is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        index = (event.y + self.scroll_offset.y) // self._height
        if index < len(self._keys):
            self.focus()
            self.move_to(index)
            if event.chain == 2:
                self.action_open()

    # Drawing

    def style(self, name: str) -> Style:
        """The terminal style of a component class, e.g. `style("dim")`."""
        # Textual forgets its own copy with each refresh.
        if (known := self._named_styles.get(name)) is None:
            known = self._named_styles[name] = self.get_component_rich_style(f"list--{name}")
        return known

    def notify_style_update(self) -> None:
        self._strips.clear()
        self._named_styles.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        self._drawn = True
        while self._after_drawing:
            self.call_later(self._after_drawing.pop())
        return strips

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._keys:
            return self._empty_line(y, width)
        index, line = divmod(y + self.scroll_offset.y, self._height)
        if index >= len(self._keys):
            return Strip.blank(width, self.style("row"))
        if width != self._drawn_width:
            # A new width is painted before the resize event arrives.
            self._strips.clear()
            self._drawn_width = width
        here = index == self._cursor
        place = (self._keys[index], line, here)
        if (cached := self._strips.get(place)) is not None:
            return cached
        strip = Strip(self.draw_row(self.row_at(index), line, width, here)).adjust_cell_length(
            width, self.style("here" if here else "row")
        )
        self._strips.add(place, strip)
        return strip

    def _empty_line(self, y: int, width: int) -> Strip:
        lines = [(" ", "dim")]
        for at, words in enumerate(filter(None, self.empty_words)):
            name = "strong" if at == 0 else "dim"
            lines += [(words[start:end], name) for start, end in wrapped(words, max(20, width - 5))]
        text, name = lines[y] if y < len(lines) else ("", "dim")
        return Strip([Segment(fit_cells(f"   {text}", width), self.style(name))], width)
