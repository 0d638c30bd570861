"""`mm-tui docs`: the documentation of the installed version."""

from __future__ import annotations

import argparse
import difflib
import re
from pathlib import Path

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.text import ManyLine, OneLine

_COMMENT = re.compile(r"\n*<!--.*?-->", re.DOTALL)


def add(commands: Commands) -> None:
    parser = commands.action(
        "docs",
        help="print a page of the documentation",
        description="Prints a page of the documentation as Markdown, or lists the pages.",
        json="",
        run=run,
    )
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="the page, such as safety or configuration")


def run(arguments: argparse.Namespace) -> int:
    """Prints the page, or each page's name with its heading."""
    there = pages()
    if arguments.topic is None:
        emit.table([(name, page.read_text("utf-8").partition("\n")[0].lstrip("# ")) for name, page in there.items()])
        return Exit.OK
    topic = arguments.topic.removesuffix(".md").removeprefix("docs/")
    if topic not in there:
        near = difflib.get_close_matches(topic, there, 1)
        raise CommandError(
            Exit.NOT_FOUND,
            f"there is no page {OneLine(arguments.topic)!r}",
            f"Do you mean `mm-tui docs {near[0]}`?" if near else "`mm-tui docs` lists the pages.",
        )
    emit.line(ManyLine(_COMMENT.sub("", there[topic].read_text("utf-8")).rstrip("\n")))
    return Exit.OK


def pages() -> dict[str, Path]:
    """The pages by their names. Raises CommandError if they were not installed."""
    return {page.stem: page for page in sorted(folder().glob("*.md"))}


def folder() -> Path:
    """The folder of the pages: in the installed package, or beside it in a checkout. Raises CommandError."""
    package = Path(__file__).parent.parent
    for place in (package / "docs", package.parent / "docs"):
        if (place / "safety.md").is_file():
            return place
    raise CommandError(Exit.CONFIG, "the documentation was not installed", "Install the package again.")
