"""Asks the agent for another draft after a rejection that wants one has taken effect.

A request is saved in the transaction that ends the decision, and deleted when the tags are set, so a crash or a network
failure only delays it. The tags are set on the rejected draft, see `services.redraft_tags`.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from random import Random

from mm_tui.clock import Clock, sleep_or_wake
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import BadRequest, Forbidden, GatewayError, NotFound
from mm_tui.services import redraft_tags, tags
from mm_tui.services.backoff import backoff_seconds
from mm_tui.services.decisions.overview import about
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.remembered import REDRAFTS_TO_ASK, RememberedDecisions
from mm_tui.services.events import Notify, RedraftNotAsked
from mm_tui.services.queue.resubmitted import SUGGESTED
from mm_tui.services.redraft_tags import RedraftRequest
from mm_tui.store.database import Database
from mm_tui.text import ManyLine, OneLine

AGAIN_AFTER = 15.0
"""Seconds until a failed request is repeated, and until another program's requests are taken over."""

MOST_CUT = 3
"""How many times tags are set again if the gateway does not keep them as set."""

log = logging.getLogger("mm_tui.redrafts")


class RedraftRequests:
    """Sets the tags that ask for another draft. The gateway needs a send key; without one no requests are made.
    `notify` receives `RedraftNotAsked` about each request that can never succeed."""

    def __init__(self, database: Database, gateway: GatewayClient, clock: Clock, notify: Notify) -> None:
        self._unasked = RememberedDecisions(database, REDRAFTS_TO_ASK)
        self._gateway = gateway
        self._clock = clock
        self._notify = notify
        self._wake = asyncio.Event()
        self._rng = Random()  # noqa: S311 - jitter, no secret
        self._failed: dict[str, tuple[int, float]] = {}
        """By request: the number of failures, and the monotonic time of the next try."""

    def wake(self) -> None:
        """Wakes the task because a decision changed."""
        self._wake.set()

    async def run(self) -> None:
        """Makes all requests, until cancelled."""
        while True:
            self._wake.clear()
            await self.ask()
            await sleep_or_wake(self._clock, AGAIN_AFTER, self._wake)

    async def ask(self) -> list[str]:
        """Tries each request once; returns the ids of the emails whose requests are left."""
        left: list[str] = []
        for decision in await asyncio.to_thread(self._unasked.all):
            failures, again_at = self._failed.get(decision.decision_id, (0, 0.0))
            if failures and self._clock.monotonic() < again_at:
                left.append(decision.email_id)
            elif await self._is_settled(decision, failures):
                self._failed.pop(decision.decision_id, None)
                await asyncio.to_thread(self._unasked.forget, decision.decision_id)
            else:
                wait = backoff_seconds(failures + 1, AGAIN_AFTER, None, self._rng)
                self._failed[decision.decision_id] = failures + 1, self._clock.monotonic() + wait
                left.append(decision.email_id)
        return left

    async def _is_settled(self, decision: ActiveDecision, failures: int) -> bool:
        """Tries one request; returns whether it is done or can never succeed."""
        email_id, content = decision.email_id, decision.content
        if content is None:
            self._report(decision, "the reason is not kept here")
            return True
        if not self._gateway.keys.has("send"):
            self._report(decision, "there is no send key", needs_key=True)
            return True
        reason, suggested, _ = content.reason.partition(SUGGESTED)
        text = content.edit.body if suggested and content.edit is not None else ""
        request = RedraftRequest(OneLine(reason), ManyLine(text), OneLine(decision.meta.reviewer))
        wanted = redraft_tags.as_tags(request, self._clock.now())
        # A text suggested in an earlier tag is not this reviewer's.
        stale = redraft_tags.suggestion_tags() - wanted.keys()
        try:
            await tags.remove(self._gateway, decision.meta.mailbox_id, email_id, sorted(stale))
            await tags.merge(self._gateway, decision.meta.mailbox_id, email_id, wanted, longest=redraft_tags.PART)
        except (BadRequest, Forbidden, NotFound) as error:
            # A repetition would be refused again.
            self._report(decision, error.message, needs_key=isinstance(error, Forbidden))
            return True
        except tags.TagsDiffer:
            log.warning("%s: another draft is asked for, but the gateway does not keep all of it", email_id)
            return failures + 1 >= MOST_CUT
        except (GatewayError, sqlite3.Error, OSError) as error:
            log.info("%s: another draft is asked for later: %s", email_id, type(error).__name__)
            return False
        return True

    def _report(self, decision: ActiveDecision, why: str, *, needs_key: bool = False) -> None:
        log.warning("%s: no other draft could be asked for", decision.email_id)
        email = f"email {about(decision)}".strip()
        words = OneLine(f"another draft in place of the {email} cannot be asked for: {why}")
        self._notify(RedraftNotAsked(decision.email_id, words, needs_key))
