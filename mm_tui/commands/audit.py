"""`mm-tui audit`: lists, verifies and exports the gateway's audit log and our own journal."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mm_tui.commands import common
from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.values import address, not_empty, positive
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.audit.line import AuditLine
    from mm_tui.session import Session
    from mm_tui.settings.sections import Settings
    from mm_tui.store.audit.timeline import LineFilter

SOURCES = ("both", "gateway", "journal")


def add(commands: Commands) -> None:
    words = "the gateway's audit log and this program's journal"
    actions = commands.group("audit", help=words, description=f"Lists, verifies and exports {words}.")

    listing = actions.action("list", help="list the newest lines", task=_list)
    listing.add_argument("--limit", type=positive, default=50, metavar="N", help="the most lines to print; default: 50")
    _selection(listing)

    verify = actions.action(
        "verify",
        help="check that no line of the journal has been changed, removed or moved",
        description="Checks the journal's hash chain, prints its head, and compares it with the head saved beside the "
        "store. Keep the head elsewhere too: with --head a later check also detects that lines were cut off the end by "
        "somebody who could write both files. Exits with 6 if something was changed. It writes nothing, and can check "
        "a read-only copy.",
        run=run_verify,
    )
    verify.add_argument("--head", metavar="NUMBER:HASH", help="a head that an earlier check printed")
    verify.add_argument("--store", type=Path, metavar="FILE", help="a copy of a store; default: the profile's own")

    accept = actions.action(
        "accept",
        help="accept a store whose journal is not the one last seen",
        description="A store that was restored from a backup, or created again after it was deleted, cannot be "
        "used for decisions until a human accepts it. This command does so, and journals the head that was expected. "
        "What the newer store knew about decisions in progress is lost: look at the queue before you decide. With "
        "--gateway it also accepts a store that is recorded as another gateway's or account's, as after damage: its "
        "mail is deleted and fetched again; the journal, edits and decisions stay.",
        json="",
        run=run_accept,
    )
    accept.add_argument(
        "--gateway", metavar="URL", type=address, help="the gateway of the settings, which the store is to belong to"
    )
    accept.add_argument("--store", type=Path, metavar="FILE", help="another store, such as the agent's")

    words = "write all lines as JSON lines or CSV"
    export = actions.action("export", help=words, json="", task=_export)
    export.add_argument("--format", choices=("jsonl", "csv"), help="default: by the file's name, else jsonl")
    where = export.add_mutually_exclusive_group()
    words = "a new .jsonl or .csv (mode 0600); default: standard output"
    where.add_argument("file", nargs="?", metavar="FILE", type=not_empty, help=words)
    # Its name in earlier versions.
    where.add_argument("--output", metavar="FILE", type=not_empty, help=argparse.SUPPRESS)
    _selection(export)


def _selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", choices=SOURCES, default="both", help="default: both")
    parser.add_argument("--email", metavar="ID", help="only lines about this email")
    parser.add_argument("--by", metavar="WHO", help="only lines of this reviewer's name, or of this key's id")
    parser.add_argument("--action", metavar="WORD", help="only lines with this action, as --json prints it")


async def _list(arguments: argparse.Namespace, chosen: Settings) -> int:
    """Prints the newest lines, oldest first."""
    from mm_tui.commands.online import online
    from mm_tui.services.audit.export import record
    from mm_tui.services.audit.line import AuditLines

    async with online(chosen) as session:
        if _reads_gateway(arguments, chosen):
            await session.check_account()
            await fetch_newest(session, arguments.limit)
        lines = AuditLines(session.database)
        lines.learn()
        keys: list[int] = []
        for chunk in lines.keys(_wanted(arguments), stop=lambda: len(keys) >= arguments.limit, first=arguments.limit):
            keys.extend(chunk)
        shown = lines.lines(keys[: arguments.limit][::-1])
    if arguments.json:
        emit.data({"entries": [record(line) for line in shown]})
    elif shown:
        emit.table([_row(line) for line in shown])
    else:
        about = f"Nothing is logged about {arguments.email}." if arguments.email else ""
        about = "No line matches." if arguments.by or arguments.action else about
        emit.note(OneLine(about or "Nothing has been decided or logged yet."))
    return Exit.OK


async def fetch_newest(session: Session, limit: int) -> None:
    """Reads the newest lines of the gateway's log into the store."""
    from mm_tui.gateway.shapes import pages_of

    seen = 0
    async for page in pages_of(session.network.gateway.audit_log):
        session.audit.add(page.entries)
        seen += len(page.entries)
        if seen >= limit:
            return


def _reads_gateway(arguments: argparse.Namespace, chosen: Settings) -> bool:
    if arguments.source == "both" and chosen.profile.admin_key is None:
        emit.note(OneLine("The gateway's audit log needs an admin_key: only its stored lines are shown."))
        return False
    return bool(arguments.source != "journal")


