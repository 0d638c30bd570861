"""Calls against a real socket: what is sent, and what each kind of failure becomes."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from mm_tui.gateway import errors, http
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.shapes import EmailFilter, OutgoingAttachment
from mm_tui.models import RawContent
from mm_tui.settings.secret import Secret
from tests.support.raw_server import RawServer, answer, drips, raw_server, says

OVERSIGHT, SEND, ADMIN = "mm_test_oversight1", "mm_test_send1", "mm_test_admin1"


def keys() -> Keys:
    return Keys(oversight=Secret(OVERSIGHT), send=Secret(SEND), admin=Secret(ADMIN))


def client(server: RawServer, timeout: float = 5) -> GatewayClient:
    return GatewayClient(server.url, keys(), timeout=timeout)


async def failure_of_decide(data: bytes, *, then_cut: bool = False) -> errors.GatewayError:
    """The error when a decision is answered with these bytes."""
    async with raw_server(says(data, then_cut=then_cut)) as server, client(server) as gateway:
        with pytest.raises(errors.GatewayError) as caught:
            await gateway.decide("01E", "approve")
        assert len(server.requests) == 1, "a decision must never be repeated"
        return caught.value


def sent_json(request: bytes) -> dict[str, object]:
    body = json.loads(request.split(b"\r\n\r\n", 1)[1])
    assert isinstance(body, dict)
    return body


REFUSALS = [
    (401, b'{"error":"no such key"}', errors.Unauthorized),
    (403, b'{"error":"requires scope oversight"}', errors.MissingScope),
    (403, b'{"error":"mailbox is read_only"}', errors.ReadOnlyMailbox),
    (404, b'{"error":"not found"}', errors.NotFound),
    (404, b'{"error":"no email <01ABC>"}', errors.NotFound),
    (409, b'{"error":"decided already"}', errors.Conflict),
    (400, b'{"error":"bad"}', errors.BadRequest),
    (413, b"", errors.BadRequest),
    (422, b'{"error":{"message":"bad field"}}', errors.BadRequest),
    (418, b"[]", errors.BadRequest),
    (429, b'{"error":"daily","warmup_stage":2,"daily_sent":9,"daily_limit":10,"hint":"slowly"}', errors.WarmupLimit),
    (429, b'{"error":"monthly Quota exceeded"}', errors.QuotaExceeded),
    (429, b'{"error":"slow down"}', errors.RateLimited),
]


@pytest.mark.parametrize(("status", "body", "kind"), REFUSALS)
async def test_a_refusal_did_not_happen(status: int, body: bytes, kind: type[errors.GatewayError]) -> None:
    error = await failure_of_decide(answer(status, body))
    assert type(error) is kind
    assert error.status == status
    assert error.may_have_happened is False
    assert error.message and error.what_to_do


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
async def test_a_server_fault_leaves_a_doubt(status: int) -> None:
    error = await failure_of_decide(answer(status, b"<html>nginx</html>"))
    assert isinstance(error, errors.ServerFault)
    assert error.may_have_happened is True
    assert "nginx" not in error.message


async def test_the_words_of_a_refusal_are_clean() -> None:
    words = json.dumps({"error": "no\x1b]52;c;aGk=\x07 way\u202e\nA fake line"}).encode()
    error = await failure_of_decide(answer(403, words))
    assert error.message == "no way A fake line"
    assert str(error) == "no way A fake line"


async def test_the_three_kinds_of_429_carry_what_they_say() -> None:
    limited = await failure_of_decide(answer(429, b'{"error":"x"}', "Retry-After: 7"))
    assert limited.retry_after == 7
    warm = await failure_of_decide(answer(429, REFUSALS[10][1]))
    assert isinstance(warm, errors.WarmupLimit)
    assert warm.message == "daily"
    dated = await failure_of_decide(answer(429, b"{}", "Retry-After: Sun, 01 Mar 2026 12:00:00 GMT"))
    assert dated.retry_after is None


DOUBTFUL = {
    "not json": answer(200, b"<html>"),
    "no object": answer(200, b"[]"),
    "no status": answer(200, b"{}"),
    "empty": answer(200, b""),
    "deep": answer(200, b"[" * 100_000),
    "invalid utf-8": answer(200, b'{"status":"\xff"}'),
    "redirect": answer(302, b"", "Location: /elsewhere"),
    "request timeout": answer(408, b"{}"),
    "not compressed correctly": answer(200, b"not gzip", "Content-Encoding: gzip"),
    "no http": b"SSH-2.0-OpenSSH\r\n\r\n",
}


@pytest.mark.parametrize("data", DOUBTFUL.values(), ids=DOUBTFUL.keys())
async def test_an_answer_that_cannot_be_read_leaves_a_doubt(data: bytes) -> None:
    error = await failure_of_decide(data, then_cut=data.startswith(b"SSH"))
    assert isinstance(error, errors.Malformed | errors.Interrupted)
    assert error.may_have_happened is True


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", answer(200, b'{"status":"approved"}')[:-5]])
async def test_a_cut_connection_leaves_a_doubt(data: bytes) -> None:
    error = await failure_of_decide(data, then_cut=True)
    assert isinstance(error, errors.Interrupted)
    assert error.may_have_happened is True


async def test_a_refusal_whose_body_is_cut_is_still_a_refusal() -> None:
    error = await failure_of_decide(answer(403, b'{"error":"requires scope"}')[:-9], then_cut=True)
    assert isinstance(error, errors.MissingScope)
    assert error.may_have_happened is False


async def test_silence_leaves_a_doubt() -> None:
    async with raw_server(says(b"")) as server, client(server, timeout=0.2) as gateway:
        with pytest.raises(errors.Interrupted) as caught:
            await gateway.decide("01E", "approve")
        assert caught.value.may_have_happened is True
        assert caught.value.what_to_do == "The outcome is read from the gateway."
        assert len(server.requests) == 1


async def test_silence_to_a_question_leaves_no_outcome_to_read() -> None:
    async with raw_server(says(b"")) as server, client(server, timeout=0.2) as gateway:
        with pytest.raises(errors.Interrupted) as caught:
            await gateway.email("01B", "01E")
    assert caught.value.may_have_happened is False
    assert "outcome" not in caught.value.what_to_do


async def test_a_slow_drip_ends_at_the_deadline() -> None:
    slow = drips(answer(200, b'{"status":"approved"}'), every=0.1)
    async with raw_server(slow) as server, client(server, timeout=0.3) as gateway:
        with pytest.raises(errors.Interrupted) as caught:
            await gateway.decide("01E", "approve")
    assert caught.value.may_have_happened is True


async def test_a_closed_port_is_unreachable_and_nothing_happened() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with GatewayClient(f"http://127.0.0.1:{held.getsockname()[1]}", keys()) as gateway:
            with pytest.raises(errors.Unreachable) as caught:
                await gateway.decide("01E", "approve")
    assert caught.value.may_have_happened is False


@pytest.fixture
async def full_backlog() -> AsyncIterator[str]:
    """A port whose queue of connections is full, so that connecting hangs."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        fillers = []
        for _ in range(8):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listening.getsockname())
            fillers.append(filler)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        for filler in fillers:
            filler.close()


