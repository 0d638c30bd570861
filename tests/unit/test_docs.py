"""Generated pages are current, and what hand-written pages name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mm_tui.commands import docs, exits
from mm_tui.commands.parser import build

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
