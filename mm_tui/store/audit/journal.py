"""The journal: what this program was asked to do and did, in one tamper-evident hash chain.

Each entry is canonical JSON. Its hash is sha256 over the previous entry's hash and that JSON, so altering, removing or
swapping an entry breaks the chain there. Entries cut off the end are found by comparing with a head noted elsewhere
(`Journal.head`). It contains ids, digests, names and outcomes, but no message bodies.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from mm_tui.store.damaged import field_of
from mm_tui.store.database import Database
from mm_tui.store.seal import BEGINNING, Head, last_entry
from mm_tui.store.sort_keys import to_ms
from mm_tui.text import OneLine


class JournalEntry(NamedTuple):
    """An entry with its text not cleaned: for counting, never for display. What it lacks is empty."""

    number: int
    """Counts from 1 without gaps."""
    at: str
    who: str
    """The reviewer's name."""
    kind: str
    email_id: str
    """The email that the entry is about."""
    details: Mapping[str, str]


class Verdict(msgspec.Struct, frozen=True):
    """The result of checking the chain."""

    ok: bool
    words: OneLine
    entries: int
    """How many entries are intact, counted from the first."""
    first_bad: int | None = None
    """The number of the first entry that was altered or is missing."""


class Journal:
    """The journal of one profile. Several processes may append to it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        connection: sqlite3.Connection,
        kind: str,
        who: str,
        email_id: str,
        at: datetime,
        details: Mapping[str, str],
    ) -> int:
        """Adds an entry inside the caller's durable write transaction, and returns its number. It is on disk when that
        transaction ends. `details`: ids, digests, outcomes; never content. Raises StoreMoved if the store is no longer
        the one that was opened, StoreBehind if the journal differs from the one that this machine saw last."""
        last = self._database.extend(connection)
        number = last.number + 1
        entry = encode(
            {
                "number": number,
                "at": at.astimezone(UTC).isoformat(),
                "who": who,
                "kind": kind,
                "email_id": email_id,
                "details": dict(details),
            }
        )
        added = Head(number, chained(last.hash, entry))
        connection.execute("INSERT INTO journal (number, entry, hash) VALUES (?, ?, ?)", (number, entry, added.hash))
        self._database.extended(added)
        return number

    def write(self, kind: str, who: str, email_id: str, at: datetime, details: Mapping[str, str]) -> int:
        """Adds an entry in a transaction of its own; it is on disk when this returns."""
        with self._database.write(durable=True) as connection:
            return self.append(connection, kind, who, email_id, at, details)

    def entries(self, *, after: int = 0, naming: str = "") -> Iterator[JournalEntry]:
        """Entries, oldest first: those with a higher number than `after`, and whose JSON contains `naming`. Entries
        that cannot be read are left out; `verify` names them."""
        for row in self._rows(after, naming=naming):
            try:
                inner = json.loads(row["entry"])
            except (ValueError, TypeError):
                continue
            if isinstance(inner, dict) and isinstance(inner.get("details"), dict):
                at, who, kind, email_id = (str(inner.get(name) or "") for name in ("at", "who", "kind", "email_id"))
                details = {name: str(value) for name, value in inner["details"].items()}
                yield JournalEntry(int(row["number"]), at, who, kind, email_id, details)

    def head(self) -> str:
        """The last entry's number and hash as `NUMBER:HASH`, to be kept where this machine's users cannot change it."""
        return str(last_entry(self._database.reader()))

    def verify(self, head: str | None = None) -> Verdict:
        """Checks the whole chain. With an earlier result of `head()`, entries cut off the end are found too. Raises
        ValueError if `head` is not of the form `NUMBER:HASH`."""
        witnessed = _head(head) if head is not None else None
        previous, sound = BEGINNING, 0
        for row in self._rows(0):
            number = sound + 1
            if fault := _fault(row, number, previous):
                return Verdict(False, OneLine(f"entry {number} {fault}"), sound, number)
            previous, sound = str(row["hash"]), number
            if witnessed is not None and witnessed[0] == number and witnessed[1] != previous:
                words = f"entry {number} is not the one that was witnessed: the journal was rewritten"
                return Verdict(False, OneLine(words), number - 1, number)
        if witnessed is not None and witnessed[0] > sound:
            words = f"entry {sound + 1} is missing: the journal ends before the witnessed head {witnessed[0]}"
            return Verdict(False, OneLine(words), sound, sound + 1)
        return Verdict(True, OneLine(f"{sound:,} {'entry' if sound == 1 else 'entries'}, unbroken"), sound)

    def _rows(self, after: int, *, naming: str = "") -> Iterator[sqlite3.Row]:
        """Rows in order; with `naming`, only those whose JSON contains it."""
        yield from self._database.reader().execute(
            "SELECT number, entry, hash FROM journal WHERE number > ? AND (? = '' OR instr(entry, ?)) ORDER BY number",
            (after, naming, naming),
        )


def encode(entry: Mapping[str, object]) -> str:
    """The canonical JSON of an entry: keys sorted, no spaces, ASCII only."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def chained(previous: str, entry: str) -> str:
    """The hash of an entry that follows another."""
    return sha256(f"{previous}{entry}".encode()).hexdigest()


def _fault(row: sqlite3.Row, number: int, previous: str) -> str:
    """What is wrong with a row that should be entry `number`; empty if nothing is."""
    if row["number"] != number:
        return "is missing" if isinstance(row["number"], int) and row["number"] > number else "has another number"
    if not isinstance(row["entry"], str) or not isinstance(row["hash"], str):
        return "is not text"
    if chained(previous, row["entry"]) != row["hash"]:
        return "is not as it was written, or stands behind another entry than when it was written"
    try:
        inner = json.loads(row["entry"])
    except ValueError:
        return "cannot be read"
    return "" if isinstance(inner, dict) and inner.get("number") == number else "has another number inside"


def _head(head: str) -> tuple[int, str]:
    number, _, digest = head.strip().partition(":")
    if not number.isascii() or not number.isdigit() or len(digest) != len(BEGINNING):
        raise ValueError("a head looks like NUMBER:HASH, as `mm-tui audit verify` prints it")
    return int(number), digest


def inner(path: str) -> str:
    """SQL for the value at a path inside an entry."""
    return field_of("entry", path)


AT, WHO, KIND, EMAIL, DETAILS = (inner(name) for name in ("at", "who", "kind", "email_id", "details"))
ACT, ABOUT, MAILBOX, NOTE = (inner(f"details.{name}") for name in ("act", "about", "mailbox", "note"))
IS_DECISION = """(instr(entry, '"kind":"done"') > 0 OR instr(entry, '"kind":"retired"') > 0)"""
"""Inside a value the quotes would be escaped, so this text can only be the entry's own kind."""


def parsed_ms(moment: object, otherwise: int) -> int:
    """An entry's time in milliseconds since 1970, or `otherwise` if it has none."""
    try:
        return to_ms(datetime.fromisoformat(str(moment))) or 0
    except ValueError:
        return otherwise
