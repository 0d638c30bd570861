"""Shared by most commands: how they are added to the parser and run, and their settings with keys."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import argparse

    from mm_tui.gateway.keys import Keys
    from mm_tui.settings.sections import Settings
    from mm_tui.store.database import Database

    _SubParsers: TypeAlias = argparse._SubParsersAction[Any]

GATEWAY_KEYS = ("oversight", "send", "admin")
WEBHOOK_SECRET = "MULTIMAIL_WEBHOOK_SECRET"  # noqa: S105 - a variable's name
"""The variable with the signing secret of the agent's webhook subscription."""


class Commands:
    """What a command adds itself to, or an action to its command."""

    def __init__(self, below: _SubParsers, shared: argparse.ArgumentParser) -> None:
        """`shared`: the options of every command that works with a profile."""
        self._below = below
        self._shared = shared

    def group(self, name: str, *, help: str, description: str) -> Commands:
        """Adds a command that consists of actions; returns what these are added to."""
        parser = self._below.add_parser(name, help=help, description=description)
        return Commands(parser.add_subparsers(title="actions", metavar="ACTION", required=True), self._shared)

    def action(
        self, name: str, *, help: str, description: str | None = None, json: str = "print JSON", **defaults: object
    ) -> argparse.ArgumentParser:
        """Adds a command or an action that works with a profile. `json`: the help of `--json`; empty for none.
        `defaults`: the `task` that is run with the profile's settings, or the function to `run`."""
        parser: argparse.ArgumentParser = self._below.add_parser(
            name, parents=[self._shared], help=help, description=description
        )
        if json:
            parser.add_argument("--json", action="store_true", help=json)
        parser.set_defaults(**{"run": run_task, **defaults})
        return parser

    def alone(self, name: str, *, help: str, description: str, **defaults: object) -> argparse.ArgumentParser:
        """Adds a command without a profile."""
        parser: argparse.ArgumentParser = self._below.add_parser(name, help=help, description=description)
        parser.set_defaults(**defaults)
        return parser


def settings(arguments: argparse.Namespace, *, draws: bool = False) -> Settings:
    """Loads the settings chosen by the arguments, runs key commands and sets up logging. `draws`: a screen will be
    drawn, so nothing else may be written. Raises ConfigError if they cannot be used."""
    from mm_tui.commands.output import logs
    from mm_tui.settings.file import load as load_settings
    from mm_tui.settings.keys import with_keys

    chosen = with_keys(load_settings(arguments.config, profile=arguments.profile))
    logs.set_up(debug=arguments.debug, on_stderr=arguments.debug and not draws)
    return chosen


def report_crashes() -> None:
    """From now on every uncaught exception, also in threads, becomes a report without values."""
    from mm_tui import crash
    from mm_tui.settings import paths

    crash.install_hooks(paths.reports_dir())


@contextmanager
def damage_marked(database: Database) -> Iterator[None]:
    """Warns of damaged records. Marks the store to be rebuilt at the next start if a command cannot read part of it;
    then raises CorruptStore."""
    from mm_tui.commands.output import printing
    from mm_tui.commands.output.exits import of_failure
    from mm_tui.store.connecting import is_damage
    from mm_tui.store.contents import say_damage

    database.damaged.report_to(printing.warning)
    try:
        yield
    except Exception as error:
        if of_failure(error) is None or is_damage(error):
            say_damage(database, error)
        raise


def keys_of(chosen: Settings) -> Keys:
    """The profile's gateway keys. Raises ConfigError if a key cannot be one."""
    from mm_tui.gateway.keys import Keys
    from mm_tui.settings.sections import ConfigError

    try:
        return Keys.of(chosen.profile)
    except ValueError as error:
        raise ConfigError(
            f"profile {chosen.profile.name}",
            str(error),
            f"Set it again with `mm-tui init --replace --profile {chosen.profile.name}`.",
        ) from None


def run_async(
    command: Callable[[argparse.Namespace, Settings], Coroutine[None, None, int]], arguments: argparse.Namespace
) -> int:
    """Runs a command with the settings chosen by the arguments; Ctrl-C cancels it and then ends the program."""
    from mm_tui.system import lookups

    # Settings are read first: waiting for a key command inside the loop could not be interrupted.
    chosen = settings(arguments)
    return lookups.run(command(arguments, chosen))


def run_task(arguments: argparse.Namespace) -> int:
    """Runs the command that its parser set as `task`: a function, or its module and name, imported only now."""
    from importlib import import_module

    task = arguments.task
    if isinstance(task, str):
        module, _, name = task.partition(".")
        task = getattr(import_module(f"mm_tui.commands.{module}"), name)
    return run_async(task, arguments)
