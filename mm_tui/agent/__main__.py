"""`python -m mm_tui.agent run`: the worker without the rest of the program."""

from __future__ import annotations

import argparse
import sys

from mm_tui.agent import command, evaluate
from mm_tui.settings import sections as config
from mm_tui.settings.file import load as load_settings
from mm_tui.settings.keys import with_keys
from mm_tui.text import OneLine


def main() -> int:
    """Runs the worker with the settings of the environment and `config.toml`."""
    parser = argparse.ArgumentParser(prog="python -m mm_tui.agent")
    parser.add_argument("--profile", metavar="NAME", help="the profile of the settings to use")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    run = actions.add_parser("run", help="work the mailboxes until stopped")
    command.add_arguments(run)
    run.set_defaults(act=command.run)
    labels = actions.add_parser("evaluate", help="try the labels on a labelled set")
    evaluate.add_arguments(labels)
    labels.set_defaults(act=evaluate.run)
    arguments = parser.parse_args()
    try:
        settings = with_keys(load_settings(profile=arguments.profile))
    except config.ConfigError as error:
        sys.stderr.write(OneLine(f"mm-tui agent: {error}") + "\n")
        return command.CONFIG
    return int(arguments.act(arguments, settings))


if __name__ == "__main__":
    sys.exit(main())
