"""`mm-tui completion`: shell completion, generated from the argument parser."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.text import ManyLine, OneLine

Build = Callable[[], argparse.ArgumentParser]


def add(commands: Commands, build: Build) -> None:
    """Adds the command. `build` creates the parser of all commands."""
    parser = commands.alone(
        "completion",
        help="print a completion script for a shell",
        description="Prints a completion script for a shell. For bash: "
        "mm-tui completion bash > ~/.local/share/bash-completion/completions/mm-tui; for zsh, into a file _mm-tui in a "
        "folder of $fpath; for fish, into ~/.config/fish/completions/mm-tui.fish.",
        run=partial(run, build),
    )
    parser.add_argument("shell", choices=(*SHELLS, *NAMES), metavar=f"{{{','.join(SHELLS)}}}")


def run(build: Build, arguments: argparse.Namespace) -> int:
    """Prints the script, or the names to offer for an argument."""
    if arguments.shell in NAMES:
        for name in filter(_SAFE.fullmatch, NAMES[arguments.shell]()):
            emit.line(OneLine(name))
        return Exit.OK
    import shtab

    parser = build()
    _say_what_completes(parser)
    preamble = {shell: "\n".join(_FUNCTION[shell].format(name) for name in NAMES) for shell in _FUNCTION}
    emit.line(ManyLine(shtab.complete(parser, shell=arguments.shell, preamble=preamble)))  # type: ignore[arg-type] # a text for each shell
    return Exit.OK


def _say_what_completes(parser: argparse.ArgumentParser) -> None:
    """Sets what to complete for each argument: files, folders, profiles, filters or mailboxes."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                _say_what_completes(one)
        elif action.metavar in ("FILE", "PATH"):
            action.complete = shtab.FILE  # type: ignore[attr-defined] # shtab reads this attribute
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif (names := _OFFERED.get(action.option_strings[-1] if action.option_strings else action.dest)) is not None:
            asked = f"mm-tui completion {names} 2>/dev/null"
            action.complete = {  # type: ignore[attr-defined]
                **dict.fromkeys(_FUNCTION, f"_mm_tui_{names}"), "fish": f"({asked})", "tcsh": f"`{asked}`",
            }  # fmt: skip


def _profiles() -> Iterable[str]:
    from mm_tui.settings.profiles import Profiles

    return [str(one.name) for one in Profiles(None).listed()]


def _filters() -> Iterable[str]:
    from mm_tui.query import QUEUE_FILTERS, saved
    from mm_tui.settings.file import load

    return saved(load().filters.queue, QUEUE_FILTERS)


def _mailboxes() -> Iterable[str]:
    import sqlite3

    from mm_tui.settings.file import load
    from mm_tui.settings.paths import store_path

    path = store_path(load().profile.name)
    if not path.exists():
        return []
    try:
        store = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        with closing(store):
            return [str(row[0]) for row in store.execute("SELECT address FROM mailboxes ORDER BY address")]
    except sqlite3.Error:
        # A completing shell cannot show an error; the command itself will.
        return []


def _topics() -> Iterable[str]:
    from mm_tui.commands.manual import pages

    return pages()


SHELLS = ("bash", "zsh", "fish", "tcsh")
NAMES: Mapping[str, Callable[[], Iterable[str]]] = {
    "profiles": _profiles, "filters": _filters, "mailboxes": _mailboxes, "topics": _topics,
}  # fmt: skip
"""The lists that the scripts request."""
_OFFERED = {"--profile": "profiles", "--filter": "filters", "--mailbox": "mailboxes", "topic": "topics"}
_SAFE = re.compile(r"[\w.@+-]+", re.ASCII)
"""Names without special characters; others are not offered, because bash expands them."""
_FUNCTION = {
    "bash": '_mm_tui_{0}() {{ compgen -W "$(mm-tui completion {0} 2>/dev/null)" -- "$1"; }}',
    "zsh": '_mm_tui_{0}() {{ compadd -- ${{(f)"$(mm-tui completion {0} 2>/dev/null)"}} }}',
}
