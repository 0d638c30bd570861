"""The emails marked for a decision about all of them. A mark is valid only for the version that was seen, and as long
as the rules find nothing else about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mm_tui.services.decisions.view import DecisionView, Phase

if TYPE_CHECKING:
    from mm_tui.services.queue.entry import QueueEntry


class Marks:
    """The marked emails as they were when they were marked, including those being decided."""

    def __init__(self) -> None:
        self._marked: dict[str, QueueEntry] = {}
        self._deciding: dict[str, QueueEntry] = {}
        """The same for emails that are being decided."""

    def __len__(self) -> int:
        return len(self._marked)

    def __iter__(self) -> Iterator[str]:
        return iter(self._marked)

    def __contains__(self, email_id: object) -> bool:
        return email_id in self._marked

    def add(self, entry: QueueEntry) -> None:
        """Marks an email as it is now."""
        self._marked[entry.item.id] = entry

    def remove(self, email_id: str) -> None:
        self._marked.pop(email_id, None)

    def of(self, entries: Iterable[QueueEntry]) -> list[QueueEntry]:
        """Those of these emails that are marked and unchanged since, and about which nothing else was found."""
        found = ((self._marked.get(entry.item.id), entry) for entry in entries)
        return [
            now for seen, now in found if seen is not None and seen.version == now.version and now.found <= seen.found
        ]

    def keep(self, entries: Iterable[QueueEntry]) -> list[QueueEntry]:
        """Removes the marks of emails that are gone or have changed; returns these emails as they were marked."""
        before = self._marked
        if before:
            self._marked = {entry.item.id: before[entry.item.id] for entry in self.of(entries)}
        return [entry for email_id, entry in before.items() if email_id not in self._marked]

    def begun(self, email_id: str) -> None:
        """Removes an email's mark because a decision about it began; it returns if the decision has no effect."""
        if (seen := self._marked.pop(email_id, None)) is not None:
            self._deciding[email_id] = seen

    def decided(self, email_id: str, view: DecisionView | None) -> None:
        """Restores the mark if the newest decision about the email ended without effect."""
        if view is None or not view.ended:
            return
        seen = self._deciding.pop(email_id, None)
        if seen is not None and view.phase is Phase.UNDECIDED:
            self._marked[email_id] = seen
