"""A reviewer in a test: the real decision service, client and store on a sandbox, in accelerated time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.models import EditedDraft, EmailDetail
from mm_tui.review.digest import digest_of
from mm_tui.services.decisions.service import Decisions
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.services.events import ServiceEvent
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Review
from mm_tui.store.audit.journal import Journal, JournalEntry
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore


class HurriedClock:
    """The machine's time, accelerated: a pause of a second takes a hundredth."""

    def __init__(self, speed: float = 100.0) -> None:
        self._speed = speed
        self._begun = time.monotonic()
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._begun) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self._speed)


class Desk:
    """One reviewer with their own program."""

    def __init__(
        self, database: Database, gateway: GatewayClient, decisions: Decisions, notices: list[ServiceEvent]
    ) -> None:
        self.database = database
        self.gateway = gateway
        self.decisions = decisions
        self.notices = notices
        self.edits = EditStore(database)

    async def read(self, mailbox_id: str, email_id: str) -> EmailDetail:
        """Opens an email as a human does."""
        return await self.gateway.email(mailbox_id, email_id)

    async def approve(self, mail: EmailDetail, *, hold: float = 0) -> DecisionView:
        """Approves the email that was read."""
        return await self.decisions.approve(mail, digest(mail), hold=hold)

    async def reject(self, mail: EmailDetail, reason: str = "Wrong facts", *, hold: float = 0) -> DecisionView:
        """Rejects the email that was read."""
        return await self.decisions.reject(mail, digest(mail), reason, hold=hold)

    async def release_edit(self, mail: EmailDetail, body: str, *, hold: float = 0, **changes: object) -> DecisionView:
        """Edits the email that was read, and releases the edit."""
        return await self.decisions.release_edit(mail, digest(mail), edit_of(mail, body, **changes), hold=hold)

    async def settled(self, email_id: str, seconds: float = 60) -> DecisionView:
        """Waits until the decision has ended or asks."""
        async with asyncio.timeout(seconds):
            return await self.decisions.overview.settled(email_id)

    async def reaches(self, email_id: str, *phases: Phase, seconds: float = 60) -> DecisionView:
        """Waits until the decision is in one of these phases."""
        async with asyncio.timeout(seconds):
            while (view := self.decisions.overview.state(email_id)) is None or view.phase not in phases:
                await asyncio.sleep(0.002)
        return view

    def journal(self) -> list[JournalEntry]:
        """The journal, which must be intact."""
        verdict = Journal(self.database).verify()
        assert verdict.ok, verdict
        return list(Journal(self.database).entries())

    def kinds(self) -> list[str]:
        """The kinds of the journal's entries, in order."""
        return [str(entry.kind) for entry in self.journal()]


def digest(mail: EmailDetail) -> str:
    """The digest that the screen shows and the human approves."""
    return digest_of(mail.id, mail.mailbox_id, mail.direction, mail.raw)


def edit_of(mail: EmailDetail, body: str, **changes: object) -> EditedDraft:
    """An edit of an email that changes its body, and more where it is said."""
    fields = {"to": mail.raw.to, "subject": mail.raw.subject, "body": body, **changes}
    return EditedDraft(**fields)  # type: ignore[arg-type]  # fields are given by name by the test


@asynccontextmanager
async def at_desk(
    folder: Path,
    url: str,
    keys: dict[str, str],
    *,
    reviewer: str = "robin",
    timeout: float = 2.0,
    transport: httpx.AsyncBaseTransport | None = None,
    without: tuple[str, ...] = (),
    speed: float = 100.0,
    orderly: bool = True,
    memory: bool = False,
    review: Review | None = None,
) -> AsyncIterator[Desk]:
    """Opens a reviewer's program on `folder/store.db`.

    Args:
        timeout: of the gateway client, seconds of real time.
        transport: stands between the client and the network.
        without: scopes whose key is missing.
        speed: how much faster than real time holds and pauses run.
        review: the settings; None: a hold of 5 s and the defaults.
        memory: hold mail in memory, and on disk only what no gateway could give back.
        orderly: end like a program that is quit; otherwise like a crash.
    """
    secrets = {name: Secret(key) for name, key in keys.items() if name not in without}
    gateway = GatewayClient(
        url,
        Keys(secrets.get("oversight"), secrets.get("send"), secrets.get("admin")),
        timeout=timeout,
        transport=transport,
    )
    notices: list[ServiceEvent] = []
    database = Database.open(folder / "store.db", memory=memory)
    decisions = Decisions(
        database, gateway, review or Review(hold_seconds=5), reviewer, HurriedClock(speed), notices.append
    )
    try:
        yield Desk(database, gateway, decisions, notices)
    finally:
        if orderly:
            await decisions.aclose()
        else:
            await crash(decisions)
        await gateway.aclose()
        database.close()


async def crash(decisions: Decisions) -> None:
    """Stops everything at once, without a final journal entry."""
    await decisions._driver.stop_all(list(decisions._active))
    if decisions._renewing is not None:
        decisions._renewing.cancel()
