"""The emails that are marked for one decision about them all. A mark holds for what was seen and for nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mm_tui.services.decisions.view import Phase

if TYPE_CHECKING:
    from mm_tui.services.decisions.view import DecisionView
    from mm_tui.services.queue.entry import QueueEntry


class Marks:
    """Marked emails with the version that was seen (`QueueEntry.version`), also while they are being decided."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._deciding: dict[str, str] = {}
        """The same of emails that are being decided."""

    def __len__(self) -> int:
        return len(self._versions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __contains__(self, email_id: object) -> bool:
        return email_id in self._versions

    def add(self, entry: QueueEntry) -> None:
        """Marks an email as it is now."""
        self._versions[entry.item.id] = entry.version

    def remove(self, email_id: str) -> None:
        """Removes the mark of an email, if it has one."""
        self._versions.pop(email_id, None)

    def of(self, entries: Iterable[QueueEntry]) -> list[QueueEntry]:
        """Those of these emails that are marked, and are still what was marked."""
        return [entry for entry in entries if entry.item.id in self and self._versions[entry.item.id] == entry.version]

    def keep(self, entries: Iterable[QueueEntry]) -> None:
        """Drops the marks of emails that are gone or are no longer what was marked."""
        self._versions = {entry.item.id: entry.version for entry in self.of(entries)}

    def begun(self, email_id: str) -> None:
        """A decision about an email began: its mark goes, and comes back if the decision has no effect."""
        if (version := self._versions.pop(email_id, None)) is not None:
            self._deciding[email_id] = version

    def decided(self, email_id: str, view: DecisionView | None) -> None:
        """How the newest decision about an email stands: one that ended without effect gives the mark back."""
        if view is None or not view.ended:
            return
        version = self._deciding.pop(email_id, None)
        if version is not None and view.phase is Phase.UNDECIDED:
            self._versions[email_id] = version
