"""Pictures of the reading screens and the small dialogs. Looked at one by one when they change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from mm_tui.screens.leave import LeaveScreen
from mm_tui.services.cards import CardState, Phase
from mm_tui.services.notices import Phase as SyncPhase
from mm_tui.services.notices import SyncState
from mm_tui.text import OneLine
from mm_tui.widgets.reply_editor import ReplyEditor
from tests.snapshots.scene import LIVE, app
from tests.support.seat import NOW

if TYPE_CHECKING:
    from textual.pilot import Pilot

SMALL, MIDDLE, LARGE = (80, 24), (120, 40), (200, 50)
DIALOGS = {
    "help": ("question_mark",),
    "filter": ("f",),
    "links": ("enter", "l"),
    "files": ("enter", "f"),
    "sender": ("enter", "i"),
    "raw": ("enter", "v"),
    "thread-help": ("enter", "question_mark"),
}
"""The keys that open each."""
Compare = Callable[..., bool]


def size_id(size: object) -> str | None:
    """`80x24`, for the pictures' file names."""
    return f"{size[0]}x{size[1]}" if isinstance(size, tuple) and isinstance(size[0], int) else None


def after(*keys: str) -> Callable[[Pilot[None]], object]:
    """Presses keys one by one and waits for the workers and the preview."""

    async def run(pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)
        for key in keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete(
                [worker for worker in pilot.app.workers if worker.group not in ("services",)]
            )
        await pilot.pause(0.2)

    return run


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 20)], ids=size_id)
def test_inbox(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=after("j", "j"))


@pytest.mark.parametrize("theme", ["mm-light", "terminal", "high-contrast"])
def test_inbox_in_other_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(app(ui={"theme": theme}), terminal_size=MIDDLE, run_before=after("j", "j"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_inbox_searching(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=after("slash", *"refund"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_inbox_folded(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=after("t"))


def test_inbox_without_matches(snap_compare: Compare) -> None:
    assert snap_compare(app(), terminal_size=SMALL, run_before=after("slash", *"zzz"))


def test_inbox_empty_and_offline(snap_compare: Compare) -> None:
    state = SyncState(SyncPhase.OFFLINE, None, OneLine("the gateway could not be reached"), NOW + timedelta(seconds=8))
    assert snap_compare(app(mails=0, state=state), terminal_size=SMALL, run_before=after())


def test_inbox_live_and_empty(snap_compare: Compare) -> None:
    assert snap_compare(app(mails=0, state=LIVE), terminal_size=SMALL, run_before=after())


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 20)], ids=size_id)
def test_thread(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=after("enter"))


@pytest.mark.parametrize("theme", ["mm-light", "terminal"])
def test_thread_in_other_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(app(ui={"theme": theme}), terminal_size=MIDDLE, run_before=after("enter"))


@pytest.mark.parametrize(
    "card",
    [
        CardState(Phase.NO_KEY, OneLine("No AI21 key is set: mail can be read and answered without one.")),
        CardState(Phase.WAITING, OneLine("The assistant will read this thread soon."), can_retry=True),
        CardState(Phase.WORKING, OneLine("reading the thread")),
        CardState(Phase.FAILED, OneLine("The model did not answer in time."), can_retry=True),
        CardState(Phase.OVER_BUDGET, OneLine("Today's budget of $1.00 is spent.")),
    ],
    ids=lambda card: str(card.phase),
)
def test_thread_with_a_card_that_has_nothing_yet(snap_compare: Compare, card: CardState) -> None:
    assert snap_compare(app(card=card), terminal_size=SMALL, run_before=after("enter"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_reply(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=after("enter", "r", *"Dear Anna"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_reply_while_the_model_writes(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def stream(pilot: Pilot[None]) -> None:
        await after("enter", "r")(pilot)  # type: ignore[misc] # a coroutine function
        reply = pilot.app.screen.query_one(ReplyEditor)
        reply.set_writing(True)
        reply.note("jamba-large-1.7 is writing · esc stops it")
        reply.set_text("Dear Anna,\n\nthank you for telling us. I have asked")
        await pilot.pause(0.2)

    assert snap_compare(app(), terminal_size=size, run_before=stream)


@pytest.mark.parametrize("name", DIALOGS)
@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_dialog(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=after(*DIALOGS[name]))


def test_leaving_with_held_decisions(snap_compare: Compare) -> None:
    async def ask(pilot: Pilot[None]) -> None:
        await pilot.pause(0.2)
        pilot.app.push_screen(LeaveScreen(2))
        await pilot.pause(0.2)

    assert snap_compare(app(), terminal_size=SMALL, run_before=ask)