async def test_a_connection_that_does_not_come_about_was_not_sent(full_backlog: str) -> None:
    async with GatewayClient(full_backlog, keys(), timeout=0.2) as gateway:
        with pytest.raises(errors.Unreachable) as caught:
            await gateway.decide("01E", "approve")
    assert caught.value.may_have_happened is False


async def test_reads_never_leave_a_doubt() -> None:
    for data in (answer(500), answer(200, b"<html>"), answer(302), b""):
        async with raw_server(says(data, then_cut=not data)) as server, client(server) as gateway:
            with pytest.raises(errors.GatewayError) as caught:
                await gateway.pending()
            assert caught.value.may_have_happened is False


async def test_an_answer_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    async with raw_server(says(answer(200, bomb, "Content-Encoding: gzip"))) as server, client(server) as gateway:
        with pytest.raises(errors.Malformed, match="longer than 32 MiB"):
            await gateway.pending()


async def test_each_call_goes_with_the_key_of_its_scope() -> None:
    every = says(answer(200, b'{"id":"01E","status":"x","emails":[],"entries":[]}'))
    async with raw_server(every) as server, client(server) as gateway:
        await gateway.pending()
        await gateway.cancel("01M", "01E")
        await gateway.audit_log()
        await gateway.emails("01M")
        await gateway.health()
    wanted = [OVERSIGHT, SEND, ADMIN, OVERSIGHT, None]
    for request, key in zip(server.requests, wanted, strict=True):
        assert (f"Authorization: Bearer {key}".encode() in request) is (key is not None)
        assert key is not None or b"uthorization" not in request


