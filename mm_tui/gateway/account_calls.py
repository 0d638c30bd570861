"""Calls on the account: mailboxes, trust ladder, webhooks, contacts, suppression."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui.account import Account, DayCount, Usage, Webhook, WebhookDelivery
from mm_tui.gateway import account_wire, calls, values
from mm_tui.gateway.caller import Caller, given
from mm_tui.gateway.errors import CodeSent, Malformed
from mm_tui.gateway.shapes import ApiKey, Contact, Listing, Suppression
from mm_tui.models import Allowed, Mailbox
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.http import HttpAnswer

ACCEPTED = 202
"""The status of an action that waits for the operator's code."""


class AccountCalls:
    """The calls that read or change the account."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    # Account

    async def read(self) -> Account:
        """The account's name, plan and quotas."""
        return await self._caller.ask(
            calls.ACCOUNT, lambda answer: account_wire.account(values.single(answer, "account"))
        )

    async def export(self) -> bytes:
        """Everything that the gateway stores about the account, unchanged. It can be requested once an hour. Raises
        GatewayError if the call failed; Malformed also if the answer is empty or a web page."""
        from mm_tui.gateway.http import MAX_DOWNLOAD

        answer = await (await self._caller.open()).call(calls.EXPORT, limit=MAX_DOWNLOAD, factor=12)
        what = "a web page" if answer.content_type.startswith("text/html") else "" if answer.body.strip() else "empty"
        if what:
            raise Malformed(f"{calls.EXPORT.name}: the answer is {what}, not an export", status=answer.status)
        return answer.body

    async def usage(self) -> Usage:
        """What the account has sent, received and called in the current period."""
        return await self._caller.ask(calls.USAGE, lambda answer: account_wire.usage(values.single(answer, "usage")))

    async def daily_usage(self, since: datetime) -> Listing[DayCount]:
        """The account's usage by day (UTC)."""
        params = {"from": str(int(since.timestamp() * 1000)), "breakdown": "daily"}
        return await self._caller.listing(calls.USAGE, ("data", "usage", "days"), account_wire.day_count, params=params)

    # Mailboxes

    async def mailboxes(self) -> Listing[Mailbox]:
        return await self._caller.listing(calls.MAILBOXES, ("mailboxes",), account_wire.mailbox)

    async def allow_list(self, mailbox_id: str) -> Listing[Allowed]:
        """The recipients that need no human approval, in `gated_send`."""
        names = ("entries", "allowlist")
        return await self._caller.listing(calls.ALLOWLIST, names, account_wire.allowed, at={"mailbox_id": mailbox_id})

    async def allow(self, mailbox_id: str, pattern: str, note: str | None, approval_code: str | None) -> None:
        """Adds to the allowlist. Raises CodeSent if the operator was sent a code; repeat the call with it."""
        body = given(pattern=pattern, note=note, approval_code=approval_code)
        self._done(await self._caller.call(calls.ALLOW, body=body, at={"mailbox_id": mailbox_id}))

    async def disallow(self, mailbox_id: str, entry_id: str, approval_code: str | None) -> None:
        """Removes an entry from the allowlist. Raises CodeSent as `allow` does."""
        at = {"mailbox_id": mailbox_id, "entry_id": entry_id}
        self._done(await self._caller.call(calls.DISALLOW, body=given(approval_code=approval_code), at=at))

    @staticmethod
    def _done(answer: HttpAnswer) -> None:
        if answer.status == ACCEPTED:
            raise CodeSent

    async def create_mailbox(
        self, local: str, display_name: str | None = None, approval_code: str | None = None
    ) -> OneLine:
        """Creates a mailbox; returns its address. Raises CodeSent if the call must be repeated with a code."""
        body = given(address_local=local, display_name=display_name, approval_code=approval_code)

        def read(answer: object) -> OneLine:
            item = values.single(answer, "mailbox")
            if values.optional_id(item.get("id")) is None:
                raise CodeSent
            return values.line(item.get("address"))

        return await self._caller.ask(calls.CREATE_MAILBOX, read, body=body)

    async def update_mailbox(self, mailbox_id: str, **fields: str | bool | int | Sequence[str] | None) -> None:
        """Changes fields of a mailbox: display_name, oversight_mode (downwards only), auto_cc, signature_block, ..."""
        await self._caller.call(calls.UPDATE_MAILBOX, body=fields, at={"mailbox_id": mailbox_id})

    async def request_upgrade(self, mailbox_id: str, target_mode: str) -> OneLine:
        """Asks for a code to move the mailbox up; it is mailed to the operator. Returns the gateway's words."""
        return await self._caller.ask(
            calls.REQUEST_UPGRADE, _words, body={"target_mode": target_mode}, at={"mailbox_id": mailbox_id}
        )

    async def upgrade(self, mailbox_id: str, code: str) -> OneLine:
        """Redeems that code. Returns the gateway's words. A wrong code raises Forbidden, none pending NotFound."""
        return await self._caller.ask(calls.UPGRADE, _words, body={"code": code}, at={"mailbox_id": mailbox_id})

    # Webhooks, contacts, suppression

    async def webhooks(self) -> Listing[Webhook]:
        return await self._caller.listing(calls.WEBHOOKS, ("subscriptions", "webhooks"), account_wire.webhook)

    async def create_webhook(
        self, url: str, events: Sequence[str], mailbox_id: str | None = None, approval_code: str | None = None
    ) -> tuple[Webhook, Secret]:
        """Creates a webhook; its signing secret is returned only here. Raises CodeSent if the operator was sent a code;
        repeat the call with it."""

        def read(answer: object) -> tuple[Webhook, Secret]:
            item = values.single(answer, "subscription", "webhook")
            secret = values.first(item, "signing_secret", "secret") or values.first(
                values.table(answer), "signing_secret", "secret"
            )
            if secret is None and values.optional_id(values.first(item, "id", "webhook_id")) is None:
                raise CodeSent(values.line(item.get("message")))
            if not isinstance(secret, str) or not secret:
                raise values.Unusable("it holds no signing secret")
            return account_wire.webhook({"url": url, "events": list(events), **item}), Secret(secret)

        body = given(url=url, events=list(events), mailbox_id=mailbox_id, approval_code=approval_code)
        return await self._caller.ask(calls.CREATE_WEBHOOK, read, body=body)

    async def delete_webhook(self, webhook_id: str) -> None:
        await self._caller.call(calls.DELETE_WEBHOOK, at={"webhook_id": webhook_id})

    async def webhook_deliveries(self) -> Listing[WebhookDelivery]:
        names = ("deliveries", "webhook_deliveries")
        return await self._caller.listing(
            calls.WEBHOOK_DELIVERIES, names, account_wire.webhook_delivery, params={"limit": "100"}
        )

    async def contacts(self) -> Listing[Contact]:
        """The account's address book."""
        return await self._caller.listing(calls.CONTACTS, ("contacts",), account_wire.contact)

    async def api_keys(self) -> Listing[ApiKey]:
        """The account's keys by id and name. The gateway shows a key itself only when it is created."""
        return await self._caller.listing(calls.API_KEYS, ("api_keys", "keys"), account_wire.api_key)

    async def suppression(self) -> Listing[Suppression]:
        """The addresses that the gateway does not send to."""
        return await self._caller.listing(calls.SUPPRESSION, ("suppressions", "suppression"), account_wire.suppression)


def _words(answer: object) -> OneLine:
    item = values.table(answer)
    return values.line(values.first(item, "message", "status", "oversight_mode"))
