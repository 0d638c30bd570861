"""What was decided since a moment, from the journal and the gateway's log, and how the empty queue tells it."""

from __future__ import annotations

from datetime import timedelta

from mm_tui.models import Direction
from mm_tui.screens.pending.words import done_words
from mm_tui.store.audit.journal import Journal
from mm_tui.store.audit.made import MadeOutcome, made_since
from tests.support.logs import Logs
from tests.support.seat import NOW

KEY = "01M8197NN3AFF6S1DH4ZEGZ60X"


def decide(logs: Logs, outcome: str, about: str, minutes: float, *, who: str = "robin", edit: str = "") -> None:
    """Journals a decision as the program does, with its call and its end."""
    if edit:
        logs.journal("retired", about, minutes, who=who, release=f"R{about}")
    at, details = NOW - timedelta(minutes=minutes), {"about": edit or about, "release": f"R{about}"}
    Journal(logs.database).write("done", who, about, at, details)
    logs.journal("ended", about, minutes, who=who, release=f"R{about}", note=outcome)


def made(logs: Logs, minutes: float = 600) -> list[tuple[str, MadeOutcome, bool]]:
    found = made_since(logs.database, NOW - timedelta(minutes=minutes))
    return [(str(one.who), one.outcome, one.here) for one in found]


def test_decisions_of_this_machine_are_counted_by_reviewer_and_outcome(logs: Logs) -> None:
    for number in range(6):
        logs.mail(f"M{number}", direction=Direction.INBOUND if number == 4 else Direction.OUTBOUND)
    decide(logs, "rejected", "M5", 700)
    decide(logs, "approved", "M0", 50)
    decide(logs, "edit_released", "M1", 40, edit="E1")
    decide(logs, "rejected", "M2", 30, who="kim")
    decide(logs, "elsewhere", "M3", 20)
    decide(logs, "approved", "M4", 10)
    assert made(logs) == [
        ("robin", MadeOutcome.SENT, True),
        ("robin", MadeOutcome.EDITED, True),
        ("kim", MadeOutcome.REJECTED, True),
        ("robin", MadeOutcome.LET_IN, True),
    ]


def test_the_gateways_record_of_our_own_decision_is_not_counted_again(logs: Logs) -> None:
    for name in ("M0", "M1", "E1", "M2"):
        logs.mail(name, direction=Direction.OUTBOUND)
    decide(logs, "approved", "M0", 50)
    decide(logs, "edit_released", "M1", 40, edit="E1")
    logs.gateway("oversight.approved", "M0", 50, actor=KEY)
    logs.gateway("oversight.rejected", "M1", 40, actor=KEY, reason="superseded by E1, edited by robin")
    logs.gateway("oversight.approved", "E1", 40, actor=KEY)
    logs.gateway("oversight.approved", "M2", 5, actor=KEY)
    assert made(logs) == [
        ("robin", MadeOutcome.SENT, True),
        ("robin", MadeOutcome.EDITED, True),
        (KEY, MadeOutcome.SENT, False),
    ]


def test_the_original_of_anothers_edit_is_no_rejection(logs: Logs) -> None:
    for name in ("M1", "E1"):
        logs.mail(name, direction=Direction.OUTBOUND)
    logs.gateway("oversight.rejected", "M1", 41, actor=KEY, reason="superseded by E1, edited by kim")
    logs.gateway("oversight.approved", "E1", 40, actor=KEY)
    assert made(logs) == [(KEY, MadeOutcome.SENT, False)]


def test_the_words_name_the_busiest_first_and_say_what_is_known(logs: Logs) -> None:
    for number in range(5):
        logs.mail(f"M{number}", direction=Direction.OUTBOUND)
    decide(logs, "rejected", "M0", 50, who="kim")
    decide(logs, "approved", "M1", 40)
    decide(logs, "edit_released", "M2", 30)
    logs.gateway("oversight.approved", "M3", 5, actor=KEY)
    found = made_since(logs.database, NOW - timedelta(minutes=60))
    assert done_words(found, "robin") == (
        "Decided today: 4",
        "· robin (you): 1 sent as written, 1 sent after edits",
        f"· key …{KEY[-6:]}: 1 approved",
        "· kim: 1 rejected",
    )
    assert done_words([], "robin") == ("Nothing has been decided today.",)


def test_a_name_with_control_characters_is_shown_clean(logs: Logs) -> None:
    logs.mail("M1", direction=Direction.OUTBOUND)
    decide(logs, "approved", "M1", 40, who="e\x1b[31mve\u202e")
    (words, line) = done_words(made_since(logs.database, NOW - timedelta(minutes=60)), "robin")
    assert words == "Decided today: 1" and "\x1b" not in line and "\u202e" not in line
