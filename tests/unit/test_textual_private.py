"""The private names of Textual that this program relies on are still there, and are still what they were."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from textual._compositor import Compositor
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from mm_tui import textual_private

OWNERS = {
    "_compositor": Screen,
    "_compositor_refresh": Screen,
    "_dirty_regions": Compositor,
    "_dirty_widgets": Screen,
    "_driver": App,
    "_full_map": Compositor,
}
"""Each private name that is used, and whose it is."""


def test_each_name_is_there_and_is_tested() -> None:
    screen: Screen[None] = Screen()
    app: App[None] = App()
    tree = ast.parse(Path(inspect.getfile(textual_private)).read_text(encoding="utf-8"))
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {name for name in attributes if name.startswith("_")} == set(OWNERS), "a name is used that is not looked for"
    instances = {Screen: screen, Compositor: screen._compositor, App: app}
    for name, owner in OWNERS.items():
        assert hasattr(instances[owner], name), f"{owner.__name__} has no {name} any more"


def test_what_is_done_to_them_still_works() -> None:
    assert list(inspect.signature(Screen._compositor_refresh).parameters) == ["self"]
    assert list(inspect.signature(Compositor.reflow).parameters) == ["self", "parent", "size"]
    assert list(inspect.signature(Driver.write).parameters) == ["self", "data"]


def test_a_terminals_answer_comes_as_the_message_that_is_waited_for() -> None:
    (message,) = XTermParser().feed("\x1b[12;34R")
    assert type(message).__name__ == "CursorPosition"
    assert message.time > 0
