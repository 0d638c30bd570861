"""AI21's Jamba models. The only file that knows the SDK.

Import it late: the SDK costs a quarter of a second and 28 MiB. Importing it also adds handlers to the loggers "ai21"
and "httpx" that write to the terminal, and stores the key from the environment in a module global; both are undone
here. The key is passed in an `httpx.Auth`, so that no frame of the SDK ever holds it.
"""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx
from ai21 import AI21APIError, AI21Error, AsyncAI21Client
from ai21.ai21_env_config import AI21EnvConfig
from ai21.models.chat import (
    AssistantMessage,
    ChatCompletionChunk,
    ChatCompletionResponse,
    ChatMessage,
    SystemMessage,
    UserMessage,
)
from ai21.stream.async_stream import AsyncStream

from mm_tui.assist import errors
from mm_tui.assist.limiter import Limiter, Limits
from mm_tui.assist.model import Completion, PromptTurn, StreamPart, TokenUsage
from mm_tui.clock import Clock, SystemClock
from mm_tui.settings.checks import LOOPBACK_HOSTS
from mm_tui.settings.secret import Secret, hide_in, without_begun
from mm_tui.text import ManyLine, OneLine

PLACEHOLDER_KEY = "in-the-transport"
"""The dummy key passed to the SDK."""
LONGEST_ANSWER = 200_000
"""Characters; much longer than any answer of the documented 4096 tokens."""
AFTERWORD_SECONDS = 2.0
"""Seconds to keep reading a finished stream for its usage."""
READ_SECONDS = 30.0
"""Seconds: the longest pause within an answer."""

_FOREIGN_ERRORS = (
    AI21APIError,
    AI21Error,
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    ValueError,  # not JSON, not UTF-8, not the promised fields
    RecursionError,  # JSON nested without end
)
_ROLES: dict[str, type[ChatMessage]] = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
_retry_after: ContextVar[float | None] = ContextVar("retry_after", default=None)
"""Seconds that the last answer in this task asked to wait. The SDK's errors do not include headers."""


def _silence() -> None:
    for name in ("ai21", "httpx"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        logger.setLevel(logging.CRITICAL)
    AI21EnvConfig._api_key = None
    # The SDK warns about its own calls on every chunk, and passes bodies to httpx in a deprecated way.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"ai21\b")
    warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)


_silence()


