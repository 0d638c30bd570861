"""The retired public Python client does its whole README against the sandbox: a real client nobody here wrote."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

with warnings.catch_warnings():
    # It announces its retirement when imported.
    warnings.simplefilter("ignore", FutureWarning)
    import multimail

from tests.support.sandbox import Sandbox, file_part


def client(sandbox: Sandbox, key: str) -> Any:
    return multimail.MultiMail(sandbox.keys[key], base_url=sandbox.url)


@pytest.fixture
def sender(sandbox: Sandbox) -> Iterator[Any]:
    with client(sandbox, "send") as mm:
        yield mm


@pytest.fixture
def reviewer(sandbox: Sandbox) -> Iterator[Any]:
    with client(sandbox, "oversight") as mm:
        yield mm


@pytest.fixture
def admin(sandbox: Sandbox) -> Iterator[Any]:
    with client(sandbox, "admin") as mm:
        yield mm


def test_quick_start(sandbox: Sandbox, sender: Any) -> None:
    sandbox.inbound(subject="Order 4471", body="Where is it?")
    mailbox_id = sender.list_mailboxes()[0]["id"]
    result = sender.send_email(
        mailbox_id,
        to=["recipient@example.com"],
        subject="Hello from my agent",
        markdown="This email was sent by an AI agent using **MultiMail**.",
    )
    assert result["status"] == "pending_scan"
    assert result["id"] and result["thread_id"]
    emails = sender.list_emails(mailbox_id, direction="inbound")
    email = sender.get_email(mailbox_id, emails["emails"][0]["id"])
    assert (email["subject"], email["text_body"]) == ("Order 4471", "Where is it?")


async def test_async_quick_start(sandbox: Sandbox) -> None:
    async with multimail.AsyncMultiMail(sandbox.keys["send"], base_url=sandbox.url) as mm:
        mailboxes = await mm.list_mailboxes()
        result = await mm.send_email(
            mailboxes[0]["id"], to=["recipient@example.com"], subject="Async email", markdown="Sent asynchronously!"
        )
        assert result["status"] == "pending_scan"
        page = await mm.list_emails(mailboxes[0]["id"], direction="outbound")
        assert [email["id"] for email in page["emails"]] == [result["id"]]
    async with multimail.AsyncMultiMail(sandbox.keys["oversight"], base_url=sandbox.url) as mm:
        pending = await mm.list_pending()
        assert [item["id"] for item in pending] == [result["id"]]
        assert (await mm.decide(result["id"], "approve"))["status"] == "approved_and_sent"


def test_oversight_and_approval(sandbox: Sandbox, sender: Any, reviewer: Any) -> None:
    for number in (1, 2):
        sender.send_email(sandbox.mailbox, to=["a@b.example"], subject=f"Draft {number}", markdown="Text")
    pending = reviewer.list_pending()
    assert [item["subject"] for item in pending] == ["Draft 1", "Draft 2"]
    assert reviewer.decide(pending[0]["id"], "approve")["status"] == "approved_and_sent"
    assert reviewer.decide(pending[1]["id"], "reject", reason="Not relevant")["status"] == "rejected"
    assert [mail["subject"] for mail in sandbox.outbox()] == ["Draft 1"]


def test_account_and_usage(admin: Any) -> None:
    assert admin.update_account(name="Beta Works")["slug"] == "beta-works"
    assert admin.get_account()["name"] == "Beta Works"
    assert admin.get_usage()["emails_sent"] == 0
    admin.delete_account()
    assert "account.deletion_requested" in [entry["action"] for entry in admin.get_audit_log(limit=10)]


def test_mailboxes(sandbox: Sandbox, admin: Any) -> None:
    assert "id" not in admin.create_mailbox("sales", "Sales", oversight_mode="autonomous")
    code = sandbox.operator_mail()[-1]["code"]
    made = admin.create_mailbox("sales", "Sales", approval_code=code)
    assert made["address"].startswith("sales@")
    listed = {box["id"]: box for box in admin.list_mailboxes()}
    assert listed[made["id"]]["oversight_mode"] == "gated_send"
    assert admin.update_mailbox(made["id"], display_name="Selling")["status"] == "updated"
    admin.delete_mailbox(made["id"])
    assert next(box for box in admin.list_mailboxes() if box["id"] == made["id"])["is_active"] == 0


def test_emails_threads_and_attachments(sandbox: Sandbox, sender: Any) -> None:
    mail = sandbox.inbound(subject="With a file", body="See there", attachments=[file_part("a b.txt", b"\x00raw")])
    reply = sender.reply_email(sandbox.mailbox, mail["id"], markdown="Thanks", cc=["c@d.example"])
    thread = sender.get_thread(sandbox.mailbox, reply["thread_id"])
    assert [email["id"] for email in thread["emails"]] == [mail["id"], reply["id"]]
    assert sender.download_attachment(sandbox.mailbox, mail["id"], "a b.txt") == b"\x00raw"
    assert sender.cancel_email(sandbox.mailbox, reply["id"]) == {"id": reply["id"], "status": "cancelled"}


def test_tags(sandbox: Sandbox, sender: Any) -> None:
    mail = sandbox.inbound(subject="To tag")
    sender.set_tags(sandbox.mailbox, mail["id"], {"label": "billing", "urgency": "high"})
    sender.delete_tag(sandbox.mailbox, mail["id"], "urgency")
    assert sender.get_tags(sandbox.mailbox, mail["id"]) == {"tags": {"label": "billing"}}


def test_contacts(sender: Any, admin: Any) -> None:
    contact = sender.add_contact("anna@customer.example", name="Anna")
    sender.add_contact("tom@customer.example", name="Tom")
    assert [found["email"] for found in sender.list_contacts(q="ANNA")] == ["anna@customer.example"]
    admin.delete_contact(contact["id"])
    assert [found["email"] for found in sender.list_contacts()] == ["tom@customer.example"]


def test_api_keys(sandbox: Sandbox, admin: Any) -> None:
    sandbox.settings(key_approval=False)  # it knows of no codes for keys
    made = admin.create_api_key("reader", scopes=["read"])
    with multimail.MultiMail(made["key"], base_url=sandbox.url) as mm:
        assert len(mm.list_mailboxes()) == 3
        admin.revoke_api_key(made["id"])
        with pytest.raises(multimail.AuthenticationError):
            mm.list_mailboxes()
    assert "reader" not in [key["name"] for key in admin.list_api_keys()]


def test_webhooks_domains_and_suppression(sandbox: Sandbox, sender: Any, reviewer: Any, admin: Any) -> None:
    hook = admin.create_webhook("https://hooks.example/mail", ["message.received"], secret="whsec_own")
    assert hook["signing_secret"] == "whsec_own"
    assert [found["id"] for found in admin.list_webhooks()] == [hook["id"]]
    admin.delete_webhook(hook["id"])
    assert admin.list_webhooks() == []

    domain = admin.add_domain("acme.example")
    assert admin.verify_domain(domain["id"])["status"] == "verified"
    assert [found["domain"] for found in admin.list_domains()] == ["acme.example"]
    admin.delete_domain(domain["id"])

    bounced = sender.send_email(sandbox.mailbox, to=["bounce@b.example"], subject="To nobody", markdown="Hello?")
    reviewer.list_pending()
    reviewer.decide(bounced["id"], "approve")
    assert sandbox.wait_for(bounced["id"], "bounced")
    assert [found["email_address"] for found in admin.list_suppressions()] == ["bounce@b.example"]
    admin.remove_suppression("bounce@b.example")
    assert admin.list_suppressions() == []


def test_error_handling(sandbox: Sandbox, sender: Any) -> None:
    stranger = multimail.MultiMail("mm_live_no_such_key", base_url=sandbox.url)
    with stranger as mm, pytest.raises(multimail.AuthenticationError):
        mm.send_email(sandbox.mailbox, to=["test@example.com"], subject="Hi", markdown="Hello")
    with pytest.raises(multimail.NotFoundError):
        sender.get_email(sandbox.mailbox, "01NOSUCHMAIL")
    with pytest.raises(multimail.MultiMailError) as refused:
        sender.list_pending()
    assert refused.value.status_code == 403
    sandbox.settings(requests_per_minute=1)
    with pytest.raises(multimail.RateLimitError) as limited:
        for _ in range(3):
            sender.list_mailboxes()
    assert 1 <= limited.value.retry_after <= 60
