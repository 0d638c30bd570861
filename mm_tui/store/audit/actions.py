"""Works out what an action in the gateway's audit log means for an email, whatever the gateway calls it.

No document of the gateway lists the names: `oversight.approved`, `oversight_approve`, `message.approved` and
`emailRejected` have all been seen or can be expected. So a name is interpreted by its words. A name without a known
word has no meaning here and is shown unchanged.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from enum import StrEnum

from mm_tui.store.damaged import fetched, field_of
from mm_tui.text import OneLine


class Meaning(StrEnum):
    """How an audit entry says that a decision about an email ended."""

    APPROVED = "approved"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    BLOCKED = "blocked by the scan"


_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MEANINGS = (
    # Order matters: "disapproved" contains "approved", and must be tried first.
    (Meaning.REJECTED, re.compile(r"reject(s|ed|ing|ion)?|den(y|ies|ied|ial)|decline[sd]?|disapprove[sd]?")),
    (Meaning.APPROVED, re.compile(r"approve[sd]?|release[sd]?")),
    (Meaning.CANCELLED, re.compile(r"cancel(s|led|ed|lation|ation)?|withdr(aw|awn|ew|awal)")),
)
_APPROVAL_GIVEN = frozenset({"granted", "given", "accepted"})
_NOT_YET = re.compile(
    r"pending|request(s|ed)?|require[sd]?|need(s|ed)?|wait(s|ing)?|await(s|ing)?|queued?|fail(s|ed|ure)?|error"
    r"|expire[sd]?|expiry|remind(er|ed)?|view(ed)?|undo|undone|revert(ed)?|revoked?|not|unable"
)
"""Words of an action about a decision that was not made or was withdrawn."""
_OTHER_THINGS = re.compile(
    r"upgraded?|mailbox|webhook|domain|key|account|contact|allowlist|suppression|mode|plan|bounce|delivery|smtp"
)
_DECIDING = re.compile(r"deci(de[sd]?|sions?)|oversight|reviewe?[sd]?|moderat(e[sd]?|ion)|status|resolve[sd]?|approval")
"""Words of an action that names a decision without saying which; the entry's details may say it."""
_DETAILS = ("decision", "action", "outcome", "verdict", "result", "new_status", "to_status", "status", "to")
"""The names of details that have been seen to hold the decision."""


def meaning(action: str, details: Mapping[OneLine, OneLine] | None = None) -> Meaning | None:
    """What an entry says about its email; None if nothing in it is known. `details`, its metadata, are used if the
    action itself does not say it ("oversight.decide", or nothing at all)."""
    words = _words(action)
    if _any(_OTHER_THINGS, words):
        return None
    if (found := _meaning(words)) is not None:
        return found
    if details and (not words or _any(_DECIDING, words)) and not _any(_NOT_YET, words):
        for name in _DETAILS:
            if (found := _meaning(_words(details.get(OneLine(name), "")))) is not None:
                return found
    return None


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text[:200])]


def _any(pattern: re.Pattern[str], words: list[str]) -> bool:
    return any(pattern.fullmatch(word) for word in words)


def _meaning(words: list[str]) -> Meaning | None:
    if _any(_NOT_YET, words):
        return None
    for found, pattern in _MEANINGS:
        if _any(pattern, words):
            return found
    if "approval" in words and _APPROVAL_GIVEN.intersection(words):
        return Meaning.APPROVED
    if "blocked" in words and {"scan", "threat", "email", "message"}.intersection(words):
        return Meaning.BLOCKED
    return None


def may_decide(action: str) -> bool:
    """Whether entries of this action can be about an approval or a rejection."""
    words = _words(action)
    known = meaning(action) in (Meaning.APPROVED, Meaning.REJECTED)
    return known or not words or _any(_DECIDING, words)


def deciding_actions(reader: sqlite3.Connection) -> list[str]:
    """The actions in the store that `may_decide`."""
    rows = fetched(reader.cursor(), f"SELECT DISTINCT coalesce({field_of('model', 'action')}, '') FROM audit")
    return [row[0] for row in rows if may_decide(row[0])]
