"""Searching stored mail: what each query finds, and what it says of one that cannot be used."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.models import Mailbox, Party
from mm_tui.query import MAIL
from mm_tui.store.database import Database
from mm_tui.store.mail import list_keys, word_index
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.search import parse_query
from mm_tui.text import OneLine
from tests.support.fake_gateway import BOX, email_id, make_detail, make_mail
from tests.support.stores import NOW


@pytest.fixture
def mail(database: Database) -> MailStore:
    return MailStore(database)


def test_a_search_that_nobody_wants_any_more_ends_early(mail: MailStore) -> None:
    mail.upsert(make_mail(number) for number in range(2000))
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return True

    assert len(mail.keys(MailView(query="order -parcel"), stop=stop)) == 0
    assert asked
    assert len(mail.keys(MailView(query="order"))) == 2000


def test_one_thread_may_search_while_another_writes(mail: MailStore) -> None:
    done = threading.Event()
    lengths: list[int] = []

    def search() -> None:
        while not done.is_set():
            lengths.append(len(mail.keys(MailView(query="refund"))))

    thread = threading.Thread(target=search)
    thread.start()
    for number in range(0, 1000, 50):
        mail.upsert(make_mail(one) for one in range(number, number + 50))
    done.set()
    thread.join()
    assert lengths == sorted(lengths)
    assert len(mail.keys(MailView(query="refund"))) == 1000


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("refund", [1]),
        ("REF", [1]),
        ("re ord", [1]),
        ('"order refund"', []),
        ('"refund for order"', [1]),
        ("from:anna", [2, 1]),
        ("from:customer.ex", [2, 1]),
        ("to:billing", [3]),
        ("subject:invoice", [3]),
        ("from:invoice", []),
        ("is:unread", [2]),
        ("-is:unread", [4, 3, 1]),
        ("is:outbound", [3]),
        ("is:pending", [3]),
        ("is:urgent", [4]),
        ("has:attachment", [2]),
        ("has:att", [2]),
        ("has:file", [2]),
        ("-has:attachment refund", [1]),
        ("label:BILLING", [4]),
        ("has:summary", [4]),
        ("before:2026-03-01", []),
        ("after:2026-03-01", [4, 3, 2, 1]),
        ("after:2026 before:2027", [4, 3, 2, 1]),
        ("after:2026-03-02", []),
        ("before:1d", []),
        ("after:2d", [4, 3, 2, 1]),
        ("in:support", [4, 2, 1]),
        ("in:support@acme.example", [4, 2, 1]),
        ("in:01jother", [3]),
        ("unmistakable", [4]),
        ("chargeback", [4]),
        ("gruße", [2]),
        ("-refund from:anna", [2]),
        ("-from:anna", [4, 3]),
        ("nothing at all", []),
    ],
)
@pytest.mark.parametrize("rare", [0, list_keys.RARE])
def test_queries_find_what_they_say(
    mail: MailStore, query: str, expected: list[int], rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_keys, "RARE", rare)
    mail.save_mailboxes(
        [
            Mailbox(id=BOX, address=OneLine("support@acme.example")),
            Mailbox(id="01JOTHER", address=OneLine("billing@acme.example")),
        ]
    )
    read = OneLine("read")
    mail.upsert(
        [
            make_mail(1, subject=OneLine("Refund for order 4471"), status=read),
            make_mail(2, subject=OneLine("Viele Grüße"), has_attachments=True),
            make_mail(
                3,
                mailbox_id="01JOTHER",
                subject=OneLine("Invoice"),
                sender=Party.parse("support@acme.example"),
                to=(Party.parse("Billing <b@x.example>"),),
                direction=OneLine("outbound"),
                status=OneLine("pending_send_approval"),
            ),
            make_mail(4, subject=OneLine("Hello"), sender=Party.parse("ben@x.example"), status=read),
        ]
    )
    mail.save_detail(
        make_detail(make_mail(4, subject=OneLine("Hello"), sender=Party.parse("ben@x.example"), status=read),
                    "an unmistakable word"), at=NOW
    )  # fmt: skip
    mail.annotate(email_id(4), label="billing", urgency="high", summary="He wants a chargeback.")
    keys = mail.keys(MailView(), query=parse_query(query, NOW))
    assert [int(row.email_id[3:]) for row in mail.rows(keys)] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("注文", [3, 1]),
        ("文の", [1]),
        ("subject:確認", [1]),
        ("subject:注文", [1]),
        ("from:田中", [2]),
        ("to:鈴木", [3]),
        ("-注文", [4, 2]),
        ("注文 refund", [3]),
        ('"注文の確認"', [1]),
        ("ใบเสร็จ", [4]),
        ("要約", [2]),
        ("100%_", []),
        ("確認100%", [1]),
        ("認1__%", []),
        ("文" * 60_000, []),
    ],
)
@pytest.mark.parametrize("folded", [False, True])
def test_scripts_without_spaces_are_searched_anywhere_in_the_text(
    mail: MailStore, query: str, expected: list[int], folded: bool
) -> None:
    made = [
        make_mail(1, thread_id="01T1", subject=OneLine("ご注文の確認100%")),
        make_mail(2, thread_id="01T2", sender=Party.parse("総務の田中 <t@x.example>")),
        make_mail(3, thread_id="01T3", subject=OneLine("Refund"), to=(Party.parse("鈴木様 <s@x.example>"),)),
        make_mail(4, thread_id="01T4", subject=OneLine("Hello")),
    ]
    mail.upsert(made)
    for known, body in zip(made[2:], ("先日の注文です", "ขอใบเสร็จด้วย"), strict=True):
        mail.save_detail(make_detail(known, body), at=NOW)
    mail.annotate(email_id(2), summary="これは要約です")
    keys = mail.keys(MailView(query=query, folded=folded))
    assert [int(row.email_id[3:]) for row in mail.rows(keys)] == expected


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("foo:bar", "there is no operator foo:"),
        ("before:whenever", "not a day (2026-03-01) or an age (7d)"),
        ("is:foo", "is:foo: not a known status"),
        ("after:3m", "Write 3min or 3mo"),
        ("has:wings", "the values are attachment"),
        ("!!!", "no letter or digit"),
        ("x " * 100, "only the first 40 terms"),
    ],
)
def test_what_cannot_be_used_is_reported(query: str, complaint: str) -> None:
    assert any(complaint in words for words in parse_query(query, NOW).complaints)


@pytest.mark.parametrize("query", ["", "from:", "before:", '"', "-", "refund", "https://x.example/a", "12:30 meeting"])
def test_unfinished_and_plain_input_is_not_complained_about(query: str) -> None:
    assert [words for words in parse_query(query, NOW).complaints if "12" not in words] == []


_PIECES = st.one_of(
    st.text(max_size=8),
    st.sampled_from([*(f"{name}:" for name in MAIL.operators), '"', "-", "*", "(", ")", " AND ", " OR ", " NOT ",
                     "NEAR(", "^", "{a}:", "9999-99-99", "99999y", "\x00", "\ud800", "é", "漢字", "💶"]),
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(_PIECES, max_size=8).map("".join), st.booleans())
def test_no_input_is_an_error(query: str, folded: bool) -> None:
    with Database.open(None) as database:
        mail = MailStore(database)
        mail.upsert([make_mail(1)])
        mail.keys(MailView(query=query, folded=folded))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(
    "query", ["r", "re", "o", "gr", "ö", "from:a", "a -from:ben", "a refund", "is:read r", "z", "-a"]
)
def test_first_results_of_short_beginnings_are_the_first_of_all(
    mail: MailStore, query: str, folded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects = ("Refund for order 4471", "Viele Grüße", "Order again", "Öffnungszeiten", "Nothing")
    people = ("anna@x.example", "ben@x.example", "zoe@aha.example")
    mail.upsert(
        make_mail(
            number,
            subject=OneLine(subjects[number % 5]),
            sender=Party.parse(people[number % 3]),
            thread_id=f"t{number // 4}",
            status=OneLine("read" if number % 2 else "unread"),
        )
        for number in range(1, 60)
    )
    view = MailView(query=query, folded=folded)
    expected = list(mail.keys(view))
    assert [list(chunk) for chunk in mail.stream(view, first=500)] == [expected]
    monkeypatch.setattr(word_index, "MANY", 0)
    monkeypatch.setattr(word_index, "LOOKED_AT", 20)
    chunks = [list(chunk) for chunk in mail.stream(view, first=500)]
    assert [key for chunk in chunks for key in chunk] == expected
    assert (len(chunks) > 1) == parse_query(query).broad & bool(expected)
