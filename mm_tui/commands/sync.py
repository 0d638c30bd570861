"""`mm-tui sync`: updates the local store once."""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.events import SyncState
    from mm_tui.settings.sections import Settings


BAR, BLOCK = 20, 4
"""The width in cells of the bar, and of its moving part."""


def add(commands: Commands) -> None:
    commands.action(
        "sync",
        help="update the local store once",
        description="Reads mailboxes, mail lists, the queue and the audit log once into the local store. "
        "It reads no bodies, so nothing is marked read. If parts fail for several reasons, the exit status is the "
        "first of these that applies: 10 (the store), 5 (the gateway), 7 (too many requests), 4 (a key).",
        task=_sync,
    )


async def _sync(arguments: argparse.Namespace, chosen: Settings) -> int:
    """Syncs and prints the result. Returns 0 if every part succeeded, otherwise the status of the gravest failure."""
    from mm_tui.commands.online import online
    from mm_tui.services.events import FailureKind, SyncPart

    async with online(chosen) as session:
        await session.check_account()
        with _progress(shown=sys.stderr.isatty() and not arguments.json) as show:
            state = await session.network.sync.run_once(show)
        boxes = session.mail.mailbox_rows()
        waiting = session.pending.count()
    failed = [part for part in state.parts if part.error is not None]
    # Do not count what could not be read: the stored data may be old, or another gateway's.
    unread = {part.part for part in state.parts if part.last_ok_at is None}
    mailboxes = None if SyncPart.MAILBOXES in unread else len(boxes)
    pending = None if SyncPart.PENDING in unread else waiting
    if arguments.json:
        emit.data(
            {
                "ok": not failed,
                "mailboxes": mailboxes,
                "pending": pending,
                "failed": [{"part": part.part, "error": part.error, "cure": part.cure} for part in failed],
            }
        )
    else:
        counts = [f"{mailboxes} mailbox{'' if mailboxes == 1 else 'es'}"] if mailboxes is not None else []
        counts += [f"{pending} waiting for a decision"] if pending is not None else []
        if counts:
            emit.line(OneLine(", ".join(counts)))
        for part in failed:
            emit.error(str(part.error), part.cure or "")
    kinds = {part.kind or FailureKind.GATEWAY for part in failed}
    gravest_first = (
        (FailureKind.STORE, Exit.CONFIG),
        (FailureKind.GATEWAY, Exit.GATEWAY),
        (FailureKind.LIMIT, Exit.RATE_LIMITED),
        (FailureKind.KEY, Exit.AUTH),
    )
    return next((status for kind, status in gravest_first if kind in kinds), Exit.OK)


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[SyncState], None] | None]:
    """A bar on standard error while mail arrives, removed at the end. None if nothing should be shown. The gateway does
    not say how much mail there is, so the bar only shows activity, and the number how much has arrived."""
    if not shown:
        yield None
        return
    places = itertools.cycle([*range(BAR - BLOCK), *range(BAR - BLOCK, 0, -1)])

    def show(state: SyncState) -> None:
        synced, boxes = state.mailboxes_synced, state.mailboxes
        what = f"initial sync, {synced} of {boxes} mailboxes" if synced < boxes else "new mail and the queue"
        bar = ("#" * BLOCK).rjust(next(places) + BLOCK, ".").ljust(BAR, ".")
        words = f"[{bar}] {what}, {state.progress:,} emails"
        # Cut, because a wrapped line could not be overwritten.
        sys.stderr.write(f"\r\x1b[K{words[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
