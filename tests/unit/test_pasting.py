"""Pasted text is text and keys are keys, however the line cuts, delays or loses the marks between them."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import _parser, events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

from mm_tui.keyboard import pasting
from mm_tui.keyboard.pasting import END, START, PasteParser

TEXT = "a2nd paragraph xq\nis a lie"


class Line:
    """A terminal's line: what is sent over it arrives at a time that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(pasting, "monotonic", lambda: self.now)
        monkeypatch.setattr(_parser, "get_time", lambda: self.now)
        self._parser = PasteParser()
        self._events: list[Message] = []

    def send(self, data: str) -> None:
        """Some bytes arrive."""
        self._take(self._parser.feed(data))
        self._take(self._parser.tick())

    def wait(self, seconds: float) -> None:
        """Nothing arrives for so long."""
        ends = self.now + seconds
        while self.now < ends:
            self.now += 0.1
            self._take(self._parser.tick())

    def _take(self, found: Iterable[Message]) -> None:
        self._events += found

    @property
    def pasted(self) -> str:
        """What came as pasted text."""
        return "".join(event.text for event in self._events if isinstance(event, events.Paste))

    @property
    def keys(self) -> list[str]:
        """What came as keys."""
        return [event.key for event in self._events if isinstance(event, events.Key)]

    @property
    def marked(self) -> list[bool]:
        """Which keys came as text does."""
        return [getattr(event, pasting.IN_TEXT, False) for event in self._events if isinstance(event, events.Key)]


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


def test_the_parser_of_textual_is_as_expected() -> None:
    assert vars(linux_driver)["XTermParser"] in (XTermParser, PasteParser)
    assert "XTermParser(" in inspect.getsource(linux_driver.LinuxDriver.run_input_thread)
    assert (START, END) == ("\x1b[200~", "\x1b[201~")
    assert XTermParser()._timeout_time is None
    assert list(inspect.signature(XTermParser.feed).parameters) == ["self", "data"]


def test_the_driver_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux_driver, "XTermParser", XTermParser)
    pasting.install()
    assert vars(linux_driver)["XTermParser"] is PasteParser


@pytest.mark.parametrize("number", ["1114112", "99999999999999999999", "97;1;1114112", "9" * 5000])
def test_a_key_that_does_not_exist_is_none(line: Line, number: str) -> None:
    line.send(f"\x1b[{number}u")
    line.wait(1.5)
    line.send("j")
    assert line.keys[-1] == "j"
    assert "a" not in line.keys


def test_what_the_terminal_answers_in_the_middle_of_a_paste_is_no_text(line: Line) -> None:
    line.send(f"{START}{TEXT[:5]}\x1b[12;3R{TEXT[5:]}{END}")
    assert (line.pasted, line.keys) == (TEXT, [])


@pytest.mark.parametrize("pause", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("cut", range(1, len(START + TEXT + END)))
def test_a_paste_that_comes_in_two_pieces_is_one_text_and_no_key(line: Line, cut: int, pause: float) -> None:
    whole = START + TEXT + END
    line.send(whole[:cut])
    line.wait(pause)
    line.send(whole[cut:])
    line.wait(2)
    assert line.pasted == TEXT
    if cut > 1 or pause < 0.1:
        assert line.keys == []
    line.send("\x11")
    assert line.keys[-1] == "ctrl+q"


@pytest.mark.parametrize("end", ["", *(END[:length] for length in range(1, len(END)))])
def test_without_its_end_a_paste_ends_after_a_moment(line: Line, end: str) -> None:
    line.send(START + TEXT + end)
    line.wait(1.5)
    assert line.pasted == TEXT
    for key in ("\x11", "j", "\x1b[A"):
        line.send(key)
        line.wait(1.5)
    assert line.keys[-3:] == ["ctrl+q", "j", "up"]
    assert line.pasted == TEXT


def test_the_rest_of_a_paste_that_stood_still_is_text(line: Line) -> None:
    line.send(f"{START}Dear Anna, ")
    line.wait(3)
    line.send("a few more words")
    line.wait(3)
    line.send("ax")
    line.wait(0.1)
    line.send(END)
    assert line.pasted == "Dear Anna, a few more wordsax"
    assert line.keys == []


def test_keys_are_as_they_were(line: Line) -> None:
    for data, key in {"a": "a", "\x1b[20~": "f9", "\x1bOP": "f1", "\x1b[Z": "shift+tab"}.items():
        line.send(data)
        line.wait(0.3)
        assert line.keys[-1] == key
    line.send("\x1b")
    line.wait(0.3)
    line.send("\x1b[")
    line.send("B")
    assert line.keys[-2:] == ["escape", "down"]


@pytest.mark.parametrize(
    ("data", "marked"),
    [
        ("approve it", True),
        ("y\n", True),
        ("aY", True),
        ("a", False),
        ("\r", False),
        ("jjjj", False),
        ("\x1b[A", False),
    ],
)
def test_letters_that_arrive_together_are_marked_as_text(line: Line, data: str, marked: bool) -> None:
    line.send(data)
    assert line.marked == [marked] * len(line.keys)


@settings(max_examples=200)
@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=1), st.data())
def test_any_pieces(text: str, data: st.DataObject) -> None:
    whole = f"{START}{text}{END}"
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=6)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        line = Line(monkeypatch)
        for begin, end in itertools.pairwise([0, *cuts, len(whole)]):
            line.send(whole[begin:end])
            line.wait(data.draw(st.sampled_from([0.0, 0.05, 0.5] if begin or end > 1 else [0.0])))
        line.wait(2)
        assert (line.pasted, line.keys) == (text, [])
