"""Every act of a team has its key, its line in palette and help, its form on the command line and its audit line."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from mm_tui import keymap
from mm_tui.commands.parser import parse
from mm_tui.screens.dialogs.palette import HIDDEN
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.audit.line import ACT_WORDS, JOURNAL_WORDS


class TeamAct(NamedTuple):
    """One act, as each of the program's registries knows it."""

    key: str
    command: tuple[str, ...]
    journal: tuple[str, ...]
    """Its kinds of entries, or acts that a decision's entries name."""


ACTS = {
    "pending.note": TeamAct("N", ("note", "ID", "ask legal"), ("noting", "clearing_note")),
    "pending.assign": TeamAct("W", ("assign", "ID", "anna"), ("assigning", "unassigning")),
    "pending.snooze": TeamAct("Z", ("snooze", "ID", "3h"), ("snoozing", "unsnoozing")),
    "pending.reject_marked": TeamAct(
        "X", ("reject", "--filter", "is:drafts", "--reason", "stop", "--yes-reject", "3"), ("reject",)
    ),
    "pending.approve": TeamAct("a", ("approve", "ID", "--digest", "0" * 8), ("approve", "approve_first")),
    # The difference to the draft that was rejected, and who has an email open: shown, and a tag of our own.
    "pending.view": TeamAct("tab", ("show", "ID"), ("tagging", "untagging")),
}


@pytest.mark.parametrize("act_id", ACTS)
def test_an_act_of_a_team_is_in_every_registry(act_id: str) -> None:
    expected, act = ACTS[act_id], keymap.act(act_id)
    assert act.keys == expected.key
    assert act_id not in HIDDEN and act.label and act.help.endswith(".")
    name = act.action.partition("(")[0]
    assert hasattr(PendingScreen, f"action_{name}"), f"{act.action} has no method"
    assert callable(parse(["pending", *expected.command]).run)
    for kind in expected.journal:
        words = {**JOURNAL_WORDS, **ACT_WORDS}[kind]
        assert words and "_" not in words, f"{kind} has no words in the audit log"
