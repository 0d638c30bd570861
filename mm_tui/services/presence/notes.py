"""Notes for colleagues on waiting emails, and assignments: tags at the gateway, without a server of our own. Anybody
with a send key may have set the tags, so they are cleaned and bounded, and never prevent a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from mm_tui.clock import Clock, moment_in
from mm_tui.decision.relatives import LONGEST_NAME
from mm_tui.gateway.witness import already_written
from mm_tui.services.events import Notify, PendingChanged
from mm_tui.services.presence.approvals import Approver
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine, folded_name

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

NOTE = "review.note"
NOTE_BY = "review.note_by"
NOTE_AT = "review.note_at"
ASSIGNED = "review.assigned_to"
ASSIGNED_BY = "review.assigned_by"
NAMES = frozenset({NOTE, NOTE_BY, NOTE_AT, ASSIGNED, ASSIGNED_BY})
LONGEST_NOTE = 500
"""The longest note, in characters."""
SHORTEST_KEY = 6
"""How many characters at the end of a key's id identify the key."""
NO_SEND_KEY = "notes and assignments are tags, which need a send key: set send_key in the profile"


class NotSet(Exception):
    """A note or an assignment cannot be set; the message says why. Nothing was changed."""


class TooLong(NotSet):
    """The note or the name is too long."""


class OtherNote(NotSet):
    """A colleague's note is there already."""


class TeamNote(msgspec.Struct, frozen=True):
    """A note for colleagues, from an email's tags."""

    text: OneLine
    by: OneLine
    at: datetime | None

    @property
    def words(self) -> OneLine:
        """Who wrote it and when, and the text."""
        when = f" {self.at.astimezone():%d %b %H:%M}" if self.at is not None else ""
        return OneLine(f"note from {self.by or 'somebody'}{when}: {self.text}")


class Assignment(msgspec.Struct, frozen=True):
    """Who is to decide an email, from its tags."""

    to: OneLine
    """A reviewer's name, or a key's id or its end."""
    by: OneLine

    @property
    def words(self) -> OneLine:
        """The assignee and who assigned it, in words."""
        by = f" by {self.by}" if self.by and self.by != self.to else ""
        return OneLine(f"assigned to {self.to}{by}")

    def is_for(self, reviewer: str, keys: Iterable[str] = ()) -> bool:
        """Whether it names this reviewer, or the id of one of their keys."""
        to = folded_name(self.to)
        if to == folded_name(reviewer):
            return True
        return len(to) >= SHORTEST_KEY and any(key.casefold().endswith(to) for key in keys)


def note_in(email_tags: Mapping[OneLine, OneLine]) -> TeamNote | None:
    """The note in an email's tags; None if there is none."""
    text = _bounded(email_tags, NOTE, LONGEST_NOTE)
    if not text:
        return None
    return TeamNote(text, _bounded(email_tags, NOTE_BY, LONGEST_NAME), moment_in(email_tags.get(OneLine(NOTE_AT))))


def assignment_in(email_tags: Mapping[OneLine, OneLine]) -> Assignment | None:
    """The assignment in an email's tags; None if there is none."""
    to = _bounded(email_tags, ASSIGNED, LONGEST_NAME)
    return Assignment(to, _bounded(email_tags, ASSIGNED_BY, LONGEST_NAME)) if to else None


def _bounded(email_tags: Mapping[OneLine, OneLine], name: str, longest: int) -> OneLine:
    return OneLine(email_tags.get(OneLine(name), OneLine("")).strip()[:longest].strip())


