"""Makes one call over HTTP: adds the key at the last moment, limits the size of the answer, and classifies errors. It
repeats nothing: the services decide whether a call may be made again."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Generator, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlsplit

import msgspec

from mm_tui.gateway import errors
from mm_tui.gateway.calls import Call
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.light_httpx import httpx
from mm_tui.gateway.refusals import ALWAYS_THERE, in_words, no_gateway, refusal
from mm_tui.settings.checks import LOOPBACK_HOSTS, gateway_address
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine

MAX_ANSWER = 32 * 1024 * 1024
"""The largest answer in bytes, decompressed; a longer one is refused."""
MAX_DOWNLOAD = 64 * 1024 * 1024
"""The largest attachment in bytes."""
DEADLINE_FACTOR = 3
"""A whole call may take this many times the timeout of a single read, so that a very slow answer ends."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_LOGGED_AS_THEY_ARE = frozenset({"limit", "status", "direction", "action", "has_attachments", "oversight_mode"})

log = logging.getLogger("mm_tui.gateway")


class KeyAuth(httpx.Auth):
    """Adds the key to the request as it is sent, so that no client default and no repr contains it."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class _Progress(msgspec.Struct):
    """How far a request got, from the transport's trace."""

    left: asyncio.Event | None = None
    traced: bool = False
    sending: bool = False

    async def __call__(self, event: str, info: Mapping[str, object]) -> None:
        self.traced = True
        if event.endswith("send_request_headers.started"):
            self.sending = True
        elif self.left is not None and event.endswith("send_request_body.complete"):
            self.left.set()

    @property
    def may_have_been_sent(self) -> bool:
        return self.sending or not self.traced


class HttpAnswer(msgspec.Struct):
    """A successful answer (2xx), with the whole body."""

    status: int
    content_type: str
    body: bytes

    def __repr__(self) -> str:
        # A body may hold mail, which no report may show.
        return f"HttpAnswer({self.status}, {self.content_type!r}, {len(self.body)} bytes)"


