"""Makes one call over HTTP: adds the key at the last moment, limits the size of the answer, and classifies errors.

It repeats nothing: the services decide whether a call may be made again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from mm_tui.gateway import errors
from mm_tui.gateway.calls import Call
from mm_tui.gateway.connections import Connections, Cut, Request, Response, place_and_target
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.refusals import ALWAYS_THERE, no_gateway, refusal
from mm_tui.settings.checks import LOOPBACK_HOSTS, gateway_address
from mm_tui.text import OneLine

MAX_ANSWER = 32 * 1024 * 1024
"""The largest answer in bytes, decompressed; a longer one is refused."""
MAX_DOWNLOAD = 64 * 1024 * 1024
"""The largest attachment in bytes."""
DEADLINE_FACTOR = 3
"""A whole call may take this many times the timeout of a single read, so that a very slow answer ends."""
LONGEST_ADDRESS = 65_536

_LOGGED_AS_THEY_ARE = frozenset({"limit", "status", "direction", "action", "has_attachments", "oversight_mode"})

log = logging.getLogger("mm_tui.gateway")


class HttpAnswer(msgspec.Struct):
    """A successful answer."""

    status: int
    content_type: str
    body: bytes

    def __repr__(self) -> str:
        # A body may hold mail, which no report may show.
        return f"HttpAnswer({self.status}, {self.content_type!r}, {len(self.body)} bytes)"


class Wire:
    """The HTTP side of a `GatewayClient`. Belongs to one event loop."""

    def __init__(self, url: str, keys: Keys, timeout: float, connections: Connections | None = None) -> None:
        """Opens nothing yet. `timeout` in seconds. Raises ValueError if the url is no https address, or plain http to
        another machine."""
        self._url = gateway_address(url)
        self._keys = keys
        self._timeout = timeout
        self.clock_skew: float | None = None
        self.is_local = urlsplit(self._url).hostname in LOOPBACK_HOSTS
        self._connections = connections or Connections(timeout, by_proxy=not self.is_local)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._connections.aclose()

    async def call(
        self,
        call: Call,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
        limit: int = MAX_ANSWER,
        factor: int = DEADLINE_FACTOR,
        at: Mapping[str, str] | None = None,
        left: asyncio.Event | None = None,
    ) -> HttpAnswer:
        """Makes the call once.

        Args:
            body: the value to send as JSON.
            limit: the largest answer, in bytes.
            factor: the whole call may take this many times the timeout of a read.
            at: the values for the braces in the path.
            left: set when the request was sent, at the latest when the call ends.

        Raises:
            GatewayError: of the kind that fits.
        """
        address = self._url + call.path.format(**{name: segment(value) for name, value in (at or {}).items()})
        if params:
            address += "?" + urlencode(params, quote_via=quote, errors="surrogatepass")
        if len(address) > LONGEST_ADDRESS:
            raise errors.BadRequest("an id or a name is too long to be requested")
        request = Request(
            call.method,
            address,
            self._keys.for_scope(call.scope) if call.scope else None,
            None if body is None else json.dumps(body).encode(),
            call.acts,
            left,
        )
        if log.isEnabledFor(logging.DEBUG):
            log.debug("request", extra={"call": call.name, "asked": _masked({**(params or {}), **(body or {})})})
        try:
            return await self._make(call, request, limit, factor)
        finally:
            if left is not None:
                left.set()

    async def download(self, call: Call, url: str) -> bytes:
        """Downloads from an address that the gateway gave, without a key.

        Raises:
            GatewayError: as `call`; Malformed also when the address is plain http and the gateway is not local.
        """
        try:
            place, _ = place_and_target(url)
        except ValueError:
            raise errors.Malformed("the gateway named no valid address for the download") from None
        if place.scheme != "https" and not (self.is_local and place.host in LOOPBACK_HOSTS):
            raise errors.Malformed("the gateway named an address for the download that is not https")
        return (await self._make(call, Request("GET", url), MAX_DOWNLOAD, 4 * DEADLINE_FACTOR)).body

    async def _make(self, call: Call, request: Request, limit: int, factor: int = DEADLINE_FACTOR) -> HttpAnswer:
        begun = time.monotonic()
        fault: errors.GatewayError | None = None
        answer: HttpAnswer | None = None
        try:
            async with asyncio.timeout(self._timeout * factor):
                answer = await self._exchange(call, request, limit)
        except errors.GatewayError as error:
            fault = error
        except TimeoutError:
            fault = self._cut(call, "no complete answer within the time allowed", request.may_have_left)
        except Cut as error:
            fault = self._cut(call, str(error), request.may_have_left)
        except OSError:
            fault = self._cut(call, "the connection failed", request.may_have_left)
        status = answer.status if answer else fault.status if fault else None
        milliseconds = round((time.monotonic() - begun) * 1000)
        log.info("call", extra={"call": call.name, "status": status, "ms": milliseconds, "fault": _kind(fault)})
        if fault is not None:
            # Raised again outside the except clauses, so that no request, answer or key is attached to it.
            raise fault.with_traceback(None)
        assert answer is not None
        return answer

    async def _exchange(self, call: Call, request: Request, limit: int) -> HttpAnswer:
        response = await self._connections.send(request)
        self.clock_skew = _skew(response.headers.get("date"))
        try:
            if response.status >= 400:
                fault = refusal(call, response, await _what_comes(response, limit), self._keys.mask)
                if isinstance(fault, errors.Unauthorized) and call.scope:
                    fault.say_key(self._keys.name_for(call.scope))
                raise fault
            if response.status >= 300:
                if call in ALWAYS_THERE:
                    raise no_gateway(call, f"redirects to another address ({response.status})", response.status)
                raise errors.Malformed(
                    f"the gateway answered with a redirect ({response.status}), which is not followed",
                    status=response.status,
                    may_have_happened=call.acts,
                )
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.chunks():
                size += len(chunk)
                if size > limit:
                    raise errors.Malformed(
                        f"the gateway's answer is longer than {limit // 1024 // 1024} MiB",
                        status=response.status,
                        may_have_happened=call.acts,
                    )
                chunks.append(chunk)
            kind = response.headers.get("content-type", "")
            if call in ALWAYS_THERE and kind.startswith("text/html"):
                raise no_gateway(call, "answers with a web page", response.status)
            return HttpAnswer(response.status, kind, b"".join(chunks))
        finally:
            await response.aclose()

    def _cut(self, call: Call, words: str, may_have_left: bool) -> errors.GatewayError:
        if may_have_left:
            fault: errors.GatewayError = errors.Interrupted(words, may_have_happened=call.acts)
        else:
            fault = errors.Unreachable(words)
        fault.where = OneLine(self._url)
        return fault


def segment(value: str) -> str:
    """A value as one segment of a path. Raises BadRequest if it is empty, "." or "..", which would name another
    resource."""
    if value in ("", ".", ".."):
        raise errors.BadRequest("an empty name or a path step cannot be requested")
    return quote(value, safe="", errors="surrogatepass")


def _masked(fields: Mapping[str, object]) -> dict[str, object]:
    """The request for the log: field names, and values only if they reveal nothing about an email or a person."""
    return {
        name: value if name in _LOGGED_AS_THEY_ARE or isinstance(value, bool) else f"<{len(str(value))} characters>"
        for name, value in fields.items()
    }


async def _what_comes(response: Response, limit: int) -> bytes:
    """As much of an error's body as arrives; the status alone says what happened."""
    body = b""
    try:
        async with asyncio.timeout(2):
            async for chunk in response.chunks():
                body += chunk
                if len(body) > min(limit, 65536):
                    break
    except (Cut, OSError):
        log.debug("the text of a refusal is incomplete")
    return body


def _skew(date: str | None) -> float | None:
    """Seconds that the Date header is ahead of this machine's clock."""
    try:
        return parsedate_to_datetime(date).timestamp() - time.time() if date else None
    except (ValueError, OverflowError):
        return None


def _kind(fault: errors.GatewayError | None) -> str | None:
    return None if fault is None else type(fault).__name__
