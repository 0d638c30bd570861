"""`mm-tui agent run`: arguments, checks before work, and the worker's surroundings."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.settings import sections as config
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from pathlib import Path

    from mm_tui.agent.boxes import Boxes
    from mm_tui.agent.jobs import Jobs
    from mm_tui.agent.log import Log
    from mm_tui.agent.source import Source
    from mm_tui.agent.worker import Worker
    from mm_tui.clock import Clock
    from mm_tui.settings.secret import Secret
    from mm_tui.settings.sections import Settings

SECRET_VARIABLE = "MULTIMAIL_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
CHECK_PAUSES = (0.5, 1.0, 2.0)
"""Seconds before the keys are checked again when the gateway did not answer the question."""
LONGEST_CHECK_PAUSE = 10.0
OK, NOT_FOUND, AUTH, GATEWAY, CONFIG = 0, 3, 4, 5, 10
"""Exit statuses, the same as all commands have."""


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the options of `mm-tui agent run`."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--once", action="store_true", help="work off what is there, then end")
    ways.add_argument(
        "--listen",
        type=address,
        metavar="HOST:PORT",
        help=f"also take webhook events there; their signing secret is read from {SECRET_VARIABLE}",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="list the mail that would be worked; open, ask and change nothing"
    )
    parser.add_argument("--json", action="store_true", help="log as JSON, one object a line")
    parser.add_argument("--interval", type=positive, metavar="SECONDS", help="time between polls")
    parser.add_argument("--die-with-stdin", action="store_true", help="stop when standard input ends")


def address(text: str) -> Address:
    """HOST:PORT, IPv6 hosts in brackets.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("write HOST:PORT, such as 127.0.0.1:8025")
    return Address(host.strip("[]"), int(port))


def positive(text: str) -> float:
    """Seconds above zero.

    Raises:
        argparse.ArgumentTypeError: it is something else.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError("write a number of seconds above 0")
    return seconds


def state_path(settings: Settings) -> Path:
    """The worker's own store, beside the reviewer's: they may run on one machine and never share a row."""
    store = config.store_path(settings.profile.name)
    return store.with_name(f"agent-{store.name}")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Runs the worker.

    Args:
        args: as `add_arguments` describes them.
        settings: with their keys (`settings.keys.with_keys`).

    Returns:
        The exit status: 0 stopped or worked off, 3 no such mailbox, 4 a key is missing, wrong or may decide,
        5 the gateway failed or mail is left over, 10 the settings or the store cannot be used.
    """
    return asyncio.run(_run(args, settings))


@dataclass
class Surroundings:
    """All that a run needs, open."""

    jobs: Jobs
    boxes: Boxes
    source: Source
    worker: Worker
    clock: Clock
    log: Log


async def _run(args: argparse.Namespace, settings: Settings) -> int:
    from mm_tui.agent.boxes import UnknownMailbox
    from mm_tui.agent.checks import MayDecide, check_keys
    from mm_tui.agent.worker import Fatal
    from mm_tui.assist.errors import NoKey
    from mm_tui.gateway import errors
    from mm_tui.store.seal import StoreError

    try:
        secret = _secret(args)
        await _until_told(lambda: check_keys(settings, needs_model=not args.dry_run))
        async with _surroundings(args, settings) as around:
            if args.dry_run:
                return await _dry_run(around, settings)
            return await _work(args, around, secret)
    except MayDecide as error:
        return refuse(AUTH, str(error), "Give the agent a key with read and send only.")
    except (Fatal, NoKey) as error:
        return refuse(AUTH, str(error), "Check the keys with `mm-tui doctor`.")
    except (errors.Unauthorized, errors.MissingScope, errors.MissingKey) as error:
        return refuse(AUTH, str(error.message), error.what_to_do)
    except errors.GatewayError as error:
        return refuse(GATEWAY, str(error.message), error.what_to_do)
    except UnknownMailbox as error:
        return refuse(NOT_FOUND, str(error), "Mend [agent] mailboxes.")
    except (StoreError, ValueError) as error:
        return refuse(CONFIG, str(error), "See docs/agent.md.")
    except OSError as error:
        return refuse(CONFIG, f"{error.filename or 'the system'}: {error.strerror}", "Check address, path and mode.")


