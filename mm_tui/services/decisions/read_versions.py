"""Which version of each waiting email the reviewer saw last, so that a change can be pointed out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mm_tui.models import RawContent
    from mm_tui.services.decisions.approval_gate import ApprovalGate
    from mm_tui.services.queue.entry import QueueEntry


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
        anew, self._shown_id = email_id != self._shown_id, email_id
        old = self._versions.get(email_id)
        if not entry.item.complete:
            return None
        if old is None or old.digest == entry.digest or (anew and self._gate.has_seen(entry)):
            self._versions[email_id] = entry
            self._noticed.pop(email_id, None)
            return None
        return ReadChange(old.item.raw, self._noticed.setdefault(email_id, now))

    def forget_others(self, email_ids: Iterable[str]) -> None:
        """Forgets all emails except these."""
        kept = set(email_ids)
        self._versions = {email_id: entry for email_id, entry in self._versions.items() if email_id in kept}
