"""The real app in a test, without a terminal: real store, real services, a real sandbox behind it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mm_tui.app import MmTui
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Assist, Profile, Review, Settings, Sync
from tests.support.sandbox import Sandbox


def settings_for(sandbox: Sandbox, *, without: tuple[str, ...] = (), **sections: Any) -> Settings:
    """Settings of a profile on the sandbox; keys named in `without` are left out. Quick, and without the assistant."""
    keys = {f"{name}_key": Secret(key) for name, key in sandbox.keys.items() if name not in without}
    profile = Profile.of({"name": "acme", "url": sandbox.url, "reviewer": "robin", **keys})
    quick = {
        "review": Review(hold_seconds=0),
        "sync": Sync(active_seconds=1, idle_seconds=1),
        "assist": Assist(automatic=False),
    }
    return Settings.of({"profile": profile, **quick, **sections})


class Reader(Pilot[None]):
    """Presses keys as somebody who looks at the screen: not before what is in front has been drawn.

    The app drops keys that were typed for what has just been closed. The keys of one call come in one burst.
    """

    async def press(self, *keys: str) -> None:
        app = self.app
        if isinstance(app, MmTui) and app.screen_stack:
            await until(self, lambda: app.keyboard.is_ready or not app.screen_stack, "what is in front to be drawn")
        await super().press(*keys)


@asynccontextmanager
async def running_app(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """Runs the app on a store in `folder`."""
    monkeypatch.setenv("MM_TUI_DATA", str(folder))
    app = MmTui(Session.open(settings))
    async with app.run_test(size=size):
        yield app, Reader(app)


async def until(pilot: Pilot[Any], condition: Callable[[], object], what: str, *, seconds: float = 20) -> None:
    """Waits for a condition, letting the app run."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"never came: {what}")
        await pilot.pause(0.02)
