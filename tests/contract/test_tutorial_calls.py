"""The flat calls of the tutorial, as its snippets make them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.sandbox import Sandbox


class Flat:
    """Calls as the tutorial's snippets make them: a session with a key, paths on the base URL."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def get(self, path: str, key: str, **params: str) -> Any:
        return self.sandbox.call("GET", path, key=key, **params)

    def post(self, path: str, key: str, **body: object) -> Any:
        return self.sandbox.call("POST", path, key=key, json=body)


@pytest.fixture
def flat(sandbox: Sandbox) -> Flat:
    return Flat(sandbox)


def test_the_whole_tutorial(sandbox: Sandbox, flat: Flat) -> None:
    made = flat.post("/create_mailbox", "admin", address="agent@acme.multimail.example", oversight_mode="gated_send")
    assert made["oversight_mode"] == "gated_send"
    hook = flat.post(
        "/webhooks", "admin", mailbox=made["address"], url="https://agent.example/hook", events=["email.received"]
    )
    assert hook["mailbox_id"] == made["mailbox_id"]

    mail = sandbox.inbound(mailbox=made["address"], subject="Refund", body="I want my money back")
    inbox = flat.get("/check_inbox", "send", mailbox=made["address"], status="unread")
    assert [item["message_id"] for item in inbox["messages"]] == [mail["id"]]
    assert flat.get("/read_email", "send", email_id=mail["id"])["body"] == "I want my money back"
    assert sandbox.status(mail["id"]) == "read"

    thread = flat.get("/get_thread", "send", thread_id=mail["thread_id"])
    assert [(item["from"], item["body"]) for item in thread["messages"]] == [
        ("anna@customer.example", "I want my money back")
    ]
    flat.post("/tag_email", "send", email_id=mail["id"], tags=["billing", "refund"], notes="wants $240")
    assert sandbox.look(mail["id"])["tags"] == {"billing": "true", "refund": "true", "notes": "wants $240"}

    reply = flat.post(
        "/reply_email",
        "send",
        **{
            "thread_id": mail["thread_id"],
            "from": "ceo@elsewhere.example",
            "body": "Soon.",
            "oversight_mode": "gated_send",
        },
    )
    assert reply["status"] == "pending_scan"
    pending = flat.get("/list_pending", "oversight", mailbox=made["address"])["messages"]
    assert [(item["message_id"], item["subject"]) for item in pending] == [(reply["message_id"], "Re: Refund")]
    assert flat.get("/decide_email", "oversight", message_id=reply["message_id"])["decision"] == "pending"
    sandbox.decide(reply["message_id"], "approve")
    decided = flat.get("/decide_email", "oversight", message_id=reply["message_id"])
    assert decided["decision"] == "approved"
    assert decided["decided_at"]
    assert [(mail["from"], mail["to"]) for mail in sandbox.outbox()] == [(made["address"], ["anna@customer.example"])]


def test_send_email_and_a_rejection(sandbox: Sandbox, flat: Flat) -> None:
    sent = flat.post("/send_email", "send", mailbox=sandbox.address, to="a@b.example", subject="Hi", body="Text")
    assert [item["id"] for item in sandbox.pending()] == [sent["message_id"]]
    sandbox.decide(sent["message_id"], "reject", "no")
    assert flat.get("/decide_email", "oversight", message_id=sent["message_id"])["decision"] == "rejected"
    assert sandbox.outbox() == []


def test_a_caller_may_ask_for_more_oversight_but_not_for_less(sandbox: Sandbox, flat: Flat) -> None:
    sandbox.set_mode("autonomous")
    gated = flat.post(
        "/send_email",
        "send",
        mailbox=sandbox.address,
        to="a@b.example",
        subject="1",
        body="-",
        oversight_mode="gated_send",
    )
    sandbox.set_mode("gated_send")
    asked = flat.post(
        "/send_email",
        "send",
        mailbox=sandbox.address,
        to="a@b.example",
        subject="2",
        body="-",
        oversight_mode="autonomous",
    )
    assert {item["id"] for item in sandbox.pending()} == {gated["message_id"], asked["message_id"]}
    made = flat.post("/create_mailbox", "admin", address="free@acme.multimail.example", oversight_mode="autonomous")
    assert made["oversight_mode"] == "gated_send"


def test_scopes_hold_for_flat_calls_too(sandbox: Sandbox, flat: Flat) -> None:
    assert flat.get("/list_pending", "send", mailbox=sandbox.address) == {"messages": []}, "it only asks"
    with pytest.raises(httpx.HTTPStatusError) as refused:
        flat.post("/send_email", "oversight", mailbox=sandbox.address, to="a@b.example", subject="Hi", body="Text")
    assert refused.value.response.status_code == 403
