"""Ids like the gateway's: ULIDs, which sort by creation time, and random keys, secrets and codes."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_RANDOM_BITS = 80


class Ulids:
    """Creates ULIDs that never sort before an earlier one."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, ms: int) -> str:
        """A ULID for the time `ms` (epoch milliseconds), or the next one after the last."""
        # The top random bit stays clear, so that counting up within one millisecond cannot overflow.
        value = (ms << _RANDOM_BITS) | (int.from_bytes(os.urandom(10)) >> 1)
        if value <= self._last:
            value = self._last + 1
        self._last = value
        return encode(value)


def encode(value: int) -> str:
    """A 128-bit number in the 26 characters of a ULID (Crockford's base 32)."""
    return "".join(_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10))


def floor(ms: int) -> str:
    """The lowest ULID for the time `ms` (epoch milliseconds)."""
    return encode(ms << _RANDOM_BITS)


def ms_of(ulid: str) -> int:
    """The time of a ULID, in epoch milliseconds."""
    value = 0
    for letter in ulid[:10]:
        value = value * 32 + _ALPHABET.index(letter)
    return value


def iso(ms: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC, ending in Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def received(ms: int) -> str | None:
    """The time of arrival, as `iso`; None if unknown (0)."""
    return iso(ms) if ms else None


def to_ms(moment: datetime) -> int:
    """A time in epoch milliseconds; without a time zone it is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def day_start(ms: int) -> int:
    """When the day of a time begins (UTC); all in epoch milliseconds."""
    return to_ms(datetime.fromtimestamp(ms / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0))


def month_start(ms: int) -> int:
    """The same for its month."""
    return day_start(to_ms(datetime.fromtimestamp(ms / 1000, UTC).replace(day=1)))


def test_key() -> str:
    """A new API key. Always a test key: the sandbox delivers nothing."""
    return "mm_test_" + secrets.token_hex(20)


def signing_secret() -> str:
    return "whsec_" + secrets.token_hex(24)


def code() -> str:
    """A new one-time code, as mailed to the operator."""
    return f"{secrets.randbelow(10**8):08d}"
