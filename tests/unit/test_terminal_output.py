"""What is written to the terminal is shorter, and the picture the same."""

from __future__ import annotations

from typing import Any, ClassVar, cast

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mm_tui.terminal.compact_driver import compacting
from mm_tui.terminal.output import ShownCells
from tests.support.pty import Screen

SIZE = (20, 6)
COLOURS = st.one_of(
    st.sampled_from(["31", "42", "93", "104", "39", "49", "38;5;200", "48;5;17"]),
    st.tuples(st.sampled_from(["38", "48"]), *[st.sampled_from([0, 7, 255])] * 3).map(
        lambda parts: f"{parts[0]};2;{parts[1]};{parts[2]};{parts[3]}"
    ),
)
ATTRIBUTES = st.sampled_from(["1", "3", "4", "7", "9", "22", "23", "24", "27", "29"])
STYLES = st.one_of(
    st.lists(st.one_of(COLOURS, ATTRIBUTES), min_size=1, max_size=4).map(lambda codes: f"\x1b[{';'.join(codes)}m"),
    st.sampled_from(["\x1b[0m", "\x1b[m"]),
)
UNSURE = ("a😀", "👍🏽 ok", "e\u0301", "กำ", "☀\ufe0f")
"""Terminals differ in how many cells these take."""
TEXTS = st.one_of(
    st.text("ab ß█漢", max_size=8), st.integers(0, 20).map(lambda blanks: " " * blanks), st.sampled_from(UNSURE)
)
PLACES = st.tuples(st.integers(1, 6), st.integers(1, 20)).map(lambda place: f"\x1b[{place[0]};{place[1]}H")
OTHERS = st.sampled_from(["\x1b[?25l", "\x1b[6n", "\x1b]2;title\x07", "\x07"])
STRANGE = st.sampled_from(["\x1b[K", "\x1b[2J", "\x1b[?1049h", "\x1b]8;;https://x.example\x1b\\", "\x1b[3P"])
STRETCHES = st.lists(st.one_of(PLACES, STYLES, STYLES, TEXTS, TEXTS, OTHERS, st.just("\r\n")), max_size=25)


def _upright(write: list[str]) -> str:
    """A write as Textual makes them: no cell twice, none over the edge, and no line scrolled away."""
    out, x, y = ["\x1b[H"], 0, 0
    taken: set[tuple[int, int]] = set()
    for part in write:
        if part.endswith("H"):
            line, column = part[2:-1].split(";")
            x, y = int(column) - 1, int(line) - 1
        elif part == "\r\n":
            if y == SIZE[1] - 1:
                continue
            x, y = 0, y + 1
        elif not part.startswith(("\x1b", "\x07")):
            cells = {(y, column) for column in range(x, SIZE[0] if part in UNSURE else x + cell_len(part))}
            if x + cell_len(part) > SIZE[0] or taken & cells:
                continue
            taken |= cells
            x += cell_len(part)
            if part in UNSURE:
                part += f"\x1b[{y + 1};{x}H"
        out.append(part)
    # After the last column the place of the cursor depends on the terminal.
    return "".join([*out, "\x1b[0m", "\x1b[2;3H"])


WRITES = STRETCHES.map(_upright)


class Picture:
    """A terminal that does not wrap lines, as the program sets it."""

    def __init__(self) -> None:
        self.screen = Screen(*SIZE)
        self.screen.reset_mode(7, private=True)
        self._stream = pyte.Stream(self.screen)

    def feed(self, data: str) -> None:
        self._stream.feed(data)

    def seen(self) -> list[list[object]]:
        """All cells as they look: of a space only what shows."""
        return [[_look(self.screen.buffer[y][x]) for x in range(SIZE[0])] for y in range(SIZE[1])]


def _look(cell: pyte.screens.Char) -> object:
    if cell.data != " ":
        return cell
    attributes = (cell.reverse, cell.underscore, cell.strikethrough)
    return (*attributes, cell.fg if any(attributes) else "", cell.bg)


@pytest.mark.parametrize("erases_in_colour", [True, False])
@given(st.lists(WRITES, max_size=5))
def test_the_picture_is_the_same_after_every_write(erases_in_colour: bool, writes: list[str]) -> None:
    shown = ShownCells(erases_in_colour=erases_in_colour)
    whole, short = Picture(), Picture()
    for write in writes:
        whole.feed(write)
        short.feed(shown.difference(write, SIZE))
        assert short.seen() == whole.seen()
        assert (short.screen.cursor.x, short.screen.cursor.y) == (whole.screen.cursor.x, whole.screen.cursor.y)
        assert short.screen.cursor.attrs == whole.screen.cursor.attrs