def _wanted(arguments: argparse.Namespace) -> LineFilter:
    from mm_tui.store.audit.timeline import LineFilter, Source

    source = None if arguments.source == "both" else Source(arguments.source)
    return LineFilter(source=source, email_id=arguments.email, actor=arguments.by, action=arguments.action)


def _row(shown: AuditLine) -> list[str]:
    line = shown.line
    at = line.at.isoformat(timespec="seconds") if line.at else "?"
    return [at, line.source, shown.words, shown.who or line.source, line.about, shown.what]


async def _export(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import online
    from mm_tui.services.audit.export import ExportError, NotWritten, export, target_of
    from mm_tui.services.audit.line import AuditLines

    with tempfile.TemporaryDirectory(prefix="mm-tui-") as folder:
        try:
            named = arguments.file or arguments.output
            path = target_of(named or f"{folder}/lines.{arguments.format or 'jsonl'}", Path.cwd())
            if arguments.format and path.suffix != f".{arguments.format}":
                raise CommandError(
                    Exit.USAGE, f"{path} is not named .{arguments.format}", "The ending of the name sets the format."
                )
            async with online(chosen) as session:
                if _reads_gateway(arguments, chosen):
                    await session.check_account()
                    await session.network.sync.refresh_audit()
                count = export(AuditLines(session.database), _wanted(arguments), path)
        except NotWritten as error:
            raise CommandError(Exit.OUTPUT, str(error), "Check the space and the place where it goes.") from None
        except ExportError as error:
            raise CommandError(Exit.USAGE, str(error)) from None
        if named is None:
            for text in path.read_text("utf-8").splitlines():
                emit.line(OneLine(text))
        else:
            emit.note(OneLine(f"{count} lines written to {path}"))
    return Exit.OK


def run_verify(arguments: argparse.Namespace) -> int:
    """Checks the journal. Returns 0 if it is intact, otherwise 6."""
    from mm_tui.settings import paths
    from mm_tui.store.audit.journal import Journal
    from mm_tui.store.opening import open_database, opened_to_read
    from mm_tui.store.seal import read_head

    _check_named(arguments.store)
    chosen = common.settings(arguments)
    path = arguments.store or paths.store_path(chosen.profile.name)
    beside = read_head(path)
    with opened_to_read(path) if path.exists() else open_database(path, memory=chosen.sync.memory)[0] as database:
        journal = Journal(database)
        try:
            verdict = journal.verify(arguments.head)
        except ValueError as error:
            raise CommandError(Exit.USAGE, str(error)) from None
        if verdict.ok and beside is not None:
            verdict = journal.verify(str(beside))
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


def _check_named(path: Path | None) -> None:
    """Refuses what `--store` names if it is no store: opening it would make it one, with an empty, unbroken journal."""
    from mm_tui.store.connecting import is_store

    if path is not None and not path.is_file():
        raise CommandError(Exit.NOT_FOUND, f"there is no file {path}")
    if path is not None and not is_store(path):
        cure = "Nothing was changed. The stores of a profile lie in the data folder; `mm-tui doctor` names it."
        raise CommandError(Exit.CONFIG, f"{path} is not a store of mm-tui, or its beginning is damaged", cure)


def run_accept(arguments: argparse.Namespace) -> int:
    """Accepts the store as it is. Returns 0 even if there was nothing to accept.

    Raises:
        CommandError: 2 the settings name another gateway, 3 there is no such file, 10 it is no store.
    """
    from mm_tui.clock import SystemClock
    from mm_tui.settings import paths
    from mm_tui.settings.profiles import reviewer
    from mm_tui.store.audit.journal import Journal
    from mm_tui.store.belongs import Gateway, rebind
    from mm_tui.store.opening import open_database
    from mm_tui.store.seal import StoreBehind, read_head

    chosen = common.settings(arguments)
    _check_named(arguments.store)
    path = arguments.store or paths.store_path(chosen.profile.name)
    gateway = Gateway.of(chosen.profile)
    if arguments.gateway is not None and gateway._replace(url=arguments.gateway).address != gateway.address:
        cure = "Nothing was accepted: write the gateway of the profile."
        raise CommandError(Exit.USAGE, f"the settings name {gateway.address}, not {arguments.gateway}", cure)
    memory = chosen.sync.memory and arguments.store is None
    with open_database(path, memory=memory, rebuild=False)[0] as database:
        journal, details = Journal(database), dict[str, str]()
        if isinstance(database.trouble, StoreBehind):
            details = {"expected": str(read_head(path)), "found": journal.head()}
            database.accept()
        elif arguments.gateway is None:
            emit.line(OneLine("the journal is the one last seen: nothing to accept"))
            return Exit.OK
        with database.write(durable=True) as connection:
            if arguments.gateway is not None:
                details["belonged_to"] = rebind(database, gateway)
            journal.append(connection, "store_accepted", reviewer(chosen), "", SystemClock().now(), details)
        emit.line(OneLine(f"accepted; head {journal.head()}"))
    return Exit.OK
