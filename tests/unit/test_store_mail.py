"""Stored mail: saved, listed newest first, folded by thread, counted and forgotten."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mm_tui.models import Mailbox, Party
from mm_tui.screens.status_words import chip
from mm_tui.store.database import Database
from mm_tui.store.mail import list_keys
from mm_tui.store.mail.mails import MailboxRow, MailStore, MailView
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.mail.rows import Changes
from mm_tui.store.mail.search import parse_query
from mm_tui.store.sort_keys import from_ms, make_key, to_ms
from mm_tui.text import OneLine
from tests.support.fake_gateway import BOX, START, email_id, make_detail, make_mail, make_pending
from tests.support.stores import NOW, found


@pytest.fixture
def mail(database: Database) -> MailStore:
    return MailStore(database)


def sound(database: Database) -> None:
    """The full-text index fits together, and finds nothing that is not in the tables."""
    with database.write() as connection:
        connection.execute("INSERT INTO mail_words (mail_words) VALUES ('integrity-check')")
    assert database.check() == []


def test_a_list_without_a_status_for_sent_mail_keeps_the_known_one(mail: MailStore) -> None:
    left = make_mail(1, direction=OneLine("outbound"), status=OneLine("approved"))
    waits = make_mail(2, direction=OneLine("outbound"), status=OneLine("pending_send_approval"))
    mail.upsert([left, waits])
    mail.upsert([one.replaced(status=OneLine("")) for one in (left, waits)])
    rows = [mail.row(email_id(number)) for number in (1, 2)]
    assert [row.status for row in rows if row] == ["approved", ""]
    assert [chip(row)[0] for row in rows if row] == ["approved", "no status"], "no column is blank"


def test_a_mail_comes_back_as_it_was(mail: MailStore) -> None:
    given_mail = make_mail(
        1,
        spam_score=0.5,
        spam_verdict=OneLine("clean"),
        delivered_at=NOW,
        has_attachments=True,
        to=(Party.parse("Ben <ben@x.example>"), Party.parse("cleo@x.example")),
    )
    mail.upsert([given_mail, make_mail(2, thread_id=None, received_at=None)])
    assert mail.summary(email_id(1)) == given_mail
    assert mail.summary(email_id(2)) == make_mail(2, thread_id=None, received_at=None)
    assert mail.summary("01JNONE") is None


def test_an_opened_mail_comes_back_whole_and_knows_its_hidden_characters(mail: MailStore) -> None:
    detail = make_detail(make_mail(1), "Hello\u200b \x1b[31mred").replaced(
        tags={OneLine("label"): OneLine("billing")}, cc=(Party.parse("c@x.example"),)
    )
    mail.upsert([make_mail(1)])
    mail.save_detail(detail, at=NOW)
    kept = mail.detail(email_id(1))
    assert kept == detail
    assert kept is not None
    assert kept.body.removed == detail.body.removed > 0
    assert mail.detail_at(email_id(1)) == NOW
    assert mail.detail(email_id(2)) is None
    assert mail.detail_at(email_id(2)) is None


def test_an_opened_email_keeps_the_direction_that_its_list_named(mail: MailStore) -> None:
    outbound = make_mail(1, direction=OneLine("outbound"), status=OneLine("pending_send_approval"))
    mail.upsert([outbound])
    mail.save_detail(make_detail(outbound.replaced(direction=OneLine("inbound"))), at=NOW)
    row = mail.row(email_id(1))
    assert row is not None
    assert row.direction == "outbound"


def test_upsert_distinguishes_new_changed_and_unchanged(mail: MailStore) -> None:
    assert mail.upsert([make_mail(1), make_mail(2)]).new == {email_id(1), email_id(2)}
    again = mail.upsert([make_mail(1), make_mail(2, status=OneLine("read")), make_mail(3)])
    assert again == Changes(frozenset({email_id(3)}), frozenset({email_id(2)}))
    assert mail.upsert([make_mail(1)]).all == frozenset()


def test_a_page_that_repeats_a_mail_counts_it_once(mail: MailStore) -> None:
    mail.upsert([make_mail(1), make_mail(1, status=OneLine("read"))])
    assert [row.status for row in mail.rows(mail.keys(MailView()))] == ["read"]


@pytest.mark.parametrize("order", ["forward", "backward", "mixed"])
def test_lists_are_newest_first_however_mail_arrived(mail: MailStore, order: str) -> None:
    numbers = list(range(60))
    if order == "backward":
        numbers.reverse()
    elif order == "mixed":
        numbers = numbers[::7] + [number for number in numbers if number % 7]
    for number in numbers:
        mail.upsert([make_mail(number)])
    assert mail.ids(MailView()) == [email_id(number) for number in reversed(range(60))]


def test_mails_of_one_moment_have_keys_of_their_own(mail: MailStore) -> None:
    mails = [make_mail(number, received_at=START) for number in range(300)]
    mail.upsert(mails[:150])
    mail.upsert(mails[150:])
    mail.upsert([make_mail(number, received_at=None) for number in range(300, 350)])
    assert len(set(mail.keys(MailView()))) == 350


def test_a_time_that_changes_moves_the_mail_with_all_that_is_known_of_it(database: Database, mail: MailStore) -> None:
    mail.upsert([make_mail(1), make_mail(2)])
    mail.save_detail(make_detail(make_mail(1), "unmistakable"), at=NOW)
    mail.upsert([make_mail(1, received_at=START + timedelta(days=1))])
    assert mail.ids(MailView()) == [email_id(1), email_id(2)]
    assert found(mail, "unmistakable") == [1]
    assert mail.detail(email_id(1)) is not None
    sound(database)


def test_views_narrow_by_mailbox_status_and_label(mail: MailStore) -> None:
    mail.upsert([make_mail(1), make_mail(2, mailbox_id="01JOTHER"), make_mail(3, status=OneLine("spam_flagged"))])
    mail.annotate(email_id(1), label="billing")
    assert mail.ids(MailView(mailbox_id=BOX)) == [email_id(3), email_id(1)]
    assert mail.ids(MailView(status="unread")) == [email_id(2), email_id(1)]
    assert mail.ids(MailView(status="spam")) == [email_id(3)]
    assert mail.ids(MailView(label="billing")) == [email_id(1)]
    assert mail.ids(MailView(mailbox_id="01JOTHER", label="billing")) == []


def test_folding_shows_each_thread_once_by_its_newest_mail(mail: MailStore) -> None:
    mail.upsert(make_mail(number) for number in reversed(range(9)))
    folded = mail.rows(mail.keys(MailView(folded=True)))
    assert [(row.email_id, row.thread_size) for row in folded] == [(email_id(number), 3) for number in (8, 5, 2)]
    mail.upsert([make_mail(7, status=OneLine("read")), make_mail(8, status=OneLine("read"))])
    unread = mail.ids(MailView(folded=True, status="unread"))
    assert unread == [email_id(6), email_id(5), email_id(2)]
    assert mail.ids(MailView(folded=True, status="unread"), limit=2) == unread[:2]
    assert len(mail.keys(MailView(folded=True, mailbox_id="01JOTHER"))) == 0


@pytest.mark.parametrize("rare", [0, list_keys.RARE])
@pytest.mark.parametrize("folded", [False, True])
def test_a_view_is_counted_as_it_is_listed(
    mail: MailStore, monkeypatch: pytest.MonkeyPatch, folded: bool, rare: int
) -> None:
    monkeypatch.setattr(list_keys, "RARE", rare)
    mail.upsert(
        make_mail(
            number,
            mailbox_id="01JOTHER" if number % 4 == 0 else BOX,
            thread_id=f"01T{number // 3}",
            subject=OneLine("refund" if number % 2 else "order"),
            status=OneLine("read" if number % 3 else "unread"),
        )
        for number in range(40)
    )
    for view in (
        MailView(),
        MailView(mailbox_id="01JOTHER"),
        MailView(status="unread"),
        MailView(query="refund"),
        MailView(query="is:unread -refund", mailbox_id=BOX),
        MailView(query="refund", mailbox_id="01JOTHER"),
        MailView(status="unread", mailbox_id="01JOTHER"),
        MailView(mailbox_id="01JEMPTY"),
        MailView(query="nothing"),
    ):
        shown = replace(view, folded=folded)
        keys = mail.keys(shown)
        assert mail.count(shown) == len(keys) and list(keys) == sorted(keys, reverse=True), shown
        assert view.mailbox_id is None or {row.mailbox_id for row in mail.rows(keys)} <= {view.mailbox_id}, shown


def test_a_folded_thread_is_sorted_by_its_newest_email_and_not_by_its_draft(mail: MailStore) -> None:
    waits, sent = OneLine("pending_send_approval"), OneLine("sent")
    out = OneLine("outbound")
    # As the initial sync brings them: the newest page, with the drafts, before the mails that they answer.
    mail.upsert([make_mail(9, thread_id="a", status=waits, direction=out), make_mail(8, thread_id="c", status=sent)])
    assert mail.ids(MailView(folded=True)) == [email_id(9), email_id(8)]
    mail.upsert([make_mail(3, thread_id="a", status=OneLine("read")), make_mail(2, thread_id="a")])

    def folded() -> list[tuple[str, bool, bool]]:
        rows = mail.rows(mail.keys(MailView(folded=True)), folded=True)
        return [(row.email_id, row.waiting, row.unread) for row in rows]

    assert folded() == [(email_id(8), False, False), (email_id(3), True, True)]
    for begun in ("from:", "is:", "subject: to:"):
        view = MailView(folded=True, query=begun)
        assert mail.ids(view) == mail.ids(MailView(folded=True)), "it asks for nothing yet"
        assert mail.count(view) == 2 and [list(keys) for keys in mail.stream(view)] == [list(mail.keys(view))]
    mail.upsert([make_mail(2, thread_id="a", status=OneLine("read"))])
    mail.upsert([make_mail(9, thread_id="a", status=sent, direction=out)])
    assert folded() == [(email_id(9), False, False), (email_id(8), False, False)]
    mail.upsert([make_mail(9, thread_id="a", status=OneLine("rejected"), direction=out)])
    assert folded() == [(email_id(8), False, False), (email_id(3), False, False)]


def test_emails_without_a_thread_are_alone(mail: MailStore) -> None:
    mail.upsert([make_mail(1, thread_id=None), make_mail(2, thread_id=None)])
    rows = mail.rows(mail.keys(MailView(folded=True)))
    assert [(row.email_id, row.thread_id, row.thread_size) for row in rows] == [
        (email_id(2), None, 1),
        (email_id(1), None, 1),
    ]


def test_a_thread_that_becomes_known_later_is_counted(mail: MailStore) -> None:
    mail.upsert([make_mail(1, thread_id="t"), make_mail(2, thread_id=None)])
    mail.upsert([make_mail(2, thread_id="t")])
    assert [mail.id for mail in mail.thread(BOX, "t")] == [email_id(1), email_id(2)]
    assert [row.thread_size for row in mail.thread_rows(BOX, "t")] == [2, 2]
    assert mail.ids(MailView(folded=True)) == [email_id(2)]


def test_rows_are_in_the_order_asked_for_even_when_some_are_gone(mail: MailStore) -> None:
    mail.upsert([make_mail(1), make_mail(2)])
    keys = mail.keys(MailView())
    rows = mail.rows([keys[1], 12345, keys[0]])
    assert [row.email_id for row in rows] == [email_id(1), "", email_id(2)]
    assert "no longer kept" in rows[1].subject
    assert mail.rows([]) == []


def test_rows_are_clean_and_say_what_was_hidden(mail: MailStore) -> None:
    mail.upsert([make_mail(1, subject=OneLine("Hi\u202e there"), sender=Party.parse("a\x07@x.example"))])
    row = mail.rows(mail.keys(MailView()))[0]
    assert (row.subject, row.sender, row.hidden) == ("Hi there", "a@x.example", 2)
    assert type(row.subject) is OneLine


def test_the_top_line_counts_unread_and_waiting(database: Database, mail: MailStore) -> None:
    mail.upsert([make_mail(1), make_mail(2, status=OneLine("read")), make_mail(3, mailbox_id="01JOTHER")])
    PendingStore(database).replace([make_pending(4)], NOW)
    assert mail.counts() == (2, 1)


def test_of_two_emails_with_one_id_none_is_shown_with_what_belongs_to_the_other(
    database: Database, mail: MailStore
) -> None:
    one = make_mail(1, thread_id="t1")
    mail.save_detail(make_detail(one, "The text of the first."), at=NOW)
    mail.annotate(one.id, label="billing", urgency="high", summary="What the first says")
    mail.upsert([make_mail(1, mailbox_id="01JOTHER", subject=OneLine("The second"), thread_id="t1")])
    assert mail.detail(one.id) is None
    row = mail.row(one.id)
    assert row is not None and (row.label, row.urgency, row.summary) == ("", "", "")
    assert (mail.thread_rows(BOX, "t1"), mail.thread_rows("01JOTHER", "t1")) == ([], [row])
    sound(database)


def test_a_waiting_email_that_is_listed_in_another_mailbox_is_opened_there(database: Database) -> None:
    pending = PendingStore(database)
    for mailbox_id in ("01JONE", "01JOTHER"):
        pending.replace([make_pending(4, mailbox_id=mailbox_id)], NOW)
    assert [waiting.mailbox_id for waiting in pending.unread_drafts()] == ["01JOTHER"]


@pytest.mark.parametrize(("slice_", "piece"), [(list_keys.SLICE, list_keys.PIECE), (7, 30)])
def test_a_first_screenful_and_the_rest_are_the_whole_list(
    mail: MailStore, monkeypatch: pytest.MonkeyPatch, slice_: int, piece: int
) -> None:
    monkeypatch.setattr(list_keys, "SLICE", slice_)
    monkeypatch.setattr(list_keys, "PIECE", piece)
    mail.upsert(make_mail(number, subject=OneLine(f"refund {number}")) for number in range(40))
    for view in (MailView(), MailView(query="refund"), MailView(folded=True), MailView(folded=True, query="refund")):
        whole = mail.keys(view)
        assert len(whole) == mail.count(view) and list(whole) == sorted(whole, reverse=True)
        assert mail.quick_count(view, query=parse_query(view.query)) == (None if view.query else len(whole))
        parts = list(mail.stream(view, first=10))
        assert [len(part) for part in parts] == [10, len(whole) - 10]
        assert array("q", [key for part in parts for key in part]) == whole
        assert mail.keys(view, limit=10) == whole[:10]


def test_annotations_show_in_rows_and_can_be_changed(database: Database, mail: MailStore) -> None:
    mail.upsert([make_mail(1)])
    assert mail.annotate(email_id(1), label="billing", urgency="high", summary="first\nline")
    assert mail.annotate(email_id(1), label="support")
    row = mail.row(email_id(1))
    assert row is not None
    assert (row.label, row.urgency, row.summary) == ("support", "high", "first line")
    assert mail.annotate(email_id(1), summary="second")
    assert found(mail, "first") == []
    assert found(mail, "second") == [1]
    assert not mail.annotate("01JNONE", label="x")
    mail.upsert([make_mail(1, status=OneLine("read"))])
    assert mail.row(email_id(1)) == row._replace(status=OneLine("read"), unread=False, summary=OneLine("second"))
    sound(database)


def test_forgetting_deletes_bodies_and_index_words_too_but_no_waiting_mail(database: Database, mail: MailStore) -> None:
    mail.upsert(make_mail(number) for number in range(20))
    mail.save_detail(make_detail(make_mail(3), "unmistakable"), at=NOW)
    PendingStore(database).replace([make_pending(5)], NOW)
    border = START + timedelta(minutes=10)
    assert mail.forget_before(border, limit=4) == 4
    assert mail.forget_before(border) == 5
    assert mail.forget_before(border) == 0
    assert mail.ids(MailView()) == [email_id(number) for number in (*reversed(range(10, 20)), 5)]
    assert found(mail, "unmistakable") == []
    assert mail.detail(email_id(3)) is None
    assert mail.thread(BOX, "thread-0") == []
    sound(database)


def test_the_full_text_index_stays_sound_through_every_change(database: Database, mail: MailStore) -> None:
    mail.upsert(make_mail(number) for number in range(5))
    for round_number in range(4):
        for number in range(5):
            mail.upsert(
                [make_mail(number, subject=OneLine(f"subject {round_number}"), sender=Party.parse("z@x.example"))]
            )
            changed = make_mail(number, subject=OneLine(f"subject {round_number}"))
            mail.save_detail(make_detail(changed, f"body {round_number} of {number}"), at=NOW)
            mail.annotate(email_id(number), summary=f"summary {round_number}")
    assert found(mail, "subject:0") == []
    assert found(mail, '"body 2"') == []
    assert len(found(mail, '"body 3"')) == len(found(mail, '"summary 3"')) == len(found(mail, "subject:3")) == 5
    sound(database)


def test_mailboxes_are_replaced_as_a_whole(mail: MailStore) -> None:
    first = Mailbox(id="b1", address=OneLine("a@x.example"), oversight_mode=OneLine("gated_send"), auto_cc=OneLine("c"))
    assert mail.save_mailboxes([first, Mailbox(id="b2", address=OneLine("b@x.example"))])
    assert not mail.save_mailboxes([Mailbox(id="b2", address=OneLine("b@x.example")), first])
    assert mail.mailboxes()[0] == first
    assert mail.save_mailboxes([first])
    assert mail.mailbox_rows() == [MailboxRow("b1", "a@x.example", "gated_send")]


def test_outbound_mail_that_may_still_move_is_known(mail: MailStore) -> None:
    outbound = OneLine("outbound")
    mail.upsert(
        [
            make_mail(1, direction=outbound, status=OneLine("sent")),
            make_mail(2, direction=outbound, status=OneLine("pending_scan")),
            make_mail(3, direction=outbound, status=OneLine("delivered"), mailbox_id="01JOTHER"),
            make_mail(4),
        ]
    )
    assert mail.moving(START) == {BOX: START + timedelta(minutes=1)}
    assert mail.moving(START + timedelta(minutes=2)) == {BOX: START + timedelta(minutes=2)}
    assert mail.moving(START + timedelta(minutes=3)) == {}


@given(st.integers(min_value=0, max_value=(1 << 42) - 1), st.text(max_size=30))
def test_keys_keep_the_order_of_time(ms: int, name: str) -> None:
    key = make_key(ms, name)
    assert 0 <= key < 1 << 63
    assert make_key(ms + 1, name) > make_key(ms, "other") or ms == (1 << 42) - 1


def _ulid(ms: int) -> str:
    digits = ""
    for _ in range(10):
        ms, digit = divmod(ms, 32)
        digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[digit] + digits
    return digits + "A" * 16


def test_ids_order_mails_of_one_second() -> None:
    second = to_ms(NOW) or 0
    keys = [make_key(second, _ulid(second + later)) for later in (0, 1, 400, 999)]
    assert keys == sorted(keys)
    assert len(set(keys)) == 4


@pytest.mark.parametrize("moment", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 3, 2, 9, 0, 0, 123000, UTC)])
def test_moments_survive(moment: datetime) -> None:
    assert from_ms(to_ms(moment)) == moment
    assert from_ms(None) is None
    assert from_ms(1 << 62) is None


@pytest.mark.parametrize(("is_test", "word"), [(True, "accepted"), (False, "delivered")])
def test_with_a_test_key_nothing_is_called_delivered(mail: MailStore, is_test: bool, word: str) -> None:
    mail.upsert([make_mail(1, direction=OneLine("outbound"), status=OneLine("delivered"))])
    row = mail.row(email_id(1))
    assert row is not None and chip(row, is_test=is_test)[0] == word