async def test_without_a_key_nothing_is_sent() -> None:
    only = Keys(oversight=Secret(OVERSIGHT))
    async with raw_server(says(answer(200))) as server, GatewayClient(server.url, only) as gateway:
        with pytest.raises(errors.MissingKey, match="scope send") as caught:
            await gateway.cancel("01M", "01E")
    assert server.connections == 0
    assert caught.value.scope == "send"
    assert "send_key" in caught.value.what_to_do


async def test_calls_that_change_something_never_reuse_a_connection_and_reads_do() -> None:
    every = says(answer(200, b'{"id":"01E","status":"x","emails":[]}'))
    async with raw_server(every) as server, client(server) as gateway:
        for _ in range(3):
            await gateway.emails("01M")
        assert server.connections == 1
        for _ in range(2):
            await gateway.cancel("01M", "01E")
        assert server.connections == 3


async def test_keys_are_in_no_traceback_repr_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"error": f"key {OVERSIGHT} and mm_live_another9 unknown"}).encode()
    error = await failure_of_decide(answer(401, echo))
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), capture_locals=True)
    shown = "".join(str(frame.locals) for frame in frames if "/tests/" not in frame.filename)
    assert "KeyAuth" in shown, "the frames of the client must be looked at"
    reported = (
        shown + repr(error) + str(error) + error.message + caplog.text + str([r.__dict__ for r in caplog.records])
    )
    async with GatewayClient("https://gateway.example", keys()) as gateway:
        reported += repr(gateway) + repr(gateway.keys) + str(vars(gateway.keys))
    assert "[key]" in error.message
    for secret in (OVERSIGHT, SEND, ADMIN, "mm_live_another9"):
        assert secret not in reported
    assert error.__context__ is None


def test_a_key_that_begins_like_another_is_hidden_whole() -> None:
    keys = Keys(oversight=Secret("abcdefghij"), send=Secret("abcdefghijKLMN"))
    assert keys.mask("the key abcdefghijKLMN is unknown") == "the key [key] is unknown"


def test_a_key_that_cannot_stand_in_a_header_is_refused_unquoted() -> None:
    with pytest.raises(ValueError, match="the send key") as caught:
        Keys(send=Secret("mm_test_x\nX-Evil: 1"))
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://gateway.example", "ftp://x", "gateway.example", "", "https://exa mple", "https://x:99999"]
)
async def test_an_address_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        await GatewayClient(url, keys()).health()


async def test_ids_and_names_cannot_leave_their_place_in_the_path() -> None:
    async with (
        raw_server(says(answer(200, b'{"id":"../../oversight/decide?x=1#y"}'))) as server,
        client(server) as gateway,
    ):
        await gateway.email("01M", "../../oversight/decide?x=1#y")
        await gateway.delete_tag("01M", "01E", "a/b%2F é")
        for name in ("", ".", ".."):
            with pytest.raises(errors.BadRequest):
                await gateway.email("01M", name)
    assert server.requests[0].startswith(b"GET /v1/mailboxes/01M/emails/..%2F..%2Foversight%2Fdecide%3Fx%3D1%23y HTTP")
    assert server.requests[1].startswith(b"DELETE /v1/mailboxes/01M/emails/01E/tags/a%2Fb%252F%20%C3%A9 HTTP")


