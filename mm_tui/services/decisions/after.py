"""Work to do after a decision has ended, which nothing waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from mm_tui.clock import Clock
from mm_tui.decision.moves import target
from mm_tui.decision.state import Outcome
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.events import Notify, PendingChanged
from mm_tui.services.knowledge.examples import Learner
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.seal import STORE_FAULTS

log = logging.getLogger("mm_tui.decisions")


class AfterDecisions:
    """Keeps examples of texts that were sent in place of an agent's, and the tags of emails with a first approval; has
    changed emails read again. `learner`: keeps the examples; None keeps none."""

    def __init__(self, database: Database, clock: Clock, notify: Notify, learner: Learner | None) -> None:
        self._mail = MailStore(database)
        self._pending = PendingStore(database)
        self._clock = clock
        self._notify = notify
        self._learner = learner
        self._tasks: set[asyncio.Task[Any]] = set()

    def ended(self, decision: ActiveDecision) -> None:
        """Starts the work that follows from an ended decision."""
        content, meta = decision.content, decision.meta
        if decision.followed_up:
            return
        if decision.state.outcome is Outcome.FIRST_APPROVED and decision.tags:
            decision.followed_up = True
            self._start(self._keep_tags(decision))
        if decision.state.outcome is Outcome.CHANGED:
            decision.followed_up = True
            self._start(self._outdate(decision.email_id))
        released = decision.state.outcome is Outcome.EDIT_RELEASED and not meta.author
        if self._learner is None or not released or content is None or content.edit is None:
            return
        decision.followed_up = True
        place = (decision.email_id, meta.mailbox_id, meta.thread_id)
        self._start(self._learner.learn(*place, content.base, content.edit.body, self._clock.now()))

    async def done(self) -> None:
        """Waits until all results are in the store."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _outdate(self, email_id: str) -> None:
        """Lets the details be read again: the queue's list does not show that cc, files or the send time changed."""
        try:
            if await asyncio.to_thread(self._pending.outdate, email_id):
                self._notify(PendingChanged())
        except STORE_FAULTS as error:
            log.warning("an email is not read again: %s", type(error).__name__)

    async def _keep_tags(self, decision: ActiveDecision) -> None:
        """Stores the tags of an email with our first approval at once, instead of at the next reading."""
        email_tags = {str(name): str(value) for name, value in decision.tags.items()}
        try:
            if await asyncio.to_thread(self._mail.save_tags, target(decision.state), email_tags):
                self._notify(PendingChanged())
        except STORE_FAULTS as error:
            log.warning("tags could not be kept: %s", type(error).__name__)
