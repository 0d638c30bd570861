"""Asks the agent for another draft, once a rejection that wants one has taken effect.

What is to be asked is saved in the transaction that ends the decision, and forgotten once the tags are set: a crash, a
lost network or a quit in between only delays it. It is asked on the rejected draft, see `services.redraft_tags`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING

from mm_tui.clock import sleep_or_wake
from mm_tui.services import redraft_tags
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.remembered import REDRAFTS_TO_ASK, RememberedDecisions
from mm_tui.services.queue.resubmitted import SUGGESTED
from mm_tui.services.redraft_tags import RedraftRequest
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.store.database import Database

AGAIN_AFTER = 15.0
"""Seconds until what could not be asked is asked again; also how soon what another program left is taken up."""

log = logging.getLogger("mm_tui.redrafts")


class RedraftRequests:
    """Sets the tags that ask for another draft.

    Args:
        database: where it is remembered what is to be asked.
        gateway: with a send key; without one nothing can be asked, and nothing is remembered.
        clock: dates the requests.
    """

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock) -> None:
        self._unasked = RememberedDecisions(database, REDRAFTS_TO_ASK)
        self._gateway = gateway
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Says that a decision has moved."""
        self._wake.set()

    async def run(self) -> None:
        """Asks whatever is to be asked, until cancelled."""
        while True:
            self._wake.clear()
            await self.ask()
            await sleep_or_wake(self._clock, AGAIN_AFTER, self._wake)

    async def ask(self) -> int:
        """One try for each that is remembered; returns how many are left."""
        left = 0
        for live in await asyncio.to_thread(self._unasked.all):
            if await self._is_settled(live):
                await asyncio.to_thread(self._unasked.forget, live.release_id)
            else:
                left += 1
        return left

    async def _is_settled(self, live: ActiveDecision) -> bool:
        from mm_tui.gateway.errors import BadRequest, GatewayError, NotFound
        from mm_tui.services import tags

        email_id, content = live.state.case.item, live.content
        if content is None or not self._gateway.keys.has("send"):
            log.info("%s: no other draft could be asked for", email_id)
            return True
        reason, suggested, _ = content.reason.partition(SUGGESTED)
        text = content.edit.body if suggested and content.edit is not None else ""
        request = RedraftRequest(OneLine(reason), ManyLine(text), OneLine(live.facts.reviewer))
        wanted = redraft_tags.as_tags(request, self._clock.now())
        try:
            await tags.merge(self._gateway, live.facts.mailbox_id, email_id, wanted, longest=redraft_tags.PART)
        except (BadRequest, NotFound) as error:
            # It would be refused again.
            log.warning("%s: no other draft could be asked for: %s", email_id, type(error).__name__)
            return True
        except (GatewayError, tags.TagsDiffer, sqlite3.Error, OSError) as error:
            log.info("%s: another draft is asked for later: %s", email_id, type(error).__name__)
            return False
        return True
