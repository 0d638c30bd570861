"""Webhooks: both payload shapes, the signature, retries with back-off, and never another machine."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.sandbox import Sandbox, running_sandbox, wait_until
from tests.support.webhooks import receiving, subscribe


def deliveries(sandbox: Sandbox) -> list[dict[str, Any]]:
    found = sandbox.call("GET", "/v1/webhook-deliveries", key="admin")["deliveries"]
    assert isinstance(found, list)
    return found


def test_events_are_signed_over_the_raw_body(sandbox: Sandbox) -> None:
    with receiving() as receiver:
        hook = subscribe(sandbox, receiver.url, "email.received")
        assert hook["signing_secret"].startswith("whsec_")
        assert "signing_secret" not in str(sandbox.call("GET", "/v1/webhooks", key="admin"))
        mail = sandbox.inbound(subject="Hällo")
        wait_until(lambda: receiver.received)
        headers, body = receiver.received[0]
        right = hmac.new(hook["signing_secret"].encode(), body, hashlib.sha256).hexdigest()
        assert headers["X-MultiMail-Signature"] == right
        payload = json.loads(body)
        assert payload["type"] == "email.received"
        assert (payload["data"]["email_id"], payload["data"]["thread_id"]) == (mail["id"], mail["thread_id"])


def test_an_emails_whole_history_reads_the_same_in_the_other_shape(sandbox: Sandbox) -> None:
    with receiving() as receiver:
        wanted = ("oversight.pending", "oversight.approved", "oversight.rejected", "message.sent", "message.delivered")
        subscribe(sandbox, receiver.url, *wanted)
        good, bad = sandbox.draft("good"), sandbox.draft("bad")
        sandbox.decide(good)
        sandbox.decide(bad, "reject", "no")
        wait_until(lambda: len(receiver.received) == 6)
        reported = [(payload["event_type"], payload["message_id"]) for payload in receiver.payloads]
        assert sorted(reported) == sorted(
            [
                ("oversight.pending", good),
                ("oversight.pending", bad),
                ("oversight.approved", good),
                ("message.sent", good),
                ("message.delivered", good),
                ("oversight.rejected", bad),
            ]
        )
        assert {payload["mailbox"] for payload in receiver.payloads} == {sandbox.address}


def test_only_what_was_subscribed_to_and_only_its_mailbox(sandbox: Sandbox) -> None:
    with receiving() as receiver:
        subscribe(sandbox, receiver.url, "message.received", mailbox_id=sandbox.mailboxes[1]["id"])
        sandbox.inbound(subject="Elsewhere")
        sandbox.inbound(subject="Here", mailbox=sandbox.mailboxes[1]["id"])
        wait_until(lambda: receiver.received)
        assert [payload["subject"] for payload in receiver.payloads] == ["Here"]
        assert len(deliveries(sandbox)) == 1


def test_a_failed_delivery_is_tried_three_times_more(sandbox: Sandbox) -> None:
    with receiving() as receiver:
        subscribe(sandbox, receiver.url, "message.received")
        receiver.statuses = [500, 503]
        sandbox.inbound(subject="Third time lucky")
        wait_until(lambda: [found["status"] for found in deliveries(sandbox)] == ["delivered"])
        assert deliveries(sandbox)[0]["attempts"] == 3
        assert len({body for _, body in receiver.received}) == 1
        receiver.statuses = [500] * 9
        sandbox.inbound(subject="Never")
        wait_until(lambda: deliveries(sandbox)[0]["status"] == "failed")
        assert (deliveries(sandbox)[0]["attempts"], deliveries(sandbox)[0]["response_status"]) == (4, 500)
        assert len(receiver.received) == 3 + 4


def test_waits_between_retries_double(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, webhook_backoff=100) as sandbox, receiving() as receiver:
        subscribe(sandbox, receiver.url, "message.received")
        receiver.statuses = [500] * 4
        sandbox.inbound(subject="Slow")
        for number, wait in enumerate((100, 200, 400), start=1):
            wait_until(lambda number=number: deliveries(sandbox)[0]["attempts"] == number)  # type: ignore[misc]
            sandbox.advance(wait - 20)
            assert len(receiver.received) == number
            sandbox.advance(21)
            wait_until(lambda number=number: len(receiver.received) == number + 1)  # type: ignore[misc]
        wait_until(lambda: deliveries(sandbox)[0]["status"] == "failed")


def test_nobody_listening_is_a_failure_not_a_crash(sandbox: Sandbox) -> None:
    with receiving() as receiver:
        url = receiver.url
    subscribe(sandbox, url, "message.received")
    sandbox.inbound(subject="Anyone?")
    wait_until(lambda: deliveries(sandbox)[0]["status"] == "failed")
    assert deliveries(sandbox)[0]["error"] == "ConnectError"


def test_no_other_machine_is_ever_called(sandbox: Sandbox) -> None:
    subscribe(sandbox, "https://hooks.example/mail", "message.received")
    sandbox.inbound(subject="Outside")
    wait_until(lambda: deliveries(sandbox)[0]["status"] == "skipped")
    assert deliveries(sandbox)[0]["attempts"] == 0


@pytest.mark.parametrize("url", ["http://hooks.example/x", "ftp://127.0.0.1/x", "nonsense", "https://", "http://[x"])
def test_addresses_that_cannot_be_hooks_are_refused(sandbox: Sandbox, url: str) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refused:
        subscribe(sandbox, url, "message.received")
    assert refused.value.response.status_code == 400


def test_deliveries_survive_a_restart(tmp_path: Path) -> None:
    with receiving() as receiver:
        receiver.statuses = [500]
        with running_sandbox(tmp_path, webhook_backoff=3600) as sandbox:
            subscribe(sandbox, receiver.url, "message.received")
            mail = sandbox.inbound(subject="Later")
            wait_until(lambda: deliveries(sandbox)[0]["attempts"] == 1)
        with running_sandbox(tmp_path) as sandbox:
            sandbox.advance(3601)
            wait_until(lambda: deliveries(sandbox)[0]["status"] == "delivered")
        assert receiver.payloads[-1]["message_id"] == mail["id"]


def test_a_code_from_the_operator_can_be_asked_for(sandbox: Sandbox) -> None:
    sandbox.settings(webhook_approval=True)
    body = {"url": "https://hooks.example/x", "events": ["message.received"]}
    assert sandbox.call("POST", "/v1/webhooks", key="admin", json=body)["status"] == "approval_required"
    code = sandbox.operator_mail()[-1]["code"]
    assert sandbox.call("POST", "/v1/webhooks", key="admin", json={**body, "approval_code": code})["id"]
