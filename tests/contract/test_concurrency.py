"""Requests at the same time: none sees another half done, and nothing happens twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx

from tests.support.sandbox import Sandbox

AT_ONCE = 20


def client(sandbox: Sandbox, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=sandbox.url, headers={"X-API-Key": sandbox.keys[key]}, timeout=60, trust_env=False, verify=False
    )


async def test_of_many_decisions_at_once_one_counts(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    body = {"email_id": draft, "action": "approve"}
    async with client(sandbox, "oversight") as http:
        answers = await asyncio.gather(*(http.post("/v1/oversight/decide", json=body) for _ in range(AT_ONCE)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 404: AT_ONCE - 1}
    assert len(sandbox.outbox()) == 1


async def test_of_many_sends_with_one_key_one_counts(sandbox: Sandbox) -> None:
    body = {"to": ["a@b.example"], "subject": "Once", "markdown": "Once", "idempotency_key": "same"}
    async with client(sandbox, "send") as http:
        path = f"/v1/mailboxes/{sandbox.mailbox}/send"
        answers = await asyncio.gather(*(http.post(path, json=body) for _ in range(AT_ONCE)))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 200: AT_ONCE - 1}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(sandbox.pending()) == 1


async def test_approving_and_cancelling_at_once_never_both_succeed(sandbox: Sandbox) -> None:
    drafts = [sandbox.draft(f"Draft {number}") for number in range(10)]
    async with client(sandbox, "oversight") as reviewer, client(sandbox, "send") as agent:

        async def race(draft: str) -> tuple[int, int]:
            approve = reviewer.post("/v1/oversight/decide", json={"email_id": draft, "action": "approve"})
            cancel = agent.post(f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/cancel")
            approved, cancelled = await asyncio.gather(approve, cancel)
            return approved.status_code, cancelled.status_code

        outcomes = await asyncio.gather(*(race(draft) for draft in drafts))
    assert set(outcomes) <= {(200, 409), (404, 200)}
    assert len(sandbox.outbox()) == outcomes.count((200, 409))
