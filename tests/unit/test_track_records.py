"""The track record behind a mailbox's mode: counted from the journal, apart from what was decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mm_tui.models import AuditEntry, EmailSummary, Mailbox, Party
from mm_tui.screens.mailboxes.mailbox_list import percent
from mm_tui.screens.mailboxes.pages import mailbox_page, tally_words
from mm_tui.services.audit.agents import spark
from mm_tui.services.audit.track_record import LADDER, Tally, TrackRecord, TrackRecords, step_down, step_up
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.seat import NOW


class PastDecisions:
    """A store with two mailboxes and short ways to have decided something."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.journal = Journal(database)
        self._count = 0
        MailStore(database).save_mailboxes(
            [
                Mailbox(id="mb1", address=OneLine("support@acme.example"), oversight_mode=OneLine("gated_send")),
                Mailbox(id="mb2", address=OneLine("billing@acme.example"), oversight_mode=OneLine("monitored")),
            ]
        )
        self.track_records = TrackRecords(database, FakeClock(NOW))

    def decided(
        self,
        outcome: str,
        *,
        days: float = 1,
        mailbox: str = "mb1",
        waited: float = 300,
        words: str = "0 of 100",
        direction: str = "outbound",
        last: str = "ended",
        **reported: str,
    ) -> str:
        """Journals a decision that was made so many days ago, on a mail that had waited so many seconds."""
        self._count += 1
        about, at = f"M{self._count}", NOW - timedelta(days=days)
        details = {"release": f"R{self._count}", "act": "approve"}
        more = {
            "mailbox": mailbox,
            "direction": direction,
            "received": (at - timedelta(seconds=waited)).isoformat(),
            "words_changed": words,
            **reported,
        }
        self.journal.write("held", "robin", about, at, {**details, **more})
        if last == "ended":
            self.journal.write("done", "robin", about, at, {**details, "about": about})
        self.journal.write(last, "robin", about, at, {**details, "note": outcome})
        return about

    def row(self, mailbox_id: str = "mb1") -> TrackRecord:
        return next(one for one in self.track_records.all() if one.mailbox.id == mailbox_id)


@pytest.fixture
def past(tmp_path: Path) -> Iterator[PastDecisions]:
    with Database.open(tmp_path / "store.db") as database:
        yield PastDecisions(database)


def test_decisions_are_counted_by_mailbox_and_span(past: PastDecisions) -> None:
    for days in (1, 2, 6.9, 8, 29):
        past.decided("approved", days=days)
    past.decided("edit_released", days=3, words="30 of 100")
    past.decided("rejected", days=12)
    past.decided("approved", days=31)
    past.decided("rejected", mailbox="mb2")
    support, billing = past.row("mb1"), past.row("mb2")
    assert (support.tallies[7].as_written, support.tallies[7].edited, support.tallies[7].rejected) == (3, 1, 0)
    assert (support.tallies[30].as_written, support.tallies[30].edited, support.tallies[30].rejected) == (5, 1, 1)
    assert (billing.tallies[7].drafts, billing.tallies[7].rejected) == (1, 1)


def test_what_did_not_take_effect_does_not_count(past: PastDecisions) -> None:
    past.decided("undone", last="undone")
    past.decided("fell_back", last="fell_back")
    for outcome in ("elsewhere", "changed", "denied", "unreachable", "withdrawn", "incident"):
        past.decided(outcome)
    assert past.row().tallies[30].drafts == 0


def test_the_median_time_and_the_share_of_changed_words(past: PastDecisions) -> None:
    assert past.row().tallies[30].seconds is None
    assert past.row().tallies[30].changed is None
    for waited in (60, 120, 6000):
        past.decided("approved", waited=waited, words="0 of 100")
    past.decided("edit_released", waited=240, words="50 of 100")
    tally = past.row().tallies[30]
    assert tally.seconds == 180
    assert tally.changed == pytest.approx(50 / 400)


def test_inbound_mail_is_counted_apart(past: PastDecisions) -> None:
    past.decided("approved", direction="inbound", words="")
    past.decided("rejected", direction="inbound", words="")
    tally = past.row().tallies[7]
    assert (tally.drafts, tally.inbound_let_in, tally.inbound_rejected) == (0, 1, 1)
    assert past.row().days == [(0, 0)] * 30


def test_days_are_counted_for_the_plot(past: PastDecisions) -> None:
    past.decided("approved", days=0)
    past.decided("rejected", days=0)
    past.decided("approved", days=2)
    days = past.row().days
    assert len(days) == 30
    assert (days[-1], days[-2], days[-3]) == ((1, 1), (0, 0), (1, 0))


def test_new_entries_are_taken_in_without_reading_the_old_again(past: PastDecisions) -> None:
    past.decided("approved")
    assert past.row().tallies[7].as_written == 1
    past.decided("approved")
    assert past.row().tallies[7].as_written == 2


