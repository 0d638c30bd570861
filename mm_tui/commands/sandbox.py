"""`mm-tui sandbox serve`: a MultiMail-compatible gateway on loopback."""

from __future__ import annotations

import argparse

from mm_tui.commands.common import Commands


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser, *, in_full: bool = True) -> None:
    """Describes the command; its arguments, whose module takes a while to load, only `in_full`."""
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
        description="Serves until interrupted. Once it listens it prints one JSON object: url, ai21_url, ai21_key, "
        "keys (oversight, send, admin) and mailboxes. Nothing is delivered: released mail becomes .eml files in the "
        "outbox of its data folder.",
    )
    serve.add_arguments(action)
    action.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serves."""
    from mm_tui.sandbox.run import serve

    return serve.run(arguments)
