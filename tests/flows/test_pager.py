"""Long text: nothing of it is lost, covered or counted as read before it was on the screen."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.pilot import Pilot
from textual.screen import Screen

from mm_tui.clock import DWELL_SECONDS
from mm_tui.theme import ours
from mm_tui.widgets.marks import Mark
from mm_tui.widgets.pager import Page, Pager
from mm_tui.widgets.wrapping import wrapped
from tests.support.app import until

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from(" \n\t日🙂é"), max_size=300
)


@given(TEXT, st.integers(2, 40))
def test_wrapping_loses_nothing_but_spaces_and_keeps_the_width(text: str, width: int) -> None:
    lines = wrapped(text, width)
    kept = "".join(text[start:end] for start, end in lines)
    assert kept.replace(" ", "") == text.replace(" ", "").replace("\n", "")
    for start, end in lines:
        shown = text[start:end].replace("\t", " " * 4)
        assert cell_len(shown) <= width or end - start == 1
    gaps = [text[end:start] for (_, end), (start, _) in pairwise(lines)]
    assert all(gap in ("", " ", "\n") for gap in gaps)


def test_a_long_word_is_cut_at_the_width_and_a_space_at_the_end_does_not_hang() -> None:
    assert wrapped("x" * 25, 10) == [(0, 10), (10, 20), (20, 25)]
    assert wrapped("ab cd", 2) == [(0, 2), (3, 5)]
    assert wrapped("", 10) == [(0, 0)]


class PagerApp(App[None]):
    """One pager on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return ours(self.current_theme).variables

    def compose(self) -> ComposeResult:
        yield Pager(id="pager")

    def on_pager_end_seen(self, message: Pager.EndSeen) -> None:
        self.seen.append(message.page_name)


def drawn(app: PagerApp) -> str:
    """Every row of the screen as it is painted, scrollbar included."""
    return "\n".join("".join(segment.text for segment in row) for row in app.screen._compositor.render_strips())


async def show(app: PagerApp, pilot: Pilot[Any], text: str, name: str = "page") -> Pager:
    pager = app.query_one(Pager)
    pager.show(Page(text), name)
    await pilot.pause()
    return pager


async def read(pilot: Pilot[Any], pager: Pager) -> None:
    """Waits until what is on the screen has been there for long enough."""
    await pilot.pause()
    await until(pilot, lambda: not pager.is_waiting, "a moment")


@pytest.mark.parametrize("size", [(80, 24), (33, 12), (60, 20)])
async def test_the_scrollbar_covers_no_word(size: tuple[int, int]) -> None:
    words = [f"word{number}" for number in range(400)]
    app = PagerApp()
    async with app.run_test(size=size) as pilot:
        pager = await show(app, pilot, " ".join(words))
        read = drawn(app)
        while pager.scroll_offset.y < pager.max_scroll_y:
            pager.action_pager_page_down()
            await pilot.pause()
            read += "\n" + drawn(app)
        shown = set(read.split())
        assert not [word for word in words if word not in shown]


async def test_the_end_counts_only_when_everything_before_it_was_on_screen() -> None:
    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        pager = await show(app, pilot, "\n".join(f"line {number}" for number in range(60)))
        pager.action_pager_last()
        await pilot.pause(0.6)
        assert app.seen == [] and pager.lines_unread > 0
        pager.action_pager_first()
        await pilot.pause()
        while pager.scroll_offset.y < pager.max_scroll_y:
            pager.action_pager_page_down()
            await pilot.pause()
        await read(pilot, pager)
        assert app.seen == [] and pager.lines_unread > 30, "what flew past"
        pager.action_pager_first()
        await read(pilot, pager)
        while pager.scroll_offset.y < pager.max_scroll_y:
            pager.action_pager_page_down()
            await read(pilot, pager)
        await until(pilot, lambda: app.seen == ["page"], "the end")
        assert pager.lines_unread == 0


