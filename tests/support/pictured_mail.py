"""The fixed scene that the pictures show: a morning at acme, at `NOW`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from mm_tui.app import MmTui
from mm_tui.models import Attachment, EmailDetail, Party, RawContent
from mm_tui.services.assistant.cards import CardState, Phase, Spend
from mm_tui.services.events import Phase as SyncPhase
from mm_tui.services.events import SyncState
from mm_tui.text import ManyLine, OneLine
from tests.support.seat import NOW, IdleSession, idle_session, mailbox, summary

PEOPLE = (
    ("anna@customer.example", "Anna Keller"),
    ("legal@partner.example", ""),
    ("tanaka@nogyo.example", "田中 陽子"),
    ("a.very.long.name.of.somebody@subdomain.enterprise.example", ""),
    ("noreply@paypa1.example", "PayPal service@paypal.example"),
)
SUBJECTS = (
    "Refund for order 4471",
    "Contract renewal 2027: two open points before we can sign",
    "料金についてのお問い合わせ",
    "Ihre Rechnung 2304: falsche USt-ID",
    "[EXTERNAL] Password reset [/x]",
    "Invoice 2291",
)
BODY = """Hello,

the station arrived with a broken mast head, and the vane grinds like a pepper mill.
Please tell me today whether you refund order 4471 or ship a new one. Pay link:
[https://acme.example/refund](https://acme-refunds.example/x)

Anna

> On Tuesday Acme Support wrote:
> Could you tell me whether the bearing still turns freely?
"""


class StillSync:
    """A sync that stands still."""

    def __init__(self, state: SyncState) -> None:
        self.state = state

    def wake(self, *_parts: object) -> None:
        """Asks nobody."""

    def set_active(self, active: bool) -> None:
        """Polls nobody."""


class StillTriage:
    """An assistant that has said what it has said."""

    def __init__(self, card: CardState) -> None:
        self._card = card

    def card(self, email_id: str) -> CardState:
        return self._card

    automatic = False

    def spend(self) -> Spend:
        return Spend(0.03, 1200, 300, 1.0, OneLine("jamba-mini-1.7"))


CARD = CardState(
    phase=Phase.DONE,
    label=OneLine("support"),
    label_by=OneLine("model"),
    summary=ManyLine(
        "Anna received a damaged station and asks for a refund or a new mast head. She needs an answer today."
    ),
    intent=OneLine("complaint"),
    requested_action=OneLine("Say today whether order 4471 is refunded or replaced"),
    urgency=OneLine("high"),
    deadline=OneLine("2 March, 16:00"),
    amounts=(OneLine("$240"),),
    models=(OneLine("jamba-mini-1.7"),),
)
LIVE = SyncState(SyncPhase.LIVE, NOW - timedelta(seconds=4))


def filled_session(*, mails: int = 40, state: SyncState = LIVE, card: CardState = CARD, **settings: Any) -> IdleSession:
    """The stores filled, the services standing still."""
    session = idle_session(**settings)
    session.sync = cast(Any, StillSync(state))
    session.triage = cast(Any, StillTriage(card))
    if not mails:
        return session
    session.mail.save_mailboxes([mailbox(), mailbox("mb2", "billing@acme.example", "gated_all")])
    session.mail.upsert([_mail(number) for number in range(mails)])
    for number in range(0, mails, 3):
        session.mail.annotate(
            _mail(number).id,
            label=("support", "billing", "partnership")[number % 9 // 3],
            urgency="high" if number % 6 == 0 else "normal",
            summary="Asks for a refund of order 4471, which arrived damaged; wants an answer today.",
        )
    session.mail.save_detail(_opened(), at=NOW)
    return session


def _mail(number: int) -> Any:
    outbound = number % 5 == 3
    address, name = PEOPLE[number % len(PEOPLE)]
    us = Party(address=OneLine("support@acme.example"))
    them = Party(address=OneLine(address), name=OneLine(name))
    return summary(
        number,
        sender=us if outbound else them,
        to=(them if outbound else us,),
        subject=OneLine(SUBJECTS[number % len(SUBJECTS)]),
        direction=OneLine("outbound" if outbound else "inbound"),
        status=OneLine(
            ("pending_send_approval", "delivered", "bounced", "rejected")[number // 5 % 4]
            if outbound
            else ("unread", "read", "read", "spam_flagged")[number % 4]
        ),
        received_at=NOW - timedelta(minutes=7 * number * number + 4 * number),
        thread_id="T-refund" if number in (0, 3, 12) else f"T{number}",
        mailbox_id="mb1" if number in (0, 3, 12) or number % 4 else "mb2",
        has_attachments=number % 6 == 0,
    )


def _opened() -> EmailDetail:
    base = _mail(0)
    files = (Attachment(name=OneLine("mast head.jpg"), size=482_113, content_type=OneLine("image/jpeg")),)
    raw = RawContent(
        sender="Anna Keller <anna@customer.example>",
        to=("support@acme.example",),
        subject="Refund for order 4471\u200b",
        body=BODY + "\x1b[31m",
        attachments=(("mast head.jpg", 482_113, "image/jpeg"),),
    )
    return EmailDetail(
        **{**base.__dict__, "status": OneLine("read"), "body": ManyLine(raw.body), "attachments": files, "raw": raw}
    )


def app(**given: Any) -> MmTui:
    """The app in that session."""
    return MmTui(filled_session(**given))
