"""Which mail the agent handles, and which gets a reply. Pure functions; every refusal is a sentence for the log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import msgspec

from mm_tui.agent.machines import why_a_machine
from mm_tui.models import NOT_SENT, Direction, EmailSummary, Mailbox, OversightMode, Status, Thread
from mm_tui.review.risk.holes import has_holes
from mm_tui.settings.sections import Agent

WORKED_STATUSES = frozenset({Status.UNREAD, Status.READ})
"""Inbound mail in any other status waits for a human, is spam, or was archived or deleted."""
GATED = frozenset({OversightMode.GATED_SEND, OversightMode.GATED_ALL})
UNGATED = frozenset({OversightMode.MONITORED, OversightMode.AUTONOMOUS})
MOST_REPLIES = 5
"""The most replies of the agent within a day in one thread and, if no human is asked, to one sender; more would be a
loop with another program, which may start a new thread with each answer."""

MOST_REDRAFTS = 2
"""The most redrafts that reviewers may request for one email."""


def is_worked(mail: EmailSummary) -> bool:
    """Whether the agent handles an email at all."""
    return str(mail.direction) == Direction.INBOUND and str(mail.status) in WORKED_STATUSES


class Situation(msgspec.Struct, frozen=True):
    """What is known when deciding whether an email gets a reply."""

    mail: EmailSummary
    label: str
    mailbox: Mailbox | None
    thread: Thread | None
    own_addresses: Collection[str]
    """Addresses of the account's mailboxes, lower case."""
    own_replies: Mapping[str, datetime | None]
    """The agent's replies in this thread: their times by id."""
    now: datetime


def why_no_reply(situation: Situation, agent: Agent) -> str | None:
    """The reason not to reply; None if a reply should be drafted."""
    if situation.label not in agent.reply_labels:
        return f"the label {situation.label} gets no replies"
    return (
        why_not_gated(situation.mailbox, agent, situation.mail)
        or _why_not_this_sender(situation.mail, situation.own_addresses)
        or _why_not_this_thread(situation)
    )


def why_not_gated(mailbox: Mailbox | None, agent: Agent, mail: EmailSummary) -> str | None:
    """The reason not to answer this email from this mailbox, because no human would be asked; otherwise None."""
    if mailbox is None:
        return "the mailbox is not known"
    if _is_let_through(mailbox, mail) and not agent.reply_ungated:
        return "a recipient is on the mailbox's allowlist: no human would be asked (reply_ungated allows it)"
    mode = str(mailbox.oversight_mode)
    if mode in GATED or (mode in UNGATED and agent.reply_ungated):
        return None
    if mode in UNGATED:
        return f"the mailbox is {mode}: no human would be asked (reply_ungated allows it)"
    return f"the mailbox is {mode or 'in no known mode'}"


def why_not_this_draft(draft: str, mailbox: Mailbox, mail: EmailSummary) -> str | None:
    """The reason not to submit a draft, or None. If a human is asked first, they can fill gaps."""
    if not is_gated(mailbox, mail) and has_holes(draft):
        return "the draft has gaps, and no human would be asked"
    return None


def is_gated(mailbox: Mailbox, mail: EmailSummary) -> bool:
    """Whether a human is asked before an answer to this email leaves."""
    return str(mailbox.oversight_mode) in GATED and not _is_let_through(mailbox, mail)


def who_is_answered(mail: EmailSummary) -> str:
    """The addresses that an answer to this email may reach, separated by spaces, without what their owners may vary."""
    return " ".join(sorted({_without_detail(str(party.address)) for party in mail.answerable}))


def _is_let_through(mailbox: Mailbox, mail: EmailSummary) -> bool:
    return bool(mailbox.let_through(str(party.address) for party in mail.answerable))


def _why_not_this_sender(mail: EmailSummary, own_addresses: Collection[str]) -> str | None:
    if "@" not in mail.sender.address:
        return "the sender has no address"
    own = {_without_detail(address) for address in own_addresses}
    if any(_without_detail(party.address) in own for party in mail.answerable):
        return "the email is our own, or asks to answer to ourselves"
    return why_a_machine(mail)


def _without_detail(address: str) -> str:
    """The mailbox of an address in lower case: `support+refund@us.example` is delivered to `support@us.example`."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _why_not_this_thread(situation: Situation) -> str | None:
    mail, thread = situation.mail, situation.thread
    if thread is None:
        return None
    for other in thread:
        if other.id == mail.id or not _is_newer(other, mail):
            continue
        if is_worked(other) and _why_not_this_sender(other, situation.own_addresses) is None:
            return f"a newer email in the thread will be answered: {other.id}"
        # Rejected and cancelled drafts count, because a human has said no; so do waiting drafts.
        if str(other.direction) == Direction.OUTBOUND and other.id not in situation.own_replies:
            return f"the thread has an answer: {other.id}"
    since = situation.now - timedelta(days=1)
    lately = sum(1 for at in situation.own_replies.values() if at is not None and at >= since)
    return "too many replies in this thread today" if lately >= MOST_REPLIES else None


def why_no_redraft(thread: Thread | None, draft_id: str, own_replies: Collection[str], redrafts: int) -> str | None:
    """The reason not to write another draft in place of a rejected one, or None. `own_replies`: the agent's own drafts
    in its thread. `redrafts`: how many redrafts reviewers have requested for the same email."""
    if redrafts >= MOST_REDRAFTS:
        return f"another draft was written {MOST_REDRAFTS} times for this email"
    draft = listed(thread, draft_id)
    if draft is None or str(draft.status) != Status.REJECTED:
        return "the draft is not rejected"
    for other in thread or ():
        if other.id in own_replies and other.id != draft_id and _is_newer(other, draft):
            return f"the thread has a newer draft: {other.id}"
    return None


def listed(thread: Thread | None, email_id: str) -> EmailSummary | None:
    """The email with this id in a thread."""
    return next((mail for mail in thread or () if mail.id == email_id), None)


def answer_in(thread: Thread | None, mail: EmailSummary, own_replies: Collection[str]) -> str | None:
    """The outbound email in the thread that answers `mail` and is not known to answer another; None if none does."""
    for other in thread or ():
        if str(other.direction) == Direction.OUTBOUND and _is_newer(other, mail) and other.id not in own_replies:
            return other.id
    return None


def drafts_after(mail: EmailSummary, thread: Thread | None, since: datetime) -> list[EmailSummary]:
    """The drafts in the thread newer than an email and than `since` that wait or were rejected, oldest first."""
    found = [
        other
        for other in (thread or ())
        if str(other.direction) == Direction.OUTBOUND
        and str(other.status) in (Status.PENDING_SCAN, Status.PENDING_SEND_APPROVAL, Status.REJECTED)
        and other.received_at is not None
        and other.received_at >= since
        and _is_newer(other, mail)
    ]
    return sorted(found, key=lambda other: (other.received_at or since, other.id))


def _is_newer(one: EmailSummary, other: EmailSummary) -> bool:
    if one.received_at is not None and other.received_at is not None and one.received_at != other.received_at:
        return one.received_at > other.received_at
    return one.id > other.id


def may_be_said(mail: EmailSummary) -> bool:
    """Whether a listed email arrived or was sent, or only its detail can say so."""
    return mail.is_exchanged or (str(mail.direction) == Direction.OUTBOUND and str(mail.status) not in NOT_SENT)
