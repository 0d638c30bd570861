"""Only changed lines are rendered, only one key's binding is looked up, and handlers are remembered: with the same
results as Textual's own."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual._compositor import Compositor
from textual.geometry import Region

from mm_tui import textual_private
from mm_tui.keyboard.dispatch import KeyPassed
from mm_tui.widgets.virtual_list import VirtualList
from tests.support.app import synced_app
from tests.support.sandbox import Sandbox

MESSAGES = (
    events.Key("j", "j"), events.Idle(), events.Mount(), events.Blur(), events.ScreenResume(), VirtualList.Moved(),
    KeyPassed(1),
)  # fmt: skip


def _chops(compositor: Compositor, crop: Region) -> list[dict[int, Any]]:
    """The pieces of lines within `crop`, by line."""
    lines = compositor._render_chops(crop, lambda y: crop.y <= y < crop.bottom)
    return [
        {x: strip for (x, strip), end in zip(line.items(), cuts[1:], strict=True) if x < crop.right and end > crop.x}
        for line, cuts in zip(lines, compositor.cuts, strict=True)
    ]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
async def test_what_textual_would_render_and_look_up(
    sandbox: Sandbox, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        sandbox.inbound(subject=f"email {number}")
    sandbox.draft()
    compared = 0
    async with synced_app(sandbox, size=size) as (app, pilot):
        for keys in ("j", "enter", "escape", "2", "enter", "question_mark", "escape", "3", "4", "f"):
            await pilot.press(keys)
            await pilot.pause(0.1)
            screen, compositor = app.screen, app.screen._compositor
            rows = [Region(0, y, size[0], 2) for y in range(0, size[1] - 1, 3)]
            for crop in (*rows, Region(size[0] // 2, 5, 9, 6), Region(3, 1, 7, size[1] - 2), screen.region):
                with monkeypatch.context() as patch:
                    ours = _chops(compositor, crop)
                    patch.setattr(Compositor, "_get_renders", textual_private._all_renders)
                    assert ours == _chops(compositor, crop), (keys, crop)
                compared += sum(strip is not None for line in ours for strip in line.values())
            for node in (app, *screen.walk_children(with_self=True)):
                for message in MESSAGES:
                    found = textual_private._get_dispatch_methods(node, message.handler_name, message)
                    wanted_methods = textual_private._all_dispatch_methods(node, message.handler_name, message)
                    assert list(found) == list(wanted_methods), (node, message)
            wanted = screen.active_bindings
            for key in (
                "j",
                "y",
                "u",
                "tab",
                "enter",
                "ctrl+l",
                "ctrl+p",
                "question_mark",
                "escape",
                "z",
                "up",
                *wanted,
            ):
                assert textual_private.active_binding(screen, key) == wanted.get(key), key
    assert compared > 500
