"""`mm-tui sync`: brings the local store up to date once."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mm_tui.commands import common, emit
from mm_tui.commands.common import Commands
from mm_tui.commands.exits import Exit
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.config import Settings
    from mm_tui.services.notices import SyncState


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "sync",
        parents=[shared],
        help="bring the local store up to date once",
        description="Reads mailboxes, mail lists, the queue and the audit log once into the local store. "
        "It reads no bodies, so nothing is marked read.",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Syncs and tells how it went. 0 when every part went well, 5 otherwise."""
    from mm_tui.commands.office import work

    return work(_sync(arguments, common.settings(arguments)))


async def _sync(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.office import office
    from mm_tui.store.mail import MailStore
    from mm_tui.store.pending import PendingStore

    async with office(chosen) as rooms:
        shows = sys.stderr.isatty() and not arguments.json
        state = await rooms.sync.run_once(_progress if shows else None)
        if shows:
            sys.stderr.write("\r\x1b[K")
        boxes = MailStore(rooms.database).mailbox_rows()
        waiting = len(PendingStore(rooms.database).items())
    failed = [part for part in state.parts if part.error is not None]
    if arguments.json:
        emit.data(
            {
                "ok": not failed,
                "mailboxes": len(boxes),
                "pending": waiting,
                "failed": [{"part": part.part, "error": part.error, "cure": part.cure} for part in failed],
            }
        )
    else:
        emit.line(OneLine(f"{len(boxes)} mailboxes, {waiting} waiting for a decision"))
        for part in failed:
            emit.error(str(part.error), part.cure or "")
    return Exit.GATEWAY if failed else Exit.OK


def _progress(state: SyncState) -> None:
    sys.stderr.write(f"\r{state.progress} mails")
    sys.stderr.flush()
