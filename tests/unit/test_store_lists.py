"""The queue, the audit log, the assistant's results and small facts in the store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from mm_tui.models import Attachment, AuditEntry, Party
from mm_tui.store.assist import AssistStore, DaySpend, ResultKey
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.mail.pending import PendingChanges, PendingStore
from mm_tui.store.state import StateStore
from mm_tui.text import ManyLine, OneLine
from tests.support.fake_gateway import email_id, make_pending

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_the_queue_becomes_what_was_listed(database: Database) -> None:
    queue = PendingStore(database)
    assert queue.replace([make_pending(2), make_pending(1)], NOW).new == {email_id(1), email_id(2)}
    assert not queue.replace([make_pending(1), make_pending(2)], NOW)
    changes = queue.replace([make_pending(1, subject=OneLine("Other")), make_pending(3)], NOW + timedelta(minutes=1))
    assert changes == PendingChanges(*(frozenset({email_id(number)}) for number in (3, 1, 2)))
    assert [item.id for item in queue.items()] == [email_id(1), email_id(3)]
    assert (queue.count(), queue.count("01JOTHER")) == (2, 0)
    assert queue.seen_at(email_id(1)) == NOW
    assert queue.seen_at(email_id(2)) is None


def test_the_ids_of_what_waits_are_in_the_order_of_the_queue(database: Database) -> None:
    queue = PendingStore(database)
    assert queue.ids() == []
    late = make_pending(1, received_at=NOW + timedelta(hours=1))
    queue.replace([late, make_pending(3), make_pending(2, mailbox_id="01JOTHER")], NOW)
    assert queue.ids() == [item.id for item in queue.items()] == [email_id(2), email_id(3), email_id(1)]
    assert queue.ids("01JOTHER") == [email_id(2)]
    assert queue.ids("01JNOWHERE") == []


def test_a_listed_item_keeps_its_details_until_it_is_listed_otherwise(database: Database) -> None:
    queue = PendingStore(database)
    queue.replace([make_pending(1)], NOW)
    complete = make_pending(
        1, cc=(Party.parse("boss@x.example"),), attachments=(Attachment(name=OneLine("a.pdf"), size=7),), complete=True
    )
    assert queue.save_detail(complete)
    queue.replace([make_pending(1)], NOW)
    assert queue.get(email_id(1)) == complete
    queue.replace([make_pending(1, body=ManyLine("Dear Ben"))], NOW)
    item = queue.get(email_id(1))
    assert item is not None
    assert (item.complete, item.body) == (False, "Dear Ben")


def test_what_is_decided_leaves_the_queue_at_once(database: Database) -> None:
    queue = PendingStore(database)
    queue.replace([make_pending(1)], NOW)
    assert queue.remove(email_id(1))
    assert not queue.remove(email_id(1))
    assert queue.get(email_id(1)) is None
    assert not queue.save_detail(make_pending(1))


def test_waiting_mail_still_knows_its_hidden_characters(database: Database) -> None:
    queue = PendingStore(database)
    hostile = make_pending(1)
    raw = hostile.raw.replaced(body="pay \u202enow", subject="Re\u200b: x")
    queue.replace([hostile.replaced(raw=raw, body=ManyLine(raw.body), subject=OneLine(raw.subject))], NOW)
    item = queue.get(email_id(1))
    assert item is not None
    assert (item.body.removed, item.subject.removed) == (1, 1)


def test_the_audit_log_is_stored_once_and_read_by_resource(database: Database) -> None:
    log = AuditStore(database)
    entries = [
        AuditEntry(
            id=f"a{number}",
            action=OneLine("email.approved"),
            resource_id=OneLine(f"r{number % 2}"),
            created_at=NOW + timedelta(hours=number),
            metadata={OneLine("by"): OneLine("key")},
        )
        for number in range(4)
    ]
    assert log.add(entries[:3]) == 3
    assert log.add(entries) == 1
    assert log.of("r1") == [entries[1], entries[3]]
    assert log.count() == 4


def test_results_answer_exactly_their_question(database: Database) -> None:
    results = AssistStore(database)
    key = ResultKey("classify", email_id(1), "jamba-mini", "3", "abc")
    results.put(key, {"value": "billing"}, NOW)
    kept = results.get(key)
    assert kept is not None
    assert (kept.result, kept.made_at) == ({"value": "billing"}, NOW)
    assert results.get(key._replace(content_hash="other")) is None
    newer = key._replace(prompt_version="4")
    results.put(newer, {"value": "support"}, NOW + timedelta(minutes=1))
    latest = results.latest("classify", email_id(1))
    assert latest is not None
    assert latest.key == newer
    assert results.latest("summarise", email_id(1)) is None


def test_spend_adds_up_by_day(database: Database) -> None:
    results = AssistStore(database)
    today = date(2026, 3, 2)
    assert results.spend(today) == DaySpend(0.0, 0, 0, 0)
    for model in ("jamba-mini", "jamba-mini", "jamba-large"):
        results.add_spend(today, model, usd=0.0015, tokens_in=100, tokens_out=20)
    results.add_spend(date(2026, 3, 1), "jamba-mini", usd=9)
    assert results.spend(today) == DaySpend(0.0045, 300, 60, 3)


def test_facts_are_set_replaced_and_removed(database: Database) -> None:
    facts = StateStore(database)
    assert facts.get("cursor") is None
    assert facts.get("cursor", "start") == "start"
    facts.set("cursor", "a")
    facts.set("cursor", "b")
    assert facts.get("cursor") == "b"
    facts.set("cursor", None)
    assert facts.get("cursor") is None
