"""What a gateway key may do, found by calls that change nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import BadRequest, Conflict, Forbidden, NotFound, Unauthorized
from mm_tui.gateway.keys import Keys
from mm_tui.models import Mailbox
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.settings.secret import Secret

NOBODY = "00000000000000000000000000"
"""An id that no e-mail has: withdrawing it changes nothing, and tells whether the key may send."""


@dataclass(frozen=True)
class KeyReport:
    """What was found out about a key. `known` is False when the gateway does not know it."""

    known: bool
    scopes: tuple[str, ...] = ()
    mailboxes: tuple[Mailbox, ...] = ()
    words: OneLine = OneLine("")


async def probe(url: str, key: Secret) -> KeyReport:
    """Tries a read, the queue, the audit log, and the withdrawal of an email that does not exist.

    Raises:
        GatewayError: the gateway cannot be reached, fails, or limits us.
    """
    async with GatewayClient(url, Keys(oversight=key, send=key, admin=key)) as gateway:
        try:
            mailboxes: tuple[Mailbox, ...] = await gateway.mailboxes()
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


async def _allowed(call: Callable[[], Awaitable[object]]) -> bool:
    try:
        await call()
    except (Forbidden, Unauthorized):
        return False
    except (NotFound, Conflict, BadRequest):
        return True
    return True


def faults(name: str, report: KeyReport) -> list[str]:
    """What is wrong with a key that is to be used as the `name` key, in words."""
    if not report.known:
        return [f"the gateway does not know the {name} key: {report.words}"]
    found = []
    if name not in report.scopes:
        has = ", ".join(report.scopes) or "none"
        found.append(f"the {name} key lacks the scope {name} (it has: {has})")
    if "send" in report.scopes and "oversight" in report.scopes:
        found.append(f"the {name} key can both send and approve, which no key should: who composes must not approve")
    return found
