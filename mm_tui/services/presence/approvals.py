"""First approvals: tags that say which reviewer approved exactly this content, if two must approve it.

Anybody with a send key can set them, so they prove nothing about who approved. They count only for the digest that they
name, and only beside the approval of another reviewer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mm_tui.clock import moment_in
from mm_tui.decision.relatives import LONGEST_NAME
from mm_tui.models import EditedDraft, EmailDetail, OversightMode, PendingItem
from mm_tui.review.findings import Finding, Level
from mm_tui.settings.sections import Review
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine, folded_name, is_blank

if TYPE_CHECKING:
    from mm_tui.gateway.keys import Keys


_TAG = re.compile(r"review\.approved\.([0-9a-f]{16})")
_VALUE = re.compile(r"([0-9a-f]{64}) (\S{1,40}) (.+)", re.DOTALL)
_LEAST = {"always": Level.NONE, "low": Level.LOW, "medium": Level.MEDIUM, "high": Level.HIGH}
MOST_SHOWN = 9
"""The most first approvals of one content that are read."""


class FirstApproval(msgspec.Struct, frozen=True):
    """An approval that waits for a second one."""

    by: OneLine
    key_mark: str
    """Tells the reviewers' keys apart; see `Approver`."""
    at: datetime | None


class Approver(NamedTuple):
    """A reviewer, as identified in first approvals."""

    name: OneLine
    key_mark: str
    """16 hex digits derived from the oversight key, which do not reveal the key."""

    @classmethod
    def of(cls, name: str, keys: Keys | None) -> Approver:
        """The reviewer with this name and these keys; without an oversight key they can approve nothing."""
        key = keys.for_scope("oversight").get_secret_value() if keys is not None and keys.has("oversight") else ""
        return cls(_cut(name), sha256(b"mm-tui first approval\0" + key.encode()).hexdigest()[:16] if key else "")

    def is_same(self, approval: FirstApproval) -> bool:
        """Whether an approval may be this reviewer's own: it has the same key or the same name."""
        return approval.key_mark == self.key_mark or folded_name(approval.by) == folded_name(self.name)

    @property
    def tag_name(self) -> str:
        """The name of the tag that holds this reviewer's first approval."""
        return f"review.approved.{self.key_mark}"

    def tag(self, digest: str, now: datetime) -> dict[str, str]:
        """The tag that records this reviewer's approval of the content with this digest."""
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        return {self.tag_name: f"{digest} {at} {self.name}"}


NO_APPROVER = Approver(OneLine(""), "")


def is_approval(name: str) -> bool:
    """Whether a tag with this name may hold a first approval."""
    return _TAG.fullmatch(name) is not None


def approvals_in(tags: Mapping[OneLine, OneLine], digest: str) -> tuple[FirstApproval, ...]:
    """The first approvals of the content with this digest that an email's tags hold, the oldest first."""
    found = []
    for name, value in tags.items():
        if (tag := _TAG.fullmatch(name)) is None or (parts := _VALUE.fullmatch(value)) is None or parts[1] != digest:
            continue
        if by := _cut(parts[3]):
            found.append(FirstApproval(by, tag[1], moment_in(parts[2])))
    found.sort(key=lambda one: (one.at or datetime.max.replace(tzinfo=UTC), one.key_mark))
    return tuple(found[:MOST_SHOWN])


