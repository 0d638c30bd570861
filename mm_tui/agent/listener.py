"""The webhook listener: a signed event becomes a line in the worker's table, and nothing else.

Two shapes are documented, and both are taken:
`{"type": "email.received", "data": {"email_id", "thread_id", …}}` and
`{"event_type": "message.received", "mailbox", "message_id", "thread_id", …}`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.requests import ClientDisconnect

from mm_tui.agent.connections import Connections
from mm_tui.agent.jobs import Job
from mm_tui.models import GatewayId
from mm_tui.settings.secret import Secret

if TYPE_CHECKING:
    from mm_tui.agent.boxes import Boxes
    from mm_tui.agent.jobs import Jobs
    from mm_tui.agent.log import Log
    from mm_tui.clock import Clock

SIGNATURE_HEADER = "X-MultiMail-Signature"
MAX_BODY = 256 * 1024
"""Bytes; an event names a mail and does not carry it."""
BODY_SECONDS = 10.0
RECEIVED = frozenset({"email.received", "message.received"})

_ID = TypeAdapter(GatewayId)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the worker, which stops the listener too."""
        yield


class Listener:
    """Serves POST at any path: the address that the gateway was told is the user's to choose."""

    def __init__(
        self, secret: Secret, jobs: Jobs, boxes: Boxes, clock: Clock, log: Log, wake: Callable[[], None]
    ) -> None:
        """Args:
        secret: the subscription's signing secret.
        wake: called when an event says that there is mail; the poll that follows finds what the event did not name.
        """
        self._secret = secret.get_secret_value().encode()
        self._jobs = jobs
        self._boxes = boxes
        self._clock = clock
        self._log = log
        self._poke = wake
        # No documentation pages: this is a door, not a site.
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
        self.app.add_api_route("/{path:path}", self._receive, methods=["POST"], response_model=None)

    async def serve(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Listens until `stop` is set.

        Args:
            host: the address to listen on.
            port: 0 takes any free port; the log says which.

        Raises:
            OSError: the address cannot be listened on.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        door = socket.create_server((host, port), family=family)
        config = uvicorn.Config(
            self.app, log_config=None, access_log=False, lifespan="off", ws="none",
            http=Connections().protocol(), timeout_keep_alive=5, server_header=False,
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

    async def _receive(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _bounded(request)
        except TimeoutError:
            return _said(408, "too slow")
        except ClientDisconnect:
            return _said(400, "incomplete")
        if body is None:
            return _said(413, "too large")
        if not self.is_signed(body, request.headers.get(SIGNATURE_HEADER, "")):
            self._log("event refused", why="its signature is wrong")
            return _said(401, "wrong signature")
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return _said(400, "not JSON")
        if not isinstance(event, dict):
            return _said(200, "not for us")
        name = event.get("type") or event.get("event_type")
        if not isinstance(name, str) or name not in RECEIVED:
            return _said(200, "not for us")
        job = self._job(event)
        if await asyncio.to_thread(self._take, body, job):
            return _said(200, "known")
        self._log("event", email_id=job.email_id if job else None)
        self._poke()
        return _said(202, "taken")

    def _take(self, body: bytes, job: Job | None) -> bool:
        """Puts the mail into the table, then notes the event: an end between the two must not lose the mail."""
        if job is not None:
            self._jobs.add([job])
        return self._jobs.is_replay(body, self._clock.now())

    def is_signed(self, body: bytes, header: str) -> bool:
        """Whether the header holds the HMAC-SHA256 of the raw body, in hex. Takes the same time for any wrong one."""
        wanted = hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
        given = header.strip().lower().removeprefix("sha256=").encode("utf-8", "replace")
        return hmac.compare_digest(wanted, given)

    def _job(self, event: dict[str, Any]) -> Job | None:
        """The mail that an event names; None when it does not name one of ours in full: then only a poll can tell."""
        found = event.get("data") if "type" in event else event
        if not isinstance(found, dict):
            return None
        mailbox = found.get("mailbox_id") or found.get("mailbox")
        box = self._boxes.find(mailbox) if isinstance(mailbox, str) else None
        try:
            email_id = _ID.validate_python(found.get("email_id") or found.get("message_id"))
            thread_id = _ID.validate_python(found["thread_id"]) if found.get("thread_id") else ""
        except ValidationError:
            return None
        return Job(email_id, box.id, thread_id) if box is not None else None


async def _bounded(request: Request) -> bytes | None:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > MAX_BODY:
            return None
    return bytes(held)


def _said(status: int, words: str) -> Response:
    return Response(json.dumps({"status": words}), status_code=status, media_type="application/json")
