"""Tries addresses and keys with calls that change nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from mm_tui.gateway.client import NOBODY, GatewayClient
from mm_tui.gateway.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayError,
    Malformed,
    NotFound,
    NotMultiMail,
    ReadOnlyMailbox,
    Unauthorized,
)
from mm_tui.gateway.keys import Keys
from mm_tui.models import Mailbox
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine

ADDRESS_SECONDS = 15.0
"""Seconds that an address or the assistant may take to answer while a human waits at the prompt."""


class KeyReport(msgspec.Struct, frozen=True):
    """What a key may do. `known` is False if the gateway does not know it."""

    known: bool
    scopes: tuple[str, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    words: OneLine = OneLine("")


async def probe(url: str, key: Secret) -> KeyReport:
    """Tries a read, the queue, the audit log, and cancelling an email that does not exist. Raises GatewayError if the
    gateway cannot be reached, fails, or limits us."""
    async with GatewayClient(url, Keys(oversight=key, send=key, admin=key)) as gateway:
        try:
            mailboxes: tuple[Mailbox, ...] = await gateway.account.mailboxes()
        except Unauthorized as error:
            return KeyReport(known=False, words=error.message)
        except Forbidden:
            mailboxes = ()
            scopes = []
        else:
            scopes = ["read"]
        box = mailboxes[0].id if mailboxes else NOBODY
        tries: tuple[tuple[str, Callable[[], Awaitable[object]]], ...] = (
            ("oversight", gateway.pending),
            ("send", lambda: gateway.cancel(box, NOBODY)),
            ("admin", lambda: gateway.audit_log(limit=1)),
        )
        for scope, call in tries:
            if await _allowed(call):
                scopes.append(scope)
    return KeyReport(known=True, scopes=tuple(scopes), mailboxes=mailboxes)


async def address_fault(url: str) -> str:
    """Why no profile can use this address; empty if a gateway answers. No real key is sent. Raises GatewayError if
    nothing answers, or only with a fault."""
    nobody = Secret("mm_test_address_check")
    async with GatewayClient(
        url, Keys(oversight=nobody, send=nobody, admin=nobody), timeout=ADDRESS_SECONDS
    ) as gateway:
        if fault := await no_gateway(gateway):
            return str(fault)
        try:
            await gateway.account.mailboxes()
        except (Unauthorized, Forbidden):
            return ""
    return ""


async def no_gateway(client: GatewayClient) -> OneLine | None:
    """Why the address is not a MultiMail gateway; None if it is one or cannot be reached. It tries two calls that every
    gateway has, one without a key, because a proxy may block one of them."""
    faults: list[str] = []
    for path, ask in (("/health", client.health), ("/v1/mailboxes", client.account.mailboxes)):
        try:
            await ask()
        except NotMultiMail as error:
            faults.append(str(error.message).partition(f"{path} ")[2] or "is not found")
        except Malformed:
            faults.append("answers with something else")
        except GatewayError:
            return None
        else:
            if path == "/v1/mailboxes":
                return None
            faults.append("answers")
    health, mailboxes = faults
    if health == mailboxes:
        what = f"/health and /v1/mailboxes {mailboxes.replace('is ', 'are ', 1).replace('answers', 'answer', 1)}"
    elif health == "answers":
        what = f"/v1/mailboxes {mailboxes}"
    else:
        what = f"/health {health}, /v1/mailboxes {mailboxes}"
    return OneLine(f"{NotMultiMail.default_message}: {what}")


async def ai21_fault(key: Secret, host: str) -> tuple[str, str]:
    """Tries an AI21 key with a question that costs a few tokens. Returns why the key is refused, and why it could not
    be tried; both empty if it works."""
    from mm_tui.assist import errors
    from mm_tui.assist.jamba import Jamba
    from mm_tui.assist.model import PromptTurn
    from mm_tui.settings.sections import Assist

    async with Jamba(key, host, attempts=1) as jamba:
        try:
            await jamba.complete(
                [PromptTurn("user", "Hi")], Assist().small_model, max_tokens=1, deadline=ADDRESS_SECONDS
            )
        except errors.AssistUnauthorized:
            return "AI21 does not accept the key", ""
        except errors.Empty:
            return "", ""
        except errors.AssistError as error:
            return "", str(error.words)
    return "", ""


async def _allowed(call: Callable[[], Awaitable[object]]) -> bool:
    try:
        await call()
    except (NotFound, Conflict, BadRequest, ReadOnlyMailbox):
        return True
    except (Forbidden, Unauthorized):
        return False
    return True


def faults(name: str, report: KeyReport) -> list[str]:
    """What is wrong with using a key as the `name` key, in words."""
    if not report.known:
        return [f"the gateway does not know the {name} key: {report.words}"]
    found = []
    if name not in report.scopes:
        has = ", ".join(report.scopes) or "none"
        found.append(f"the {name} key lacks the scope {name} (it has: {has})")
    if "send" in report.scopes and "oversight" in report.scopes:
        found.append(f"the {name} key can both send and approve, which no key should: who composes must not approve")
    return found