class Approvals(msgspec.Struct, frozen=True):
    """The state of the two approvals that an email may need."""

    needed: bool = False
    """Whether the settings require a second reviewer."""
    ours: FirstApproval | None = None
    other: FirstApproval | None = None
    """Another reviewer's approval: with it, ours releases the email."""
    is_our_key: bool = True
    """Whether `ours` was made with our key; otherwise only the name is ours."""

    @classmethod
    def of(cls, found: Iterable[FirstApproval], us: Approver, *, needed: bool) -> Approvals:
        """Builds it from the first approvals of an email's content."""
        all_found = tuple(found)
        ours = next((one for one in all_found if one.key_mark == us.key_mark), None)
        namesake = next((one for one in all_found if us.is_same(one)), None)
        return cls(
            needed or ours is not None,
            ours or namesake,
            next((one for one in all_found if not us.is_same(one)), None),
            ours is not None or namesake is None,
        )

    @property
    def is_first(self) -> bool:
        """Whether our approval would be the first of two, and release nothing."""
        return self.needed and self.other is None

    @property
    def waits_for_other(self) -> bool:
        """Whether we have approved it, and nobody else has."""
        return self.is_first and self.ours is not None

    @property
    def words(self) -> OneLine:
        """Says who has approved it and what is missing; empty if nothing is needed."""
        said = [f"{who} {one.at.astimezone():%d %b %H:%M}" if one.at else who for who, one in self._named()]
        if not said:
            return OneLine("needs two approvals" if self.needed else "")
        missing = ", needs a second reviewer" if self.needed else ""
        if self.needed and self.other is not None:
            missing = (
                ": approve it again to release it" if self.ours is not None else ", needs a second: yours releases it"
            )
        return OneLine(f"approved by {' and '.join(said)}{missing}")

    @property
    def badge(self) -> str:
        """The same in a word or two, for a line of a list."""
        if self.needed:
            return "2nd approval" if self.other is not None else "awaits 2nd" if self.ours is not None else ""
        return ""

    def _named(self) -> list[tuple[str, FirstApproval]]:
        named = [(str(self.other.by), self.other)] if self.other is not None else []
        if self.ours is None:
            return named
        return [*named, ("you" if self.is_our_key else "another key under your name (set `reviewer`)", self.ours)]


NO_APPROVALS = Approvals()


def needs_second(review: Review, mailbox: str, level: Level) -> bool:
    """Whether two reviewers must approve an email. `mailbox`: its address; empty if it is not known, which counts as
    the strictest one. `level`: the highest level of risk that was found in it."""
    own = {address.strip().casefold(): least for address, least in review.mailbox_second_approver.items()}
    possible = [own.get(mailbox.casefold(), review.second_approver)]
    if not mailbox:
        possible += own.values()
    return any(least != "never" and level >= _LEAST[least] for least in possible)


def _cut(name: str) -> OneLine:
    cut = OneLine(OneLine(name).strip()[:LONGEST_NAME].strip())
    return OneLine("") if is_blank(cut) else cut


class SecondApproval:
    """The two-person rule, as seen by one reviewer. `us`: returns the reviewer, whose keys may become known later."""

    def __init__(self, database: Database, review: Review, us: Callable[[], Approver]) -> None:
        self._mail = MailStore(database)
        self._review = review
        self._us = us

    def of(self, mailbox_id: str, tags: Mapping[OneLine, OneLine], digest: str, found: Iterable[Finding]) -> Approvals:
        """The state of an email's approvals."""
        level = max((finding.level for finding in found), default=Level.NONE)
        address = self._mail.addresses().get(mailbox_id, "") if self._review.mailbox_second_approver else ""
        needed = needs_second(self._review, address, level)
        given = approvals_in(tags, digest)
        if not given and not needed:
            # Of thousands of emails: who asks takes longer to find out than all the rest.
            return NO_APPROVALS
        return Approvals.of(given, self._us(), needed=needed)

    def why_ungated(self, item: PendingItem | EmailDetail, edit: EditedDraft | None) -> str:
        """Why an edit would be sent without any approval, as far as the mailbox is known; empty if it would not."""
        box = self._mail.mailbox(item.mailbox_id)
        if box is None or edit is None:
            return ""
        mode = str(box.oversight_mode)
        if mode not in (OversightMode.GATED_ALL, OversightMode.GATED_SEND):
            return f"the mailbox is {mode}"
        through = box.let_through((*edit.to, *item.raw.cc, *item.raw.bcc))
        return f"{', '.join(through)} is on the mailbox's allowlist" if through else ""
