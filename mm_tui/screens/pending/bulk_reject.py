"""Rejects everything that the current filter selects: summary, reason, a typed count, then one hold and one undo for
all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.screens.dialogs.choice import show_page
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.dialogs.form import Field, FormScreen
from mm_tui.services.queue.filter import ALL
from mm_tui.text import OneLine
from mm_tui.widgets.keys_line import takes_text
from mm_tui.widgets.words import count, joined

if TYPE_CHECKING:
    from mm_tui.screens.pending.deciding import Deciding
    from mm_tui.screens.pending.host import QueueHost
    from mm_tui.services.decisions.bulk import Failure
    from mm_tui.services.queue.entry import QueueEntry

MOST_FAILURES = 200
"""The most failures to list."""


class BulkReject:
    """Rejects one filter at a time. Nothing is ever approved this way."""

    def __init__(self, screen: QueueHost, deciding: Deciding) -> None:
        self._screen = screen
        self._deciding = deciding
        self._open: set[str] = set()
        """The ids of emails whose rejection is in progress."""
        self._size = 0
        self._read: int | None = None
        """How many of the emails to reject have been read."""
        self._failures: list[Failure] = []
        self._is_stopped = False

    @property
    def words(self) -> str:
        """The progress; empty if nothing is in progress."""
        if self._read is not None:
            return f"reading {self._read} of {self._size} before they are rejected"
        return f"rejecting: {self._size - len(self._open)} of {self._size} done" if self._open else ""

    def ask(self) -> None:
        """Asks for the reason, then shows the summary and asks for the count."""
        if self.words:
            self._screen.say(f"{self.words}: {{app.undo}} stops the rest", "warning")
            return
        if self._deciding.service() is None:
            return
        if complaint := self._screen.listing.complaint:
            # A search without its unusable part lists more than was asked for.
            self._screen.say(f"to reject all that it lists, correct the search first: {complaint}", "warning")
            return
        batch = self._selected()
        if not batch:
            from mm_tui.services.decisions.bulk import snoozed_words

            left_out = len(self._screen.listing.left_out)
            self._screen.say(snoozed_words(left_out) if left_out else "nothing of this filter can be rejected now")
            return
        self._deciding.ask_reason(
            batch,
            f"Reject all {count(len(batch), 'email', 'emails')} listed: give a reason",
            OneLine(f"Listed by: {self._filter_words()}"),
            lambda reason, _: self._confirm(batch, reason),
            over=lambda: "" if self._selected() else "none of these emails is still waiting",
        )

    def _filter_words(self) -> OneLine:
        listing = self._screen.listing
        name = "" if listing.filter == ALL else listing.filter.name
        return OneLine(" ".join(filter(None, (name, listing.typed.strip()))))

    def _selected(self) -> list[QueueEntry]:
        gate, why_not = self._screen.gate, self._screen.why_not
        return [entry for entry in self._screen.listing.entries if not why_not(gate.why_busy, entry)]

    def _confirm(self, batch: list[QueueEntry], reason: str, typed: str = "", trouble: str = "") -> None:
        """Shows the summary and asks for the count; with `typed` again, because that was another number."""
        from mm_tui.services.audit.key_names import key_names
        from mm_tui.services.decisions.bulk import snoozed_words, summary

        session, number = self._screen.session, str(len(batch))
        addresses = session.mail.addresses()
        lines = [OneLine(f"reason   {reason}"), *summary(batch, addresses, session.audit, key_names(session.state))]
        if left_out := self._screen.listing.left_out:
            lines.append(snoozed_words(len(left_out)))
        ask(
            self._screen.app,
            FormScreen(
                f"Reject all {number}?",
                [Field(f"Type {number} to reject them all", "", typed, proposed=True)],
                words=f"Filter: {self._filter_words()}. All are undone together.",
                yes="reject them",
                lines=lines,
                trouble=trouble,
            ),
            lambda answer: self._answered(batch, reason, answer[0]),
        )

    def _answered(self, batch: list[QueueEntry], reason: str, typed: str) -> None:
        if typed.strip() == str(len(batch)):
            self.begin(batch, reason)
        else:
            self._confirm(batch, reason, typed, f"{len(batch)} was not typed: nothing was rejected")

    def begin(self, batch: list[QueueEntry], reason: str) -> None:
        """Begins the rejection of these emails in a worker."""
        self._size, self._read, self._failures, self._is_stopped = len(batch), 0, [], False
        ids = [entry.item.id for entry in batch]
        self._screen.gate.begin(ids)
        self._screen.run_worker(self._begin(batch, reason), group="decide", exclusive=False, exit_on_error=False)

    async def _begin(self, batch: list[QueueEntry], reason: str) -> None:
        from mm_tui.services.decisions import bulk
        from mm_tui.services.decisions.service import Refused

        session = self._screen.session
        begun: list[str] = []
        failures: list[Failure] = []
        trouble = OneLine("the rejections did not start: nothing was decided")
        try:
            assert session.decisions is not None
            assert session.sync is not None
            views, failures = await bulk.begin(
                batch,
                reason,
                decisions=session.decisions,
                sync=session.sync,
                pending=session.pending,
                stopped=lambda: self._is_stopped,
                progress=self._has_read,
            )
            begun, trouble = [view.email_id for view in views], OneLine("")
        except Refused as refused:
            trouble = OneLine(str(refused))
        finally:
            # From now on a stop is an undo.
            self._read = None
            self._screen.gate.begun(entry.item.id for entry in batch)
            self._screen.call_later(self.begun, begun, failures, trouble)

    def _has_read(self, number: int) -> None:
        self._read = number

    def stop(self) -> bool:
        """Stops before anything is rejected. Returns whether the rejections were not held yet."""
        if self._read is None:
            return False
        self._is_stopped = True
        return True

    def begun(self, email_ids: Sequence[str], failures: Sequence[Failure], trouble: OneLine) -> None:
        """Records that the rejections are now held, or could not begin: then `trouble` says why."""
        if trouble:
            self._screen.say(trouble, "warning")
            return
        self._failures = list(failures)
        self._size, self._open = len(email_ids), set(email_ids)
        if self._is_stopped:
            late = len(email_ids)
            more = f"too late to stop {count(late, 'rejection', 'rejections')}"
            self._screen.say(more if late else "stopped: nothing was rejected", "warning" if late else "information")
        for email_id in email_ids:
            self.moved(email_id)
        self.list_failures()
        self._screen.reload()

    def moved(self, email_id: str) -> None:
        """Called when a decision changes; lists the failures once all have ended."""
        decisions = self._screen.session.decisions
        # No view is built before it has ended: there may be a thousand.
        if email_id not in self._open or decisions is None or not decisions.overview.is_over(email_id):
            return
        view = self._screen.decision_of(email_id)
        assert view is not None
        from mm_tui.decision.state import Outcome
        from mm_tui.services.decisions.bulk import Failure
        from mm_tui.services.decisions.view import AS_WANTED

        self._open.discard(email_id)
        if view.phase not in AS_WANTED and view.outcome is not Outcome.UNDONE:
            self._failures.append(Failure(email_id, view.words))
        if not self._open:
            self.list_failures()

    def list_failures(self) -> None:
        """Lists the failures once all have ended, but not over a dialog or a field: what is typed would be lost."""
        screen = self._screen
        if self.words or not self._failures or screen.app.screen is not screen or takes_text(screen.app.focused):
            return
        failures, self._failures = self._failures, []
        lines = [Content.assemble((f"{one.email_id}  ", "$mm-dim"), one.why) for one in failures[:MOST_FAILURES]]
        if len(failures) > MOST_FAILURES:
            lines.append(Content(f"and {len(failures) - MOST_FAILURES} more"))
        title = f"{count(len(failures), 'email was', 'emails were')} not rejected"
        show_page(self._screen.app, title, joined(lines, "\n"))
