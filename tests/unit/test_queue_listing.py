"""What of the queue is listed, what stays in the list once it is decided, and which marks hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from mm_tui.decision.state import Act
from mm_tui.models import Party, PendingItem, RawContent
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import Assessment
from mm_tui.services.decisions import listing as module
from mm_tui.services.decisions.ended import UNKNOWN_END
from mm_tui.services.decisions.listing import QueueListing
from mm_tui.services.decisions.marks import Marks
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.services.queue.entry import Order, QueueEntry
from mm_tui.services.queue.filter import ALL, FilterContext
from mm_tui.text import ManyLine, OneLine
from tests.support.clock import FakeClock

SAVED = {"money": "refund", "nothing": "unicorn"}


def entry(email_id: str, body: str = "Text.", level: Level = Level.NONE, digest: str = "d") -> QueueEntry:
    item = PendingItem(
        id=email_id, mailbox_id="m", direction=OneLine("outbound"), sender=Party.parse("a@acme.example"),
        body=ManyLine(body), raw=RawContent(sender="a"), complete=True,
    )  # fmt: skip
    found = (Finding("code", level, OneLine("found")),) if level is not Level.NONE else ()
    return QueueEntry(item, digest, Assessment(found, ()))


def decision(email_id: str, phase: Phase, **fields: Any) -> DecisionView:
    words = OneLine(f"{phase}")
    return DecisionView("r", email_id, Act.APPROVE, phase, words, None, OneLine("d"), **fields)


class Queue:
    """A listing with what it depends on."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.decisions: dict[str, DecisionView] = {}
        context = FilterContext(datetime(2026, 3, 2, tzinfo=UTC), {"m": "a@acme.example"})
        self.listing = QueueListing(self.clock, SAVED, lambda: context, self.decisions.get)

    def waits(self, *entries: QueueEntry, reading: str | None = None, stay: bool = True) -> list[str]:
        self.listing.waiting = list(entries)
        self.listing.list_again(reading, stay=stay)
        return list(self.listing.listed)


@pytest.fixture
def queue() -> Queue:
    return Queue()


def test_filter_and_query_select_together_and_every_filter_is_counted(queue: Queue) -> None:
    mails = [entry("a", "A refund."), entry("b", "Another refund."), entry("c")]
    queue.waits(*mails)
    queue.listing.next_filter(1)
    assert queue.waits(*mails, stay=False) == ["a", "b"]
    assert queue.listing.is_filtered
    queue.listing.typed = "another"
    assert queue.waits(*mails, stay=False) == ["b"]
    counts = {str(one.filter.name): one.number for one in queue.listing.filters}
    assert (counts["all"], counts["money"], counts["nothing"]) == (3, 2, 0)


def test_stepping_passes_filters_that_select_nothing_and_comes_round(queue: Queue) -> None:
    queue.waits(entry("a", "A refund."))
    names = []
    for _ in range(len(queue.listing.filters)):
        queue.listing.next_filter(1)
        names.append(str(queue.listing.filter.name))
    assert "nothing" not in names
    assert {"all", "money"} <= set(names)
    queue.listing.filter = ALL
    queue.listing.next_filter(1)
    queue.listing.next_filter(-1)
    assert queue.listing.filter == ALL


def test_unusable_parts_of_a_query_are_reported_and_the_rest_is_used(queue: Queue) -> None:
    queue.listing.typed = "refund risk:enormous"
    assert queue.waits(entry("a", "A refund."), entry("b")) == ["a"]
    assert "risk:enormous" in queue.listing.complaint


def test_the_riskiest_come_first_when_asked_for(queue: Queue) -> None:
    mails = [entry("a"), entry("b", level=Level.HIGH), entry("c", level=Level.LOW)]
    queue.listing.order = Order.RISKIEST
    assert queue.waits(*mails) == ["b", "c", "a"]
    # An edit changes its risk: what followed it still follows it, until the reader moves or sorts again.
    mails[1] = entry("b")
    assert [queue.waits(*mails, reading="b") for _ in range(2)] == [["b", "c", "a"]] * 2
    assert queue.waits(*mails, reading="c") == ["c", "a", "b"]
    queue.listing.order = Order.OLDEST
    assert queue.waits(*mails, reading="c") == ["a", "b", "c"]


