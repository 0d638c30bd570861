"""Decodes ISO-2022-CN and its extension: Chinese in bytes of ASCII, which Python has no codec for."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from operator import itemgetter

from mm_tui.sandbox.mail_in.charset_names import BAD_BYTES

_DESIGNATIONS = (b"\x1b$)A", b"\x1b$)G", b"\x1b$)E", b"\x1b$*H")
_SWITCH = re.compile(rb"(\x1b\$[)*+][A-Z]|\x1b[NO][!-~]{2}|\x0e|\x0f|\r?\n)")
"""A set is chosen, one character of another set, the chosen set begins or ends, or a line ends, and the set with it."""
_ROW = 94
_BIG5_ROW = 157

# CNS 11643 has the characters of Big5 in nearly the same order: the position of a run in the plane, how many
# characters it has, and its position in Big5.
_PLANE_1 = (
    (0, 21, 0), (21, 2, 23), (24, 1, 22), (29, 44, 29), (73, 1, 74), (74, 1, 73), (75, 52, 75), (127, 1, 128),
    (128, 1, 127), (129, 19, 129), (148, 1, 149), (149, 1, 148), (150, 4, 150), (155, 1, 21), (156, 2, 158),
    (158, 76, 158), (282, 174, 234), (470, 20, 6101), (3290, 1412, 471), (4702, 424, 1884), (5126, 1, 1883),
    (5127, 1876, 2308), (7003, 1, 4571), (7004, 387, 4184), (7391, 525, 4572), (7916, 1, 5286), (7917, 189, 5097),
    (8106, 84, 5287), (8190, 1, 5517), (8191, 54, 5371), (8245, 1, 5426), (8246, 1, 5425), (8247, 90, 5427),
    (8337, 354, 5518),
)  # fmt: skip
_PLANE_2 = (
    (0, 10, 6280), (10, 33, 6291), (43, 1, 6372), (44, 48, 6324), (92, 46, 6373), (138, 1, 6586), (139, 167, 6419),
    (306, 1840, 6587), (2146, 1, 9074), (2147, 108, 8428), (2255, 537, 8537), (2792, 1, 8427), (2793, 100, 9075),
    (2893, 1, 8536), (2894, 399, 9175), (3293, 1637, 9575), (4930, 1, 11761), (4931, 146, 11212), (5077, 1, 11899),
    (5078, 287, 11358), (5365, 1, 12508), (5366, 116, 11645), (5482, 137, 11762), (5619, 104, 11900),
    (5723, 1, 12425), (5724, 222, 12004), (5946, 198, 12227), (6144, 82, 12426), (6226, 86, 12509), (6312, 1, 12226),
    (6313, 8, 12595), (6321, 153, 12604), (6474, 56, 12758), (6530, 1, 13114), (6531, 113, 12814), (6644, 1, 12603),
    (6645, 142, 12927), (6787, 1, 12757), (6788, 45, 13069), (6833, 71, 13115), (6904, 1, 13380), (6905, 194, 13186),
    (7099, 490, 13381), (7589, 1, 13914), (7590, 43, 13871), (7633, 1, 13915), (7634, 11, 13917), (7645, 1, 13916),
    (7646, 4, 13928),
)  # fmt: skip


def is_iso_2022_cn(data: bytes) -> bool:
    """Whether the text has escapes that select Chinese characters."""
    return any(escape in data for escape in _DESIGNATIONS)


def iso_2022_cn(data: bytes, odd: Callable[[str], None]) -> str:
    """Decodes the text. `odd`: called with a description of what is not part of it."""
    made: list[str] = []
    chosen, shifted = b"A", False
    pieces = _SWITCH.split(data)
    for run, switch in zip(pieces[::2], (*pieces[1::2], b""), strict=True):
        made.append(_in_set(run, chosen) if shifted else run.decode("ascii", "replace"))
        if switch.startswith(b"\x1b$)"):
            chosen = switch[3:]
        elif switch.startswith(b"\x1bN"):
            made.append(_from_plane(_PLANE_2, switch[2:]))
        elif switch.startswith(b"\x1bO"):
            made.append("\ufffd")
        elif switch in (b"\x0e", b"\x0f"):
            shifted = switch == b"\x0e"
        elif switch.endswith(b"\n"):
            made.append("\n")
            shifted = False
    text = "".join(made)
    if "\ufffd" in text:
        odd(BAD_BYTES)
    return text


def _in_set(run: bytes, chosen: bytes) -> str:
    """Decodes characters of one set; blanks and stray bytes stand alone."""
    made: list[str] = []
    for piece in re.findall(rb"[!-~]{2}|[\s\S]", run):
        if len(piece) == 1:
            made.append(piece.decode("ascii") if piece.isspace() else "\ufffd")
        elif chosen == b"G":
            made.append(_from_plane(_PLANE_1, piece))
        else:
            made.append(bytes(byte | 0x80 for byte in piece).decode("gbk", "replace"))
    return "".join(made)


def _from_plane(plane: tuple[tuple[int, int, int], ...], pair: bytes) -> str:
    """The character at a pair of bytes of CNS 11643."""
    at = (pair[0] - 0x21) * _ROW + pair[1] - 0x21
    begin, count, big5 = plane[max(0, bisect_right(plane, at, key=itemgetter(0)) - 1)]
    if not begin <= at < begin + count:
        return "\ufffd"
    row, column = divmod(big5 + at - begin, _BIG5_ROW)
    return bytes((0xA1 + row, column + (0x40 if column < 63 else 0x62))).decode("cp950", "replace")
