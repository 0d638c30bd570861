"""Deciding about mail: what a human may do with what waits, and how it stands.

The core (`mm_tui/decision/machine.py`) knows what may follow what; the driver adds the gateway, the store and time. All
belongs to one event loop. Locks keep out a second process on the same store; `resume` continues after a crash.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from mm_tui.clock import Clock
from mm_tui.decision.events import Answer, MayHaveMoved, Quit, Restarted, Undo
from mm_tui.decision.machine import can_undo
from mm_tui.decision.state import INCIDENTS, Act, Choice, Question, Step
from mm_tui.gateway.client import GatewayClient
from mm_tui.models import EditedDraft, PendingItem, Status
from mm_tui.review.digest import digest_of
from mm_tui.review.draft import starts_thread
from mm_tui.review.findings import Finding
from mm_tui.services.decisions.active import ActiveDecisions
from mm_tui.services.decisions.after import AfterDecisions
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.driver import Driver
from mm_tui.services.decisions.incidents import item_of
from mm_tui.services.decisions.lock_renewal import LockRenewal
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.request import DecisionRequest, Refused
from mm_tui.services.decisions.show import view_of
from mm_tui.services.decisions.view import DecisionView, Seen
from mm_tui.services.events import Notify
from mm_tui.services.examples import Learner
from mm_tui.services.presence.approvals import Approvals, Approver
from mm_tui.services.presence.second_approval import SecondApproval
from mm_tui.services.queue.resubmitted import SUGGESTED
from mm_tui.settings.sections import Review
from mm_tui.store.database import Database
from mm_tui.store.seal import StoreError
from mm_tui.text import OneLine

__all__ = ["Decisions", "Refused"]

TAKE_UP_EVERY = 20.0
"""Seconds between two looks for decisions of processes that are gone."""
REMEMBERED = 500
"""How many ended decisions of this run are kept for `states`."""
LAST_WORDS = 10.0
"""Seconds that closing waits for a call under way."""

log = logging.getLogger("mm_tui.decisions")


class Decisions:
    """All decisions of one profile, of this run and those that a crash left."""

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
        """Does nothing yet; `run` or `resume` takes up what an earlier run left.

        Args:
            reviewer: the name under which decisions are journaled.
            notify: called with `DecisionChanged` whenever a view changes, except for the countdown.
            by_command: the decisions are made on the command line; the journal and other windows say so.
            learner: keeps what was released in place of an agent's text; None keeps nothing.
        """
        self._gateway = gateway
        self._settings = settings
        self._clock = clock
        self._reviewer = reviewer
        us = Approver.of(reviewer, gateway.keys)
        self._store = DecisionLog(
            database,
            reviewer,
            settings.own_replies,
            by_command=by_command,
            second=SecondApproval(database, settings, lambda: us),
            can_tag=gateway.keys.has("send"),
        )
        calls = DecisionCalls(gateway, clock, us)
        self._after = AfterDecisions(database, clock, notify, learner)
        self._driver = Driver(self._store, calls, clock, notify, self._after.ended)
        self._lives = ActiveDecisions()
        self._beginning = 0
        """How many calls are writing the beginning of decisions to the journal."""
        self._renewal = LockRenewal(self._store.locks, clock, self._has_open)

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
        """Approves what was on the screen, after the hold.

        Args:
            item: what was on the screen, whole.
            digest: of it; the caller took it from what was shown, or a human typed it.
            found: the findings that the reviewer was shown; the journal records their codes.
            hold: seconds; None takes the setting.

        Raises:
            Refused: it cannot begin. Nothing happened.
        """
        return (await self._begin([DecisionRequest(item, Act.APPROVE, digest, found=found, shown=shown)], hold))[0]

    async def reject(
        self, item: Seen, digest: str, reason: str, *, asks_redraft: bool | None = None, hold: float | None = None
    ) -> DecisionView:
        """Rejects what was on the screen, after the hold. Raises `Refused`, also without a reason.

        Args:
            asks_redraft: whether the agent is asked for another draft; None if the settings name the reason so.
        """
        return (await self._begin([self._rejection(item, digest, reason, asks_redraft)], hold))[0]

    def _rejection(self, item: Seen, digest: str, reason: str, asks_redraft: bool | None = None) -> DecisionRequest:
        asks = reason in self._settings.redraft_reasons if asks_redraft is None else asks_redraft
        can_ask = self._gateway.keys.has("send")
        return DecisionRequest(item, Act.REJECT, digest, reason=reason, asks_redraft=asks and can_ask)

    async def send_back(
        self, item: Seen, digest: str, reason: str, edit: EditedDraft, *, hold: float | None = None
    ) -> DecisionView:
        """Rejects with the edited text in the reason, and asks the agent for another draft after it.

        Without a send key the agent is not asked: it can know the text from the gateway alone. The text stays in the
        local store too. Raises `Refused`.
        """
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
        """Submits the edited text, retires the original, releases the edit. A scheduled email is edited in place.

        The text is in the local store, on the disk, before this returns. `found` is of the edit. Raises `Refused`.
        """
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
        """Approves several, each with its digest, under one deadline and one undo. Begins all or none: `Refused`.

        `found` by the emails' ids.
        """
        findings, approvals = found or {}, shown or {}
        requests = [
            DecisionRequest(item, Act.APPROVE, digest, found=findings.get(item.id, ()), shown=approvals.get(item.id))
            for item, digest in items
        ]
        return await self._begin(requests, hold)

    async def reject_all(
        self, items: Sequence[tuple[Seen, str]], reason: str, *, hold: float | None = None
    ) -> tuple[DecisionView, ...]:
        """Rejects several for one reason, under one deadline and one undo. Begins all or none: `Refused`."""
        return await self._begin([self._rejection(item, digest, reason) for item, digest in items], hold)

    async def reject_each(
        self, items: Sequence[tuple[Seen, str]], reason: str, *, hold: float | None = None
    ) -> tuple[tuple[DecisionView, ...], Mapping[str, OneLine]]:
        """Rejects those that can be, each with its digest, for one reason, under one deadline and one undo.

        No agent is asked for other drafts: this stops one.

        Returns:
            The decisions that began, and by the ids of the other emails why they did not.

        Raises:
            Refused: nothing can be decided at all.
        """
        self._refuse_closed()
        refused: dict[str, OneLine] = {}
        requests = []
        for item, digest in items:
            request = DecisionRequest(item, Act.REJECT, digest, reason=reason)
            try:
                request.refuse_unfit()
            except Refused as why:
                refused[item.id] = why.message
            else:
                requests.append(request)
        with self._journaling():
            lives, more = await asyncio.to_thread(self._store.begin_each, requests, self._clock.now())
        return await self._hold(lives, hold), refused | more

    async def undo(self, email_id: str) -> int:
        """Takes back a decision of which nothing has left, and the batch it is part of.

        Returns:
            How many were taken back: 0 when it is too late.
        """
        live = self._lives.of(email_id)
        if live is None:
            return 0
        together = [live]
        if live.facts.batch is not None:
            together = [other for other in self._lives.values() if other.facts.batch == live.facts.batch]
        return len(await self._driver.feed_all(together, Undo()))

    async def answer(self, email_id: str, choice: Choice, *, to: Question | None = None) -> bool:
        """Answers the question about this email. False when it is not asked (any more).

        Args:
            to: the question that the human read; the answer counts for no other.
        """
        live = self._lives.of(email_id)
        if live is None or (to is not None and live.state.question is not to):
            return False
        return await self._driver.feed(live, Answer(choice))

    # What is known

    async def followed_up(self) -> None:
        """Waits until what follows from ended decisions is in the store: examples, tags."""
        await self._after.done()

    def state(self, email_id: str) -> DecisionView | None:
        """The newest decision about this email, or of which it is the edit; None when there is none in this run."""
        live = self._lives.of(email_id)
        return self._view(live) if live is not None else None

    def states(self) -> tuple[DecisionView, ...]:
        """All decisions of this run, and those taken up from an earlier one; the newest last."""
        return tuple(map(self._view, self._lives.values()))

    def held(self) -> tuple[DecisionView, ...]:
        """The decisions that can still be undone."""
        return tuple(self._view(live) for live in self._lives.values() if can_undo(live.state) and not live.state.ended)

    def hold_ends(self) -> list[datetime]:
        """When the holds that are counting down end, the nearest first (UTC)."""
        held = [live.deadline for live in self._lives.values() if live.state.step is Step.HOLD or live.state.early]
        return sorted(deadline for deadline in held if deadline is not None)

    def edits_in_progress(self) -> dict[str, str]:
        """The ids of edits whose release has not ended, each with its original's."""
        open_lives = (live.state for live in self._lives.values() if not live.state.ended)
        return {state.replacement: state.case.item for state in open_lives if state.replacement}

    def unseen_incidents(self) -> list[str]:
        """The emails of which something left that nobody wanted, until somebody has looked; the newest last."""
        return [live.state.case.item for live in self._lives.values() if _is_unseen_incident(live)]

    def batch_size(self, batch: str | None) -> int:
        """How many decisions were made in one act; 1 where it was one alone."""
        return sum(live.facts.batch == batch for live in self._lives.values()) if batch is not None else 1

    def looked_at(self, release_id: str) -> Coroutine[Any, Any, None]:
        """The human has taken note of how a decision ended: true at once, and on the disk once this is awaited."""
        live = self._lives[release_id]
        live.looked_at = True
        return self._keep_looked_at(live)

    async def _keep_looked_at(self, live: ActiveDecision) -> None:
        if live.state.outcome in INCIDENTS:
            await asyncio.to_thread(self._store.incidents.forget, live.release_id)
        self._driver.tell(live)

    def incidents(self) -> list[PendingItem]:
        """The emails of which something left that nobody wanted, as they were seen, until somebody has looked."""
        unseen = [live for live in self._lives.values() if _is_unseen_incident(live)]
        return [item for live in unseen if (item := item_of(live)) is not None]

    def breaks_thread(self, item: Seen, edit: EditedDraft) -> bool:
        """Whether the edit will start a new thread, because To or Subject was changed: to be said before the hold."""
        return starts_thread(item.raw, edit)

    async def settled(self, email_id: str) -> DecisionView:
        """Waits until the newest decision about this email has ended or asks. Raises KeyError when there is none."""
        live = self._lives.of(email_id)
        if live is None:
            raise KeyError(email_id)
        while not live.state.ended and live.state.question is None:
            await live.moved.wait()
        return self._view(live)

    # History

    async def run(self) -> None:
        """Takes up what earlier or other processes left, now and whenever one dies; until cancelled."""
        while True:
            await self.resume()
            await self._clock.sleep(TAKE_UP_EVERY)

    async def resume(self) -> None:
        """Takes up the decisions of processes that are gone: the gateway is read, then a human is asked."""
        if self._driver.closing or self._beginning:
            return
        self._renewal.start()
        for live in await asyncio.to_thread(self._store.incidents.all):
            if live.release_id not in self._lives:
                # Ahead of what was decided in this run: it is older.
                self._lives.add_oldest(live)
                self._driver.tell(live)
        await asyncio.to_thread(self._store.drop_seconded)
        for live in await asyncio.to_thread(self._take_up):
            self._lives.add([live])
            await self._driver.feed(live, Restarted())

    async def queue_moved(self) -> None:
        """Reports held decisions about emails that changed in the new list at once, not after the hold (R8)."""
        for live in list(self._lives.values()):
            if live.state.step is Step.HOLD and self._may_have_moved(live):
                await self._driver.feed(live, MayHaveMoved())

    def _may_have_moved(self, live: ActiveDecision) -> bool:
        case = live.state.case
        item = self._store.pending.get(case.item)
        if item is None or not item.complete:
            return True
        return digest_of(item.id, item.mailbox_id, item.direction, item.raw) != case.digest

    def hurry(self) -> None:
        """A human asks for news: what waits for another reading is read now."""
        self._driver.hurry()

    def begin_closing(self) -> None:
        """From this moment no decision begins and no call is made; `aclose` does the rest."""
        self._driver.closing = True
        self._gateway.begin_closing()

    async def aclose(self) -> None:
        """Ends in good order: what has not left falls back to undecided, a call under way gets its answer."""
        self.begin_closing()
        lives = [live for live in self._lives.values() if not live.state.ended]
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._driver.feed_all(lives, Quit())
                calling = [live.activity for live in lives if live.state.step is Step.CALL]
                under_way = [activity for activity in calling if activity is not None]
                if under_way:
                    await asyncio.wait(under_way)
                await self._driver.written()
        except TimeoutError:
            # It is on the disk as it was last journaled.
            log.warning("closed while a decision was in progress; its outcome is read at the next start")
        await self._driver.stop_all(list(self._lives.values()))
        await self._after.done()
        self._renewal.stop()
        open_ids = [live.release_id for live in lives if not live.state.ended]
        if open_ids:
            await asyncio.to_thread(self._give_back, open_ids)

    def _has_open(self) -> bool:
        return any(not live.state.ended for live in self._lives.values())

    async def _begin(self, requests: Sequence[DecisionRequest], hold: float | None) -> tuple[DecisionView, ...]:
        self._refuse_closed()
        for request in requests:
            request.refuse_unfit()
        with self._journaling():
            lives = await asyncio.to_thread(self._store.begin_all, requests, self._clock.now())
        return await self._hold(lives, hold)

    def _refuse_closed(self) -> None:
        """Raises `Refused` where nothing can be decided; else others are shown from now on that this program lives."""
        if self._driver.closing:
            raise Refused("the program is closing", "Start it again.")
        if not self._gateway.keys.has("oversight"):
            raise Refused("there is no oversight key, so nothing can be decided", "Set oversight_key for this profile.")
        self._renewal.start()

    @contextmanager
    def _journaling(self) -> Iterator[None]:
        """Turns what the store raises into `Refused`. What is being begun here is not taken up as left by another."""
        self._beginning += 1
        try:
            yield
        except (sqlite3.Error, StoreError, OSError) as error:
            raise Refused(f"the journal cannot be written: {error}", "Fix that first; nothing was decided.") from error
        finally:
            self._beginning -= 1

    async def _hold(self, lives: Sequence[ActiveDecision], hold: float | None) -> tuple[DecisionView, ...]:
        """Begins the hold of what has been journaled."""
        seconds = self._settings.hold_seconds if hold is None else hold
        self._forget_old()
        self._lives.add(lives)
        self._driver.hold([live for live in lives if not live.state.ended], seconds)
        for live in lives:
            self._driver.tell(live)
        if self._driver.closing:
            # The program received SIGTERM while the journal was written.
            await self._driver.feed_all(lives, Quit())
        return tuple(map(self._view, lives))

    def _forget_old(self) -> None:
        ended = [live.release_id for live in self._lives.values() if live.state.ended]
        self._lives.forget(ended[:-REMEMBERED])

    def _take_up(self) -> list[ActiveDecision]:
        taken = []
        for row in self._store.rows.open():
            if row.release_id in self._lives:
                continue
            if (live := self._store.take_up(row, self._clock.now())) is not None:
                taken.append(live)
        return taken

    def _give_back(self, release_ids: Iterable[str]) -> None:
        with self._store.database.write() as connection:
            for release_id in release_ids:
                self._store.locks.release(connection, release_id)

    def _view(self, live: ActiveDecision) -> DecisionView:
        return view_of(live, self._clock, self._reviewer)


def _is_unseen_incident(live: ActiveDecision) -> bool:
    return live.state.outcome in INCIDENTS and not live.looked_at
