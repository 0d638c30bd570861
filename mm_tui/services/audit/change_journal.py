"""Journals every change at the gateway before the call leaves this machine (R9). Decisions, edits and replies are
journaled by their own services; the client journals every other call that changes something here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from mm_tui.clock import Clock
from mm_tui.gateway import calls
from mm_tui.gateway.calls import Call
from mm_tui.gateway.errors import GatewayError, NotJournaled
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.seal import STORE_FAULTS, fault_of_journal

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
"""The journal's word for each action."""
BY_SERVICES = frozenset({calls.DECIDE, calls.SEND, calls.REPLY, calls.CANCEL, calls.SCHEDULE})
"""Calls that a reviewer's services journal themselves, with digests and outcomes."""
FAILED, IN_DOUBT = "act_failed", "act_in_doubt"
_SHOWN = (
    "oversight_mode", "target_mode", "address_local", "display_name", "url", "events", "mailbox_id", "email", "pattern",
)  # fmt: skip
"""Fields whose values are journaled; for all others only that they were given. Content, codes and keys are never
journaled."""
_LONGEST = 200


class ChangeJournal:
    """Journals the actions of one client. `but`: calls that are journaled elsewhere."""

    def __init__(self, database: Database, who: str, clock: Clock, *, but: frozenset[Call] = frozenset()) -> None:
        self._journal = Journal(database)
        self._who = who
        self._clock = clock
        self._but = but

    async def begins(self, call: Call, at: Mapping[str, str], body: Mapping[str, object]) -> None:
        """Journals what is about to be done. Raises NotJournaled as `write` does, so the call must not be made."""
        if call not in self._but:
            details = {"call": call.name, **_places(at), **_summary(body)}
            await self.write(KINDS[call], at.get("email_id", ""), details)

    async def failed(self, call: Call, at: Mapping[str, str], error: GatewayError) -> None:
        """Journals that the call was refused, or its outcome is unknown. Raises NotJournaled."""
        if call in self._but:
            return
        kind = IN_DOUBT if error.may_have_happened else FAILED
        details = {"call": call.name, **_places(at), "note": str(error.message)[:_LONGEST]}
        try:
            await self.write(kind, at.get("email_id", ""), details)
        except NotJournaled as fault:
            words = f"{fault.message}; the gateway said: {error.message}"
            raise NotJournaled(words, may_have_happened=error.may_have_happened) from fault

    async def write(self, kind: str, email_id: str, details: Mapping[str, str]) -> None:
        """Adds an entry, which is on disk when it returns. Raises NotJournaled if it cannot be written."""
        try:
            await asyncio.to_thread(self._journal.write, kind, self._who, email_id, self._clock.now(), details)
        except STORE_FAULTS as error:
            raise NotJournaled(fault_of_journal(error)) from error


def _places(at: Mapping[str, str]) -> dict[str, str]:
    """What the call is about besides the email, by the journal's field names."""
    return {
        "mailbox" if name == "mailbox_id" else name: value[:_LONGEST]
        for name, value in at.items()
        if name != "email_id"
    }


def _summary(body: Mapping[str, object]) -> dict[str, str]:
    written = {name: _one(body[name])[:_LONGEST] for name in _SHOWN if body.get(name) is not None}
    tags = body.get("tags")
    if isinstance(tags, Mapping):
        written["tags"] = ", ".join(sorted(map(str, tags)))[:_LONGEST]
        if "label" in tags:
            written["label"] = str(tags["label"])[:_LONGEST]
    others = sorted(set(body) - set(_SHOWN) - {"tags"})
    return written | ({"fields": ", ".join(others)[:_LONGEST]} if others else {})


def _one(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