class _Bearer(httpx.Auth):
    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class Jamba:
    """An AI21 client with rate limits and deadlines. Use it as an async context manager, or call `aclose()`."""

    def __init__(
        self,
        key: Secret,
        host: str,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        attempts: int = 2,
        hidden: Sequence[Secret] = (),
    ) -> None:
        """Args:
        key: the AI21 key.
        host: the whole base address, `https://api.ai21.com/studio/v1`.
        attempts: how many times a call is tried if the service is busy or fails.
        hidden: other keys that, like the AI21 key, must not appear in any prompt or answer.
        """
        self._keys = (key, *hidden)
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._attempts = attempts
        self._limiters: dict[str, Limiter] = {}
        self._timeout = httpx.Timeout(connect=10.0, read=READ_SECONDS, write=10.0, pool=10.0)
        self.http = httpx.AsyncClient(
            auth=_Bearer(key),
            timeout=self._timeout,
            transport=transport,
            trust_env=urlsplit(host).hostname not in LOOPBACK_HOSTS,
            event_hooks={"response": [_read_error_body]},
            limits=httpx.Limits(max_connections=2 * self._limits.concurrent),
        )
        self._sdk = AsyncAI21Client(
            api_key=PLACEHOLDER_KEY,
            api_host=host.rstrip("/"),
            timeout_sec=cast(float, self._timeout),  # passed through to httpx, which accepts it
            num_retries=1,
            http_client=self.http,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self.http.aclose()

    async def complete(
        self,
        messages: Sequence[PromptTurn],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        json: bool = False,
        deadline: float = 30.0,
    ) -> Completion:
        """Asks once and waits for the whole answer. `json` asks for a JSON object, which is not checked here.
        `deadline`: seconds for the call and its retries in total; waiting for a turn does not count. Raises the
        AssistError that fits."""
        fields: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
        if json:
            fields["response_format"] = {"type": "json_object"}
        async with self._asked(messages, model, fields, deadline) as (answer, _):
            return _completion(cast(ChatCompletionResponse, answer), model, self._keys)

    async def stream(
        self,
        messages: Sequence[PromptTurn],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        deadline: float = 120.0,
    ) -> AsyncGenerator[StreamPart, None]:
        """Asks once and streams the answer; closing the generator closes the connection. Raises HalfStream if the
        answer ended without a finish reason (a missing `[DONE]` alone counts as a clean end), or another AssistError
        that fits."""
        fields: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "stream": True}
        async with self._asked(messages, model, fields, deadline) as (opened, ends):
            answer = cast("AsyncStream[ChatCompletionChunk]", opened)
            async with answer:
                reading = _StreamSoFar(model, self._keys)
                while not reading.finished:
                    problem = await reading.take(answer, ends)
                    if problem is not None:
                        raise problem
                    yield StreamPart(reading.text)
                if reading.usage is None:
                    await reading.take(answer, asyncio.get_running_loop().time() + AFTERWORD_SECONDS)
        whole = reading.completion()
        yield StreamPart(whole.text, whole)

    def _limiter(self, model: str) -> Limiter:
        if model not in self._limiters:
            self._limiters[model] = Limiter(self._limits, self._clock)
        return self._limiters[model]

    @asynccontextmanager
    async def _asked(
        self, messages: Sequence[PromptTurn], model: str, fields: dict[str, Any], deadline: float
    ) -> AsyncIterator[tuple[object, float]]:
        """The SDK's answer, a response or an open stream, and when its time is over; holds a place meanwhile."""
        limiter = self._limiter(model)
        refusals = 0
        while True:
            async with limiter.place() as start:
                ends = asyncio.get_running_loop().time() + deadline
                outcome = await self._ask(messages, model, fields, ends)
                if not isinstance(outcome, errors.AssistError):
                    limiter.answered()
                    yield outcome, ends
                    return
            # Raised outside of any handler: a chained error would carry frames that hold the email.
            if not isinstance(outcome, errors.AssistRateLimited):
                raise outcome
            refusals += 1
            limiter.refused(start, outcome.retry_after)
            is_over = (
                limiter.refused_for > errors.LONGEST_WAIT if self._limits.is_patient else refusals >= self._attempts
            )
            if is_over:
                raise outcome

    async def _ask(self, messages: Sequence[PromptTurn], model: str, fields: dict[str, Any], ends: float) -> object:
        """Returns the SDK's answer or the error. Failures are tried again here, refusals are not."""
        wait = 1.0
        for _ in range(1, self._attempts):
            outcome = await self._try(messages, model, fields, ends)
            if not isinstance(outcome, _WORTH_REPEATING):
                return outcome
            wait = outcome.retry_after if outcome.retry_after is not None else wait
            if asyncio.get_running_loop().time() + wait >= ends or wait > self._limits.longest_wait:
                return outcome
            await self._clock.sleep(wait)
        return await self._try(messages, model, fields, ends)

    async def _try(self, messages: Sequence[PromptTurn], model: str, fields: dict[str, Any], ends: float) -> object:
        _silence()
        _retry_after.set(None)
        turns = [
            _ROLES[message.role](role=message.role, content=hide_in(message.text, self._keys)) for message in messages
        ]
        try:
            async with asyncio.timeout_at(ends):
                return await self._sdk.chat.completions.create(model=model, messages=cast(Any, turns), n=1, **fields)
        except TimeoutError:
            return errors.TimedOut()
        except _FOREIGN_ERRORS as error:
            return _translated(error)


_WORTH_REPEATING = (errors.AssistServerFault, errors.AssistUnreachable)


