"""Every word on the screen can be read: WCAG 2.2, 1.4.3, level AA asks for 4.5 to 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from textual.color import Color
from textual.screen import ModalScreen

from mm_tui.app import MmTui
from tests.snapshots.pictures import still
from tests.support import pictured_mail, pictured_queue
from tests.support.contrast import LEAST, contrast

THEMES = ("high-contrast", "mm-light", "textual-light", "solarized-light", "flexoki")
"""Those in which most can go wrong; `tests/unit/test_contrast.py` compares the colours of all."""

PLACES: dict[str, tuple[Callable[[], MmTui], tuple[str, ...]]] = {
    "inbox": (pictured_mail.app, ()),
    "thread": (pictured_mail.app, ("enter",)),
    "findings": (pictured_queue.app, ("2", "enter")),
    "held": (pictured_queue.app, ("2", *["j"] * 4, "enter")),
    "editor": (pictured_queue.app, ("2", *["j"] * 6, "e")),
    "palette": (pictured_queue.app, ("2", "ctrl+p")),
    "help": (pictured_queue.app, ("2", "question_mark")),
}


def unreadable(app: MmTui) -> Iterator[str]:
    """The words in front that do not stand out from their ground. Behind a dialog they are faded on purpose."""
    boxes = app.screen.query(".dialog, CommandPalette > Vertical") if isinstance(app.screen, ModalScreen) else ()
    region = next((box.region for box in boxes), app.screen.region)
    for y, strip in enumerate(app.screen._compositor.render_strips()[: app.size.height]):
        x = 0
        for text, style, _ in strip:
            inside = region.contains(x, y)
            x += len(text)
            if not (inside and style and style.color and style.bgcolor and any(map(str.isalnum, text))):
                continue
            text_colour, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            if (ratio := contrast(text_colour, ground)) < LEAST:
                yield f"{text.strip()!r} {text_colour.hex} on {ground.hex}: {ratio:.2f}"


@pytest.mark.parametrize("place", PLACES)
async def test_each_word_can_be_read(place: str) -> None:
    make, keys = PLACES[place]
    app = make()
    low: dict[str, list[str]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await still(pilot)
        for key in keys:
            await pilot.press(key)
            await still(pilot)
        for name in THEMES:
            app.theme = name
            await pilot.pause()
            await still(pilot)
            if found := list(unreadable(app)):
                low[name] = found
    assert low == {}
