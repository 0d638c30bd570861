"""What a program may write to a terminal, and what in its output is none of that.

The grammar is that of Textual 8.2.8 in true colour, measured on harmless mail: modes are set before the first frame and
reset after the last; in between stand positions within the screen, colours and attributes, erased blanks, and the marks
of frames.
"""

from __future__ import annotations

import re

_SETUP = frozenset(
    {f"\x1b[?{mode}{end}" for mode in (7, 25, 1000, 1003, 1004, 1006, 1015, 1049, 2004) for end in "hl"}
    | {"\x1b[>25u", "\x1b[<u", "\x1b[?2026$p", "\x1b[?2048$p", "\x1b[?2048h", "\x1b[?2048l"}
)
_FRAME_BEGINS, _FRAME_ENDS = "\x1b[?2026h", "\x1b[?2026l"
# Frames, how the program keeps the window's title and puts it back, and blanks up to the edge.
_ANYWHERE = frozenset({_FRAME_BEGINS, _FRAME_ENDS, "\x1b[22;2t", "\x1b[23;2t", "\x1b[K"})
# Whether what was painted has arrived. An email could write it only within a frame.
_BETWEEN_FRAMES = "\x1b[6n"
_SEQUENCE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|\x1b[\\]P_^X][^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)?|\x1b.?", re.DOTALL
)
_POSITION = re.compile("\x1b\\[([0-9]*);?([0-9]*)H")
# Forward over cells that stay, and blanks that are erased.
_FORWARD = re.compile("\x1b\\[([0-9]*)[CX]")
_COLOURS = re.compile("\x1b\\[([0-9;]*)m")
_POINTER = re.compile("\x1b\\]22;[a-z-]*\x07")
_TITLE = re.compile("\x1b\\]0;[^\x00-\x1f\x7f-\x9f]*\x07")
_OF_COMMANDS = re.compile("\r\x1b\\[K|\x1b\\[3[0-9]m *[a-z-]+ *\x1b\\[0m")
"""What the plain commands write besides text: the end of a line of progress, and one coloured word of ours."""
_ATTRIBUTES = frozenset({"", "0", "1", "2", "3", "4", "7", "9", "22", "23", "24", "27", "29", "39", "49"})
_FORBIDDEN = re.compile(
    "[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b\u200c\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)


def _is_colour(parameters: str) -> bool:
    rest = parameters.split(";")
    seen: set[str] = set()
    while rest:
        if rest[0] in ("38", "48") and rest[1:2] == ["2"] and len(rest) >= 5:
            name, channels, rest = rest[0], rest[2:5], rest[5:]
            if not all(channel.isdecimal() and int(channel) < 256 for channel in channels):
                return False
        else:
            name, rest = rest[0], rest[1:]
            if name not in _ATTRIBUTES:
                return False
        if name in seen:
            return False
        seen.add(name)
    return True


def _allowed(sequence: str, cols: int, rows: int) -> bool:
    if match := _POSITION.fullmatch(sequence):
        return 1 <= int(match[1] or 1) <= rows and 1 <= int(match[2] or 1) <= cols
    if match := _FORWARD.fullmatch(sequence):
        return 1 <= int(match[1] or 1) <= cols
    if match := _COLOURS.fullmatch(sequence):
        return _is_colour(match[1])
    return bool(_POINTER.fullmatch(sequence) or _TITLE.fullmatch(sequence)) or sequence in _ANYWHERE


def strange_in_screen(raw: bytes, cols: int, rows: int) -> list[str]:
    """What in the output of a full-screen program did not come from Textual.

    Args:
        raw: all bytes, from the first to the last.
        cols: the terminal's width in cells.
        rows: its height.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"not UTF-8: {raw[error.start - 20 : error.end + 20]!r}"]
    strange: list[str] = []
    begin, end = text.find(_FRAME_BEGINS), text.rfind(_FRAME_ENDS)
    depth = at = 0
    for match in _SEQUENCE.finditer(text):
        strange += _strange_text(text[at : match.start()], inside=begin < at < end)
        at = match.end()
        sequence = match[0]
        if sequence in (_FRAME_BEGINS, _FRAME_ENDS):
            depth += 1 if sequence == _FRAME_BEGINS else -1
            if depth not in (0, 1):
                strange.append(f"a frame out of turn: {sequence!r}")
        elif sequence == _BETWEEN_FRAMES and depth == 0:
            continue
        elif not (_allowed(sequence, cols, rows) or (sequence in _SETUP and not begin <= match.start() <= end)):
            strange.append(f"{sequence!r} after {text[max(0, match.start() - 30) : match.start()]!r}")
    strange += _strange_text(text[at:], inside=False)
    return strange


def strange_in_lines(raw: bytes) -> list[str]:
    """What in the output of a plain command is not plain text on lines."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"not UTF-8: {raw[error.start - 20 : error.end + 20]!r}"]
    return _strange_text(_OF_COMMANDS.sub("", text), inside=False)


def _strange_text(text: str, *, inside: bool) -> list[str]:
    found = [
        f"{match[0]!r} after {text[max(0, match.start() - 30) : match.start()]!r}"
        for match in _FORBIDDEN.finditer(text)
    ]
    if inside and (match := re.search("\r(?!\n)|(?<!\r)\n", text)):
        found.append(f"a lone line break within frames after {text[max(0, match.start() - 30) : match.start()]!r}")
    return found
