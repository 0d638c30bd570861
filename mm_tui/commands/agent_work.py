"""Runs the headless agent, and the evaluation of its labels, for `mm-tui agent`."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress

import msgspec

from mm_tui.agent import evaluate as labels
from mm_tui.agent.boxes import Boxes, MayDecide, UnknownMailbox, check_keys
from mm_tui.agent.jobs import Jobs
from mm_tui.agent.log import Log
from mm_tui.agent.policy import why_not_gated
from mm_tui.agent.source import MailSource
from mm_tui.agent.tools import Tools
from mm_tui.agent.work import Work
from mm_tui.agent.worker import Fatal, Worker, WorkerPace
from mm_tui.assist.errors import AssistError, AssistForbidden, AssistUnauthorized, NoKey
from mm_tui.clock import Clock
from mm_tui.commands.common import WEBHOOK_SECRET, damage_marked
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit, of_failure
from mm_tui.gateway.errors import GatewayError, Interrupted, Malformed, RateLimited, ServerFault
from mm_tui.gateway.keys import Keys
from mm_tui.session import Session
from mm_tui.settings.paths import agent_store_path
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Settings
from mm_tui.text import ManyLine

CHECK_PAUSES = (0.5, 1.0, 2.0)
"""Seconds before the keys are checked again if the gateway gave no answer."""
LONGEST_CHECK_PAUSE = 10.0
THREADS = 2
MOST_LISTED = 10_000
"""The most emails that a dry run lists."""


class OpenWorker(msgspec.Struct):
    """An agent with its stores and services."""

    jobs: Jobs
    boxes: Boxes
    source: MailSource
    worker: Worker
    clock: Clock
    log: Log


async def run(args: argparse.Namespace, settings: Settings) -> int:
    """Runs the agent until it is stopped or, with `--once`, until no mail is left. Returns 0 stopped or finished, 5
    mail is left. Raises StoreUnusable, or CommandError: 3 no such mailbox, 4 a key is missing, wrong or may decide, 5
    the gateway failed, 10 the webhook secret is missing."""
    with _failures_as_statuses():
        secret = _secret(args)
        await _until_answered(lambda: check_keys(settings, needs_model=not args.dry_run))
        async with _open_worker(args, settings) as opened:
            if args.dry_run:
                return await _dry_run(opened, settings)
            return await _work(args, opened, secret)


@contextmanager
def _failures_as_statuses() -> Iterator[None]:
    """Turns errors of the agent and the models into CommandErrors, with messages and exit statuses."""
    try:
        yield
    except MayDecide as error:
        raise CommandError(Exit.AUTH, str(error), "Give the agent a key with read and send only.") from error
    except (Fatal, NoKey, AssistUnauthorized, AssistForbidden) as error:
        raise CommandError(Exit.AUTH, str(error), "Check the keys with `mm-tui doctor`.") from error
    except AssistError as error:
        raise CommandError(Exit.GATEWAY, str(error), "Run it again: the answers so far are kept.") from error
    except UnknownMailbox as error:
        raise CommandError(Exit.NOT_FOUND, str(error), "Correct [agent] mailboxes.") from error
    except GatewayError as error:
        # The exact answer matters to a human, but not to a supervisor.
        status, what, cure = of_failure(error) or (Exit.GATEWAY, str(error), "")
        raise CommandError(status if status is Exit.AUTH else Exit.GATEWAY, what, cure) from error


async def _until_answered(check: Callable[[], Awaitable[None]]) -> None:
    """Retries a few times if the gateway gave no answer, as a supervisor's restart would."""
    for pause in CHECK_PAUSES:
        try:
            return await check()
        except (ServerFault, Interrupted, Malformed, RateLimited) as error:
            wait = max(pause, error.retry_after or 0.0)
            if wait > LONGEST_CHECK_PAUSE:
                raise
        await asyncio.sleep(wait)
    return await check()


def _secret(args: argparse.Namespace) -> Secret | None:
    if not args.listen:
        return None
    value = os.environ.get(WEBHOOK_SECRET, "")
    if not value:
        raise CommandError(
            Exit.CONFIG,
            f"--listen needs the subscription's signing secret in {WEBHOOK_SECRET}",
            "See `mm-tui docs agent`.",
        )
    return Secret(value)


def agent_session(settings: Settings, *, in_memory: bool = False) -> Session:
    """Opens the agent's own store, beside the reviewer's: both may run on one machine, and share no data. Raises
    StoreUnusable if it cannot be opened."""
    session = Session.on_store(settings, None if in_memory else agent_store_path(settings.profile.name))
    if session.news:
        emit.warning(session.news)
    return session


