"""The sandbox as a running server: the application, its port, and background work."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from email.utils import formatdate
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from uvicorn.server import ServerState

from mm_tui import __version__
from mm_tui.sandbox.gateway import (
    flat,
    identity,
    lifecycle,
    routes_account,
    routes_contacts,
    routes_mail,
    routes_mailboxes,
    routes_oversight,
    routes_sandbox,
    routes_sending,
    webhooks,
)
from mm_tui.sandbox.gateway.access import JsonAnswer, StateOf
from mm_tui.sandbox.gateway.faults import Faults, OpenConnections
from mm_tui.sandbox.gateway.state import ApiError, RateLimiter, SandboxState
from mm_tui.sandbox.model.api import create_router

ROUTERS = (
    routes_mailboxes, routes_mail, routes_sending, routes_oversight, routes_account, routes_contacts, flat,
    routes_sandbox,
)  # fmt: skip
HOOKS_AT_ONCE = 20
OWN_HOSTS = (*webhooks.LOOPBACK, "[::1]")


class _Dated(ServerState):
    """Adds a Date header to each answer, by the sandbox's own clock, which can be moved."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers to add to the next answer."""
        return [(b"date", formatdate(self._state.now_ms() / 1000, usegmt=True).encode())]

    @default_headers.setter
    def default_headers(self, value: list[tuple[bytes, bytes]]) -> None:
        """Accepts the base class's initial assignment."""


def create_app(state: SandboxState, *, token_delay: float = 0.0) -> FastAPI:
    """The application: the gateway, the flat calls, the stand-in model and the sandbox's own routes. `token_delay`:
    seconds between the words that the stand-in model streams."""
    # The interactive documentation would load scripts from other hosts.
    app = FastAPI(title="MultiMail-compatible sandbox", version=__version__, docs_url=None, redoc_url=None)
    app.state.sandbox = state
    app.state.limiter = RateLimiter()
    app.add_exception_handler(ApiError, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    for module in ROUTERS:
        app.include_router(module.router)
    app.include_router(create_router(state.fact("ai21_key") or "", token_delay=token_delay))
    # Prevents DNS rebinding: a web page must not read mail by pointing its own host name at this machine.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=OWN_HOSTS, www_redirect=False)

    @app.get("/health", tags=["health"])
    async def health(state: StateOf) -> Response:
        """The gateway's health status."""
        if state.tuning.healthy:
            return JsonAnswer({"status": "ok"})
        return JsonAnswer({"status": "degraded"}, status_code=503)

    @app.get("/.well-known/multimail-signing-key", tags=["identity"])
    async def signing_key(state: StateOf) -> Response:
        """The public key for the signed identity of sent mail, as a JSON Web Key."""
        return JsonAnswer(identity.public_key(state))

    app.openapi = functools.partial(_document, app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the gateway's own 400 in place of the framework's 422."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        refused = {"description": 'The request is not right: `{"error": …}`'}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                if not path.startswith("/studio/") and operation["responses"].pop("422", None):
                    operation["responses"]["400"] = refused
        app.openapi_schema = document
    return app.openapi_schema


class Server:
    """Serves a sandbox on a port of this machine."""

    def __init__(
        self, state: SandboxState, *, host: str = "127.0.0.1", port: int = 0, token_delay: float = 0.0
    ) -> None:
        """Binds the port at once (0 means any free one), so that `url` is known before the server runs. Raises OSError
        if the port is in use, or the host is not this machine."""
        self.state = state
        self._socket = _bind(host, port)
        self._address: tuple[str, int] = self._socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._address[1]}"
        self._connections = OpenConnections()
        app = create_app(state, token_delay=token_delay)
        self.faults = Faults(app, state, self._connections)
        app.state.faults = self.faults
        app.state.refuse = self._refuse_soon
        self._wake_lifecycle = asyncio.Event()
        self._wake_webhooks = asyncio.Event()
        self._refusing: set[asyncio.Task[None]] = set()

    async def run(self, started: Callable[[], None], stop: asyncio.Event) -> None:
        """Serves until `stop` is set; `started` is called once connections are accepted."""
        protocol = self._connections.protocol()
        config = uvicorn.Config(
            self.faults,
            http=protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=60,
        )
        config.load()
        self._factory = functools.partial(protocol, config=config, server_state=_Dated(self.state), app_state={})
        self.state.on_due = self._wake
        webhooks.requeue(self.state)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._factory, sock=self._socket, backlog=2048)
        background = [asyncio.create_task(self._live()), asyncio.create_task(self._call_hooks())]
        try:
            started()
            await _first_of(asyncio.create_task(stop.wait()), *background)
        finally:
            self._listener.close()
            self._connections.cut_all()
            for task in (*background, *self._refusing):
                task.cancel()
            await asyncio.gather(*background, *self._refusing, return_exceptions=True)
            self.state.on_due = lambda: None

    def close(self) -> None:
        """Releases the port of a server that was never run."""
        self._socket.close()

    def _wake(self) -> None:
        self._wake_lifecycle.set()
        self._wake_webhooks.set()

    async def _live(self) -> None:
        """Performs due steps of mail without a request."""
        while True:
            self._wake_lifecycle.clear()
            lifecycle.advance(self.state)
            await _until(self._wake_lifecycle, self.state.next_due(), self.state)

    async def _call_hooks(self) -> None:
        """Delivers webhooks, a limited number at once."""
        under_way: set[asyncio.Task[None]] = set()
        async with AsyncExitStack() as stack:
            client: httpx.AsyncClient | None = None
            try:
                while True:
                    self._wake_webhooks.clear()
                    for row in webhooks.claim_due(self.state, HOOKS_AT_ONCE - len(under_way)):
                        if client is None:
                            # Created late: loading the machine's certificates takes time, and few runs call webhooks.
                            client = httpx.AsyncClient(timeout=webhooks.TIMEOUT_SECONDS, trust_env=False)
                            await stack.enter_async_context(client)
                        task = asyncio.create_task(webhooks.attempt(self.state, client, row))
                        under_way.add(task)
                        task.add_done_callback(under_way.discard)
                        task.add_done_callback(lambda _: self._wake_webhooks.set())
                    due = webhooks.next_due(self.state) if len(under_way) < HOOKS_AT_ONCE else None
                    await _until(self._wake_webhooks, due, self.state)
            finally:
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)

    def _refuse_soon(self, seconds: float) -> None:
        task = asyncio.create_task(self._refuse(seconds))
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)

    async def _refuse(self, seconds: float) -> None:
        # The answer to the request that caused this must be sent first.
        await asyncio.sleep(0.05)
        self._listener.close()
        self._connections.cut_all()
        await asyncio.sleep(seconds)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._factory, *self._address, backlog=2048)


async def _until(event: asyncio.Event, due_ms: int | None, state: SandboxState) -> None:
    """Waits for the event, or until a time of the sandbox's clock."""
    timeout = None if due_ms is None else max(0.0, (due_ms - state.now_ms()) / 1000)
    try:
        async with asyncio.timeout(timeout):
            await event.wait()
    except TimeoutError:
        return


async def _first_of(*tasks: asyncio.Task[object]) -> None:
    """Waits for the first of them to end, and raises its error."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    tasks[0].cancel()
    for task in done:
        task.result()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol must be given: asyncio disables Nagle's algorithm only on such sockets.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JsonAnswer(error.body, status_code=error.status, headers=error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JsonAnswer({"error": str(error.detail)}, status_code=error.status_code, headers=error.headers)


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JsonAnswer({"error": f"{where}: {first['msg']}"}, status_code=400)
