"""Two answers to one email, and emails with undisclosed recipients: both are flagged and never approved in a batch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from mm_tui.clock import SystemClock
from mm_tui.decision.relatives import REPLACED_BY, REPLACES
from mm_tui.gateway import wire
from mm_tui.models import Direction, EmailDetail, Mailbox, OversightMode, Party, PendingItem
from mm_tui.review.findings import Level
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Assessment, Draft, OtherAnswer, ThreadContext
from mm_tui.screens.audit.pages import history_page
from mm_tui.screens.dialogs.mail import sender_page
from mm_tui.screens.inbox.mail_list import who
from mm_tui.screens.pending.head import OpenedEmail, fitted
from mm_tui.services.audit.history import History
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.details import completed
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.fake_gateway import BOX, START, email_id, make_detail, make_mail, make_pending
from tests.support.sandbox import Sandbox

ANNA = Party.parse("anna@customer.example")
ANSWER_CODES = {"already_answered", "another_answer"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "store.db") as opened:
        box = Mailbox(id=BOX, address=OneLine("support@acme.example"), oversight_mode=OneLine(OversightMode.GATED_SEND))
        MailStore(opened).save_mailboxes([box])
        MailStore(opened).upsert([make_mail(1, sender=ANNA, thread_id="t", status=OneLine("read"))])
        yield opened


def waiting(number: int, **changes: Any) -> PendingItem:
    return make_pending(number, **{"thread_id": "t", "complete": True, **changes})


def wait(database: Database, *items: PendingItem) -> None:
    pending = PendingStore(database)
    pending.replace(items, START)
    for item in items:
        pending.save_detail(item)


def ours(
    database: Database,
    number: int,
    status: str,
    *,
    minutes: int | None = None,
    to: tuple[Party, ...] = (ANNA,),
    **more: Any,
) -> EmailDetail:
    """Another outbound mail of the thread."""
    mail = make_mail(
        number,
        sender=Party.parse("support@acme.example"),
        to=to,
        direction=OneLine("outbound"),
        status=OneLine(status),
        thread_id="t",
        received_at=START + timedelta(minutes=number if minutes is None else minutes),
    )
    detail = make_detail(mail, "It is on its way.").replaced(**more)
    MailStore(database).upsert([mail])
    MailStore(database).save_detail(detail, at=START)
    return detail


def entry(database: Database, number: int) -> QueueEntry:
    found = ReviewQueue(database, SystemClock(), Risk()).entry(email_id(number))
    assert found is not None
    return found


def said(database: Database, number: int) -> dict[str, str]:
    findings = entry(database, number).assessment.findings
    return {finding.code: str(finding.words) for finding in findings if finding.code in ANSWER_CODES}


@pytest.mark.parametrize("other", [3, 7])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("sent", "already_answered"),
        ("delivered", "already_answered"),
        ("bounced", "already_answered"),
        ("approved", "already_answered"),
        ("pending_send_approval", "another_answer"),
        ("pending_scan", "another_answer"),
        ("scheduled", "another_answer"),
        ("held_by_policy", "another_answer"),
        ("rejected", None),
        ("cancelled", None),
        ("send_failed", None),
        ("deleted", None),
    ],
)
def test_another_answer_is_shown_with_its_outcome(
    database: Database, status: str, code: str | None, other: int
) -> None:
    wait(database, waiting(5))
    ours(database, other, status)
    found = said(database, 5)
    assert set(found) == ({code} if code else set())
    assessment = entry(database, 5).assessment
    assert bool(assessment.why_alone) == bool(code)
    if code:
        assert assessment.level >= Level.MEDIUM
        assert (status == "sent") == ("(sent)" in found[code])


def test_the_words_name_the_time_when_it_left(database: Database) -> None:
    now = datetime.now(UTC)
    wait(database, waiting(5))
    left = now.replace(microsecond=0)
    ours(database, 3, "sent", approved_at=left)
    assert said(database, 5) == {"already_answered": f"already answered at {left.astimezone():%H:%M} (sent)"}
    ours(database, 3, "sent", approved_at=START)
    assert "Mar 2026 at" in said(database, 5)["already_answered"]
    ours(database, 4, "delivered", approved_at=START)
    assert said(database, 5)["already_answered"].endswith("(delivered) and 1 more time")
    ours(database, 6, "pending_send_approval")
    assert said(database, 5)["another_answer"] == "another draft answers this too"
    ours(database, 7, "scheduled")
    assert said(database, 5)["another_answer"] == "2 others answer this"


def test_what_came_before_the_mail_that_is_answered_is_no_second_answer(database: Database) -> None:
    ours(database, 2, "sent", minutes=0)
    wait(database, waiting(5))
    assert said(database, 5) == {}
    MailStore(database).upsert([make_mail(4, thread_id="t", status=OneLine("read"))])
    ours(database, 3, "sent")
    assert said(database, 5) == {}
    ours(database, 6, "sent")
    assert set(said(database, 5)) == {"already_answered"}


def test_a_question_to_a_colleague_is_no_answer(database: Database) -> None:
    wait(database, waiting(5, to=(ANNA,)))
    ours(database, 3, "sent", to=(Party.parse("dave@acme.example"),))
    assert not ANSWER_CODES & set(said(database, 5))


def test_what_names_another_mail_answers_another_mail(database: Database) -> None:
    wait(database, waiting(5, in_reply_to=OneLine("<one@customer.example>")))
    ours(database, 3, "sent", in_reply_to=OneLine("<other@customer.example>"))
    assert said(database, 5) == {}
    ours(database, 2, "sent", minutes=0, in_reply_to=OneLine("<one@customer.example>"))
    assert set(said(database, 5)) == {"already_answered"}
    # Of what does not tell the times speak.
    ours(database, 4, "scheduled")
    assert set(said(database, 5)) == ANSWER_CODES


@pytest.mark.parametrize("number", [5, 7])
def test_an_edit_and_its_original_are_one_answer_while_they_wait(database: Database, number: int) -> None:
    other = 12 - number
    wait(database, waiting(5), waiting(7))
    ours(database, other, "pending_send_approval")
    assert set(said(database, number)) == {"another_answer"}
    ours(database, other, "pending_send_approval", tags={OneLine(REPLACES): OneLine(email_id(number))})
    assert said(database, number) == {}
    ours(database, other, "pending_send_approval", tags={OneLine(REPLACED_BY): OneLine(email_id(number))})
    assert said(database, number) == {}
    # Once one of them left, the other would be a second one.
    ours(database, other, "sent", tags={OneLine(REPLACES): OneLine(email_id(number))})
    assert set(said(database, number)) == {"already_answered"}


def test_our_own_decisions_say_what_replaces_what(database: Database) -> None:
    wait(database, waiting(5))
    ours(database, 7, "pending_send_approval")
    assert set(said(database, 5)) == {"another_answer"}
    decision = SavedDecision("r1", email_id(5), email_id(7), "{}", "{}", None, False, "", START)
    with database.write() as connection:
        DecisionStore(database).put(connection, decision)
    assert said(database, 5) == {}


def test_inbound_mail_answers_nothing(database: Database) -> None:
    ours(database, 3, "sent")
    inbound = waiting(5, direction=OneLine(Direction.INBOUND), status=OneLine("pending_inbound_approval"))
    wait(database, inbound)
    assert said(database, 5) == {}


def test_levels_of_the_settings_let_nothing_into_a_batch() -> None:
    context = ThreadContext(answers=(OtherAnswer(OneLine("sent"), None, True),))
    draft = Draft(Party.parse("support@acme.example"), (Party.parse("anna@customer.example"),))
    chosen: tuple[Literal["low", "medium", "high"], ...] = ("low", "medium", "high")
    for level in chosen:
        levels = {"two_answers": level, "recipients_untold": level}
        assert assess(draft, context, Risk(levels=levels)).why_alone
        assert assess(Draft(draft.sender), ThreadContext(), Risk(levels=levels)).why_alone
    assert not assess(draft, context, Risk(off=("two_answers",))).why_alone
    assert not Assessment().why_alone


# Recipients

TOLD: list[dict[str, Any]] = [
    {"to": ["anna@customer.example"]},
    {"to": "anna@customer.example"},
    {"to": '["anna@customer.example"]'},
    {"to": [{"address": "anna@customer.example"}]},
    {"to": {"email": "anna@customer.example", "name": "Anna"}},
    {"to_addresses": ["anna@customer.example"]},
    {"to": [], "to_addresses": ["anna@customer.example"]},
    {"to": None, "to_address": "anna@customer.example"},
    {"to": [""], "recipients": [{"email": "anna@customer.example"}]},
]
UNTOLD: list[dict[str, Any]] = [
    {},
    {"to": []},
    {"to": None},
    {"to": ""},
    {"to": [""]},
    {"to": [" "]},
    {"to": [None]},
    {"to": {}},
    {"to": 7},
    {"to": [{}]},
    {"to": ["undisclosed-recipients:;"]},
    {"to": ["Anna"]},
    {"an_address": "anna@customer.example"},
]


def as_told(fields: dict[str, Any]) -> PendingItem:
    item = {"id": "01A", "mailbox_id": BOX, "from_address": "support@acme.example", "status": "pending_send_approval"}
    return wire.pending_item({**item, "subject": "Re: Parcel", "body_markdown": "It is on its way.", **fields})


@pytest.mark.parametrize("fields", TOLD, ids=str)
def test_recipients_are_read_under_every_name(fields: dict[str, Any]) -> None:
    item = as_told(fields)
    assert [party.address for party in item.to] == ["anna@customer.example"]
    assert item.sender.address == "support@acme.example"
    assert wire.email_summary({"id": "01A", **fields}, BOX).to == item.to
    assert "recipients_untold" not in {one.code for one in assess(Draft.of(item), ThreadContext()).findings}


@pytest.mark.parametrize("fields", UNTOLD, ids=str)
def test_undisclosed_recipients_are_a_high_risk(fields: dict[str, Any]) -> None:
    item = as_told(fields)
    assessment = assess(Draft.of(item), ThreadContext())
    (finding,) = (one for one in assessment.findings if one.code == "recipients_untold")
    assert finding.level is Level.HIGH and assessment.asks_again and assessment.why_alone
    if not item.to:
        assert finding.words == "recipients not disclosed by the gateway"
        for rows in (0, 1):
            shown = str(fitted(OpenedEmail(QueueEntry(item, "0" * 64, assessment)), START, 100, rows)[0])
            assert "to   not disclosed by the gateway" in shown and "nobody" not in shown


def test_one_strange_recipient_among_others_is_flagged() -> None:
    item = as_told({"to": ["anna@customer.example", "everybody"]})
    words = [one.words for one in assess(Draft.of(item), ThreadContext()).findings if one.code == "recipients_untold"]
    assert words == ["a recipient is no address: everybody"]


def test_inbound_mail_needs_no_recipient() -> None:
    item = as_told({"direction": "inbound", "status": "pending_inbound_approval"})
    assert "recipients_untold" not in {one.code for one in assess(Draft.of(item), ThreadContext()).findings}


def test_recipients_from_the_list_are_used_where_the_detail_discloses_none() -> None:
    item = make_pending(1)
    detail = make_detail(make_mail(1, direction=OneLine("outbound"), to=()))
    assert completed(item, detail).to == item.to
    reported = detail.replaced(to=(Party.parse("bob@customer.example"),))
    assert completed(item, reported).to == reported.to


def test_the_mail_that_is_answered_is_read_under_every_name() -> None:
    for fields in (
        {"in_reply_to": "<1@x>"},
        {"headers": {"In-Reply-To": "<1@x>"}},
        {"in_reply_to": None, "headers": {"in-reply-to": "<1@x>"}},
    ):
        assert wire.email_detail({"id": "01A", **fields}, BOX).in_reply_to == "<1@x>"
    assert wire.email_detail({"id": "01A"}, BOX).in_reply_to == ""


# On the command line


def test_list_and_show_mention_the_other_answer(sandbox: Sandbox, home: Home) -> None:
    mail = sandbox.inbound()["id"]
    first = sandbox.reply(mail, "It is on its way.")["id"]
    second = sandbox.reply(mail, "It left yesterday.")["id"]
    sandbox.wait_for(first, "pending_send_approval")
    sandbox.wait_for(second, "pending_send_approval")
    # The thread is known once it was read.
    assert "another draft answers this too" in home.run("pending", "show", second).out
    assert home.run("pending", "list").out.count("[another draft answers this too]") == 2
    sandbox.decide(first)
    sandbox.wait_for(first, "sent", "delivered")
    shown = home.run("pending", "show", second)
    assert ("already answered at" in shown.out and "(sent)" in shown.out) or "(delivered)" in shown.out
    assert "[already answered at" in home.run("pending", "list").out
    (item,) = home.run("pending", "list", "--json").json["pending"]
    assert {flag["code"] for flag in item["flags"]} >= {"already_answered"}


def test_no_list_and_no_page_says_that_a_mail_goes_to_nobody(database: Database) -> None:
    mail = wire.email_summary({"id": "01A", "direction": "outbound", "status": "sent", "from": "s@acme.example"}, BOX)
    detail = wire.email_detail({"id": "01A", "direction": "outbound", "from": "s@acme.example"}, BOX)
    MailStore(database).upsert([mail])
    row = MailStore(database).row("01A")
    assert row is not None and who(row) == "→ (not disclosed)"
    pages = (
        history_page(History("01A", mail, detail, {}, ()), 76),
        sender_page(detail, (), "never"),
    )
    for page in pages:
        assert "not disclosed by the gateway" in page.text and "nobody" not in page.text
    # Nor that a sender who is this account itself may be anybody.
    assert "anybody can use any name" not in pages[1].text and "known" not in pages[1].text