@asynccontextmanager
async def _open_worker(args: argparse.Namespace, settings: Settings) -> AsyncIterator[OpenWorker]:
    # A dry run leaves no trace, not even in the store.
    session = agent_session(settings, in_memory=args.dry_run)
    try:
        with damage_marked(session.database):
            # Only the send key, even if the profile has others.
            gateway = session.connect(Keys(send=settings.profile.send_key), "agent", journals=frozenset())
            await session.check_account()
            if (trouble := session.database.trouble) is not None:
                cure = f"For this store it is `mm-tui audit accept --store {shlex.quote(str(session.database.path))}`."
                raise CommandError(Exit.CONFIG, str(trouble), cure) from trouble
            clock = session.clock
            log = Log(clock, emit.line_at_once, as_json=args.json)
            pace = WorkerPace(args.interval or settings.agent.interval_seconds, settings.agent.concurrency)
            jobs = Jobs(session.database)
            boxes = Boxes(gateway, settings.agent, clock)
            source = MailSource(gateway, jobs, boxes, clock)
            assistant = session.build_assistant(unattended=settings.agent.concurrency)
            work = Work(Tools(gateway, assistant, jobs, boxes, settings, clock, log))
            yield OpenWorker(jobs, boxes, source, Worker(source, work, jobs, clock, log, pace), clock, log)
    finally:
        await session.aclose()


async def _work(args: argparse.Namespace, opened: OpenWorker, secret: Secret | None) -> int:
    worker, log = opened.worker, opened.log
    loop = asyncio.get_running_loop()
    # Threads only make short reads and writes of one store: more threads would only use more memory.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=THREADS))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, worker.stop)
    if args.die_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, worker.stop), name="stdin", daemon=True).start()
    log("started", once=args.once or None)
    before = opened.jobs.counts()
    if args.once:
        clean = await worker.once()
        log("ended", **_of_this_run(opened.jobs.counts(), before))
        return Exit.OK if clean else Exit.GATEWAY
    listening: asyncio.Task[None] | None = None
    if args.listen and secret is not None:
        from mm_tui.agent.listener import Listener

        await opened.boxes.refresh()
        listener = Listener(secret, opened.jobs, opened.boxes, opened.clock, log, worker.wake)
        listening = asyncio.create_task(listener.serve(args.listen.host, args.listen.port, worker.stopping))
        listening.add_done_callback(lambda _: worker.stop())
    try:
        await worker.run()
    finally:
        worker.stop()
        if listening is not None:
            await listening
    log("ended", **_of_this_run(opened.jobs.counts(), before))
    return Exit.OK


def _of_this_run(counts: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """How many emails wait now, and how many ended in each other way since `before`."""
    return {state: count if state == "waiting" else max(0, count - before[state]) for state, count in counts.items()}


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    with suppress(OSError, ValueError):
        while os.read(0, 1024):
            pass
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop)


async def _dry_run(opened: OpenWorker, settings: Settings) -> int:
    """Polls as a run would, on a copy of the agent's store, and logs what there is to do."""
    store = agent_store_path(settings.profile.name)
    if store.exists():
        opened.jobs.copy_from(store)
    await opened.source.poll()
    jobs = opened.jobs.due(opened.clock.now(), MOST_LISTED)
    for job in jobs:
        box = await opened.boxes.current(job.mailbox_id)
        mail = await opened.source.summary(job)
        reason = why_not_gated(box, settings.agent, mail) if mail is not None else None
        labels = ", ".join(settings.agent.reply_labels) or "no label"
        opened.log(
            "would work",
            email_id=job.answered_id,
            mailbox_id=job.mailbox_id,
            instead_of=job.email_id if job.is_redraft else None,
            reply=f"no: {reason}" if reason else f"if its label is one of: {labels}",
        )
    if not jobs:
        opened.log("nothing to do")
    return Exit.OK


async def evaluate(args: argparse.Namespace, settings: Settings) -> int:
    """Prints how the configured model labels the set. Costs one question per email; answers are cached. Raises
    StoreUnusable, or CommandError: 2 the set cannot be used, 4 no key, or one that is refused, 5 the model failed, 10
    the file is not text."""
    try:
        cases = labels.read_cases(args.file, settings.assist.labels)
    except labels.BadSet as error:
        raise CommandError(Exit.USAGE, f"{args.file}: {error}", "See `mm-tui docs labels`.") from None
    except UnicodeDecodeError as error:
        raise CommandError(Exit.CONFIG, f"{args.file}: {error}", "See `mm-tui docs labels`.") from None
    session = agent_session(settings)
    try:
        with _failures_as_statuses(), damage_marked(session.database):
            verdicts = await labels.evaluate(cases, session.build_assistant())
    finally:
        await session.aclose()
    shown = labels.as_json(verdicts) if args.json else labels.markdown(verdicts, settings.assist.labels)
    emit.line(ManyLine(shown.rstrip("\n")))
    return Exit.OK
