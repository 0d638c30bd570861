"""Reviewers in processes of their own, to be killed or to get into each other's way.

The processes are forked from a server that has imported everything, so that one costs hundredths of a second.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from mm_tui.gateway import http
from mm_tui.services.decisions.service import Refused
from tests.support.desk import at_desk
from tests.support.fault_scenes import SCENES, play, reopened

assert http  # imported here so that no process has to do it within a time-out


def processes() -> ForkServerContext:
    """Where processes come from."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.support.reviewer_process"])
    return context


def act_until_killed(
    folder: str, url: str, keys: dict[str, str], mailbox: str, item: str, scene: str, write: int, before: bool
) -> None:
    """Plays a scene and dies by SIGKILL at its nth journal write.

    Args:
        write: which write, counted from 1 behind the one that begins the decision; 0 is right behind that one.
        before: just before the write rather than just after it, with nothing in between.
    """

    async def play_it() -> None:
        async with at_desk(Path(folder), url, keys, reviewer="kim", timeout=5) as desk:
            journal: Any = desk.decisions._driver.journal
            write_it, count = journal.write, 0

            async def counting(*given: Any, **named: Any) -> bool:
                nonlocal count
                count += 1
                if before and count == write:
                    os.kill(os.getpid(), signal.SIGKILL)
                done: bool = await write_it(*given, **named)
                if not before and count == write:
                    os.kill(os.getpid(), signal.SIGKILL)
                return done

            journal.write = counting
            await SCENES[scene].act(desk, await reopened(desk, mailbox, item))
            if write == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            await play(desk, SCENES[scene], mailbox, item)

    asyncio.run(play_it())


def decide_all(
    folder: str,
    url: str,
    keys: dict[str, str],
    mailbox: str,
    items: Sequence[str],
    reviewer: str,
    act: str,
    reported: Queue[tuple[str, str, str, str]],
) -> None:
    """Decides about each email in turn as fast as it can, and tells (reviewer, mail, phase, words) of each."""

    async def decide() -> None:
        async with at_desk(Path(folder), url, keys, reviewer=reviewer, timeout=10) as desk:
            for item in items:
                mail = await reopened(desk, mailbox, item)
                try:
                    await (desk.approve(mail) if act == "approve" else desk.release_edit(mail, f"edited by {reviewer}"))
                except Refused as refused:
                    reported.put((reviewer, item, "refused", str(refused.message)))
                    continue
                view = await desk.settled(item)
                reported.put((reviewer, item, str(view.phase), str(view.words)))

    asyncio.run(decide())
