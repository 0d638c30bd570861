"""The list that draws only what is seen: reading by page, repainting, staying in place, columns by the cell."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import wcwidth
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.geometry import Region

from mm_tui.screens.inbox.mail_list import MailList
from mm_tui.text import OneLine
from mm_tui.theme import ours
from mm_tui.widgets.cells import countable, fit_cells
from mm_tui.widgets.line_input import LineInput
from mm_tui.widgets.list_cache import PAGE, ROWS_IN_TURN, UNATTENDED_TURNS
from mm_tui.widgets.virtual_list import VirtualList
from tests.support.clock import FakeClock
from tests.support.scripts import SCRIPTS
from tests.support.seat import NOW, idle_session, summary


class Numbers(VirtualList[int, str]):
    """Rows are their keys in words; counts what is read and repainted."""

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[int, str] = {}
        self.read: list[int] = []
        self.repainted: list[Region] = []
        self.laid_out = 0
        self.refreshed = 0
        self.suffix = ""

    def fetch_rows(self, keys: Sequence[int]) -> Sequence[str]:
        self.read += keys
        return [self.words.get(key, f"row {key}") for key in keys]

    def draw_row(self, row: str, line: int, width: int, here: bool) -> list[Segment]:
        return [Segment(fit_cells(row + self.suffix, width), self.style("here" if here else "row"))]

    def refresh(self, *regions: Region, **options: Any) -> Numbers:
        self.repainted += regions
        self.refreshed += 1
        self.laid_out += bool(options.get("layout"))
        super().refresh(*regions, **options)
        return self


class Host(App[None]):
    """An app with one list."""

    def __init__(self, numbers: Numbers) -> None:
        super().__init__()
        self.numbers = numbers

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return ours(self.current_theme).variables

    def compose(self) -> ComposeResult:
        yield self.numbers


@asynccontextmanager
async def listed(keys: Sequence[int]) -> AsyncIterator[tuple[Numbers, Any]]:
    numbers = Numbers()
    async with Host(numbers).run_test(size=(40, 10)) as pilot:
        numbers.set_keys(keys)
        await pilot.pause()
        yield numbers, pilot


async def test_ages_that_change_at_one_moment_are_drawn_a_few_rows_at_a_time_until_all_are() -> None:
    async with listed(range(100)) as (numbers, pilot):
        numbers.suffix = "+"
        numbers.repainted.clear()
        drawn = set()
        for _ in range(numbers.size.height // ROWS_IN_TURN + 1):
            numbers.redraw_ages()
            assert len(numbers.repainted) <= ROWS_IN_TURN
            drawn |= {region.y for region in numbers.repainted}
            numbers.repainted.clear()
        assert drawn == set(range(numbers.size.height))
        await pilot.pause()
        numbers.redraw_ages()
        assert not numbers.repainted


async def test_with_nobody_at_the_keys_ages_are_drawn_seldom_and_then_all() -> None:
    async with listed(range(100)) as (numbers, pilot):
        pilot.app.is_attended = False
        numbers.suffix = "+"
        numbers.repainted.clear()
        for _ in range(UNATTENDED_TURNS - 1):
            numbers.redraw_ages()
        assert not numbers.repainted
        numbers.redraw_ages()
        assert {region.y for region in numbers.repainted} == set(range(numbers.size.height))
        await pilot.pause()
        numbers.suffix = "-"
        numbers.repainted.clear()
        pilot.app.is_attended = True
        numbers.redraw_ages()
        assert len(numbers.repainted) == ROWS_IN_TURN


async def test_only_the_pages_that_are_seen_are_read() -> None:
    async with listed(range(100_000)) as (numbers, pilot):
        assert len(numbers.read) <= PAGE
        await pilot.press("G")
        assert len(numbers.read) <= 3 * PAGE
        assert 99_999 in numbers.read


async def test_cursor_move_repaints_two_rows() -> None:
    async with listed(range(100)) as (numbers, pilot):
        numbers.repainted.clear()
        await pilot.press("j")
        assert [(region.y, region.height) for region in numbers.repainted] == [(0, 1), (1, 1)]


async def test_keys_that_differ_only_out_of_sight_repaint_and_lay_out_nothing() -> None:
    async with listed(range(100)) as (numbers, pilot):
        numbers.refreshed = numbers.laid_out = 0
        numbers.read.clear()
        numbers.set_keys(range(90))
        await pilot.pause()
        assert (numbers.refreshed, numbers.laid_out, numbers.read) == (0, 0, [])
        await pilot.press("G")
        assert numbers.current_key == 89
        assert numbers.scroll_offset.y == 80


async def test_what_waits_for_other_rows_to_be_drawn_is_called_when_they_are() -> None:
    async with listed(range(100)) as (numbers, pilot):
        seen: list[set[int]] = []
        numbers.set_keys(range(50, 150))
        numbers.after_drawing(lambda: seen.append(set(numbers.read)))
        assert seen == []
        await pilot.pause()
        await pilot.pause()
        assert [50 in read for read in seen] == [True]
        numbers.set_keys(range(50, 140))
        numbers.after_drawing(lambda: seen.append(set()))
        assert len(seen) == 2, "nothing in view is another: there is nothing to wait for"


async def test_a_list_that_no_longer_scrolls_is_laid_out_and_drawn_again() -> None:
    async with listed(range(100)) as (numbers, pilot):
        await pilot.press("G")
        numbers.laid_out = 0
        numbers.set_keys(range(5))
        await pilot.pause()
        assert numbers.laid_out >= 1
        assert numbers.current_key == 4
        assert numbers.scroll_offset.y == 0
        assert [strip.text.strip() for strip in map(numbers.render_line, range(6))] == [
            "row 0", "row 1", "row 2", "row 3", "row 4", "",
        ]  # fmt: skip


async def test_a_drawn_row_is_kept_when_its_line_moves_and_forgotten_with_its_row() -> None:
    async with listed(range(10, 20)) as (numbers, pilot):
        numbers.set_keys(range(9, 20))
        await pilot.pause()
        assert numbers.render_line(2).text.strip() == "row 11"
        numbers.forget_rows([11])
        numbers.read.clear()
        assert numbers.render_line(2).text.strip() == "row 11"
        assert 11 in numbers.read


async def test_forgotten_rows_are_read_and_drawn_again() -> None:
    async with listed(range(100)) as (numbers, pilot):
        await pilot.pause()
        numbers.read.clear()
        numbers.forget_rows()
        await pilot.pause()
        assert 3 in numbers.read
        numbers.words = {3: "raw 3"}
        numbers.forget_rows([3])
        await pilot.pause()
        assert numbers.render_line(3).text.strip() == "raw 3"


async def test_rows_that_arrive_above_move_nothing_that_is_looked_at() -> None:
    async with listed(range(100, 200)) as (numbers, pilot):
        await pilot.press(*["j"] * 30)
        line = numbers.cursor - numbers.scroll_offset.y
        numbers.set_keys(range(50, 200))
        await pilot.pause()
        assert numbers.current_key == 130
        assert numbers.cursor - numbers.scroll_offset.y == line


async def test_cursor_takes_the_place_of_a_row_that_goes() -> None:
    async with listed([1, 2, 3, 4]) as (numbers, pilot):
        await pilot.press("j", "j")
        numbers.set_keys([1, 2, 4])
        await pilot.pause()
        assert numbers.current_key == 4
        numbers.set_keys([])
        await pilot.pause()
        assert numbers.current_key is None
        await pilot.press("j", "k", "G", "g", "pagedown", "enter")


async def test_mouse_moves_the_cursor_and_a_double_click_opens() -> None:
    opened: list[object] = []
    numbers = Numbers()

    class Opening(Host):
        def on_virtual_list_opened(self) -> None:
            opened.append(numbers.current_key)

    async with Opening(numbers).run_test(size=(40, 10)) as pilot:
        numbers.set_keys(range(5))
        await pilot.pause()
        await pilot.click(numbers, offset=(3, 2))
        assert numbers.current_key == 2
        assert opened == []
        await pilot.click(numbers, offset=(3, 3), times=2)
        assert opened == [3]


async def test_letters_typed_on_a_line_do_not_lay_out_the_screen() -> None:
    line = LineInput()

    class Typing(Host):
        laid_out = 0

        def compose(self) -> ComposeResult:
            yield line

        def on_mount(self) -> None:
            self.screen.screen_layout_refresh_signal.subscribe(self, self._count)

        def _count(self, _screen: object) -> None:
            self.laid_out += 1

    app = Typing(Numbers())
    async with app.run_test(size=(20, 5)) as pilot:
        line.focus()
        await pilot.pause()
        app.laid_out = 0
        await pilot.press(*"a line that is longer than the screen is wide")
        assert app.laid_out == 0
        assert line.scroll_offset.x > 0


class Widths(Numbers):
    """Rows that say for how many cells they were drawn."""

    def draw_row(self, row: str, line: int, width: int, here: bool) -> list[Segment]:
        return [Segment(fit_cells(f"for {width}.", width), self.style("row"))]


async def test_a_row_is_never_shown_as_it_was_drawn_for_another_width() -> None:
    widths = Widths()
    async with Host(widths).run_test(size=(30, 10)) as pilot:
        widths.set_keys(range(100))
        for width in (60, 45, 80):
            await pilot.resize_terminal(width, 12)
            for _ in range(5):
                await pilot.pause()
                shown = {strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips()}
            assert shown == {f"for {width}."}


async def test_resize_storm_keeps_the_cursor_in_view() -> None:
    async with listed(range(1000)) as (numbers, pilot):
        await pilot.press("G")
        for size in ((60, 20), (200, 50), (30, 5), (80, 24), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            top = numbers.scroll_offset.y
            assert top <= numbers.cursor < top + numbers.size.height


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=60), st.integers(0, 40), st.booleans())
def test_fitted_text_takes_exactly_its_cells(text: str, width: int, right: bool) -> None:
    assert cell_len(fit_cells(OneLine(text), width, right=right)) == width


@pytest.mark.parametrize("name", SCRIPTS)
def test_columns_align_whether_a_terminal_counts_clusters_or_characters(name: str) -> None:
    text = OneLine(SCRIPTS[name])
    for width in (3, 7, 20, 80):
        fitted = fit_cells(text, width)
        by_character = sum(max(0, wcwidth.wcwidth(char)) for char in fitted)
        assert (cell_len(fitted), by_character) == (width, width)


def test_a_column_shows_flags_as_letters_and_of_joined_emoji_the_first() -> None:
    assert countable("🇨🇭 👩\u200d👩\u200d👧 ❤\ufe0f 👋🏽 क्\u200dष") == "CH 👩 ❤ 👋 क्ष"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 50)])
async def test_mail_rows_fill_their_line_whatever_the_script(size: tuple[int, int]) -> None:
    session = idle_session()
    subjects = (
        "料金についてのお問い合わせ" * 5,
        "👩‍👩‍👧 family 🇨🇭",
        "e\u0301\u0301\u0301 combining",
        "שלום עולם",
        "plain " * 30,
        "",
    )
    session.mail.upsert(
        [summary(number, subject=OneLine(subject), status=OneLine("unread")) for number, subject in enumerate(subjects)]
    )
    mails = MailList(session.mail, FakeClock(NOW))

    class MailHost(Host):
        def compose(self) -> ComposeResult:
            yield mails

    async with MailHost(Numbers()).run_test(size=size) as pilot:
        mails.set_keys(session.mail.keys(_all()))
        await pilot.pause()
        for line in range(len(subjects) * mails.row_height):
            strip = mails.render_line(line)
            assert cell_len("".join(segment.text for segment in strip)) == mails.size.width


def _all() -> Any:
    from mm_tui.store.mail.search import MailView

    return MailView()
