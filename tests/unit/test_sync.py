"""The sync: the initial one, the polls, the queue, opened emails and the audit log."""

from __future__ import annotations

import asyncio
import threading
import tracemalloc
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from mm_tui.gateway.errors import MissingScope, NotFound, ServerFault
from mm_tui.gateway.shapes import Contact, Listing
from mm_tui.models import AuditEntry, EmailSummary, PendingItem
from mm_tui.services.events import MailChanged, PendingChanged, SyncChanged, SyncPart, SyncPhase, SyncState
from mm_tui.services.sync.mail import AHEAD
from mm_tui.services.sync.queue import QueueSync
from mm_tui.services.sync.service import WINDOW_SECONDS
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.mail.contacts import ContactStore
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.pending import PendingChanges, PendingStore
from mm_tui.store.mail.rows import Changes
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.fake_gateway import BOX, START, FakeGateway, email_id, make_mail, make_pending
from tests.support.syncing import Bench, until


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


async def test_the_initial_sync_brings_all_mail_newest_first_and_reads_no_detail(database: Database) -> None:
    gateway = FakeGateway()
    gateway.put(*(make_mail(number) for number in range(250)))
    started = Bench(gateway, database)
    assert started.sync.state.phase is SyncPhase.CONNECTING, "it is not offline before it has begun"
    async with started.running() as bench:
        assert bench.mail.ids(MailView()) == [email_id(number) for number in reversed(range(250))]
        assert bench.sync.state.phase is SyncPhase.LIVE
        assert bench.sync.state.progress == 250
        assert (bench.sync.state.mailboxes_synced, bench.sync.state.mailboxes) == (1, 1)
        assert gateway.calls["email"] == 0


async def test_an_interrupted_initial_sync_continues_where_it_was(gateway: FakeGateway, database: Database) -> None:
    gateway.put(*(make_mail(number) for number in range(550)))
    first = Bench(gateway, database)

    def cut(name: str) -> None:
        if name == "emails" and gateway.calls["emails"] > 3:
            raise asyncio.CancelledError

    gateway.before_answer = cut
    with pytest.raises(asyncio.CancelledError):
        await first.sync.run_once()
    kept = len(first.mail.keys(MailView()))
    assert kept == 300, "all that was read"
    gateway.before_answer = lambda name: None
    gateway.asked.clear()
    second = Bench(gateway, database)
    await second.sync.run_once()
    cursors = [cursor for _, since, cursor in gateway.asked if since is None]
    assert cursors[0] == email_id(550 - kept)
    assert len(second.mail.keys(MailView())) == 550


