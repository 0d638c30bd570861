"""The input and output of the risk rules."""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import Self

import msgspec

from mm_tui.models import Attachment, Direction, EmailDetail, EmailSummary, Party, PendingItem
from mm_tui.review.findings import Finding, Level, worst
from mm_tui.review.known import NOBODY, Acquaintances
from mm_tui.text import CleanText, ManyLine, OneLine


class Draft(msgspec.Struct, frozen=True, dict=True):
    """A waiting email, as the reviewer sees it: outbound, or inbound under `gated_all`."""

    sender: Party
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    subject: OneLine = msgspec.field(default_factory=OneLine)
    body: ManyLine = msgspec.field(default_factory=ManyLine)
    bcc: tuple[Party, ...] = ()
    """Empty if the gateway does not say."""
    attachments: tuple[Attachment, ...] = ()
    direction: str = Direction.OUTBOUND
    reply_to: tuple[Party, ...] = ()
    """Where answers would go, if the email says so; empty if unknown."""
    sender_verified: bool | None = None
    """Whether the sender's identity was verified (signature or authentication result); None if unknown."""
    complete: bool = True
    """False while cc, attachments and thread have not been read."""
    undisclosed: frozenset[str] = frozenset()
    """Which of `to`, `cc` and `attachments` the gateway does not disclose, though the email was opened."""
    replaces: bool = False
    """Whether it is a human's edit that is sent in place of the agent's draft, without the parts of the draft that the
    gateway does not disclose."""

    @classmethod
    def of(cls, item: PendingItem) -> Self:
        """Builds the draft from a pending item."""
        return cls(
            sender=item.sender,
            to=item.to,
            cc=item.cc,
            bcc=item.bcc,
            subject=item.subject,
            body=item.body,
            attachments=item.attachments,
            direction=str(item.direction),
            complete=item.complete,
            undisclosed=frozenset(item.raw.undisclosed),
        )

    @property
    def outbound(self) -> bool:
        """Whether it would be sent by us. Anything not marked inbound counts as outbound."""
        return self.direction != Direction.INBOUND

    @cached_property
    def recipients(self) -> tuple[Party, ...]:
        """To, cc, and bcc if the gateway discloses it; each address once, in order."""
        seen: dict[str, Party] = {}
        for party in (*self.to, *self.cc, *self.bcc):
            seen.setdefault(party.address.casefold(), party)
        return tuple(seen.values())

    @cached_property
    def texts(self) -> tuple[CleanText, ...]:
        """Everything shown of it: subject, body, names of attachments, addresses and names."""
        parties = (self.sender, *self.to, *self.cc, *self.bcc, *self.reply_to)
        names = [text for party in parties for text in (party.address, party.name)]
        return (self.subject, self.body, *(attachment.name for attachment in self.attachments), *names)

    @property
    def removed(self) -> int:
        """How many hidden characters were removed from everything shown."""
        return sum(text.removed for text in self.texts)

    @property
    def active(self) -> int:
        """How many of them could have acted on a terminal or a reader."""
        return sum(text.active for text in self.texts)


class EarlierEmail(msgspec.Struct, frozen=True):
    """An earlier email of the draft's thread."""

    sender: Party
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    subject: OneLine = msgspec.field(default_factory=OneLine)
    body: ManyLine | None = None
    """None if only the summary is stored on this machine."""
    direction: str = Direction.INBOUND
    received_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def of(cls, mail: EmailSummary | EmailDetail) -> Self:
        """Builds it from a stored email, opened or not."""
        opened = mail if isinstance(mail, EmailDetail) else None
        return cls(
            sender=mail.sender,
            to=mail.to,
            cc=opened.cc if opened else (),
            subject=mail.subject,
            body=opened.body if opened else None,
            direction=str(mail.direction),
            received_at=mail.received_at,
            attachments=opened.attachments if opened else (),
        )


class Rejected(msgspec.Struct, frozen=True):
    """A draft that a human rejected before, and did not replace by an edit."""

    body: ManyLine
    reason: OneLine = msgspec.field(default_factory=OneLine)


class OtherAnswer(msgspec.Struct, frozen=True):
    """Another email of ours that answers the email that the draft answers."""

    status: OneLine
    at: datetime | None
    """When it was sent; otherwise when it was written."""
    left: bool


class HouseText(msgspec.Struct, frozen=True):
    """A file of house facts."""

    name: OneLine
    text: ManyLine


class ThreadContext(msgspec.Struct, frozen=True, dict=True):
    """The context of a draft. Empty fields mean unknown, and rules that need them say so."""

    messages: tuple[EarlierEmail, ...] = ()
    """The emails of the thread that arrived or were sent, oldest first."""
    own_addresses: frozenset[str] = frozenset()
    """Addresses of the account's mailboxes, lower case."""
    contacts: Acquaintances = NOBODY
    """Everybody that mail was exchanged with before, as the draft finds them."""
    answers: tuple[OtherAnswer, ...] = ()
    """Other answers to the same email, oldest first."""
    rejected: tuple[Rejected, ...] = ()
    """Recently rejected drafts, newest first."""
    house: tuple[HouseText, ...] = ()
    """House facts: amounts, dates, links and addresses in them count as known."""
    history_read: bool = True
    """False before the initial sync of the mailbox has ended: who is not known may only not have been read."""
    today: date | None = None
    """The reviewer's date, for dates such as "Friday" and those without a year; None: they are not compared."""

    @cached_property
    def domains(self) -> frozenset[str]:
        """The domains of our addresses."""
        return frozenset(address.rpartition("@")[2] for address in self.own_addresses if "@" in address) - {""}


_DECIDED_ALONE = {
    "already_answered": "an email that was already answered is decided on its own, never in a batch",
    "another_answer": "an email that another draft answers too is decided on its own, never in a batch",
    "recipients_untold": "an email whose recipients are not disclosed is decided on its own, never in a batch",
}
"""Findings that keep an email out of batches at every level, with the message."""
NOT_READ = "not read: "
"""The beginning of a message about a part of a long thread or draft that was not read."""


class Assessment(msgspec.Struct, frozen=True, dict=True):
    """The rules' findings about one draft."""

    findings: tuple[Finding, ...] = ()
    """Worst first."""
    unchecked: tuple[OneLine, ...] = ()
    """What was not checked and why, one sentence each: rules switched off, emails of the thread not read."""
    known: tuple[OneLine, ...] = ()
    """What in the draft is from house facts and not in the thread, with the file's name, one sentence each."""
    compared: bool = True
    """False if no text of the thread was known, so that nothing was compared with it."""

    @cached_property
    def level(self) -> Level:
        """The worst level of all findings."""
        return worst(self.findings)

    @property
    def nothing(self) -> OneLine:
        """The message without findings, which never says that all is well."""
        parts = ["nothing found by word rules"]
        if not self.compared:
            parts.append("not compared with the thread")
        if any(words.startswith(NOT_READ) for words in self.unchecked):
            parts.append("not all of it read")
        return OneLine(", ".join(parts))

    @property
    def asks_again(self) -> bool:
        """Whether approving needs a second confirmation."""
        return self.level is Level.HIGH

    @property
    def why_alone(self) -> str:
        """Why it is never approved in a batch; empty if it may be."""
        if self.asks_again:
            return "an email of high risk is decided on its own, never in a batch"
        return next((_DECIDED_ALONE[one.code] for one in self.findings if one.code in _DECIDED_ALONE), "")
