"""Snoozing: which times can be typed, what brings an email back, and what is kept."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.long_queue import fill
from mm_tui.commands.output.exits import Exit
from mm_tui.query import moment_named
from mm_tui.screens.pending.words import heading
from mm_tui.services.decisions.listing import QueueListing
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.snooze import NotATime, Snoozes, time_named
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.state import StateStore
from tests.support.cli import Home
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox

NOW = datetime(2026, 3, 2, 10, 30).astimezone()
"""A Monday, as the reader's clock has it."""


@pytest.mark.parametrize(
    ("typed", "until"),
    [
        ("30m", NOW + timedelta(minutes=30)),
        (" 3H ", NOW + timedelta(hours=3)),
        ("2d", NOW + timedelta(days=2)),
        ("14:30", NOW.replace(hour=14)),
        ("9:00", NOW.replace(day=3, hour=9, minute=0)),
        ("tomorrow", NOW.replace(day=3, hour=9, minute=0)),
        ("monday", NOW.replace(day=9, hour=9, minute=0)),
        ("tuesday", NOW.replace(day=3, hour=9, minute=0)),
        ("2026-03-05", NOW.replace(day=5, hour=9, minute=0)),
        ("2026-03-05 14:30", NOW.replace(day=5, hour=14)),
        ("thread", None),
    ],
)
def test_times_are_read(typed: str, until: datetime | None) -> None:
    assert time_named(typed, NOW) == until


@pytest.mark.parametrize(
    "typed", ["", "soon", "0m", "2026-02-30", "2026-03-01", "9999w", "2030-01-01", "25:00", "-3h", "0001-01-01"]
)
def test_what_is_no_time_to_come_is_refused(typed: str) -> None:
    with pytest.raises(NotATime):
        time_named(typed, NOW)


@pytest.mark.parametrize(
    ("now", "typed", "until"),
    [
        ("2026-10-24T10:00Z", "tomorrow", "2026-10-25T08:00Z"),
        ("2026-10-24T10:00Z", "11:00", "2026-10-25T10:00Z"),
        ("2026-03-28T11:00Z", "monday", "2026-03-30T07:00Z"),
        ("2026-03-28T11:00Z", "1d", "2026-03-29T11:00Z"),
    ],
)
def test_a_time_is_that_of_the_wall_clock_also_when_the_clocks_change_before_it(
    now: str, typed: str, until: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Europe/Berlin")
        time.tzset()
        named = time_named(typed, datetime.fromisoformat(now))
        day = moment_named("2026-07-01", datetime.fromisoformat(now))
        eve = moment_named("yesterday", datetime(2026, 10, 25, 12, tzinfo=UTC))
    time.tzset()
    assert named == datetime.fromisoformat(until)
    assert day == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert eve == datetime(2026, 10, 23, 22, tzinfo=UTC)


def test_the_command_snoozes_and_the_list_says_so(home: Home, sandbox: Sandbox) -> None:
    draft, other = sandbox.draft("One."), sandbox.draft("Two.")
    assert home.run("pending", "snooze", draft, "3h").status == 0
    listed = {one["id"]: one["snoozed"] for one in home.run("pending", "list", "--json").json["pending"]}
    assert listed[draft].startswith("snoozed until ") and listed[other] is None
    (found,) = home.run("pending", "list", "--filter", "is:snoozed", "--json").json["pending"]
    assert found["id"] == draft
    assert "snoozes" in home.run("audit", "list", "--email", draft).out
    assert home.run("pending", "snooze", draft, "").status == 0
    assert home.run("pending", "list", "--filter", "is:snoozed", "--json").json["pending"] == []
    assert home.run("pending", "snooze", draft, "yesterday").status == Exit.USAGE
    assert home.run("pending", "snooze", "nothing", "3h").status == Exit.NOT_FOUND
    assert sandbox.status(draft) == "pending_send_approval"


def test_mail_in_the_thread_brings_it_back_first_in_the_list(home: Home, sandbox: Sandbox) -> None:
    sandbox.draft("First.")
    draft = sandbox.draft("Second.")
    assert home.run("pending", "snooze", draft, "thread").status == 0
    ids = [one["id"] for one in home.run("pending", "list", "--json").json["pending"]]
    assert ids[-1] == draft
    sandbox.inbound(in_reply_to=sandbox.look(draft)["in_reply_to"], subject="Re: Where is my order?")
    assert home.run("sync").status == 0
    first = home.run("pending", "list", "--json").json["pending"][0]
    assert (first["id"], first["snoozed"]) == (draft, "back: something arrived in its thread")


def test_a_changed_text_brings_it_back_first_in_the_list(home: Home, sandbox: Sandbox) -> None:
    sandbox.draft("First.")
    draft = sandbox.draft("Second.")
    assert home.run("pending", "snooze", draft, "3h").status == 0
    sandbox.change(draft, markdown="Another text.")
    first = home.run("pending", "list", "--json").json["pending"][0]
    assert first["id"] == draft and first["snoozed"] == "back: it changed"


def test_it_counts_as_overdue_while_it_is_away_and_its_time_brings_it_back_first(database: Database) -> None:
    fill(database, 2)
    clock = FakeClock(datetime.now(UTC))
    queue = ReviewQueue(database, clock, Risk(), {"default": 5})
    first, last = queue.entries()
    Snoozes(database, clock).snooze(last, clock.now() + timedelta(minutes=30), "rita")
    clock.advance(29 * 60)
    listing = QueueListing(clock, {}, queue.filter_context, lambda _: None)
    listing.waiting = queue.entries()
    assert "1 snoozed (1 overdue)" in str(heading(listing, (), 0, {}, ""))
    assert [one.snoozed != "" for one in queue.entries()] == [False, True]
    clock.advance(2 * 60)
    back = queue.entries()[0]
    assert (back.item.id, back.snoozed) == (last.item.id, "") and back.woken.startswith("back: ")
    assert first.item.id != last.item.id


def test_a_snooze_that_cannot_be_read_hides_nothing(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "store.db")
    for kept in ("x", "[]", '{"a": 1}', '{"a": {"until": "soon", "digest": "", "arrived": []}}', '{"a": {}}'):
        StateStore(database).set("snoozed", kept)
        assert Snoozes(database, FakeClock(datetime.now(UTC))).all() == {}
