"""Hands on the keyboard of an app in a test: words in one burst, keys one by one, a key that is held down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from textual import events
from textual.app import App
from textual.keys import _character_to_key

from mm_tui.keyboard.pasting import IN_TEXT

NAMES = {"\n": "enter", "\t": "tab", "\x1b": "escape", "\x10": "ctrl+p", "\x14": "ctrl+t"}


def key(character: str) -> events.Key:
    """The event that a terminal's character becomes."""
    if character in NAMES:
        return events.Key(NAMES[character], "\r" if character == "\n" else character)
    return events.Key(_character_to_key(character), character)


def burst(app: App[Any], text: str) -> None:
    """All of it arrives at once, as on a slow link: `\\n` is enter, `\\x1b` escape."""
    for character in text:
        app.post_message(key(character))


def pasted(app: App[Any], text: str) -> None:
    """Text that a terminal pastes without markers."""
    for character in text:
        event = key(character)
        setattr(event, IN_TEXT, True)
        app.post_message(event)


async def typed(
    app: App[Any], text: str, *, pause: float | Callable[[], float] = 0.02, at: float | None = None
) -> None:
    """One key after the other, the first at `at` (now, if not given), with `pause` seconds between two, also where the
    machine is too busy to keep the time: terminals say when a key was pressed, not when the app came to it.
    """
    at = monotonic() if at is None else at
    for character in text:
        event = key(character)
        event.time = at
        app.post_message(event)
        at += pause if isinstance(pause, float) else pause()
        await asyncio.sleep(max(0.0, at - monotonic()))
