"""The queue of the snapshots: good and bad drafts, one held, one asking, one changed, one decided elsewhere."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from mm_tui.app import MmTui
from mm_tui.decision.state import Act, Choice, Outcome, Question
from mm_tui.models import Attachment, EditedDraft, Party, PendingItem, RawContent
from mm_tui.review.digest import digest_of
from mm_tui.services.decisions.view import Asked, Changed, DecisionView, Phase, Shown
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.text import ManyLine, OneLine
from tests.support.pictured_mail import filled_session
from tests.support.seat import NOW

REFUND = """Hi Anna,

you will receive a full refund of $240 within 24 hours. Please write to
payouts@acme-refunds.example if the money has not come.

[Track it here](https://acme-refunds.example/track)

Kind regards
Acme Support"""
EDITED = """Hi Anna,

I have asked our colleagues about your order 4471 and will write again tomorrow.

Kind regards
Acme Support"""
CALM = "Hello,\n\nthank you for the table. The corrected statement is on its way.\n\nKind regards\nAcme Billing"
LONG = "\n\n".join(f"{number}. Yes, as asked in the questionnaire." for number in range(1, 40))
DRAFTS = (
    ("d-refund", "anna@customer.example", "Re: Refund for order 4471", REFUND, 26),
    ("d-calm", "nadia@coldchain.example", "Re: Reconciliation of the third quarter", CALM, 41),
    ("d-held", "legal@partner.example", "Re: Contract renewal", CALM, 55),
    ("d-asks", "tanaka@nogyo.example", "Re: 料金についてのお問い合わせ", CALM, 70),
    ("d-changed", "tom@okafor.example", "Re: Invoice 2291", CALM.replace("table", "letter"), 130),
    ("d-elsewhere", "lucia@vinedos.example", "Re: No puedo iniciar sesión", CALM, 200),
    ("d-long", "procurement@harbour.example", "Re: Supplier questionnaire", LONG, 300),
)
INBOUND = ("i-first", "stranger@new.example", "Hello from a new customer", "May I order two?\n", 15)


def pending(name: str, address: str, subject: str, body: str, minutes: int, *, inbound: bool = False) -> PendingItem:
    """An email that waits, read in full."""
    us, them = "support@acme.example", address
    sender, to = (them, us) if inbound else (us, them)
    raw = RawContent(sender=sender, to=(to,), subject=subject, body=body)
    files: tuple[Attachment, ...] = ()
    if name == "d-calm":
        files = (Attachment(name=OneLine("statement.pdf"), size=48_200, content_type=OneLine("application/pdf")),)
        raw = raw.replaced(attachments=(("statement.pdf", 48_200, "application/pdf"),))
    return PendingItem(
        id=name,
        mailbox_id="mb1",
        direction=OneLine("inbound" if inbound else "outbound"),
        sender=Party.parse(sender),
        to=(Party.parse(to),),
        subject=OneLine(subject),
        body=ManyLine(body),
        status=OneLine("pending_inbound_approval" if inbound else "pending_send_approval"),
        received_at=NOW - timedelta(minutes=minutes),
        thread_id="T-refund" if name == "d-refund" else f"T-{name}",
        attachments=files,
        raw=raw,
        complete=True,
    )


ITEMS = {draft[0]: pending(*draft) for draft in DRAFTS} | {INBOUND[0]: pending(*INBOUND, inbound=True)}


def digest(name: str) -> str:
    """The digest of one of them."""
    item = ITEMS[name]
    return digest_of(item.id, item.mailbox_id, item.direction, item.raw)


def view(name: str, phase: Phase, words: str, outcome: Outcome | None = None, **fields: Any) -> DecisionView:
    """The state of a decision about one of them."""
    return DecisionView(
        id=f"r-{name}", email_id=name, act=Act.APPROVE, phase=phase, words=OneLine(words),
        outcome=outcome, digest=OneLine(digest(name)), **fields,
    )  # fmt: skip


VIEWS = (
    view("d-held", Phase.HELD, "held: approving in 4 s", ends_at=4.0),
    view(
        "d-asks",
        Phase.ASKING,
        "outcome unknown, still pending: try again?",
        about=OneLine("to tanaka@nogyo.example"),
        question=Asked(
            Question.STILL_PENDING,
            OneLine("outcome unknown, still pending: try again?"),
            (
                (Choice.AGAIN, OneLine("approve again, after a fresh check")),
                (Choice.LEAVE, OneLine("leave it as it is")),
            ),
        ),
    ),
    view(
        "d-changed",
        Phase.CHANGED,
        "changed since you looked: nothing was decided",
        changed=Changed(
            base=Shown.of(ITEMS["d-changed"].raw.replaced(body=CALM, to=("tom@farm.example",))),
            now=Shown.of(ITEMS["d-changed"].raw),
        ),
    ),
    view(
        "d-elsewhere",
        Phase.ELSEWHERE,
        "rejected by robin at 09:41, not by you",
        Outcome.ELSEWHERE,
        decided_by=OneLine("robin"),
        decided_at=NOW - timedelta(minutes=1),
    ),
)


class StillDecisions:
    """A decision service with fixed states."""

    def __init__(self, views: tuple[DecisionView, ...]) -> None:
        self._views = views
        self.overview = self

    def begin_closing(self, *, unasked: bool = False) -> None:
        pass

    async def aclose(self) -> None:
        """Has nothing to end."""

    def states(self) -> tuple[DecisionView, ...]:
        return self._views

    def hold_ends(self) -> list[float]:
        return sorted(one.ends_at for one in self._views if one.phase is Phase.HELD and one.ends_at is not None)

    def under_way(self) -> list[tuple[float, bool]]:
        """None."""
        return []

    def edits_in_progress(self) -> dict[str, str]:
        return {one.replacement_id: one.email_id for one in self._views if not one.ended and one.replacement_id}

    def unseen_incidents(self) -> list[str]:
        return [one.email_id for one in self._views if one.phase is Phase.INCIDENT]

    def newest_unsettled(self, *, but: str | None = None) -> tuple[DecisionView, int] | None:
        found = [one for one in self._views if (one.question is not None or one.not_done) and one.email_id != but]
        return (found[-1], len(found)) if found else None

    async def looked_at(self, email_id: str) -> None:
        """Has nothing to note."""

    def incidents(self) -> tuple[DecisionView, ...]:
        """None."""
        return ()

    def state(self, email_id: str) -> DecisionView | None:
        return next((one for one in self._views if one.email_id == email_id), None)


def app(*, edited: bool = False, waiting: bool = True, **given: Any) -> MmTui:
    """The app with that queue.

    Args:
        edited: the first draft has been edited.
        waiting: whether anything waits at all.
        given: for `filled_session`.
    """
    session = filled_session(**given)
    if waiting:
        session.pending.replace(ITEMS.values(), NOW)
    if edited:
        item = ITEMS["d-refund"]
        EditStore(session.database).save(
            SavedEdit(
                item.id,
                item.mailbox_id,
                digest(item.id),
                item.raw,
                EditedDraft(item.raw.to, item.raw.subject, EDITED),
                NOW,
            )
        )
    session.drafts = cast(Any, SimpleNamespace(has_key=True))
    session.decisions = cast(Any, StillDecisions(VIEWS))
    return MmTui(session)
