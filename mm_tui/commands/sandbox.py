"""`mm-tui sandbox serve`: a MultiMail-compatible gateway on loopback."""

from __future__ import annotations

import argparse

from mm_tui.commands.common import Commands

# No argument begins with this, so that all of them reach the sandbox's own parser untouched.
_NO_PREFIX = "\0"


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Describes the command."""
    del shared  # the sandbox has no profiles
    words = "a MultiMail-compatible gateway and an AI21-compatible endpoint on this machine"
    parser = commands.add_parser("sandbox", help=words, description=f"Runs {words}.")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    serve = actions.add_parser(
        "serve",
        help="serve until interrupted; see `mm-tui sandbox serve --help`",
        add_help=False,
        prefix_chars=_NO_PREFIX,
    )
    serve.add_argument("rest", nargs="*")
    serve.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Hands over to the sandbox's own arguments."""
    from mm_tui.sandbox import serve

    return serve.main(arguments.rest)
