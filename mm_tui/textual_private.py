"""Uses of Textual's private names. A test checks that each still exists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from textual._compositor import Compositor, ReflowResult
from textual.app import App
from textual.binding import ActiveBinding
from textual.geometry import Region, Size
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import OptionList
from textual.worker import Worker

if TYPE_CHECKING:
    from textual.document._wrapped_document import WrappedDocument
    from textual.widgets import TextArea


def write_to_terminal(app: App[Any], sequences: str) -> None:
    """Writes control sequences after everything painted so far; does nothing without a terminal."""
    if app._driver is not None:
        app._driver.write(sequences)
        app._driver.flush()


def forget_shown(app: App[Any], at: float | None = None) -> None:
    """Forgets what the terminal shows, so that the next paint is written in full. `at` is as for the driver."""
    forget: Callable[[float | None], None] | None = getattr(app._driver, "forget_shown", None)
    if forget is not None:
        forget(at)


def is_wrapped(area: TextArea) -> bool:
    """Whether the text is already wrapped as wide as it is shown: edits wrap what they change. Textual wraps all of it
    again with every option that is set and every layout, each time 30 ms for a long draft."""
    wrapped = area.wrapped_document
    return (wrapped._width, wrapped._tab_width) == (area.wrap_width, area.indent_width)


def mend_text_areas() -> None:
    """Makes long lines in text areas fast. Not in `mend_textual`, as no text area is needed for the first frame."""
    from textual.document._wrapped_document import WrappedDocument

    WrappedDocument.get_sections = _get_sections  # type: ignore[method-assign]
    # Textual adds up the heights of all lines for each line that it draws.
    WrappedDocument.height = property(lambda self: len(self._offset_to_line_info))  # type: ignore[method-assign, assignment]


def mend_textual() -> None:
    """Makes Textual paint and dispatch less, and report more: the reasons are at each method that replaces one."""
    Screen._compositor_refresh = _refresh  # type: ignore[method-assign, assignment]
    Compositor._get_renders = _get_renders  # type: ignore[method-assign]
    Compositor.reflow = _reflow  # type: ignore[method-assign]
    MessagePump._get_dispatch_methods = _get_dispatch_methods  # type: ignore[method-assign]
    OptionList._move_page = _move_page  # type: ignore[method-assign]
    # The app hears of all workers, to show the errors; Textual notifies only the widget or screen that ran one.
    Worker.StateChanged.bubble = True


def active_binding(screen: Screen[Any], key: str) -> ActiveBinding | None:
    """`screen.active_bindings.get(key)`, without looking at all other keys."""
    found: ActiveBinding | None = None
    for node, bindings in screen._modal_binding_chain:
        for binding in bindings.key_to_bindings.get(key, ()):
            state = screen.app._check_action_state(binding.action, node)
            if state is not False and (found is None or (binding.priority and not found.binding.priority)):
                found = ActiveBinding(node, binding, bool(state), binding.tooltip)
    return found


_reflow_since_last_layout = Compositor.reflow


def _reflow(self: Compositor, parent: Widget, size: Size) -> ReflowResult:
    """Reports the new size to every widget whose size changed since the last layout. Textual may compute the map of a
    layout early, when a widget's position is requested. It then compares the layout with that map, finds no change, and
    the widgets keep lines made for their old width."""
    # The map is stored in the compositor, so that it is freed with its screen.
    self._full_map = vars(self).get("map_of_last_layout", self._full_map)
    changes = _reflow_since_last_layout(self, parent, size)
    vars(self)["map_of_last_layout"] = self._full_map
    return changes


_all_renders = Compositor._get_renders


def _get_renders(self: Compositor, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
    """Renders the changed lines alone, and nothing that is behind a widget that has them all. Textual renders every
    visible widget in full, and then keeps what is in front of the changed lines: a third of the time of a move in a
    list."""
    if crop is None:
        yield from _all_renders(self)
        return
    for widget, (region, clip) in self.visible_widgets.items():
        seen = region.intersection(clip)
        if seen.overlaps(crop):
            lines = clip.intersection(Region(clip.x, crop.y, clip.width, crop.height))
            yield region, lines, widget.render_lines(region.intersection(lines).translate(-region.offset))
            if seen.contains_region(crop):
                # All others are behind it.
                return


_all_dispatch_methods = MessagePump._get_dispatch_methods
_handlers: dict[tuple[type, str], list[tuple[type, str]] | None] = {}
"""The class and name of each handler of a message, in order. None: some are decorated, and Textual looks for them."""


def _get_dispatch_methods(
    self: MessagePump, method_name: str, message: Message
) -> Iterable[tuple[type, Callable[[Message], Awaitable[object]]]]:
    """Remembers by class which methods handle which messages. Textual looks through all base classes for each of the
    fifty messages that follow a key: a tenth of the time of a move in a list."""
    place = type(self), method_name
    if place not in _handlers:
        classes = [(cls, vars(cls)) for cls in type(self).mro()]
        names = f"_{method_name}", method_name
        _handlers[place] = (
            None
            if any(found.get("_decorated_handlers") for _, found in classes)
            else [(cls, next(filter(found.get, names))) for cls, found in classes if any(map(found.get, names))]
        )
    handlers = _handlers[place]
    if handlers is None:
        yield from _all_dispatch_methods(self, method_name, message)
        return
    for cls, name in handlers:
        if message._no_default_action:
            break
        yield cls, vars(cls)[name].__get__(self, cls)


_refresh_in_front = Screen._compositor_refresh


def _refresh(self: Screen[object]) -> None:
    """Has a screen behind another repaint only its changed cells, once, and only where they are visible. Textual marks
    the whole screen behind as changed with each update, and so repaints it again and again while a dialog is open, even
    behind a screen that covers it: a megabyte in 15 seconds."""
    front = self.app.screen
    if self is front or self.app.is_inline:
        if not self.app._batch_count:
            # In a batch, such as at the start, Textual would draw the whole screen and discard it, which costs 12 ms.
            # The changes stay recorded and are drawn with the next paint.
            _refresh_in_front(self)
        return
    changed = tuple(self._compositor._dirty_regions)
    self._compositor._dirty_regions.clear()
    self._dirty_widgets.clear()
    if changed and front.styles.background.a < 1:
        # A covered screen is painted in full when it comes back to the front. A dialog keeps the lines that it drew of
        # what is behind it, also while another dialog is in front of it.
        stack = self.app.screen_stack
        for above in stack[stack.index(self) + 1 :] if self in stack else ():
            above.refresh(*changed)


_move_by_lines = OptionList._move_page


def _move_page(self: OptionList, direction: Any) -> None:
    """A list that the terminal has no room for has no lines: Textual's own method fails then."""
    if (self.highlighted or 0) in self._index_to_line:
        _move_by_lines(self, direction)


def _get_sections(self: WrappedDocument, line_index: int) -> list[str]:
    """Cuts a line into its drawn lines without a Rich text for each of them: Textual does it several times for each key
    in a text area, and a draft in one line has thousands."""
    line, offsets = self.document[line_index], self._wrap_offsets[line_index]
    return [line[start:end] for start, end in pairwise((0, *offsets, len(line)))]
