"""A reviewer's seat for tests: the real app around the real store, with or without a running sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from textual.pilot import Pilot

from mm_tui.app import MmTui
from mm_tui.models import EmailSummary, Mailbox, Party
from mm_tui.screens.inbox.words import GREETED
from mm_tui.services.events import Notify
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from mm_tui.store.database import Database
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.office import settings_for

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from tests.support.sandbox import Sandbox

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STEPS = 400


class StillWiring(Session):
    """Stores without a network side: what the store holds is all there is."""

    def build(self, notify: Notify) -> None:
        self.notify = notify


def still_wiring(*, clock: Clock | None = None, **settings: Any) -> StillWiring:
    """A session in memory, at `NOW`, for the test profile `acme`."""
    chosen = Settings.of({"profile": Profile(name="acme", oversight_key=Secret("mm_test_made_up")), **settings})
    session = StillWiring(chosen, Database.open(None), clock or FakeClock(NOW))
    session.facts.set(GREETED, "yes")
    return session


def summary(number: int, **fields: Any) -> EmailSummary:
    """A made-up mail: the larger the number, the older it is."""
    given: dict[str, Any] = {
        "id": f"01TEST{number:06}",
        "mailbox_id": "mb1",
        "sender": Party(address=OneLine(f"writer{number}@customer.example")),
        "to": (Party(address=OneLine("support@acme.example")),),
        "subject": OneLine(f"Question {number}"),
        "direction": OneLine("inbound"),
        "status": OneLine("read"),
        "received_at": NOW - timedelta(minutes=3 * number),
        "thread_id": f"T{number}",
        **fields,
    }
    return EmailSummary(**given)


def mailbox(mailbox_id: str = "mb1", address: str = "support@acme.example", mode: str = "gated_send") -> Mailbox:
    """A mailbox."""
    return Mailbox(id=mailbox_id, address=OneLine(address), oversight_mode=OneLine(mode))


@asynccontextmanager
async def seated(session: Session, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """Runs the app headless."""
    app = MmTui(session)
    async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
        await pilot.pause()
        yield app, pilot


@asynccontextmanager
async def seated_at(
    sandbox: Sandbox, size: tuple[int, int] = (120, 40), **settings: Any
) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """Runs the app on a running sandbox, with a store in memory; waits until the first fill is in the store."""
    base = settings_for(sandbox)
    chosen = base.replaced(**settings)
    session = Session(chosen, Database.open(None))
    async with seated(session, size) as (app, pilot):
        await until(pilot, lambda: session.sync is not None and session.sync.state.last_ok_at is not None)
        yield app, pilot


async def until(pilot: Pilot[None], condition: Callable[[], object], *, seconds: float = 15) -> None:
    """Lets the app run until the condition holds."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError(f"still not true after {seconds} s; the screen shows:\n{shown(pilot.app)}")


def shown(app: Any) -> str:
    """What is on the screen, as plain text."""
    _, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in lines[:height])