async def test_what_fits_only_on_a_terminal_that_was_large_for_an_instant_is_left_to_read() -> None:
    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        pager = await show(app, pilot, "\n".join(f"line {number}" for number in range(60)))
        await read(pilot, pager)
        await pilot.resize_terminal(40, 70)
        await until(pilot, lambda: pager.lines_unread == 0, "all of it on the screen")
        await pilot.resize_terminal(40, 12)
        await pilot.pause(0.6)
        assert app.seen == [] and pager.lines_unread == 48


async def test_another_page_must_be_read_again() -> None:
    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        await show(app, pilot, "short", "first")
        await until(pilot, lambda: app.seen == ["first"], "the end")
        pager = await show(app, pilot, "\n".join("many" for _ in range(60)), "second")
        pager.action_pager_last()
        await pilot.pause(0.6)
        assert app.seen == ["first"]


async def test_a_page_under_a_dialog_is_not_being_read() -> None:
    from textual.screen import ModalScreen

    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        await app.push_screen(ModalScreen())
        await show_below(app)
        await pilot.pause(0.6)
        assert app.seen == []


async def show_below(app: PagerApp) -> None:
    app.screen_stack[0].query_one(Pager).show(Page("short"), "hidden")


async def test_marks_are_drawn_where_they_are() -> None:
    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        pager = app.query_one(Pager)
        pager.show(Page("one two three", (Mark(4, 7, "risk"),)), "page")
        await pilot.pause()
        pieces = [(segment.text, segment.style) for segment in pager.render_line(0)]
        marked = [text for text, style in pieces if style is not None and style.underline]
        assert marked == ["two"]
        pager.show(Page("one two three", (Mark(4, 7, "risk"), Mark(0, 7, "fail"))), "page")
        await pilot.pause()
        pieces = [(segment.text, segment.style) for segment in pager.render_line(0)]
        assert pieces[0][1] == pieces[1][1], "the later mark wins, wherever it starts"


async def test_resizing_keeps_the_place_and_what_was_read() -> None:
    app = PagerApp()
    async with app.run_test(size=(60, 12)) as pilot:
        pager = await show(app, pilot, "\n".join(f"line {number} with some words in it" for number in range(80)))
        pager.scroll_to(y=10, animate=False)
        await pilot.pause()
        first = pager.render_line(0).text.strip()
        await pilot.resize_terminal(25, 12)
        await pilot.pause()
        assert pager.render_line(0).text.strip().startswith(first.split(" with")[0])


class TwoPagersApp(App[None]):
    """One pager on the screen, and room for another beside it."""

    CSS = """
    Horizontal > Pager { width: 1fr; }
    #beside { display: none; }
    .-beside #beside { display: block; }
    """

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return ours(self.current_theme).variables

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Pager(id="main")
            yield Pager(id="beside")


async def test_lines_fit_their_pager_also_where_its_place_was_asked_for_before_it_was_laid_out() -> None:
    app = TwoPagersApp()
    async with app.run_test(size=(80, 20)) as pilot:
        main, beside = app.query_one("#main", Pager), app.query_one("#beside", Pager)
        for pager in (main, beside):
            pager.show(Page("some words " * 40), pager.id or "")
        await pilot.pause()
        app.screen._compositor.update_widgets({beside})
        app.screen.add_class("-beside")
        app.stylesheet.update(app.screen)
        assert beside.region.width == 40, "the place that it will have"
        await until(pilot, lambda: main.lines_unread == beside.lines_unread == 0, "both to be read")
        for pager in (main, beside):
            lines = [pager.render_line(at).text.strip() for at in range(pager.size.height)]
            assert max(map(len, lines)) > 30, "lines as wide as the pager"
            assert "".join(lines).replace(" ", "") == "somewords" * 40, "nothing of them is cut off"


async def test_what_was_jumped_over_is_left_to_read_and_reading_on_goes_there() -> None:
    app = PagerApp()
    async with app.run_test(size=(40, 20)) as pilot:
        pager = await show(app, pilot, "\n".join(f"line {number}" for number in range(100)))
        pager.focus()
        await until(pilot, lambda: pager.lines_unread == 80, "the first page")
        await read(pilot, pager)
        await pilot.press("G")
        await until(pilot, lambda: pager.lines_unread == 60, "the last page")
        await read(pilot, pager)
        await pilot.press("pagedown")
        await until(pilot, lambda: pager.scroll_offset.y == 20, "the first line that was jumped over")
        for _ in range(6):
            await read(pilot, pager)
            await pilot.press("pagedown")
        await until(pilot, lambda: pager.lines_unread == 0 and app.seen == ["page"], "all of it")


