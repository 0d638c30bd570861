"""Correspondents and the time of the first mail with each, for checks of look-alikes and first contacts."""

from __future__ import annotations

import json
import sqlite3
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

import msgspec

from mm_tui.models import ARRIVED, LEFT, NOT_SENT, Status
from mm_tui.store.damaged import UNREADABLE, field_of, tolerating
from mm_tui.store.database import Database
from mm_tui.store.mail.search import phrase
from mm_tui.store.sort_keys import from_ms, to_ms
from mm_tui.store.state import StateStore

ADDRESS_BOOK = "address_book"
SETTLED = "correspondents"
NO_THREAD = -1
"""A number that no thread has."""
MOST = 5000
"""The most addresses considered: those of the newest mail."""
SLICE = 20_000
"""The newest emails, which are read each time."""
SORTED = 5_000
"""Emails read at a time: SQLite sorts them in memory, and a million would take a hundred megabytes."""
_NEWEST = 2**63 - 1
_OLDEST = -(2**63)


def _listed(statuses: frozenset[str]) -> str:
    return ", ".join(f"'{status}'" for status in sorted(map(str, statuses)))


# Must agree with `EmailSummary.is_exchanged`; a test compares them.
_ARRIVED = f"mail.direction = 'inbound' AND mail.status IN ({_listed(ARRIVED)})"
_LEFT = f"""mail.direction <> 'inbound' AND (
    mail.status IN ({_listed(LEFT)})
    OR mail.status NOT IN ({_listed(NOT_SENT)}) AND (
        {field_of("mail.rest", "delivered_at")} IS NOT NULL
        OR {field_of("mail.rest", "bounced_at")} IS NOT NULL
        OR mail.status <> '{Status.DELETED}' AND EXISTS (
            SELECT 1 FROM details
            WHERE details.key = mail.key AND {field_of("details.model", "approved_at")} IS NOT NULL)))"""

_EXCHANGES_SQL = f"""
SELECT mail.sender AS address, mail.thread, 1 AS wrote, min(mail.received_at) AS at, max(mail.key) AS newest FROM mail
WHERE mail.key > :above AND mail.key <= :upto AND {_ARRIVED} GROUP BY mail.sender, mail.thread
UNION ALL
SELECT json_extract(each.value, '$[0]') AS address, mail.thread, 0, min(mail.received_at), max(mail.key)
FROM mail, json_each(CASE WHEN json_valid(mail.recipients) THEN mail.recipients ELSE '[]' END) AS each
WHERE mail.key > :above AND mail.key <= :upto AND {_LEFT} AND each.type = 'array' GROUP BY address, mail.thread
ORDER BY newest DESC
"""
_SLICE_SQL = "SELECT key FROM mail INDEXED BY mail_list WHERE key <= ? ORDER BY key DESC LIMIT 1 OFFSET ?"
_OF_ONE_SQL = _EXCHANGES_SQL.replace(
    "mail.key > :above", "mail.key IN (SELECT rowid FROM mail_words WHERE mail_words MATCH :phrase)"
)
_MARK_SQL = f"""
SELECT older.*, aside.* FROM
    (SELECT count(*), total(key) FROM mail INDEXED BY mail_list WHERE key <= :upto) AS older,
    (SELECT count(*), total(key) FROM mail INDEXED BY mail_by_status
        WHERE key <= :upto AND status <> 'read' AND status NOT IN ({_listed(ARRIVED | LEFT)})) AS aside
"""
_VERSION = zlib.crc32(_EXCHANGES_SQL.encode())

Threads = tuple[dict[int, int], dict[int, int]]
"""The earliest threads in which an address was written to, and in which it wrote, each with the time of its first
email. Of many addresses they are kept in `_packed` form, because dictionaries would take six times the memory."""
_ONE = struct.Struct("<?qq")
"""Whether it wrote, a thread, and its time."""


class _Settled(msgspec.Struct):
    """What the older emails say, so that only the newest need to be read each time."""

    upto: int
    """The newest key among them."""
    mark: tuple[float, ...]
    """Changes if one of them comes or goes, or its status begins or ceases to count."""
    found: dict[str, msgspec.Raw]
    """`Threads | None` by address, the latest first, encoded because most are never asked for. None: no email was
    exchanged with it. Others are not known."""


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """The first mail from or to an address in one thread."""

    address: str
    """Lower case."""
    thread: int
    """The store's number of the thread."""
    wrote: bool
    """True: they wrote to us. False: we wrote to them."""
    at: int | None
    """Milliseconds since 1970, UTC; None when the gateway gave no time."""


