"""How the client makes a call: it connects on the first one, makes each once, and translates the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeVar, cast

from mm_tui.gateway import values
from mm_tui.gateway.calls import AUDIT_LOG, DELETE_TAG, PENDING, TAGS, Call
from mm_tui.gateway.errors import Closing, GatewayError, Malformed
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.shapes import Listing
from mm_tui.gateway.witness import Witness, is_written
from mm_tui.settings.checks import gateway_address

if TYPE_CHECKING:
    import httpx

    from mm_tui.gateway.http import HttpAnswer, Wire

T = TypeVar("T")

LAST_CALLS = (TAGS, DELETE_TAG)
"""The calls that may still start while the program is closing."""
_OFF_LOOP = 256 * 1024
"""JSON of at least this many bytes is translated in a thread, so that the screen stays responsive."""

_POLLED = (PENDING, AUDIT_LOG)
"""Calls whose answer is mostly the one of before. Lists of mail are not among them: they would take a megabyte."""
_CACHED_BYTES, _CACHED_ANSWERS = 128 * 1024, 4
"""The largest answer that is cached, in bytes, and how many are."""


class Caller:
    """Makes calls with a reviewer's keys. Belongs to one event loop."""

    def __init__(self, url: str, keys: Keys, *, timeout: float, transport: httpx.AsyncBaseTransport | None) -> None:
        """The arguments are as for `GatewayClient`."""
        self.url = gateway_address(url)
        self.keys = keys
        self._timeout = timeout
        self._transport = transport
        self._wire: Wire | None = None
        self._opening = asyncio.Lock()
        self.is_closing = False
        """Whether no call may start any more, except `LAST_CALLS`."""
        self._cache: dict[object, tuple[bytes, object]] = {}
        """The last answers of what is polled, by what was asked: the digest, and what was made of it."""
        self.witness: Witness | None = None
        """Journals actions before the call. A client without one is for reading, trying keys, and tests."""

    async def aclose(self) -> None:
        """Closes all connections."""
        if self._wire is not None:
            await self._wire.aclose()

    @property
    def clock_skew(self) -> float | None:
        """Whole seconds by which the gateway's clock is ahead of ours, as of its last answer; None if unknown."""
        return self._wire.clock_skew if self._wire else None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url} {self.keys!r}>"

    async def open(self) -> Wire:
        """The connections, opened if there are none yet."""
        async with self._opening:
            if self._wire is None:
                self._wire = await asyncio.to_thread(self._make_wire)
            return self._wire

    def _make_wire(self) -> Wire:
        from mm_tui.gateway.http import Wire

        return Wire(self.url, self.keys, self._timeout, self._transport)

    async def call(
        self,
        call: Call,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        at: Mapping[str, str] | None = None,
        left: asyncio.Event | None = None,
    ) -> HttpAnswer:
        """Makes the call once. What changes something is journaled before it. The arguments are as for `Wire.call`."""
        wire = await self.open()
        witness = self.witness if call.changes and not is_written() else None
        if witness is not None:
            await witness.begins(call, at or {}, body or {})
        try:
            # Checked last: from then on no call starts.
            if self.is_closing and call not in LAST_CALLS:
                raise Closing
            return await wire.call(call, params=params, body=body, at=at, left=left)
        except GatewayError as error:
            if witness is not None:
                await witness.failed(call, at or {}, error)
            raise

    async def ask(
        self,
        call: Call,
        read: Callable[[object], T],
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        at: Mapping[str, str] | None = None,
    ) -> T:
        """Makes the call and translates its answer. Of a call that is made again and again, an answer that is the same
        to the byte gives the same object as before."""
        answer = await self.call(call, params=params, body=body, at=at)
        if call not in _POLLED or len(answer.body) > _CACHED_BYTES:
            return await self.read(call, answer, lambda: read(self._content(answer)))
        asked = (call, tuple((params or {}).items()), tuple((at or {}).items()))
        digest, cached = self._cache.get(asked, (b"", None))
        if digest != (now := blake2b(answer.body).digest()):
            cached = await self.read(call, answer, lambda: read(self._content(answer)))
            self._cache[asked] = now, cached
            if len(self._cache) > _CACHED_ANSWERS:
                del self._cache[next(iter(self._cache))]
        return cast("T", cached)

    async def listing(
        self,
        call: Call,
        names: tuple[str, ...],
        read: Callable[[values.Json], T],
        *,
        params: Mapping[str, str] | None = None,
        at: Mapping[str, str] | None = None,
    ) -> Listing[T]:
        """Makes a call whose answer is a list under one of these names."""
        return await self.ask(call, lambda answer: values.listing(answer, names, read), params=params, at=at)

    def _content(self, answer: HttpAnswer) -> object:
        """The answer's JSON, without our keys."""
        try:
            return self.keys.hide_in(parsed(answer))
        except RecursionError:
            raise Malformed("the gateway's answer is nested too deeply") from None

    async def read(self, call: Call, answer: HttpAnswer, work: Callable[[], T]) -> T:
        """Translates the answer with `work`; a large one in a thread, so that keys are not delayed."""
        if len(answer.body) > _OFF_LOOP:
            return await asyncio.to_thread(translate, call, answer, work)
        return translate(call, answer, work)


def parsed(answer: HttpAnswer) -> object:
    """The answer's JSON; an empty object for an empty answer. Raises Malformed if it is not JSON."""
    return values.parse(answer.body) if answer.body.strip() else {}


def translate(call: Call, answer: HttpAnswer, work: Callable[[], T]) -> T:
    """Translates the answer with `work`. Raises Malformed if it is not JSON, or has no known form for this call."""
    words: str
    try:
        return work()
    except (Malformed, values.Unusable) as error:
        words = str(error)
    raise Malformed(
        f"{call.name}: the answer cannot be used: {words}", status=answer.status, may_have_happened=call.changes
    )


def given(**fields: T | None) -> dict[str, T]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def iso(moment: datetime | None) -> str | None:
    """A time in the gateway's format: ISO 8601 in UTC, ending in Z."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
