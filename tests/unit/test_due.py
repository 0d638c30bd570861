"""What is due, and calling the reviewer: counts in our own words, at the right time, and nothing of any mail."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from mm_tui.models import Mailbox, Party, PendingItem, RawContent
from mm_tui.services.attention import Attention, is_quiet, title_words
from mm_tui.services.queue.due import due_at, due_words, is_overdue
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.settings.checks import FieldError
from mm_tui.settings.sections import Notice, Review, Risk
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.seat import NOW

MINUTES = {"Support@acme.example": 60, "default": 240}


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("address", "received", "expected"),
    [
        ("support@acme.example", ago(0), NOW + timedelta(minutes=60)),
        ("other@acme.example", ago(0), NOW + timedelta(minutes=240)),
        ("support@acme.example", None, None),
    ],
)
def test_minutes_go_by_mailbox_and_default(address: str, received: datetime | None, expected: datetime | None) -> None:
    assert due_at(received, address, MINUTES) == expected


def test_without_minutes_nothing_is_due() -> None:
    assert due_at(ago(999), "support@acme.example", {}) is None
    assert due_at(ago(999), "other@acme.example", {"support@acme.example": 5}) is None
    assert due_words(ago(999), None, NOW) == ""


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, ""), (39, ""), (40, "due 20m"), (59.5, "due 1m"), (60, "overdue 1m"), (72, "overdue 12m"),
     (60 + 150, "overdue 2h"), (60 + 60 * 50, "overdue 2d")],
)  # fmt: skip
def test_the_word_comes_in_the_last_third_and_stays(minutes: float, words: str) -> None:
    received = ago(minutes)
    due = due_at(received, "support@acme.example", MINUTES)
    assert due_words(received, due, NOW) == words
    assert is_overdue(due, NOW) == words.startswith("overdue")


@pytest.mark.parametrize(
    ("hours", "at", "quiet"),
    [("", "03:00", False), ("22:00-07:00", "23:30", True), ("22:00-07:00", "06:59", True),
     ("22:00-07:00", "07:00", False), ("12:00-13:00", "12:30", True), ("12:00-13:00", "13:00", False)],
)  # fmt: skip
def test_quiet_hours_may_go_over_midnight(hours: str, at: str, quiet: bool) -> None:
    assert is_quiet(hours, time.fromisoformat(at)) is quiet


@pytest.mark.parametrize("hours", ["22-07", "25:00-07:00", "22:00", "22:00-07:00-08:00", "22:61-07:00"])
def test_hours_that_are_none_are_refused(hours: str) -> None:
    with pytest.raises(FieldError):
        Notice(quiet_hours=hours)


@pytest.fixture
def database(database: Database) -> Database:
    MailStore(database).save_mailboxes([Mailbox(id="mb1", address=OneLine("support@acme.example"))])
    return database


def queue(database: Database, *minutes: float, subject: str = "Hello") -> None:
    """Makes the queue hold one mail for each of these ages."""
    items = [
        PendingItem(
            id=f"M{number}",
            mailbox_id="mb1",
            direction=OneLine("outbound"),
            sender=Party(address=OneLine("support@acme.example")),
            subject=OneLine(subject),
            received_at=ago(age),
            raw=RawContent(sender="support@acme.example"),
        )
        for number, age in enumerate(minutes)
    ]
    PendingStore(database).replace(items, NOW)


def attention(database: Database, clock: FakeClock, **notice: Any) -> Attention:
    return Attention(database, Notice(**notice), Review(sla_minutes={"default": 60}), clock)


def test_the_reviewer_is_called_for_what_is_new_and_what_becomes_overdue(database: Database) -> None:
    clock = FakeClock(NOW)
    queue(database, 55, 0)
    watch = attention(database, clock)
    assert watch.look().call == "", "what was there at the start is on the screen already"
    clock.advance(6 * 60)
    look = watch.look()
    assert look.call == "1 now overdue, 2 waiting for a decision"
    assert look.title == "(2, 1 overdue) mm-tui"
    assert watch.look().call == "", "reported once"
    queue(database, 55, 0, 0, 0)
    assert watch.look().call == "", "not so soon after the last call"
    clock.advance(31)
    assert watch.look().call == "2 new, 4 waiting for a decision"
    queue(database)
    clock.advance(31)
    assert watch.look().call == ""
    assert watch.look().title == "mm-tui"


def test_own_edits_on_their_way_do_not_count(database: Database) -> None:
    queue(database, 0)
    watch = attention(database, FakeClock(NOW))
    watch.look()
    queue(database, 0, 0)
    look = watch.look({"M1"})
    assert (look.title, look.call) == ("(1) mm-tui", "")


def test_nothing_is_called_in_quiet_hours(database: Database) -> None:
    hour = NOW.astimezone().strftime("%H:00")
    end = (NOW + timedelta(hours=1)).astimezone().strftime("%H:00")
    clock = FakeClock(NOW)
    watch = attention(database, clock, quiet_hours=f"{hour}-{end}", bell=True, desktop="osc9")
    watch.look()
    queue(database, 0)
    look = watch.look()
    assert look.call == ""
    assert look.title == "(1) mm-tui", "the title is silent"


@pytest.mark.parametrize(
    ("notice", "written"),
    [
        ({"title": False}, ""),
        ({}, "\x1b]0;(1) mm-tui\x07"),
        ({"title": False, "bell": True}, "\x07"),
        ({"title": False, "desktop": "osc9"}, "\x1b]9;mm-tui: 1 new, 1 waiting for a decision\x07"),
        ({"title": False, "desktop": "osc777"}, "\x1b]777;notify;mm-tui;1 new, 1 waiting for a decision\x07"),
    ],
)
def test_each_way_of_calling_is_chosen_automatically(database: Database, notice: dict[str, Any], written: str) -> None:
    watch = attention(database, FakeClock(NOW), **notice)
    watch.look()
    queue(database, 0, subject="\x1b]0;owned\x07 Buy now")
    look = watch.look()
    assert watch.sequences(look, title_before="mm-tui") == written
    assert watch.sequences(watch.look(), title_before=look.title) == ""


def test_titles_count() -> None:
    assert title_words(0, 0) == "mm-tui"
    assert title_words(7, 2) == "(7, 2 overdue) mm-tui"


def test_the_queue_knows_by_when(database: Database) -> None:
    queue(database, 30)
    given = ReviewQueue(database, FakeClock(NOW), Risk(), {"support@acme.example": 60})
    assert [entry.due_at for entry in given.entries()] == [NOW + timedelta(minutes=30)]
    assert [entry.due_at for entry in ReviewQueue(database, FakeClock(NOW), Risk()).entries()] == [None]
