"""Faults on request: each looks to a client as it says, at the call it names, before or after the effect."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from mm_tui.sandbox.gateway.faults import MOST_BYTES, MOST_BYTES_UNKNOWN
from tests.support.sandbox import Sandbox, wait_until

DECIDE = "^/v1/oversight/decide$"


def decide(sandbox: Sandbox, draft: str, *, timeout: float = 10) -> httpx.Response:
    """A decision on a connection of its own."""
    return httpx.post(
        f"{sandbox.url}/v1/oversight/decide",
        headers={"X-API-Key": sandbox.keys["oversight"]},
        json={"email_id": draft, "action": "approve"},
        timeout=timeout,
        trust_env=False,
    )


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [("close", httpx.RemoteProtocolError), ("reset", httpx.ReadError), ("hang", httpx.ReadTimeout)],
)
def test_cut_connections(sandbox: Sandbox, kind: str, error: type[Exception], when: str) -> None:
    draft = sandbox.draft()
    sandbox.fault(method="POST", path=DECIDE, kind=kind, when=when)
    with pytest.raises(error):
        # Only an answer that never comes is given up; a slow machine may take its time with the others.
        decide(sandbox, draft, timeout=0.5 if kind == "hang" else 10)
    wait_until(lambda: len(sandbox.outbox()) == (when == "after"))
    assert sandbox.faults()[0]["hits"] == 1
    assert decide(sandbox, draft).status_code == (404 if when == "after" else 200)
    assert len(sandbox.outbox()) == 1


def test_reset_in_the_middle_of_the_answer(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    sandbox.fault(path=DECIDE, kind="reset_mid_body")
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        decide(sandbox, draft)
    assert len(sandbox.outbox()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("status", [500, 502, 503, 401])
def test_error_answers(sandbox: Sandbox, status: int, when: str) -> None:
    draft = sandbox.draft()
    sandbox.fault(path=DECIDE, kind="status", status=status, when=when, retry_after=7)
    answer = decide(sandbox, draft)
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert "error" in answer.json()
    assert len(sandbox.outbox()) == (when == "after")


@pytest.mark.parametrize(
    ("kind", "mark"), [("rate_limit", "Rate limit"), ("quota", "quota"), ("warmup", "warmup_stage")]
)
def test_the_three_kinds_of_429(sandbox: Sandbox, kind: str, mark: str) -> None:
    draft = sandbox.draft()
    sandbox.fault(path=DECIDE, kind=kind)
    answer = decide(sandbox, draft)
    assert (answer.status_code, mark in answer.text) == (429, True)
    assert ("Retry-After" in answer.headers) == (kind == "rate_limit")
    assert sandbox.outbox() == []


def test_unreadable_answers(sandbox: Sandbox) -> None:
    sandbox.fault(path="/mailboxes$", kind="truncated")
    sandbox.fault(path="/account$", kind="malformed")
    sandbox.fault(path="/usage$", kind="malformed", body='{"emails_sent": [')
    for path in ("/v1/mailboxes", "/v1/account", "/v1/usage"):
        answer = sandbox.http.get(path, headers={"X-API-Key": sandbox.keys["send"]})
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert sandbox.call("GET", path, key="send")


def test_slow_answers(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    sandbox.fault(path=DECIDE, kind="drip", seconds=0.4)
    started = time.monotonic()
    assert decide(sandbox, draft).json()["status"] == "approved_and_sent"
    assert time.monotonic() - started > 0.3
    for when in ("before", "after"):
        sandbox.fault(path="/account$", kind="delay", seconds=0.2, when=when)
        started = time.monotonic()
        assert sandbox.call("GET", "/v1/account", key="send")["id"]
        assert time.monotonic() - started > 0.15


def test_which_calls_are_hit(sandbox: Sandbox) -> None:
    def statuses(key: str, count: int) -> list[int]:
        headers = {"X-API-Key": sandbox.keys[key]}
        return [sandbox.http.get("/v1/account", headers=headers).status_code for _ in range(count)]

    sandbox.fault(method="GET", path="^/v1/account$", kind="status", status=503, nth=2, count=2, key="send")
    sandbox.fault(method="POST", path="^/v1/account$", kind="status", status=500, count=0)
    assert statuses("oversight", 3) == [200] * 3
    assert statuses("send", 5) == [200, 503, 503, 200, 200]
    assert [(rule["seen"], rule["hits"]) for rule in sandbox.faults()] == [(5, 2), (0, 0)]
    sandbox.clear_faults()
    sandbox.fault(kind="status", status=502, count=0)
    assert statuses("send", 3) == [502] * 3
    assert [call["fault"] for call in sandbox.calls()[-3:]] == ["status"] * 3
    sandbox.clear_faults()
    assert statuses("send", 1) == [200]


def test_the_port_can_be_closed_for_a_while(sandbox: Sandbox) -> None:
    def reach() -> Any:
        try:
            return httpx.get(f"{sandbox.url}/health", timeout=1, trust_env=False).status_code
        except httpx.HTTPError as error:
            return type(error)

    sandbox.call("POST", "/sandbox/refuse", json={"seconds": 0.5})
    wait_until(lambda: reach() is httpx.ConnectError)
    wait_until(lambda: reach() == 200)


@pytest.mark.parametrize("rule", [{"kind": "no_such"}, {"kind": "close", "path": "("}, {"kind": "close", "pth": "x"}])
def test_rules_with_slips_are_refused(sandbox: Sandbox, rule: dict[str, str]) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        sandbox.fault(**rule)
    assert refused.value.response.status_code == 400


def _held_by_sockets() -> int:
    """The bytes that a receiving and a sending socket may grow to, and a megabyte for what the two programs hold."""
    megabyte, limits = 1024 * 1024, [Path(f"/proc/sys/net/ipv4/tcp_{one}mem") for one in "rw"]
    if not all(limit.exists() for limit in limits):
        return 32 * megabyte
    return megabyte + sum(int(limit.read_text().split()[-1]) for limit in limits)


@pytest.mark.parametrize(
    ("key", "most", "status"), [("oversight", MOST_BYTES, 413), (None, MOST_BYTES_UNKNOWN, 401)], ids=["known", "not"]
)
@pytest.mark.parametrize("named", [True, False], ids=["length named", "in chunks"])
def test_a_body_beyond_all_measure_is_not_read(
    sandbox: Sandbox, key: str | None, most: int, status: int, named: bool
) -> None:
    total, part = 200 * 1024 * 1024, b"x" * 65536
    given = 0

    def body() -> Iterator[bytes]:
        nonlocal given
        while given < total:
            given += len(part)
            yield part

    headers = {"X-API-Key": sandbox.keys[key] if key else "mm_test_wrong"}
    headers |= {"Content-Length": str(total)} if named else {}
    path = f"{sandbox.url}/v1/oversight/decide"
    answered: int | None = None
    # The connection may be closed while the rest is on its way.
    with suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        answered = httpx.post(path, headers=headers, content=body(), timeout=20, trust_env=False).status_code
    assert answered in (status, None)
    assert given < (0 if named else most) + _held_by_sockets(), "no more than what the sockets hold between the two"
    assert sandbox.call("GET", "/v1/account", key="send"), "it goes on serving"
