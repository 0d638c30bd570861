"""Learns from edits: the text that a human sent instead of an agent's becomes an example for later drafts.

Only in profiles that allow it (`examples`, off by default for live keys). Examples are masked before they are stored,
stay on this machine, and leave it only as part of a prompt.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from mm_tui.assist.prompts import tokens
from mm_tui.gateway.errors import GatewayError
from mm_tui.models import ARRIVED, Direction, EmailDetail, Party, RawContent, Status
from mm_tui.services import tags
from mm_tui.settings.paths import examples_path
from mm_tui.settings.sections import Settings
from mm_tui.store.assist import AssistStore
from mm_tui.store.database import Database
from mm_tui.store.examples import ExampleStore, SavedExample
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import ManyLine, OneLine, unquoted

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

USED = "assist.examples"
"""The tag on a draft that says how many examples it was written with."""
MOST_USED = 3
"""The most examples in one prompt."""
LONGEST = 2000
"""The most characters of each text of an example."""
MOST_TOKENS = 1500
"""The most tokens of all examples in one prompt; also at most an eighth of a thread's tokens."""
LEAST_LIKE = 0.1
"""The least share of words in common with the email to answer for an example to be used."""
_ASCII_END = re.compile(r"[!-~]*\Z")
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")

log = logging.getLogger("mm_tui.examples")


def store_of(settings: Settings) -> ExampleStore | None:
    """The examples of the profile; None if none may be stored."""
    profile = settings.profile
    if not profile.learns or settings.sync.memory:
        return None
    return ExampleStore(examples_path(profile.name), profile.url)


class Learner:
    """Stores what reviewers sent instead of agents' texts."""

    def __init__(self, store: ExampleStore, database: Database, gateway: GatewayClient, reviewer: str) -> None:
        self._store = store
        self._mail = MailStore(database)
        self._assist = AssistStore(database)
        self._gateway = gateway
        self._reviewer = reviewer

    async def learn(
        self, email_id: str, mailbox_id: str, thread_id: str | None, written: RawContent, released: str, at: datetime
    ) -> bool:
        """Stores one pair, and returns whether it did. A failure only loses the example."""
        try:
            answered = await asyncio.to_thread(self._known, mailbox_id, thread_id)
            if answered is None and thread_id:
                answered = await self._read(mailbox_id, thread_id)
            return await asyncio.to_thread(self._keep, email_id, mailbox_id, answered, written, released, at)
        except (sqlite3.Error, OSError) as error:
            log.warning("an example could not be kept: %s", type(error).__name__)
            return False

    def _keep(
        self,
        email_id: str,
        mailbox_id: str,
        answered: EmailDetail | None,
        written: RawContent,
        released: str,
        at: datetime,
    ) -> bool:
        names = [self._reviewer, *_names(written, answered)]
        before, after = (_masked(_begin(text), names) for text in (written.body, released))
        if before.split() == after.split():
            return False
        asked = f"{answered.subject}\n{unquoted(answered.body)}" if answered is not None else written.subject
        name = sha256(email_id.encode()).hexdigest()[:8]
        label = OneLine(self._label(answered))
        self._store.add(SavedExample(name, at, mailbox_id, label, _masked(_begin(asked), names), before, after))
        return True

    def _known(self, mailbox_id: str, thread_id: str | None) -> EmailDetail | None:
        """The thread's newest inbound email, if it was opened here."""
        rows = self._mail.thread_rows(mailbox_id, thread_id) if thread_id else []
        for row in reversed(rows):
            if str(row.direction) == Direction.INBOUND and str(row.status) in ARRIVED:
                return self._mail.detail(row.email_id)
        return None

    async def _read(self, mailbox_id: str, thread_id: str) -> EmailDetail | None:
        """The same email from the gateway, unless opening it would hide it from an agent."""
        try:
            thread = await self._gateway.thread(mailbox_id, thread_id)
            for mail in reversed(thread):
                if str(mail.direction) == Direction.INBOUND and str(mail.status) in ARRIVED:
                    return None if str(mail.status) == Status.UNREAD else await self._gateway.email(mailbox_id, mail.id)
        except GatewayError as error:
            log.info("what a draft answered could not be read: %s", type(error).__name__)
        return None

    def _label(self, answered: EmailDetail | None) -> str:
        if answered is None:
            return ""
        tagged = answered.tags.get(OneLine(tags.LABEL), "")
        known = self._assist.latest("classify", answered.id)
        return str(tagged or (known.result.get("value", "") if known is not None else ""))


class Examples:
    """Chooses the saved examples that go into a prompt."""

    def __init__(self, settings: Settings) -> None:
        self._store = store_of(settings)
        self._tokens = min(MOST_TOKENS, settings.assist.thread_tokens // 8)

    def like(self, asked: str, label: str = "") -> tuple[SavedExample, ...]:
        """A few examples for the answer to this email (its subject first), most similar first. Call it in a thread.
        `label`: its label; empty if unknown. Examples with another label are left out."""
        if self._store is None:
            return ()
        try:
            kept = self._store.all()
        except (sqlite3.Error, OSError) as error:
            log.warning("the examples cannot be read: %s", type(error).__name__)
            return ()
        if not kept:
            return ()
        words = _words(_masked(_begin(unquoted(asked))))
        scored = [(_share(words, _words(one.asked)), one) for one in kept if not label or one.label in ("", label)]
        scored = sorted((pair for pair in scored if pair[0] >= LEAST_LIKE), key=lambda pair: -pair[0])
        return _within(self._tokens, (one for _, one in scored[:MOST_USED]))


def _masked(text: str, names: Iterable[str] = ()) -> ManyLine:
    # With it all patterns of the rules are loaded: 4 MB that an agent without examples does not need.
    from mm_tui.review.masking import masked

    return masked(text, names)


def _begin(text: str) -> str:
    """The beginning of a long text, not cut within an address: half of one would not be recognized."""
    return text if len(text) <= LONGEST else _ASCII_END.sub("", text[:LONGEST])


def _within(budget: int, examples: Iterable[SavedExample]) -> tuple[SavedExample, ...]:
    chosen: list[SavedExample] = []
    for one in examples:
        budget -= tokens(one.written) + tokens(one.released) + 20
        if budget < 0:
            break
        chosen.append(one)
    return tuple(chosen)


def _names(written: RawContent, answered: EmailDetail | None) -> Sequence[str]:
    parties = [Party.parse(header) for header in (written.sender, *written.to, *written.cc, *written.bcc)]
    parties += [answered.sender, *answered.to, *answered.cc] if answered is not None else []
    return [text for party in parties for text in (party.name, party.address.partition("@")[0])]


def _words(text: str) -> Counter[str]:
    return Counter(set(_WORD.findall(text.casefold())))


def _share(one: Counter[str], other: Counter[str]) -> float:
    """Dice's coefficient of two sets of words."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
