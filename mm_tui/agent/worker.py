"""Runs the agent: takes mail, handles a few emails at a time, pauses after failures, and stops cleanly."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, date, datetime, timedelta
from random import Random

import msgspec

from mm_tui.agent.jobs import Job, Jobs, JobState
from mm_tui.agent.log import Log
from mm_tui.agent.source import MailSource
from mm_tui.agent.work import Work
from mm_tui.assist import errors as assist
from mm_tui.clock import Clock
from mm_tui.gateway import errors as gateway
from mm_tui.services.backoff import backoff_seconds
from mm_tui.store.seal import StoreError, fault_of_store, is_passing

LOW_WATER = 100
"""The next part of a backlog is read when fewer emails than this wait."""
MOST_FAULTS = 8
"""Tries for an email that itself causes the failure: it cannot be read, or the model's answers are unusable."""
LATE_TRIES = 24
"""Further tries, each an hour after the last, if the gateway fails for this email: for some minutes it may answer every
request like this, and its mail must not be lost."""
MOST_FAILURES = 6
"""Consecutive failures, each with a longer pause, after which a single run ends with mail left over."""
STOP_SECONDS = 20.0
"""Seconds that work in progress may take to finish when the agent stops."""

LONGEST_SLEEP = 60.0
"""Seconds after which a hand that rests looks at the clocks again."""
HOUR = 3600.0
"""Seconds before a quota is checked again, or an email for which the gateway failed many times."""

_REFUSED = (assist.AssistForbidden, assist.AssistBadRequest)
"""The model refuses what one email contains, as a firewall in front of it does; or it refuses everything."""
_AT_FAULT = (gateway.Malformed, gateway.BadRequest, gateway.Forbidden, gateway.NotFound, assist.Garbled, *_REFUSED)
"""An email is not found either if its event came before it."""
_FATAL = (gateway.Unauthorized, gateway.MissingKey, assist.AssistUnauthorized, assist.NoKey)
_OF_ALL = (
    gateway.RateLimited, gateway.ServerFault, gateway.Unreachable, gateway.Interrupted, assist.AssistRateLimited,
    assist.AssistServerFault, assist.AssistUnreachable, assist.TimedOut,
)  # fmt: skip
"""Failures that would affect the next email too."""
_STORE = (sqlite3.Error, StoreError)
Failure = gateway.GatewayError | assist.AssistError


class Fatal(Exception):
    """The agent cannot continue: a key is wrong or lacks a scope. Its message is the failure's own."""


class WorkerPace(msgspec.Struct, frozen=True):
    """Timing, in seconds."""

    interval: float
    concurrency: int
    backoff: float = 2.0
    """The first pause after a failure; see `backoff_seconds` for the next ones."""


