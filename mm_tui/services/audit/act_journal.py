"""Puts every act at the gateway into the journal before it leaves this machine (R9).

Decisions, edits and replies have entries of their own, written by the services that make them; every other call that
changes something is journaled here, on its way out of the client.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mm_tui.gateway import calls
from mm_tui.gateway.errors import GatewayError, NotJournaled
from mm_tui.store.audit.journal import Journal
from mm_tui.store.seal import StoreError

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.gateway.calls import Call
    from mm_tui.store.database import Database

KINDS: Mapping[Call, str] = {
    calls.SEND: "sending",
    calls.REPLY: "replying",
    calls.CANCEL: "cancelling",
    calls.SCHEDULE: "changing_schedule",
    calls.PUT_TAGS: "tagging",
    calls.DELETE_TAG: "untagging",
    calls.REPORT_SPAM: "reporting_spam",
    calls.NOT_SPAM: "clearing_spam",
    calls.REQUEST_UPGRADE: "requesting_upgrade",
    calls.UPGRADE: "upgrading",
    calls.DECIDE: "deciding",
    calls.CREATE_MAILBOX: "creating_mailbox",
    calls.UPDATE_MAILBOX: "changing_mailbox",
    calls.ALLOW: "allowing",
    calls.DISALLOW: "disallowing",
    calls.CREATE_WEBHOOK: "creating_webhook",
    calls.DELETE_WEBHOOK: "deleting_webhook",
}
"""The journal's word for each act."""
BY_SERVICES = frozenset({calls.DECIDE, calls.SEND, calls.REPLY, calls.CANCEL, calls.SCHEDULE})
"""What a reviewer's services journal themselves, with digests and outcomes."""
FAILED, IN_DOUBT = "act_failed", "act_in_doubt"
_TOLD = (
    "oversight_mode",
    "target_mode",
    "address_local",
    "display_name",
    "url",
    "events",
    "mailbox_id",
    "email",
    "pattern",
)
"""Fields whose values are told; of all others only that they were given. No content, no codes, no keys."""
_LONGEST = 200


class ActJournal:
    """Journals the acts of one client.

    Args:
        database: where the journal is.
        who: the name under which acts are journaled.
        clock: what entries are dated by.
        but: the calls that somebody else journals.
    """

    def __init__(self, database: Database, who: str, clock: Clock, *, but: frozenset[Call] = frozenset()) -> None:
        self._journal = Journal(database)
        self._who = who
        self._clock = clock
        self._but = but

    async def begins(self, call: Call, at: Mapping[str, str], body: Mapping[str, object]) -> None:
        """Writes down what is about to be done. On the disk when it returns.

        Raises:
            NotJournaled: it cannot be written, so the call must not be made.
        """
        if call in self._but:
            return
        details = {"call": call.name, **_places(at), **_told(body)}
        try:
            await asyncio.to_thread(self._write, KINDS[call], at, details)
        except (sqlite3.Error, StoreError, OSError) as error:
            raise NotJournaled(f"the journal cannot be written: {error}") from error

    async def failed(self, call: Call, at: Mapping[str, str], error: GatewayError) -> None:
        """Writes down that it was refused, or that nobody knows what became of it.

        Raises:
            NotJournaled: it cannot be written.
        """
        if call in self._but:
            return
        kind = IN_DOUBT if error.may_have_happened else FAILED
        details = {"call": call.name, **_places(at), "note": str(error.message)[:_LONGEST]}
        try:
            await asyncio.to_thread(self._write, kind, at, details)
        except (sqlite3.Error, StoreError, OSError) as fault:
            words = f"the journal cannot be written: {fault}; the gateway said: {error.message}"
            raise NotJournaled(words, may_have_happened=error.may_have_happened) from fault

    def _write(self, kind: str, at: Mapping[str, str], details: Mapping[str, str]) -> None:
        self._journal.write(kind, self._who, at.get("email_id", ""), self._clock.now(), details)


def _places(at: Mapping[str, str]) -> dict[str, str]:
    """What the call is about beside the email, by the names that the journal has for it."""
    return {
        "mailbox" if name == "mailbox_id" else name: value[:_LONGEST]
        for name, value in at.items()
        if name != "email_id"
    }


def _told(body: Mapping[str, object]) -> dict[str, str]:
    told = {name: _one(body[name])[:_LONGEST] for name in _TOLD if body.get(name) is not None}
    tags = body.get("tags")
    if isinstance(tags, Mapping):
        told["tags"] = ", ".join(sorted(map(str, tags)))[:_LONGEST]
        if "label" in tags:
            told["label"] = str(tags["label"])[:_LONGEST]
    others = sorted(set(body) - set(_TOLD) - {"tags"})
    return told | ({"fields": ", ".join(others)[:_LONGEST]} if others else {})


def _one(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
