"""A thread about a refund, drafts that answer it, and what the rules say."""

from __future__ import annotations

from datetime import UTC, date, datetime

from msgspec.structs import replace

from mm_tui.models import Party
from mm_tui.review.findings import Level
from mm_tui.review.known import Acquaintances
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
