"""The report on an import: counts, irregularities with their places, and skipped files."""

from __future__ import annotations

from dataclasses import dataclass, field

from mm_tui.text import OneLine

_SHOWN_PLACES = 5


class MailImportError(Exception):
    """Nothing can be imported. The message says which path, and why."""


@dataclass(slots=True)
class ImportReport:
    """The result of an import."""

    imported: int = 0
    """The number of imported emails."""
    attachments: int = 0
    """The number of their attachments."""
    odd: dict[str, list[str]] = field(default_factory=dict)
    """Irregularities, each with its places (file, and number of the email in it)."""
    skipped: list[str] = field(default_factory=list)
    """Files that are not mail or could not be read, with the reason."""

    def note(self, what: str, place: str) -> None:
        """Counts an irregularity, once per email."""
        places = self.odd.setdefault(what, [])
        if not places or places[-1] != place:
            places.append(place)

    def lines(self) -> list[str]:
        """The report as text, the most frequent irregularity first."""
        made = [f"{_count(self.imported, 'mail')} imported, with {_count(self.attachments, 'attachment')}"]
        for what, places in sorted(self.odd.items(), key=lambda item: (-len(item[1]), item[0])):
            shown = ", ".join(places[:_SHOWN_PLACES]) + (", ..." if len(places) > _SHOWN_PLACES else "")
            made.append(OneLine(f"odd: {what}: {len(places)} ({shown})"))
        return made + [OneLine(f"skipped: {reason}") for reason in self.skipped]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
