"""The command palette, and its entries: every action that works here."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from mm_tui import keymap
from mm_tui.messages import choose_action
from mm_tui.screens.base import BaseScreen
from mm_tui.theme import THEMES
from mm_tui.widgets.keys_line import awake_keys

HIDDEN = frozenset(
    {"app.palette", *(action.id for action in keymap.KEY_ACTIONS if action.context in ("list", "paper", "search"))}
    - {"list.open"}
)
"""The palette itself, moving in lists and texts, and leaving the search line, which the palette has left."""


class Palette(CommandPalette):
    """A click beside it closes it, also one beside the screen, which has become smaller since the click."""

    def get_widget_at(self, x: int, y: int) -> tuple[Widget, Region]:
        try:
            return super().get_widget_at(x, y)
        except NoWidget:
            return self, self.region

    def dismiss(self, result: Any = None) -> AwaitComplete:
        # The second of two clicks would close the screen behind it, or the app if there is none.
        return super().dismiss(result) if self.is_active else AwaitComplete()


def commands(app: App[Any], screen: Screen[Any]) -> list[SystemCommand]:
    """One entry for each action that works on `screen` now, moving aside, and one for each of our themes."""
    found = []
    for key, active in awake_keys(screen):
        action_id = active.binding.id or ""
        if action_id in HIDDEN or not active.enabled:
            continue
        action = keymap.action(action_id)
        words = f"{action.label[0].upper()}{action.label[1:]}"
        run = partial(choose_action, app, action_id, partial(app.run_action, active.binding.action, active.node))
        found.append(SystemCommand(f"{words}  ({key})", action.help, run))
    if isinstance(screen, BaseScreen):
        found += [SystemCommand(words, help_words, run) for words, help_words, run in screen.more_commands()]
    for theme in THEMES:
        found.append(
            SystemCommand(f"Theme {theme.name}", "Change the colours.", partial(setattr, app, "theme", theme.name))
        )
    return found
