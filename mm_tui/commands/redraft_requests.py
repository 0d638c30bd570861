"""Asks agents for other drafts after rejections by command, and says for which email that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mm_tui.commands.output.exits import Exit
from mm_tui.services.decisions.redrafts import RedraftRequests
from mm_tui.services.events import RedraftNotAsked, ServiceEvent
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.session import Session

LATER = OneLine("another draft will be asked for when mm-tui runs next")


class RedraftsAsked(msgspec.Struct, frozen=True):
    """The result of the requests: for the emails that are in neither, another draft was asked for."""

    refused: dict[str, RedraftNotAsked]
    """By email: requests that can never succeed."""
    later: frozenset[str]
    """Emails whose request failed, and is repeated when mm-tui runs next."""

    def fields(self, email_id: str) -> dict[str, object]:
        """The result for an email, for JSON."""
        if email_id in self.refused:
            return {"state": "refused", "words": self.refused[email_id].words}
        return {"state": "later", "words": LATER} if email_id in self.later else {"state": "asked", "words": None}

    def status(self, email_id: str) -> Exit:
        """The exit status: a request that is repeated later is no failure."""
        refused = self.refused.get(email_id)
        if refused is None:
            return Exit.OK
        return Exit.AUTH if refused.needs_key else Exit.GATEWAY


async def ask_redrafts(session: Session) -> RedraftsAsked:
    """Makes each request once, also those that earlier runs left."""
    refused: dict[str, RedraftNotAsked] = {}

    def note(event: ServiceEvent) -> None:
        if isinstance(event, RedraftNotAsked):
            refused[event.email_id] = event

    later = await RedraftRequests(session.database, session.network.gateway, session.clock, note).ask()
    return RedraftsAsked(refused, frozenset(later))
