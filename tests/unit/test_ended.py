"""Where mail that waits no more stands in the list, and what is said of how it was decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.models import AuditEntry, EmailSummary, Party, PendingItem, RawContent
from mm_tui.review.risk.model import Assessment
from mm_tui.services.decisions.ended import UNKNOWN_END, how_it_ended, with_ended
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine

AT = datetime(2026, 3, 2, 9, 12, tzinfo=UTC)


def entry(email_id: str) -> QueueEntry:
    sender = Party.parse("a@acme.example")
    item = PendingItem(
        id=email_id, mailbox_id="m", direction=OneLine("outbound"), sender=sender, raw=RawContent(sender="a")
    )
    return QueueEntry(item, "d", Assessment((), ()))


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.sets(st.sampled_from("abcdefgh")), st.booleans())
def test_what_stays_keeps_its_neighbours_and_nothing_is_lost(ids: list[str], gone: set[str], new: bool) -> None:
    stays = [one for one in ids if one in gone]
    waiting = [one for one in ids if one not in gone] + (["new"] if new else [])
    found = [one.item.id for one in with_ended([*map(entry, waiting)], ids, [*map(entry, stays)])]
    assert sorted(found) == sorted([*waiting, *stays])
    assert [one for one in found if one != "new"] == ids, "the old order stands as it was"


def test_the_log_says_who_and_when(database: Database) -> None:
    audit = AuditStore(database)
    audit.add(
        AuditEntry(
            id=f"a{number}", action=OneLine(action), resource_id=OneLine("e1"), actor_key_id=OneLine("01HKEYABCDEF"),
            created_at=AT,
        )
        for number, action in enumerate(("oversight.pending", "oversight.rejected", "email.tags_set"))
    )  # fmt: skip
    words = how_it_ended(MailStore(database), audit, DecisionStore(database), "eva", "e1")
    assert words == f"rejected elsewhere at {AT.astimezone():%H:%M} by key …ABCDEF"
    later = AT.astimezone().date() + timedelta(days=1)
    words = how_it_ended(MailStore(database), audit, DecisionStore(database), "eva", "e1", later)
    assert words == f"rejected elsewhere on {AT.astimezone():%-d %b at %H:%M} by key …ABCDEF"
    names = {"01HKEYABCDEF": "sam"}
    words = how_it_ended(MailStore(database), audit, DecisionStore(database), "eva", "e1", names=names)
    assert words == f"rejected elsewhere at {AT.astimezone():%H:%M} by sam key"


@pytest.mark.parametrize(
    ("status", "words"),
    [("rejected", "rejected elsewhere"), ("cancelled", "cancelled"), ("pending_send_approval", UNKNOWN_END),
     ("something_new", UNKNOWN_END)],
)  # fmt: skip
def test_without_the_log_the_status_is_all_that_is_said(database: Database, status: str, words: str) -> None:
    mail = MailStore(database)
    sender = Party.parse("a@acme.example")
    mail.upsert([EmailSummary(id="e1", mailbox_id="m", sender=sender, status=OneLine(status), received_at=AT)])
    assert how_it_ended(mail, AuditStore(database), DecisionStore(database), "eva", "e1") == words


def test_nothing_is_said_about_an_unknown_email(database: Database) -> None:
    assert how_it_ended(MailStore(database), AuditStore(database), DecisionStore(database), "eva", "e9") == UNKNOWN_END
