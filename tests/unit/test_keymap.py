"""The key table, and the checking of the user's changes to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.binding import Binding

from mm_tui import keymap
from mm_tui.services.decisions import approval_gate
from mm_tui.widgets.words import with_keys


def _words(changes: dict[str, str]) -> str:
    good, problems = keymap.check(changes)
    assert not set(good) & {problem.id for problem in problems}
    return " | ".join(map(str, problems))


def test_default_keys_mean_one_thing_on_each_screen() -> None:
    for screen, contexts in keymap.TOGETHER.items():
        holders: dict[str, str] = {}
        for action in keymap.KEY_ACTIONS:
            if action.context in contexts:
                for key in action.keys.split(","):
                    assert holders.setdefault(key, action.id) == action.id, (
                        f"{key} on {screen}: {holders[key]} and {action.id}"
                    )


def test_ids_are_unique_and_every_context_is_awake_somewhere() -> None:
    ids = [action.id for action in keymap.KEY_ACTIONS]
    assert len(ids) == len(set(ids))
    awake = {context for contexts in keymap.TOGETHER.values() for context in contexts}
    assert {action.context for action in keymap.KEY_ACTIONS} <= awake


def test_default_keys_can_be_sent_by_terminals() -> None:
    assert [
        (action.id, fault)
        for action in keymap.KEY_ACTIONS
        for key in action.keys.split(",")
        if (fault := keymap.unsendable(key))
    ] == []


def test_lower_case_keys_are_used_for_single_acts_and_upper_case_for_many() -> None:
    assert keymap.action("pending.approve").keys == "a"
    assert keymap.action("pending.approve_marked").keys == "A"


def test_an_unknown_id_is_reported_with_the_nearest() -> None:
    assert "did you mean inbox.search?" in _words({"inbox.serch": "x"})


def test_a_duplicate_among_the_changes_is_reported() -> None:
    words = _words({"inbox.search": "F2", "inbox.filter": "F2"})
    assert "F2 is used for two commands" in words


def test_a_key_that_would_hide_another_action_is_reported() -> None:
    assert "j would hide another command's key: list.down" in _words({"inbox.search": "j"})


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("ctrl+m", "same as enter in a terminal"),
        ("ctrl+i", "same as tab in a terminal"),
        ("ctrl+shift+x", "cannot be sent by many terminals"),
        ("ctrl+enter", "cannot be sent by many terminals"),
        ("ctrl+z", "to suspend"),
        ("shift+a", "write A instead"),
        ("super+x", "not a key that a terminal can send"),
        ("nonsense", "not a known key name"),
        ("", "no key given"),
    ],
)
def test_unsendable_keys_are_reported(key: str, words: str) -> None:
    assert words in _words({"inbox.search": key})


def test_a_key_that_works_in_fields_is_none_that_writes_there() -> None:
    assert "colon could no longer be typed" in _words({"app.palette": "ctrl+k,colon"})
    assert [one.key for one in keymap.bindings("app") if isinstance(one, Binding) and one.priority] == [
        "ctrl+p",
        "ctrl+q",
    ]


def test_good_changes_are_accepted_and_spaces_do_not_matter() -> None:
    good, problems = keymap.check({"inbox.search": "ctrl+f, f3"})
    assert good == {"inbox.search": "ctrl+f,f3"}
    assert problems == []


def test_words_name_the_key_that_the_user_has_set() -> None:
    text = "undo it first: {app.undo}; {paper.page_down} reads on, {no.such} {x} {}"
    assert with_keys(text, {}) == "undo it first: u; enter reads on, {no.such} {x} {}"
    assert with_keys(text, {"app.undo": "ctrl+y,z", "paper.page_down": "pagedown,f5"}).startswith(
        "undo it first: ^y; pgdn"
    )
    assert with_keys(text, {"app.undo": "nonsense+key"}).startswith("undo it first: u;"), "what cannot be set is not"


def test_every_key_that_a_refusal_names_is_an_act() -> None:
    ids = {one.id for one in keymap.KEY_ACTIONS}
    named = re.findall(r"\{+([a-z]+\.[a-z_]+)\}", (Path(approval_gate.__file__)).read_text("utf-8"))
    assert set(named) - {"entry.ended", "decision.words"} <= ids and "app.undo" in named


def test_where_text_is_typed_words_name_a_key_that_is_not_a_character() -> None:
    text = "{inbox.clear} shows all, {app.help} the operators, {inbox.filter} filters"
    assert with_keys(text, {}, typing=True) == "esc shows all, f1 the operators, f filters"
    assert with_keys(text, {"app.help": "H,f2"}, typing=True) == "esc shows all, f2 the operators, f filters"


_FIXED_KEY = re.compile(r"[Pp]ress(?:es)? (?:[a-zA-Z?/0-9]|enter|escape?|space|tab|ctrl\+\w|f\d+)(?![\w'])")


@pytest.mark.parametrize("folder", ["screens/inbox", "screens/thread", "screens/audit", "screens/mailboxes", "widgets"])
def test_no_text_names_a_key_that_the_user_may_have_changed(folder: str) -> None:
    root = Path(keymap.__file__).parent / folder
    found = {path.name: _FIXED_KEY.findall(path.read_text("utf-8")) for path in root.glob("*.py")}
    assert found and {name: keys for name, keys in found.items() if keys} == {}


NEITHER = frozenset({
    "pending.answer", "pending.skip", "pending.mark", "pending.next", "pending.previous", "pending.back",
    "pending.view", "pending.source", "pending.thread", "pending.findings", "pending.next_finding",
    "pending.previous_finding", "pending.facts", "pending.second_reader",
    "pending.kept", "pending.filter", "pending.next_filter", "pending.previous_filter", "pending.order",
})  # fmt: skip
"""What neither decides nor opens a field. Questions and lists to choose from have rules of their own."""


def test_each_act_where_mail_is_decided_is_known_to_decide_to_open_a_field_or_neither() -> None:
    reported = keymap.DECIDING | keymap.OPENING
    assert not NEITHER & reported
    actions = {action.id for action in keymap.KEY_ACTIONS if action.context == "pending"}
    assert actions <= reported | NEITHER, "say in `DECIDING`, `OPENING` or `NEITHER` what it does"
    assert reported <= {action.id for action in keymap.KEY_ACTIONS}