class _StreamSoFar:
    """What has been read of a stream so far."""

    def __init__(self, model: str, keys: Sequence[Secret]) -> None:
        self._keys = keys
        self.raw = ""
        self.model = model
        self.usage: TokenUsage | None = None
        self.finish_reason: str | None = None

    @property
    def finished(self) -> bool:
        return self.finish_reason is not None

    @property
    def text(self) -> ManyLine:
        """The text so far, without keys and without what may be the beginning of a key."""
        clean = ManyLine(self.raw)
        return _without_keys(clean if self.finished else without_begun(clean, self._keys), self._keys)

    async def take(self, stream: AsyncStream[ChatCompletionChunk], ends: float) -> errors.AssistError | None:
        try:
            async with asyncio.timeout_at(ends):
                chunk = await stream.__anext__()
        except StopAsyncIteration:
            return errors.HalfStream()
        except TimeoutError:
            return errors.TimedOut()
        except _FOREIGN_ERRORS as error:
            problem = _translated(error)
            return errors.HalfStream() if self.raw and isinstance(problem, errors.AssistUnreachable) else problem
        self.model = _model_of(chunk, self.model)
        if chunk.usage is not None:
            self.usage = TokenUsage.reported(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices[:1]:
            self.raw += choice.delta.content or ""
            self.finish_reason = choice.finish_reason or self.finish_reason
        return errors.Garbled() if len(self.raw) > LONGEST_ANSWER else None

    def completion(self) -> Completion:
        return _whole(self.text, self.model, self.usage or TokenUsage(), self.finish_reason, self._keys)


def _without_keys(text: str, keys: Sequence[Secret]) -> ManyLine:
    """An answer without keys. It is cleaned first, because hidden characters may interrupt a key."""
    return ManyLine(hide_in(ManyLine(text), keys))


def _completion(answer: ChatCompletionResponse, model: str, keys: Sequence[Secret]) -> Completion:
    if not answer.choices:
        raise errors.Empty
    choice = answer.choices[0]
    text = _without_keys(choice.message.content or "", keys)
    if len(text) > LONGEST_ANSWER:
        raise errors.Garbled
    usage = TokenUsage.reported(answer.usage.prompt_tokens, answer.usage.completion_tokens)
    return _whole(text, _model_of(answer, model), usage, choice.finish_reason, keys)


def _whole(
    text: ManyLine, model: str, usage: TokenUsage, finish_reason: str | None, keys: Sequence[Secret]
) -> Completion:
    """A complete answer. Raises Empty if it has no text."""
    if not text.strip():
        raise errors.Empty
    return Completion(text, OneLine(hide_in(OneLine(model), keys)), usage, truncated=finish_reason == "length")


def _model_of(answer: ChatCompletionResponse | ChatCompletionChunk, asked: str) -> str:
    """The model id in the answer. The SDK has no field for it, but keeps unknown fields."""
    named = (answer.model_extra or {}).get("model")
    return named[:100] if isinstance(named, str) and named else asked


async def _read_error_body(response: httpx.Response) -> None:
    """Reads the body, without which a failed stream keeps its connection, and notes the wait."""
    if response.status_code == httpx.codes.OK:
        return
    _retry_after.set(_seconds(response.headers.get("Retry-After")))
    await response.aread()


def _seconds(header: str | None) -> float | None:
    """A Retry-After header (RFC 9110, 10.2.3: seconds or a date) in seconds; None if it is not usable."""
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _translated(error: Exception) -> errors.AssistError:
    """Converts an error of the SDK or of httpx to our own, without its text."""
    if isinstance(error, AI21APIError):
        return _for_status(error.status_code)
    if isinstance(error, httpx.ConnectTimeout):
        return errors.AssistUnreachable()
    if isinstance(error, httpx.TimeoutException):
        return errors.TimedOut()
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return errors.AssistBadRequest("The AI21 address or key cannot be used. Check AI21_API_HOST and AI21_API_KEY.")
    if isinstance(error, httpx.TransportError):
        return errors.AssistUnreachable()
    return errors.Garbled()


def _for_status(status: int) -> errors.AssistError:
    if status == 429:
        return errors.AssistRateLimited(retry_after=_retry_after.get())
    if status >= 500:
        return errors.AssistServerFault(retry_after=_retry_after.get())
    named = {401: errors.AssistUnauthorized, 403: errors.AssistForbidden, 408: errors.TimedOut}
    return named.get(status, errors.AssistBadRequest if status >= 400 else errors.Garbled)()
