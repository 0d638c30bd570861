"""Presence between machines: a tag shows other reviewers who is busy with an email.

It is only advisory: it prevents nothing, and two reviewers may set theirs at the same time. Conflicting decisions are
prevented by the check before each call and by the gateway. It needs a send key, because tags do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from mm_tui.clock import Clock, moment_in, short_time
from mm_tui.decision.relatives import (
    LONGEST_NAME,
    REPLACED_BY,
    REPLACES,
    editor_in,
    is_edit,
    is_replaced,
    relatives_in,
    with_relation,
)
from mm_tui.gateway.witness import already_written
from mm_tui.text import OneLine, is_blank

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

BY = "review.claimed_by"
SINCE = "review.claimed_at"
UNTIL = "review.claimed_until"
TOKEN = "review.claim"  # noqa: S105 - the name of a tag
_TAGS = (UNTIL, BY, SINCE, TOKEN)
"""In the order of removal: without its end presence no longer counts."""
WRITTEN_BY = "review.written_by"
"""The tag with the reviewer who wrote a reply in this program."""
NAMES = frozenset({*_TAGS, WRITTEN_BY})
"""All tags read here, apart from those of edits."""
BADGE_NAME = 12
"""The most characters of the name in a list."""
LIFETIME = timedelta(minutes=10)
"""How long presence lasts unless it is renewed or removed."""
LONGEST = timedelta(minutes=60)
"""The longest that presence lasts. If a hostile key or a wrong clock sets more, it ends this long after it was
first seen."""
MOST_REMEMBERED = 5000
"""The most emails whose presence is remembered with the time when they were first seen."""


class Presence(msgspec.Struct, frozen=True):
    """Who is busy with an email, according to its tags."""

    by: OneLine
    since: datetime | None
    until: datetime
    token: str
    """Distinguishes the presence of two programs whose reviewers have the same name."""
    as_of: datetime | None = None
    """When it was seen, if that is longer ago than a poll: it may have ended since."""
    today: date | None = None
    """The reader's date when it was read: an earlier day is named."""
    is_own: bool = False
    """Whether it has this reviewer's name, and another program set it."""

    @property
    def words(self) -> OneLine:
        """The line to show above the email."""
        seen = f" at {self.as_of.astimezone():%H:%M:%S}" if self.as_of else ""
        since = f" since {short_time(self.since, self.today)}" if self.since else ""
        window = " (another window or an earlier run)" if self.is_own else ""
        return OneLine(f"{self._has_it_open}{seen}{',' if seen and since else ''}{since}{window}")

    @property
    def badge(self) -> OneLine:
        """Who has it open, for a line of a list, or had: then it may have ended. A long name is shortened."""
        if self.is_own and self.as_of is None:
            return OneLine("open in another window")
        if len(self.by) > BADGE_NAME:
            return replace(self, by=OneLine(f"{self.by[: BADGE_NAME - 1]}…")).badge
        return OneLine(self._has_it_open)

    @property
    def _has_it_open(self) -> str:
        verb = "had" if self.as_of is not None else "have" if self.is_own else "has"
        return f"{'you' if self.is_own else self.by} {verb} it open"


def presence_in(email_tags: Mapping[OneLine, OneLine], now: datetime) -> Presence | None:
    """The presence in an email's tags; None if there is none, or it is invalid or expired."""
    tagged = {str(key): value for key, value in email_tags.items()}
    until = moment_in(tagged.get(UNTIL))
    by = OneLine(tagged.get(BY, "").strip()[:LONGEST_NAME].strip())
    if is_blank(by) or until is None or until <= now:
        return None
    since = moment_in(tagged.get(SINCE))
    token = str(tagged.get(TOKEN, ""))[:LONGEST_NAME]
    return Presence(by, since and min(since, now), until, token, today=now.astimezone().date())


class Seat(NamedTuple):
    """Who reads the queue, as identified in presence tags."""

    reviewer: str = ""
    token: str = ""
    """The token of the presence tags set by this program."""
    fresh_seconds: float = float("inf")
    """Presence seen longer ago than this shows its time."""
    tags_seen_at: Callable[[str], datetime | None] = lambda _: None
    """When the tags of an email were read last, apart from its details."""
    ended: frozenset[str] = frozenset()
    """The tokens of earlier runs, which may have left their tags behind."""

    def is_own(self, token: str) -> bool:
        """Whether a presence tag with this token is of this program, or of a run of it that has ended."""
        return token != "" and (token == self.token or token in self.ended)


NOBODY = Seat()


class PresenceReader:
    """Reads presence, and believes none for longer than `LONGEST` after it was set or renewed."""

    def __init__(self) -> None:
        self._first_seen: dict[str, tuple[str, datetime, datetime]] = {}
        """By email: its token and end, and when it was first seen."""

    def of(
        self, email_id: str, email_tags: Mapping[OneLine, OneLine], now: datetime, seen_at: datetime | None = None
    ) -> Presence | None:
        """The presence in an email's tags; None if there is none that still counts. `seen_at`: when they were read, if
        that was before now; presence that ends too far ahead counts from then."""
        found = presence_in(email_tags, now)
        if found is None:
            self._first_seen.pop(email_id, None)
            return None
        known = self._first_seen.get(email_id)
        if known is None or known[:2] != (found.token, found.until):
            if len(self._first_seen) >= MOST_REMEMBERED:
                self._first_seen.clear()
            first = now if found.until <= now + LONGEST else min(seen_at or now, now)
            known = self._first_seen[email_id] = found.token, found.until, first
        until = min(found.until, known[2] + LONGEST)
        return replace(found, until=until) if now < until else None