def test_decisions_made_elsewhere_are_distinguished_from_ours(past: PastDecisions) -> None:
    ours = past.decided("approved")
    for number, email_id in enumerate((ours, "X1", "X2")):
        MailStore(past.database).upsert(
            [EmailSummary(id=email_id, mailbox_id="mb1", sender=Party(address=OneLine("a@b.example")), received_at=NOW)]
        )
        entry = AuditEntry(
            id=f"G{number}",
            action=OneLine("oversight.rejected" if number == 2 else "oversight.approved"),
            resource_id=OneLine(email_id),
            created_at=NOW - timedelta(days=1),
        )
        AuditStore(past.database).add([entry])
    assert (past.row("mb1").elsewhere, past.row("mb2").elsewhere) == (2, 0)


def test_the_decisions_of_a_team_are_distinguished_by_key(past: PastDecisions) -> None:
    past.decided("approved")
    made = [("kim", True), ("kim", True), ("kim", False), ("lee", True), ("", True)]
    for number, (key, approved) in enumerate(made):
        mail = EmailSummary(
            id=f"T{number}", mailbox_id="mb1", sender=Party(address=OneLine("us@acme.example")),
            direction=OneLine("outbound"), received_at=NOW,
        )  # fmt: skip
        MailStore(past.database).upsert([mail])
        entry = AuditEntry(
            id=f"GT{number}",
            action=OneLine("oversight_approve" if approved else "reject_email"),
            resource_id=OneLine(mail.id),
            actor_key_id=OneLine(f"01KEYOFREVIEWER0000000{key}" if key else ""),
            created_at=NOW - timedelta(days=2),
        )
        AuditStore(past.database).add([entry])
    others = past.row("mb1").others
    assert [(one.key_id[-3:], one.approved, one.rejected) for one in others] == [
        ("kim", 2, 1),
        ("", 1, 0),
        ("lee", 1, 0),
    ]
    assert past.row("mb1").tallies[30].drafts == 1, "ours are counted apart"
    page = mailbox_page(past.row("mb1"), None, 100, (), NOW, {}).text
    assert "key …000kim: 2 drafts approved, 1 rejected" in page and "no key given: 1 draft approved" in page


@pytest.mark.parametrize(
    ("written", "rejected", "proven"), [(0, 0, "0%"), (3, 0, "44%"), (30, 0, "89%"), (27, 3, "74%")]
)
def test_a_share_of_few_decisions_proves_little(written: int, rejected: int, proven: str) -> None:
    assert percent(Tally(as_written=written, rejected=rejected).surely_as_written) == proven


def test_entries_that_lack_their_facts_are_left_out(past: PastDecisions) -> None:
    past.journal.write("held", "robin", "M9", NOW, {"release": "R9", "act": "approve"})
    past.journal.write("ended", "robin", "M9", NOW, {"release": "R9", "note": "approved"})
    past.decided("approved", words="many of lots")
    tally = past.row().tallies[7]
    assert (tally.as_written, tally.changed) == (1, None)


def test_the_ladder_has_steps_both_ways() -> None:
    assert step_up("gated_send") == ("monitored", "autonomous")
    assert step_down("gated_send") == ("gated_all", "read_only")
    assert step_up("autonomous") == step_down("read_only") == step_up("new_mode") == ()
    assert len(LADDER) == 5


def test_words_say_what_humans_did(past: PastDecisions) -> None:
    assert tally_words(past.row().tallies[7]) == "no draft decided"
    for _ in range(3):
        past.decided("approved")
    past.decided("edit_released", words="40 of 100")
    assert tally_words(past.row().tallies[7]) == (
        "4 drafts: 3 as written (75%; at least 30% at 95% confidence), 1 edited, 0 rejected; "
        "10% of the words changed; half waited less than 5 min"
    )


def test_plots_and_shares() -> None:
    assert spark([0, 0, 4, 2], 4) == "  █▄"
    assert spark([1, 1, 0, 0, 2, 2], 3) == "▄ █"
    assert spark([0, 0], 2) == "  "
    assert spark([1, 2], 2, most=4) == "▂▄"
    assert [percent(share) for share in (None, 0, 0.004, 0.126, 1)] == ["–", "0%", "<1%", "13%", "100%"]


def test_the_page_says_how_much_humans_change_with_examples_and_without(past: PastDecisions) -> None:
    past.decided("edit_released", words="40 of 100")
    assert "examples" not in mailbox_page(past.row(), None, 100, (), NOW, {}).text
    past.decided("edit_released", words="10 of 100", with_examples="yes")
    past.decided("approved", words="0 of 100", with_examples="yes")
    past.decided("edit_released", words="90 of 100", mailbox="mb2")
    found = past.row().learning
    assert (found.without, found.changed_without, found.with_examples, found.changed_with) == (1, 0.4, 2, 0.05)
    page = " ".join(mailbox_page(past.row(), None, 100, (), NOW, {}).text.split())
    assert "5% of the words changed in 2 drafts written with examples of your edits, 40% in 1 without" in page
