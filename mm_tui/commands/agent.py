"""`mm-tui agent run`: the headless worker."""

from __future__ import annotations

import argparse

from mm_tui.commands import common
from mm_tui.commands.common import Commands


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser, *, in_full: bool = True) -> None:
    """Describes the command; its arguments, whose module takes a while to load, only `in_full`."""
    parser = commands.add_parser(
        "agent",
        help="the headless worker: label, tag and summarise new mail, and draft replies for the gate",
        description="Works new mail with AI21's models, without a screen. docs/agent.md says what it does and refuses.",
    )
    if not in_full:
        return
    from mm_tui.agent import evaluate
    from mm_tui.agent.command import add_arguments

    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    running = actions.add_parser(
        "run",
        parents=[shared],
        help="work the mailboxes until stopped",
        description="Opens new mail, which marks it read, labels, tags and summarises it, and queues drafted replies "
        "where the settings say so. It needs a send key and an AI21 key, and refuses a key that may decide.",
    )
    add_arguments(running)
    running.set_defaults(run=run)
    trying = actions.add_parser(
        "evaluate",
        parents=[shared],
        help="try the labels on a labelled set",
        description="Asks the configured model for the label of every mail of a labelled set, and prints how many it "
        "labels as the set does. Costs what that many questions cost.",
    )
    evaluate.add_arguments(trying)
    trying.set_defaults(run=run_evaluate)


def run(arguments: argparse.Namespace) -> int:
    """Runs the worker."""
    from mm_tui.agent import command

    chosen = common.settings(arguments)
    common.report_crashes()
    return command.run(arguments, chosen)


def run_evaluate(arguments: argparse.Namespace) -> int:
    """Tries the labels."""
    from mm_tui.agent import evaluate
    from mm_tui.commands import common

    return evaluate.run(arguments, common.settings(arguments))
