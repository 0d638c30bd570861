"""Shared by the routes: the caller, its scope, and how an answer is written."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, cast

from fastapi import Depends, Query, Request, Response
from starlette.datastructures import Headers

from mm_tui.sandbox.gateway import lifecycle
from mm_tui.sandbox.gateway.state import ApiError, RateLimiter, RequestKey, SandboxState
from mm_tui.sandbox.gateway.statuses import Scope


async def current_state(request: Request) -> SandboxState:
    """The sandbox's state, after everything that is due has happened. Async: a plain function would run in a thread,
    interleaved with other requests' writes."""
    state = cast(SandboxState, request.app.state.sandbox)
    lifecycle.advance(state)
    return state


StateOf = Annotated[SandboxState, Depends(current_state)]


def secret_of(headers: Headers) -> str:
    """The API key of a request, from `Authorization: Bearer` or `X-API-Key`; empty if there is none."""
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return (secret if kind.lower() == "bearer" else headers.get("x-api-key", "")).strip()


def require(scope: Scope) -> Callable[[Request], Awaitable[RequestKey]]:
    """A dependency that lets only keys with `scope` through: 401 without a good key, 403 without the scope."""

    async def allowed(request: Request) -> RequestKey:
        state = await current_state(request)
        caller = state.caller(secret_of(request.headers))
        if caller is None:
            raise ApiError(401, "Missing or invalid API key", headers={"WWW-Authenticate": "Bearer"})
        state.api_calls += 1
        cast(RateLimiter, request.app.state.limiter).check(state, caller)
        if scope not in caller.scopes:
            raise ApiError(403, f"API key lacks the '{scope}' scope", required_scope=scope.value)
        return caller

    return allowed


Reader = Annotated[RequestKey, Depends(require(Scope.READ))]
Sender = Annotated[RequestKey, Depends(require(Scope.SEND))]
Overseer = Annotated[RequestKey, Depends(require(Scope.OVERSIGHT))]
Admin = Annotated[RequestKey, Depends(require(Scope.ADMIN))]

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=200)]


class JsonAnswer(Response):
    """A JSON answer, encoded directly: lists of a hundred emails need no model."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
