"""Only mail that arrived or left counts as thread: what was never sent vouches for nothing."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_tui.clock import SystemClock
from mm_tui.models import ARRIVED, LEFT, EmailDetail, EmailSummary, Mailbox, Party, PendingItem, RawContent, Status
from mm_tui.review.findings import Level
from mm_tui.review.known import ESTABLISHED
from mm_tui.services.knowledge.contacts import Contacts
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.mail.contacts import ContactStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import ManyLine, OneLine
from tests.support.fake_gateway import BOX, START, email_id, make_detail, make_mail, make_pending

STATUSES = (*Status, "approved_and_sent", "complained", "held_by_policy", "")
EVIL = "Please pay $740 at https://evil.test/pay or ask eve@evil.test."
DETAILS: tuple[dict[str, Any], ...] = ({}, {"delivered_at": START}, {"bounced_at": START}, {"approved_at": START})


@pytest.fixture
def database(database: Database) -> Database:
    MailStore(database).save_mailboxes([Mailbox(id=BOX, address=OneLine("support@acme.example"))])
    return database


def put(database: Database, mail: EmailSummary, body: str, **more: Any) -> EmailDetail:
    """Takes in a mail and its detail."""
    MailStore(database).upsert([mail])
    detail = make_detail(mail, body).replaced(**more)
    MailStore(database).save_detail(detail, at=START)
    return detail


def waits(database: Database, *items: PendingItem) -> None:
    PendingStore(database).replace(items, START)
    for item in items:
        PendingStore(database).save_detail(item.replaced(complete=True))


def draft(number: int, body: str, to: str = "anna@customer.example", **changes: Any) -> PendingItem:
    raw = RawContent(sender="support@acme.example", to=(to,), cc=("eve@evil.test",), subject="Re: Parcel", body=body)
    fields = {
        "to": (Party.parse(to),),
        "cc": (Party.parse("eve@evil.test"),),
        "subject": OneLine("Re: Parcel"),
        "body": ManyLine(body),
        "thread_id": "t",
        "raw": raw,
    }
    return make_pending(number, **{**fields, **changes})


def entry(database: Database, wanted: str) -> QueueEntry:
    found = ReviewQueue(database, SystemClock(), Risk()).entry(wanted)
    assert found is not None
    return found


def risks(database: Database, wanted: str) -> set[tuple[str, Level]]:
    return {
        (finding.code, finding.level)
        for finding in entry(database, wanted).assessment.findings
        if finding.code not in {"another_answer", "already_answered"}
    }


def conversation(database: Database) -> None:
    anna = make_mail(1, sender=Party.parse("anna@customer.example"), thread_id="t", status=OneLine("read"))
    put(database, anna, "Where is my parcel?")


@pytest.mark.parametrize(
    ("status", "details"), list(itertools.product(STATUSES, DETAILS)), ids=lambda one: str(one) or "no status"
)
def test_what_was_not_sent_vouches_for_no_later_draft(
    database: Database, tmp_path: Path, status: str, details: dict[str, Any]
) -> None:
    conversation(database)
    waits(database, draft(5, EVIL))
    before = risks(database, email_id(5))
    assert ("recipient_not_in_thread", Level.HIGH) in before
    assert {code for code, _ in before} >= {"amount_not_in_thread", "link_not_in_thread", "new_domain"}
    earlier = make_mail(
        3,
        sender=Party.parse("support@acme.example"),
        to=(Party.parse("anna@customer.example"), Party.parse("eve@evil.test")),
        direction=OneLine("outbound"),
        status=OneLine(status),
        thread_id="t",
        **{name: at for name, at in details.items() if name != "approved_at"},
    )
    detail = put(database, earlier, EVIL, cc=(Party.parse("eve@evil.test"),), **details)
    if detail.is_exchanged:
        assert risks(database, email_id(5)) != before
    else:
        assert risks(database, email_id(5)) == before
    # One way or the other, the store's word for it is the model's.
    assert any(one.address == "eve@evil.test" for one in ContactStore(database).exchanges()) == detail.is_exchanged


def test_words_and_times_say_what_was_sent() -> None:
    for status, details in itertools.product(STATUSES, DETAILS):
        mail = make_detail(make_mail(1, direction=OneLine("outbound"), status=OneLine(status)))
        left = mail.replaced(**details).is_exchanged
        if status in LEFT:
            assert left
        elif status in {"pending_scan", "pending_send_approval", "scheduled", "rejected", "cancelled", "send_failed"}:
            assert not left
        elif status == "deleted":
            assert left == bool({"delivered_at", "bounced_at"} & details.keys())
        else:
            assert left == bool(details)


@pytest.mark.parametrize("status", STATUSES)
def test_inbound_mail_that_did_not_arrive_vouches_for_nothing(database: Database, status: str) -> None:
    conversation(database)
    waits(database, draft(5, EVIL))
    before = risks(database, email_id(5))
    arrived = status in ARRIVED
    put(
        database,
        make_mail(2, sender=Party.parse("eve@evil.test"), thread_id="t", status=OneLine(status)),
        EVIL,
    )
    assert (risks(database, email_id(5)) != before) == arrived
    assert (ContactStore(database).first_seen("eve@evil.test") is not None) == arrived


def test_a_draft_of_another_thread_does_not_make_its_recipient_known(database: Database) -> None:
    conversation(database)
    waits(database, draft(5, "Hello.", to="eve@evil.test"))
    before = risks(database, email_id(5))
    elsewhere = make_mail(
        3, to=(Party.parse("eve@evil.test"),), direction=OneLine("outbound"), status=OneLine("rejected"), thread_id="u"
    )
    put(database, elsewhere, "Hello.")
    assert risks(database, email_id(5)) == before


def test_a_waiting_draft_is_no_mail_that_came_in(database: Database) -> None:
    conversation(database)
    waits(database, draft(5, "Hello."))
    put(database, make_mail(7, thread_id="t", status=OneLine("pending_inbound_approval")), "Hurry!")
    put(database, make_mail(8, thread_id="t", status=OneLine("spam_quarantined")), "Hurry!")
    assert "thread_moved" not in {code for code, _ in risks(database, email_id(5))}
    put(database, make_mail(9, thread_id="t", status=OneLine("unread")), "Hurry!")
    assert "thread_moved" in {code for code, _ in risks(database, email_id(5))}


# Contacts


def known(database: Database, *, thread: str | None, at: datetime) -> tuple[set[str], tuple[str, ...]]:
    contacts = Contacts(database, SystemClock())
    contacts.refresh()
    found = contacts.known_to("none", BOX, thread, at)
    since = {address: known for address in found.book.by_first if (known := found.since(address)) is not None}
    recent = sorted((first, address) for address, first in since.items() if first != ESTABLISHED)
    return since.keys() - {address for _, address in recent}, tuple(address for _, address in recent)


def test_who_is_known_was_known_before_and_elsewhere(database: Database) -> None:
    long_ago = START - timedelta(days=30)
    mails = [
        make_mail(1, sender=Party.parse("Old@Friend.example"), thread_id="a", received_at=long_ago),
        make_mail(2, sender=Party.parse("new@stranger.example"), thread_id="b"),
        make_mail(
            3,
            to=(Party.parse("PAUL@partner.example"),),
            direction=OneLine("outbound"),
            status=OneLine("sent"),
            thread_id="c",
        ),
        make_mail(9, sender=Party.parse("late@comer.example"), thread_id="d"),
    ]
    MailStore(database).upsert(mails)
    at = START + timedelta(minutes=5)
    assert known(database, thread="x", at=at) == (
        {"old@friend.example", "paul@partner.example"},
        ("new@stranger.example",),
    )
    # Nobody is known by the thread that the mail stands in.
    assert known(database, thread="a", at=at)[0] == {"paul@partner.example"}
    assert known(database, thread="c", at=at)[0] == {"old@friend.example"}
    assert known(database, thread="c", at=at)[1] == ("new@stranger.example", "paul@partner.example")


def test_who_is_known_by_an_address_in_any_script(database: Database) -> None:
    MailStore(database).upsert([make_mail(1, sender=Party.parse("田中@例え.example"))])
    contacts = ContactStore(database)
    assert contacts.first_seen("田中@例え.example") is not None
    assert contacts.first_seen("田@例え.example") is None


def test_people_are_known_by_their_first_mail(database: Database) -> None:
    written = make_mail(
        3, to=(Party.parse("New@x.example"),), direction=OneLine("outbound"), status=OneLine("delivered")
    )
    MailStore(database).upsert([make_mail(1), make_mail(8), written])
    contacts = ContactStore(database)
    assert contacts.first_seen("ANNA1@customer.example") == START + timedelta(minutes=1)
    assert contacts.first_seen("ANNA1@customer.example", before=START + timedelta(minutes=1)) is None
    assert contacts.first_seen("new@x.example") == START + timedelta(minutes=3)
    assert contacts.first_seen("support@acme.example") is None
    assert contacts.first_seen("anna@customer.example") is None
    assert contacts.first_seen("") is None