async def _until_told(check: Callable[[], Awaitable[None]]) -> None:
    """Asks again, a few times, when the gateway did not say: a supervisor's restart would do no more."""
    from mm_tui.gateway.errors import Interrupted, Malformed, RateLimited, ServerFault

    for pause in CHECK_PAUSES:
        try:
            return await check()
        except (ServerFault, Interrupted, Malformed, RateLimited) as error:
            wait = max(pause, error.retry_after or 0.0)
            if wait > LONGEST_CHECK_PAUSE:
                raise
        await asyncio.sleep(wait)
    return await check()


def refuse(status: int, what: str, cure: str) -> int:
    """Says on standard error what is wrong and what to do; returns the status."""
    sys.stderr.write(OneLine(f"mm-tui agent: {what}") + "\n")
    sys.stderr.write(OneLine(f"        {cure}") + "\n")
    return status


def _secret(args: argparse.Namespace) -> Secret | None:
    from mm_tui.settings.secret import Secret

    if not args.listen:
        return None
    value = os.environ.get(SECRET_VARIABLE, "")
    if not value:
        raise ValueError(f"--listen needs the subscription's signing secret in {SECRET_VARIABLE}")
    return Secret(value)


@asynccontextmanager
async def _surroundings(args: argparse.Namespace, settings: Settings) -> AsyncIterator[Surroundings]:
    from mm_tui.agent.boxes import Boxes
    from mm_tui.agent.jobs import Jobs
    from mm_tui.agent.log import Log
    from mm_tui.agent.source import Source
    from mm_tui.agent.work import Work
    from mm_tui.agent.worker import Pace, Worker
    from mm_tui.clock import SystemClock
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.gateway.keys import Keys
    from mm_tui.services.accounts import check_account
    from mm_tui.services.assistant.service import Assistant
    from mm_tui.services.audit.act_journal import ActJournal
    from mm_tui.store.belongs import Gateway, bind
    from mm_tui.store.database import Database

    clock = SystemClock()
    log = Log(clock, as_json=args.json)
    pace = Pace(args.interval or settings.agent.interval_seconds, settings.agent.concurrency)
    # A dry run leaves no trace, not even in the table.
    database = Database.open(None if args.dry_run else state_path(settings))
    try:
        bind(database, Gateway.of(settings.profile))
        # The send key alone, whatever else the profile holds.
        async with GatewayClient(settings.profile.url, Keys(send=settings.profile.send_key)) as gateway:
            gateway.witness = ActJournal(database, "agent", clock)
            await check_account(database, gateway, settings.profile.name)
            if database.trouble is not None:
                raise database.trouble
            assistant = Assistant(database, settings, clock)
            try:
                jobs = Jobs(database)
                boxes = Boxes(gateway, settings.agent, clock)
                source = Source(gateway, jobs, boxes)
                work = Work(gateway, assistant, jobs, boxes, settings, clock, log)
                worker = Worker(source, work, jobs, clock, log, pace)
                yield Surroundings(jobs, boxes, source, worker, clock, log)
            finally:
                await assistant.aclose()
    finally:
        database.close()


async def _work(args: argparse.Namespace, around: Surroundings, secret: Secret | None) -> int:
    worker, log = around.worker, around.log
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    if args.die_with_stdin:
        threading.Thread(target=_watch_stdin, args=(loop, worker.stop), name="stdin", daemon=True).start()
    log("started", once=args.once or None)
    if args.once:
        clean = await worker.once()
        log("ended", **around.jobs.counts())
        return OK if clean else GATEWAY
    listening: asyncio.Task[None] | None = None
    if args.listen and secret is not None:
        from mm_tui.agent.listener import Listener

        await around.boxes.refresh()
        listener = Listener(secret, around.jobs, around.boxes, around.clock, log, worker.wake)
        listening = asyncio.create_task(listener.serve(args.listen.host, args.listen.port, worker.stopping))
        listening.add_done_callback(lambda _: worker.stop())
    try:
        await worker.run()
    finally:
        worker.stop()
        if listening is not None:
            await listening
    log("ended", **around.jobs.counts())
    return OK


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    with suppress(OSError, ValueError):
        while os.read(0, 1024):
            pass
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stop)


async def _dry_run(around: Surroundings, settings: Settings) -> int:
    from mm_tui.agent.policy import why_not_gated

    for mail in await around.source.list_unread():
        box = await around.boxes.current(mail.mailbox_id)
        reason = why_not_gated(box, settings.agent, str(mail.sender.address))
        labels = ", ".join(settings.agent.reply_labels) or "no label"
        around.log(
            "would work",
            email_id=mail.id,
            mailbox_id=mail.mailbox_id,
            reply=f"no: {reason}" if reason else f"if its label is one of: {labels}",
        )
    return OK
