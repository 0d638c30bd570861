"""The sandbox's AI21-compatible endpoint: `chat.completions`, answered by the stand-in model.

The formats are those of AI21's SDK 4.3: plain answers, server-sent events, JSON mode, usage counts and the error
bodies of 401 and 422. Everything is written as ASCII JSON, because the SDK's decoder also splits events at U+0085
and U+2028.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mm_tui.sandbox.model.answers import MODEL_ID, complete

LONGEST_REQUEST = 4 * 1024 * 1024
"""Bytes; the real service's limit of 256 thousand tokens is of the same order."""

_TOKEN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[^\W_]{1,8}|_|[^\w\s]")
_PIECE = re.compile(r"\s*\S{1,24}|\s+")


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "user", "assistant", "tool"]
    content: str | None = None


class ResponseFormat(BaseModel):
    """Whether the answer is free text or one JSON object."""

    type: Literal["text", "json_object"] = "text"


class ChatRequest(BaseModel):
    """The body of a completion request; fields that the rules do not use are only checked."""

    model_config = ConfigDict(extra="ignore")
    model: str = Field(min_length=1, max_length=200)
    messages: list[ChatMessage] = Field(min_length=1, max_length=2000)
    max_tokens: int | None = Field(default=None, ge=0, le=4096)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    n: int | None = Field(default=None, ge=1, le=16)
    stream: bool | None = False
    response_format: ResponseFormat | None = None


def count_tokens(text: str) -> int:
    """Roughly the number of tokens of such a model."""
    return sum(1 for _ in _TOKEN.finditer(text))


def _cut(text: str, request: ChatRequest) -> tuple[str, str]:
    """The text cut at a stop word or at `max_tokens`, and the finish reason."""
    stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
    for stop in stops:
        if stop and stop in text:
            text = text[: text.index(stop)]
    if request.max_tokens:
        over = next(itertools.islice(_TOKEN.finditer(text), request.max_tokens, None), None)
        if over is not None:
            return text[: over.start()].rstrip(), "length"
    return text, "stop"


def _json(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content), status_code=status, media_type="application/json")


def _event(content: object) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode("ascii")


async def _events(answer_id: str, text: str, reason: str, usage: dict[str, int], delay: float) -> AsyncIterator[bytes]:
    def chunk(delta: dict[str, str], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({"id": answer_id, "model": MODEL_ID, "choices": [choice], **more})

    yield chunk({"role": "assistant"})
    for piece in _PIECE.finditer(text):
        if delay:
            await asyncio.sleep(delay)
        yield chunk({"content": piece.group()})
    yield chunk({"content": ""}, reason, usage=usage)
    yield b"data: [DONE]\n\n"


def _unprocessable(where: list[str | int], message: str) -> Response:
    return _json({"detail": [{"loc": where, "msg": message, "type": "value_error"}]}, 422)


async def _body(request: Request) -> bytes | None:
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > LONGEST_REQUEST:
            return None
    return bytes(held)


def _parse(raw: bytes) -> ChatRequest | Response:
    try:
        return ChatRequest.model_validate(json.loads(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return _unprocessable(["body", *first["loc"]], first["msg"])
    except (ValueError, RecursionError):
        return _unprocessable(["body"], "JSON decode error")


_ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"description": "The key is missing or wrong."},
    422: {"description": "The request cannot be read, or a field is out of its range."},
}


def create_router(api_key: str, *, token_delay: float = 0.0) -> APIRouter:
    """The router of the endpoint, for one Bearer key. `token_delay`: seconds between two words of a stream."""
    router = APIRouter(tags=["AI21-compatible stand-in"])
    numbers = itertools.count(1)
    wanted = f"Bearer {api_key}".encode()

    async def chat_completions(request: Request) -> Response:
        """Answers a chat completion with the rule-based stand-in."""
        given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, wanted):
            return _json({"detail": "Forbidden: Bad or missing API token."}, 401)
        raw = await _body(request)
        asked = _unprocessable(["body"], "request is too long") if raw is None else _parse(raw)
        if isinstance(asked, Response):
            return asked
        if asked.stream and (asked.n or 1) > 1:
            return _unprocessable(["body", "n"], "n must be 1 when streaming")
        messages = [(message.role, message.content or "") for message in asked.messages]
        json_mode = asked.response_format is not None and asked.response_format.type == "json_object"
        # Long prompts take tens of milliseconds, so they are processed off the event loop.
        text, reason = _cut(await asyncio.to_thread(complete, messages, json_mode=json_mode), asked)
        spent = sum(count_tokens(content) + 4 for _role, content in messages)
        made = count_tokens(text) * (asked.n or 1)
        usage = {"prompt_tokens": spent, "completion_tokens": made, "total_tokens": spent + made}
        answer_id = f"chat-local-{next(numbers)}"
        if asked.stream:
            return StreamingResponse(
                _events(answer_id, text, reason, usage, token_delay), media_type="text/event-stream"
            )
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", "content": text, "tool_calls": None},
                "logprobs": None,
                "finish_reason": reason,
            }
            for index in range(asked.n or 1)
        ]
        return _json({"id": answer_id, "model": MODEL_ID, "choices": choices, "usage": usage})

    router.add_api_route(
        "/studio/v1/chat/completions",
        chat_completions,
        methods=["POST"],
        response_model=None,
        responses=_ERRORS,
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": _inlined_schema()}}}
        },
    )
    return router


def _inlined_schema() -> dict[str, Any]:
    """The request's JSON schema with `$defs` inlined, because OpenAPI resolves them elsewhere."""
    schema = ChatRequest.model_json_schema()
    defs = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(defs[node["$ref"].rsplit("/", 1)[1]])
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
