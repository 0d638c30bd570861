"""An in-memory gateway with the client's methods, for tests of which calls are made and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from msgspec.structs import asdict

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError, MissingKey, NotFound
from mm_tui.gateway.shapes import ApiKey, AuditPage, Contact, EmailFilter, EmailPage, Listing
from mm_tui.models import Allowed, AuditEntry, EmailDetail, EmailSummary, Mailbox, Party, PendingItem, RawContent
from mm_tui.text import ManyLine, OneLine

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOX = "01JBOX0000000000000000SUPP"


class _Keys:
    def __init__(self, scopes: Iterable[str]) -> None:
        self.scopes = frozenset(scopes)

    def has(self, scope: str) -> bool:
        return scope == "read" or scope in self.scopes


def email_id(number: int) -> str:
    """An id; ids sort by creation."""
    return f"01J{number:023d}"


def make_mail(number: int, *, mailbox_id: str = BOX, **changes: Any) -> EmailSummary:
    """The email with this number; larger numbers are newer by a minute each."""
    fields: dict[str, Any] = {
        "id": email_id(number),
        "mailbox_id": mailbox_id,
        "sender": Party.parse(f"Anna Example <anna{number % 7}@customer.example>"),
        "to": (Party.parse("support@acme.example"),),
        "subject": OneLine(f"Order {number} refund"),
        "direction": OneLine("inbound"),
        "status": OneLine("unread"),
        "received_at": START + timedelta(minutes=number),
        "thread_id": f"thread-{number // 3}",
    }
    return EmailSummary(**{**fields, **changes})


def make_detail(mail: EmailSummary, body: str = "Hello, where is my parcel?") -> EmailDetail:
    """The opened email with this number."""
    raw = RawContent(
        sender=mail.sender.header, to=tuple(to.header for to in mail.to), subject=str(mail.subject), body=body
    )
    return EmailDetail(**{**asdict(mail), "body": ManyLine(body), "raw": raw})


def make_pending(number: int, **changes: Any) -> PendingItem:
    """A draft that waits."""
    fields: dict[str, Any] = {
        "id": email_id(number),
        "mailbox_id": BOX,
        "direction": OneLine("outbound"),
        "sender": Party.parse("support@acme.example"),
        "to": (Party.parse("anna@customer.example"),),
        "subject": OneLine(f"Re: Order {number}"),
        "body": ManyLine("Dear Anna"),
        "status": OneLine("pending_send_approval"),
        "received_at": START + timedelta(minutes=number),
        "raw": RawContent(
            sender="support@acme.example",
            to=("anna@customer.example",),
            subject=f"Re: Order {number}",
            body="Dear Anna",
        ),
    }
    return PendingItem(**{**fields, **changes})


class FakeGateway:
    """Answers like the real gateway: newest first, in pages, `since_id` for new mail only."""

    def __init__(self, *, scopes: Iterable[str] = ("oversight",), page_size: int = 100) -> None:
        self.keys = _Keys(scopes)
        self.account = self
        self.page_size = page_size
        self.mail: dict[str, dict[str, EmailSummary]] = {BOX: {}}
        self.waiting: list[PendingItem] = []
        self.audit: list[AuditEntry] = []
        self.named_keys: tuple[ApiKey, ...] = ()
        self.allowed: list[Allowed] = []
        self.contact_list: list[Contact] = []
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.failing: dict[str, GatewayError] = {}
        self.before_answer: Callable[[str], None] = lambda name: None

    @property
    def client(self) -> GatewayClient:
        """Itself, typed as the client that services expect."""
        return cast(GatewayClient, self)

    def put(self, *mails: EmailSummary) -> None:
        for mail in mails:
            self.mail.setdefault(mail.mailbox_id, {})[mail.id] = mail

    def _called(self, name: str) -> None:
        self.calls[name] += 1
        self.before_answer(name)
        if name in self.failing:
            raise self.failing[name]

    async def mailboxes(self) -> Listing[Mailbox]:
        self._called("mailboxes")
        return Listing(
            Mailbox(id=box, address=OneLine(f"support{number}@acme.example"), oversight_mode=OneLine("gated_send"))
            for number, box in enumerate(self.mail)
        )

    async def allow_list(self, mailbox_id: str) -> Listing[Allowed]:
        return Listing(self.allowed)

    async def contacts(self) -> Listing[Contact]:
        if "contacts" in self.failing:
            raise self.failing["contacts"]
        return Listing(self.contact_list)

    async def emails(
        self, mailbox_id: str, *, filter: EmailFilter | None = None, limit: int = 100, cursor: str | None = None
    ) -> EmailPage:
        self._called("emails")
        asked = filter or EmailFilter()
        self.asked.append((mailbox_id, asked.since_id, cursor))
        mails = sorted(self.mail[mailbox_id].values(), key=lambda mail: mail.id, reverse=True)
        if asked.since_id:
            mails = [mail for mail in mails if mail.id > asked.since_id]
        if asked.direction:
            mails = [mail for mail in mails if mail.direction == asked.direction]
        if asked.date_after:
            mails = [mail for mail in mails if mail.received_at and mail.received_at > asked.date_after]
        if cursor:
            mails = [mail for mail in mails if mail.id < cursor]
        size = min(limit, self.page_size)
        page = mails[:size]
        return EmailPage(Listing(page), page[-1].id if len(mails) > size else None)

    async def email_pages(
        self,
        mailbox_id: str,
        *,
        limit: int = 100,
        cursor: str | None = None,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> AsyncGenerator[EmailPage, None]:
        while True:
            page = await self.emails(mailbox_id, limit=limit, cursor=cursor)
            yield page
            cursor = page.cursor
            if cursor is None:
                return

    async def email(self, mailbox_id: str, email_id: str) -> EmailDetail:
        self._called("email")
        mail = self.mail[mailbox_id].get(email_id)
        if mail is None:
            raise NotFound(status=404)
        if mail.status == "unread":
            self.put(mail.replaced(status=OneLine("read")))
        return make_detail(self.mail[mailbox_id][email_id])

    async def pending(self) -> Listing[PendingItem]:
        self._called("pending")
        if not self.keys.has("oversight"):
            raise MissingKey("oversight")
        return Listing(self.waiting)

    async def api_keys(self) -> Listing[ApiKey]:
        self._called("api_keys")
        return Listing(self.named_keys)

    async def audit_log(self, *, limit: int = 100, cursor: str | None = None) -> AuditPage:
        self._called("audit_log")
        start = int(cursor or 0)
        entries = self.audit[start : start + limit]
        return AuditPage(Listing(entries), str(start + limit) if len(self.audit) > start + limit else None)
