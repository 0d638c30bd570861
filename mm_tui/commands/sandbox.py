"""`mm-tui sandbox serve`: a MultiMail-compatible gateway on loopback; `open` and `run` use one that is running."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.commands.common import Commands
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.values import add_mail

if TYPE_CHECKING:
    from mm_tui.sandbox.run.child import Ready

CONNECT_SECONDS = 5.0


class Place(NamedTuple):
    """A sandbox that is running, and where the app stores its data."""

    ready: Ready
    folder: Path
    data: Path
    profile: str


def add(commands: Commands, parse: Callable[[Sequence[str]], argparse.Namespace]) -> None:
    """Adds the command. `parse` parses another command."""
    words = "a MultiMail-compatible gateway and an AI21-compatible endpoint on this machine"
    actions = commands.group("sandbox", help=words, description=f"Runs {words}.")
    action = actions.alone(
        "serve",
        help="serve until interrupted",
        run=run_serve,
        description="Serves until interrupted. Once it listens it prints, unless on a terminal, one JSON object: "
        "url, ai21_url, ai21_key, keys (oversight, send, admin), tutorial_key (`mm-tui docs first-agent`) and "
        "mailboxes. Nothing is delivered: released mail becomes .eml files in the outbox of its data folder.",
    )
    _add_arguments(action)
    action = actions.alone(
        "open",
        help="open the app on a sandbox that is running",
        run=run_open,
        debug=False,
        description="Opens the app on a sandbox that is running. None of your own accounts and settings is used; what "
        "the app stores goes into the folder app of the sandbox's data.",
    )
    _add_folder(action)
    action = actions.alone(
        "run",
        help="run a command on a sandbox or demo that is running",
        run=run_command,
        parse=parse,
        description="Runs another command of mm-tui on a sandbox or demo that is running, with its keys and its "
        "store: `mm-tui sandbox run DIR pending list`. None of your own accounts and settings is used.",
    )
    _add_folder(action)
    action.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command with its arguments, as pending list"
    )


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on, one of this machine's own (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=partial(_within, int, 65535, "a port"),
        default=0,
        help="port to listen on; by default the one that the data folder was first served on, or any free one",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder that keeps the state over a restart; without it the state ends with the sandbox",
    )
    add_mail(parser, "mail to fill the first mailbox with")
    parser.add_argument(
        "--synthetic",
        type=partial(_within, int, 10_000_000, "a whole number"),
        default=0,
        metavar="N",
        help="fill the first mailbox with N made-up emails",
    )
    parser.add_argument(
        "--samples",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="fill the three mailboxes with sample mail and drafts; the default unless --mail or --synthetic is given",
    )
    parser.add_argument(
        "--agent",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="run the mail agent, and let new sample mail arrive from time to time; with --mail only beside --samples",
    )
    parser.add_argument(
        "--scan-delay",
        type=partial(_within, float, 86400, "a number of seconds"),
        default=None,
        metavar="S",
        help="seconds a submitted mail is scanned; default 1",
    )
    parser.add_argument(
        "--ready-file", type=Path, metavar="FILE", help="file to write the ready message to, once it listens"
    )


def _add_folder(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "data",
        type=Path,
        metavar="DIR",
        help="the sandbox's data folder, as `mm-tui sandbox serve` names it on a terminal, or a demo's folder",
    )


def _within(kind: Callable[[str], float], most: int, what: str, text: str) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = -1
    if not 0 <= value <= most:
        raise argparse.ArgumentTypeError(f"must be {what} from 0 to {most}")
    return value


def run_serve(arguments: argparse.Namespace) -> int:
    from mm_tui.sandbox.run import serve

    return serve.run(arguments)


def run_open(arguments: argparse.Namespace) -> int:
    """Opens the app on the sandbox that is serving a folder."""
    from mm_tui.commands.demo import open_app

    place = _place(arguments.data.absolute())
    return open_app(place.ready, place.folder, place.data, name=place.profile, debug=arguments.debug)


def run_command(arguments: argparse.Namespace) -> int:
    """Runs a command on the sandbox that is serving a folder."""
    from mm_tui.commands.demo import use

    if not arguments.command:
        hint = f"`mm-tui --help` lists them. `mm-tui sandbox open {shlex.quote(str(arguments.data))}` opens the app."
        raise CommandError(Exit.USAGE, "no COMMAND is given", hint)
    place = _place_or_hint(arguments.data)
    use(place.ready.environment(), place.folder, place.data)
    os.environ["MM_TUI_PROFILE"] = place.profile
    named = arguments.parse(arguments.command)
    status: int = named.run(named)
    return status


def _place_or_hint(folder: Path) -> Place:
    """The sandbox of a folder, or an error that names the demo that is open."""
    try:
        return _place(folder.absolute())
    except CommandError as error:
        if error.status != Exit.NOT_FOUND or (demo := running_demo()) is None:
            raise
        hint = f"For the demo that is open: `mm-tui sandbox run {demo} COMMAND`."
        raise CommandError(error.status, error.what, hint) from None


def running_demo() -> Path | None:
    """The folder of the newest demo that this user has open; None if there is none."""
    import tempfile

    from mm_tui.commands.demo import TEMPORARY

    found: list[tuple[float, Path]] = []
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        # RuntimeError: a link to itself, which anybody may have left there.
        with suppress(OSError, RuntimeError, CommandError):
            kept = folder.resolve()
            made = kept.stat()
            if made.st_uid == os.getuid():
                _place(kept)
                found.append((made.st_mtime, kept))
    return max(found)[1] if found else None


def _place(folder: Path) -> Place:
    """The sandbox that serves a folder, or the demo that is open on it. Raises CommandError unless it is running."""
    from mm_tui.commands.demo import DATA, PROFILE, SERVED
    from mm_tui.sandbox.run.child import READY_FILE, Ready

    is_demo = (folder / SERVED / READY_FILE).is_file()
    file = folder / SERVED / READY_FILE if is_demo else folder / READY_FILE
    try:
        ready = Ready.parse(file.read_bytes())
    except OSError:
        raise CommandError(
            Exit.NOT_FOUND,
            f"no sandbox or demo has used {folder}",
            "Start one with `mm-tui sandbox serve --data DIR` or `mm-tui demo --data DIR`.",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise CommandError(
            Exit.CONFIG, f"{file} is not a sandbox's ready file", "Name the folder that --data named."
        ) from None
    if not answers(ready.url):
        start = "demo" if is_demo else "sandbox serve"
        raise CommandError(
            Exit.GATEWAY,
            f"the sandbox of {folder} is not running",
            f"Start it in another terminal: mm-tui {start} --data {shlex.quote(str(folder))}",
        )
    return Place(ready, folder if is_demo else folder / DATA, folder / DATA, PROFILE if is_demo else "sandbox")


def answers(url: str) -> bool:
    """Whether a program listens at a loopback address."""
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