class Wire:
    """The HTTP side of a `GatewayClient`. Belongs to one event loop."""

    def __init__(self, url: str, keys: Keys, timeout: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Opens nothing yet. `timeout` in seconds. Raises ValueError for http to another machine, or no web address."""
        self._url = gateway_address(url)
        self._keys = keys
        self._timeout = timeout
        self.clock_skew: float | None = None
        parts = urlsplit(self._url)
        self.is_local = parts.hostname in LOOPBACK_HOSTS
        # Loading the system's certificates takes 20 ms and more; plain http to this machine needs none.
        plain = parts.scheme == "http"
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context()
        # Idle connections are closed before common servers close them (5 s). Calls that change something use a new
        # connection each: on one that the server has just closed, the outcome would be unknown.
        self._reading = self._open(trust, transport, httpx.Limits(keepalive_expiry=4))
        self._changing = self._open(trust, transport, httpx.Limits(max_keepalive_connections=0))

    def _open(
        self, trust: ssl.SSLContext, transport: httpx.AsyncBaseTransport | None, limits: httpx.Limits
    ) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._timeout,
            limits=limits,
            follow_redirects=False,
            trust_env=not self.is_local,
            verify=trust,
            transport=transport,
            headers={"Accept": "application/json", "User-Agent": "mm-tui"},
        )

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._reading.aclose()
        await self._changing.aclose()

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
        auth = KeyAuth(self._keys.for_scope(call.scope)) if call.scope else None
        try:
            request = (self._changing if call.changes else self._reading).build_request(
                call.method,
                self._url + call.path.format(**{name: segment(value) for name, value in (at or {}).items()}),
                params=params,
                content=None if body is None else json.dumps(body).encode(),
                headers=None if body is None else {"Content-Type": "application/json"},
            )
        except httpx.InvalidURL:
            raise errors.BadRequest("an id or a name is too long to be requested") from None
        if log.isEnabledFor(logging.DEBUG):
            log.debug("request", extra={"call": call.name, "asked": _masked({**(params or {}), **(body or {})})})
        try:
            return await self._make(call, request, auth, limit, factor, left)
        finally:
            if left is not None:
                left.set()

    async def download(self, call: Call, url: str) -> bytes:
        """Downloads from an address that the gateway gave, without a key. Raises GatewayError as `call` does; Malformed
        also if the address is plain http and the gateway is not local."""
        try:
            parts = urlsplit(url)
            request = self._reading.build_request("GET", url)
        except (ValueError, httpx.InvalidURL):
            raise errors.Malformed("the gateway named no valid address for the download") from None
        if parts.scheme != "https" and not (self.is_local and parts.hostname in LOOPBACK_HOSTS):
            raise errors.Malformed("the gateway named an address for the download that is not https")
        return (await self._make(call, request, None, MAX_DOWNLOAD, 4 * DEADLINE_FACTOR)).body

    async def _make(
        self,
        call: Call,
        request: httpx.Request,
        auth: KeyAuth | None,
        limit: int,
        factor: int,
        left: asyncio.Event | None = None,
    ) -> HttpAnswer:
        progress = _Progress(left)
        if call.changes or left is not None:
            # Whether a request was sent seldom matters, and watching it takes time.
            request.extensions["trace"] = progress
        begun = time.monotonic()
        fault: errors.GatewayError | None = None
        answer: HttpAnswer | None = None
        try:
            async with asyncio.timeout(self._timeout * factor):
                answer = await self._exchange(call, request, auth, limit)
        except errors.GatewayError as error:
            fault = error
        except TimeoutError:
            fault = self._cut(call, "no complete answer within the time allowed", progress.may_have_been_sent)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            may_have_been_sent = progress.may_have_been_sent and not isinstance(error, _NEVER_SENT)
            fault = self._cut(call, in_words(error), may_have_been_sent)
        status = answer.status if answer else fault.status if fault else None
        milliseconds = round((time.monotonic() - begun) * 1000)
        kind = type(fault).__name__ if fault else None
        log.info("call", extra={"call": call.name, "status": status, "ms": milliseconds, "fault": kind})
        if fault is not None:
            # Raised again outside the except clauses, so that no request, answer or key is attached to it.
            raise fault.with_traceback(None)
        assert answer is not None
        return answer

    async def _exchange(self, call: Call, request: httpx.Request, auth: KeyAuth | None, limit: int) -> HttpAnswer:
        client = self._changing if call.changes else self._reading
        response = await client.send(request, auth=auth, stream=True)
        self.clock_skew = _skew(response.headers.get("date"))
        try:
            if response.status_code >= 400:
                fault = refusal(call, response, await _what_comes(response, limit), self._keys.mask)
                if isinstance(fault, errors.Unauthorized) and call.scope:
                    fault.say_key(self._keys.name_for(call.scope))
                raise fault
            if not response.is_success:
                if call in ALWAYS_THERE:
                    raise no_gateway(
                        call, f"redirects to another address ({response.status_code})", response.status_code
                    )
                raise errors.Malformed(
                    f"the gateway answered with a redirect ({response.status_code}), which is not followed",
                    status=response.status_code,
                    may_have_happened=call.changes,
                )
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > limit:
                    raise errors.Malformed(
                        f"the gateway's answer is longer than {limit // 1024 // 1024} MiB",
                        status=response.status_code,
                        may_have_happened=call.changes,
                    )
                chunks.append(chunk)
            kind = response.headers.get("content-type", "")
            if call in ALWAYS_THERE and kind.startswith("text/html"):
                raise no_gateway(call, "answers with a web page", response.status_code)
            return HttpAnswer(response.status_code, kind, b"".join(chunks))
        finally:
            await response.aclose()

    def _cut(self, call: Call, words: str, may_have_been_sent: bool) -> errors.GatewayError:
        if may_have_been_sent:
            fault: errors.GatewayError = errors.Interrupted(words, may_have_happened=call.changes)
        else:
            fault = errors.Unreachable(words)
        fault.where = OneLine(self._url)
        return fault


def segment(value: str) -> str:
    """A value as one segment of a path. Raises BadRequest for an empty one, "." and ".."."""
    if value in ("", ".", ".."):
        raise errors.BadRequest("an empty name or a path step cannot be requested")
    return quote(value, safe="", errors="surrogatepass")


def _masked(fields: Mapping[str, object]) -> dict[str, object]:
    """The request for the log: field names, and values only if they reveal nothing about an email or a person."""
    return {
        name: value if name in _LOGGED_AS_THEY_ARE or isinstance(value, bool) else f"<{len(str(value))} characters>"
        for name, value in fields.items()
    }


async def _what_comes(response: httpx.Response, limit: int) -> bytes:
    """As much of an error's body as arrives; the status alone says what happened."""
    body = b""
    try:
        async with asyncio.timeout(2):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > min(limit, 65536):
                    break
    except (httpx.HTTPError, httpx.StreamError, OSError):
        log.debug("the text of a refusal is incomplete")
    return body


def _skew(date: str | None) -> float | None:
    """Seconds that the Date header is ahead of this machine's clock."""
    try:
        return parsedate_to_datetime(date).timestamp() - time.time() if date else None
    except (ValueError, OverflowError):
        return None