class ContactStore:
    """The correspondents of one profile. Only mail that arrived or left counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looked_up: dict[str, msgspec.Raw] = {}
        """What was found in the older emails besides, and the mark for which that holds."""
        self._mark: tuple[float, ...] = ()

    def exchanges(self) -> Iterator[Exchange]:
        """The first emails exchanged with each of the `MOST` latest addresses: of each address the earliest threads in
        which it wrote and in which it was written to, two of each, so that there is one besides any thread.

        With a million emails the first call for a store takes seconds, later ones, also by other processes, 0.2 s: not
        for the UI thread.
        """
        cursor = self._database.reader().cursor()
        cursor.row_factory = None
        settled, fresh = tolerating(cursor, lambda: self._newest(cursor))
        found = islice(_merged(fresh, settled.found), MOST)
        for address, packed in found:
            yield from _exchanges_of(address, packed)

    def _newest(self, cursor: sqlite3.Cursor) -> tuple[_Settled, dict[str, bytes]]:
        """What older emails say, and the exchanges in the newest."""
        settled = self._settle(cursor)
        fresh = _read(cursor, _NEWEST, settled.upto)
        self._looked_up |= _look_up(cursor, settled, fresh)
        return settled, fresh

    def _settle(self, cursor: sqlite3.Cursor) -> _Settled:
        """What is known about all emails but the newest `SLICE`, or fewer."""
        last = cursor.execute(_SLICE_SQL, (_NEWEST, SLICE)).fetchone()
        if last is None:
            return _Settled(_OLDEST, (), {})
        # Read each time: it takes a millisecond, and a megabyte while it is used.
        decoder = msgspec.json.Decoder(_Settled)
        settled: _Settled | None = StateStore(self._database).read(SETTLED, decoder.decode, None)
        if settled is not None and settled.mark != _mark(cursor, settled.upto):
            settled = None
        if settled is not None and settled.mark == self._mark:
            settled.found |= self._looked_up
        if settled is None or settled.upto < last[0]:
            upto = cursor.execute(_SLICE_SQL, (_NEWEST, SLICE // 2)).fetchone()[0]
            # Before anything is read: what changes meanwhile then changes the mark.
            mark = _mark(cursor, upto)
            fresh = _read(cursor, _NEWEST, upto)
            found = _read(cursor, upto, settled.upto if settled else _OLDEST, fresh)
            if settled is not None:
                _look_up(cursor, settled, {**fresh, **found})
                together = enumerate(_merged(found, settled.found))
                found = {one: packed for number, (one, packed) in together if number < MOST or one in fresh}
            missing = dict.fromkeys(fresh.keys() - found.keys())
            settled = _Settled(upto, mark, {one: _encoded(packed) for one, packed in (found | missing).items()})
            StateStore(self._database).set(SETTLED, msgspec.json.encode(settled).decode())
        if settled.mark != self._mark:
            self._mark, self._looked_up = settled.mark, {}
        return settled

    def address_book(self) -> list[Exchange]:
        """The stored copy of the gateway's address book, as if each entry had written when it was added."""
        return StateStore(self._database).read(
            ADDRESS_BOOK, lambda kept: [Exchange(one, NO_THREAD, True, at) for one, at in json.loads(kept)], []
        )

    def keep_address_book(self, entries: Iterable[tuple[str, datetime | None]]) -> None:
        """Stores the `MOST` oldest of the gateway's contacts. One without a time is left out: it may be new. `entries`:
        address and when it was added."""
        dated = sorted((to_ms(at) or 0, address.strip().lower()) for address, at in entries if at is not None)
        kept = {address: at for at, address in reversed(dated) if "@" in address}
        oldest = sorted(kept.items(), key=lambda item: item[1])[:MOST]
        StateStore(self._database).set(ADDRESS_BOOK, json.dumps(oldest))

    def thread_of(self, email_id: str, mailbox_id: str, thread_id: str | None) -> int | None:
        """The store's number of an email's thread; None if neither is stored."""
        row = self._database.one(
            "SELECT thread FROM threads WHERE mailbox_id = ? AND thread_id = ?"
            " UNION ALL SELECT thread FROM mail WHERE email_id = ?",
            (mailbox_id, thread_id, email_id),
        )
        return row[0] if row else None

    def first_seen(self, address: str, *, before: datetime | None = None) -> datetime | None:
        """When mail older than `before` was first exchanged between this address and our mailboxes; None if never."""
        if not any(map(str.isalnum, address)):
            return None
        cursor = self._database.reader().cursor()
        return tolerating(cursor, lambda: _first_exchange(cursor, address, before))


