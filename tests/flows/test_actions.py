"""Every action of the key table does what it says: by its keys, by its name in the palette, and listed in the help."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest
from textual import actions
from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.system_commands import SystemCommandsProvider

from mm_tui import keymap
from mm_tui.app import MmTui
from mm_tui.screens.dialogs.help import HelpScreen
from mm_tui.screens.dialogs.palette import HIDDEN
from mm_tui.widgets.keys_line import awake_keys
from mm_tui.widgets.words import key_name
from tests.support.app import running_app, until
from tests.support.seat import filled_session

PLACES: dict[str, tuple[str, ...]] = {
    "inbox": (),
    "search": ("/",),
    "thread": ("enter",),
    "reply": ("enter", "r"),
    "pending": ("2",),
    "pending, reading": ("2", "enter"),
    "edit": ("2", "e"),
    "edit, reading": ("2", "e", "ctrl+l"),
    "audit": ("3",),
    "life": ("3", "enter"),
    "mailboxes": ("4",),
    "mailboxes, reading": ("4", "enter"),
}
"""The keys that lead to each place of the key table."""


class Called(NamedTuple):
    """An action that ran."""

    name: str
    parameters: tuple[object, ...]


@asynccontextmanager
async def at(place: str, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[MmTui, Pilot[None]]]:
    """The app at a place, with every action there awake."""
    async with running_app(filled_session(), size=size) as (app, pilot):
        for key in PLACES[place]:
            await quiet(pilot)
            await pilot.press(key)
        await quiet(pilot)
        wanted = {action.context for action in keymap.KEY_ACTIONS if action.context in keymap.TOGETHER[place]}
        await until(pilot, lambda: wanted <= contexts(app))
        yield app, pilot


async def quiet(pilot: Pilot[None]) -> None:
    """Waits until what the last key began is done."""
    await pilot.pause()
    await pilot.app.workers.wait_for_complete([one for one in pilot.app.workers if one.group != "services"])
    await pilot.pause()


def contexts(app: MmTui) -> set[str]:
    return {keymap.action(active.binding.id or "").context for _, active in awake_keys(app.screen)}


def wake_all(app: MmTui, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every action apply: which of them do in which state is another test's business."""
    for node in {app.screen, *(active.node for _, active in awake_keys(app.screen))}:
        monkeypatch.setattr(type(node), "check_action", lambda *_given: True, raising=False)
    monkeypatch.setattr(type(app.screen), "label_here", lambda _screen, _id, label: label, raising=False)
    app.screen.refresh_bindings()


def record_all(app: MmTui, monkeypatch: pytest.MonkeyPatch) -> list[Called]:
    """Replaces every action that is awake by one that notes its name and parameters."""
    calls: list[Called] = []

    def recorder(name: str) -> Callable[..., None]:
        return lambda _node, *parameters: calls.append(Called(name, parameters))

    for _, active in awake_keys(app.screen):
        name = name_of(active.binding.action)
        monkeypatch.setattr(type(runs_on(app, active)), f"action_{name}", recorder(name))
    return calls


def name_of(action: str) -> str:
    return actions.parse(action)[1]


def runs_on(app: MmTui, active: ActiveBinding) -> DOMNode:
    """Where the key's action is: its own node, or the app for `app.…`."""
    return app if actions.parse(active.binding.action)[0] == "app" else active.node


def meant(action: keymap.KeyAction) -> Called:
    _, name, parameters = actions.parse(action.runs)
    return Called(name, parameters)


@pytest.mark.parametrize("place", PLACES)
async def test_every_action_runs_by_its_keys_and_by_its_name_and_is_in_the_help(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = [action for action in keymap.KEY_ACTIONS if action.context in keymap.TOGETHER[place]]
    async with at(place) as (app, pilot):
        wake_all(app, monkeypatch)
        awake = {active.binding.id: active for _, active in awake_keys(app.screen)}
        assert set(awake) >= {action.id for action in here}
        for action in here:
            assert callable(getattr(runs_on(app, awake[action.id]), f"action_{name_of(action.runs)}", None)), action.id
        listed = {words: keys for _, rows in HelpScreen.of(app.screen)._groups for keys, words in rows}
        for action in here:
            assert {key_name(key) for key in action.keys.split(",")} <= set(listed[action.help].split()), action.id
        calls = record_all(app, monkeypatch)
        for action in here:
            for key in action.keys.split(","):
                calls.clear()
                await pilot.press(key)
                assert calls == [meant(action)], f"{key} for {action.id}"
        for action in here:
            if action.id in HIDDEN:
                continue
            title = next(
                command.title for command in app.get_system_commands(app.screen) if command.help == action.help
            )
            provider = SystemCommandsProvider(app.screen)
            hits = [hit async for hit in provider.search(title)]
            best = max(hits, key=lambda hit: getattr(hit, "score", 0.0))
            calls.clear()
            best.command()
            await until(pilot, lambda: calls, f"{title} for {action.id}")
            assert calls == [meant(action)], f"{title} for {action.id}"


def test_every_place_of_the_key_table_is_tried() -> None:
    assert set(PLACES) == set(keymap.TOGETHER)