class TeamTags:
    """Sets and removes notes and assignments, and takes first approvals back; each change is journaled first."""

    def __init__(self, database: Database, gateway: GatewayClient, reviewer: str, clock: Clock, notify: Notify) -> None:
        self._database = database
        self._gateway = gateway
        self._reviewer = reviewer
        self._clock = clock
        self._notify = notify

    async def note(self, mailbox_id: str, email_id: str, text: str, *, before: str = "") -> OneLine:
        """Sets or replaces the note on an email; an empty text removes it. Returns what was done, in words. `before`:
        the note that the reviewer saw; a different one is not overwritten.

        Raises NotSet if the text is too long, or a colleague has changed the note; GatewayError if a call failed;
        TagsDiffer if somebody else writes the tags at the same time.
        """
        note = OneLine(text).strip()
        if len(note) > LONGEST_NOTE:
            raise TooLong(f"a note has at most {LONGEST_NOTE} characters, this one has {len(note)}")
        present = note_in(await self._gateway.tags(mailbox_id, email_id))
        if present is not None and present.text not in (before, note):
            raise OtherNote(f"there is already another note, {present.words}")
        now = self._clock.now()
        wanted = {NOTE: note, NOTE_BY: self._reviewer, NOTE_AT: now.astimezone(UTC).isoformat()} if note else {}
        await self._write("noting" if note else "clearing_note", mailbox_id, email_id, {"text": note}, wanted,
                          (NOTE, NOTE_BY, NOTE_AT))  # fmt: skip
        return OneLine("the note for your colleagues is set" if note else "the note is removed")

    async def take_back_approval(self, mailbox_id: str, email_id: str) -> OneLine:
        """Removes our first approval of an email, where two reviewers must approve it. Returns what was done, in words.
        Raises NotSet if it has none, or the email no longer waits; otherwise as `note`."""
        from mm_tui.services.tags import ATTEMPTS, TagsDiffer

        name = Approver.of(self._reviewer, self._gateway.keys).tag_name
        if OneLine(name) not in await self._gateway.tags(mailbox_id, email_id):
            raise NotSet("you have not approved this email, or have taken it back")
        for _ in range(ATTEMPTS):
            await self._write("taking_back_approval", mailbox_id, email_id, {}, {}, (name,))
            # Another program that wrote its tags at the same moment may have put ours back.
            if OneLine(name) not in await self._gateway.tags(mailbox_id, email_id):
                break
        else:
            raise TagsDiffer
        if all(item.id != email_id for item in await self._gateway.pending()):
            raise NotSet("too late: the email no longer waits, and may have been sent with your approval")
        return OneLine("your approval is taken back")

    async def assign(self, mailbox_id: str, email_id: str, to: str) -> OneLine:
        """Assigns an email; an empty name removes the assignment. Returns what was done, in words. Raises NotSet if the
        name is too long; otherwise as `note`."""
        name = OneLine(to).strip()
        if len(name) > LONGEST_NAME:
            raise TooLong(f"a name has at most {LONGEST_NAME} characters, this one has {len(name)}")
        wanted = {ASSIGNED: name, ASSIGNED_BY: self._reviewer} if name else {}
        await self._write("assigning" if name else "unassigning", mailbox_id, email_id, {"to": name}, wanted,
                          (ASSIGNED, ASSIGNED_BY))  # fmt: skip
        return OneLine(f"assigned to {name}" if name else "assigned to nobody")

    async def _write(
        self, kind: str, mailbox_id: str, email_id: str, details: Mapping[str, str], wanted: Mapping[str, str],
        names: Iterable[str],
    ) -> None:  # fmt: skip
        """Journals the change, then sets the tags, or removes the named ones if there are none to set."""
        from mm_tui.gateway.errors import GatewayError
        from mm_tui.services import tags
        from mm_tui.services.audit.change_journal import FAILED, IN_DOUBT, ChangeJournal

        journal = ChangeJournal(self._database, self._reviewer, self._clock)
        recorded = {"mailbox": mailbox_id, **{name: value for name, value in details.items() if value}}
        await journal.write(kind, email_id, recorded)
        email_tags: tags.Tags
        try:
            with already_written():
                if wanted:
                    email_tags = await tags.merge(self._gateway, mailbox_id, email_id, wanted)
                else:
                    email_tags = await tags.remove(self._gateway, mailbox_id, email_id, names)
        except (GatewayError, tags.TagsDiffer) as error:
            in_doubt = bool(getattr(error, "may_have_happened", True))
            words = str(getattr(error, "message", "") or "the tags did not stay as they were set")
            failed = {"mailbox": mailbox_id, "call": kind, "note": words[:200]}
            await journal.write(IN_DOUBT if in_doubt else FAILED, email_id, failed)
            raise
        kept = {str(name): str(value) for name, value in email_tags.items()}
        await asyncio.to_thread(MailStore(self._database).save_tags, email_id, kept)
        self._notify(PendingChanged())
