"""A store with both logs, and short methods to fill them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from mm_tui.models import AuditEntry, EmailSummary, Mailbox, Party
from mm_tui.services.audit.line import AuditLine, AuditLines
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.audit.timeline import LineFilter
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.seat import NOW


class Logs:
    """A store with two mailboxes and both logs. Times are minutes before `NOW`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.lines = AuditLines(database)
        self._numbers = iter(range(10**6))
        boxes = {"mb1": "support@acme.example", "mb2": "billing@acme.example"}
        MailStore(database).save_mailboxes([Mailbox(id=key, address=OneLine(box)) for key, box in boxes.items()])

    def gateway(self, action: str, about: str, minutes: float, /, *, actor: str = "", **metadata: str) -> None:
        entry = AuditEntry(
            id=f"G{next(self._numbers):06}",
            action=OneLine(action),
            resource_type=OneLine(action.partition(".")[0].replace("oversight", "email")),
            resource_id=OneLine(about),
            actor_key_id=OneLine(actor),
            metadata={OneLine(key): OneLine(value) for key, value in metadata.items()},
            created_at=NOW - timedelta(minutes=minutes),
        )
        AuditStore(self.database).add([entry])

    def journal(self, kind: str, about: str, minutes: float, *, who: str = "robin", **details: str) -> int:
        at = NOW - timedelta(minutes=minutes)
        return Journal(self.database).write(kind, who, details.pop("item", about), at, {"about": about, **details})

    def mail(self, email_id: str, **fields: Any) -> None:
        given: dict[str, Any] = {
            "id": email_id,
            "mailbox_id": "mb1",
            "sender": Party(address=OneLine("anna@customer.example")),
            "subject": OneLine(f"Subject of {email_id}"),
            "received_at": NOW,
            **fields,
        }
        MailStore(self.database).upsert([EmailSummary(**given)])

    def shown(self, wanted: LineFilter | None = None) -> list[AuditLine]:
        self.lines.learn()
        keys = [key for chunk in self.lines.keys(wanted or LineFilter()) for key in chunk]
        return self.lines.lines(keys)

    def actions(self, wanted: LineFilter) -> list[str]:
        return [str(shown.line.action) for shown in self.shown(wanted)]
