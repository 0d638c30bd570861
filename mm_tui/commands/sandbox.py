"""`mm-tui sandbox serve`: a MultiMail-compatible gateway on loopback."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from mm_tui.commands.common import Commands
from mm_tui.commands.output.exits import CommandError, Exit

CONNECT_SECONDS = 5.0


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser, *, in_full: bool = True) -> None:
    """Adds the command; its arguments, whose module is slow to load, only if `in_full`."""
    del shared  # the sandbox has no profiles
    words = "a MultiMail-compatible gateway and an AI21-compatible endpoint on this machine"
    parser = commands.add_parser("sandbox", help=words, description=f"Runs {words}.")
    if not in_full:
        return
    from mm_tui.sandbox.run import serve

    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    action = actions.add_parser(
        "serve",
        help="serve until interrupted",
        description="Serves until interrupted. Once it listens it prints, unless on a terminal, one JSON object: "
        "url, ai21_url, ai21_key, "
        "keys (oversight, send, admin) and mailboxes. Nothing is delivered: released mail becomes .eml files in the "
        "outbox of its data folder.",
    )
    serve.add_arguments(action)
    action.set_defaults(run=run)
    action = actions.add_parser(
        "open",
        help="open the app on a sandbox that is running",
        description="Opens the app on a sandbox that is running. None of your own accounts and settings is used; what "
        "the app stores goes into the folder app of the sandbox's data.",
    )
    action.add_argument(
        "data",
        type=Path,
        metavar="DIR",
        help="the sandbox's data folder, as `mm-tui sandbox serve` names it on a terminal",
    )
    action.set_defaults(run=run_open, debug=False)


def run_open(arguments: argparse.Namespace) -> int:
    """Opens the app on the sandbox that is serving a folder."""
    from mm_tui.commands.demo import open_app
    from mm_tui.sandbox.run.child import Ready
    from mm_tui.sandbox.run.serve import READY_FILE

    folder: Path = arguments.data.absolute()
    try:
        ready = Ready.parse((folder / READY_FILE).read_bytes())
    except OSError:
        raise CommandError(
            Exit.NOT_FOUND, f"no sandbox has served {folder}", "Start one with `mm-tui sandbox serve --data DIR`."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise CommandError(Exit.CONFIG, f"{folder / READY_FILE} is not a sandbox's ready file") from None
    if not _answers(ready.url):
        raise CommandError(
            Exit.GATEWAY,
            f"the sandbox of {folder} is not running",
            f"Start it in another terminal: mm-tui sandbox serve --data {shlex.quote(str(folder))}",
        )
    return open_app(ready, folder / "app", folder / "app", name="sandbox", debug=arguments.debug)


def _answers(url: str) -> bool:
    """Whether a program listens at a loopback address."""
    import socket
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def run(arguments: argparse.Namespace) -> int:
    """Serves."""
    from mm_tui.sandbox.run import serve

    return serve.run(arguments)
