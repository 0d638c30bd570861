"""The webhook listener: a signed event adds a job or starts a poll, and does nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.h11_impl import H11Protocol

from mm_tui import typed_json
from mm_tui.agent.boxes import Boxes
from mm_tui.agent.jobs import Job, Jobs
from mm_tui.agent.log import Log
from mm_tui.clock import Clock
from mm_tui.models import Direction, GatewayId
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine

MOST = 64
"""The most open connections. If there is one more, the oldest with an incomplete request is closed."""
REQUEST_SECONDS = 10.0
"""Seconds that a connection may take to send a whole request, and that it may stay idle."""
SIGNATURE_HEADER = "X-MultiMail-Signature"
MAX_BODY = 256 * 1024
"""Bytes; an event names an email and does not contain it."""
BODY_SECONDS = 10.0
SUM_SECONDS = 60.0
"""Refused requests are logged at most this often for each reason, because anybody can send them."""
MOST_SHAPES = 50
"""How many unknown kinds of events are logged, each once."""


class ConnectionLimits:
    """Limits the number and duration of one server's connections."""

    def __init__(self, most: int = MOST, seconds: float = REQUEST_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        # In the order in which they started waiting.
        self._unfinished: dict[H11Protocol, asyncio.TimerHandle] = {}
        self._open: set[H11Protocol] = set()

    def protocol(self) -> type[H11Protocol]:
        """A protocol class for uvicorn with these limits."""
        bounds = self

        class Bounded(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                bounds._opened(self)

            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                bounds._received(self)

            def on_response_complete(self) -> None:
                super().on_response_complete()
                bounds._received(self)

            def connection_lost(self, exc: Exception | None) -> None:
                bounds._closed(self)
                super().connection_lost(exc)

        return Bounded

    def _opened(self, connection: H11Protocol) -> None:
        self._open.add(connection)
        self._wait_for(connection)
        if len(self._open) > self._most:
            oldest = next(iter(self._unfinished))
            self._closed(oldest)
            oldest.transport.abort()

    def _received(self, connection: H11Protocol) -> None:
        """Stops the timer when the whole request has arrived, and restarts it for the next one."""
        answering = connection.cycle is not None and not connection.cycle.response_complete
        if answering and not connection.cycle.more_body:
            self._done_waiting(connection)
        elif connection in self._open and connection not in self._unfinished:
            self._wait_for(connection)

    def _wait_for(self, connection: H11Protocol) -> None:
        loop = asyncio.get_running_loop()
        self._unfinished[connection] = loop.call_later(self._seconds, connection.transport.abort)

    def _done_waiting(self, connection: H11Protocol) -> None:
        if timer := self._unfinished.pop(connection, None):
            timer.cancel()

    def _closed(self, connection: H11Protocol) -> None:
        self._open.discard(connection)
        self._done_waiting(connection)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the agent, which also stops the listener."""
        yield


class Listener:
    """Serves POST at any path, because the user chooses the webhook's address."""

    def __init__(
        self, secret: Secret, jobs: Jobs, boxes: Boxes, clock: Clock, log: Log, wake: Callable[[], None]
    ) -> None:
        """Args:
        secret: the subscription's signing secret.
        wake: called when an event announces mail; the following poll finds what the event did not name.
        """
        self._secret = secret.get_secret_value().encode()
        self._jobs = jobs
        self._boxes = boxes
        self._clock = clock
        self._log = log
        self._wake = wake
        self._unknown: set[str] = set()
        self._refused: dict[str, int] = {}
        # No documentation pages: it only receives events.
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        self.app.add_api_route("/{path:path}", self._receive, methods=["POST"], response_model=None)

    async def serve(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Listens until `stop` is set. Port 0 means any free port; the log says which. Raises OSError."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        door = socket.create_server((host, port), family=family)
        config = uvicorn.Config(
            self.app, log_config=None, log_level="critical", access_log=False, lifespan="off", ws="none",
            http=ConnectionLimits().protocol(), timeout_keep_alive=5, server_header=False,
        )  # fmt: skip
        server = _Server(config)
        self._log("listening", host=host, port=door.getsockname()[1])
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
        finally:
            server.should_exit = True
            await serving
            door.close()
            for why in tuple(self._refused):
                self.sum_up(why)

    async def _receive(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _bounded(request)
        except TimeoutError:
            return self._refuse(408, "too slow", f"it took longer than {BODY_SECONDS:g} s")
        except ClientDisconnect:
            return _said(400, "incomplete")
        if body is None:
            return self._refuse(413, "too large", f"it is larger than {MAX_BODY // 1024} KiB")
        if not self.is_signed(body, request.headers.get(SIGNATURE_HEADER, "")):
            return self._refuse(401, "wrong signature", "its signature is wrong")
        try:
            event = read_event(json.loads(body))
        except (ValueError, RecursionError):
            # It is signed, so it comes from the gateway.
            event = WebhookEvent(True, unknown_shape=OneLine("no JSON"))
        if not event.may_bring_mail:
            return _said(200, "not for us")
        self._log_unknown(event.unknown_shape)
        job = self._job(event)
        if await asyncio.to_thread(self._take, body, job):
            return _said(200, "known")
        self._log("event", email_id=job.email_id if job else None)
        self._wake()
        return _said(202, "taken")

    def _take(self, body: bytes, job: Job | None) -> bool:
        """Adds the job, then records the event, so that a crash between the two does not lose the email."""
        if job is not None:
            self._jobs.add([job])
        return self._jobs.is_replay(body, self._clock.now())

    def is_signed(self, body: bytes, header: str) -> bool:
        """Whether the header is the HMAC-SHA256 of the raw body, in hex. Compares in constant time."""
        wanted = hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
        given = header.strip().lower().removeprefix("sha256=").encode("utf-8", "replace")
        return hmac.compare_digest(wanted, given)

    def _refuse(self, status: int, words: str, why: str) -> Response:
        """Logs the first refusal at once, and those that follow as a sum."""
        if why in self._refused:
            self._refused[why] += 1
        else:
            self._log("event refused", why=why)
            self._sum_up_later(why)
        return _said(status, words)

    def _sum_up_later(self, why: str) -> None:
        self._refused[why] = 0
        asyncio.get_running_loop().call_later(SUM_SECONDS, self.sum_up, why)

    def sum_up(self, why: str) -> None:
        """Logs how many more were refused for this reason, if any."""
        if count := self._refused.pop(why, 0):
            self._log("events refused", why=why, count=count)
            self._sum_up_later(why)

    def _log_unknown(self, shape: str) -> None:
        if shape and shape not in self._unknown and len(self._unknown) < MOST_SHAPES:
            self._unknown.add(shape)
            self._log("event not understood", shape=shape, then="a poll")

    def _job(self, event: WebhookEvent) -> Job | None:
        """The job for the email named by an event; None if it does not fully name one of ours."""
        box = self._boxes.find(event.mailbox) if event.mailbox else None
        if box is None or event.email_id is None:
            return None
        return Job(event.email_id, box.id, event.thread_id)


async def _bounded(request: Request) -> bytes | None:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MAX_BODY:
            return None
    return bytes(held)


def _said(status: int, words: str) -> Response:
    return Response(json.dumps({"status": words}), status_code=status, media_type="application/json")


_NAMES = ("type", "event", "event_type")
_WORD = re.compile(r"[a-z]+")
_ARRIVES = frozenset({"received", "inbound", "incoming", "arrived"})
_ELSE = frozenset(
    {
        *("sent", "delivered", "delivery", "bounced", "bounce", "complained", "complaint", "open", "opened", "click"),
        *("clicked", "pending", "cancelled", "canceled", "scheduled", "failed", "read", "deleted", "spam"),
    }
)
"""Words of events that bring an agent no work. An approval may: it can release inbound mail."""
_KNOWN = frozenset({"approved", "rejected"})
"""Events that need a poll: inbound mail was approved, or a draft was rejected with a request."""
_SHAPE_CHARACTERS = 120


class WebhookEvent(msgspec.Struct, frozen=True):
    """What an event says about work for the agent."""

    may_bring_mail: bool
    """There is new mail or a draft to write again; False if it certainly brings neither."""
    email_id: str | None = None
    mailbox: str | None = None
    """An id or an address."""
    thread_id: str = ""
    unknown_shape: OneLine = OneLine("")
    """For an unknown event, its name and fields for the log, without values; otherwise empty."""


def read_event(event: object) -> WebhookEvent:
    """Parses a payload, in every known format of the gateway. Never raises.

    - `{"type": "email.received", "data": {"email_id", "thread_id", …}}`
    - `{"event": "email.received", "timestamp", "data": {"email_id", "from", "to", …}}`: neither thread nor mailbox
    - `{"event_type": "message.received", "mailbox", "message_id", "thread_id", …}`

    The gateway may have other events. Any that may be about new mail or a rejected draft starts a poll.
    """
    if not isinstance(event, dict):
        return WebhookEvent(True, unknown_shape=OneLine(f"a {type(event).__name__}"))
    inner = event.get("data")
    found = inner if isinstance(inner, dict) else event
    name = next((name for key in _NAMES if isinstance(name := event.get(key), str) and name), "")
    words = set(_WORD.findall(name.lower()))
    arrives = bool(words & _ARRIVES)
    if (words & _ELSE and not arrives) or (arrives and found.get("direction") == Direction.OUTBOUND):
        return WebhookEvent(False)
    if arrives and words & _ELSE:
        # "inbound.delivered": it is about inbound mail; only a poll shows whether there is work.
        return WebhookEvent(True)
    if not arrives:
        shape = "" if words & _KNOWN else _shape(event, name)
        return WebhookEvent(True, unknown_shape=OneLine(shape))
    mailbox = found.get("mailbox_id") or found.get("mailbox")
    email_id = _id(found.get("email_id") or found.get("message_id") or (found.get("id") if found is inner else None))
    thread_id = found.get("thread_id")
    return WebhookEvent(
        True,
        email_id=email_id if not thread_id or _id(thread_id) else None,
        mailbox=mailbox if isinstance(mailbox, str) else None,
        thread_id=_id(thread_id) or "",
        unknown_shape=OneLine("" if email_id else _shape(event, name)),
    )


def _id(value: object) -> str | None:
    try:
        return typed_json.from_values(GatewayId, value)
    except ValueError:
        return None


def _shape(event: dict[str, object], name: str) -> str:
    inner = event.get("data")
    fields = [f"data.{key}" for key in inner] if isinstance(inner, dict) else []
    return f"{name or 'no name'}: {', '.join(sorted([*event, *fields]))}"[:_SHAPE_CHARACTERS]
