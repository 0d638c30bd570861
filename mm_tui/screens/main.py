"""The main screens by the name of their mode: that of `inbox` is `InboxScreen` in `screens/inbox/screen.py`. Each is
imported when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from textual.screen import Screen


def _made(mode: str) -> Screen[Any]:
    """A main screen that Textual takes for styled: it is, as it is mounted. A count that differs from the app's would
    have all styles parsed twice more when the screen is first shown, and styles that are not read yet once more, and
    applied to the screen before it."""
    module = import_module(f"mm_tui.screens.{mode}.screen")
    screen: Screen[Any] = getattr(module, f"{mode.capitalize()}Screen")()
    for path in screen.css_path:
        if not screen.app.stylesheet.has_source(str(path), ""):
            screen.app.stylesheet.read(path)
    screen._css_update_count = screen.app._css_update_count
    return screen


MAIN_SCREENS: dict[str, str | Callable[[], Screen[Any]]] = {
    mode: partial(_made, mode) for mode in ("inbox", "pending", "audit", "mailboxes")
}
