"""The fixed data of the snapshots: a morning at acme, at `NOW`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple, cast

from msgspec.structs import asdict

from mm_tui.app import MmTui
from mm_tui.models import Attachment, EmailDetail, Party, RawContent
from mm_tui.services.assistant.cards import CardPhase, CardState, Spend
from mm_tui.services.events import PartState, SyncPart, SyncPhase, SyncState
from mm_tui.text import ManyLine, OneLine
from tests.support.seat import NOW, IdleSession, have_been_synced, idle_session, mailbox, summary


class Topic(NamedTuple):
    """One conversation of the data."""

    address: str
    name: str
    subject: str
    label: str = ""
    summary: str = ""
    """Empty if the assistant has not read it."""
    urgent: bool = False


ANNA = Topic(
    "anna@customer.example", "Anna Keller", "Refund for order 4471", "support",
    "Her station arrived damaged; she wants a refund or a new mast head, and an answer today.", True,
)  # fmt: skip
TOPICS = (
    Topic("legal@partner.example", "", "Contract renewal 2027: two open points before we can sign", "partnership",
          "Clause 4.2 and the notice period must be settled before they sign."),
    Topic("tanaka@nogyo.example", "田中 陽子", "料金についてのお問い合わせ", "billing",
          "Asks why the March invoice is higher than the offer."),
    Topic("a.very.long.name.of.somebody@subdomain.enterprise.example", "", "Supplier questionnaire, 38 questions",
          "partnership", "Wants the questionnaire back by Friday.", True),
    Topic("noreply@paypa1.example", "PayPal service@paypal.example", "[EXTERNAL] Password reset [/x]"),
    Topic("rechnung@bauhof.example", "Jörg Bauer", "Ihre Rechnung 2304: falsche USt-ID", "billing",
          "The VAT number on invoice 2304 is wrong; asks for a corrected one."),
    Topic("tom@okafor.example", "Tom Okafor", "Invoice 2291", "billing",
          "Paid twice by mistake and asks for the second payment back.", True),
    Topic("nadia@coldchain.example", "Nadia Rahman", "Reconciliation of the third quarter", "billing",
          "Sends the table of open items; two of them do not match."),
    Topic("lucia@vinedos.example", "Lucía Ortega", "No puedo iniciar sesión", "support",
          "Cannot sign in since the update; has already reset the password.", True),
    Topic("mats@fjordfarm.example", "Mats Lind", "Wind sensor shows zero since Tuesday", "support",
          "The sensor reports no wind; asks whether it is under warranty."),
    Topic("press@weeklyharvest.example", "", "Two questions for an article on field weather", "partnership",
          "A journalist asks for a short interview next week."),
    Topic("orders@greenhouse.example", "Priya Nair", "Change of delivery address, order 4502", "support",
          "The order should go to the new greenhouse instead."),
    Topic("win@lucky-draw.example", "", "You have been selected!!!"),
    Topic("chen@delta-irrigation.example", "陳 美玲", "Volume price for forty stations", "partnership",
          "Asks for a quote for forty stations, delivered by June."),
    Topic("sofia@agrotest.example", "Sofia Marin", "Calibration certificate missing", "support",
          "The box came without the certificate that the audit needs."),
    Topic("accounts@harbour.example", "", "Reminder: statement of account", "billing",
          "Second reminder for the statement of February."),
    Topic("ben@hillside.example", "Ben Hughes", "Mast bent by the storm", "support",
          "Wants to buy a new mast and asks how long delivery takes."),
)  # fmt: skip
BODY = """Hello,

