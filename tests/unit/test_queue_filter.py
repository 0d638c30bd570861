"""Saved filters and the query language of the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui import query
from mm_tui.models import Attachment, Party, PendingItem, RawContent
from mm_tui.query import MAIL, QUEUE
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import Assessment
from mm_tui.services.presence.tags import Presence
from mm_tui.services.queue.entries import ordered
from mm_tui.services.queue.entry import Order, QueueEntry
from mm_tui.services.queue.filter import ALL, FilterContext, QueueFilter, counted, saved_filters
from mm_tui.store.mail.search import parse_query
from mm_tui.text import ManyLine, OneLine

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AROUND = FilterContext(NOW, {"mb1": "support@acme.example", "mb2": "billing@acme.example"})


def waiting(number: int, *findings: tuple[str, Level], inbound: bool = False, **more: Any) -> QueueEntry:
    """A mail that waits since `number` hours."""
    us, them = Party.parse("support@acme.example"), Party.parse(f"Zoë Müller <zoe{number}@customer.example>")
    fields: dict[str, Any] = {
        "id": f"m{number}",
        "mailbox_id": "mb2" if number % 2 else "mb1",
        "direction": OneLine("inbound" if inbound else "outbound"),
        "sender": them if inbound else us,
        "to": (us if inbound else them,),
        "subject": OneLine(f"Re: Order {number}"),
        "body": ManyLine("A full refund of\n$240, as Grüße say."),
        "received_at": NOW - timedelta(hours=number),
        "raw": RawContent(sender="x"),
        "complete": True,
    }
    item_fields = {name: more.pop(name) for name in list(more) if name in PendingItem.__struct_fields__}
    found = tuple(Finding(code, level, OneLine(code)) for code, level in findings)
    return QueueEntry(PendingItem(**{**fields, **item_fields}), "d", Assessment(found, ()), **more)


ENTRIES = (
    waiting(1, ("promise_money", Level.HIGH)),
    waiting(2, ("date_not_in_thread", Level.LOW), is_mine=True, due_at=NOW - timedelta(minutes=1)),
    waiting(3, ("promise_discount", Level.MEDIUM), due_at=NOW + timedelta(minutes=10)),
    waiting(4, inbound=True, attachments=(Attachment(name=OneLine("a.pdf")),)),
    waiting(
        30,
        cc=(Party.parse("boss@acme.example"),),
        presence=Presence(OneLine("anna"), NOW, NOW + timedelta(minutes=9), OneLine("t")),
        pair=OneLine("being replaced by anna"),
    ),
)


def ids(text: str) -> list[int]:
    narrowing = QueueFilter(text, AROUND)
    assert narrowing.complaints == []
    return [int(entry.item.id[1:]) for entry in narrowing.select(ENTRIES)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 3, 4, 30]),
        ("is:inbound", [4]),
        ("-is:inbound", [1, 2, 3, 30]),
        ("is:outbound risk:high", [1]),
        ("risk:medium", [3]),
        ("risk:medium+", [1, 3]),
        ("risk:none", [4, 30]),
        ("-risk:low+", [4, 30]),
        ("is:mine", [2]),
        ("is:claimed", [30]),
        ("-is:claimed", [1, 2, 3, 4]),
        ("is:paired", [30]),
        ("is:overdue", [2]),
        ("is:due", [2, 3]),
        ("is:over", [2]),
        ("flag:promise", [1, 3]),
        ("flag:promise_money", [1]),
        ("in:support", [2, 4, 30]),
        ("in:billing@acme.example", [1, 3]),
        ("in:MB2", [1, 3]),
        ("from:zoe", [4]),
        ("to:zoe", [1, 2, 3, 30]),
        ("to:boss", [30]),
        ("subject:order", [1, 2, 3, 4, 30]),
        ('subject:"order 3"', [3]),
        ("subject:refund", []),
        ("has:attachment", [4]),
        ("has:files", [4]),
        ("-has:thread", [1, 2, 3, 4, 30]),
        ("before:1d", [30]),
        ("after:2h", [1, 2]),
        ("before:2026-03-02", [30]),
        ("refund", [1, 2, 3, 4, 30]),
        ('"refund of $240"', [1, 2, 3, 4, 30]),
        ("fund", []),
        ("grusse", [1, 2, 3, 4, 30]),
        ("MULLER 3", [3, 30]),
    ],
)
def test_a_query_selects_what_it_says(text: str, expected: list[int]) -> None:
    assert ids(text) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [("注文", True), ("subject:確認", True), ('"文の確"', True), ("確認注文", False), ("รับ", True), ("leiten", False)],
)
def test_scripts_without_spaces_are_searched_anywhere_in_the_text(text: str, found: bool) -> None:
    entry = waiting(1, subject=OneLine("ご注文の確認"), body=ManyLine("ขอบคุณครับ, bitte weiterumleiten"))
    assert list(QueueFilter(text, AROUND).select([entry])) == [entry] * found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("is:foo", "there is no is:foo; ignored"),
        ("is:ovredue", "there is no is:ovredue; did you mean is:overdue?"),
        ("after:3m", "after:3m: minutes or months? Write 3min or 3mo"),
        ("risk:dire", "there is no risk:dire; ignored"),
        ("flag:nosuch", "flag:nosuch: no risk rule has that code"),
        ("before:whenever", "before:whenever: not a day (2026-03-01) or an age (7d)"),
        ("!!!", "has no letter or digit"),
        ("x " * 50, "only the first 40 terms"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_reported(text: str, complaint: str) -> None:
    narrowing = QueueFilter(f"{text} risk:high" if "x x" not in text else text, AROUND)
    assert complaint in narrowing.complaints[0]
    if "x x" not in text:
        assert [entry.item.id for entry in narrowing.select(ENTRIES)] == ["m1"]


def test_an_unknown_operator_is_taken_as_words_here_and_in_the_inbox_and_told() -> None:
    entry = waiting(1, subject=OneLine("About rsk:high"))
    found = QueueFilter("rsk:high", AROUND)
    assert list(found.select([entry, waiting(2)])) == [entry]
    told = "there is no operator rsk: (it was taken as words)"
    assert [*found.complaints, *parse_query("rsk:high").complaints] == [told, told]


@pytest.mark.parametrize("text", ["is:", "from:", "-", '"', "risk:", "-is:"])
def test_what_is_still_being_typed_is_not_complained_about(text: str) -> None:
    assert ids(text) is not None


def test_a_saved_filter_may_not_be_unfinished() -> None:
    assert query.first_fault("is:", QUEUE) == ("is: has no value", "`mm-tui docs configuration` lists the operators.")


@given(st.lists(st.one_of(st.text(max_size=9), st.sampled_from([f"{name}:" for name in QUEUE.operators]))).map("".join))
def test_no_input_is_an_error(text: str) -> None:
    narrowing = QueueFilter(text, AROUND)
    assert set(map(id, narrowing.select(ENTRIES))) <= set(map(id, ENTRIES))
    query.first_fault(text, QUEUE)
    query.first_fault(text, MAIL)


def test_given_filters_are_themselves_understood() -> None:
    assert query.check_saved(query.QUEUE_FILTERS, QUEUE) is None
    assert query.check_saved(query.MAIL_FILTERS, MAIL) is None


def test_ones_own_come_first_change_given_ones_and_take_them_away() -> None:
    own = {"money": "flag:promise_money", "high risk": "risk:medium+", "drafts": ""}
    filters = saved_filters(own, [("mb1", "support@acme.example"), ("mb2", "billing@acme.example")])
    names = [str(one.name) for one in filters]
    assert names[:3] == ["all", "money", "high risk"]
    assert "drafts" not in names
    assert names[-2:] == ["support", "billing"]
    assert {str(one.filter.name): one.number for one in counted(filters, ENTRIES, AROUND)}["high risk"] == 2


def test_each_filter_is_counted() -> None:
    filters = saved_filters({}, list(AROUND.addresses.items()))
    numbers = {str(one.filter.name): one.number for one in counted(filters, ENTRIES, AROUND)}
    assert numbers == {
        "all": 5, "mine": 1, "high risk": 1, "overdue": 1, "due": 2, "inbound": 1, "drafts": 4, "claimed": 1,
        "edited": 0, "not checked": 0,
        "snoozed": 0, "support": 3, "billing": 2,
    }  # fmt: skip


UNREAD = (
    waiting(1, ("promise_money", Level.HIGH), complete=False),
    waiting(2, ("promise_discount", Level.MEDIUM), complete=False),
    waiting(3, complete=False),
    waiting(4, ("promise_discount", Level.MEDIUM)),
    waiting(5),
    waiting(6, ("promise_money", Level.HIGH)),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("risk:high", [1, 6]),
        ("risk:high+", [1, 2, 3, 6]),
        ("risk:medium+", [1, 2, 3, 4, 6]),
        ("risk:medium", [2, 4]),
        ("risk:low", []),
        ("risk:none", [5]),
        ("-risk:medium+", [5]),
        ("risk:unchecked", [1, 2, 3]),
    ],
)
def test_what_is_not_checked_is_neither_harmless_nor_hidden(text: str, expected: list[int]) -> None:
    narrowing = QueueFilter(text, AROUND)
    assert [int(entry.item.id[1:]) for entry in narrowing.select(UNREAD)] == expected


def test_what_is_not_checked_is_sorted_between_high_and_medium_with_its_own_sign() -> None:
    riskiest = ordered(list(UNREAD), Order.RISKIEST)
    assert [int(entry.item.id[1:]) for entry in riskiest] == [1, 6, 2, 3, 4, 5]
    assert [(entry.risk_sign, entry.risk_word) for entry in riskiest] == [
        ("!!", "high"), ("!!", "high"), ("!?", "unchecked"), (" ?", "unchecked"), (" !", "medium"), ("  ", "none"),
    ]  # fmt: skip


def test_one_mailbox_needs_no_filter_and_namesakes_are_told_apart() -> None:
    assert saved_filters({}, [("mb1", "a@x.example")])[-1].mailbox_id is None
    boxes = [("1", "a@x.example"), ("2", "a@y.example"), ("3", "mine@x.example")]
    names = [str(one.name) for one in saved_filters({}, boxes)]
    assert names[-3:] == ["a@x.example", "a@y.example", "mine@x.example"]
    assert names[0] == str(ALL.name)
