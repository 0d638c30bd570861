"""The man page mm-tui(1), from the same parser as `--help`. `make docs` writes it to docs/."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator

from mm_tui.commands.output.exits import Exit

_COMMON = ("help", "profile", "config", "debug")
"""Options of the program itself, listed only once."""


def man_page(parser: argparse.ArgumentParser, statuses: Iterable[tuple[Exit, str]], generated: str) -> str:
    """The page with roff's man macros.

    Args:
        parser: the whole command line.
        statuses: each exit status with what it means.
        generated: a line that says where the page comes from.
    """
    lines = [
        f'.\\" {generated}',
        '.TH MM\\-TUI 1 "" mm\\-tui "User Commands"',
        ".SH NAME",
        "mm\\-tui \\- a terminal inbox where humans oversee the e\\-mail that AI agents handle",
        ".SH SYNOPSIS",
        r"\fBmm\-tui\fR [\fIoptions\fR] [\fIcommand\fR] [\fIarguments\fR]",
        ".SH DESCRIPTION",
        _text(parser.description or ""),
        ".SH OPTIONS",
        *_arguments(parser, skip=()),
        ".SH COMMANDS",
        *_commands(parser),
        ".SH EXIT STATUS",
    ]
    for status, words in statuses:
        lines += [".TP", rf"\fB{status.value}\fR", _text(words)]
    lines += [
        ".SH FILES",
        ".TP",
        r"\fI~/.config/mm\-tui/config.toml\fR",
        "The settings (on Linux); MM_TUI_CONFIG names another file.",
        ".TP",
        r"\fI~/.local/share/mm\-tui\fR",
        "Mail, journal, log and reports (on Linux); MM_TUI_DATA names another folder.",
        ".SH SEE ALSO",
        _text("`mm-tui docs` lists the pages of the documentation; `mm-tui docs operating` prints one."),
    ]
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield f".SS {_text(command.prog)}"
                if command.description:
                    yield _text(command.description)
                yield from _arguments(command, skip=_COMMON)
                yield from _commands(command)


def _arguments(parser: argparse.ArgumentParser, skip: Iterable[str]) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or not action.help or action.help == argparse.SUPPRESS:
            continue
        if action.dest in skip:
            continue
        value = str(action.metavar or "|".join(map(str, action.choices or ())) or action.dest.upper())
        names = ", ".join(rf"\fB{_escaped(name)}\fR" for name in action.option_strings)
        shown = names if action.nargs == 0 else f"{names} \\fI{_escaped(value)}\\fR".strip()
        yield from (".TP", shown, _text(action.help % {**vars(action), "prog": parser.prog}))


def _text(words: str) -> str:
    """A paragraph: text between backquotes in bold, with nothing interpreted as a macro."""
    bold = re.sub(r"`([^`]+)`", r"\\fB\1\\fR", _escaped(" ".join(words.split())))
    return rf"\&{bold}" if bold.startswith((".", "'")) else bold


def _escaped(words: str) -> str:
    return words.replace("\\", r"\e").replace("-", r"\-")