async def test_marked_words_are_gone_to_in_order_and_what_is_passed_over_is_left_to_read() -> None:
    text = "\n".join(f"line {number}" for number in range(100))
    at = {number: text.index(f"line {number}\n") for number in (50, 51, 90)}
    marks = [
        Mark(at[90], at[90] + 7, "fail", "third"), Mark(at[50], at[50] + 4, "risk", "first"), Mark(0, 4, "dim"),
        Mark(at[51], at[51] + 7, "risk", "second"), Mark(at[50] + 5, at[50] + 7, "risk", "first"),
    ]  # fmt: skip
    app = PagerApp()
    async with app.run_test(size=(40, 20)) as pilot:
        pager = app.query_one(Pager)
        pager.show(Page(text, tuple(marks)), "page")
        await until(pilot, lambda: pager.lines_unread == 80, "the first page")
        await read(pilot, pager)

        def goes(step: int, *, number: int, line: int) -> None:
            assert pager.go_to_words(step) == (number, 3)
            assert pager.scroll_offset.y <= line < pager.scroll_offset.y + 20
            pieces = pager.render_line(line - pager.scroll_offset.y)
            shown = "".join(piece.text for piece in pieces if piece.style and piece.style.reverse)
            assert shown == f"line {line}"

        goes(1, number=1, line=50)
        await until(pilot, lambda: pager.lines_unread == 60, "what is around it")
        await read(pilot, pager)
        before = pager.scroll_offset.y
        goes(1, number=2, line=51)
        assert pager.scroll_offset.y == before, "it was on the screen"
        goes(1, number=3, line=90)
        await until(pilot, lambda: pager.lines_unread == 40 and not app.seen, "what was passed over")
        goes(1, number=1, line=50)
        goes(-1, number=3, line=90)
        # The reader has moved on: it goes on from there.
        pager.scroll_to(y=60, animate=False, immediate=True)
        goes(-1, number=2, line=51)
        # Words that need most of the screen are shown whole, and left like others.
        long = Mark(text.index("line 30\n"), text.index("line 47\n"), "risk", "long")
        pager.show(Page(text, (long, Mark(at[50], at[50] + 7, "risk", "next"))), "long")
        for step, number in ((1, 1), (1, 2), (-1, 1), (-1, 2)):
            assert pager.go_to_words(step) == (number, 2)
            assert number == 2 or pager.scroll_offset.y <= 30 <= 46 < pager.scroll_offset.y + 20
        pager.show(Page("nothing marked", (Mark(0, 7, "risk"),)), "other")
        assert pager.go_to_words(1) is None and pager.words_here is None


async def test_a_dwell_that_ends_late_does_not_count_for_the_page_that_came_since() -> None:
    """A busy program may get to a timer only when another page is on the screen already."""
    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        pager = await show(app, pilot, "short", name="one")
        await until(pilot, lambda: pager._dwell is not None, "the dwell time")
        late = pager._dwell._callback if pager._dwell is not None else None
        assert late is not None
        await show(app, pilot, "\n".join(f"line {number}" for number in range(50)), name="other")
        late()
        await pilot.pause()
        assert "other" not in app.seen


async def test_what_something_else_covered_at_once_is_left_to_read_wherever_the_page_is_then() -> None:
    app = PagerApp()
    async with app.run_test(size=(40, 12)) as pilot:
        pager = await show(app, pilot, "\n".join(f"line {number}" for number in range(60)))
        await until(pilot, lambda: pager.lines_unread == 48, "the first page")
        await app.push_screen(Screen())
        await pilot.pause(DWELL_SECONDS * 2)
        pager.scroll_to(y=30, animate=False)
        await app.pop_screen()
        await until(pilot, lambda: pager.lines_unread == 48, "another page")
        assert pager.scroll_offset.y == 30
