"""A sync that meets refusals, failures and full disks goes on, backs off, and says what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from mm_tui.gateway.errors import GatewayError, MissingScope, NotFound, RateLimited, Unauthorized, Unreachable
from mm_tui.models import EmailSummary
from mm_tui.services.events import SyncPart, SyncPhase
from mm_tui.services.sync.health import SCOPE_SECONDS
from mm_tui.services.sync.opening import open_mails
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.rows import Changes
from mm_tui.store.seal import StoreMoved
from tests.support.fake_gateway import BOX, FakeGateway, email_id, make_mail, make_pending
from tests.support.syncing import Bench, until


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


async def test_an_initial_sync_that_cannot_be_written_says_so_and_continues_where_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = FakeGateway(page_size=10)
    gateway.put(*(make_mail(number) for number in range(550)))
    bench = Bench(gateway, database)
    upsert = MailStore.upsert
    writes = 0

    def full(store: MailStore, emails: Iterable[EmailSummary]) -> Changes:
        nonlocal writes
        writes += 1
        if writes == 3:
            raise sqlite3.OperationalError("database or disk is full")
        return upsert(store, emails)

    monkeypatch.setattr(MailStore, "upsert", full)
    await bench.sync.run_once()
    assert "disk is full" in (bench.part(SyncPart.INITIAL) or "")
    kept = len(bench.mail.keys(MailView()))
    assert 0 < kept < 550
    assert bench.sync.state.progress == kept
    await bench.sync.run_once()
    assert bench.part(SyncPart.INITIAL) is None
    assert bench.sync.state.progress == len(bench.mail.keys(MailView())) == 550
    assert database.check() == []


async def test_a_missing_scope_stops_only_its_part(gateway: FakeGateway, database: Database) -> None:
    gateway.put(make_mail(1))
    gateway.failing["pending"] = MissingScope(scope="oversight")
    async with Bench(gateway, database).running() as bench:
        assert bench.sync.state.phase is SyncPhase.LIVE
        assert bench.mail.ids(MailView()) == [email_id(1)]
        assert bench.part(SyncPart.PENDING) == "pending: the key lacks the scope oversight"
        assert bench.part(SyncPart.MAIL) is None
        before = gateway.calls["pending"]
        await bench.pass_time(SCOPE_SECONDS / 2 - 1)
        assert gateway.calls["pending"] == before
        await bench.pass_time(280)
        assert 2 <= gateway.calls["pending"] - before <= 4, "soon, and then ever less often"
        await bench.pass_time(60)
        before = gateway.calls["pending"]
        gateway.failing.clear()
        bench.sync.set_active(False)
        bench.sync.set_active(True)
        await until(lambda: bench.part(SyncPart.PENDING) is None)
        assert gateway.calls["pending"] == before + 1


@pytest.mark.parametrize("error", [NotFound(status=404), MissingScope(scope="read")])
async def test_a_mailbox_that_is_refused_does_not_stop_the_others(database: Database, error: GatewayError) -> None:
    gateway = FakeGateway()
    gateway.put(make_mail(1), make_mail(2, mailbox_id="01JBOX2"))
    emails = gateway.emails

    async def refuse_one(mailbox_id: str, **asked: object) -> object:
        if mailbox_id == BOX:
            raise error
        return await emails(mailbox_id, **asked)  # type: ignore[arg-type]

    gateway.emails = refuse_one  # type: ignore[method-assign,assignment]
    async with Bench(gateway, database).running() as bench:
        assert bench.mail.ids(MailView()) == [email_id(2)]
        assert BOX in str(bench.part(SyncPart.MAIL))
        assert bench.sync.state.phase is SyncPhase.LIVE
        gateway.emails = emails  # type: ignore[method-assign]
        bench.sync.set_active(False)
        bench.sync.set_active(True)
        await until(lambda: bench.part(SyncPart.MAIL) is None)


async def test_what_lacked_a_scope_is_read_again_with_the_first_that_has_it_and_when_a_human_asks(
    database: Database,
) -> None:
    gateway = FakeGateway()
    gateway.put(make_mail(1), make_mail(2, mailbox_id="01JBOX2"))
    async with Bench(gateway, database).running() as bench:
        for asked in (False, True):
            for name in ("emails", "pending"):
                gateway.failing[name] = MissingScope(scope="read")
            await bench.pass_time(30)
            assert bench.sync.state.phase is SyncPhase.KEY_REFUSED
            gateway.failing.clear()
            if asked:
                bench.sync.wake(asked=True)
            while not asked and bench.sync.state.phase is SyncPhase.KEY_REFUSED:
                await bench.pass_time(bench.clock.next_due())
            await until(lambda: (bench.sync.state.phase, bench.sync.state.error) == (SyncPhase.LIVE, None))


async def test_failures_back_off_with_jitter_and_recover(gateway: FakeGateway, database: Database) -> None:
    gateway.put(make_mail(1))
    async with Bench(gateway, database).running() as bench:
        for name in ("emails", "pending"):
            gateway.failing[name] = Unreachable()
        waits = []
        for _ in range(8):
            await bench.pass_time(bench.clock.next_due())
            await bench.rest()
            if bench.sync.state.retry_at is not None:
                waits.append((bench.sync.state.retry_at - bench.clock.now()).total_seconds())
        assert bench.sync.state.phase is SyncPhase.OFFLINE
        assert max(waits) > 20
        assert len(set(waits)) > 3
        calls = gateway.calls["pending"]
        await bench.pass_time(600)
        assert gateway.calls["pending"] - calls < 12
        assert "mail: the gateway cannot be reached" in str(bench.sync.state.error)
        gateway.failing.clear()
        await bench.pass_time(301)
        await bench.rest()
        assert (bench.sync.state.phase, bench.sync.state.error) == ("in sync", None)


async def test_a_wait_that_the_gateway_asked_for_is_respected_whatever_is_pressed(database: Database) -> None:
    gateway = FakeGateway()
    gateway.failing["pending"] = RateLimited(retry_after=120)
    async with Bench(gateway, database).running() as bench:
        assert gateway.calls["pending"] == 1
        bench.sync.wake()
        await bench.pass_time(100)
        await bench.rest()
        assert gateway.calls["pending"] == 1
        gateway.failing.clear()
        await bench.pass_time(21)
        await bench.rest()
        assert gateway.calls["pending"] == 2


async def test_a_human_who_asks_ends_a_wait_that_the_gateway_asked_for(database: Database) -> None:
    gateway = FakeGateway()
    gateway.failing["pending"] = RateLimited(retry_after=86_400)
    async with Bench(gateway, database).running() as bench:
        assert gateway.calls["pending"] == 1
        gateway.failing.clear()
        bench.sync.wake(asked=True)
        await until(lambda: gateway.calls["pending"] == 2)
        await bench.rest()
        assert (bench.sync.state.phase, bench.sync.state.error) == ("in sync", None)


async def test_a_wrong_key_is_reported_with_its_remedy_and_not_tried_often(database: Database) -> None:
    gateway = FakeGateway()
    for name in ("mailboxes", "pending"):
        gateway.failing[name] = Unauthorized(status=401)
    bench = Bench(gateway, database)
    bench.parts = 3
    async with bench.running():
        await bench.pass_time(200)
        assert gateway.calls["pending"] == 1
        state = bench.sync.state
        assert state.phase is SyncPhase.KEY_REFUSED
        assert "does not know this key" in str(state.error)
        assert any("mm-tui doctor" in str(part.cure) for part in state.parts)


async def test_offline_at_the_start_shows_what_is_stored_and_its_age(gateway: FakeGateway, database: Database) -> None:
    gateway.put(make_mail(1))
    await Bench(gateway, database).sync.run_once()
    for name in ("mailboxes", "emails", "pending"):
        gateway.failing[name] = Unreachable()
    bench = Bench(gateway, database)
    bench.clock.advance(7200)
    async with bench.running():
        assert bench.mail.ids(MailView()) == [email_id(1)]
        assert bench.sync.state.last_ok_at is not None
        assert bench.clock.now() - bench.sync.state.last_ok_at >= timedelta(hours=2)


async def test_opening_what_is_gone_raises_and_the_next_try_asks_again(database: Database) -> None:
    bench = Bench(FakeGateway(), database)
    for _ in range(2):
        with pytest.raises(NotFound):
            await bench.sync.fetch_detail(BOX, "01JNONE")
    assert bench.gateway.calls["email"] == 2


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (sqlite3.OperationalError("disk is full"), "the store on this machine cannot be used: disk is full"),
        (StoreMoved("the store was deleted"), "the store was deleted"),
    ],
)
async def test_an_email_that_cannot_be_stored_is_reported(
    fault: Exception, words: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(MailStore, "save_detail", cannot)
    gateway = FakeGateway()
    gateway.put(make_mail(1))
    assert await open_mails(Bench(gateway, database).sync, [(BOX, email_id(1))]) == words


async def test_a_store_that_is_gone_is_reported_and_stops_no_service(database: Database, tmp_path: Path) -> None:
    gateway = FakeGateway()
    bench = Bench(gateway, database)
    async with bench.running():
        (tmp_path / "store.db").unlink()
        gateway.waiting = [make_pending(1)]
        await bench.pass_time(60)
        assert "the store was deleted or moved" in (bench.part(SyncPart.PENDING) or "")
