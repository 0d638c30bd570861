"""The decisions service: what a human may do with waiting emails, and the state of each decision.

The procedure (`mm_tui/decision/machine.py`) defines the order of the steps; the driver adds the gateway, the store and
time. Everything runs on one event loop. Locks keep out a second process on the same store; `resume` continues after a
crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec.structs import replace

from mm_tui.clock import Clock
from mm_tui.decision.events import Answer, Quit, Undo
from mm_tui.decision.state import INCIDENTS, Act, Choice, Question, Step
from mm_tui.gateway.client import GatewayClient
from mm_tui.models import EditedDraft, Status
from mm_tui.review.findings import Finding
from mm_tui.services.audit.key_names import key_names
from mm_tui.services.decisions.active import ActiveDecisions
from mm_tui.services.decisions.after import AfterDecisions
from mm_tui.services.decisions.beginning import Beginning
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.driver import Driver
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.overview import DecisionOverview
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.request import DecisionRequest, Refused
from mm_tui.services.decisions.view import DecisionView, Seen
from mm_tui.services.events import Notify
from mm_tui.services.knowledge.examples import Learner
from mm_tui.services.presence.approvals import Approvals, Approver, SecondApproval
from mm_tui.services.queue.resubmitted import SUGGESTED
from mm_tui.settings.sections import Review
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import RENEW_SECONDS
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

__all__ = ["Decisions", "Refused"]

RESUME_SECONDS = 20.0
"""Seconds between two checks for decisions of processes that have ended."""
LAST_WORDS = 10.0
"""Seconds for which closing waits for a call in progress."""

log = logging.getLogger("mm_tui.decisions")


class Decisions:
    """All decisions of one profile: those of this run, and those left by a crash."""

    def __init__(
        self,
        database: Database,
        gateway: GatewayClient,
        settings: Review,
        reviewer: str,
        clock: Clock,
        notify: Notify,
        *,
        by_command: bool = False,
        learner: Learner | None = None,
    ) -> None:
        """Starts nothing; `run` or `resume` continues what an earlier run left. `notify` is called with
        `DecisionChanged` whenever a view changes, except for the countdown. `by_command`: decisions are made on the
        command line, which the journal and other windows show. `learner` keeps examples of texts sent in place of an
        agent's; None keeps none."""
        self._gateway = gateway
        self._settings = settings
        self._clock = clock
        us = Approver.of(reviewer, gateway.keys)
        self._store = DecisionLog(
            database,
            reviewer,
            settings.own_replies,
            by_command=by_command,
            second=SecondApproval(database, settings, lambda: us),
            can_tag=gateway.keys.has("send"),
        )
        calls = self._calls = DecisionCalls(gateway, clock, us)
        self._after = AfterDecisions(database, clock, notify, learner)
        self._driver = Driver(self._store, calls, clock, notify, self._after.ended)
        self._active = ActiveDecisions()
        self.overview = DecisionOverview(self._active, clock, reviewer, partial(key_names, StateStore(database)))
        self._beginning = Beginning(self._store, self._driver, self._active, clock, settings.hold_seconds)
        self._renewing: asyncio.Task[None] | None = None

    # What a human may do

    async def approve(
        self,
        item: Seen,
        digest: str,
        *,
        found: Sequence[Finding] = (),
        shown: Approvals | None = None,
        hold: float | None = None,
    ) -> DecisionView:
        """Approves the whole email as it was on the screen, after the hold. `digest`: from what was shown or typed by a
        human. `found`: the findings that the reviewer was shown; the journal records their codes. `hold`: in seconds;
        None for the setting. Raises Refused if it cannot begin, and nothing was done."""
        return (await self._begin([DecisionRequest(item, Act.APPROVE, digest, found=found, shown=shown)], hold))[0]

    async def reject(
        self, item: Seen, digest: str, reason: str, *, asks_redraft: bool | None = None, hold: float | None = None
    ) -> DecisionView:
        """Rejects what was on the screen, after the hold. Raises `Refused`, for example without a reason.
        `asks_redraft`: whether to ask the agent for another draft; None decides by the reason, as in the settings."""
        return (await self._begin([self._rejection(item, digest, reason, asks_redraft)], hold))[0]

    def _rejection(self, item: Seen, digest: str, reason: str, asks_redraft: bool | None = None) -> DecisionRequest:
        asks = reason in self._settings.redraft_reasons if asks_redraft is None else asks_redraft
        asks = asks and self._gateway.keys.has("send")
        return DecisionRequest(item, Act.REJECT, digest, reason=reason, asks_redraft=asks)

    async def send_back(
        self, item: Seen, digest: str, reason: str, edit: EditedDraft, *, hold: float | None = None
    ) -> DecisionView:
        """Rejects with the edited text in the reason, and asks the agent for another draft like it. Without a send key
        the agent is not asked and can only read the text at the gateway. The text also stays in the local store. Raises
        `Refused`."""
        if not reason.strip():
            raise Refused("sending back needs a reason", "Say why, so that the agent can do better.")
        with_text = f"{reason}{SUGGESTED}{edit.as_mail}"
        return (await self._begin([replace(self._rejection(item, digest, with_text, True), edit=edit)], hold))[0]

    async def release_edit(
        self,
        item: Seen,
        base_digest: str,
        edit: EditedDraft,
        *,
        found: Sequence[Finding] = (),
        hold: float | None = None,
    ) -> DecisionView:
        """Submits the edited text, retires the original, releases the edit. A scheduled email is edited in place. The
        text is on the disk before this returns. `found` holds the findings about the edit. Raises `Refused`."""
        if not self._gateway.keys.has("send"):
            raise Refused(
                "there is no send key, so an edit cannot be submitted", "Send it back with your text instead."
            )
        act = Act.RESCHEDULE if str(item.status) == Status.SCHEDULED else Act.RELEASE_EDIT
        return (await self._begin([DecisionRequest(item, act, base_digest, edit=edit, found=found)], hold))[0]

    async def approve_all(
        self,
        items: Sequence[tuple[Seen, str]],
        *,
        found: Mapping[str, Sequence[Finding]] | None = None,
        shown: Mapping[str, Approvals] | None = None,
        hold: float | None = None,
    ) -> tuple[DecisionView, ...]:
        """Approves several, each with its digest, with one hold and one undo. Begins all or none; raises `Refused`.
        `found` by the emails' ids."""
        findings, approvals = found or {}, shown or {}
        requests = [
            DecisionRequest(item, Act.APPROVE, digest, found=findings.get(item.id, ()), shown=approvals.get(item.id))
            for item, digest in items
        ]
        return await self._begin(requests, hold)

    async def reject_all(
        self, items: Sequence[tuple[Seen, str]], reason: str, *, asks_redraft: bool | None = None
    ) -> tuple[DecisionView, ...]:
        """Rejects several for one reason, with one hold and one undo. Begins all or none; raises `Refused`."""
        return await self._begin([self._rejection(item, digest, reason, asks_redraft) for item, digest in items], None)

    async def reject_each(
        self, items: Sequence[tuple[Seen, str]], reason: str, *, hold: float | None = None
    ) -> tuple[tuple[DecisionView, ...], Mapping[str, OneLine]]:
        """Rejects those that can be rejected, each with its digest, for one reason, with one hold and one undo. Agents
        are not asked for other drafts, because this serves to stop one. Returns the decisions that began, and for the
        other emails, by id, why they could not. Raises Refused if nothing can be decided at all."""
        self._refuse_closed()
        requests = [DecisionRequest(item, Act.REJECT, digest, reason=reason) for item, digest in items]
        decisions, refused = await self._beginning.begin_each(requests, hold)
        return await self.overview.views(decisions), refused

    async def undo(self, email_id: str) -> int:
        """Undoes an unsent decision, together with its batch. Returns how many were undone; 0 if it was too late."""
        decision = self._active.of(email_id)
        if decision is None:
            return 0
        return len(await self._driver.feed_all(self._active.batch_of(decision), Undo()))

    async def answer(self, email_id: str, choice: Choice, *, to: Question | None = None, digest: str = "") -> bool:
        """Answers the question about this email. Returns False if it is no longer asked. `to`: the question that the
        human read; the answer is valid only for it. `digest`: of the content that the human read (`Asked.digest`);
        nothing else can be accepted."""
        decision = self._active.of(email_id)
        if decision is None or (to is not None and decision.state.question is not to):
            return False
        seen = decision.state.snapshot
        if choice is Choice.ACCEPT and (seen is None or digest != seen.digest):
            return False
        return await self._driver.feed(decision, Answer(choice))

    # What is known

    async def followed_up(self) -> None:
        """Waits until the results of ended decisions, such as examples and tags, are in the store."""
        await self._after.done()

    def was_limited(self, decision_id: str) -> bool:
        """Whether the gateway refused a call of this decision because there were too many requests."""
        return decision_id in self._calls.limited

    def note_not_done(self) -> Coroutine[Any, Any, None]:
        """Notes that a human has looked at all decisions that failed without effect, as `looked_at` does."""
        failed = [decision for decision in self._active if decision.is_unseen_failure]
        for decision in failed:
            decision.looked_at = True
        return self._keep_looked_at([decision for decision in failed if decision.fell_back_unasked])

    def looked_at(self, decision_id: str) -> Coroutine[Any, Any, None]:
        """Notes that a human has looked at how a decision ended: in memory at once, on the disk when awaited."""
        decision = self._active[decision_id]
        decision.looked_at = True
        return self._keep_looked_at([decision])

    async def _keep_looked_at(self, decisions: Sequence[ActiveDecision]) -> None:
        for decision in decisions:
            if decision.state.outcome in INCIDENTS:
                await asyncio.to_thread(self._store.incidents.forget, decision.decision_id)
            elif decision.fell_back_unasked:
                await asyncio.to_thread(self._store.fell_back.forget, decision.decision_id)
            self._driver.report(decision)

    # History

    async def run(self) -> None:
        """Continues decisions of processes that have ended, now and later, until cancelled."""
        while True:
            await self.resume()
            await self._clock.sleep(RESUME_SECONDS)

    async def resume(self) -> None:
        """Continues the decisions of processes that have ended: reads the gateway, then asks a human."""
        if self._driver.closing or self._beginning.is_under_way:
            return
        self._renew_locks()
        await self._beginning.resume()

    async def queue_moved(self) -> None:
        """Reports what a new list of the queue says about decisions; see `Beginning.queue_moved`."""
        await self._beginning.queue_moved()

    def hurry(self) -> None:
        """Reads at once whatever waits for another reading, because a human asks for it."""
        self._driver.performer.hurry()

    def begin_closing(self, *, unasked: bool = False) -> None:
        """Prevents new decisions and calls; `aclose` does the rest. `unasked`: no human chose to leave, so that what
        falls back is shown at the next start."""
        for decision in self._active.open() if unasked else ():
            decision.was_left = True
        self._driver.closing = True
        self._gateway.begin_closing()

    async def aclose(self) -> None:
        """Cancels decisions that have not been sent, and waits for the answer to a call in progress."""
        self.begin_closing()
        decisions = self._active.open()
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._driver.feed_all(decisions, Quit())
                calling = [decision.activity for decision in decisions if decision.state.step is Step.CALL]
                under_way = [activity for activity in calling if activity is not None]
                if under_way:
                    await asyncio.wait(under_way)
                await self._driver.journal.written()
        except TimeoutError:
            # It is on the disk in its last journaled state.
            log.warning("closed while a decision was in progress; its outcome is read at the next start")
        await self._driver.stop_all(list(self._active))
        await self._after.done()
        if self._renewing is not None:
            self._renewing.cancel()
        await self._beginning.leave_open()

    async def _begin(self, requests: Sequence[DecisionRequest], hold: float | None) -> tuple[DecisionView, ...]:
        self._refuse_closed()
        return await self.overview.views(await self._beginning.begin_all(requests, hold))

    def _refuse_closed(self) -> None:
        """Raises `Refused` if nothing can be decided now; otherwise starts to renew the locks."""
        if self._driver.closing:
            raise Refused("the program is closing", "Start it again.")
        if not self._gateway.keys.has("oversight"):
            raise Refused("there is no oversight key, so nothing can be decided", "Set oversight_key for this profile.")
        self._renew_locks()

    def _renew_locks(self) -> None:
        """Starts to renew this program's locks, until it closes."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._keep_renewing())

    async def _keep_renewing(self) -> None:
        # Real time, not the session's clock: other processes watch a lease by their own real time.
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not self._active.open():
                continue
            try:
                await asyncio.to_thread(self._store.locks.renew, self._clock.now())
            except STORE_FAULTS as error:
                # Each journal entry makes sure that the lock is still ours.
                log.warning("locks could not be renewed: %s", type(error).__name__)