def test_what_is_read_stays_in_its_place_with_how_it_ended_until_the_reader_moves(queue: Queue) -> None:
    mails = [entry("a"), entry("b"), entry("c")]
    queue.waits(*mails)
    queue.listing.endings = {"b": OneLine("rejected elsewhere at 09:12")}
    assert queue.waits(mails[0], mails[2], reading="b") == ["a", "b", "c"]
    assert queue.listing.listed["b"].ended == "rejected elsewhere at 09:12"
    assert [one.item.id for one in queue.listing.entries] == ["a", "c"]
    assert queue.listing.shows_ended
    assert queue.waits(mails[0], mails[2], reading="c") == ["a", "c"]
    queue.waits(mails[0], mails[2], reading="c")
    assert not queue.listing.shows_ended


def test_an_email_that_is_gone_without_a_reason_is_reported_as_gone(queue: Queue) -> None:
    queue.waits(entry("a"))
    queue.waits(reading="a")
    assert queue.listing.listed["a"].ended == UNKNOWN_END


def test_a_mail_that_the_filter_no_longer_selects_stays_while_it_is_read(queue: Queue) -> None:
    queue.listing.typed = "refund"
    queue.waits(entry("a", "A refund."))
    assert queue.waits(entry("a", "A parcel."), reading="a") == ["a"]
    assert not queue.listing.listed["a"].ended
    assert queue.waits(entry("a", "A parcel."), reading="a", stay=False) == []


def test_what_was_decided_here_stays_for_its_time(queue: Queue) -> None:
    first, second = entry("a"), entry("b")
    queue.waits(first, second)
    queue.decisions["a"] = decision("a", Phase.DONE)
    assert queue.waits(second, reading="b") == ["a", "b"]
    assert queue.listing.listed["a"].ended == queue.decisions["a"].words
    queue.clock.advance(module.OUTCOME_SECONDS - 0.1)
    assert not queue.listing.is_over("b")
    assert queue.waits(second, reading="b") == ["a", "b"]
    queue.clock.advance(0.2)
    assert queue.listing.is_over("b")
    assert not queue.listing.is_over("a"), "what is read stays as long as anything else waits"
    assert queue.waits(second, reading="b") == ["b"]


def test_the_last_one_goes_though_it_is_read_so_that_the_list_is_seen_to_be_empty(queue: Queue) -> None:
    queue.waits(entry("a"))
    queue.decisions["a"] = decision("a", Phase.DONE)
    assert queue.waits(reading="a") == ["a"]
    queue.clock.advance(module.OUTCOME_SECONDS)
    assert queue.listing.is_over("a")
    assert queue.waits(reading="a") == []


def test_an_incident_stays_at_the_top_until_somebody_has_looked_at_it(queue: Queue) -> None:
    queue.listing.incidents = [entry("x")]
    queue.decisions["x"] = decision("x", Phase.INCIDENT)
    queue.listing.typed = "refund"
    assert queue.waits(entry("a", "A refund."), stay=False) == ["x", "a"]
    queue.decisions["x"] = replace(queue.decisions["x"], looked_at=True)
    assert queue.waits(entry("a", "A refund."), stay=False) == ["a"]


def test_a_mark_holds_for_the_version_that_was_marked() -> None:
    marks, seen = Marks(), entry("a")
    marks.add(seen)
    assert list(marks) == ["a"] and len(marks) == 1
    assert marks.of([seen, entry("b")]) == [seen]
    changed = replace(seen, digest="e")
    assert marks.of([changed]) == []
    assert marks.keep([changed]) == [seen] and "a" not in marks
    assert marks.keep([changed]) == [], "said once"
    risky, other = (
        replace(seen, assessment=Assessment((Finding("code", Level.LOW, OneLine(words)),))) for words in "xy"
    )
    marks.add(risky)
    assert marks.of([seen]) and marks.of([risky]) and not marks.of([other])
    marks.keep([seen])
    assert marks.of([risky]), "what was found when it was marked"
    marks.keep([other])
    assert "a" not in marks


def test_a_decision_takes_the_mark_and_gives_it_back_only_when_undone() -> None:
    marks = Marks()
    for email_id in ("undone", "released", "running"):
        marks.add(entry(email_id))
        marks.begun(email_id)
    assert not marks
    marks.decided("undone", decision("undone", Phase.UNDECIDED))
    marks.decided("released", decision("released", Phase.DONE))
    marks.decided("running", decision("running", Phase.HELD))
    assert list(marks) == ["undone"]
    marks.decided("running", decision("running", Phase.UNDECIDED))
    assert list(marks) == ["undone", "running"]
