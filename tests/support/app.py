"""Runs the real app in a test without a terminal, with a real store, services and sandbox."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot

from mm_tui.app import MmTui
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Assist, Profile, Review, Settings, SyncSettings
from mm_tui.store.database import Database
from tests.support.assistant import settings_for as assisted
from tests.support.sandbox import Sandbox


def settings_for(sandbox: Sandbox, *, without: tuple[str, ...] = (), **sections: Any) -> Settings:
    """Settings of a profile on the sandbox, without the keys in `without`, with short intervals and no assistant."""
    keys = {f"{name}_key": Secret(key) for name, key in sandbox.keys.items() if name not in without}
    profile = Profile.of({"name": "acme", "url": sandbox.url, "reviewer": "robin", **keys})
    quick = {
        "review": Review(hold_seconds=0),
        "sync": SyncSettings(active_seconds=1, idle_seconds=1),
        "assist": Assist(automatic=False),
    }
    return Settings.of({"profile": profile, **quick, **sections})


class Reader(Pilot[None]):
    """Presses keys like somebody who looks at the screen: only after the front screen and its email have been drawn.

    The app drops keys typed for a dialog that has just closed. The keys of one call are sent in one burst.
    """

    async def press(self, *keys: str) -> None:
        app = self.app
        if isinstance(app, MmTui) and app.screen_stack:
            # Twice: that another email is shown goes from the screen to the app.
            await self._wait_for_screen()
            await self._wait_for_screen()
            await until(self, lambda: self._sees(app) or not app.screen_stack, "what is in front to be drawn")
        await super().press(*keys)

    def _sees(self, app: MmTui) -> bool:
        has_arrived = app.arrival.asks or app.keyboard.front.arrived_at is not None
        return app.keyboard.is_ready and has_arrived


@asynccontextmanager
async def running_app(
    opened: Settings | Session | MmTui, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """Runs the app of settings, of an open session, or one that does not run yet; `size` is columns and lines."""
    session = Session.open(opened) if isinstance(opened, Settings) else opened
    app = session if isinstance(session, MmTui) else MmTui(session)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        await pilot.pause()
        yield app, Reader(app)


@asynccontextmanager
async def synced_app(
    sandbox: Sandbox, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """Runs the app on a sandbox, with an assistant and an in-memory store, after a full sync."""
    session = Session(assisted(sandbox), Database.open(None))
    async with running_app(session, size=size) as (app, pilot):
        synced = lambda: session.sync is not None and session.sync.state.last_ok_at is not None  # noqa: E731
        await until(pilot, synced, "the sync")
        yield app, pilot


async def until(
    pilot: Pilot[Any], condition: Callable[[], object], what: str = "what was waited for", *, seconds: float = 60
) -> None:
    """Waits for a condition while the app runs."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError(f"never came: {what}. The screen:\n{shown(pilot.app)}")
        await pilot.pause(0.02)


def shown(app: App[Any]) -> str:
    """The screen's lines, without trailing spaces."""
    if not app.screen_stack:
        return ""
    return "\n".join(line.rstrip() for line in drawn(app).split("\n"))


def drawn(app: App[Any]) -> str:
    """The painted screen."""
    strips = app.screen._compositor.render_strips()[: app.size.height]
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)
