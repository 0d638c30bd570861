"""Handles pasted text on a bad connection: an end marker that is late, split or lost neither blocks the keyboard nor
becomes keys. Several letters that arrive at once may be text of a terminal that marks none, so they decide nothing.

Terminals put markers around pasted text. Textual's parser waits for the end marker for ever, and sends an escape key if
it is split; the following text then acts as keys. Here pasted text ends with its marker or after a moment of silence,
and late text is still text.

All use of Textual's private parser is in this module; a test checks that it works as expected.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from time import monotonic

from textual import constants, events
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.drivers import linux_driver
from textual.keys import Keys
from textual.message import Message

from mm_tui.text import ManyLine

ESC = "\x1b"
START, END = BRACKETED_PASTE_START, BRACKETED_PASTE_END
SILENCE_SECONDS = 0.7
"""Seconds of silence that end pasted text without an end marker."""
LATE_SECONDS = 10.0
"""Seconds after that in which the rest may still arrive."""
HELD_SECONDS = 0.25
"""Seconds to hold back a few letters that may be such a rest or keys, until an end marker decides."""
IN_TEXT = "in_text"
"""An attribute of keys that arrived together with others, as text does."""
FEW = 4
"""Fewer characters than this at once are keys."""


def install() -> None:
    """Makes Textual's driver use this parser."""
    linux_driver.XTermParser = PasteParser  # type: ignore[attr-defined]


class PasteParser(XTermParser):
    """Extracts pasted text from the terminal's input, and leaves the rest to Textual's parser."""

    def __init__(self, debug: bool = False) -> None:
        self._pasted: list[str] | None = None
        """The text since the start marker; None outside of pasted text."""
        self._is_rest = False
        """Whether it came without a start marker, after a paste without an end."""
        self._begun = ""
        """The end of the input so far, which may be the beginning of a marker."""
        self._cut_mark = ""
        """The beginning of an end marker that was incomplete when the paste was ended."""
        self._fed_at = 0.0
        self._late_until = self._escaped_at = float("-inf")
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """Parses input from the terminal. An empty text ends the input."""
        if not data:
            yield from self._end_paste()
            yield from super().feed("")
            return
        now = self._fed_at = monotonic()
        if not self._begun and data.startswith(START[1:]) and now - self._escaped_at < LATE_SECONDS:
            data = ESC + data
        cut = self._cut_mark + data
        if self._cut_mark and (cut.startswith(END) or END.startswith(cut)):
            data = cut
        self._cut_mark = ""
        data, self._begun = self._begun + data, ""
        while data:
            data = yield from (self._outside(data) if self._pasted is None else self._inside(data))

    def tick(self) -> Iterable[Message]:
        """Called about ten times a second: ends waits that have timed out."""
        now = monotonic()
        silent = now - self._fed_at
        if self._pasted is not None:
            if silent >= (HELD_SECONDS if self._is_rest else SILENCE_SECONDS):
                yield from self._end_in_vain(now)
        elif self._begun == ESC and silent >= constants.ESCAPE_DELAY:
            self._begun, self._escaped_at = "", now
            yield from super().feed(ESC)
            # It has already waited for what may follow.
            self._timeout_time = 0.0
        yield from super().tick()

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        """Textual's parser fails, and ends the program, if a key's number is that of no character."""
        try:
            yield from super()._sequence_to_key_events(sequence, alt)
        except (ValueError, OverflowError):
            yield events.Key(Keys.Ignore, sequence)

    def _outside(self, data: str) -> Generator[Message, None, str]:
        start, end = data.find(START), data.find(END)
        if end >= 0 and (start < 0 or end < start):
            # An end without a start: the text before it was pasted.
            yield from _paste(data[:end])
            self._late_until = float("-inf")
            return data[end + len(END) :]
        if start >= 0:
            yield from super().feed(data[:start]) if start else ()
            self._pasted, self._is_rest = [], False
            return data[start + len(START) :]
        keys, self._begun = _split(data)
        if keys and monotonic() < self._late_until and _is_text(keys):
            self._pasted, self._is_rest = [keys], True
        elif keys:
            is_text = len(set(keys)) > 1 and _is_text(keys)
            for message in super().feed(keys):
                if is_text:
                    setattr(message, IN_TEXT, True)
                yield message
        return ""

    def _inside(self, data: str) -> Generator[Message, None, str]:
        assert self._pasted is not None
        end = data.find(END)
        if end >= 0:
            self._pasted.append(data[:end])
            self._late_until = float("-inf")
            yield from self._end_paste()
            return data[end + len(END) :]
        text, self._begun = _split(data)
        if self._is_rest and not _is_text(text):
            yield from self._end_paste()
            yield from super().feed(text) if text else ()
        else:
            self._pasted.append(text)
        return ""

    def _end_paste(self) -> Iterable[Message]:
        pasted, self._pasted = self._pasted or [], None
        yield from _paste("".join(pasted))

    def _end_in_vain(self, now: float) -> Iterable[Message]:
        text = "".join(self._pasted or [])
        self._cut_mark, self._begun = self._begun, ""
        if self._is_rest and len(text) < FEW:
            self._pasted = None
            yield from super().feed(text)
            return
        self._late_until = now + LATE_SECONDS
        yield from self._end_paste()


def _paste(text: str) -> Iterable[Message]:
    clean = ManyLine(text.replace("\r\n", "\n").replace("\r", "\n"))
    if clean:
        yield events.Paste(str(clean))


def _split(data: str) -> tuple[str, str]:
    """Splits off what may be the beginning of a marker at the end of the data."""
    for length in range(min(len(END) - 1, len(data)), 0, -1):
        if START.startswith(data[-length:]) or END.startswith(data[-length:]):
            return data[:-length], data[-length:]
    return data, ""


def _is_text(data: str) -> bool:
    return all(character.isprintable() or character in "\r\n\t" for character in data)
