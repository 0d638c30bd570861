"""The private names of Textual that this program relies on are still there, and are still what they were."""

from __future__ import annotations

import ast
import inspect
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from textual._compositor import Compositor
from textual._xterm_parser import XTermParser
from textual.app import App, ComposeResult
from textual.document._document import Document
from textual.document._wrapped_document import WrappedDocument
from textual.driver import Driver
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widgets import OptionList, Static, TextArea

from mm_tui import textual_private
from mm_tui.widgets.draft_area import DraftArea

OWNERS = {
    "_batch_count": App,
    "_check_action_state": App,
    "_compositor": Screen,
    "_compositor_refresh": Screen,
    "_dirty_regions": Compositor,
    "_dirty_widgets": Screen,
    "_driver": App,
    "_full_map": Compositor,
    "_get_dispatch_methods": MessagePump,
    "_get_renders": Compositor,
    "_index_to_line": OptionList,
    "_modal_binding_chain": Screen,
    "_move_page": OptionList,
    "_no_default_action": Message,
    "_offset_to_line_info": WrappedDocument,
    "_tab_width": WrappedDocument,
    "_wrap_offsets": WrappedDocument,
    "_width": WrappedDocument,
}
"""Each private name that is used, and whose it is."""


def test_each_name_is_there_and_is_tested() -> None:
    screen: Screen[None] = Screen()
    app: App[None] = App()
    tree = ast.parse(Path(inspect.getfile(textual_private)).read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in attributes if name.startswith("_") and not name.startswith("__")} == set(OWNERS), (
        "a name is used that is not looked for"
    )
    wrapped = WrappedDocument(Document("text"))
    instances = {Screen: screen, Compositor: screen._compositor, App: app, WrappedDocument: wrapped}
    instances[Message] = Message()
    for name, owner in OWNERS.items():
        # A property may need a running app.
        assert hasattr(owner, name) or hasattr(instances[owner], name), f"{owner.__name__} has no {name} any more"


def test_what_is_done_to_them_still_works() -> None:
    assert list(inspect.signature(Screen._compositor_refresh).parameters) == ["self"]
    assert list(inspect.signature(Compositor.reflow).parameters) == ["self", "parent", "size"]
    found = list(inspect.signature(textual_private._all_dispatch_methods).parameters)
    assert found == ["self", "method_name", "message"]
    assert list(inspect.signature(Driver.write).parameters) == ["self", "data"]


async def test_a_text_is_wrapped_once_for_each_width(monkeypatch: pytest.MonkeyPatch) -> None:
    widths: list[int] = []
    wrap = WrappedDocument.wrap

    def counting(self: WrappedDocument, width: int, tab_width: int | None = None) -> None:
        widths.append(width)
        wrap(self, width, tab_width)

    monkeypatch.setattr(WrappedDocument, "wrap", counting)

    class Editor(App[None]):
        def compose(self) -> ComposeResult:
            yield DraftArea("A line that is longer than the screen is wide. " * 40)

    assert hasattr(TextArea, "_rewrap_and_refresh_virtual_size")
    app = Editor()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        area = app.query_one(DraftArea)
        assert area.wrapped_document.height > 24
        await pilot.resize_terminal(60, 24)
        await pilot.pause()
        # Once as wide as the screen and once beside the scrollbar, at either size.
        assert len(set(widths)) > 2
        assert widths[-1] == area.wrap_width
        assert not [width for width, after in pairwise(width for width in widths if width) if width == after]


def test_a_terminals_answer_comes_as_the_message_that_is_waited_for() -> None:
    (message,) = XTermParser().feed("\x1b[12;34R")
    assert type(message).__name__ == "CursorPosition"
    assert message.time > 0


async def test_no_picture_is_drawn_that_textual_would_drop(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a batch, as at the start, nothing is drawn; what changed meanwhile is drawn after it."""
    app: App[None] = App()
    drawn: list[int] = []
    draw = Compositor.render_update

    def count(self: Compositor, **options: Any) -> Any:
        drawn.append(app._batch_count)
        return draw(self, **options)

    monkeypatch.setattr(Compositor, "render_update", count)
    textual_private.mend_textual()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert drawn
        await app.mount(text := Static("before"))
        await pilot.pause()
        before = len(drawn)
        with app.batch_update():
            text.update("after!")
            await pilot.pause()
            app.screen._compositor_refresh()
            assert len(drawn) == before
            assert app.screen._compositor._dirty_regions or app.screen._dirty_widgets
        await pilot.pause()
        assert len(drawn) > before
    assert not any(drawn)
