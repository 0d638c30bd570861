"""Why something did not arrive: suppressed addresses on a mail's page, deliveries with the webhooks, usage by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mm_tui.account import WebhookDelivery
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.models import EmailSummary, Party
from mm_tui.screens.audit.history import HistoryScreen
from mm_tui.screens.mailboxes.webhooks import WebhooksScreen, delivery_words, went_well
from mm_tui.services.mail.unsent import may_be_suppressed, why_not_arrived
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.mailboxes import open_mailboxes
from tests.support.sandbox import Sandbox, wait_until
from tests.support.webhooks import receiving, subscribe

AT = datetime(2026, 3, 2, tzinfo=UTC)


def bounced(sandbox: Sandbox, *to: str) -> str:
    email_id = str(sandbox.send(to=list(to))["id"])
    sandbox.wait_for(email_id, "pending_send_approval")
    sandbox.decide(email_id)
    sandbox.wait_for(email_id, "bounced", "delivered")
    return email_id


def deliveries(sandbox: Sandbox) -> list[dict[str, Any]]:
    return list(sandbox.call("GET", "/v1/webhook-deliveries", key="admin")["deliveries"])


async def test_a_bounced_mails_page_says_that_its_address_is_suppressed(sandbox: Sandbox) -> None:
    email_id = bounced(sandbox, "bounce@customer.example", "anna@customer.example")
    async with running_app(settings_for(sandbox), size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: app.session.mail.summary(email_id) is not None, "the mail")
        app.push_screen(HistoryScreen(email_id))
        await until(pilot, lambda: "bounced: bounce@customer.example is suppressed since" in drawn(app), "the reason")
        assert "(hard bounce)" in drawn(app) and "anna@customer.example is suppressed" not in drawn(app)


async def test_without_the_admin_key_the_reason_is_said_to_be_unknown(sandbox: Sandbox) -> None:
    mail = EmailSummary(
        id="e1", mailbox_id="m", sender=Party.parse("a@b.example"), direction=OneLine("outbound"),
        status=OneLine("bounced"), received_at=AT, bounced_at=AT,
    )  # fmt: skip
    async with GatewayClient(sandbox.url, Keys(Secret(sandbox.keys["oversight"]))) as gateway:
        (words,) = await why_not_arrived(gateway, mail, ["x@y.example"])
        assert "not known" in words and "admin" in words
    async with GatewayClient(sandbox.url, Keys(admin=Secret(sandbox.keys["admin"]))) as gateway:
        (words,) = await why_not_arrived(gateway, mail, ["x@y.example"])
        assert words == "no recipient is on the gateway's list of suppressed addresses"
    assert may_be_suppressed(mail)
    arrived = mail.replaced(bounced_at=None, delivered_at=AT, status=OneLine("delivered"))
    assert not may_be_suppressed(arrived)
    assert not may_be_suppressed(mail.replaced(direction=OneLine("inbound")))


async def test_webhooks_are_listed_with_their_last_delivery(sandbox: Sandbox) -> None:
    with receiving() as receiver:
        subscribe(sandbox, receiver.url, "message.received")
        subscribe(sandbox, "https://hooks.example/never", "message.complained")
        sandbox.inbound(subject="Hello")
        wait_until(lambda: [one["status"] for one in deliveries(sandbox)] == ["delivered"])
        async with running_app(settings_for(sandbox), size=(120, 40)) as (app, pilot):
            await open_mailboxes(app, pilot, sandbox)
            await pilot.press("h")
            await until(pilot, lambda: isinstance(app.screen, WebhooksScreen), "the webhooks")
            await until(pilot, lambda: "last delivery: message.received" in drawn(app), "the delivery")
            assert ": delivered" in drawn(app) and "no recent deliveries" in drawn(app)


@pytest.mark.parametrize(
    ("status", "answered", "well"),
    [
        ("delivered", 200, True),
        ("", None, True),
        ("failed", None, False),
        ("done", 500, False),
        ("retry_exhausted", 0, False),
    ],
)
def test_a_failed_delivery_is_marked(status: str, answered: int | None, well: bool) -> None:
    delivery = WebhookDelivery(
        id="d1",
        webhook_id=OneLine("w1"),
        event=OneLine("x"),
        status=OneLine(status),
        response_status=answered,
        attempts=4,
        created_at=AT,
    )
    assert went_well(delivery) is well
    assert delivery_words(delivery).startswith("▲") is not well


async def test_usage_is_plotted_by_day(sandbox: Sandbox) -> None:
    for _ in range(2):
        bounced(sandbox, "anna@customer.example")
    async with running_app(settings_for(sandbox), size=(120, 60)) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        assert screen.facts is not None
        days = dict(screen.facts.by_day)
        assert days[OneLine("email_sent")][-1] == 2 and sum(days[OneLine("email_sent")]) == 2
        await pilot.press("enter")
        await until(pilot, lambda: "email sent" in drawn(app) and "busiest day 2" in drawn(app), "the plot")


async def test_days_are_read_from_the_gateway(sandbox: Sandbox) -> None:
    bounced(sandbox, "anna@customer.example")
    async with GatewayClient(sandbox.url, Keys(Secret(sandbox.keys["oversight"]))) as gateway:
        days = await gateway.account.daily_usage(datetime.now(UTC) - timedelta(days=3))
    assert [one.count for one in days if one.what == "email_sent"] == [1]
