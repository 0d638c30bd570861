"""`mm-tui completion`: the shell's completion, from the same parser that reads the arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.text import ManyLine

Build = Callable[[], argparse.ArgumentParser]


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser, build: Build) -> None:
    """Describes the command. `build` makes the parser of all commands."""
    del shared  # needs no settings
    parser = commands.add_parser(
        "completion",
        help="print completion for a shell",
        description="Prints completion for a shell. For bash: "
        "mm-tui completion bash > ~/.local/share/bash-completion/completions/mm-tui; for zsh, into a file _mm-tui in a "
        "folder of $fpath.",
    )
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.set_defaults(run=partial(run, build))


def run(build: Build, arguments: argparse.Namespace) -> int:
    """Prints the script."""
    import shtab

    emit.line(ManyLine(shtab.complete(build(), shell=arguments.shell)))
    return Exit.OK
