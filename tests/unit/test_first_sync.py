"""What the rules say of a recipient while the initial sync runs, and as soon as it has ended."""

from __future__ import annotations

from mm_tui.models import Party
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.settings.sections import Risk
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.seat import NOW, have_been_synced, idle_session, mailbox, summary, waiting


def test_nobody_is_called_new_because_mail_has_not_been_read_yet() -> None:
    session = idle_session(boxes=[mailbox()])
    session.pending.replace([waiting(1, "Hello Anna, it was sent."), waiting(2, "Hello Tom, it was sent.")], NOW)
    queue = ReviewQueue(session.database, FakeClock(NOW), Risk())

    def codes() -> list[list[str]]:
        return [[finding.code for finding in entry.assessment.findings] for entry in queue.entries()]

    assert [found.count("new_domain") for found in codes()] == [0, 0]
    session.mail.upsert([summary(50, sender=Party(address=OneLine("anna@customer.example")))])
    have_been_synced(session)
    assert [found.count("new_domain") for found in codes()] == [0, 0]


def test_a_stranger_is_called_new_once_all_mail_has_been_read() -> None:
    session = idle_session(boxes=[mailbox()])
    session.pending.replace([waiting(1, "Hello Anna, it was sent.")], NOW)
    queue = ReviewQueue(session.database, FakeClock(NOW), Risk())
    queue.entries()
    session.mail.upsert([summary(50, sender=Party(address=OneLine("tom@elsewhere.example")))])
    have_been_synced(session)
    (entry,) = queue.entries()
    assert [finding.code for finding in entry.assessment.findings].count("new_domain") == 1
