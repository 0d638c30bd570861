"""`mm-tui audit`: the gateway's audit log and our own journal, listed, verified and exported."""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mm_tui.commands import common, emit
from mm_tui.commands.common import Commands
from mm_tui.commands.exits import CommandError, Exit
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.config import Settings
    from mm_tui.store.database import Database

FIELDS = ("at", "source", "action", "who", "about", "details", "id")
"""The fields of a line, in the order of the CSV's columns."""
SOURCES = ("both", "gateway", "journal")

Line = dict[str, object]


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Describes the command and its actions."""
    words = "the gateway's audit log and this program's journal"
    parser = commands.add_parser("audit", help=words, description=f"Lists, verifies and exports {words}.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", parents=[shared], help="list the newest lines")
    listing.add_argument("--json", action="store_true", help="print JSON")
    _selection(listing, default_limit=50)
    listing.set_defaults(run=run_list)

    verify = actions.add_parser(
        "verify",
        parents=[shared],
        help="check that no line of the journal was changed, removed or moved",
        description="Checks the journal's hash chain and prints its head. Keep the head elsewhere: with --head a "
        "later check also finds lines that were cut off the end. Exits 6 when something was changed.",
    )
    verify.add_argument("--json", action="store_true", help="print JSON")
    verify.add_argument("--head", metavar="NUMBER:HASH", help="a head that an earlier check printed")
    verify.set_defaults(run=run_verify)

    export = actions.add_parser("export", parents=[shared], help="write all lines as JSON lines or CSV")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="default: jsonl")
    export.add_argument("--output", metavar="FILE", type=Path, help="a new file (mode 0600); default: standard output")
    _selection(export, default_limit=None)
    export.set_defaults(run=run_export)


def _selection(parser: argparse.ArgumentParser, default_limit: int | None) -> None:
    parser.add_argument("--source", choices=SOURCES, default="both", help="default: both")
    parser.add_argument("--email", metavar="ID", help="only lines about this mail")
    shown = "all" if default_limit is None else str(default_limit)
    parser.add_argument("--limit", type=positive, default=default_limit, help=f"lines at most; default: {shown}")


def positive(text: str) -> int:
    """A whole number above zero, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("takes a whole number above 0")
    return int(text)


def run_list(arguments: argparse.Namespace) -> int:
    """Prints the newest lines, oldest of them first."""
    lines = _collect(arguments)
    if arguments.json:
        emit.data({"entries": lines})
    elif lines:
        emit.table([[str(line["at"]), str(line["source"]), str(line["action"]), _rest(line)] for line in lines])
    else:
        emit.note(OneLine("Nothing has been decided or logged yet."))
    return Exit.OK


def _rest(line: Line) -> str:
    details = line["details"]
    pairs = [f"{key}={value}" for key, value in details.items()] if isinstance(details, dict) else []
    return " ".join([str(line["about"]), f"by {line['who']}", *pairs])


def run_export(arguments: argparse.Namespace) -> int:
    """Writes the lines, oldest first."""
    lines = _collect(arguments)
    with _output(arguments.output) as stream:
        if arguments.format == "csv":
            _write_csv(lines, stream)
        else:
            for line in lines:
                emit.data_line(line, stream)
    if arguments.output is not None:
        emit.note(OneLine(f"{len(lines)} lines written to {arguments.output}"))
    return Exit.OK


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(Exit.USAGE, f"{path} exists already", "Name a new file: nothing is overwritten.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
        yield stream


def _write_csv(lines: Sequence[Line], stream: TextIO) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    for line in lines:
        writer.writerow([_cell(line[field]) for field in FIELDS])
    stream.write(buffer.getvalue())


def _cell(value: object) -> str:
    """A value for a spreadsheet: one clean line that no spreadsheet takes for a formula."""
    text = OneLine(
        " ".join(f"{key}={inner}" for key, inner in value.items()) if isinstance(value, dict) else str(value)
    )
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def run_verify(arguments: argparse.Namespace) -> int:
    """Checks the journal. 0 when it is whole, 6 when not."""
    from mm_tui.commands.office import open_store
    from mm_tui.store.journal import Journal

    with open_store(common.settings(arguments)) as database:
        journal = Journal(database)
        try:
            verdict = journal.verify(arguments.head)
        except ValueError as error:
            raise CommandError(Exit.USAGE, str(error)) from None
        head = journal.head()
    if arguments.json:
        emit.data(
            {
                "ok": verdict.ok,
                "words": verdict.words,
                "entries": verdict.entries,
                "first_bad": verdict.first_bad,
                "head": head,
            }
        )
    else:
        emit.line(verdict.words)
        emit.line(OneLine(f"head {head}"))
    return Exit.OK if verdict.ok else Exit.CHANGED


def _collect(arguments: argparse.Namespace) -> list[Line]:
    """The chosen lines of both sources, oldest first, the newest when there are more than wanted."""
    from mm_tui.commands.office import open_store, work

    chosen = common.settings(arguments)
    lines: list[tuple[datetime | None, Line]] = []
    if arguments.source != "gateway":
        with open_store(chosen) as database:
            lines += _journal_lines(database, arguments.email)
    if arguments.source != "journal":
        if chosen.profile.admin_key is None and arguments.source == "both":
            emit.note(OneLine("The gateway's audit log needs an admin_key; only this program's journal is shown."))
        else:
            lines += work(_gateway_lines(chosen, arguments.email, arguments.limit))
    lines.sort(key=lambda pair: (pair[0] is not None, pair[0] or datetime.min.replace(tzinfo=UTC), str(pair[1]["id"])))
    return [line for _, line in lines][-(arguments.limit or len(lines)) :]


def _journal_lines(database: Database, email: str | None) -> list[tuple[datetime | None, Line]]:
    from mm_tui.store.journal import Journal

    return [
        (
            entry.at,
            {
                "at": entry.at.isoformat(timespec="seconds"),
                "source": "journal",
                "action": entry.kind,
                "who": entry.who,
                "about": entry.email_id,
                "details": dict(entry.details),
                "id": str(entry.number),
            },
        )
        for entry in Journal(database).entries(email_id=email)
    ]


async def _gateway_lines(chosen: Settings, email: str | None, limit: int | None) -> list[tuple[datetime | None, Line]]:
    found: list[tuple[datetime | None, Line]] = []
    cursor: str | None = None
    async with common.gateway(chosen) as gateway:
        while True:
            page = await gateway.audit_log(limit=100, cursor=cursor)
            for entry in page.entries:
                if email and entry.resource_id != email and email not in entry.metadata.values():
                    continue
                line: Line = {
                    "at": entry.created_at.isoformat(timespec="seconds") if entry.created_at else "",
                    "source": "gateway",
                    "action": entry.action,
                    "who": entry.actor_key_id,
                    "about": entry.resource_id,
                    "details": dict(entry.metadata),
                    "id": entry.id,
                }
                found.append((entry.created_at, line))
            if page.cursor is None or page.cursor == cursor or (limit is not None and len(found) >= limit):
                return found
            cursor = page.cursor
