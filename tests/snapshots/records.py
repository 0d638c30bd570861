"""The scene of the audit and mailboxes pictures: a month of decisions at acme, up to `NOW`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from msgspec.structs import asdict

from mm_tui.account import Account, Usage, Webhook, WebhookDelivery
from mm_tui.app import MmTui
from mm_tui.gateway.shapes import Suppression
from mm_tui.models import AuditEntry, EmailDetail, Mailbox, Party, PendingItem, RawContent
from mm_tui.review.identity import Identity, SignatureState
from mm_tui.services.mailboxes import USAGE_DAYS, AccountFacts, ActionResult
from mm_tui.settings.secret import Secret
from mm_tui.store.audit.journal import Journal
from mm_tui.text import ManyLine, OneLine
from tests.support.pictured_mail import CARD, LIVE, StillSync, StillTriage
from tests.support.seat import NOW, IdleSession, idle_session, summary

AGENT_KEY, REVIEW_KEY = "01KEYAGENT00000000000AG3NT", "01KEYREVIEW000000000R3V13W"
BOXES = (
    ("mb1", "support@acme.example", "gated_send", 90, 460, 6),
    ("mb2", "billing@acme.example", "gated_all", 12, 3100, 5),
    ("mb3", "partnerships@acme.example", "monitored", 3, 9000, 1),
)
"""Id, address, mode, decisions, minutes between them, and every how many of them one was not left as written."""
SUBJECTS = ("Re: Refund for order 4471", "Re: 料金についてのお問い合わせ", "Re: Contract renewal", "Re: Invoice 2291")


class StillBoxes:
    """Account, usage and webhooks that stand still."""

    def __init__(self, hooks: tuple[Webhook, ...] | None) -> None:
        self._hooks = hooks

    async def redeem(self, *_fields: str) -> None: ...

    async def create(self, *_fields: str) -> None: ...

    async def facts(self) -> AccountFacts:
        account = Account(
            name=OneLine("Acme"),
            plan=OneLine("team"),
            oversight_email=OneLine("operator@acme.example"),
            monthly_email_quota=10_000,
            emails_sent_this_month=1_204,
            max_mailboxes=10,
            storage_used_bytes=48_200_000,
            max_storage_bytes=10_000_000_000,
        )
        usage = Usage(
            since=NOW.replace(day=1, hour=0),
            emails_sent=61,
            emails_received=348,
            api_calls=12_045,
            oversight_actions=70,
        )
        trouble = OneLine("" if self._hooks is not None else "this needs a key with the scope admin, and none is set")
        by_day = (
            (OneLine("email received"), tuple(9 + day * 5 % 11 for day in range(USAGE_DAYS))),
            (OneLine("email sent"), tuple(day * 3 % 5 for day in range(USAGE_DAYS))),
        )
        return AccountFacts(account, OneLine(""), usage, OneLine(""), self._hooks, trouble, by_day)

    async def deliveries(self) -> tuple[tuple[WebhookDelivery, ...], OneLine]:
        return DELIVERIES, OneLine("")

    async def create_webhook(self, *_given: object) -> ActionResult:
        return ActionResult(True, OneLine("made"), secret=Secret("whsec_made_up_5d41402abc4b2a76"))


HOOKS = (
    Webhook(
        id="W1",
        url=OneLine("https://hooks.acme.example/mail"),
        events=(OneLine("message.received"), OneLine("oversight.pending")),
    ),
    Webhook(
        id="W2", url=OneLine("https://pager.example/acme"), events=(OneLine("oversight.pending"),), mailbox_id="mb1"
    ),
)

DELIVERIES = (
    WebhookDelivery(
        id="D2",
        webhook_id=OneLine("W2"),
        event=OneLine("oversight.pending"),
        status=OneLine("failed"),
        response_status=503,
        attempts=3,
        created_at=NOW - timedelta(minutes=4),
    ),
    WebhookDelivery(
        id="D1",
        webhook_id=OneLine("W1"),
        event=OneLine("message.received"),
        status=OneLine("delivered"),
        response_status=200,
        attempts=1,
        created_at=NOW - timedelta(minutes=26),
    ),
)


class StillSuppression:
    """A gateway that tells one thing: to whom it does not send."""

    def __init__(self) -> None:
        self.account = self

    async def suppression(self) -> tuple[Suppression, ...]:
        return (
            Suppression(
                address=OneLine("anna@customer.example"),
                reason=OneLine("hard_bounce"),
                created_at=NOW - timedelta(days=5),
            ),
        )

    def begin_closing(self) -> None:
        """Nothing is under way."""

    async def aclose(self) -> None:
        """Nothing is open."""


class StillIdentities:
    """Finds the identity of each email valid."""

    async def check(self, _header: str) -> Identity:
        """What the gateway signed about the newest mail."""
        claims = {"ai_generated": "true", "operator": "Acme", "oversight": "gated_send", "verified_operator": "true"}
        shown = tuple((OneLine(name), OneLine(value)) for name, value in claims.items())
        return Identity(SignatureState.VALID, shown, fingerprint=OneLine("9f2c" * 8))


def records(*, admin: bool = True, filled: bool = True, bounced: bool = False) -> IdleSession:
    """The stores filled, the services standing still. `bounced`: the newest draft did not arrive."""
    session = idle_session()
    session.sync = cast(Any, StillSync(LIVE))
    session.triage = cast(Any, StillTriage(CARD))
    cast(Any, session).identities = StillIdentities()
    session.gateway = cast(Any, StillSuppression())
    session.boxes = cast(Any, StillBoxes(HOOKS if admin else None))
    cast(Any, session).can = lambda scope: admin or scope not in ("admin", "send")
    if not filled:
        return session
    session.mail.save_mailboxes([_box(*box[:3]) for box in BOXES])
    journal = Journal(session.database)
    entries: list[AuditEntry] = []
    made = sorted(
        (NOW - timedelta(minutes=11 + gap * at + 7 * (at % 5) ** 3 + 137 * (every % 6)), mailbox_id, at, every)
        for mailbox_id, _, _, decisions, gap, every in BOXES
        for at in range(decisions)
    )
    for number, (when, mailbox_id, at, every) in enumerate(made):
        entries.append(_decide(session, journal, len(made) - number, when, mailbox_id, at, every))
    if admin:
        entries += _life(session, bounced=bounced)
        session.audit.add(entries)
    session.pending.replace([_waiting(number) for number in range(7)], NOW)
    return session


def _box(mailbox_id: str, address: str, mode: str) -> Mailbox:
    first = mailbox_id == "mb1"
    return Mailbox(
        id=mailbox_id,
        address=OneLine(address),
        display_name=OneLine("Acme Support" if first else ""),
        oversight_mode=OneLine(mode),
        auto_bcc=OneLine("archive@acme.example" if first else ""),
        signature_block=ManyLine("Kind regards\nAcme Support" if first else ""),
        ai_disclosure=True if first else None,
    )


def _decide(
    session: IdleSession, journal: Journal, number: int, made: datetime, mailbox_id: str, at: int, every: int
) -> AuditEntry:
    """One decision: in the journal now, and as the gateway would have it. The newest has number 1."""
    email_id = f"01MAIL{number:06}"
    outcome = "approved" if (at + 1) % every else "rejected" if at // every % 3 == 1 else "edit_released"
    act = {"approved": "approve", "edit_released": "release_edit", "rejected": "reject"}[outcome]
    details = {"release": f"R{number:04}", "act": act, "digest": f"{number:08x}" * 8}
    more = {
        "mailbox": mailbox_id,
        "direction": "outbound",
        "received": (made - timedelta(minutes=4 + number % 9)).isoformat(),
        "words_changed": f"{18 if outcome == 'edit_released' else 0} of 160",
        **({"reason": "Wrong facts"} if outcome == "rejected" else {}),
    }
    session.mail.upsert(
        [
            summary(
                number,
                id=email_id,
                mailbox_id=mailbox_id,
                subject=OneLine(SUBJECTS[number % len(SUBJECTS)]),
                direction=OneLine("outbound"),
                status=OneLine("rejected" if outcome == "rejected" else "delivered"),
                received_at=made - timedelta(minutes=5),
            )
        ]
    )
    journal.write("held", "robin", email_id, made, {**details, **more})
    journal.write("deciding", "robin", email_id, made + timedelta(seconds=5), {**details, "about": email_id})
    done = {**details, "about": email_id, "note": "rejected" if outcome == "rejected" else "approved_and_sent"}
    journal.write("done", "robin", email_id, made + timedelta(seconds=6), done)
    journal.write("ended", "robin", email_id, made + timedelta(seconds=6), {**details, "note": outcome})
    return AuditEntry(
        id=f"01AUDIT{number:06}",
        action=OneLine("oversight.rejected" if outcome == "rejected" else "oversight.approved"),
        resource_type=OneLine("email"),
        resource_id=OneLine(email_id),
        actor_key_id=OneLine(REVIEW_KEY),
        created_at=made + timedelta(seconds=5, milliseconds=400),
    )


def _life(session: IdleSession, *, bounced: bool) -> list[AuditEntry]:
    """The newest draft's whole history around its decision."""
    email_id = "01MAIL000001"
    made = NOW - timedelta(minutes=11)
    raw = RawContent(sender="support@acme.example", to=("anna@customer.example",), body="Dear Anna, it is on its way.")
    session.mail.save_detail(
        EmailDetail(
            **asdict(
                summary(
                    1,
                    id=email_id,
                    sender=Party(address=OneLine("support@acme.example")),
                    to=(Party(address=OneLine("anna@customer.example"), name=OneLine("Anna Keller")),),
                    subject=OneLine(SUBJECTS[0]),
                    direction=OneLine("outbound"),
                    status=OneLine("bounced" if bounced else "delivered"),
                    received_at=made - timedelta(minutes=5),
                    **{"bounced_at" if bounced else "delivered_at": made + timedelta(seconds=11)},
                )
            ),
            body=ManyLine(raw.body),
            raw=raw,
            tags={OneLine("label"): OneLine("refund")},
            approved_at=made + timedelta(seconds=5),
            approved_by=OneLine(REVIEW_KEY),
            identity=OneLine("shown"),
            ai_generated=OneLine("true"),
        ),
        at=made - timedelta(minutes=1),
    )
    steps = (
        ("email.reply_submitted", -300, AGENT_KEY),
        ("email.scanned", -299, ""),
        ("oversight.pending", -299, ""),
        ("email.sent", 6, ""),
        ("email.bounced" if bounced else "email.delivered", 11, ""),
    )
    return [
        AuditEntry(
            id=f"01AUDITLIFE{at}",
            action=OneLine(action),
            resource_type=OneLine("email"),
            resource_id=OneLine(email_id),
            actor_key_id=OneLine(key),
            metadata={OneLine("verdict"): OneLine("clean")} if action == "email.scanned" else {},
            created_at=made + timedelta(seconds=seconds),
        )
        for at, (action, seconds, key) in enumerate(steps)
    ]


def _waiting(number: int) -> PendingItem:
    return PendingItem(
        id=f"01WAIT{number:06}",
        mailbox_id=("mb1", "mb1", "mb2")[number % 3],
        direction=OneLine("outbound"),
        sender=Party(address=OneLine("support@acme.example")),
        to=(Party(address=OneLine("anna@customer.example")),),
        subject=OneLine(SUBJECTS[number % len(SUBJECTS)]),
        received_at=NOW - timedelta(minutes=17 * number),
        raw=RawContent(sender="support@acme.example"),
    )


def app(**given: Any) -> MmTui:
    """The app in that session."""
    return MmTui(records(**given))