class Worker:
    """Runs a `MailSource` and the `Work` until stopped."""

    def __init__(self, source: MailSource, work: Work, jobs: Jobs, clock: Clock, log: Log, pace: WorkerPace) -> None:
        self._source = source
        self._work = work
        self._jobs = jobs
        self._clock = clock
        self._log = log
        self._pace = pace
        self._rng = Random()  # noqa: S311 - jitter, no secret
        self.stopping = asyncio.Event()
        """Set when the agent is to stop."""
        self._wake = asyncio.Event()
        self._poll_now = asyncio.Event()
        self._active: set[str] = set()
        self._taking = asyncio.Lock()
        self._wakes = 0
        """How often hands that wait were woken."""
        self._more = False
        self._resting_until = 0.0
        self._failures = 0
        self._fatal: Failure | None = None
        self._no_budget_on: date | None = None

    def stop(self) -> None:
        """Starts no new work; work in progress may finish."""
        self.stopping.set()
        self._poll_now.set()
        self._wake_all()

    def wake(self) -> None:
        """Reports that there may be new mail."""
        self._poll_now.set()
        self._wake_all()

    async def once(self) -> bool:
        """Polls and works until nothing is due. Returns whether nothing is left and nothing was given up. Raises Fatal
        if a key is wrong, GatewayError if a poll failed."""
        failed: gateway.GatewayError | None = None
        given_up = self._jobs.counts()[JobState.FAILED]
        while not self.stopping.is_set() and self._no_budget_on is None:
            polled = await self._source.poll()
            self._more, failed = polled.more, polled.failed
            await self._work.look_at_tags()
            done = self._jobs.counts()[JobState.DONE]
            await self._work_with_all_hands(until_idle=True)
            # What is done is no longer listed, so that the rest of a backlog is.
            is_moving = polled.more and self._jobs.counts()[JobState.DONE] > done
            if not polled.new and not is_moving:
                break
        if failed is not None:
            raise failed
        return self._jobs.is_low(1) and self._jobs.counts()[JobState.FAILED] <= given_up

    async def run(self) -> None:
        """Polls and works until `stop`. A store that is busy or full for a while does not end it.

        Raises:
            sqlite3.Error, StoreError: the store cannot be used.
            Fatal: a key is wrong.
            UnknownMailbox: the settings name a mailbox that is not in the account.
        """
        polling = asyncio.create_task(self._polls())
        polling.add_done_callback(lambda _: self.stop())
        try:
            await self._work_with_all_hands(until_idle=False)
        finally:
            polling.cancel()
            (outcome,) = await asyncio.gather(polling, return_exceptions=True)
        if isinstance(outcome, Exception):
            raise outcome

    # Polls

    async def _polls(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            self._poll_now.clear()
            pause = self._pace.interval
            try:
                polled = await self._source.poll()
                await self._work.look_at_tags()
            except (*_FATAL, gateway.MissingScope) as error:
                self._end_for(error)
                return
            except (gateway.GatewayError, sqlite3.Error) as error:
                if isinstance(error, sqlite3.Error) and not is_passing(error):
                    raise
                failures += 1
                pause = max(pause, self._rest(failures, error))
                self._log("poll failed", why=_words(error), retry_in=round(pause, 1))
                # An event that announces mail does not shorten this wait.
                await _wait(self.stopping, pause)
                continue
            failures = 0
            self._more = polled.more
            if polled.new:
                self._log("mail taken in", count=polled.new)
                self._wake_all()
            if polled.failed is not None:
                pause = max(pause, polled.failed.retry_after or 0.0)
                self._log(
                    "poll failed", mailbox_id=polled.failed_in, why=_words(polled.failed), retry_in=round(pause, 1)
                )
            await _wait(self._poll_now, pause)

    # Workers

    async def _work_with_all_hands(self, *, until_idle: bool) -> None:
        hands = [asyncio.create_task(self._hand(until_idle)) for _ in range(self._pace.concurrency)]
        stopping = asyncio.create_task(self.stopping.wait())
        try:
            working = {*hands}
            while working and not stopping.done():
                done, _ = await asyncio.wait({*working, stopping}, return_when=asyncio.FIRST_COMPLETED)
                working -= done
            if working:
                _, late = await asyncio.wait(working, timeout=STOP_SECONDS)
                for hand in late:
                    hand.cancel()
        finally:
            stopping.cancel()
            outcomes = await asyncio.gather(*hands, return_exceptions=True)
        if self._fatal is not None:
            raise Fatal(_words(self._fatal)) from self._fatal
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def _hand(self, until_idle: bool) -> None:
        while not self.stopping.is_set():
            rest, wakes = self._rest_left(), self._wakes
            try:
                if rest <= 0 and (job := await self._take()) is not None:
                    await self._do(job, until_idle)
                elif until_idle and (rest <= 0 or self._no_budget_on or self._failures >= MOST_FAILURES):
                    return
                elif wakes == self._wakes:
                    await _wait(self._wake, min(rest, LONGEST_SLEEP) if rest > 0 else self._until_due())
            except _STORE as error:
                if until_idle or not is_passing(error):
                    self.stop()
                    raise
                self._log("store failed", why=_words(error), retry_in=round(self._rest_of_all(None), 1))

    async def _take(self) -> Job | None:
        """Takes the next job. One hand at a time: in the store they have the same name."""
        async with self._taking:
            job = await asyncio.to_thread(self._jobs.take, self._clock.now(), frozenset(self._active))
            if job is not None:
                self._active.add(job.email_id)
            return job

    def _rest_left(self) -> float:
        """Seconds for which work pauses. A new day begins by the wall clock: the other one stops during suspend."""
        rest = self._resting_until - self._clock.monotonic()
        now = self._clock.now()
        if self._no_budget_on == now.astimezone(UTC).date():
            return max(rest, (_next_day(now) - now).total_seconds())
        self._no_budget_on = None
        return rest

    def _until_due(self) -> float:
        due = self._jobs.next_due(self._clock.now())
        wait = self._pace.interval if due is None else (due - self._clock.now()).total_seconds()
        return min(self._pace.interval, max(0.01, wait))

    def _wake_all(self) -> None:
        self._wakes += 1
        self._wake.set()
        self._wake.clear()

    async def _do(self, job: Job, until_idle: bool) -> None:
        try:
            await self._work.do(job)
            self._failures = 0
        except _FATAL as error:
            # Otherwise the next run would begin with it again, and end again.
            await self._put_off(job, error)
            self._end_for(error)
        except _REFUSED as error:
            await self._find_who_is_refused(job, error)
        except assist.Garbled as error:
            await self._find_what_is_garbled(job, error)
        except gateway.Forbidden as error:
            await self._find_what_is_forbidden(job, error)
        except assist.OverBudget as error:
            await self._rest_until_tomorrow(job, error)
        except (gateway.GatewayError, assist.AssistError) as error:
            await self._put_off(job, error)
        except _STORE:
            raise
        except Exception as error:  # noqa: BLE001 - one email that trips a fault of ours must not stop all others
            self._log("fault", email_id=job.email_id, why=type(error).__name__)
            await self._put_off(job, None)
        finally:
            try:
                await asyncio.to_thread(self._jobs.release, job.email_id)
            finally:
                self._active.discard(job.email_id)
        if self._more and self._jobs.is_low(LOW_WATER):
            # A backlog is listed in parts.
            self._more = False
            if until_idle:
                await self._list_more()
            else:
                self._poll_now.set()

    async def _list_more(self) -> None:
        """Takes in the next part of a backlog while the other hands work on."""
        try:
            self._more = (await self._source.poll()).more
        except gateway.GatewayError as error:
            # It is asked for again, and the failure raised, when what is known has been worked off.
            self._log("poll failed", why=_words(error))
        self._wake_all()

    async def _find_who_is_refused(self, job: Job, error: assist.AssistError) -> None:
        """Gives the email another try if the model answers other questions; otherwise the agent ends."""
        try:
            await self._work.tools.assistant.try_models()
        except (*_FATAL, *_REFUSED) as refusal:
            self._end_for(refusal)
        except assist.OverBudget as over:
            await self._rest_until_tomorrow(job, over)
        except assist.AssistError as failure:
            await self._put_off(job, error if isinstance(failure, assist.Garbled) else failure)
        else:
            await self._put_off(job, error)

    async def _find_what_is_garbled(self, job: Job, error: assist.Garbled) -> None:
        """Gives an email up only if the model's answers to other questions can be used."""
        is_shared = False
        if job.faults + 1 >= MOST_FAULTS:
            try:
                await self._work.tools.assistant.try_models()
            except assist.AssistError:
                is_shared = True
        await self._put_off(job, error, is_shared=is_shared)

    async def _find_what_is_forbidden(self, job: Job, error: gateway.Forbidden) -> None:
        """Gives the email another try if the key may read and send otherwise; if not, the agent ends."""
        try:
            await self._work.tools.boxes.try_key()
        except (*_FATAL, gateway.Forbidden) as refusal:
            await self._put_off(job, refusal, is_shared=True)
            self._end_for(refusal)
        except gateway.GatewayError as failure:
            await self._put_off(job, failure)
        else:
            await self._put_off(job, error)

    async def _put_off(self, job: Job, error: Failure | None, *, is_shared: bool = False) -> None:
        """Postpones an email, or gives it up. `is_shared`: the same failure would affect any email."""
        words = _words(error) if error else "an internal error"
        is_fault = error is None or (isinstance(error, _AT_FAULT) and not is_shared)
        is_late = is_fault and job.faults + 1 >= MOST_FAULTS
        most = MOST_FAULTS + LATE_TRIES if isinstance(error, gateway.GatewayError) else MOST_FAULTS
        if is_fault and job.faults + 1 >= most:
            await asyncio.to_thread(self._jobs.finish, job.email_id, JobState.FAILED, words)
            self._log("failed", email_id=job.email_id, mailbox_id=job.mailbox_id, why=words, tries=most)
            return
        rest = self._rest_of_all(error) if isinstance(error, _OF_ALL) else 0.0
        due = now = self._clock.now()
        if isinstance(error, gateway.RateLimited | assist.AssistRateLimited):
            # It says nothing of this email: once all go on, so does the work on it.
            wait = rest
        elif isinstance(error, gateway.QuotaExceeded | gateway.WarmupLimit):
            wait = max(HOUR, error.retry_after or 0.0)
            due += timedelta(seconds=wait)
        else:
            wait = max(self._rest(job.tries + 1, error), HOUR if is_late else 0.0)
            due += timedelta(seconds=wait)
        is_try = not isinstance(error, gateway.RateLimited | assist.AssistRateLimited)
        await asyncio.to_thread(self._jobs.put_off, job.email_id, due, words, at=now, is_try=is_try, is_fault=is_fault)
        self._log("put off", email_id=job.email_id, why=words, retry_in=round(wait, 1))

    def _rest_of_all(self, error: Failure | None) -> float:
        """Lets every hand rest; returns for how many seconds. What fails while all rest counts as the same failure."""
        now = self._clock.monotonic()
        self._failures += now >= self._resting_until
        self._resting_until = max(self._resting_until, now + self._rest(self._failures, error))
        return self._resting_until - now

    async def _rest_until_tomorrow(self, job: Job, error: assist.OverBudget) -> None:
        now = self._clock.now()
        tomorrow = _next_day(now)
        await asyncio.to_thread(self._jobs.put_off, job.email_id, tomorrow, str(error), at=now, is_try=False)
        if self._no_budget_on is None:
            self._log("over budget", why=str(error))
        self._no_budget_on = now.astimezone(UTC).date()

    def _rest(self, failures: int, error: Exception | None) -> float:
        return backoff_seconds(failures, self._pace.backoff, getattr(error, "retry_after", None), self._rng)

    def _end_for(self, error: Failure) -> None:
        self._fatal = error
        self.stop()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _next_day(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)


def _words(error: Exception) -> str:
    if isinstance(error, _STORE):
        return fault_of_store(error)
    return str(error.message) if isinstance(error, gateway.GatewayError) else str(error)
