"""HTTP/1.1 connections to the gateway: sends one request, and gives its answer piece by piece.

h11 knows the protocol, and asyncio the sockets. httpx would take 4 MB more, and each call twice the time.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self
from urllib.parse import quote, urlsplit

import h11
import msgspec

from mm_tui.gateway.proxies import Proxy, proxy_for
from mm_tui.settings.secret import Secret

if TYPE_CHECKING:
    import ssl

IDLE_SECONDS = 4.0
"""How long an unused connection is kept. Common servers close it after 5 s."""
LONGEST_HEAD = 100 * 1024
"""The most bytes of an answer's status and headers."""
MOST_HELD = 256 * 1024
"""Bytes that have come and wait to be read, after which no more are taken from the socket."""
_PIECE = 256 * 1024
"""The most bytes that are decompressed at once."""


class Cut(Exception):
    """No complete answer came. The words say why, and contain nothing of the request."""


class Request(msgspec.Struct):
    """What to send, and afterwards whether it may have been sent."""

    method: str
    url: str
    key: Secret | None = None
    body: bytes | None = None
    """JSON."""
    acts: bool = False
    """It changes something, so it gets a connection of its own: on one that the server has just closed, the outcome
    would be unknown."""
    left: asyncio.Event | None = None
    """Set when all has been sent."""
    may_have_left: bool = False
    """From the first byte on."""

    def __repr__(self) -> str:
        # A body may hold mail, which no report may show.
        return f"Request({self.method}, {self.key!r})"


class Response(Protocol):
    """An answer, whose body is still to be read."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case."""

    def chunks(self) -> AsyncIterator[bytes]:
        """The body, decompressed. Raises Cut if it does not come whole, or is not compressed correctly."""

    async def aclose(self) -> None:
        """Gives the connection back. To be called always, also when the body was not read to its end."""


