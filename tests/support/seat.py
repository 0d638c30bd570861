"""Made-up mail, and sessions that hold it and reach no network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mm_tui.models import AuditEntry, EmailSummary, Mailbox, Party, PendingItem, RawContent
from mm_tui.screens.inbox.words import GREETED
from mm_tui.services.events import Notify
from mm_tui.services.sync.mail import SyncPlace
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from mm_tui.store.database import Database
from mm_tui.text import ManyLine, OneLine
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from mm_tui.clock import Clock

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class IdleSession(Session):
    """Stores without a network side: what the store holds is all there is."""

    def build(self, notify: Notify) -> None:
        self.notify = notify


def idle_session(
    *,
    clock: Clock | None = None,
    boxes: Sequence[Mailbox] = (),
    mails: Sequence[EmailSummary] = (),
    **settings: Any,
) -> IdleSession:
    """A session in memory that holds this mail, at `NOW`, for the test profile `acme`."""
    chosen = Settings.of({"profile": Profile(name="acme", oversight_key=Secret("mm_test_made_up")), **settings})
    session = IdleSession(chosen, Database.open(None), clock or FakeClock(NOW))
    session.state.set(GREETED, "yes")
    session.mail.save_mailboxes(boxes)
    session.mail.upsert(mails)
    return session


def summary(number: int, **fields: Any) -> EmailSummary:
    """A made-up mail: the larger the number, the older it is."""
    given: dict[str, Any] = {
        "id": f"01TEST{number:06}",
        "mailbox_id": "mb1",
        "sender": Party(address=OneLine(f"writer{number}@customer.example")),
        "to": (Party(address=OneLine("support@acme.example")),),
        "subject": OneLine(f"Question {number}"),
        "direction": OneLine("inbound"),
        "status": OneLine("read"),
        "received_at": NOW - timedelta(minutes=3 * number),
        "thread_id": f"T{number}",
        **fields,
    }
    return EmailSummary(**given)


def mailbox(mailbox_id: str = "mb1", address: str = "support@acme.example", mode: str = "gated_send") -> Mailbox:
    """A mailbox."""
    return Mailbox(id=mailbox_id, address=OneLine(address), oversight_mode=OneLine(mode))


def waiting(number: int, body: str) -> PendingItem:
    """A draft that has been read whole."""
    us, them = "support@acme.example", "anna@customer.example"
    return PendingItem(
        id=f"01WAIT{number:06}",
        mailbox_id="mb1",
        direction=OneLine("outbound"),
        sender=Party.parse(us),
        to=(Party.parse(them),),
        subject=OneLine("Re: Refund"),
        body=ManyLine(body),
        status=OneLine("pending_send_approval"),
        received_at=NOW - timedelta(minutes=60 - number),
        raw=RawContent(sender=us, to=(them,), subject="Re: Refund", body=body),
        complete=True,
    )


def have_been_synced(session: Session) -> None:
    """Records that the initial sync of all mailboxes has ended."""
    for box in session.mail.mailbox_rows():
        session.state.set(f"fill:{box.mailbox_id}", SyncPlace(done=True).dumped())


def filled_session() -> IdleSession:
    """Something on every screen, and nobody to ask."""
    session = idle_session(boxes=[mailbox()], mails=[summary(number) for number in range(3)])
    have_been_synced(session)
    session.pending.replace([waiting(1, "Hello Anna."), waiting(2, "Hello Tom.")], NOW)
    session.audit.add(
        [
            AuditEntry(
                id="A1",
                action=OneLine("email.received"),
                resource_type=OneLine("email"),
                resource_id=OneLine("01TEST000001"),
                created_at=NOW,
            )
        ]
    )
    return session