def pair_words(email_tags: Mapping[OneLine, OneLine]) -> OneLine | None:
    """What an email's tags say about an edit: that it is being replaced, or is the replacement. None if neither."""
    by = editor_in(email_tags) or "another reviewer"
    if is_replaced(email_tags):
        return OneLine(f"being replaced by {by}")
    return OneLine(f"edited by {by}, in place of an email that may still wait") if is_edit(email_tags) else None


async def mark_pair(gateway: GatewayClient, mailbox_id: str, original: str, edit: str, reviewer: str) -> None:
    """Sets tags that show other reviewers that `edit` is to replace `original`. Raises GatewayError if the tags could
    not be read or set, TagsDiffer if somebody else writes the tags at the same time."""
    await _relate(gateway, mailbox_id, edit, REPLACES, original, reviewer)
    await _relate(gateway, mailbox_id, original, REPLACED_BY, edit, reviewer)


async def _relate(gateway: GatewayClient, mailbox_id: str, email_id: str, kind: str, other: str, reviewer: str) -> None:
    """Adds one relation to an email's tags, keeping those set by others."""
    from mm_tui.services.tags import ATTEMPTS, TagsDiffer, writing

    for _ in range(ATTEMPTS):
        async with writing(gateway, email_id):
            email_tags = await gateway.tags(mailbox_id, email_id)
            if other in relatives_in(email_tags, email_id):
                return
            if not (wanted := with_relation(email_tags, kind, other, reviewer)):
                break
            now = await gateway.put_tags(
                mailbox_id, email_id, {**{str(k): str(v) for k, v in email_tags.items()}, **wanted}
            )
            if other in relatives_in(now, email_id):
                return
    raise TagsDiffer


class PresenceTags:
    """Sets and removes the presence tags of one running program; without a send key presence is only read. `lifetime`:
    how long presence lasts unless renewed."""

    def __init__(self, gateway: GatewayClient, reviewer: str, clock: Clock, lifetime: timedelta = LIFETIME) -> None:
        self._gateway = gateway
        self.reviewer = reviewer
        self._clock = clock
        self._lifetime = min(lifetime, LONGEST)
        self._reader = PresenceReader()
        # Imported late, like the tags below: this module is needed to draw the queue at launch.
        import secrets

        self.token = secrets.token_hex(8)
        self.ended: frozenset[str] = frozenset()
        """The tokens of earlier runs on this machine, whose presence counts no more."""
        self._journaled: set[str] = set()

    @property
    def possible(self) -> bool:
        """Whether the key may set tags."""
        return self._gateway.keys.has("send")

    def current(self, email_id: str, email_tags: Mapping[OneLine, OneLine]) -> Presence | None:
        """The presence in an email's tags that counts now, ours or another's."""
        found = self._reader.of(email_id, email_tags, self._clock.now())
        return None if found is not None and found.token in self.ended else found

    async def mark(self, mailbox_id: str, email_id: str) -> Presence | None:
        """Marks an email as open here, or renews the mark. Returns None if it is now ours; otherwise the presence of
        another, which stays. Raises GatewayError if the tags could not be read or set, TagsDiffer if somebody else
        writes the tags at the same time."""
        from mm_tui.services import tags

        now = self._clock.now()
        found = self.current(email_id, await self._gateway.tags(mailbox_id, email_id))
        if found is not None and found.token != self.token:
            return found
        ours = {
            BY: self.reviewer,
            SINCE: (found.since if found and found.since else now).astimezone(UTC).isoformat(),
            UNTIL: (now + self._lifetime).astimezone(UTC).isoformat(),
            TOKEN: self.token,
        }
        with self._covered(email_id):
            await tags.merge(self._gateway, mailbox_id, email_id, ours)
        # If two set theirs at the same moment, the later one stands.
        settled = self.current(email_id, await self._gateway.tags(mailbox_id, email_id))
        return None if settled is None or settled.token == self.token else settled

    async def unmark(self, mailbox_id: str, email_id: str) -> None:
        """Removes our presence; another's stays. Raises GatewayError if the tags could not be read or changed."""
        from mm_tui.services import tags

        def is_ours(email_tags: tags.Tags) -> bool:
            return str(email_tags.get(OneLine(TOKEN), "")) == self.token

        with already_written():
            await tags.remove(self._gateway, mailbox_id, email_id, _TAGS, owned=is_ours)

    def _covered(self, email_id: str) -> AbstractContextManager[None]:
        """One journal entry per email opened here is enough; renewals and removal need none."""
        if email_id in self._journaled:
            return already_written()
        self._journaled.add(email_id)
        return nullcontext()
