"""The client of the models: answers, streams, faults, and keys that stay secret."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
import warnings
from contextlib import aclosing

import httpx
import pytest

from mm_tui.assist import errors
from mm_tui.assist.jamba import Jamba
from mm_tui.assist.model import MOST_TOKENS, PromptTurn, StreamPart, TokenUsage
from mm_tui.settings.secret import Secret
from mm_tui.text import ManyLine
from tests.support.jamba import ASKED, MAIL_SECRET, ask, client, in_use, listen
from tests.support.models import MODEL_KEY, Answer, completion, event, plain, raw_server, stand_in, stream


async def test_answers_and_streams_against_the_stand_in() -> None:
    async with stand_in() as host, Jamba(Secret(MODEL_KEY), host) as jamba:
        answer = await jamba.complete(ASKED, "jamba-mini", max_tokens=100)
        assert MAIL_SECRET in answer.text.lower()
        assert answer.model == "local-rules-0"
        assert answer.usage.prompt_tokens > 0
        assert answer.usage.completion_tokens > 0
        parts = await listen(jamba)
        assert parts[-1].whole is not None
        assert parts[-1].whole.text == answer.text
        assert parts[-1].whole.usage.completion_tokens > 0
        assert [part.whole for part in parts[:-1]] == [None] * (len(parts) - 1)
        assert in_use(jamba) == 0


async def test_wrong_key_against_the_stand_in() -> None:
    async with stand_in() as host, Jamba(Secret("another"), host) as jamba:
        with pytest.raises(errors.AssistUnauthorized):
            await ask(jamba)


STATUSES = [
    (400, errors.AssistBadRequest),
    (401, errors.AssistUnauthorized),
    (403, errors.AssistForbidden),
    (404, errors.AssistBadRequest),
    (408, errors.TimedOut),
    (422, errors.AssistBadRequest),
    (429, errors.AssistRateLimited),
    (500, errors.AssistServerFault),
    (502, errors.AssistServerFault),
    (503, errors.AssistServerFault),
    (504, errors.AssistServerFault),
    (302, errors.Garbled),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize("streamed", [False, True])
async def test_statuses(status: int, kind: type[errors.AssistError], streamed: bool) -> None:
    body = f'{{"detail":"\x1b]52;c;x\x07 {MAIL_SECRET} {MODEL_KEY}"}}'.encode()
    async with client(plain(status, body)) as (jamba, server):
        with pytest.raises(kind) as caught:
            await (listen(jamba) if streamed else ask(jamba))
        assert in_use(jamba) == 0
        assert len(server.requests) == 1
    assert_quiet(caught.value)


def locals_below_tests(error: BaseException) -> str:
    """A traceback with the locals of every frame but those of this file, whose locals hold the key by design."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.stack if frame.filename != __file__]
    assert frames
    return "".join(traceback.StackSummary.from_list(frames).format()) + "".join(report.format_exception_only())


def assert_quiet(error: BaseException) -> None:
    """Neither the words nor anything reachable from the error holds the key, the mail or an escape."""
    assert MODEL_KEY not in locals_below_tests(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    for text in (str(error), repr(error)):
        assert MAIL_SECRET not in text
        assert "\x1b" not in text
    assert str(error).endswith(".")


FAULTS: list[tuple[str, Answer, type[errors.AssistError]]] = [
    ("not json", plain(200, b"<html>busy</html>"), errors.Garbled),
    ("not utf-8", plain(200, b'{"id":"\xff\xfe'), errors.Garbled),
    ("a list", plain(200, b"[]"), errors.Garbled),
    ("nested", plain(200, b"[" * 100_000), errors.Garbled),
    ("no usage", plain(200, b'{"id":"x","choices":[]}'), errors.Garbled),
    ("no choices", plain(200, completion("x", choices=[])), errors.Empty),
    ("null text", plain(200, completion(None)), errors.Empty),  # type: ignore[arg-type]  # as a server might
    ("blank text", plain(200, completion("\u200b \n")), errors.Empty),
    ("bad gzip", plain(200, b"zzzz", "Content-Encoding: gzip\r\n"), errors.Garbled),
    ("endless", plain(200, completion("x" * 300_000)), errors.Garbled),
    ("short body", plain(200, b"{", "Content-Length: 9\r\n"), errors.AssistUnreachable),
]


@pytest.mark.parametrize(("name", "answer", "kind"), FAULTS, ids=[name for name, *_ in FAULTS])
async def test_bad_answers(name: str, answer: Answer, kind: type[errors.AssistError]) -> None:
    async with client(answer) as (jamba, _):
        with pytest.raises(kind) as caught:
            await ask(jamba, deadline=3)
        assert in_use(jamba) == 0
    assert type(caught.value) is kind
    assert_quiet(caught.value)


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    raise ConnectionResetError


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("answer", "kind"), [(hang, errors.TimedOut), (hang_up, errors.AssistUnreachable), (drip, errors.TimedOut)]
)
async def test_silence_and_hang_ups(answer: Answer, kind: type[errors.AssistError], streamed: bool) -> None:
    async with client(answer) as (jamba, _):
        with pytest.raises(kind) as caught:
            await (listen(jamba, 0.3) if streamed else ask(jamba, deadline=0.3))
        assert in_use(jamba) == 0
    assert_quiet(caught.value)


