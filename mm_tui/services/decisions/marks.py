"""The emails marked for a decision about all of them. A mark is valid only for the version that was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mm_tui.services.decisions.view import Phase

if TYPE_CHECKING:
    from mm_tui.services.decisions.view import DecisionView
    from mm_tui.services.queue.entry import QueueEntry


class Marks:
    """The marked emails with the versions that were seen (`QueueEntry.version`), including those being decided."""

    def __init__(self) -> None:
        self._versions: dict[str, str] = {}
        self._deciding: dict[str, str] = {}
        """The same for emails that are being decided."""

    def __len__(self) -> int:
        return len(self._versions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._versions)

    def __contains__(self, email_id: object) -> bool:
        return email_id in self._versions

    def add(self, entry: QueueEntry) -> None:
        """Marks an email in its current version."""
        self._versions[entry.item.id] = entry.version

    def remove(self, email_id: str) -> None:
        """Removes the mark of an email, if it has one."""
        self._versions.pop(email_id, None)

    def of(self, entries: Iterable[QueueEntry]) -> list[QueueEntry]:
        """Those of these emails that are marked and unchanged since."""
        return [entry for entry in entries if entry.item.id in self and self._versions[entry.item.id] == entry.version]

    def keep(self, entries: Iterable[QueueEntry]) -> None:
        """Removes the marks of emails that are gone or have changed."""
        if self._versions:
            self._versions = {entry.item.id: entry.version for entry in self.of(entries)}

    def begun(self, email_id: str) -> None:
        """Removes an email's mark because a decision about it began; it returns if the decision has no effect."""
        if (version := self._versions.pop(email_id, None)) is not None:
            self._deciding[email_id] = version

    def decided(self, email_id: str, view: DecisionView | None) -> None:
        """Restores the mark if the newest decision about the email ended without effect."""
        if view is None or not view.ended:
            return
        version = self._deciding.pop(email_id, None)
        if version is not None and view.phase is Phase.UNDECIDED:
            self._versions[email_id] = version
