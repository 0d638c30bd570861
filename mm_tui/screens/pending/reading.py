"""Reads the queue from the stores, and details of the emails near the cursor from the gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message
from textual.worker import get_current_worker

from mm_tui.models import PendingItem, Status
from mm_tui.services.audit.key_names import key_names
from mm_tui.services.decisions.ended import how_it_ended
from mm_tui.services.presence.tags import NOBODY, Seat
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.queue.filter import FilterCount
from mm_tui.store.audit.made import MadeDecision, made_since
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.text import OneLine
from mm_tui.widgets.background import Later

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost

OPEN_SECONDS = 0.12
"""Seconds that the cursor must rest on an email before its details are read."""
NOT_SENT = "your text was not sent and is saved"
THREAD_OPENED = 5
"""How many emails of a thread are opened along with the draft."""


@dataclass(eq=False, repr=False)
class QueueRead(Message):
    """Carries the queue from the worker that reads it."""

    entries: list[QueueEntry] | None
    """None if it could not be read."""
    saved_texts: int
    """How many saved texts belong to mail that no longer waits."""
    endings: dict[str, OneLine]
    """How listed emails that no longer wait were decided elsewhere."""
    incidents: Sequence[QueueEntry] = ()
    made: Sequence[MadeDecision] = ()
    """Today's decisions, where nothing waits."""
    expected: int | None = None
    """How many emails wait in all, if these are only the first; None if no more follow."""
    counts: Sequence[FilterCount] = ()
    """How many of the entries each filter shows."""


class QueueReader:
    """Reads the queue in a thread, once at a time; each time ends with a `QueueRead` for the screen."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self._reading = False
        self._outdated = False
        self._was_whole = False
        """Whether the whole queue has been read once. Until then a long queue is shown as it is read."""

    @property
    def queue(self) -> ReviewQueue:
        return self._screen.session.queue

    def read(self) -> None:
        if self._reading:
            # If every event cancelled it, it would never end on a busy machine.
            self._outdated = True
            return
        self._reading, self._outdated = True, False
        session, current = self._screen.session, self._screen.current
        decisions = session.decisions
        edits = decisions.overview.edits_in_progress() if decisions is not None else {}
        incidents = decisions.overview.incidents() if decisions is not None else []
        seat = session.presence.seat if session.presence is not None else NOBODY
        work = partial(self._read, edits, seat, tuple(self._screen.listing.listed), current, incidents)
        self._screen.run_worker(work, thread=True, exclusive=True, group="queue", exit_on_error=False)

    def ended(self) -> None:
        """Called when reading has ended; reads again if something changed meanwhile."""
        self._reading = False
        self._was_whole = True
        if self._outdated:
            self.read()

    def _read(
        self,
        edits: Mapping[str, str],
        seat: Seat,
        listed: Sequence[str],
        current: QueueEntry | None,
        incidents: Sequence[PendingItem],
    ) -> None:
        worker, session = get_current_worker(), self._screen.session
        # An edit in progress is shown with its original; once that is retired, a question can be answered on the edit.
        waiting = set(session.pending.ids())
        shown = waiting | ({current.item.id} if current is not None else set())
        hidden = [edit for edit, original in edits.items() if original in shown]
        entries: list[QueueEntry] | None = None
        saved_texts = 0
        endings: dict[str, OneLine] = {}
        left: list[QueueEntry] = []
        made: list[MadeDecision] = []
        counts: list[FilterCount] = []

        def show_first(entries: list[QueueEntry], count: int) -> None:
            if not self._was_whole and not worker.is_cancelled and len(entries) < count:
                counts = self._screen.listing.count(entries)
                self._screen.post_message(QueueRead(entries, saved_texts, endings, left, expected=count, counts=counts))

        try:
            saved_texts = len(session.edits.left_over())
            endings = {key: self._how_it_ended(key) for key in listed if key not in waiting}
            left = [self.queue.entry_of(item) for item in incidents]
            entries = self.queue.entries(
                hidden=hidden,
                seat=seat,
                why_unread=self._why_unread,
                stop=lambda: worker.is_cancelled,
                so_far=show_first,
            )
            if not entries:
                midnight = session.clock.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
                made = made_since(session.database, midnight)
            counts = self._screen.listing.count(entries)
        finally:
            self._screen.post_message(QueueRead(entries, saved_texts, endings, left, made, counts=counts))

    def _how_it_ended(self, email_id: str) -> OneLine:
        session = self._screen.session
        decisions = DecisionStore(session.database)
        who, today = session.reviewer, session.clock.now().astimezone().date()
        words = how_it_ended(session.mail, session.audit, decisions, who, email_id, today, key_names(session.state))
        # The page still shows the text, so it must not seem to be what was decided.
        return words if session.edits.get(email_id) is None else OneLine(f"{words}; {NOT_SENT}")

    def _why_unread(self, email_id: str) -> OneLine:
        session = self._screen.session
        return session.details.why_not(email_id) if session.details is not None else OneLine(session.trouble)


class MailOpener:
    """Opens emails at the gateway in a worker, because the list has no cc, attachments or threads."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self._looked_up: set[str] = set()
        """Emails whose decider was already requested from the gateway."""
        self._opening = Later(screen, OPEN_SECONDS, self._open_current)

    def open_soon(self) -> None:
        """Opens emails near the cursor once it has rested; those in view come first."""
        self._opening.after_pause()
        if (details := self._screen.session.details) is not None:
            details.first(self._screen.queue_list.keys_in_view)

    def _open_current(self) -> None:
        """Reads cc, attachments and thread of the email under the cursor, and of the next one in advance. Both wait for
        a decision, so no agent polls for them as unread mail."""
        near = self._screen.near
        # `WaitingDetails` retries an email that could not be read, not every change of the list.
        wanted = [
            (entry.item.mailbox_id, entry.item.id)
            for entry in near
            if not entry.is_checked and not entry.unread_because and not entry.ended
        ]
        if near and near[0].ended and not near[0].is_inbound and near[0].item.id not in self._looked_up:
            # Its detail says who approved it. Opening inbound mail would hide it from the agent.
            self._looked_up.add(near[0].item.id)
            wanted.append((near[0].item.mailbox_id, near[0].item.id))
        if near and near[0].item.complete:
            # The emails that it answers: only those that were read before, so that none is hidden from an agent.
            around = [mail.summary for mail in near[0].thread[-THREAD_OPENED:] if mail.detail is None]
            wanted += [(mail.mailbox_id, mail.id) for mail in around if str(mail.status) != Status.UNREAD]
        self._open(wanted, "open-near")

    def open_thread(self, entry: QueueEntry) -> None:
        """Opens the thread's emails on request, which marks them as read."""
        mails = [(mail.summary.mailbox_id, mail.summary.id) for mail in entry.thread if mail.detail is None]
        self._open(mails, "open-thread")

    def _open(self, mails: Sequence[tuple[str, str]], group: str) -> None:
        # What was asked for goes on while the list changes.
        if mails and self._screen.session.sync is not None:
            self._screen.run_worker(self._open_all(mails), group=group, exclusive=True, exit_on_error=False)

    async def _open_all(self, mails: Sequence[tuple[str, str]]) -> None:
        from mm_tui.services.sync.opening import open_mails

        sync = self._screen.session.sync
        if sync is not None and (words := await open_mails(sync, mails)):
            self._screen.say(words, "warning")
