"""Ids as the gateway gives them: ULIDs, which sort by the time they were made, and the other made-up words."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_RANDOM_BITS = 80


class Ulids:
    """Makes ULIDs that never sort before one that it made earlier."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, ms: int) -> str:
        """A ULID of the moment `ms` (epoch milliseconds), or the next free one after the last that was made."""
        # The top random bit stays clear, so that counting up within one millisecond cannot run over.
        value = (ms << _RANDOM_BITS) | (int.from_bytes(os.urandom(10)) >> 1)
        if value <= self._last:
            value = self._last + 1
        self._last = value
        return encode(value)


def encode(value: int) -> str:
    """A 128-bit number in the 26 characters of a ULID (Crockford's base 32)."""
    return "".join(_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10))


def floor(ms: int) -> str:
    """Where the ULIDs of the moment `ms` (epoch milliseconds) begin."""
    return encode(ms << _RANDOM_BITS)


def ms_of(ulid: str) -> int:
    """The moment of a ULID, in epoch milliseconds."""
    value = 0
    for letter in ulid[:10]:
        value = value * 32 + _ALPHABET.index(letter)
    return value


def iso(ms: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC, ending in Z."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_or_none(ms: int | None) -> str | None:
    """As `iso`, and None for None."""
    return None if ms is None else iso(ms)


def received(ms: int) -> str | None:
    """When an email came, as `iso`; None where that is not known (0)."""
    return iso(ms) if ms else None


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of a moment; one without a time zone is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def test_key() -> str:
    """A new API key. Always a test key: the sandbox delivers nothing."""
    return "mm_test_" + secrets.token_hex(20)


def signing_secret() -> str:
    """A new webhook signing secret."""
    return "whsec_" + secrets.token_hex(24)


def code() -> str:
    """A new one-time code, as mailed to the operator."""
    return f"{secrets.randbelow(10**8):08d}"
