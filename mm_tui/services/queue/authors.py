"""Finds the waiting emails that a human wrote: replies composed in this program, here or on another machine.

This machine's journal proves it. For other machines there is a tag, which anybody with a send key can set: it is shown
as a mere claim, and never counts in favour of an agent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from mm_tui.decision.relatives import LONGEST_NAME
from mm_tui.models import EmailDetail, PendingItem
from mm_tui.services.presence.tags import WRITTEN_BY
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine, folded_name

SUBMITTING = "reply_submitting"
SUBMITTED = "reply_submitted"
REFUSED = "reply_refused"
IN_DOUBT = "reply_in_doubt"


class Author(NamedTuple):
    """The human who wrote a waiting email."""

    name: OneLine
    proven: bool
    """By this machine's journal; else a tag says so."""

    def is_same(self, reviewer: str) -> bool:
        return folded_name(self.name) == folded_name(OneLine(reviewer))


class SubmittedReply(NamedTuple):
    """A reply that was submitted, according to the journal."""

    email_id: str
    """The email that it answers."""
    mailbox_id: str
    content: str
    """The hash of its text."""
    author: OneLine
    at: str
    """When, ISO 8601."""

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


class Authors:
    """Reads the authors of waiting emails. It takes some milliseconds with a long journal: call it in a thread."""

    def __init__(self, database: Database) -> None:
        self._journal = Journal(database)
        self._mail = MailStore(database)
        self._head = ""
        self._read_to = 0
        self._submitted: dict[str, OneLine] = {}
        """The author of each reply, by id."""
        self._open: dict[str, set[SubmittedReply]] = {}
        """Submissions with an unknown outcome, by idempotency key."""
        self._refused: dict[str, set[SubmittedReply]] = {}
        """Submissions that were refused, by idempotency key."""

    def of(self, item: PendingItem | EmailDetail) -> Author | None:
        """The human who wrote this email; None if no human is known to have written it."""
        self.read_new()
        return self.known(item)

    def known(self, item: PendingItem | EmailDetail, tags: Mapping[OneLine, OneLine] | None = None) -> Author | None:
        """As `of`, but without reading the journal again; `tags` defaults to those of the stored detail."""
        if (who := self._submitted.get(item.id)) is not None:
            return Author(who, True)
        if self._open:
            text = content_hash(item.raw.body)
            for sent in chain(*self._open.values()):
                if (sent.mailbox_id, sent.content) == (item.mailbox_id, text):
                    return Author(sent.author, True)
        if tags is None:
            detail = item if isinstance(item, EmailDetail) else self._mail.detail(item.id)
            tags = detail.tags if detail is not None else {}
        tagged = tags.get(OneLine(WRITTEN_BY), OneLine("")).strip()
        return Author(OneLine(tagged[:LONGEST_NAME]), False) if tagged else None

    def unconfirmed(self, email_id: str, since: datetime) -> tuple[str, set[str], bool]:
        """The idempotency key of the newest reply to this email that was not confirmed, the hashes of the texts
        submitted under it, and whether its outcome is unknown; an empty key if there is none since then. A refused
        reply counts too: something on the way may have refused what had arrived."""
        self.read_new()
        keys = self._refused.keys() | self._open.keys()
        sent_under = {key: self._refused.get(key, set()) | self._open.get(key, set()) for key in keys}
        found = [
            (moment, key)
            for key, sent in sent_under.items()
            if (moment := min((one.moment for one in sent if one.email_id == email_id), default=None)) is not None
        ]
        began, key = max(found, default=(since, ""))
        if not key or began < since:
            return "", set(), False
        return key, {one.content for one in sent_under[key]}, key in self._open

    def read_new(self) -> None:
        """Reads the replies submitted since the last call from the journal."""
        head = self._journal.head()
        if head == self._head:
            return
        for entry in self._journal.entries(after=self._read_to, naming='"kind":"reply_'):
            details, who = entry.details, OneLine(entry.who)
            key = details.get("key", "")
            if entry.kind == SUBMITTING:
                sent = SubmittedReply(
                    entry.email_id, details.get("mailbox", ""), details.get("content", ""), who, entry.at
                )
                self._open.setdefault(key, set()).add(sent)
            elif entry.kind == SUBMITTED:
                self._open.pop(key, None)
                self._refused.pop(key, None)
                self._submitted[entry.email_id] = who
            elif entry.kind == REFUSED:
                self._refused.setdefault(key, set()).update(self._open.pop(key, ()))
        self._head, self._read_to = head, int(head.partition(":")[0])


def content_hash(body: str) -> str:
    """The hash of a reply's text in the journal, which identifies the email if its id was never received."""
    return sha256(body.strip().encode()).hexdigest()
