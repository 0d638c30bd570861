"""Nothing is lost while the terminal changes its size, and the state is words and signs: colour only repeats it."""

from __future__ import annotations

from random import Random

import pytest
from textual.widgets import TextArea

from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions.view import Phase
from mm_tui.settings.sections import Review
from mm_tui.store.decisions.edits import EditStore
from tests.support.app import running_app, settings_for, shown
from tests.support.app import until as until
from tests.support.queue import open_editor, running_queue, seen
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, filled_session, waiting

SIZES = 25


def sizes(seed: int) -> list[tuple[int, int]]:
    """Random sizes from the smallest that is promised to a large one; ends at the one it began with."""
    random = Random(seed)
    return [*((random.randint(60, 200), random.randint(20, 50)) for _ in range(SIZES)), (120, 40)]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_mail_that_is_read_keeps_its_place_and_every_word(seed: int) -> None:
    session = filled_session()
    body = "\n\n".join(f"Paragraph {number} of a long letter, with some words to wrap." for number in range(40))
    session.pending.replace([waiting(1, body), waiting(2, "Hello.")], NOW)
    async with running_app(session) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "Paragraph 0" in shown(app))
        await pilot.press("enter", "pagedown")
        screen = app.screen
        assert isinstance(screen, PendingScreen)
        await pilot.press("u")
        await until(pilot, lambda: "nothing to undo" in shown(app))
        for tiny in ((20, 5), (1, 1), (2, 1), (3, 40), (200, 1)):
            # Smaller than promised; it need only go on.
            await pilot.resize_terminal(*tiny)
            await pilot.pause()
        for width, height in sizes(seed):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            pager = screen.pane.main
            assert pager.has_focus
            drawn = " ".join(
                "".join(segment.text for segment in pager.render_line(y)) for y in range(pager.size.height)
            )
            assert "Paragraph" in drawn
            assert "mm-tui" in shown(app) or "1 Inbox" in shown(app)
            assert screen.current is not None
            assert screen.current.item.id == "01WAIT000001"
        await pilot.press("g")
        for number in range(39):
            if f"Paragraph {number} of" not in shown(app):
                await pilot.press("pagedown")
            assert f"Paragraph {number} of" in shown(app)


@pytest.mark.parametrize("seed", [3, 4])
async def test_what_is_typed_between_the_sizes_is_all_there(seed: int) -> None:
    session = filled_session()
    async with running_app(session) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: "Hello Anna." in shown(app))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        screen, typed = app.screen, ""
        for at, (width, height) in enumerate(sizes(seed)):
            await pilot.resize_terminal(width, height)
            letter = chr(ord("a") + at % 26)
            await pilot.press(letter)
            typed += letter
            if at % 7 == 3:
                await pilot.press("ctrl+l")
                await pilot.resize_terminal(60, 20)
                await pilot.press("ctrl+l")
        assert screen.query_one("#body", TextArea).text == f"{typed}Hello Anna."
        assert screen.query_one("#body", TextArea).has_focus
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, PendingScreen))
        kept = EditStore(session.database).get("01WAIT000001")
        assert kept is not None
        assert kept.text.body == f"{typed}Hello Anna."
        await until(pilot, lambda: typed in shown(app))


async def test_the_queues_state_can_be_read_without_colour(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    edited, held, marked = (sandbox.draft(f"Number {number}.") for number in range(3))
    sandbox.draft("Hi {{name}}, we give you a full refund of $240 today.")
    settings = settings_for(sandbox, review=Review(hold_seconds=60), ui={"theme": "terminal"})
    async with running_queue(settings, 4) as (app, pilot, screen):
        await open_editor(app, pilot)
        await pilot.press("O", "h", "escape")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        for email_id, key in ((held, "a"), (marked, "space")):
            screen.queue_list.move_to(screen.queue_list.keys.index(email_id))
            await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "detail")
            await seen(pilot, screen)
            await pilot.press(key)
            await until(pilot, lambda: screen.marks or screen.decision_of(held) is not None, "the hold, then the mark")
        await until(pilot, lambda: list(screen.marks) == [marked], "the mark")
        view = screen.decision_of(held)
        assert view is not None
        assert view.phase is Phase.HELD
        rows = shown(app)
        lines = {row[:46] for row in rows.split("\n")}
        assert any("edited" in line for line in lines)
        assert any("held: " in line for line in lines)
        assert any(line[:2] in (" +", "▌+") for line in lines)
        assert any("!!" in line for line in lines)
        assert "1 marked" in rows
        assert "▌" in rows
        assert edited in screen.queue_list.keys


async def test_rows_and_keys_and_screens_are_clicked() -> None:
    async with running_app(filled_session()) as (app, pilot):
        top = shown(app).split("\n")[0]
        await pilot.click(offset=(top.index("Pending"), 0))
        await until(pilot, lambda: "Hello Anna." in shown(app))
        screen = app.screen
        assert isinstance(screen, PendingScreen)
        rows = [at for at, line in enumerate(shown(app).split("\n")) if "→ anna@customer.example" in line[:46]]
        assert len(rows) == 2
        await pilot.click(offset=(10, rows[1]))
        await until(pilot, lambda: "Hello Tom." in shown(app))
        keys = shown(app).split("\n")[-1]
        await pilot.click(offset=(keys.index("edit"), 39))
        await until(pilot, lambda: isinstance(app.screen, EditScreen))
        keys = shown(app).split("\n")[-1]
        await pilot.click(offset=(keys.index("esc"), 39))
        await until(pilot, lambda: app.screen is screen)