async def test_the_initial_sync_reads_on_while_the_store_is_busy_but_not_endlessly(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = FakeGateway(page_size=10)
    gateway.put(*(make_mail(number) for number in range(550)))
    bench = Bench(gateway, database)
    upsert = MailStore.upsert
    sizes: list[int] = []
    free = threading.Event()

    def slow(store: MailStore, emails: Iterable[EmailSummary]) -> Changes:
        mails = list(emails)
        sizes.append(len(mails))
        if len(sizes) == 2:
            assert free.wait(10)
        return upsert(store, mails)

    monkeypatch.setattr(MailStore, "upsert", slow)
    syncing = asyncio.create_task(bench.sync.run_once())
    # The first page alone, the second is being written, eight wait.
    await until(lambda: gateway.calls["emails"] == 2 + AHEAD)
    await asyncio.sleep(0.05)
    assert gateway.calls["emails"] == 2 + AHEAD
    free.set()
    await syncing
    assert sizes[:3] == [10, 10, 10 * AHEAD]
    assert bench.mail.ids(MailView()) == [email_id(number) for number in reversed(range(550))]


async def test_new_mail_comes_with_the_next_poll(gateway: FakeGateway, database: Database) -> None:
    gateway.put(*(make_mail(number) for number in range(5)))
    async with Bench(gateway, database).running() as bench:
        gateway.put(*(make_mail(number) for number in range(5, 8)))
        bench.events.clear()
        await bench.pass_time(5)
        await bench.rest()
        assert MailChanged(frozenset(email_id(number) for number in range(5, 8))) in bench.events
        assert len(bench.mail.keys(MailView())) == 8


async def test_a_kill_between_two_pages_of_new_mail_leaves_no_gap(database: Database) -> None:
    gateway = FakeGateway(page_size=10)
    gateway.put(*(make_mail(number) for number in range(5)))
    bench = Bench(gateway, database)
    await bench.sync.run_once()
    gateway.put(*(make_mail(number) for number in range(5, 40)))
    calls = gateway.calls["emails"]

    def cut(name: str) -> None:
        if name == "emails" and gateway.calls["emails"] == calls + 2:
            raise asyncio.CancelledError

    gateway.before_answer = cut
    with pytest.raises(asyncio.CancelledError):
        await bench.sync.run_once()
    assert len(bench.mail.keys(MailView())) == 15
    gateway.before_answer = lambda name: None
    await Bench(gateway, database).sync.run_once()
    assert len(bench.mail.keys(MailView())) == 40


async def test_what_another_program_on_the_store_fetched_is_reported(gateway: FakeGateway, database: Database) -> None:
    gateway.put(make_mail(1))
    bench = Bench(gateway, database)
    assert database.path is not None
    async with bench.running():
        await bench.pass_time(20)
        bench.events.clear()
        await bench.pass_time(20)
        assert MailChanged() not in bench.events
        with Database.open(database.path) as other:
            MailStore(other).upsert([make_mail(2)])
        await bench.pass_time(5)
        await bench.rest()
        assert MailChanged() in bench.events


async def test_polls_with_nothing_new_report_only_success(gateway: FakeGateway, database: Database) -> None:
    gateway.put(*(make_mail(number) for number in range(5)))
    gateway.waiting = [make_pending(3)]
    async with Bench(gateway, database).running() as bench:
        await bench.pass_time(2 * WINDOW_SECONDS)
        bench.events.clear()
        await bench.pass_time(5 * WINDOW_SECONDS)
        assert {type(event) for event in bench.events} == {SyncChanged}
        kept = StateStore(database).get("last_ok_at")
        assert kept is not None
        assert bench.clock.now() - datetime.fromisoformat(kept) < timedelta(seconds=2 * WINDOW_SECONDS)


async def test_writing_unnoticed_hides_no_other_write(database: Database) -> None:
    state, mail = StateStore(database), MailStore(database)

    def note() -> None:
        with database.unnoticed():
            state.set("last_ok_at", "now")

    before = database.stamp()
    await asyncio.to_thread(note)
    assert database.stamp() == before
    assert state.get("last_ok_at") == "now"
    await asyncio.to_thread(mail.upsert, [make_mail(1)])
    await asyncio.to_thread(note)
    assert database.stamp() != before


async def test_polls_are_frequent_while_active_and_rare_when_idle(gateway: FakeGateway, database: Database) -> None:
    async with Bench(gateway, database, SyncSettings(active_seconds=5, idle_seconds=15)).running() as bench:
        before = gateway.calls["pending"]
        await bench.pass_time(60)
        assert gateway.calls["pending"] - before == 12
        bench.sync.set_active(False)
        await bench.pass_time(60)
        before = gateway.calls["pending"]
        await bench.pass_time(60)
        assert gateway.calls["pending"] - before == 4
        bench.sync.set_active(True)
        await until(lambda: gateway.calls["pending"] - before == 5)


async def test_being_woken_polls_at_once(gateway: FakeGateway, database: Database) -> None:
    async with Bench(gateway, database).running() as bench:
        before = gateway.calls["pending"]
        bench.sync.wake()
        await until(lambda: gateway.calls["pending"] == before + 1)


async def test_the_queue_follows_the_gateway_and_its_statuses_are_read_again(database: Database) -> None:
    gateway = FakeGateway()
    waiting = make_mail(3, direction=OneLine("outbound"), status=OneLine("pending_send_approval"))
    gateway.put(waiting)
    gateway.waiting = [make_pending(3)]
    async with Bench(gateway, database).running() as bench:
        assert [item.id for item in bench.pending.items()] == [email_id(3)]
        gateway.waiting = []
        gateway.put(waiting.replaced(status=OneLine("sent")))
        bench.events.clear()
        # The queue and the window of moving statuses are two loops: which of them comes round first is not promised.
        for _ in range(20):
            await bench.pass_time(5)
            await bench.rest()
            if bench.mail.ids(MailView(status="sent")) == [email_id(3)] and not bench.pending.items():
                break
        assert PendingChanged() in bench.events
        assert bench.pending.items() == []
        row = bench.mail.row(email_id(3))
        assert row is not None
        assert row.status == "sent"


async def test_a_list_that_is_the_same_as_before_is_compared_again_only_once_the_store_has_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, store = FakeGateway(), PendingStore(database)
    lists = [Listing([make_pending(3)])]
    compared: list[object] = []
    replace = PendingStore.replace

    async def pending() -> Listing[PendingItem]:
        return lists[-1]

    def counting(store: PendingStore, items: Iterable[PendingItem], at: datetime) -> PendingChanges:
        compared.append(items)
        return replace(store, items, at)

    monkeypatch.setattr(gateway, "pending", pending)
    monkeypatch.setattr(PendingStore, "replace", counting)
    queue = QueueSync(database, gateway.client, FakeClock())
    assert (await queue.read())[1].new == {email_id(3)}
    for _ in range(5):
        assert not (await queue.read())[1]
    assert len(compared) == 2, "once more, because the store had changed; then nothing had"
    await asyncio.to_thread(store.remove, email_id(3))
    assert (await queue.read())[1].new == {email_id(3)}
    lists.append(Listing([]))
    assert (await queue.read())[1].gone == {email_id(3)}


async def test_old_outbound_mail_that_may_still_move_is_read_again(gateway: FakeGateway, database: Database) -> None:
    old = make_mail(1, direction=OneLine("outbound"), status=OneLine("sent"))
    gateway.put(old, *(make_mail(number) for number in range(2, 300)))
    async with Bench(gateway, database).running() as bench:
        gateway.put(old.replaced(status=OneLine("bounced")))
        await bench.pass_time(130)
        await bench.rest()
        row = bench.mail.row(email_id(1))
        assert row is not None
        assert row.status == "bounced"


async def test_opening_a_mail_is_one_request_however_often_it_is_asked_for(database: Database) -> None:
    gateway = FakeGateway()
    gateway.put(make_mail(1))
    gateway.waiting = [make_pending(1)]
    async with Bench(gateway, database).running() as bench:
        both = await asyncio.gather(
            bench.sync.fetch_detail(BOX, email_id(1)), bench.sync.fetch_detail(BOX, email_id(1))
        )
        assert both[0] is both[1]
        assert gateway.calls["email"] == 1
        kept = bench.mail.detail(email_id(1))
        assert kept is not None
        assert kept.body == "Hello, where is my parcel?"
        item = bench.pending.get(email_id(1))
        assert item is not None
        assert item.complete


async def test_a_damaged_waiting_email_counts_as_read_only_once_it_is_listed_again(database: Database) -> None:
    gateway = FakeGateway()
    gateway.put(make_mail(1))
    gateway.waiting = [make_pending(1)]
    async with Bench(gateway, database).running() as bench:
        with database.write() as connection:
            connection.execute("UPDATE pending SET model = 'x', listed = 'x'")
        await bench.sync.fetch_detail(BOX, email_id(1))
        item = bench.pending.get(email_id(1))
        assert item is not None and not item.complete
        await bench.pass_time(60)
        await bench.rest()
        await bench.sync.fetch_detail(BOX, email_id(1))
        item = bench.pending.get(email_id(1))
        assert item is not None and item.complete and item.direction == "outbound"


async def test_a_waiting_email_listed_without_direction_and_status_is_read_too(database: Database) -> None:
    gateway = FakeGateway()
    gateway.put(make_mail(1))
    gateway.waiting = [make_pending(1).replaced(direction=OneLine(""), status=OneLine(""))]
    async with Bench(gateway, database).running() as bench:
        await bench.sync.fetch_detail(BOX, email_id(1))
        item = bench.pending.get(email_id(1))
        assert item is not None and item.complete


async def test_the_audit_log_is_read_once_and_then_only_its_head(database: Database) -> None:
    gateway = FakeGateway(scopes=("oversight", "admin"))
    approved = AuditEntry(id="a", action=OneLine("email.approved"), actor_key_id=OneLine("k1"))
    gateway.audit = [approved.replaced(id=f"a{number}") for number in reversed(range(250))]
    gateway.failing["api_keys"] = MissingScope(scope="admin")
    async with Bench(gateway, database).running() as bench:
        assert AuditStore(database).count() == 250
        assert gateway.calls["audit_log"] == 3
        gateway.audit.insert(0, AuditEntry(id="a250", action=OneLine("email.rejected")))
        await bench.pass_time(60)
        await bench.rest()
        assert AuditStore(database).count() == 251
        assert gateway.calls["audit_log"] == 4
        assert gateway.calls["api_keys"] == 1  # the names of keys that it may not list are not asked for again


async def test_the_audit_log_is_not_asked_for_without_an_admin_key(gateway: FakeGateway, database: Database) -> None:
    async with Bench(gateway, database).running() as bench:
        await bench.pass_time(300)
        assert gateway.calls["audit_log"] == 0


async def test_what_is_older_than_the_retention_is_not_stored(gateway: FakeGateway, database: Database) -> None:
    gateway.put(*(make_mail(number * 600) for number in range(40)))
    bench = Bench(gateway, database, SyncSettings(retention_days=1))
    bench.clock.advance(16 * 86400)
    await bench.sync.run_once()
    oldest = bench.clock.now().timestamp() - 86400
    rows = bench.mail.rows(bench.mail.keys(MailView()))
    assert rows
    assert all(row.received_at is not None and row.received_at / 1000 >= oldest for row in rows)


async def test_running_once_reports_its_progress_and_every_failure(database: Database) -> None:
    gateway = FakeGateway(scopes=("oversight", "admin"))
    gateway.put(*(make_mail(number) for number in range(150)))
    gateway.failing["audit_log"] = ServerFault(status=500)
    seen: list[SyncState] = []
    state = await Bench(gateway, database).sync.run_once(seen.append)
    assert seen[-1].progress == 150
    assert [part.part for part in state.parts if part.error] == [SyncPart.AUDIT]


def held_by_us() -> int:
    """Bytes that the program's own lines hold; what the test's other parts allocate is not its doing."""
    ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/mm_tui/*")])
    return sum(trace.size for trace in ours.traces)


@pytest.mark.slow
async def test_two_thousand_polls_leave_memory_flat(database: Database) -> None:
    import gc

    # A second thread would open a connection of its own, at whatever moment it is first needed.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    gateway = FakeGateway(scopes=("oversight", "admin"))
    gateway.put(*(make_mail(number) for number in range(50)))
    gateway.waiting = [make_pending(number) for number in range(10)]
    async with Bench(gateway, database, SyncSettings(active_seconds=5)).running() as bench:
        await bench.pass_time(5 * 100)
        bench.events.clear()
        gateway.asked.clear()
        gc.collect()

        async def least_held() -> int:
            # What is under way at one moment is noise: the least of several moments is what stays.
            held: list[int] = []
            for _ in range(8):
                await bench.pass_time(5 * 3)
                bench.events.clear()
                gateway.asked.clear()
                gc.collect()
                held.append(held_by_us())
            return min(held)

        tracemalloc.start()
        try:
            await bench.pass_time(5 * 500)
            early = await least_held()
            await bench.pass_time(5 * 1400)
            late = await least_held()
        finally:
            tracemalloc.stop()
        assert gateway.calls["pending"] >= 2000
        assert late - early < 50_000
        assert bench.clock.now() > START


async def test_contacts_are_kept_and_stay_as_they_were_when_they_cannot_be_read(database: Database) -> None:
    gateway = FakeGateway()
    gateway.contact_list = [Contact("01C", OneLine("Bea@customer.example"), created_at=START)]
    async with Bench(gateway, database).running() as bench:
        pass
    gateway.contact_list, gateway.failing["contacts"] = [], NotFound(status=404)
    async with Bench(gateway, database).running() as bench:
        assert bench.sync.state.error is None, "a gateway without contacts is no fault"
    assert [one.address for one in ContactStore(database).address_book()] == ["bea@customer.example"]
