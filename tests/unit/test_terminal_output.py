"""What is written to the terminal is shorter, and the picture the same."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.terminal_output import compact

COLOURS = st.one_of(
    st.sampled_from(["31", "42", "93", "104", "39", "49", "38;5;200", "48;5;17"]),
    st.tuples(st.sampled_from(["38", "48"]), *[st.integers(0, 255)] * 3).map(
        lambda parts: f"{parts[0]};2;{parts[1]};{parts[2]};{parts[3]}"
    ),
)
ATTRIBUTES = st.sampled_from(["1", "3", "4", "7", "9", "22", "23", "24", "27", "29"])
SEQUENCES = st.one_of(
    st.lists(st.one_of(COLOURS, ATTRIBUTES), min_size=1, max_size=4).map(lambda codes: f"\x1b[{';'.join(codes)}m"),
    st.sampled_from(["\x1b[0m", "\x1b[m"]),
)
OTHERS = st.sampled_from(
    ["\x1b[3;4H", "\x1b[1;1H", "\r\n", "\x1b[?25l", "\x1b[K", "\x1b[2J", "\x1b]8;;https://x.example\x1b\\"]
)
TEXTS = st.text("ab ß文█é", max_size=5)
WRITES = st.lists(st.one_of(SEQUENCES, SEQUENCES, TEXTS, OTHERS), max_size=30).map("".join)


def picture(writes: str) -> object:
    """All cells of a terminal with their styles after these writes."""
    screen = pyte.Screen(20, 6)
    pyte.Stream(screen).feed(writes)
    return [[screen.buffer[y][x] for x in range(20)] for y in range(6)], screen.cursor.attrs, screen.cursor.x


@given(WRITES)
def test_the_picture_is_the_same(writes: str) -> None:
    assert picture(compact(writes)) == picture(writes)


@given(WRITES)
def test_nothing_is_left_to_shorten(writes: str) -> None:
    once = compact(writes)
    assert compact(once) == once


def test_only_what_changes_is_written() -> None:
    assert compact("\x1b[1;31;44ma\x1b[0m\x1b[1;31;44mb\x1b[0m\r\n\x1b[2;1H\x1b[1;32;44mc\x1b[0m") == (
        "\x1b[1;31;44mab\r\n\x1b[2;1H\x1b[32mc\x1b[0m"
    )
    assert compact("\x1b[1ma\x1b[0m\x1b[2mb\x1b[0m") == "\x1b[1ma\x1b[0;2mb\x1b[0m"
    assert compact("no sequences") == "no sequences"
