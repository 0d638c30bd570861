"""Actions on mailboxes: trust ladder, new mailboxes, webhooks, quotas. Failures are returned as text for the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from mm_tui.account import Account, DayCount, Usage, Webhook, WebhookDelivery
from mm_tui.clock import Clock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import CodeSent, Forbidden, GatewayError, MissingScope, NotFound
from mm_tui.models import Allowed
from mm_tui.services.sync.service import Sync
from mm_tui.settings.checks import LOOPBACK_HOSTS
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine

T = TypeVar("T")
USAGE_DAYS = 30
"""Days of usage to plot, including today (UTC)."""
WEBHOOK_EVENTS = ("message.received", "oversight.pending", "oversight.approved", "oversight.rejected")
"""The default events of a new webhook; the gateway may have more."""


class ActionResult(msgspec.Struct, frozen=True):
    """The result of a change to a mailbox, in words for the user."""

    ok: bool
    words: OneLine
    code_sent: bool = False
    """Not done yet: the operator was sent a code, with which the action must be repeated."""
    secret: Secret | None = None
    """The secret that signs a new webhook's calls. It is returned only once and stored nowhere."""


class AccountFacts(msgspec.Struct, frozen=True):
    """The account, its usage and its webhooks, as far as the keys allow. A value that is None has a reason in words."""

    account: Account | None
    account_words: OneLine
    usage: Usage | None
    usage_words: OneLine
    webhooks: tuple[Webhook, ...] | None
    webhooks_words: OneLine
    by_day: tuple[tuple[OneLine, tuple[int, ...]], ...] = ()
    """What the gateway counts by day, most frequent first, each with the counts of `USAGE_DAYS` days, oldest first."""


class MailboxActions:
    """Queries and actions on mailboxes. No method raises an error of the gateway."""

    def __init__(self, gateway: GatewayClient, sync: Sync, clock: Clock, url: str = "") -> None:
        """`url` is the gateway's address: on this machine it is a sandbox, which keeps the operator's mail."""
        self._is_sandbox = urlsplit(url).hostname in LOOPBACK_HOSTS
        self._where = f" (in a sandbox, read it with: curl {url}/sandbox/operator-mail)" if self._is_sandbox else ""
        self._account = gateway.account
        self._sync = sync
        self._clock = clock

    async def facts(self) -> AccountFacts:
        """Reads account, usage and webhooks; each may fail independently."""
        account, account_words = await _read(self._account.read)
        usage, usage_words = await _read(self._account.usage)
        webhooks, webhooks_words = await _read(self._account.webhooks)
        today = self._clock.now().astimezone(UTC).date()
        since = datetime.combine(today, time(), UTC) - timedelta(days=USAGE_DAYS - 1)
        # Without counts by day, only the totals can be shown.
        counted, _ = await _read(lambda: self._account.daily_usage(since))
        by_day = _by_day(counted or (), today)
        return AccountFacts(account, account_words, usage, usage_words, webhooks, webhooks_words, by_day)

    async def deliveries(self) -> tuple[tuple[WebhookDelivery, ...] | None, OneLine]:
        """The latest webhook deliveries, newest first; or None with the reason in words."""
        found, words = await _read(self._account.webhook_deliveries)
        return (None if found is None else tuple(found)), words

    async def request_upgrade(self, mailbox_id: str, mode: str) -> ActionResult:
        """Requests a code to move the mailbox up to `mode`; the gateway emails it to the operator."""
        try:
            await self._account.request_upgrade(mailbox_id, mode)
        except GatewayError as error:
            return _failed(error)
        return ActionResult(
            True,
            OneLine(
                f"a code for {mode.replace('_', ' ')} was sent to the operator by email{self._where}; it works once, "
                "within 24 hours"
            ),
            True,
        )

    async def redeem(self, mailbox_id: str, code: str) -> ActionResult:
        """Moves the mailbox up with the operator's code."""
        try:
            await self._account.upgrade(mailbox_id, code.strip())
        except MissingScope as error:
            return _failed(error)
        except Forbidden as error:
            return ActionResult(False, OneLine(f"{error.message}: the mailbox is unchanged"))
        except NotFound:
            return ActionResult(
                False,
                OneLine("no upgrade is waiting for a code: request one first, or again if the code is older than 24 h"),
            )
        except GatewayError as error:
            return await self._in_doubt(error)
        return await self._read_again("the mailbox was moved up")

    async def move_down(self, mailbox_id: str, mode: str) -> ActionResult:
        """Moves the mailbox down to `mode` at once."""
        call = self._account.update_mailbox(mailbox_id, oversight_mode=mode)
        return await self._change(call, f"the mailbox is now {mode.replace('_', ' ')}")

    async def create(self, local: str, display_name: str, code: str) -> ActionResult:
        """Creates a mailbox. Without a code the gateway emails one to the operator; repeat the call with it."""
        try:
            address = await self._account.create_mailbox(
                local.strip(), display_name.strip() or None, approval_code=code.strip() or None
            )
        except CodeSent as error:
            return ActionResult(True, OneLine(f"{error.message}{self._where}: enter it to create the mailbox"), True)
        except GatewayError as error:
            return await self._in_doubt(error)
        return await self._read_again(f"{address} was created; new mailboxes start at gated_send")

    async def allow(self, mailbox_id: str, pattern: str, note: str, code: str) -> ActionResult:
        """Allows mail to an address or a domain to be sent without approval. Without a code the gateway emails one to
        the operator; repeat the call with it."""
        call = self._account.allow(mailbox_id, pattern.strip(), note.strip() or None, code.strip() or None)
        done = f"mail to {pattern.strip()} is sent without approval from now on"
        return await self._change(call, done, f"send mail to {pattern} without approval")

    async def disallow(self, mailbox_id: str, entry: Allowed, code: str) -> ActionResult:
        """Removes an entry from the allowlist, with the operator's code like `allow`."""
        call = self._account.disallow(mailbox_id, entry.id, code.strip() or None)
        done = f"mail to {entry.pattern} needs approval again"
        return await self._change(call, done, f"require approval again for mail to {entry.pattern}")

    async def create_webhook(self, url: str, events: Sequence[str], mailbox_id: str | None, code: str) -> ActionResult:
        """Creates a webhook for one mailbox, or for all with None."""
        if why := unfit(url, is_sandbox=self._is_sandbox):
            return ActionResult(False, OneLine(why))
        if not events:
            return ActionResult(False, OneLine("name at least one event"))
        try:
            webhook, secret = await self._account.create_webhook(
                url.strip(), events, mailbox_id, approval_code=code.strip() or None
            )
        except CodeSent as error:
            return ActionResult(True, OneLine(f"{error.message}: enter it to create the webhook"), True)
        except GatewayError as error:
            return await self._in_doubt(error)
        return ActionResult(True, OneLine(f"the webhook to {webhook.url} was created"), secret=secret)

    async def delete_webhook(self, webhook_id: str) -> ActionResult:
        try:
            await self._account.delete_webhook(webhook_id)
        except GatewayError as error:
            return _failed(error)
        return ActionResult(True, OneLine("the webhook was removed"))

    async def _change(self, call: Awaitable[None], done: str, code_for: str = "") -> ActionResult:
        """Makes a call that changes mailboxes. Some need a code, sent to the operator, to do what `code_for` says."""
        try:
            await call
        except CodeSent as error:
            return ActionResult(True, OneLine(f"{error.message}: enter it to {code_for}"), True)
        except GatewayError as error:
            return await self._in_doubt(error)
        return await self._read_again(done)

    async def _in_doubt(self, error: GatewayError) -> ActionResult:
        """The result of a failed action. If it may have taken effect, the mailboxes are read again."""
        if error.may_have_happened:
            await _read(self._sync.refresh_mailboxes)
        return _failed(error)

    async def _read_again(self, words: str) -> ActionResult:
        _, trouble = await _read(self._sync.refresh_mailboxes)
        return ActionResult(True, OneLine(f"{words}; the list could not be reloaded: {trouble}" if trouble else words))


