"""Answers that no document describes: each becomes a model or a clear refusal, never another exception."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.gateway import account_wire, values, wire
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.values import Json
from mm_tui.models import RawContent
from mm_tui.settings.secret import Secret

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8)
odd = st.recursive(
    scalars | st.just("01E") | st.just("2026-03-01T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "id", "mailbox_id", "thread_id", "from", "to", "cc", "subject", "body", "markdown", "status", "direction",
    "received_at", "created_at", "attachments", "tags", "metadata", "has_attachments", "emails", "events", "url",
    "spam_score", "approved_at", "message_count", "participants", "address", "oversight_mode", "auto_cc",
    "emails_sent", "monthly_email_quota", "action", "webhook_id", "response_status",
)  # fmt: skip
objects = st.dictionaries(st.sampled_from(FIELDS), odd, max_size=12)

READERS: tuple[Callable[[Json], object], ...] = (
    lambda item: wire.email_summary(item, "01M"),
    lambda item: wire.email_detail(item, "01M"),
    wire.pending_item,
    account_wire.mailbox,
    lambda item: wire.thread(item, "01M", "01T"),
    wire.audit_entry,
    wire.send_receipt,
    wire.decided,
    account_wire.account,
    account_wire.usage,
    account_wire.webhook,
    account_wire.webhook_delivery,
    account_wire.contact,
    account_wire.suppression,
)


@settings(max_examples=100)
@given(objects)
def test_an_object_of_any_content_is_translated_or_refused(item: dict[str, object]) -> None:
    for given_item in (item, {**item, "id": "01E", "mailbox_id": "01M", "emails": []}):
        for read in READERS:
            try:
                read(given_item)
            except values.Unusable as refusal:
                assert str(refusal)


CALLS: dict[str, Callable[[GatewayClient], object]] = {
    "health": lambda gateway: gateway.health(),
    "account": lambda gateway: gateway.account.read(),
    "usage": lambda gateway: gateway.account.usage(),
    "mailboxes": lambda gateway: gateway.account.mailboxes(),
    "emails": lambda gateway: gateway.emails("01M"),
    "email": lambda gateway: gateway.email("01M", "01E"),
    "thread": lambda gateway: gateway.thread("01M", "01T"),
    "tags": lambda gateway: gateway.tags("01M", "01E"),
    "send": lambda gateway: gateway.send("01M", RawContent(sender="", to=("a@x",)), idempotency_key="k"),
    "cancel": lambda gateway: gateway.cancel("01M", "01E"),
    "pending": lambda gateway: gateway.pending(),
    "decide": lambda gateway: gateway.decide("01E", "approve"),
    "audit_log": lambda gateway: gateway.audit_log(),
    "webhooks": lambda gateway: gateway.account.webhooks(),
    "create_webhook": lambda gateway: gateway.account.create_webhook("https://x.example", ["a"]),
    "create_mailbox": lambda gateway: gateway.account.create_mailbox("x"),
    "contacts": lambda gateway: gateway.account.contacts(),
    "upgrade": lambda gateway: gateway.account.upgrade("01M", "1"),
}
BODIES = (
    b"", b"null", b"[]", b"{}", b"3", b'"text"', b"true", b"[null]", b"[[[]]]", b'{"emails":{}}', b'{"data":[3]}',
    b'{"emails":[{"id":"\\ud800"}]}', b'{"id":"\\u0000"}', b"\xff", b"{", b"NaN", b'{"id":1e400}', b"[" * 5000,
    b'{"cursor":{"a":1},"emails":[]}',
)  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_answers_or_raises_an_error_of_the_gateway(name: str) -> None:
    key = Secret("mm_test_x")
    bodies = iter(BODIES)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=next(bodies)))
    async with GatewayClient("https://gateway.example", Keys(key, key, key), transport=transport) as gateway:
        for _ in BODIES:
            try:
                await CALLS[name](gateway)  # type: ignore[misc]  # every call is awaitable, each of another type
            except GatewayError as error:
                assert error.message and error.what_to_do


async def test_an_answer_that_is_the_same_to_the_byte_is_translated_once() -> None:
    def waits(number: int) -> bytes:
        return json.dumps({"emails": [{"id": f"01E{number}", "mailbox_id": "01B", "status": "pending"}]}).encode()

    bodies = iter([waits(1), waits(1), waits(2), waits(1)])
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=next(bodies)))
    async with GatewayClient("https://gateway.example", Keys(Secret("mm_test_x")), transport=transport) as gateway:
        lists = [await gateway.pending() for _ in range(4)]
    assert [[item.id for item in one] for one in lists] == [["01E1"], ["01E1"], ["01E2"], ["01E1"]]
    assert lists[1] is lists[0]
    assert lists[3] is not lists[0]
