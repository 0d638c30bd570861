"""Every known payload of a webhook, and those that nobody knows: a job, a poll or nothing; never an error."""

from __future__ import annotations

import hashlib
import hmac
import json
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.agent.boxes import Boxes
from mm_tui.agent.jobs import Jobs
from mm_tui.agent.listener import MAX_BODY, SIGNATURE_HEADER, Listener, WebhookEvent, read_event
from mm_tui.agent.log import Log
from mm_tui.settings.secret import Secret
from mm_tui.store.database import Database
from tests.support.clock import FakeClock
from tests.support.seat import NOW

BOX = "support@acme.example"
NEW = {
    "typed": (
        {"type": "email.received", "data": {"email_id": "01E", "thread_id": "01T", "mailbox": BOX}},
        ("01E", BOX, "01T"),
    ),
    "printed by the vendor": (
        {
            "event": "email.received",
            "timestamp": "2026-03-01T12:00:00Z",
            "data": {"email_id": "01E", "from": "a@b.example", "to": [BOX], "subject": "Hi", "direction": "inbound"},
        },
        ("01E", None, ""),
    ),
    "flat": (
        {"event_type": "message.received", "mailbox": BOX, "message_id": "01E", "thread_id": "01T", "timestamp": "x"},
        ("01E", BOX, "01T"),
    ),
    "inbound": ({"event": "inbound", "data": {"id": "01E", "mailbox_id": "01M"}}, ("01E", "01M", "")),
    "named twice": ({"type": "", "event": "message.received", "data": {"email_id": "01E"}}, ("01E", None, "")),
}
NOTHING_NEW = ("message.sent", "delivery", "bounce", "complaint", "open", "oversight.pending")
NOT_UNDERSTOOD: tuple[Any, ...] = (
    [1],
    "email.received",
    None,
    {},
    {"type": ["email.received"]},
    {"type": "email.teleported", "data": {"email_id": "01E"}},
    {"event": "email.received"},
    {"event": "email.received", "data": {"email_id": "a b\n"}},
    {"event": "email.received", "data": "01E"},
)


@pytest.mark.parametrize("name", NEW)
def test_new_mail_is_understood_in_every_shape(name: str) -> None:
    event, (email_id, mailbox, thread_id) = NEW[name]
    assert read_event(event) == WebhookEvent(True, email_id, mailbox, thread_id)


@pytest.mark.parametrize("name", NOTHING_NEW)
@pytest.mark.parametrize("key", ["type", "event", "event_type"])
def test_events_that_bring_no_mail_are_left_alone(key: str, name: str) -> None:
    assert not read_event({key: name, "data": {"email_id": "01E"}}).may_bring_mail


@pytest.mark.parametrize("name", ["inbound.delivered", "inbound_delivery", "email.received.failed", "inbound.pending"])
def test_what_happened_to_mail_that_came_in_is_answered_by_a_poll(name: str) -> None:
    assert read_event({"event": name, "data": {"email_id": "01E"}}) == WebhookEvent(True)
    assert not read_event({"event": name, "data": {"email_id": "01E", "direction": "outbound"}}).may_bring_mail


def test_what_we_sent_ourselves_is_no_new_mail() -> None:
    assert not read_event(
        {"event": "email.received", "data": {"email_id": "01E", "direction": "outbound"}}
    ).may_bring_mail


def test_an_approval_may_let_inbound_mail_in() -> None:
    assert read_event({"event": "message.approved", "data": {"email_id": "01E"}}) == WebhookEvent(True)


@pytest.mark.parametrize("event", NOT_UNDERSTOOD, ids=str)
def test_what_is_not_understood_is_polled_for_and_named_without_its_values(event: Any) -> None:
    reported = read_event(event)
    assert reported.may_bring_mail and reported.email_id is None and reported.unknown_shape
    assert "01E" not in reported.unknown_shape and "a b" not in reported.unknown_shape


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "event", "data", "email_id"]), inner),
    )
)
def test_no_payload_is_an_error(event: Any) -> None:
    assert len(read_event(event).unknown_shape) <= 160


class Hook:
    """A listener, what it logged, and how often it asked for a poll."""

    def __init__(self, database: Database) -> None:
        self.jobs = Jobs(database)
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.polls = 0
        boxes = cast(Boxes, SimpleNamespace(find=lambda name: SimpleNamespace(id="01M") if name == BOX else None))
        log = cast(Log, lambda what, **more: self.log.append((what, more)))
        self.listener = listener = Listener(Secret("whsec_x"), self.jobs, boxes, FakeClock(NOW), log, self._wake)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(listener.app), base_url="http://127.0.0.1")

    def _wake(self) -> None:
        self.polls += 1

    async def send(self, event: object, prefix: str = "") -> int:
        return await self.send_raw(json.dumps(event).encode(), prefix)

    async def send_raw(self, body: bytes, prefix: str = "") -> int:
        signed = hmac.new(b"whsec_x", body, hashlib.sha256).hexdigest()
        return (await self.http.post("/hook", content=body, headers={SIGNATURE_HEADER: prefix + signed})).status_code


@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
async def test_each_shape_becomes_a_job_or_a_poll_with_and_without_the_prefix(database: Database, prefix: str) -> None:
    hook = Hook(database)
    for number, (event, (_, mailbox, _)) in enumerate(NEW.values()):
        reported = json.loads(json.dumps(event).replace("01E", f"01E{number}"))
        assert await hook.send(reported, prefix) == 202
        assert (hook.jobs.get(f"01E{number}") is not None) == (mailbox == BOX)
    assert hook.polls == len(NEW)
    assert "event not understood" not in [what for what, _ in hook.log]


async def test_a_signed_body_that_is_no_json_is_polled_for(database: Database) -> None:
    hook = Hook(database)
    for body in (b"event=email.received", b"[" * 100_000, b"\xff"):
        assert await hook.send_raw(body) == 202
    assert hook.polls == 3
    assert [more["shape"] for what, more in hook.log if what == "event not understood"] == ["no JSON"]


async def test_what_is_not_understood_is_logged_once_by_shape_and_always_polled_for(database: Database) -> None:
    hook = Hook(database)
    for number in range(3):
        event = {"event": "mail.\x1b[31mteleported", "data": {"email_id": f"01E{number}"}}
        assert await hook.send(event) == 202
    assert hook.polls == 3
    logged = [more["shape"] for what, more in hook.log if what == "event not understood"]
    assert logged == ["mail.teleported: data, data.email_id, event"]


async def test_a_flood_of_forged_requests_is_logged_once_and_then_as_a_sum(database: Database) -> None:
    hook = Hook(database)
    for body in (b"{}", b"x" * (MAX_BODY + 1)):
        for _ in range(5):
            await hook.http.post("/hook", content=body)
    whys = ["its signature is wrong", "it is larger than 256 KiB"]
    assert hook.log == [("event refused", {"why": why}) for why in whys]
    hook.log.clear()
    for _ in range(2):
        for why in whys:
            hook.listener.sum_up(why)
    assert hook.log == [("events refused", {"why": why, "count": 4}) for why in whys]