@given(WRITES, st.one_of(STRANGE, TEXTS), WRITES, WRITES)
def test_what_else_was_written_is_written_over(first: str, strange: str, second: str, third: str) -> None:
    shown = ShownCells(erases_in_colour=True)
    whole, short = Picture(), Picture()
    for picture, write in ((whole, first), (short, shown.difference(first, SIZE))):
        picture.feed(write)
        picture.feed(strange)
    shown.forget()
    for write in (second, third):
        whole.feed(write)
        short.feed(shown.difference(write, SIZE))
    assert short.seen() == whole.seen()


@given(WRITES, STRANGE, WRITES)
def test_sequences_that_are_not_known_go_through_and_nothing_counts_as_shown(
    first: str, strange: str, again: str
) -> None:
    shown = ShownCells(erases_in_colour=True)
    whole, short = Picture(), Picture()
    for write in (first, strange + "\x1b[H", again, again):
        whole.feed(write)
        short.feed(shown.difference(write, SIZE))
    assert short.seen() == whole.seen()


@given(WRITES)
def test_what_is_there_is_not_written_again(write: str) -> None:
    shown = ShownCells(erases_in_colour=True)
    shown.difference(write, SIZE)
    rest = shown.difference(write, SIZE)
    for still in ("\x1b[?25l", "\x1b[6n", "\x1b]2;title\x07", "\x07"):
        rest = rest.replace(still, "")
    assert rest == "" or len(write) > len(rest)
    plain = "\x1b[1;31mabc\x1b[0m\x1b[2;3H"
    shown.difference(plain, SIZE)
    assert shown.difference(plain, SIZE) == ""


def test_leaving_the_alternate_screen_leaves_the_cursor_to_the_shell() -> None:
    shown = ShownCells(erases_in_colour=True)
    shown.difference("\x1b[Hall of it", SIZE)
    last = ("\x1b[?1049l", "\x1b[?25h", "\x1b[?1004l")
    assert [shown.difference(piece, SIZE) for piece in last] == list(last)


def test_another_size_makes_everything_new() -> None:
    shown = ShownCells(erases_in_colour=True)
    line = "\x1b[Habc\x1b[H"
    assert shown.difference(line, SIZE) == "\x1b[Habc\x1b[H"
    assert shown.difference(line, SIZE) == ""
    assert shown.difference(line, (10, 6)) == "\x1b[Habc\x1b[H"
    assert shown.difference("\x1b[3;9Habcd\x1b[9;1Hx\x1b[H", (10, 6)) == "\x1b[3;9Hab\x1b[H"


def test_only_what_differs_is_written() -> None:
    shown = ShownCells(erases_in_colour=True)
    line = "\x1b[2;1H\x1b[44m5m anna" + " " * 13 + "\x1b[0m\x1b[H"
    assert shown.difference(line, SIZE) == "\x1b[2H\x1b[44m5m anna\x1b[K\x1b[m\x1b[H"
    assert shown.difference(line.replace("5m", "6m"), SIZE) == "\x1b[2H\x1b[44m6\x1b[m\x1b[H"
    assert shown.difference(line.replace("anna", "anne"), SIZE) == "\x1b[2H\x1b[44m5\x1b[5Ce\x1b[m\x1b[H"
    assert shown.difference(line.replace("anna", "ahne"), SIZE) == "\x1b[2;5H\x1b[44mh\x1b[m\x1b[H"
    assert shown.difference(line.replace("m anna", "s anne"), SIZE) == "\x1b[2;2H\x1b[44ms an\x1b[m\x1b[H"


def test_a_terminal_that_erases_in_black_is_sent_coloured_spaces() -> None:
    shown = ShownCells(erases_in_colour=False)
    assert shown.difference("\x1b[44m" + " " * 20 + "\x1b[0m", SIZE) == "\x1b[H\x1b[44m" + " " * 20 + "\x1b[m\x1b[1;20H"
    assert "\x1b[K" in shown.difference("\x1b[2H" + " " * 20 + "\x1b[H", SIZE)


def test_a_text_of_unsure_width_is_written_whole_or_not_at_all() -> None:
    shown = ShownCells(erases_in_colour=True)
    line = "\x1b[1;1H👍🏽 yes\x1b[1;10Hright\x1b[2;1H"
    assert "👍🏽 yes" in shown.difference(line, SIZE)
    assert shown.difference(line, SIZE) == ""
    other = shown.difference(line.replace("yes", "yet"), SIZE)
    assert "👍🏽 yet" in other
    assert "right" in other


class _Recording:
    written: ClassVar[list[str]] = []

    def write(self, data: str) -> None:
        self.written.append(data)


def test_an_update_in_which_nothing_is_written_is_not_announced() -> None:
    driver: Any = compacting(cast("Any", _Recording))
    driver = driver()
    for data in ("\x1b[?2026h", "\x1b[?2026l", "\x1b[?2026h", "abc", "\x1b[?2026l"):
        driver.write(data)
    assert driver.written == ["\x1b[?2026habc", "\x1b[?2026l"]