async def test_nobody_listens() -> None:
    async with Jamba(Secret(MODEL_KEY), "http://127.0.0.1:1/studio/v1", attempts=1) as jamba:
        with pytest.raises(errors.AssistUnreachable) as caught:
            await ask(jamba)
    assert_quiet(caught.value)


async def test_a_key_that_no_header_can_hold_is_not_shown() -> None:
    async with raw_server(plain(200)) as server, Jamba(Secret("bad\nkey-77"), server.host) as jamba:
        with pytest.raises(errors.AssistBadRequest) as caught:
            await ask(jamba)
    assert "key-77" not in locals_below_tests(caught.value)


HALVES: list[tuple[str, Answer, type[errors.AssistError]]] = [
    ("no finish", stream(event("Hello"), event(" you")), errors.HalfStream),
    ("done without finish", stream(event("Hello"), b"data: [DONE]\n\n"), errors.HalfStream),
    ("no events", stream(), errors.HalfStream),
    ("silence", stream(event("Hello"), hang=True), errors.TimedOut),
    ("drip", stream(*[event("a")] * 100, pause=0.02), errors.TimedOut),
    ("no space", stream(b"data:{}\n\n"), errors.Garbled),
    ("not json", stream(b"data: {oops\n\n"), errors.Garbled),
    ("a number", stream(b"data: 3\n\n"), errors.Garbled),
    ("only finish", stream(event("", "stop")), errors.Empty),
    ("no choices ever", stream(b'data: {"id":"c","choices":[]}\n\n'), errors.HalfStream),
    ("endless", stream(*[event("x" * 50_000)] * 5), errors.Garbled),
]


@pytest.mark.parametrize(("name", "answer", "kind"), HALVES, ids=[name for name, *_ in HALVES])
async def test_bad_streams(name: str, answer: Answer, kind: type[errors.AssistError]) -> None:
    async with client(answer) as (jamba, _):
        with pytest.raises(kind) as caught:
            await listen(jamba, 0.5)
        assert in_use(jamba) == 0
    assert type(caught.value) is kind
    assert_quiet(caught.value)


async def test_a_finished_stream_needs_no_done_line() -> None:
    # Less than nothing would lift the budget.
    usage = {"prompt_tokens": 10**30, "completion_tokens": -2, "total_tokens": 7}
    async with client(stream(event("Hello"), event("", "stop", usage=usage), hang=True)) as (jamba, _):
        parts = await listen(jamba)
        assert in_use(jamba) == 0
    assert parts[-1].whole is not None
    assert parts[-1].whole.text == "Hello"
    assert parts[-1].whole.model == "jamba-x"
    assert parts[-1].whole.usage == TokenUsage(MOST_TOKENS, 0)


async def test_text_is_cleaned_across_chunks() -> None:
    async with client(stream(event("a\x1b"), event("]52;c;aGk\x07b\u202e"), event("c", "length"))) as (jamba, _):
        parts = await listen(jamba)
    assert parts[-1].text == "abc"
    assert parts[-1].whole is not None
    assert parts[-1].whole.truncated
    assert all("\x1b" not in part.text for part in parts)


async def test_leaving_a_stream_early_closes_it() -> None:
    async with client(stream(event("Hello"), hang=True)) as (jamba, server):
        async with aclosing(jamba.stream(ASKED, "jamba-mini", max_tokens=5)) as parts:
            assert (await anext(parts)).text == "Hello"
        assert in_use(jamba) == 0
        await server.all_closed()