class Place(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int

    @property
    def name(self) -> str:
        """As in a `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


_PORTS = {"https": 443, "http": 80}


def place_and_target(url: str) -> tuple[Place, str]:
    """Where a request for `url` goes, and what it asks for there. Raises ValueError if the address cannot be used."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host:
        raise ValueError("no address of the web")
    if not host.isascii():
        host = host.encode("idna").decode()
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    if parts.query:
        target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~")
    return Place(parts.scheme, host, parts.port or _PORTS[parts.scheme]), target


class Connections:
    """Sends requests. Keeps idle connections for a moment. Belongs to one event loop."""

    def __init__(self, timeout: float, *, by_proxy: bool = False) -> None:
        """Opens nothing yet.

        Args:
            timeout: seconds that connecting, and each wait for the other side, may take.
            by_proxy: use the proxy that the environment names, for https.
        """
        self._timeout = timeout
        self._by_proxy = by_proxy
        self._idle: dict[Place, list[tuple[float, _Line]]] = {}
        self._trust: ssl.SSLContext | None = None

    async def send(self, request: Request) -> Response:
        """Sends the request, and waits for the head of its answer. Raises Cut if it could not be sent or none came."""
        try:
            place, target = place_and_target(request.url)
        except ValueError:
            raise Cut("the address cannot be used") from None
        line = (None if request.acts else self._kept(place)) or await self._connect(place)
        try:
            return _Answer(self, request, place, line, await line.exchange(request, target, place.name))
        except h11.LocalProtocolError:
            line.close()
            raise Cut("the request cannot be sent") from None
        except BaseException:
            line.close()
            raise

    def give_back(self, place: Place, line: _Line) -> None:
        """Keeps a connection for the next request, if it can take one."""
        if line.is_ready_again():
            self._idle.setdefault(place, []).append((_now(), line))
        else:
            line.close()

    async def aclose(self) -> None:
        """Closes the connections that are not in use."""
        for _, line in [one for kept in self._idle.values() for one in kept]:
            line.close()
        self._idle.clear()
        # The event loop closes the sockets in its next round.
        await asyncio.sleep(0)

    def _kept(self, place: Place) -> _Line | None:
        kept = self._idle.pop(place, [])
        usable = []
        for since, line in kept:
            if line.is_unused() and _now() - since < IDLE_SECONDS:
                usable.append((since, line))
            else:
                line.close()
        if not usable:
            return None
        line = usable.pop()[1]
        if usable:
            self._idle[place] = usable
        return line

    async def _connect(self, place: Place) -> _Line:
        trust = await self._certificates() if place.scheme == "https" else None
        try:
            async with asyncio.timeout(self._timeout):
                if trust is not None and self._by_proxy and (proxy := proxy_for(place.host)) is not None:
                    return await self._through(proxy, place, trust)
                return await _Line.to(place.host, place.port, trust, self._timeout)
        except TimeoutError:
            raise Cut("the gateway did not answer the connection in time") from None
        except (OSError, UnicodeError):
            raise Cut("no connection to the gateway") from None

    async def _through(self, proxy: Proxy, place: Place, trust: ssl.SSLContext) -> _Line:
        line = await _Line.to(proxy.host, proxy.port, trust if proxy.is_encrypted else None, self._timeout)
        try:
            await line.ask_proxy(f"{place.host}:{place.port}", proxy)
            await line.encrypt(trust, place.host)
        except BaseException:
            line.close()
            raise
        return line

    async def _certificates(self) -> ssl.SSLContext:
        """Which certificates are trusted. Reading them takes 20 ms and more, so it is done in a thread."""
        if self._trust is None:
            self._trust = await asyncio.to_thread(_trusted)
        return self._trust


def _trusted() -> ssl.SSLContext:
    import os
    import ssl

    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        import certifi

        file = certifi.where()
    trust = ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    trust.set_alpn_protocols(["http/1.1"])
    return trust


def _now() -> float:
    return asyncio.get_running_loop().time()


class _Line(asyncio.Protocol):
    """One connection. h11 parses what comes; nothing more is taken from the socket while much waits to be read."""

    def __init__(self, each_wait: float) -> None:
        self._each_wait = each_wait
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._change: asyncio.Future[None] | None = None
        self._held = 0
        self._is_full = False
        self._has_ended = False

    @classmethod
    async def to(cls, host: str, port: int, trust: ssl.SSLContext | None, each_wait: float) -> Self:
        """Connects."""
        loop = asyncio.get_running_loop()
        _, line = await loop.create_connection(lambda: cls(each_wait), host, port, ssl=trust, happy_eyeballs_delay=0.25)
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        # What was written has left when it does not wait any more.
        transport.set_write_buffer_limits(0)

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._held += len(data)
        if self._held > MOST_HELD and self._transport is not None:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        self._wake()

    def _end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._http.receive_data(b"")
            self._wake()

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    async def _changes(self) -> None:
        """Waits until something came, left or ended."""
        self._change = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._each_wait):
                await self._change
        except TimeoutError:
            raise Cut("the gateway took too long") from None
        finally:
            self._change = None

    def close(self) -> None:
        """Closes the socket."""
        if self._transport is not None:
            self._transport.abort()

    def is_unused(self) -> bool:
        """Whether nothing has come since the last answer, not even the end."""
        return not self._has_ended and self._http.trailing_data == (b"", False)

    def is_ready_again(self) -> bool:
        """Whether the last answer was read whole, and the server takes another request."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE or not self.is_unused():
            return False
        self._http.start_next_cycle()
        return True

    async def exchange(self, request: Request, target: str, host: str) -> h11.Response:
        """Sends a request and reads the head of its answer."""
        headers = {
            "Host": host,
            "User-Agent": "mm-tui",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            **({} if request.body is None else {"Content-Type": "application/json"}),
            **({} if request.method == "GET" else {"Content-Length": str(len(request.body or b""))}),
        }
        if request.key is not None:
            headers["Authorization"] = f"Bearer {request.key.get_secret_value()}"
        request.may_have_left = True
        await self._write(h11.Request(method=request.method, target=target, headers=[*headers.items()]), request.body)
        if request.left is not None:
            request.left.set()
        return await self._head()

    async def ask_proxy(self, there: str, proxy: Proxy) -> None:
        """Asks a proxy for a connection to `there`."""
        headers = {"Host": there, **proxy.headers()}
        await self._write(h11.Request(method="CONNECT", target=there, headers=[*headers.items()]), None)
        if (await self._head()).status_code // 100 != 2:
            raise Cut("the proxy refused")

    async def encrypt(self, trust: ssl.SSLContext, host: str) -> None:
        """Begins to speak TLS, and HTTP anew."""
        assert self._transport is not None
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(self._transport, self, trust, server_hostname=host)
        if transport is None:
            raise ConnectionResetError
        self.connection_made(transport)

    async def _write(self, head: h11.Request, body: bytes | None) -> None:
        assert self._transport is not None
        pieces = [head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        self._transport.write(b"".join(self._http.send(piece) or b"" for piece in pieces))
        # A server that ends early may have said why.
        while self._is_full and not self._has_ended:
            await self._changes()

    async def _head(self) -> h11.Response:
        while isinstance(event := await self.event(), h11.InformationalResponse):
            pass
        if not isinstance(event, h11.Response):
            raise Cut("the gateway cut the connection")
        return event

    async def event(self) -> h11.Event | None:
        """The next part of an answer; None where it speaks another protocol from there on."""
        assert self._transport is not None
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._held = 0
                self._transport.resume_reading()
                await self._changes()
        except h11.RemoteProtocolError:
            raise Cut("the gateway cut the connection") from None
        return event if isinstance(event, h11.Event) else None


class _Answer:
    """See `Response`."""

    def __init__(
        self, connections: Connections, request: Request, place: Place, line: _Line, head: h11.Response
    ) -> None:
        self._connections = connections
        self._keeps = not request.acts
        self._place = place
        self._line = line
        self.status = head.status_code
        self.headers: dict[str, str] = {}
        for name, value in head.headers:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    async def chunks(self) -> AsyncIterator[bytes]:
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip"):
            raise Cut("the gateway's answer is not compressed correctly")
        # Either header of zlib's is recognised.
        unpacked = None if encoding == "identity" else zlib.decompressobj(32 + zlib.MAX_WBITS)
        while isinstance(event := await self._line.event(), h11.Data):
            data = bytes(event.data)
            if unpacked is None:
                yield data
                continue
            while data:
                try:
                    piece = unpacked.decompress(data, _PIECE)
                except zlib.error:
                    raise Cut("the gateway's answer is not compressed correctly") from None
                yield piece
                data = unpacked.unconsumed_tail
        if not isinstance(event, h11.EndOfMessage):
            raise Cut("the gateway cut the connection")

    async def aclose(self) -> None:
        if self._keeps:
            self._connections.give_back(self._place, self._line)
        else:
            self._line.close()