the station arrived with a broken mast head, and the vane grinds like a pepper mill.
Please tell me today whether you refund order 4471 or ship a new one. Pay link:
[https://acme.example/refund](https://acme-refunds.example/x)

Anna

> On Tuesday Acme Support wrote:
> Could you tell me whether the bearing still turns freely?
"""


class StillSync:
    """A sync that does nothing."""

    def __init__(self, state: SyncState) -> None:
        self.state = state

    def wake(self, *_parts: object) -> None:
        """Asks nobody."""

    def set_active(self, active: bool) -> None:
        """Polls nobody."""

    def note_input(self) -> None:
        """Pauses nothing."""


class StillTriage:
    """An assistant with fixed results."""

    def __init__(self, card: CardState) -> None:
        self._card = card

    def card(self, email_id: str) -> CardState:
        found = TOPIC_OF.get(email_id)
        if self._card is not CARD or found is None or found is ANNA:
            return self._card
        if not found.summary:
            return CardState(CardPhase.WAITING, OneLine("The assistant will read this thread soon."), can_retry=True)
        return CardState(
            phase=CardPhase.DONE,
            label=OneLine(found.label),
            label_by=OneLine("model"),
            summary=ManyLine(found.summary),
            urgency=OneLine("high" if found.urgent else "normal"),
            models=(OneLine("jamba-mini-1.7"),),
        )

    automatic = False
    has_key = True

    def spend(self) -> Spend:
        return Spend(0.03, 1200, 300, 1.0, OneLine("jamba-mini-1.7"))


CARD = CardState(
    phase=CardPhase.DONE,
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
REFUND = (0, 3, 12)
"""The numbers of the emails of Anna's thread."""
LIVE = SyncState(
    SyncPhase.LIVE,
    NOW - timedelta(seconds=4),
    parts=tuple(PartState(part, NOW - timedelta(seconds=4)) for part in SyncPart),
)


def filled_session(*, mails: int = 40, state: SyncState = LIVE, card: CardState = CARD, **settings: Any) -> IdleSession:
    """A session with filled stores and inactive services."""
    session = idle_session(**settings)
    session.sync = cast(Any, StillSync(state))
    session.triage = cast(Any, StillTriage(card))
    if not mails:
        return session
    session.mail.save_mailboxes([mailbox(), mailbox("mb2", "billing@acme.example", "gated_all")])
    have_been_synced(session)
    session.mail.upsert([_mail(number) for number in range(mails)])
    for number in range(mails):
        found = _topic(number)
        if found.summary and not _is_outbound(number):
            session.mail.annotate(
                _id(number), label=found.label, urgency="high" if found.urgent else "normal", summary=found.summary
            )
    session.mail.save_detail(_opened(), at=NOW)
    return session


def _topic(number: int) -> Topic:
    return ANNA if number in REFUND else TOPICS[number % len(TOPICS)]


def _is_outbound(number: int) -> bool:
    return number % 5 == 3


def _mail(number: int) -> Any:
    outbound = _is_outbound(number)
    address, name, subject, *_ = _topic(number)
    us = Party(address=OneLine("support@acme.example"))
    them = Party(address=OneLine(address), name=OneLine(name))
    return summary(
        number,
        sender=us if outbound else them,
        to=(them if outbound else us,),
        subject=OneLine(f"Re: {subject}" if outbound else subject),
        direction=OneLine("outbound" if outbound else "inbound"),
        status=OneLine(
            ("pending_send_approval", "delivered", "bounced", "rejected")[number // 5 % 4]
            if outbound
            else ("unread", "read", "read", "spam_flagged")[number % 4]
        ),
        received_at=NOW - timedelta(minutes=7 * number * number + 4 * number),
        thread_id="T-refund" if number in REFUND else f"T{number}",
        mailbox_id="mb1" if number in REFUND or number % 4 else "mb2",
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
        **{**asdict(base), "status": OneLine("read"), "body": ManyLine(raw.body), "attachments": files, "raw": raw}
    )


def app(**given: Any) -> MmTui:
    """The app in that session."""
    return MmTui(filled_session(**given))


def _id(number: int) -> str:
    return str(_mail(number).id)


TOPIC_OF = {_id(number): _topic(number) for number in range(40)}
