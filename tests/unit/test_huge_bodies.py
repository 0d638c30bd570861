"""What an email of the gateway's maximum length costs to show and to edit grows with its length, and no faster."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.widgets import TextArea

from mm_tui import textual_private
from mm_tui.review.render_pass import render_all
from mm_tui.review.rendered import MOST_CHARACTERS, rendered
from mm_tui.screens.rendering import MOST_SHOWN, body_lines
from mm_tui.widgets.draft_area import DraftArea
from mm_tui.widgets.marks import LONG, Mark, MarkIndex

LINKS = "[a](https://shop.example/a) "


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times as long the work takes on eight times the size."""

    def seconds(number: int) -> float:
        start = time.process_time()
        work(number)
        return time.process_time() - start

    seconds(size)
    small = max(min(seconds(size), seconds(size + 1)), 0.001)
    return min(seconds(8 * size), seconds(8 * size + 1)) / small


def painted(marks: list[Mark], start: int, end: int) -> list[str]:
    """The style of each character, one after the other."""
    styles = ["plain"] * (end - start)
    for mark in marks:
        for at in range(max(start, mark.start), min(end, mark.end)):
            styles[at - start] = mark.style
    return styles


def test_the_marks_of_a_line_are_those_of_each_of_its_characters() -> None:
    chance = random.Random(7)
    for _ in range(300):
        starts = [chance.randrange(3 * LONG) for _ in range(chance.randrange(12))]
        marks = [Mark(at, at + chance.choice((0, 1, 5, 40, 2 * LONG)), f"style {n}") for n, at in enumerate(starts)]
        start = chance.randrange(3 * LONG)
        end = start + chance.randrange(1, 200)
        pieces = MarkIndex(marks).pieces(start, end, "plain")
        assert (pieces[0][0], pieces[-1][1]) == (start, end)
        assert all(before[1] == after[0] for before, after in pairwise(pieces))
        assert [style for a, b, style in pieces for _ in range(a, b)] == painted(marks, start, end)


def test_a_line_with_many_marks_is_drawn_in_proportion_to_their_number() -> None:
    def draw(number: int) -> None:
        MarkIndex(Mark(at, at + 5, "link") for at in range(0, 10 * number, 10)).pieces(0, 10 * number, "plain")

    assert growth(draw, 1_000) < 24


def test_the_place_of_each_link_is_found_in_proportion_to_their_number() -> None:
    made = {number: rendered(LINKS * number) for number in (400, 401, 3_200, 3_201)}

    def find(number: int) -> None:
        for at in range(0, number * len(LINKS), len(LINKS)):
            assert made[number].stretches(at, at + len(LINKS) - 1)

    assert growth(find, 400) < 24


def test_the_preview_takes_no_more_of_a_body_than_it_can_show() -> None:
    body = (LINKS * 10_000)[:MOST_CHARACTERS]
    render_all([body])
    lines, number = body_lines(body, 60)
    assert number == 1
    assert len(lines[0]) == MOST_SHOWN + 1
    assert lines[0].plain.endswith("…")
    short, count = body_lines("one\n" * 100_000, 60)
    assert (len(short), count) == (60, 100_001)


class Editor(App[None]):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        yield DraftArea(self._text)


@pytest.mark.parametrize("unit", ["[](", "漢字", "some words "])
async def test_a_key_in_a_draft_of_one_line_makes_no_more_than_the_lines_on_the_screen(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    textual_private.mend_text_areas()
    app, made = Editor((unit * 100_000)[:100_000]), 0
    make = Text.__init__

    def count(self: Text, *given: object, **named: object) -> None:
        nonlocal made
        made += 1
        make(self, *given, **named)  # type: ignore[arg-type]

    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        monkeypatch.setattr(Text, "__init__", count)
        for key in ("x", "down", "ctrl+end", "y", "up", "backspace", "enter"):
            before = made
            await pilot.press(key)
            await pilot.pause()
            # Every drawn line of the text, for each line on the screen, was 24 times 1,250 of them.
            assert made - before < 1_250, key


@pytest.mark.parametrize("text", ["a\tb \t" * 200, "漢字 words " * 100, "x" * 500 + "\n\n" + "y\t" * 50])
async def test_a_long_line_looks_as_textual_draws_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Editor(text)
    async with app.run_test(size=(40, 24)) as pilot:
        area = app.query_one(DraftArea)
        await pilot.pause()
        await pilot.press("right", "right", "shift+down", "shift+right")
        await pilot.pause()
        area.match_cursor_bracket = False
        drawn = [area._render_line(y) for y in range(24)]
        monkeypatch.setattr(area, "get_line", partial(TextArea.get_line, area))
        expected = [area._render_line(y) for y in range(24)]
        assert [strip.text for strip in drawn] == [strip.text for strip in expected]
        assert drawn == expected