def _first_exchange(cursor: sqlite3.Cursor, address: str, before: datetime | None) -> datetime | None:
    rows = cursor.execute(
        "SELECT mail.sender, mail.recipients, mail.direction, mail.received_at"
        " FROM mail_words CROSS JOIN mail ON mail.key = mail_words.rowid"
        f" WHERE mail_words MATCH ? AND ({_ARRIVED} OR {_LEFT}) ORDER BY mail_words.rowid",
        (f"{{sender recipients}} : {phrase(address)}",),
    )
    wanted = address.casefold()
    for sender, recipients, direction, received_at in rows:
        inbound = direction == "inbound"
        named = [sender] if inbound else _addresses_in(recipients)
        at = from_ms(received_at if isinstance(received_at, int) else 0)
        if any(one.casefold() == wanted for one in named):
            return None if before is not None and at is not None and at >= before else at
    return None


def _addresses_in(recipients: str) -> list[str]:
    """The addresses in stored recipients; none if they are damaged."""
    try:
        return [str(to[0]) for to in json.loads(recipients)]
    except UNREADABLE:
        return []


def _mark(cursor: sqlite3.Cursor, upto: int) -> tuple[float, ...]:
    return (_VERSION, *cursor.execute(_MARK_SQL, {"upto": upto}).fetchone())


def _read(cursor: sqlite3.Cursor, upto: int, above: int, fresh: Collection[str] = ()) -> dict[str, bytes]:
    """The exchanges in a range of keys, with the addresses in `fresh` and as many of the latest others as there is room
    for."""
    found: dict[str, bytes] = {}
    room = MOST
    while upto > above:
        after = cursor.execute(_SLICE_SQL, (upto, SORTED)).fetchone()
        below = max(above, after[0]) if after else above
        for raw, thread, wrote, at, _ in cursor.execute(_EXCHANGES_SQL, {"above": below, "upto": upto}):
            address = str(raw).lower()
            packed = found.get(address)
            if packed is None and address not in fresh:
                if not room:
                    continue
                room -= 1
            found[address] = _with(packed or b"", bool(wrote), thread, at)
        upto = below
    return found


def _look_up(cursor: sqlite3.Cursor, settled: _Settled, addresses: Iterable[str]) -> dict[str, msgspec.Raw]:
    """Adds what the older emails say of addresses that are not known there, and returns it."""
    unknown = [one for one in addresses if one not in settled.found] if settled.upto > _OLDEST else []
    for address in unknown:
        found: bytes | None = None
        values = {"phrase": f"{{sender recipients}} : {phrase(address)}", "upto": settled.upto}
        rows = cursor.execute(_OF_ONE_SQL, values) if any(map(str.isalnum, address)) else ()
        for raw, thread, wrote, at, _ in rows:
            if str(raw).lower() == address:
                found = _with(found or b"", bool(wrote), thread, at)
        settled.found[address] = _encoded(found)
    return {address: settled.found[address] for address in unknown}


def _merged(newer: Mapping[str, bytes], older: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, bytes]]:
    """Both together, the latest addresses first."""
    for address, packed in newer.items():
        for wrote, thread, at in _ONE.iter_unpack(_decoded(older.get(address, _NONE)) or b""):
            packed = _with(packed, wrote, thread, at)
        yield address, packed
    for address, encoded in older.items():
        if address not in newer and (known := _decoded(encoded)) is not None:
            yield address, known


def _encoded(packed: bytes | None) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(None if packed is None else _threads(packed)))


def _decoded(encoded: msgspec.Raw) -> bytes | None:
    threads = _decode(encoded)
    return None if threads is None else _packed(threads)


_NONE = _encoded(None)
_decode = msgspec.json.Decoder(Threads | None).decode


def _threads(packed: bytes) -> Threads:
    threads: Threads = {}, {}
    for wrote, thread, at in _ONE.iter_unpack(packed):
        threads[wrote][thread] = at
    return threads


def _packed(threads: Threads) -> bytes:
    return b"".join(_ONE.pack(wrote, *one) for wrote in (False, True) for one in threads[wrote].items())


def _with(packed: bytes, wrote: bool, thread: int, at: int | None) -> bytes:
    """With the first email of one more thread, if it has a time and is not damaged. Of the threads of each kind, the
    two earliest are left."""
    if not isinstance(at, int) or not isinstance(thread, int):
        return packed
    if not packed:
        return _ONE.pack(wrote, thread, at)
    threads = _threads(packed)
    first = threads[wrote]
    first[thread] = min(at, first.get(thread, at))
    if len(first) > 2:
        del first[max(first, key=first.__getitem__)]
    return _packed(threads)


def _exchanges_of(address: str, packed: bytes) -> list[Exchange]:
    dated = [Exchange(address, thread, wrote, at) for wrote, thread, at in _ONE.iter_unpack(packed)]
    return dated or [Exchange(address, NO_THREAD, True, None)]
