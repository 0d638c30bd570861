"""Asks the agent for another draft, once a rejection that wants one has taken effect.

What is to be asked is saved in the transaction that ends the decision, and forgotten once the tags are set: a crash, a
lost network or a quit in between only delays it. It is asked on the rejected draft, see `services.redraft_tags`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from random import Random
from typing import TYPE_CHECKING

from mm_tui.clock import sleep_or_wake
from mm_tui.services import redraft_tags
from mm_tui.services.backoff import backoff_seconds
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

MOST_CUT = 3
"""So often it is tried again to set tags that the gateway keeps otherwise than they were set."""

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
        self._rng = Random()  # noqa: S311 - jitter, no secret
        self._failed: dict[str, tuple[int, float]] = {}
        """How often each could not be asked, and when it is tried again by the clock's monotonic time."""

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
            failures, again_at = self._failed.get(live.release_id, (0, 0.0))
            if failures and self._clock.monotonic() < again_at:
                left += 1
            elif await self._is_settled(live, failures):
                self._failed.pop(live.release_id, None)
                await asyncio.to_thread(self._unasked.forget, live.release_id)
            else:
                wait = backoff_seconds(failures + 1, AGAIN_AFTER, None, self._rng)
                self._failed[live.release_id] = failures + 1, self._clock.monotonic() + wait
                left += 1
        return left

    async def _is_settled(self, live: ActiveDecision, failures: int) -> bool:
        """Whether it is asked, or never can be, after so many failures."""
        from mm_tui.gateway.errors import BadRequest, Forbidden, GatewayError, NotFound
        from mm_tui.services import tags

        email_id, content = live.state.case.item, live.content
        if content is None or not self._gateway.keys.has("send"):
            log.info("%s: no other draft could be asked for", email_id)
            return True
        reason, suggested, _ = content.reason.partition(SUGGESTED)
        text = content.edit.body if suggested and content.edit is not None else ""
        request = RedraftRequest(OneLine(reason), ManyLine(text), OneLine(live.facts.reviewer))
        wanted = redraft_tags.as_tags(request, self._clock.now())
        # What was suggested in a tag before is not this reviewer's text.
        stale = redraft_tags.suggestion_tags() - wanted.keys()
        try:
            await tags.remove(self._gateway, live.facts.mailbox_id, email_id, sorted(stale))
            await tags.merge(self._gateway, live.facts.mailbox_id, email_id, wanted, longest=redraft_tags.PART)
        except (BadRequest, Forbidden, NotFound) as error:
            # It would be refused again.
            log.warning("%s: no other draft could be asked for: %s", email_id, type(error).__name__)
            return True
        except tags.TagsDiffer:
            log.warning("%s: another draft is asked for, but the gateway does not keep all of it", email_id)
            return failures + 1 >= MOST_CUT
        except (GatewayError, sqlite3.Error, OSError) as error:
            log.info("%s: another draft is asked for later: %s", email_id, type(error).__name__)
            return False
        return True
