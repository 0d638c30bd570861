"""The client against the real sandbox gateway: every call once, as the services use it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from mm_tui.gateway import errors, values, wire
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.shapes import EmailFilter, OutgoingAttachment
from mm_tui.models import EmailSummary, RawContent
from mm_tui.settings.secret import Secret
from tests.support.sandbox import Sandbox, file_part


@pytest.fixture
async def gateway(sandbox: Sandbox) -> AsyncIterator[GatewayClient]:
    keys = Keys(**{scope: Secret(key) for scope, key in sandbox.keys.items()})
    async with GatewayClient(sandbox.url, keys) as client:
        yield client


async def test_a_draft_is_seen_decided_and_logged(sandbox: Sandbox, gateway: GatewayClient) -> None:
    draft_id = sandbox.draft("Dear Anna", attachments=[file_part("ä b.txt", b"abc", "text/plain")])
    (item,) = await gateway.pending()
    assert (item.id, item.mailbox_id, item.direction) == (draft_id, sandbox.mailbox, "outbound")
    detail = await gateway.email(item.mailbox_id, item.id)
    assert detail.raw.body == item.raw.body == "Dear Anna"
    assert (item.raw.sender, item.raw.to, item.raw.subject) == (
        detail.raw.sender,
        detail.raw.to,
        detail.raw.subject,
    )
    assert detail.direction == "outbound"
    name, size, _ = detail.raw.attachments[0]
    assert await gateway.attachment(item.mailbox_id, item.id, name, size=size) == b"abc"
    status = await gateway.decide(draft_id, "approve", "fine")
    assert status == "approved_and_sent"
    assert [message["id"] for message in sandbox.outbox()] == [draft_id]
    page = await gateway.audit_log(limit=100)
    assert draft_id in {entry.resource_id for entry in page.entries}
    with pytest.raises((errors.NotFound, errors.Conflict)) as caught:
        await gateway.decide(draft_id, "reject", "late")
    assert caught.value.may_have_happened is False


async def test_a_page_is_translated_while_the_gateway_is_at_work_on_the_next_one(
    sandbox: Sandbox, gateway: GatewayClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        sandbox.inbound(subject=f"Mail {number}", body="x")
    asked: list[int] = []
    translate = wire.email_summary

    def after_the_next_was_asked_for(item: values.Json, mailbox_id: str) -> EmailSummary:
        # The event loop stands still here: what has not left by now does not leave.
        wanted = min(len(asked) + 2, 3)
        ends = time.monotonic() + 5
        while (seen := len(sandbox.calls("GET", "/emails"))) < wanted and time.monotonic() < ends:
            time.sleep(0.01)
        asked.append(seen)
        return translate(item, mailbox_id)

    monkeypatch.setattr(wire, "email_summary", after_the_next_was_asked_for)
    async with aclosing(gateway.email_pages(sandbox.mailbox, limit=1)) as pages:
        subjects = [mail.subject async for page in pages for mail in page.emails]
    assert subjects == ["Mail 2", "Mail 1", "Mail 0"]
    assert asked == [2, 3, 3]


async def test_lists_threads_and_filters(sandbox: Sandbox, gateway: GatewayClient) -> None:
    first = sandbox.inbound(subject="One", body="x", sender="Ann <ann@x.example>")
    second = sandbox.inbound(subject="Two", body="y", attachments=[file_part("big.bin", b"\0" * 70_000)])
    page = await gateway.emails(sandbox.mailbox, limit=1)
    assert [mail.id for mail in page.emails] == [second["id"]]
    assert page.emails[0].has_attachments is True
    older = await gateway.emails(sandbox.mailbox, limit=1, cursor=page.cursor)
    assert [mail.id for mail in older.emails] == [first["id"]]
    newer = await gateway.emails(sandbox.mailbox, filter=EmailFilter(since_id=first["id"]))
    assert [mail.id for mail in newer.emails] == [second["id"]]
    await gateway.email(sandbox.mailbox, second["id"])
    since = datetime.now(UTC) - timedelta(days=1)
    narrow = EmailFilter(direction="inbound", status="unread", date_after=since)
    found = await gateway.emails(sandbox.mailbox, filter=narrow)
    assert [mail.id for mail in found.emails] == [first["id"]]
    thread = await gateway.thread(sandbox.mailbox, first["thread_id"])
    assert [mail.id for mail in thread] == [first["id"]]
    assert thread[0].thread_id == first["thread_id"]
    assert len(await gateway.attachment(sandbox.mailbox, second["id"], "big.bin", size=70_000)) == 70_000
    assert sandbox.status(first["id"]) == "unread", "lists and threads must not mark mail read"
    await gateway.email(sandbox.mailbox, first["id"])
    assert sandbox.status(first["id"]) == "read"
    assert await gateway.report_spam(second["id"]) == "spam_quarantined"
    spam = await gateway.spam(status="spam_quarantined")
    assert [mail.id for mail in spam.emails] == [second["id"]]
    assert await gateway.not_spam(second["id"]) == "unread"
    assert sandbox.status(second["id"]) == "unread"


async def test_sending_is_idempotent_and_duplicates_conflict(sandbox: Sandbox, gateway: GatewayClient) -> None:
    files = (OutgoingAttachment("a.txt", b"abc", "text/plain"),)
    mail = RawContent(sender="", to=("anna@x.example",), subject="Hi", body="Text", cc=("c@x.example",))
    first = await gateway.send(sandbox.mailbox, mail, attachments=files, idempotency_key="k")
    again = await gateway.send(sandbox.mailbox, mail, attachments=files, idempotency_key="k")
    assert first.status == "pending_scan" and again.idempotent and again.id == first.id
    detail = await gateway.email(sandbox.mailbox, first.id)
    assert [party.address for party in detail.cc] == ["c@x.example"]
    asked = sandbox.inbound(subject="Q", body="?")
    await gateway.reply(sandbox.mailbox, asked["id"], "Answer")
    with pytest.raises(errors.Conflict):
        await gateway.reply(sandbox.mailbox, asked["id"], "Answer")
    assert (await gateway.cancel(sandbox.mailbox, first.id)).status == "cancelled"


async def test_a_scheduled_mail_is_edited_in_place(sandbox: Sandbox, gateway: GatewayClient) -> None:
    when = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    scheduled = sandbox.send(send_at=when, gate_timing="schedule_first", markdown="Text")["id"]
    sandbox.wait_for(scheduled, "scheduled")
    await gateway.edit_schedule(sandbox.mailbox, scheduled, body="Better text")
    sandbox.wait_for(scheduled, "scheduled")
    assert (await gateway.email(sandbox.mailbox, scheduled)).body == "Better text"


async def test_tags_mailboxes_and_the_ladder(sandbox: Sandbox, gateway: GatewayClient) -> None:
    mail = sandbox.inbound(subject="One", body="x")
    assert await gateway.put_tags(sandbox.mailbox, mail["id"], {"label": "billing", "a/b": "c"}) == {
        "label": "billing",
        "a/b": "c",
    }
    await gateway.delete_tag(sandbox.mailbox, mail["id"], "a/b")
    assert await gateway.tags(sandbox.mailbox, mail["id"]) == {"label": "billing"}

    boxes = await gateway.account.mailboxes()
    assert boxes[0].oversight_mode == "gated_send"
    await gateway.account.update_mailbox(boxes[0].id, display_name="Support", auto_bcc="log@acme.example")
    await gateway.account.request_upgrade(boxes[0].id, "monitored")
    with pytest.raises(errors.Forbidden) as caught:
        await gateway.account.upgrade(boxes[0].id, "wrong")
    assert not isinstance(caught.value, errors.MissingScope)
    with pytest.raises(errors.CodeSent):
        await gateway.account.create_mailbox("new")
    assert len(sandbox.operator_mail()) == 2


async def test_account_usage_health_webhooks_contacts(sandbox: Sandbox, gateway: GatewayClient) -> None:
    assert await gateway.health() == "ok"
    assert (await gateway.account.read()).plan
    assert (await gateway.account.usage()).api_calls >= 0
    await gateway.account.contacts()
    await gateway.account.suppression()
    assert {key.name for key in await gateway.account.api_keys()} >= {"send", "oversight", "admin"}
    await gateway.account.webhook_deliveries()
    assert list(await gateway.account.webhooks()) == []


async def test_wrong_keys_and_missing_scopes_are_told_apart(sandbox: Sandbox) -> None:
    crossed = Keys(oversight=Secret(sandbox.keys["send"]), send=Secret("mm_test_unknown"))
    async with GatewayClient(sandbox.url, crossed) as client:
        with pytest.raises(errors.MissingScope) as lacking:
            await client.pending()
        assert lacking.value.scope == "oversight"
        with pytest.raises(errors.Unauthorized):
            await client.cancel(sandbox.mailbox, "01ABC")
        with pytest.raises(errors.MissingKey):
            await client.audit_log()


async def test_a_read_only_mailbox_says_so(sandbox: Sandbox, gateway: GatewayClient) -> None:
    sandbox.set_mode("read_only")
    with pytest.raises(errors.ReadOnlyMailbox):
        mail = RawContent(sender="", to=("a@x.example",), subject="s", body="b")
        await gateway.send(sandbox.mailbox, mail, idempotency_key=None)


@pytest.mark.parametrize("shape", ["data", "bare", "pending"])
async def test_the_other_documented_shapes_are_read(sandbox: Sandbox, gateway: GatewayClient, shape: str) -> None:
    draft_id = sandbox.draft()
    items = sandbox.pending()
    answer: object = items if shape == "bare" else {shape: items}
    sandbox.fault(method="GET", path="pending$", kind="malformed", body=json.dumps(answer))
    assert [item.id for item in await gateway.pending()] == [draft_id]
