"""A long queue is shown as it is read: the oldest drafts first, each with all its findings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import asdict

from bench.long_queue import _question, fill
from mm_tui.clock import SystemClock
from mm_tui.models import EmailDetail, Party
from mm_tui.review.risk.engine import assess_within
from mm_tui.review.risk.model import Assessment
from mm_tui.review.risk.rule import Reading
from mm_tui.services.knowledge.contacts import CONTACTS_AGE
from mm_tui.services.queue import assessing, resubmitted
from mm_tui.services.queue.entries import FIRST_READ, ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import ManyLine, OneLine
from tests.support.clock import FakeClock

DRAFTS = 2 * FIRST_READ + 10


def test_the_first_drafts_are_reported_before_the_last_ones_are_read(database: Database) -> None:
    reported: list[tuple[list[QueueEntry], int]] = []
    fill(database, DRAFTS)
    queue = ReviewQueue(database, SystemClock(), Risk())
    entries = queue.entries(so_far=lambda entries, count: reported.append((entries, count)))
    assert [(len(first), count) for first, count in reported] == [(FIRST_READ, DRAFTS), (2 * FIRST_READ, DRAFTS)]
    assert all(first == entries[: len(first)] for first, _ in reported)
    assert len(entries) == DRAFTS
    assert all(entry.assessment.findings for entry in entries)


def test_a_reading_that_is_stopped_ends_early(database: Database) -> None:
    fill(database, DRAFTS)
    queue = ReviewQueue(database, SystemClock(), Risk())
    reported: list[int] = []
    found = queue.entries(so_far=lambda entries, _: reported.append(len(entries)), stop=lambda: bool(reported))
    assert len(found) == FIRST_READ


@pytest.fixture
def assessed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subjects of the drafts to which the rules were applied."""
    found: list[str] = []

    def counting(reading: Reading) -> Assessment:
        found.append(str(reading.draft.subject))
        return assess_within(reading)

    monkeypatch.setattr(assessing, "assess_within", counting)
    return found


def test_a_queue_read_again_is_the_same_and_one_change_assesses_one_draft(
    database: Database, assessed: list[str]
) -> None:
    fill(database, DRAFTS)
    clock = SystemClock()
    queue = ReviewQueue(database, clock, Risk())
    first = queue.entries()
    assert len(assessed) == DRAFTS
    again = queue.entries()
    assert again == first
    assert all(one.item is old.item and one.thread is old.thread for one, old in zip(again, first, strict=True))
    changed = first[3].item
    raw = changed.raw.replaced(body="Another text.")
    item = changed.replaced(raw=raw, body=ManyLine(raw.body))
    PendingStore(database).save_detail(item)
    third = queue.entries()
    assert [at for at, one in enumerate(third) if one != first[at]] == [3]
    assert assessed[DRAFTS:] == [str(changed.subject)]


def test_new_correspondents_assess_only_the_drafts_that_they_matter_to(database: Database, assessed: list[str]) -> None:
    fill(database, DRAFTS)
    clock = FakeClock()
    queue = ReviewQueue(database, clock, Risk())
    before = queue.entries()[3]
    assessed.clear()
    # Somebody whose address looks like that of the one whom the draft goes to, and who was there first.
    address = str(before.item.to[0].address).replace("customer", "custorner")
    assert before.item.received_at is not None
    written = _question(9_999).replaced(
        sender=Party.parse(address), received_at=before.item.received_at - timedelta(days=60)
    )
    MailStore(database).upsert([written])
    clock.advance(CONTACTS_AGE.total_seconds() + 1)
    fresh = queue.entries()
    assert len(fresh) == DRAFTS
    assert len(assessed) < DRAFTS
    fully = ReviewQueue(database, clock, Risk()).entries()
    assert [one.assessment for one in fresh] == [one.assessment for one in fully]


def test_a_rejection_is_compared_with_the_drafts_that_wait_already(database: Database) -> None:
    fill(database, 3)
    clock = FakeClock(datetime.now(UTC))
    queue = ReviewQueue(database, clock, Risk())
    first = queue.entries()[0]
    body = "Dear colleague, the office is closed on Monday because of the move to the new building."
    raw = first.item.raw.replaced(body=body)
    waiting = [entry.item for entry in queue.entries()[1:]]
    like = first.item.replaced(body=ManyLine(body), raw=raw)
    PendingStore(database).replace([like, *waiting], clock.now())
    assert not _codes(queue, like.id) & {"like_rejected"}
    rejected = _question(9).replaced(
        direction=OneLine("outbound"), status=OneLine("rejected"), mailbox_id=like.mailbox_id
    )
    mail = MailStore(database)
    mail.upsert([rejected])
    reported = EmailDetail(**asdict(rejected), body=ManyLine(f"{body} Thank you."), raw=raw)
    mail.save_detail(reported, at=clock.now())
    clock.advance(resubmitted.AGAIN_AFTER.total_seconds() + 1)
    assert "like_rejected" in _codes(queue, like.id)


def _codes(queue: ReviewQueue, email_id: str) -> set[str]:
    entry = next(one for one in queue.entries() if one.item.id == email_id)
    return {finding.code for finding in entry.assessment.findings}
