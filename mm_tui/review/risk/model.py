"""What the risk rules look at, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Self

from mm_tui.models import Attachment, Direction, EmailDetail, EmailSummary, Party, PendingItem
from mm_tui.review.findings import Finding, Level, worst
from mm_tui.review.known import Acquaintances
from mm_tui.text import CleanText, ManyLine, OneLine


@dataclass(frozen=True)
class Draft:
    """An email that waits for a decision, as the reviewer sees it: outbound, or inbound under `gated_all`."""

    sender: Party
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    subject: OneLine = field(default_factory=OneLine)
    body: ManyLine = field(default_factory=ManyLine)
    attachments: tuple[Attachment, ...] = ()
    direction: str = Direction.OUTBOUND
    reply_to: tuple[Party, ...] = ()
    """Where answers would go, when the email says so; empty when unknown."""
    sender_verified: bool | None = None
    """Whether the sender's identity was proved (signature or authentication result); None when nobody says."""
    complete: bool = True
    """False while cc, attachments and thread have not been read."""

    @classmethod
    def of(cls, item: PendingItem) -> Self:
        """The draft in a pending item."""
        return cls(
            sender=item.sender,
            to=item.to,
            cc=item.cc,
            subject=item.subject,
            body=item.body,
            attachments=item.attachments,
            direction=str(item.direction),
            complete=item.complete,
        )

    @property
    def outbound(self) -> bool:
        """True when it is to leave under our name. Anything not marked inbound counts as leaving."""
        return self.direction != Direction.INBOUND

    @cached_property
    def recipients(self) -> tuple[Party, ...]:
        """To and cc, each address once, in order. Bcc is disclosed by no call of the gateway."""
        seen: dict[str, Party] = {}
        for party in (*self.to, *self.cc):
            seen.setdefault(party.address.casefold(), party)
        return tuple(seen.values())

    @cached_property
    def _texts(self) -> tuple[CleanText, ...]:
        parties = (self.sender, *self.to, *self.cc, *self.reply_to)
        names = [text for party in parties for text in (party.address, party.name)]
        return (self.subject, self.body, *(attachment.name for attachment in self.attachments), *names)

    @property
    def removed(self) -> int:
        """How many hidden characters cleaning took out of everything shown."""
        return sum(text.removed for text in self._texts)

    @property
    def active(self) -> int:
        """How many of them could have acted on a terminal or a reader."""
        return sum(text.active for text in self._texts)


@dataclass(frozen=True)
class Message:
    """An earlier mail of the draft's thread."""

    sender: Party
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    subject: OneLine = field(default_factory=OneLine)
    body: ManyLine | None = None
    """None when only the summary is known on this machine."""
    direction: str = Direction.INBOUND
    received_at: datetime | None = None
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def of(cls, mail: EmailSummary | EmailDetail) -> Self:
        """From an email of the store, opened or not."""
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


@dataclass(frozen=True)
class Rejected:
    """A draft that a human rejected before."""

    body: ManyLine
    reason: OneLine = field(default_factory=OneLine)


@dataclass(frozen=True)
class OtherAnswer:
    """Another email of ours that answers the email that the draft answers."""

    status: OneLine
    at: datetime | None
    """When it left; of one that did not, when it was written."""
    left: bool


@dataclass(frozen=True)
class HouseText:
    """A file of what the company says of itself."""

    name: OneLine
    text: ManyLine


@dataclass(frozen=True)
class ThreadContext:
    """What is known around a draft. Empty fields mean unknown, and rules that need them say so."""

    messages: tuple[Message, ...] = ()
    """The emails of the thread that arrived or left, oldest first."""
    own_addresses: frozenset[str] = frozenset()
    """Addresses of the account's mailboxes, lower case."""
    own_domains: frozenset[str] = frozenset()
    """Domains of the account, lower case; those of `own_addresses` count without being listed."""
    known_addresses: frozenset[str] = frozenset()
    """Everybody that mail was exchanged with before, apart from this thread, lower case."""
    recent_addresses: tuple[str, ...] = ()
    """Others of earlier mail, who have not been known for long, in the order in which they came."""
    contacts: Acquaintances | None = None
    """In place of both of these: all correspondents of the profile, as they are shared by many drafts."""
    answers: tuple[OtherAnswer, ...] = ()
    """Other answers to the same email, oldest first."""
    rejected: tuple[Rejected, ...] = ()
    """Drafts rejected lately, newest first."""
    house: tuple[HouseText, ...] = ()
    """House facts: amounts, dates, links and addresses in them count as known."""
    today: date | None = None
    """The reviewer's date, for dates such as "Friday" that are written without a year; None: not compared."""

    @cached_property
    def acquaintances(self) -> Acquaintances:
        """Everybody that mail was exchanged with before, as the draft finds them."""
        if self.contacts is not None:
            return self.contacts
        return Acquaintances.of(self.known_addresses, self.recent_addresses)

    @cached_property
    def domains(self) -> frozenset[str]:
        """All domains of ours."""
        return self.own_domains | {address.rpartition("@")[2] for address in self.own_addresses if "@" in address}


_DECIDED_ALONE = {
    "already_answered": "an email that was already answered is decided on its own, never in a batch",
    "another_answer": "an email that another draft answers too is decided on its own, never in a batch",
    "recipients_untold": "an email whose recipients are not disclosed is decided on its own, never in a batch",
}
"""Findings that keep an email out of batches at every level, and what is said then."""


NOT_READ = "not read: "
"""How a sentence begins about a part of a long thread or draft that was left out."""


@dataclass(frozen=True)
class Assessment:
    """What the rules found in one draft."""

    findings: tuple[Finding, ...] = ()
    """Worst first."""
    unchecked: tuple[OneLine, ...] = ()
    """What was not looked at and why, one sentence each: rules switched off, emails of the thread not read."""
    known: tuple[OneLine, ...] = ()
    """What of the draft stands in house facts and nowhere in the thread, with the file's name: one sentence each."""
    compared: bool = True
    """False when no text of the thread was known, so that nothing was compared with it."""

    @cached_property
    def level(self) -> Level:
        """The worst level of all findings."""
        return worst(self.findings)

    @property
    def nothing(self) -> OneLine:
        """What is said where there are no findings: never that all is well."""
        parts = ["nothing found by word rules"]
        if not self.compared:
            parts.append("not compared with the thread")
        if any(words.startswith(NOT_READ) for words in self.unchecked):
            parts.append("not all of it read")
        return OneLine(", ".join(parts))

    @property
    def asks_again(self) -> bool:
        """True when approving takes a second act."""
        return self.level is Level.HIGH

    @property
    def why_alone(self) -> str:
        """Why it is never approved in a batch; empty when it may be."""
        if self.asks_again:
            return "an email of high risk is decided on its own, never in a batch"
        return next((_DECIDED_ALONE[one.code] for one in self.findings if one.code in _DECIDED_ALONE), "")
