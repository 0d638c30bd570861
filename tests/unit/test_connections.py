"""The client's own HTTP: connections that are used again, encrypted ones, and those through a proxy."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from mm_tui.gateway.connections import MOST_HELD, Connections, Cut, Request, place_and_target
from mm_tui.settings.secret import Secret
from tests.support.raw_server import RawServer, answer, raw_server, says

KEY = Secret("mm_test_key1")


async def got(connections: Connections, url: str, **more: object) -> bytes:
    """The body of the answer to a GET."""
    response = await connections.send(Request("GET", url, KEY, **more))  # type: ignore[arg-type]  # named by the test
    try:
        return b"".join([chunk async for chunk in response.chunks()])
    finally:
        await response.aclose()


@asynccontextmanager
async def connected(*, by_proxy: bool = False) -> AsyncIterator[Connections]:
    connections = Connections(2, by_proxy=by_proxy)
    yield connections
    await connections.aclose()


async def test_what_comes_after_an_answer_is_no_answer_to_the_next_request() -> None:
    forged = answer(200, b"forged")
    async with raw_server(says(answer(200, b"true") + forged)) as server, connected() as connections:
        for _ in range(2):
            assert await got(connections, server.url) == b"true"
        assert server.connections == 2


async def test_what_comes_while_nothing_was_asked_is_no_answer_either() -> None:
    came = asyncio.Event()

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, b"true"))
        await writer.drain()
        await came.wait()
        writer.write(answer(200, b"forged"))

    async with raw_server(behave) as server, connected() as connections:
        assert await got(connections, server.url) == b"true"
        (kept,) = (line for lines in connections._idle.values() for _, line in lines)
        came.set()
        async with asyncio.timeout(5):
            while kept.is_unused():
                await asyncio.sleep(0.001)
        assert await got(connections, server.url) == b"true"
        assert server.connections == 2


@pytest.mark.parametrize("head", ["Connection: close", "Content-Encoding: gzip"])
async def test_long_bodies_come_whole(head: str) -> None:
    body = bytes(range(256)) * 16 * 1024
    assert len(body) > 2 * MOST_HELD
    sent = gzip.compress(body) if "gzip" in head else body
    async with raw_server(says(answer(200, sent, head), then_cut=False)) as server, connected() as connections:
        assert await got(connections, server.url) == body


async def test_a_body_in_chunks_and_words_before_the_answer() -> None:
    early = b"HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\nA: 2\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    async with raw_server(says(early + chunked)) as server, connected() as connections:
        response = await connections.send(Request("GET", server.url))
        assert response.headers["a"] == "1, 2"
        assert [chunk async for chunk in response.chunks()] == [b"abc", b"de"]
        await response.aclose()


async def test_an_unknown_compression_is_refused() -> None:
    async with raw_server(says(answer(200, b"x", "Content-Encoding: br"))) as server, connected() as connections:
        with pytest.raises(Cut, match="not compressed correctly"):
            await got(connections, server.url)


def test_where_a_request_goes_and_what_it_asks_for() -> None:
    place, target = place_and_target("https://bücher.example:8443/a b/%2F?q=é&r=%20")
    assert (place.name, target) == ("xn--bcher-kva.example:8443", "/a%20b/%2F?q=%C3%A9&r=%20")
    assert place_and_target("http://[::1]:80")[0].name == "[::1]"
    for url in ("ftp://x.example/", "https:///x", "https://x.example:99999/", "https://\udcff.example/", "nothing"):
        with pytest.raises(ValueError):
            place_and_target(url)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate of 127.0.0.1, and its key, in one file. It is trusted."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@asynccontextmanager
async def encrypted(certificate: Path) -> AsyncIterator[RawServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with raw_server(says(answer(200, b"hello")), context) as server:
        yield server


async def test_https_with_a_certificate_that_is_trusted(certificate: Path) -> None:
    async with encrypted(certificate) as server, connected() as connections:
        for _ in range(2):
            assert await got(connections, server.url) == b"hello"
        assert server.connections == 1


@pytest.mark.parametrize("wrong", ["another name", "not trusted"])
async def test_a_certificate_that_proves_nothing_gets_no_request(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    async with encrypted(certificate) as server, connected() as connections:
        if wrong == "not trusted":
            monkeypatch.delenv("SSL_CERT_FILE")
            url = server.url
        else:
            url = server.url.replace("127.0.0.1", "localhost")
        request = Request("GET", url, KEY)
        with pytest.raises(Cut, match="no connection to the gateway"):
            await connections.send(request)
        assert not request.may_have_left
        assert server.requests == []


@asynccontextmanager
async def proxy(there: str, refuses: bytes = b"") -> AsyncIterator[RawServer]:
    """A proxy that connects to one server only, whatever it is asked for."""
    seen = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(refuses or b"HTTP/1.1 200 Connection established\r\n\r\n")
        if refuses:
            writer.close()
            return
        host, _, port = there.rpartition("/")[2].partition(":")
        its_reader, its_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pass(reader, its_writer), _pass(its_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.url = f"http://user:pass%20word@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield seen
    finally:
        server.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        return
    finally:
        writer.close()


async def test_through_a_proxy(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        encrypted(certificate) as server,
        proxy(server.url) as between,
        connected(by_proxy=True) as connections,
    ):
        monkeypatch.setenv("HTTPS_PROXY", between.url)
        assert await got(connections, server.url) == b"hello"
        (asked,) = between.requests
        host = server.url.rpartition("/")[2]
        assert asked.startswith(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n".encode())
        assert b"\r\nProxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n" in asked
        assert KEY.get_secret_value().encode() not in asked
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        assert await got(connections, server.url, acts=True) == b"hello"
        assert len(between.requests) == 1


@pytest.mark.parametrize("how", ["refused", "cut", "of another kind"])
async def test_a_proxy_that_does_not_connect(certificate: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    refuses = {"refused": b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "cut": b"HTTP/1.1 20"}.get(how, b"")
    async with (
        encrypted(certificate) as server,
        proxy(server.url, refuses) as between,
        connected(by_proxy=True) as connections,
    ):
        monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1" if how == "of another kind" else between.url)
        request = Request("POST", server.url, KEY, b"{}", acts=True)
        with pytest.raises(Cut):
            await connections.send(request)
        assert not request.may_have_left
        assert server.requests == []
