"""Sort keys: the order of emails as one integer, the newest being the largest.

A key is 42 bits of milliseconds since 1970, 10 bits that order emails of one millisecond or second by their ids'
own time, and 11 bits that distinguish the rest. It is the row id of `mail`, `details` and `mail_words`: lists and
full-text hits come in order without sorting, and a list is an array of integers.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALWAYS_RECENT: Final = datetime(9000, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LOW_BITS: Final = 21
_HASH_BITS: Final = 11
_HASH_MASK: Final = (1 << _HASH_BITS) - 1
_MAX_MS: Final = (1 << 42) - 1
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE_32: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
_TO_BASE_32: Final = bytes.maketrans(
    bytes(range(128)) + (_CROCKFORD + _CROCKFORD.lower()).encode(), b"!" * 128 + (_BASE_32 * 2).encode()
)
"""Maps the digits of a ULID to those of `int`; anything else to a character that `int` rejects."""


def to_ms(moment: datetime | None) -> int | None:
    """Milliseconds since 1970; a time without a zone counts as UTC."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(ms: int | None) -> datetime | None:
    """The time in UTC; None for None and for a time outside the calendar."""
    if ms is None:
        return None
    try:
        return _EPOCH + ms * _MILLISECOND
    except OverflowError:
        return None


def known_time(ms: object) -> datetime | None:
    """The same for what can be fetched again: None also for what damage has made no number, and for 0."""
    return from_ms(ms) if ms and isinstance(ms, int) else None


def stored_time(text: str) -> datetime:
    """A time as ISO 8601. If damage has made it unreadable, one that always counts as recent: what is in doubt then
    stays in doubt."""
    try:
        return datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return _ALWAYS_RECENT


def make_key(received_ms: int | None, email_id: str) -> int:
    """The key of an email if no other email has it already. Unknown times sort as the oldest."""
    ms = min(max(received_ms or 0, 0), _MAX_MS)
    encoded = email_id.encode("utf-8", "surrogatepass")
    made = _ulid_ms(encoded)
    within = 0 if made <= ms else min(made - ms, 1023)
    return (ms << _LOW_BITS) | (within << _HASH_BITS) | (zlib.crc32(encoded) & _HASH_MASK)


def first_key_at(moment: datetime) -> int:
    """The smallest key of an email with this time."""
    return min(max(to_ms(moment) or 0, 0), _MAX_MS) << _LOW_BITS


def _ulid_ms(encoded: bytes) -> int:
    """The time in a ULID; 0 for any other id."""
    if len(encoded) != 26 or not encoded.isascii():
        return 0
    try:
        return int(encoded[:10].translate(_TO_BASE_32), 32)
    except ValueError:
        return 0
