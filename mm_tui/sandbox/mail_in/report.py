"""What an import found: counts, what was odd and where, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from mm_tui.text import OneLine

_SHOWN_PLACES = 5


class MailImportError(Exception):
    """Nothing can be imported. Says which path, and why."""


@dataclass(slots=True)
class ImportReport:
    """What an import found."""

    imported: int = 0
    """Mails handed on."""
    attachments: int = 0
    """Attachments in them."""
    odd: dict[str, list[str]] = field(default_factory=dict)
    """What was odd, and the places (file and number of the mail in it) where."""
    skipped: list[str] = field(default_factory=list)
    """Files that are no mail or could not be read, with the reason."""

    def note(self, what: str, place: str) -> None:
        """Counts an oddity, once for each email."""
        places = self.odd.setdefault(what, [])
        if not places or places[-1] != place:
            places.append(place)

    def lines(self) -> list[str]:
        """The report for people, the commonest oddity first."""
        made = [f"{_count(self.imported, 'mail')} imported, with {_count(self.attachments, 'attachment')}"]
        for what, places in sorted(self.odd.items(), key=lambda item: (-len(item[1]), item[0])):
            shown = ", ".join(places[:_SHOWN_PLACES]) + (", ..." if len(places) > _SHOWN_PLACES else "")
            made.append(OneLine(f"odd: {what}: {len(places)} ({shown})"))
        return made + [OneLine(f"skipped: {reason}") for reason in self.skipped]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
