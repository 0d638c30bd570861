"""The sync over real HTTP against the sandbox gateway, and killed in the middle of its work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.clock import SystemClock
from mm_tui.gateway import values, wire
from mm_tui.gateway.client import PIECE, GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.models import EmailSummary
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.run.synthetic import fill_synthetic
from mm_tui.services.events import SyncState
from mm_tui.services.sync.mail import PAGE, MailboxSync
from mm_tui.services.sync.pause import InputPause
from mm_tui.services.sync.service import Sync
from mm_tui.settings.paths import store_path
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.pending import PendingStore
from tests.support.processes import MM_TUI
from tests.support.sandbox import Sandbox, running_sandbox

MAILS = 1200


def _filled(state: SandboxState) -> None:
    with state.write():
        fill_synthetic(state, MAILS)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path, fill=_filled) as running:
        yield running


def _client(sandbox: Sandbox) -> GatewayClient:
    keys = Keys(oversight=Secret(sandbox.keys["oversight"]), admin=Secret(sandbox.keys["admin"]))
    return GatewayClient(sandbox.url, keys)


async def _sync(sandbox: Sandbox, database: Database) -> SyncState:
    async with _client(sandbox) as gateway:
        return await Sync(database, gateway, SyncSettings(), SystemClock(), lambda notice: None).run_once()


async def test_everything_comes_over_and_no_detail_is_read(sandbox: Sandbox, database: Database) -> None:
    mail = sandbox.inbound(subject="Where is my order?", body="It has not come.")
    draft = sandbox.draft("Dear Anna, soon.")
    sandbox.forget_calls()
    state = await _sync(sandbox, database)
    assert [part.error for part in state.parts if part.error] == []
    store = MailStore(database)
    assert store.count(MailView()) == MAILS + 3
    assert {row.mailbox_id for row in store.mailbox_rows()} == {box["id"] for box in sandbox.mailboxes}
    assert draft in {item.id for item in PendingStore(database).items()}
    assert AuditStore(database).count() == len(sandbox.audit())
    row = store.row(mail["id"])
    assert row is not None
    assert (row.subject, row.status) == ("Where is my order?", "unread")
    asked = [call["path"] for call in sandbox.calls("GET", "/emails/")]
    assert asked == []
    assert sandbox.status(mail["id"]) == "unread"


async def test_what_moves_at_the_gateway_moves_here(sandbox: Sandbox, database: Database) -> None:
    draft = sandbox.draft()
    await _sync(sandbox, database)
    sandbox.decide(draft, "reject", "wrong tone")
    new = sandbox.inbound(subject="One more", body="Hello")
    await _sync(sandbox, database)
    store = MailStore(database)
    row = store.row(draft)
    assert row is not None
    assert row.status == "rejected"
    assert store.row(new["id"]) is not None
    assert PendingStore(database).get(draft) is None


async def test_two_at_once_on_one_store_do_no_harm(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with Database.open(path) as one, Database.open(path) as other:
        states = await asyncio.gather(_sync(sandbox, one), _sync(sandbox, other))
        assert [part.error for state in states for part in state.parts if part.error] == []
        keys = MailStore(one).keys(MailView())
        assert len(keys) == len(set(keys)) == MAILS
        assert one.check() == []


def test_a_sync_that_is_killed_again_and_again_still_ends_complete(sandbox: Sandbox, tmp_path: Path) -> None:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "LANG": "C.UTF-8",
        "MM_TUI_DATA": str(tmp_path / "data"),
        "MM_TUI_CONFIG": str(tmp_path / "config.toml"),
        "MULTIMAIL_API_URL": sandbox.url,
        "MULTIMAIL_API_KEY": sandbox.keys["oversight"],
    }
    command = [*MM_TUI, "sync"]
    store = tmp_path / "data" / store_path("default").name
    kept = 0
    for _ in range(2):
        # Each answer takes a while, so that the kill comes between two pages.
        sandbox.fault(method="GET", path="emails$", kind="delay", seconds=0.4, count=200)
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 60
        while time.monotonic() < ends and _mails(store) <= kept and child.poll() is None:
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait(20)
        sandbox.clear_faults()
        assert kept < _mails(store) < MAILS
        kept = _mails(store)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert _mails(store) == MAILS


def _mails(store: Path) -> int:
    if not store.exists():
        return 0
    with Database.open(store) as database:
        return MailStore(database).count(MailView())


async def test_opening_keeps_the_body_and_completes_the_waiting_item(sandbox: Sandbox, database: Database) -> None:
    draft = sandbox.draft("Dear Anna, **soon**.", cc=["boss@customer.example"])
    async with _client(sandbox) as gateway:
        sync = Sync(database, gateway, SyncSettings(), SystemClock(), lambda notice: None)
        await sync.run_once()
        listed = PendingStore(database).get(draft)
        assert listed is not None
        assert not listed.complete
        detail = await sync.fetch_detail(listed.mailbox_id, draft)
    item = PendingStore(database).get(draft)
    assert item is not None
    assert item.complete
    assert [party.address for party in item.cc] == ["boss@customer.example"]
    assert item.direction == "outbound"
    kept = MailStore(database).detail(draft)
    assert kept is not None
    assert kept.body == detail.body == "Dear Anna, **soon**."
    opened = MailStore(database).detail_at(draft)
    assert opened is not None
    assert abs((opened - datetime.now(UTC)).total_seconds()) < 60


class HeldPause(InputPause):
    """A pause that lasts until the test ends it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ended = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.begun.set()
        await self.ended.wait()


async def test_the_initial_sync_reads_and_writes_nothing_while_it_pauses(sandbox: Sandbox, database: Database) -> None:
    pause = HeldPause()
    async with _client(sandbox) as gateway:
        box = MailboxSync(database, gateway, sandbox.mailbox, pause)

        async def sync_all() -> None:
            async with aclosing(box.sync_rest(None)) as places:
                async for _ in places:
                    pass

        syncing = asyncio.create_task(sync_all())
        await pause.begun.wait()
        assert MailStore(database).count(MailView()) == 0
        assert box.place.mails == 0
        pause.ended.set()
        await syncing
    assert box.place.done
    assert MailStore(database).count(MailView()) == MAILS > PAGE


async def test_a_key_waits_for_a_piece_of_a_page_at_most(sandbox: Sandbox) -> None:
    parsed: list[int] = []
    emails = 0

    async def pause() -> None:
        parsed.append(emails)

    read = wire.email_summary

    def counted(item: values.Json, mailbox_id: str) -> EmailSummary:
        nonlocal emails
        emails += 1
        return read(item, mailbox_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "email_summary", counted)
        async with _client(sandbox) as gateway, aclosing(gateway.email_pages(sandbox.mailbox, pause=pause)) as pages:
            async for page in pages:
                assert len(page.emails) == PAGE
                break
    assert parsed == list(range(PIECE, PAGE + 1, PIECE))


async def test_the_pause_lets_other_tasks_run() -> None:
    ran: list[str] = []

    async def other() -> None:
        ran.append("other")

    waiting = asyncio.create_task(other())
    await InputPause().wait()
    assert ran == ["other"]
    await waiting


async def test_keys_pressed_in_a_pause_do_not_prolong_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = InputPause()
    await asyncio.wait_for(pause.wait(), 1)
    pause.note_input()
    waiting = asyncio.create_task(pause.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    monkeypatch.setattr("mm_tui.services.sync.pause.PAUSE_SECONDS", 3600)
    pause.note_input()
    await asyncio.wait_for(waiting, 60)
    following = asyncio.create_task(pause.wait())
    await asyncio.sleep(0)
    assert not following.done()
    following.cancel()
