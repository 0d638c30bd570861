"""The argparse parser of the whole command line, used for help, completion and docs/cli.md."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mm_tui import __version__
from mm_tui.commands import (
    agent,
    app,
    audit,
    completion,
    demo,
    doctor,
    export,
    init,
    manual,
    pending,
    profiles,
    sandbox,
    scheduled,
    spam,
    stats,
    sync,
    values,
)
from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.text import ManyLine


class HelpLines(argparse.HelpFormatter):
    """Help whose lines break between words, not within `--accept-risk`, and whose column fits the longest action."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = textwrap.wrap(
            " ".join(text.split()), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
        return "\n".join(lines)

    def add_argument(self, action: argparse.Action) -> None:
        """argparse forgets that actions are indented below their heading."""
        super().add_argument(action)
        below = self._current_indent + self._indent_increment
        for one in self._iter_indented_subactions(action):
            self._action_max_length = max(self._action_max_length, len(self._format_action_invocation(one)) + below)


class Parser(argparse.ArgumentParser):
    """A parser with clean error messages that offer the nearest name and point to the help of the command."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"formatter_class": HelpLines, **options})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parses; what the named command does not know is its error, not the whole program's."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = _near(unknown[0].partition("=")[0], self._option_string_actions)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{near}")
        return found, unknown

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """The value of an action. argparse takes `--` away even where it is an option's value, and leaves a list."""
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuses what is no choice; names the nearest instead of all, if one is near."""
        if action.choices is not None and value not in action.choices and (near := _near(value, action.choices)):
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{near}")
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction) and message.endswith(f"required: {action.metavar}"):
                message = f"an action is missing, one of {', '.join(action.choices)}"
        emit.error(message, f"See `{self.prog} --help`.")
        raise SystemExit(Exit.USAGE)

    def _print_message(self, message: str, file: object = None) -> None:
        """Prints help or version. argparse would ignore that the output cannot be written."""
        del file
        if message:
            emit.line_at_once(ManyLine(message.removesuffix("\n")))


def _near(value: object, choices: Iterable[object]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(str(value), map(str, choices), n=1)
    return f". Did you mean {near[0]}?" if near else ""


def build() -> Parser:
    """Builds the parser of all commands."""
    shared = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common(shared)
    parser = Parser(
        prog="mm-tui",
        description="A terminal inbox where humans oversee the email that AI agents handle. "
        "Without a command it opens the app.",
        epilog="`mm-tui docs` prints the documentation, `mm-tui docs configuration` a page of it.",
    )
    parser.set_defaults(profile=None, config=None, debug=False, run=app.run)
    parser.add_argument("--version", action="version", version=f"mm-tui {__version__}")
    common(parser)
    commands = Commands(parser.add_subparsers(title="commands", metavar="COMMAND"), shared)
    for module in (demo, init, doctor, profiles, sync, pending, scheduled, spam, audit, stats, export, manual):
        module.add(commands)
    completion.add(commands, build)
    agent.add(commands)
    sandbox.add(commands, parse)
    _add_statuses(parser)
    return parser


def _add_statuses(parser: argparse.ArgumentParser) -> None:
    """Adds the exit statuses to the help of every command."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in nested:
        for one in action.choices.values():
            _add_statuses(one)
    is_app = parser.prog in ("mm-tui", "mm-tui demo")
    may = [
        status
        for status in Exit
        if (status is not Exit.RISK or " pending" in parser.prog)
        and (status not in (Exit.HANGUP, Exit.TERMINATED) or is_app)
    ]
    statuses = f"Exit status: {'; '.join(f'{status.value} {status.in_short}' for status in may)}."
    parser.epilog = f"{parser.epilog} {statuses}" if parser.epilog else statuses


def common(parser: argparse.ArgumentParser) -> None:
    """The options allowed before or after any command."""
    parser.add_argument("--profile", metavar="NAME", type=values.not_empty, help="the profile of the settings to use")
    parser.add_argument("--config", metavar="FILE", type=Path, help="the settings file to use")
    parser.add_argument(
        "--debug",
        action="store_true",
        help="log each request too, with everything private masked; commands also print it on standard error",
    )


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parses the arguments; `run` is the function to call. Only names of files may have bytes that are no UTF-8."""
    parser = build()
    found = parser.parse_args(argv)
    for value in vars(found).values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not _is_utf8(text):
                parser.error(f"{text!r} is not UTF-8 text")
    return found


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
