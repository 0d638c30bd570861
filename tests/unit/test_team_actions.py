"""Every action of a team has its key, its line in palette and help, its form on the command line and its audit line."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from mm_tui import keymap
from mm_tui.commands.parser import parse
from mm_tui.screens.dialogs.palette import HIDDEN
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.audit.line import ACT_WORDS, JOURNAL_WORDS


class TeamAction(NamedTuple):
    """One action, as each of the program's registries knows it."""

    key: str
    command: tuple[str, ...]
    journal: tuple[str, ...]
    """Its kinds of entries, or actions that a decision's entries name."""


ACTIONS = {
    "pending.note": TeamAction("N", ("note", "ID", "ask legal"), ("noting", "clearing_note")),
    "pending.assign": TeamAction("W", ("assign", "ID", "anna"), ("assigning", "unassigning")),
    "pending.snooze": TeamAction("Z", ("snooze", "ID", "3h"), ("snoozing", "unsnoozing")),
    "pending.reject_marked": TeamAction(
        "X", ("reject", "--filter", "is:drafts", "--reason", "stop", "--yes-reject", "3"), ("reject",)
    ),
    "pending.approve": TeamAction("a", ("approve", "ID", "--digest", "0" * 8), ("approve", "approve_first")),
    # The difference to the draft that was rejected, and who has an email open: shown, and a tag of our own.
    "pending.view": TeamAction("tab", ("show", "ID"), ("tagging", "untagging")),
}


@pytest.mark.parametrize("action_id", ACTIONS)
def test_an_action_of_a_team_is_in_every_registry(action_id: str) -> None:
    expected, action = ACTIONS[action_id], keymap.action(action_id)
    assert action.keys == expected.key
    assert action_id not in HIDDEN and action.label and action.help.endswith(".")
    name = action.runs.partition("(")[0]
    assert hasattr(PendingScreen, f"action_{name}"), f"{action.runs} has no method"
    assert callable(parse(["pending", *expected.command]).run)
    for kind in expected.journal:
        words = {**JOURNAL_WORDS, **ACT_WORDS}[kind]
        assert words and "_" not in words, f"{kind} has no words in the audit log"
