"""Says whether a waiting email may be decided on now, and if not, why; and which version of each was seen last.

Knows no screen and no network. The messages name keys by their action, such as `{app.undo}`; the caller inserts the key
that the user has set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.clock import DWELL_SECONDS, Clock

if TYPE_CHECKING:
    from mm_tui.models import RawContent
    from mm_tui.services.decisions.view import DecisionView
    from mm_tui.services.queue.entry import QueueEntry


TOO_SOON = "another email has just moved under the cursor: look first"
UNDER_WAY = "its decision is in progress"
EDIT_OUTDATED = "the draft changed since your edit began: {pending.edit} shows what changed"
OWN_REPLY = 'you wrote this reply: [review] own_replies = "another" requires another reviewer to approve it'
AS_IT_IS = "inbound mail can only be approved or rejected as it is"
WAITS_FOR_SECOND = "you have approved this: another reviewer must approve it too"
NO_ROOM = "make the terminal larger: it has no room for the recipients and the text"
UNSEEN = "you have not seen all of it yet: {list.open} opens it"


class ApprovalGate:
    """Records what was seen, what has begun, and when an email came under the cursor without a key press.
    `own_replies`: who approves this reviewer's own texts, `self` or `another`, as in the settings. `has_room`: whether
    the terminal has room for what an approval is about."""

    def __init__(self, clock: Clock, own_replies: str = "self", has_room: Callable[[], bool] = lambda: True) -> None:
        self._clock = clock
        self._has_room = has_room
        self._own_replies = own_replies
        self._seen: set[str] = set()
        self._beginning: set[str] = set()
        self._came_at = float("-inf")

    # What the screen reports

    def saw(self, version: str) -> None:
        """Notes that everything in this version (`QueueEntry.version`) was on the screen for the dwell time."""
        self._seen.add(version)

    def came(self) -> None:
        """Notes that an email came under the cursor without a key press."""
        self._came_at = self._clock.monotonic()

    def begin(self, email_ids: Iterable[str]) -> None:
        """Notes that decisions about these emails are being written to the journal."""
        self._beginning.update(email_ids)

    def begun(self, email_ids: Iterable[str]) -> None:
        """Notes that these decisions began or were refused."""
        self._beginning.difference_update(email_ids)

    # What may be done

    @property
    def came_unasked(self) -> bool:
        """Whether the email came under the cursor just now, so that a key may be meant for the previous one (R14)."""
        return self._clock.monotonic() - self._came_at < DWELL_SECONDS

    @property
    def why_no_room(self) -> str:
        """Why nothing may be released on a terminal of this size, whatever was read before; empty if it may (R1)."""
        return "" if self._has_room() else NO_ROOM

    def has_seen(self, entry: QueueEntry) -> bool:
        """Whether everything that would be sent was on the screen in its current form (R2)."""
        return entry.item.complete and entry.version in self._seen

    def has_seen_newer(self, entry: QueueEntry) -> bool:
        """Whether every email that came in its thread after it was written was on the screen."""
        name = entry.newer_name
        return not entry.newer or (name != "" and self.has_read(name))

    def has_read(self, version: str) -> bool:
        """Whether the page with this name was on the screen to its end."""
        return version in self._seen

    def why_busy(self, entry: QueueEntry, decision: DecisionView | None) -> str:
        """What is in progress for the email and excludes other decisions; empty if nothing is."""
        if entry.ended:
            return f"{entry.ended}: {{pending.next}} goes on"
        if entry.item.id in self._beginning:
            return UNDER_WAY
        if decision is not None and decision.settled:
            return f"{decision.words}: {{pending.next}} goes on"
        if decision is None or decision.ended:
            return ""
        if decision.question is not None:
            return "answer the question about it first: {pending.answer}"
        return "undo it first: {app.undo}" if decision.can_undo else UNDER_WAY

    def why_not_decide(self, entry: QueueEntry, decision: DecisionView | None) -> str:
        """Why no decision may begin now; empty if one may."""
        return TOO_SOON if self.came_unasked else self.why_busy(entry, decision)

    def why_not_approve(self, entry: QueueEntry, decision: DecisionView | None) -> str:
        """Why it may not be approved now; empty if it may. The caller asks again about high risks and newer mail."""
        if why := self.why_not_decide(entry, decision) or self.why_no_room:
            return why
        if unread := entry.unread_words:
            return unread
        if entry.is_own_reply and self._own_replies == "another":
            return OWN_REPLY
        if entry.approvals.waits_for_other:
            return WAITS_FOR_SECOND
        if entry.edit is not None and not entry.edit_is_current:
            return EDIT_OUTDATED
        return "" if self.has_seen(entry) else UNSEEN


class ReadChange(NamedTuple):
    """The content of an email differs from what the reviewer saw."""

    before: RawContent
    at: datetime
    """When this program noticed the change."""


class ReadVersions:
    """Remembers versions. A change is reported until the email is shown again after it was seen."""

    def __init__(self, gate: ApprovalGate) -> None:
        self._gate = gate
        self._versions: dict[str, QueueEntry] = {}
        self._noticed: dict[str, datetime] = {}
        self._shown_id = ""

    def show(self, entry: QueueEntry, now: datetime) -> ReadChange | None:
        """Notes that the email is on the screen now; returns how it has changed since it was last seen, if it has.
        `entry`: the email; only emails that were read whole are compared."""
        email_id = entry.item.id
        reopened, self._shown_id = email_id != self._shown_id, email_id
        old = self._versions.get(email_id)
        if not entry.item.complete:
            return None
        if old is None or old.digest == entry.digest or (reopened and self._gate.has_seen(entry)):
            self._versions[email_id] = entry
            self._noticed.pop(email_id, None)
            return None
        return ReadChange(old.item.raw, self._noticed.setdefault(email_id, now))

    def forget_others(self, email_ids: Iterable[str]) -> None:
        """Forgets all emails except these."""
        kept = set(email_ids)
        self._versions = {email_id: entry for email_id, entry in self._versions.items() if email_id in kept}
