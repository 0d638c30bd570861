"""A draft that follows a rejected one says so, with who, when and why; nothing else does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from mm_tui.decision.relatives import REPLACED_BY
from mm_tui.models import AuditEntry, Mailbox, Party, PendingItem
from mm_tui.screens.pending.diff_pages import difference, follows
from mm_tui.services.presence.tags import Seat
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.redraft_tags import FOLLOWS
from mm_tui.settings.sections import Risk
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import ManyLine, OneLine
from tests.support.clock import FakeClock
from tests.support.fake_gateway import BOX, START, email_id, make_detail, make_mail, make_pending

OLD, NEW = email_id(5), email_id(20)
REJECTED_AT = START + timedelta(minutes=10)
NOW = START + timedelta(minutes=30)


@pytest.fixture
def database(database: Database) -> Database:
    MailStore(database).save_mailboxes([Mailbox(id=BOX, address=OneLine("support@acme.example"))])
    return database


def old_draft(
    database: Database, *, status: str = "rejected", thread: str = "t", answers: str = "", number: int = 5, **more: Any
) -> None:
    mail = make_mail(
        number,
        sender=Party.parse("support@acme.example"),
        direction=OneLine("outbound"),
        status=OneLine(status),
        thread_id=thread,
    )
    MailStore(database).upsert([mail])
    detail = make_detail(mail, "You get 300 dollars back.").replaced(**{"in_reply_to": OneLine(answers), **more})
    MailStore(database).save_detail(detail, at=START)


def new_draft(database: Database, *, seen: datetime = NOW, answers: str = "", **more: Any) -> PendingItem:
    item = make_pending(20, **{"thread_id": "t", "complete": True, "in_reply_to": OneLine(answers), **more})
    PendingStore(database).replace([item], seen)
    PendingStore(database).save_detail(item)
    return item


def rejected_here(
    database: Database,
    reason: str = "wrong amount",
    *,
    who: str = "robin",
    note: str = "rejected",
    at: datetime = REJECTED_AT,
    email: str = OLD,
    **more: str,
) -> None:
    details = {"release": "r1", "act": "reject", "digest": "d", "reason": reason, "note": note, **more}
    Journal(database).write("ended", who, email, at, details)


def entry(database: Database, reviewer: str = "robin") -> QueueEntry:
    (found,) = ReviewQueue(database, FakeClock(NOW), Risk()).entries(seat=Seat(reviewer))
    return found


def test_ones_own_rejection_is_shown_with_time_and_reason(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    rejected_here(database)
    words = entry(database).resubmitted_words
    assert words == f"you rejected one at {REJECTED_AT.astimezone():%H:%M}: wrong amount"
    assert entry(database, "anna").resubmitted_words.startswith("robin rejected one")


def test_it_is_known_before_the_gateway_lists_the_old_one_as_rejected(database: Database) -> None:
    old_draft(database, status="pending_send_approval")
    new_draft(database)
    assert entry(database).resubmission is None
    rejected_here(database)
    assert entry(database).resubmission is not None


def test_what_was_sent_back_says_so(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    rejected_here(database, "too long", sent_back="yes")
    assert "you sent one back at" in entry(database).resubmitted_words
    assert entry(database).resubmitted_words.endswith(": too long")


def test_drafts_that_waited_together_do_not_follow_each_other(database: Database) -> None:
    old_draft(database)
    new_draft(database, seen=REJECTED_AT - timedelta(seconds=5))
    rejected_here(database)
    assert entry(database).resubmission is None


def test_a_draft_written_before_the_other_was_rejected_elsewhere_does_not_follow(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    log(database, at=NOW)
    assert entry(database).resubmission is None


@pytest.mark.parametrize("note", ["undone", "fell_back", "elsewhere", "unreachable"])
def test_a_rejection_without_effect_is_none(database: Database, note: str) -> None:
    old_draft(database, status="pending_send_approval")
    new_draft(database)
    rejected_here(database, note=note)
    assert entry(database).resubmission is None


def log(database: Database, reason: str = "no", *, at: datetime = REJECTED_AT) -> None:
    metadata = {OneLine("reason"): OneLine(reason)}
    line = AuditEntry(
        id="A1", action=OneLine("oversight.rejected"), resource_id=OneLine(OLD), created_at=at, metadata=metadata
    )
    AuditStore(database).add([line])


def test_another_reviewers_rejection_is_shown_with_what_the_log_has(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    assert entry(database).resubmitted_words == "another reviewer rejected one"
    log(database, "wrong \x1b[2Jname" + "x" * 500)
    words = entry(database).resubmitted_words
    assert words.startswith("another reviewer rejected one at ") and ": wrong name" in words
    assert len(words) < 250 and "\x1b" not in words


def test_a_draft_that_an_edit_took_the_place_of_was_not_found_wanting(database: Database) -> None:
    old_draft(database, tags={OneLine(REPLACED_BY): OneLine(email_id(6))})
    new_draft(database)
    assert entry(database).resubmission is None


def test_nor_was_one_that_our_edit_replaced(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    Journal(database).write("retired", "robin", OLD, REJECTED_AT, {"about": OLD, "release": "r1"})
    assert entry(database).resubmission is None
    log(database, "superseded by X, edited by robin")
    assert entry(database).resubmission is None


def test_other_threads_count_where_the_same_mail_is_answered(database: Database) -> None:
    old_draft(database, thread="other")
    new_draft(database, answers="<m1@customer.example>")
    assert entry(database).resubmission is None
    old_draft(database, thread="third", answers="<m1@customer.example>", number=6)
    found = entry(database).resubmission
    assert found is not None and found.email_id == email_id(6)


def test_the_last_of_several_is_shown_and_the_others_are_counted(database: Database) -> None:
    old_draft(database, number=4)
    old_draft(database)
    new_draft(database)
    rejected_here(database, "first", email=email_id(4), at=REJECTED_AT - timedelta(minutes=4))
    rejected_here(database, "second")
    words = entry(database).resubmitted_words
    assert "second (and 1 before it)" in words and "first" not in words


def test_inbound_mail_follows_nothing(database: Database) -> None:
    old_draft(database)
    new_draft(database, direction=OneLine("inbound"))
    rejected_here(database)
    assert entry(database).resubmission is None


def test_the_difference_to_the_rejected_text_shows_all_that_would_leave(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    rejected_here(database)
    found = entry(database)
    assert follows(found)
    page, name = difference(found, None)
    assert "Compared with the draft that was rejected before" in page.text and "wrong amount" in page.text
    assert "[-You" in page.text and "{+Dear Anna+}" in page.text
    assert name == found.version


def test_without_the_old_text_there_is_nothing_to_compare(database: Database) -> None:
    mail = make_mail(5, direction=OneLine("outbound"), status=OneLine("rejected"), thread_id="t")
    MailStore(database).upsert([mail])
    new_draft(database)
    found = entry(database)
    assert found.resubmission is not None and found.resubmission.before is None
    assert not follows(found)


def test_digest_and_findings_do_not_change_by_it(database: Database) -> None:
    old_draft(database)
    new_draft(database)
    before = entry(database)
    rejected_here(database)
    after = entry(database)
    assert (before.digest, before.version, before.assessment) == (after.digest, after.version, after.assessment)


@pytest.mark.parametrize(
    ("named", "reported"), [(OLD, OLD), (email_id(6), email_id(6)), (email_id(99), email_id(6)), ("", email_id(6))]
)
def test_the_draft_that_an_agent_names_is_shown_where_it_may_be_that_one(
    database: Database, named: str, reported: str
) -> None:
    old_draft(database)
    old_draft(database, number=6)
    rejected_here(database)
    rejected_here(database, "wrong tone", email=email_id(6), at=REJECTED_AT + timedelta(minutes=1))
    new_draft(database)
    mail = make_mail(20, direction=OneLine("outbound"), status=OneLine("pending_send_approval"), thread_id="t")
    MailStore(database).upsert([mail])
    tagged = make_detail(mail, "x").replaced(tags={OneLine(FOLLOWS): OneLine(named)})
    MailStore(database).save_detail(tagged, at=START)
    found = entry(database).resubmission
    assert found is not None and found.email_id == reported


@pytest.mark.parametrize("replaced", [False, True])
def test_a_draft_like_a_rejected_one_says_why_that_was_rejected_unless_an_edit_replaced_it(
    database: Database, replaced: bool
) -> None:
    body = "Dear Anna, you get 300 dollars back on Friday, and a second blender"
    tags = {OneLine(REPLACED_BY): OneLine(email_id(6))} if replaced else {}
    old_draft(database, thread="another", body=ManyLine(f"{body} too."), tags=tags)
    new_draft(database, body=ManyLine(f"{body} for nothing."))
    if not replaced:
        rejected_here(database)
    found = [str(one.words) for one in entry(database).assessment.findings if one.code == "like_rejected"]
    assert [words.endswith('rejected for "wrong amount"') for words in found] == ([] if replaced else [True])
