"""The parts of an account besides mail: plan and quotas, usage, webhooks."""

from __future__ import annotations

from datetime import date, datetime

from mm_tui.models import GatewayId, Model
from mm_tui.text import OneLine


class Account(Model, frozen=True, kw_only=True):
    """The account behind the keys, with its quotas (emails a month, bytes)."""

    id: OneLine = OneLine("")
    name: OneLine = OneLine("")
    plan: OneLine = OneLine("")
    oversight_email: OneLine = OneLine("")
    monthly_email_quota: int | None = None
    emails_sent_this_month: int | None = None
    max_mailboxes: int | None = None
    storage_used_bytes: int | None = None
    max_storage_bytes: int | None = None
    sending_disabled: bool = False
    sending_disabled_reason: OneLine = OneLine("")


class Usage(Model, frozen=True, kw_only=True):
    """The account's usage in a period (UTC)."""

    since: datetime | None = None
    emails_sent: int = 0
    emails_received: int = 0
    api_calls: int = 0
    oversight_actions: int = 0


class DayCount(Model, frozen=True, kw_only=True):
    """How often something happened on a day (UTC)."""

    day: date
    what: OneLine
    """The gateway's word, for example `email_sent`."""
    count: int


class Webhook(Model, frozen=True, kw_only=True):
    """A webhook subscription. The signing secret is returned only on creation, and is not stored here."""

    id: GatewayId
    url: OneLine
    events: tuple[OneLine, ...] = ()
    mailbox_id: GatewayId | None = None
    is_active: bool = True


class WebhookDelivery(Model, frozen=True, kw_only=True):
    """One attempt to deliver an event to a webhook."""

    id: GatewayId
    webhook_id: OneLine = OneLine("")
    event: OneLine = OneLine("")
    status: OneLine = OneLine("")
    response_status: int | None = None
    attempts: int | None = None
    created_at: datetime | None = None
