"""Maps error statuses, pages that no gateway sends, and failed connections to errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from mm_tui.gateway import errors
from mm_tui.gateway.calls import ACCOUNT, HEALTH, MAILBOXES, PENDING, Call
from mm_tui.gateway.light_httpx import httpx

ALWAYS_THERE = frozenset({HEALTH, ACCOUNT, MAILBOXES, PENDING})
"""Calls that every MultiMail gateway supports: if they are not found, or return a web page, it is not one."""


def refusal(call: Call, response: httpx.Response, body: bytes, mask: Callable[[str], str]) -> errors.GatewayError:
    """The error for a status of 400 or above. `mask`: removes keys from the gateway's message."""
    status = response.status_code
    fields = _fields(body)
    words = mask(fields.get("error", ""))
    if (block := _block(response, body)) is not None:
        return block
    low = words.lower()
    wait = _seconds(response.headers.get("retry-after"))
    if status == 401:
        if _is_page(body):
            return no_gateway(call, "answers 401 with a web page", 401)
        return errors.Unauthorized(words, status=status)
    if status == 403:
        if "read_only" in low or "read-only" in low or "read only" in low:
            return errors.ReadOnlyMailbox(words, status=status)
        if call.forbidden_is_scope or "scope" in low:
            return errors.MissingScope(words, scope=call.scope or "")
        return errors.Forbidden(words, status=status)
    if status == 404:
        return _not_found(call, words, body)
    if status == 409:
        return errors.Conflict(words, status=status)
    if status == 429:
        kind: type[errors.TooMany] = errors.QuotaExceeded if "quota" in low else errors.RateLimited
        kind = errors.WarmupLimit if "warmup_stage" in fields else kind
        return kind(words, status=status, retry_after=wait)
    if status >= 500:
        return errors.ServerFault(words, status=status, retry_after=wait, may_have_happened=call.changes)
    if status == 408:
        # A proxy also says this about a request that it has already passed on.
        return errors.Interrupted(words, status=status, may_have_happened=call.changes)
    return errors.BadRequest(words, status=status)


def no_gateway(call: Call, what: str, status: int) -> errors.NotMultiMail:
    """The error if a call that every gateway supports is missing or does not return JSON."""
    return errors.NotMultiMail(f"{errors.NotMultiMail.default_message}: {call.path} {what}", status=status)


def _not_found(call: Call, words: str, body: bytes) -> errors.GatewayError:
    """What a 404 means: no such thing, no such call, or no gateway at all."""
    if call in ALWAYS_THERE:
        return no_gateway(call, "is not found", 404)
    if _is_page(body):
        return errors.NotMultiMail(f"{errors.NotMultiMail.default_message}: a web page says 404", status=404)
    if call.method == "GET" and "{" not in call.path:
        return errors.NoSuchCall(f"this gateway does not know {call.path}", status=404)
    return errors.NotFound(words, status=404)


def _is_page(body: bytes) -> bool:
    """Whether it is a web page: the gateway itself always answers in JSON."""
    return b"<" in body[:200] and not body.lstrip().startswith((b"{", b"["))


def _block(response: httpx.Response, body: bytes) -> errors.Blocked | None:
    """The error for a 403 that is not JSON: usually Cloudflare blocks the machine's address."""
    if response.status_code != 403 or body.lstrip().startswith(b"{"):
        return None
    code = re.search(rb"error code:?\s*(10\d\d)", body[:4000], re.IGNORECASE)
    if code is not None:
        return errors.Blocked.by(f"error code {code[1].decode()}")
    headers = response.headers
    named = "cf-mitigated" in headers or "cf-ray" in headers or "cloudflare" in headers.get("server", "").lower()
    if named or (_is_page(body) and b"cloudflare" in body.lower()):
        return errors.Blocked.by("a page of Cloudflare")
    return errors.Blocked.by("a web page", errors.Blocked.on_the_way) if _is_page(body) else None


def _fields(body: bytes) -> dict[str, str]:
    """The fields of an error's body as text, with the message under `error`."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        # Not JSON: a proxy's page. Its markup is no message.
        text = body[:500].decode("utf-8", "replace")
        return {} if "<" in text else {"error": text}
    if not isinstance(answer, dict):
        return {"error": answer} if isinstance(answer, str) else {}
    fields = {key: value if isinstance(value, str) else json.dumps(value) for key, value in answer.items()}
    words = answer.get("error") or answer.get("message") or answer.get("detail")
    if isinstance(words, dict):
        words = words.get("message")
    if words is not None:
        fields["error"] = (words if isinstance(words, str) else json.dumps(words))[:500]
    return fields


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; a date, which the gateway does not use, counts as none."""
    if header is None or not re.fullmatch(r"\s*\d{1,6}(\.\d{1,3})?\s*", header):
        return None
    return float(header)


def in_words(error: Exception) -> str:
    """A network exception in words, without anything from the request."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (httpx.ConnectTimeout, "the gateway did not answer the connection in time"),
        (httpx.PoolTimeout, "too many calls at once"),
        (httpx.TimeoutException, "the gateway took too long"),
        (httpx.ConnectError, "no connection to the gateway"),
        (httpx.ProxyError, "the proxy refused"),
        (httpx.RemoteProtocolError, "the gateway cut the connection"),
        (httpx.NetworkError, "the connection was cut"),
        (httpx.DecodingError, "the gateway's answer is not compressed correctly"),
    )
    return next((words for kind, words in kinds if isinstance(error, kind)), "the connection failed")
