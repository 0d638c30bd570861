"""Lines of the logs that belong together are one row; a plot tells decisions by day."""

from __future__ import annotations

from array import array
from datetime import timedelta

import pytest

from mm_tui.screens.audit.plot import DAYS, decisions_plot, first_day
from mm_tui.services.audit.history import Histories
from mm_tui.store.audit.folding import Folder
from mm_tui.store.audit.made import MadeDecision, MadeOutcome
from mm_tui.store.audit.timeline import LineFilter
from mm_tui.text import OneLine
from tests.support.logs import Logs
from tests.support.seat import NOW


def rows(logs: Logs, chunk: int = 1000) -> list[tuple[str, int]]:
    """What each row says and how many more lines it stands for."""
    keys = [key for part in logs.lines.keys(LineFilter()) for key in part]
    folder, kept = Folder(logs.database), array("q")
    for start in range(0, len(keys), chunk):
        kept.extend(folder.fold(keys[start : start + chunk]))
    return [(str(one.words), folder.folded.get(one.line.key, 0)) for one in logs.lines.lines(kept)]


def decide(logs: Logs, about: str, minutes: float) -> None:
    for kind, note in (("held", ""), ("deciding", ""), ("done", "approved"), ("ended", "approved")):
        logs.journal(kind, about, minutes, release=f"R{about}", act="approve", note=note)


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_the_steps_of_a_decision_are_one_row_that_says_how_it_ended(logs: Logs, chunk: int) -> None:
    decide(logs, "M1", 30)
    decide(logs, "M2", 20)
    logs.journal("held", "M3", 10, release="RM3", act="reject")
    assert rows(logs, chunk) == [("reject: held", 0), ("approved", 3), ("approved", 3)]


@pytest.mark.parametrize("chunk", [1, 1000])
def test_the_tag_changes_of_one_opening_are_one_row(logs: Logs, chunk: int) -> None:
    logs.gateway("email.tags_set", "M1", 90)
    logs.journal("tagging", "M1", 31)
    logs.gateway("email.tags_set", "M1", 30.9)
    logs.gateway("email.received", "M9", 30.8)
    for _ in range(4):
        logs.gateway("email.tag_deleted", "M1", 30.5)
    logs.gateway("email.tags_set", "M2", 30.4)
    assert rows(logs, chunk) == [("tagged", 0), ("tag removed", 5), ("arrived", 0), ("tagged", 0)]


def test_what_belongs_to_nothing_is_listed_alone(logs: Logs) -> None:
    for number in range(3):
        logs.gateway("oversight.approved", "M1", 30 - number)
        logs.journal("allowing", "", 20 - number)
        logs.gateway("email.tags_set", "", 10 - number)
    assert len(rows(logs)) == 9


def test_a_broken_line_stands_alone(logs: Logs) -> None:
    decide(logs, "M1", 30)
    with logs.database.write() as connection:
        connection.execute("DROP TRIGGER journal_is_never_changed")
        connection.execute("UPDATE journal SET entry = 'x' || entry WHERE number = 2")
    assert ("cannot be read", 0) in rows(logs)


def test_the_history_of_a_mail_folds_tag_changes_and_keeps_each_step_of_a_decision(logs: Logs) -> None:
    logs.mail("M1")
    for minutes in (31.0, 30.5, 30.2):
        logs.gateway("email.tags_set", "M1", minutes)
    decide(logs, "M1", 20)
    events = Histories(logs.database, logs.lines).of("M1").events
    assert [str(one.words) for one in events if "tag" in one.words] == ["tagged"]
    assert any("2 earlier tag changes" in one.more for one in events)
    assert {"approve: held", "approve: accepted", "approved"} <= {str(one.words) for one in events}


def test_the_plot_has_a_bar_a_day_and_says_what_was_decided() -> None:
    def made(days: float, outcome: MadeOutcome) -> MadeDecision:
        return MadeDecision(NOW - timedelta(days=days), OneLine("robin"), outcome, True)

    assert decisions_plot([], NOW, 200).plain == ""
    found = [made(0, MadeOutcome.SENT)] * 2 + [made(3, MadeOutcome.REJECTED), made(29, MadeOutcome.EDITED)]
    words = decisions_plot(found, NOW, 200).plain
    totals = "30 days: 2 as written, 1 edited, 1 rejected  "
    bars = words.removeprefix(totals)[:DAYS]
    assert (bars[0], bars[-4], bars[-1]) == ("▄", "▄", "█") and bars.count(" ") == DAYS - 3
    assert words.startswith(totals) and words.endswith("█ · 2 today · busiest day 2")
    at_eighty = decisions_plot(found * 30, NOW, 78)
    assert at_eighty.cell_length <= 78 and "60 as written, 30 edited, 30 rejected" in at_eighty.plain
    elsewhere = MadeDecision(NOW, OneLine("key"), MadeOutcome.SENT, False)
    assert decisions_plot([elsewhere, *found], NOW, 66).plain.endswith("1 rejected, 1 approved elsewhere")
    assert first_day(NOW) <= NOW - timedelta(days=DAYS - 1) <= first_day(NOW) + timedelta(days=1)