async def test_cancelling_a_stream_closes_it() -> None:
    first = asyncio.Event()

    async def read(jamba: Jamba) -> None:
        async for _ in jamba.stream(ASKED, "jamba-mini", max_tokens=5):
            first.set()

    async with client(stream(event("Hello"), hang=True)) as (jamba, server):
        task = asyncio.create_task(read(jamba))
        await first.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.all_closed()
        assert in_use(jamba) == 0


async def test_the_key_travels_in_the_header_and_nowhere_else(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AI21_API_KEY", "an-environment-key-2")
    monkeypatch.setenv("AI21_LOG_LEVEL", "debug")
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with client(plain(200, completion("Yes."))) as (jamba, server):
            await ask(jamba)
        assert f"authorization: bearer {MODEL_KEY}".encode() in server.requests[0].lower()
        assert b"environment-key" not in server.requests[0]
        async with client(stream(event("a"), event("b", "stop"))) as (jamba, server):
            await listen(jamba)
            held = repr(vars(jamba)) + repr(vars(jamba._sdk)) + repr(vars(jamba.http))
        async with client(plain(500)) as (jamba, _):
            with pytest.raises(errors.AssistServerFault):
                await ask(jamba)
    assert MODEL_KEY not in held
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert MODEL_KEY not in caplog.text
    assert not logging.getLogger("ai21").propagate
    assert [type(handler) for handler in logging.getLogger("httpx").handlers] == [logging.NullHandler]


async def test_the_environments_proxy_is_not_asked_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with client(plain(200, completion("Yes."))) as (jamba, _):
        assert await ask(jamba) == "Yes."


async def test_an_injected_transport_is_used() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://127.0.0.1:9/studio/v1/chat/completions"
        return httpx.Response(200, content=completion("Yes."))

    transport = httpx.MockTransport(answer)
    async with Jamba(Secret(MODEL_KEY), "http://127.0.0.1:9/studio/v1/", transport=transport) as jamba:
        assert await ask(jamba) == "Yes."


GATEWAY_KEY = "mm_test_made-up-gateway-key"


def in_pieces(text: str, size: int) -> list[bytes]:
    """A text as the events of a stream."""
    return [event(text[at : at + size]) for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("key", [MODEL_KEY, GATEWAY_KEY, "\u200b".join(MODEL_KEY)], ids=["model", "gateway", "hidden"])
async def test_an_answer_that_repeats_a_key_is_given_without_it(key: str, size: int) -> None:
    echoed, words = f"Your key is {key}, keep {key}", "Your key is [key], keep [key]"
    for streamed in (False, True):
        answer = stream(*in_pieces(echoed, size), event("", "stop")) if streamed else plain(200, completion(echoed))
        async with (
            raw_server(answer) as server,
            Jamba(Secret(MODEL_KEY), server.host, hidden=[Secret(GATEWAY_KEY)]) as jamba,
        ):
            parts = await listen(jamba) if streamed else [StreamPart(ManyLine(await ask(jamba)))]
        assert parts[-1].text == words
        if parts[-1].whole is not None:
            assert parts[-1].whole.text == words
        # Not even its beginning is shown while the rest is under way.
        assert not any(begun in part.text for part in parts for begun in (MODEL_KEY[:6], GATEWAY_KEY[:6]))


async def test_a_model_that_is_named_like_a_key_is_kept_without_it() -> None:
    body = json.loads(completion("Yes.")) | {"model": f"jamba-{MODEL_KEY}"}
    async with client(plain(200, json.dumps(body).encode())) as (jamba, _):
        answer = await jamba.complete(ASKED, "jamba-mini", max_tokens=5)
    assert answer.model == "jamba-[key]"


async def test_no_prompt_contains_a_key() -> None:
    asked = [PromptTurn("user", f"They wrote {MODEL_KEY} and {GATEWAY_KEY}.")]
    async with (
        raw_server(plain(200, completion("Yes."))) as server,
        Jamba(Secret(MODEL_KEY), server.host, hidden=[Secret(GATEWAY_KEY)]) as jamba,
    ):
        await jamba.complete(asked, "jamba-mini", max_tokens=5)
        sent = server.requests[0].partition(b"\r\n\r\n")[2]
    assert b"They wrote [key] and [key]." in sent
    assert MODEL_KEY.encode() not in sent and GATEWAY_KEY.encode() not in sent