async def test_what_is_sent_is_the_published_form() -> None:
    to, cc = ("Anna <anna@x.example>",), ("c@x.example",)
    mail = RawContent(sender="", to=to, subject="Hi", body="Text \ud800", cc=cc)
    files = (OutgoingAttachment("a.txt", b"abc", "text/plain"),)
    async with (
        raw_server(says(answer(202, b'{"id":"01E","status":"pending_scan"}'))) as server,
        client(server) as gateway,
    ):
        await gateway.send("01M", mail, attachments=files, idempotency_key="k1")
        await gateway.reply("01M", "01E", "Body")
        await gateway.decide("01E", "reject", "because")
        await gateway.put_tags("01M", "01E", {"a": "b"})
        await gateway.edit_schedule("01M", "01E", subject="New")
    assert sent_json(server.requests[0]) == {
        "to": ["Anna <anna@x.example>"],
        "subject": "Hi",
        "markdown": "Text \ud800",
        "cc": ["c@x.example"],
        "attachments": [{"name": "a.txt", "content_base64": "YWJj", "content_type": "text/plain"}],
        "idempotency_key": "k1",
    }
    assert sent_json(server.requests[1]) == {"markdown": "Body"}
    assert sent_json(server.requests[2]) == {"email_id": "01E", "action": "reject", "reason": "because"}
    assert sent_json(server.requests[3]) == {"tags": {"a": "b"}}
    assert sent_json(server.requests[4]) == {"subject": "New"}


async def test_every_filter_is_sent() -> None:
    when = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    wanted = EmailFilter(status="unread", date_after=when, direction="inbound", since_id="01A")
    async with raw_server(says(answer(200, b'{"emails":[],"cursor":"c2"}'))) as server, client(server) as gateway:
        page = await gateway.emails("01M", filter=wanted, limit=5, cursor="c1")
    assert page.cursor == "c2"
    assert server.requests[0].split(b" ")[1] == (
        b"/v1/mailboxes/01M/emails?limit=5&cursor=c1&status=unread"
        b"&date_after=2026-03-01T12%3A00%3A00Z&direction=inbound&since_id=01A"
    )


async def test_attachments_come_as_bytes_as_base64_and_by_address() -> None:
    async with (
        raw_server(says(answer(200, b"\x00\xff", content_type="image/png"))) as server,
        client(server) as gateway,
    ):
        assert await gateway.attachment("01M", "01E", "a/b.png") == b"\x00\xff"
        assert b"/attachments/a%2Fb.png HTTP" in server.requests[0]
    async with (
        raw_server(says(answer(200, b'{"name":"x","content_base64":"AP8="}'))) as server,
        client(server) as gateway,
    ):
        assert await gateway.attachment("01M", "01E", "x") == b"\x00\xff"
    async with (
        raw_server(says(answer(200, b'{"content_base64":"AP8=","mine":1}'))) as server,
        client(server) as gateway,
    ):
        assert await gateway.attachment("01M", "01E", "x.json") == b'{"content_base64":"AP8=","mine":1}'

    addresses: list[str] = []

    async def gives_address(writer: asyncio.StreamWriter) -> None:
        asked = server.requests[-1].split(b" ")[1]
        if asked.endswith(b"/url"):
            writer.write(answer(200, json.dumps({"url": addresses[0]}).encode()))
        else:
            writer.write(answer(200, b"large", content_type="application/octet-stream"))

    async with raw_server(gives_address) as server, client(server) as gateway:
        addresses.append(f"{server.url}/files/1")
        assert await gateway.attachment("01M", "01E", "x", size=60_000) == b"large"
        assert b"uthorization" not in server.requests[-1], "no key goes to the address of a download"
        addresses[0] = "http://169.254.169.254/secret"
        with pytest.raises(errors.Malformed, match="not https"):
            await gateway.attachment("01M", "01E", "x", size=60_000)


async def test_a_difference_between_clocks_is_reported() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    async with raw_server(says(answer(200, b"{}", f"Date: {when}"))) as server, client(server) as gateway:
        assert gateway.caller.clock_skew is None
        await gateway.health()
        assert gateway.caller.clock_skew == pytest.approx(3600, abs=5)
    async with raw_server(says(answer(200, b"{}", "Date: nonsense"))) as server, client(server) as gateway:
        await gateway.health()
        assert gateway.caller.clock_skew is None


def test_the_limits_are_stated() -> None:
    assert http.MAX_ANSWER == 32 * 1024 * 1024


async def test_an_id_that_fits_into_no_address_is_refused_before_it_is_sent() -> None:
    async with raw_server(says(b"")) as server, client(server) as gateway:
        with pytest.raises(errors.BadRequest, match="too long"):
            await gateway.email("box", "x" * 100_000)
        assert server.requests == []
