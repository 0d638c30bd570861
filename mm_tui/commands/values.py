"""The values of arguments: each function is a `type` for argparse."""

from __future__ import annotations

import argparse
from pathlib import Path

LONGEST_ID = 1000
"""Characters."""


def positive(text: str) -> int:
    """A whole number above zero."""
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError("must be a whole number above 0")
    return int(text)


def not_empty(text: str) -> str:
    """The name of a profile or file. An empty one, from a variable that is not set, must not stand for the default."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    return text


def address(text: str) -> str:
    """The address of a gateway, in any form that the settings understand."""
    from mm_tui.settings.checks import gateway_address

    try:
        return gateway_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def email_id(text: str) -> str:
    if len(text) > LONGEST_ID:
        raise argparse.ArgumentTypeError("is too long for the id of an email")
    if not text.strip(".") or not text.isprintable() or any(char.isspace() for char in text):
        raise argparse.ArgumentTypeError("is not the id of an email; `mm-tui pending list` shows those that wait")
    return text


def add_email_id(parser: argparse.ArgumentParser, *, nargs: str | None = None) -> None:
    """Adds the argument that names a waiting email."""
    parser.add_argument(
        "id", metavar="ID", type=email_id, nargs=nargs, help="the email's id, as `mm-tui pending list` prints it"
    )


def add_mail(parser: argparse.ArgumentParser, what_for: str) -> None:
    """Adds `--mail`, which names mail of the user's own for a sandbox."""
    parser.add_argument(
        "--mail",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help=f"{what_for}: mbox, Maildir, MH folder, Apple Mail folder, .eml, .emlx, .msg, or a folder of these; may "
        "be given several times",
    )


def selection(text: str) -> str:
    """A filter or query that selects part of the queue."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty, and would select everything; say `all` for that")
    return text
