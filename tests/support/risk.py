"""Threads, drafts that answer them, and what the rules say: one about a refund, and `Correspondence` for any other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from mm_tui.models import Attachment, Direction, Party
from mm_tui.review.findings import Finding, Level
from mm_tui.review.known import Acquaintances
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Assessment, Draft, EarlierEmail, Rejected, ThreadContext
from mm_tui.text import ManyLine, OneLine

SUPPORT = Party.parse("Acme Support <support@acme.example>")
ANNA = Party.parse("Anna Berg <anna@customer.example>")
QUESTION = EarlierEmail(
    sender=ANNA,
    to=(SUPPORT,),
    subject=OneLine("Refund for order 4471"),
    body=ManyLine(
        "Hello,\nI paid $240.00 for order 4471 on 12 March 2026 and the blender never worked. Could you send me my\n"
        "money back please? The shop's page is https://shop.customer.example/orders, my husband's address is\n"
        "tom@customer.example.\nAnna"
    ),
    received_at=datetime(2026, 3, 20, 9, 0, tzinfo=UTC),
)
CONTEXT = ThreadContext(
    messages=(QUESTION,),
    own_addresses=frozenset({"support@acme.example", "billing@acme.example"}),
    contacts=Acquaintances.of(["anna@customer.example", "bob@partner.example"]),
    rejected=(
        Rejected(
            ManyLine("Dear Anna, of course you get everything back at once, and a second blender for nothing on top."),
            OneLine("Promises something we cannot keep"),
        ),
    ),
    today=date(2026, 3, 22),
)
HARMLESS = (
    "Hi Anna,\n\nthank you for your patience. I have passed your request on and will be back with news.\n\nBest,\nSam"
)


def drafted(body: str = HARMLESS, **changes: object) -> Draft:
    draft = Draft(sender=SUPPORT, to=(ANNA,), subject=OneLine("Re: Refund for order 4471"), body=ManyLine(body))
    return replace(draft, **changes)  # each test names fields of Draft


def found(assessment: Assessment, code: str) -> list[tuple[Level, str]]:
    return [(finding.level, str(finding.words)) for finding in assessment.findings if finding.code == code]


def marked(draft: Draft, assessment: Assessment, code: str) -> list[str]:
    spans = [span for finding in assessment.findings if finding.code == code for span in finding.spans]
    return [draft.body[span.start : span.end] for span in spans]


def parties(*headers: str) -> tuple[Party, ...]:
    return tuple(Party.parse(header) for header in headers)


@dataclass(frozen=True)
class Correspondence:
    """A thread between one of us and one of them, and what the rules say about an answer in it, a day later."""

    us: Party
    them: Party
    subject: str = "Bike"
    colleagues: tuple[Party, ...] = ()
    """Further addresses of ours."""
    known: Collection[str] = ()
    """Addresses that have written for long."""
    at: datetime = datetime(2026, 5, 4, tzinfo=UTC)

    def theirs(self, body: str, **changes: object) -> EarlierEmail:
        """An email of theirs; `changes` are fields of `EarlierEmail`."""
        return self._email(self.them, self.us, body, Direction.INBOUND, changes)

    def ours(self, body: str, to: Party | None = None) -> EarlierEmail:
        return self._email(self.us, to or self.them, body, Direction.OUTBOUND, {})

    def _email(
        self, sender: Party, to: Party, body: str, direction: Direction, changes: dict[str, object]
    ) -> EarlierEmail:
        mail = EarlierEmail(
            sender, (to,), subject=OneLine(self.subject), body=ManyLine(body), direction=direction, received_at=self.at
        )
        return replace(mail, **changes)

    def findings(
        self,
        answer: str,
        *thread: EarlierEmail,
        to: Party | None = None,
        cc: tuple[Party, ...] = (),
        files: tuple[str, ...] = (),
        subject: str = "",
        known: Collection[str] | None = None,
    ) -> list[Finding]:
        """What the rules find in an answer to the thread, or to an everyday question."""
        own = frozenset(str(one.address) for one in (self.us, *self.colleagues))
        contacts = Acquaintances.of(self.known if known is None else known)
        today = (self.at + timedelta(days=1)).date()
        context = ThreadContext(
            thread or (self.theirs("How are you?"),), own_addresses=own, contacts=contacts, today=today
        )
        draft = Draft(
            self.us,
            (to or self.them,),
            cc,
            subject=OneLine(subject or f"Re: {self.subject}"),
            body=ManyLine(answer),
            attachments=tuple(Attachment(name=OneLine(name), size=1000) for name in files),
        )
        return list(assess(draft, context).findings)

    def found(
        self, code: str, answer: str, *thread: EarlierEmail, least: Level = Level.MEDIUM, **more: Any
    ) -> list[Finding]:
        """The findings with this code, from this level on."""
        return [one for one in self.findings(answer, *thread, **more) if one.code == code and one.level >= least]

    def codes(self, answer: str, *thread: EarlierEmail, **more: Any) -> set[str]:
        """The codes of the findings at medium or high."""
        return {one.code for one in self.findings(answer, *thread, **more) if one.level >= Level.MEDIUM}


HELIO_WORKSHOP = Party.parse("workshop@helio.example")
_HELIO = Correspondence(
    Party.parse("desk@helio.example"),
    Party.parse("Anna Berg <anna@berg.example>"),
    "Question",
    colleagues=(HELIO_WORKSHOP,),
    at=datetime(2026, 3, 11, tzinfo=UTC),
)


def at_helio(asked: str, answer: str, **more: Any) -> set[str]:
    """The codes found in an answer of the desk at Helio to Anna's question."""
    return _HELIO.codes(answer, _HELIO.theirs(asked), **more)
