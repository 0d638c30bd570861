"""`mm-tui export`: the gateway's data about the account, in a file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mm_tui.commands import common
from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.system.private_files import private
from mm_tui.text import OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.settings.sections import Settings


def add(commands: Commands) -> None:
    parser = commands.action(
        "export",
        help="fetch the gateway's export of the account into a file",
        description="Fetches everything that the gateway stores about the account into a new file that only you can "
        "read. It needs the admin key. The gateway allows one export an hour. To export the journal, use "
        "mm-tui audit export.",
        run=run,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the file to write; it must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    """Writes the export. A failed one leaves no file."""
    path: Path = arguments.file
    status: int | None = None
    try:
        # Before calling the gateway: a file that cannot be written would cost an hour.
        file = open(path, "xb", opener=private)  # noqa: SIM115 - closed below
    except OSError as error:
        words = f"{path} cannot be written: {system_words(error)}"
        raise CommandError(Exit.USAGE, words, "Name a file that does not exist yet.") from None
    try:
        with file:
            status = common.run_async(partial(_export, file), arguments)
    finally:
        if status != Exit.OK:
            path.unlink(missing_ok=True)
    return status


async def _export(file: IO[bytes], arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import online

    async with online(chosen) as session:
        content = await session.network.gateway.account.export()
    try:
        file.write(content)
        file.flush()
    except OSError as error:
        words = f"{arguments.file} cannot be written: {system_words(error)}"
        raise CommandError(Exit.OUTPUT, words, "Make room. The gateway allows the next export in an hour.") from None
    words = OneLine(f"{len(content):,} bytes written to {arguments.file}")
    emit.result({"file": str(arguments.file), "bytes": len(content)}, words, as_json=arguments.json)
    return Exit.OK
