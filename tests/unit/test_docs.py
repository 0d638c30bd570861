"""Generated pages are current, and what hand-written pages name exists."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from mm_tui.commands import docs
from mm_tui.commands.output import exits
from mm_tui.commands.parser import build
from tests.support.cli import Home
from tests.support.sandbox import running_sandbox

ROOT = Path(__file__).parents[2]
WRITTEN = ("accessibility.md", "team.md", "troubleshooting.md")


@pytest.mark.parametrize("name", docs.pages())
def test_a_generated_page_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == docs.pages()[name], "run python -m mm_tui.commands.docs"


def test_every_exit_status_and_setting_is_explained() -> None:
    assert {status for status, words in docs.exit_words() if words} == set(exits.Exit)
    assert not re.search(r"^\| `\w+` \|  \|", docs.configuration_page(), re.MULTILINE)


@pytest.mark.parametrize("name", WRITTEN)
def test_commands_in_a_page_exist(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    known = commands()
    for command in re.findall(r"`mm-tui ((?:[a-z]+ ?)+)", text):
        words = command.split()
        assert words[0] in known, f"{name} names `mm-tui {command}`"
        if known[words[0]] and len(words) > 1:
            assert words[1] in known[words[0]], f"{name} names `mm-tui {command}`"


@pytest.mark.parametrize("name", [*WRITTEN, *docs.pages()])
def test_links_between_pages_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "docs" / name).read_text("utf-8")):
        assert (ROOT / "docs" / target).exists(), f"{name} links to {target}"


PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")], key=lambda page: page.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_command_lines_in_a_page_can_be_run(page: Path) -> None:
    parser = build()
    for block in re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            command = line.removeprefix("$ ")
            if not command.startswith("mm-tui ") or re.search(r"\[-|\.\.\.|COMMAND", line):
                continue
            words = shlex.split(command, comments=True)[1:]
            arguments = list(itertools.takewhile(lambda word: word not in ("|", ">", ">>", "&", "&&"), words))
            if not {"--version", "--help"} & set(arguments):
                parser.parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_in_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    text = page.read_text("utf-8")
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    named = re.findall(r"^make ([a-z]+)", blocks, re.MULTILINE) + re.findall(r"`make ([a-z]+)`", text)
    assert set(named) <= targets


README = (ROOT / "README.md").read_text("utf-8")
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE))
BLOCKS = [
    line for block in re.findall(r"^```\w*\n(.*?)^```", README, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]
PROGRAM = sorted(
    {line.partition("#")[0].strip() for line in (*SPANS, *BLOCKS) if line.startswith("mm-tui")} - {"mm-tui"}
)
MAKE = sorted({line.partition("#")[0].strip() for line in (*SPANS, *BLOCKS) if line.startswith("make ")})


def test_the_readme_names_what_a_newcomer_types() -> None:
    assert {"mm-tui init", "mm-tui doctor", "mm-tui demo", "mm-tui sync", "mm-tui sandbox serve"} <= set(PROGRAM)
    assert {"make demo", "make test"} <= set(MAKE)


@pytest.mark.parametrize("command", PROGRAM)
def test_a_command_of_the_readme_runs(tmp_path: Path, command: str) -> None:
    done = Home(tmp_path).run(*command.split()[1:], "--help")
    assert done.status == 0, done.err
    assert done.out.startswith(f"usage: {command.split(' -')[0]}")


@pytest.mark.parametrize("command", ["mm-tui doctor", "mm-tui sync", "mm-tui pending list", "mm-tui audit list"])
def test_after_init_as_the_readme_says_its_commands_work(tmp_path: Path, command: str) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        home = Home(tmp_path)
        keys = [word for scope, key in sandbox.keys.items() for word in (f"--{scope}-key", key)]
        assert home.run("init", "--url", sandbox.url, *keys).status == 0
        done = home.run(*command.split()[1:])
    assert done.status == 0, done.err


@pytest.mark.parametrize("command", MAKE)
def test_a_target_of_the_readme_can_be_made(command: str) -> None:
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def commands() -> dict[str, set[str]]:
    """Each command with its actions."""
    found: dict[str, set[str]] = {}
    for action in build()._actions:
        if isinstance(action.choices, dict):
            for name, parser in action.choices.items():
                found[name] = {
                    choice for inner in parser._actions if isinstance(inner.choices, dict) for choice in inner.choices
                }
    return found
