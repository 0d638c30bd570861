"""`mm-tui agent`: the headless agent, and the evaluation of its labels."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from mm_tui.commands import common
from mm_tui.commands.common import Commands


class Address(NamedTuple):
    host: str
    port: int


def add(commands: Commands) -> None:
    actions = commands.group(
        "agent",
        help="the headless worker: labels, tags and summarises new mail, and drafts replies for approval",
        description="Handles new mail with AI21's models, without a screen. See `mm-tui docs agent`.",
    )
    running = actions.action(
        "run",
        help="work on the mailboxes until stopped",
        description="Opens new mail, which marks it read, labels, tags and summarises it, and queues drafted replies "
        "where the settings say so. It needs a send key and an AI21 key, and refuses a key that may decide.",
        json="log as JSON, one object a line",
        run=run,
    )
    ways = running.add_mutually_exclusive_group()
    ways.add_argument("--once", action="store_true", help="handle the waiting mail, then exit")
    ways.add_argument(
        "--listen",
        type=address,
        metavar="HOST:PORT",
        help=f"also accept webhook events at this address; their signing secret is read from {common.WEBHOOK_SECRET}",
    )
    running.add_argument(
        "--dry-run",
        action="store_true",
        help="list the emails it would handle; opens nothing, asks no model, changes nothing",
    )
    running.add_argument("--interval", type=positive, metavar="SECONDS", help="time between polls")
    running.add_argument("--die-with-stdin", action="store_true", help="stop when standard input ends")
    trying = actions.action(
        "evaluate",
        help="test the labels on a labelled set",
        description="Asks the configured model for the label of each email in a labelled set, and prints how many "
        "match. Costs one model call for each email.",
        json="print every verdict as JSON, one a line",
        task="agent_work.evaluate",
    )
    trying.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        help="JSON lines, each with id, language, label, subject and body; see `mm-tui docs labels`",
    )
    examples = actions.action(
        "examples",
        help="list or delete the examples that drafts learn from: your edits, masked",
        description="Texts that you sent instead of an agent's are stored on this machine, with names, numbers and "
        "addresses masked, and shown to the model for similar drafts. Off in live profiles unless the profile sets "
        "examples = true.",
        json="print JSON, with the whole texts",
        task="agent_examples.run",
    )
    which = examples.add_mutually_exclusive_group()
    which.add_argument("--delete", nargs="+", metavar="ID", help="delete these")
    which.add_argument("--delete-all", action="store_true", help="delete all of this profile")


def address(text: str) -> Address:
    """HOST:PORT, IPv6 hosts in brackets. Raises argparse.ArgumentTypeError for anything else."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("write HOST:PORT, such as 127.0.0.1:8025")
    return Address(host.strip("[]"), int(port))


def positive(text: str) -> float:
    """Seconds above zero. Raises argparse.ArgumentTypeError for anything else."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError("write a number of seconds above 0")
    return seconds


def run(arguments: argparse.Namespace) -> int:
    from mm_tui.commands import agent_work

    common.report_crashes()
    return common.run_async(agent_work.run, arguments)
