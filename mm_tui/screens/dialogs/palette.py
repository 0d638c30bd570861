"""The command palette, and its entries: every action that works here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
from mm_tui.widgets.words import with_keys

HIDDEN = frozenset(
    {"app.palette", *(action.id for action in keymap.KEY_ACTIONS if action.context in ("list", "paper", "search"))}
    - {"list.open"}
)
"""The palette itself, moving in lists and texts, and leaving the search line, which the palette has left."""


ELSEWHERE = ("audit.verify", "audit.export", "mailboxes.create", "mailboxes.webhooks")
"""Actions about no line of their screen: other screens' palettes have them too, and go there first."""


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
    """One entry for each action that works on `screen` now, moving aside, one for each that works elsewhere, and one
    for each of our themes."""
    found = []
    for key, active in awake_keys(screen):
        action_id = active.binding.id or ""
        if action_id in HIDDEN or not active.enabled:
            continue
        action = keymap.action(action_id)
        found.append(_command(app, action, key, partial(app.run_action, active.binding.action, active.node)))
    if isinstance(screen, BaseScreen):
        found += [SystemCommand(words, help_words, run) for words, help_words, run in screen.more_commands()]
        for action in map(keymap.action, ELSEWHERE):
            if action.context != screen.MODE:
                keys = with_keys(f"{{app.{action.context}}} {{{action.id}}}", screen.session.settings.keys)
                found.append(_command(app, action, keys, partial(_run_elsewhere, app, action)))
    for theme in THEMES:
        found.append(
            SystemCommand(f"Theme {theme.name}", "Change the colours.", partial(setattr, app, "theme", theme.name))
        )
    return found


def _command(app: App[Any], action: keymap.KeyAction, keys: str, run: Callable[[], Awaitable[object]]) -> SystemCommand:
    words = f"{action.label[0].upper()}{action.label[1:]}  ({keys})"
    return SystemCommand(words, action.help, partial(choose_action, app, action.id, run))


async def _run_elsewhere(app: App[Any], action: keymap.KeyAction) -> None:
    await app.switch_mode(action.context)
    # Another screen of its mode, such as a history, may be in front of it.
    await app.run_action(action.runs, app.screen_stack[0])