def _by_day(counted: Sequence[DayCount], today: date) -> tuple[tuple[OneLine, tuple[int, ...]], ...]:
    days: dict[OneLine, list[int]] = {}
    for one in counted:
        ago = (today - one.day).days
        if 0 <= ago < USAGE_DAYS:
            days.setdefault(one.what, [0] * USAGE_DAYS)[USAGE_DAYS - 1 - ago] += one.count
    return tuple((what, tuple(counts)) for what, counts in sorted(days.items(), key=lambda item: -sum(item[1])))


def unfit(url: str, *, is_sandbox: bool) -> str:
    """Why a webhook cannot use this address; empty if it can. Only https, because its calls are about mail; a sandbox's
    stay on this machine."""
    try:
        parts = urlsplit(url.strip())
        is_private = parts.scheme == "https" or (
            parts.scheme == "http" and is_sandbox and parts.hostname in LOOPBACK_HOSTS
        )
        usable = is_private and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        here = ", or with http://127.0.0.1" if is_sandbox else ""
        return f"a webhook's address must start with https://{here}"
    if parts.netloc.endswith(":"):
        return "a webhook's address must have a port after its colon, and https:// only once"
    if parts.username is not None:
        return "a webhook's address must not contain a user name or password"
    return ""


def _failed(error: GatewayError) -> ActionResult:
    if error.may_have_happened:
        return ActionResult(
            False, OneLine(f"{error.message}. It may have happened anyway: check before you try again.")
        )
    return ActionResult(False, OneLine(f"{error.message}. {error.what_to_do}"))


async def _read(ask: Callable[[], Awaitable[T]]) -> tuple[T | None, OneLine]:
    try:
        return await ask(), OneLine("")
    except GatewayError as error:
        return None, OneLine(f"{error.message}. {error.what_to_do}")
