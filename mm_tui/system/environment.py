"""A time zone that cannot be used, and a terminal that cannot show every character: what is used instead."""

from __future__ import annotations

import codecs
import os
import re
import time
from pathlib import Path
from typing import TextIO

ZONE_FOLDERS = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
"""Where systems keep their time zones, unless TZDIR names another folder."""
DAY_SECONDS = 86_400
_OFFSET = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?[0-9]"
"""How a time zone begins that gives its offset, such as `CET-1CEST`."""

time_zone_fault = ""
"""What is wrong with the time zone that TZ named when the program started; empty if nothing is."""


def mend_time_zone() -> None:
    """Uses the machine's time zone if TZ names none, or one that is a day or more from UTC, which no date can have."""
    global time_zone_fault
    named = os.environ.get("TZ", "")
    if not named or not hasattr(time, "tzset"):
        return
    time.tzset()
    if _is_known(named) and max(abs(time.timezone), abs(time.altzone)) < DAY_SECONDS:
        return
    del os.environ["TZ"]
    time.tzset()
    shown = ascii(named[:40]).strip("'\"")
    time_zone_fault = f"TZ={shown} is no time zone: times are shown in this machine's, {time.tzname[0]}"


def _is_known(named: str) -> bool:
    # An unknown name quietly means UTC to the system.
    if time.timezone or time.daylight or named in ("UTC", "GMT") or re.match(_OFFSET, named):
        return True
    folders = (os.environ.get("TZDIR") or ZONE_FOLDERS[0], *ZONE_FOLDERS)
    return any(_holds_zone(Path(folder, named.removeprefix(":"))) for folder in folders)


def _holds_zone(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"TZif"
    except (OSError, ValueError):
        return False


_SIGNS = {
    "─━═╌╍┄┅▁▔▂▃▄▅▆▇": "-",
    "│┃║╎╏┆┇┊▏▎▍▌▐▕▊▋▉": "|",
    "◐◑◔": "%",
    "↻": "@",
    "┌┐└┘├┤┬┴┼╭╮╯╰╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋╵╷╴╶╸╹╺╻": "+",
    "█■▪▓▒░▀": "#",
    "●•◆◉✓✔★×": "*",
    "○◦◇◌□☐": "o",
    "▶▸›»→⟶➜": ">",
    "◀◂‹«←⟵": "<",
    "▲▴↑⌃": "^",
    "▼▾↓⌄": "v",
    "✗✕✘": "x",
    # As a dot or a hyphen, these could make one address look like another.
    "…": "~",
    "·": "|",
    "–—": "-",
    "‘’‚": "'",
    "“”„": '"',
    "⚠": "!",
    "\xa0": " ",
}
_ASCII = {sign: plain for signs, plain in _SIGNS.items() for sign in signs}
_HANDLER, _ESCAPES = "mm-tui.signs", "mm-tui.escapes"


def escape_others_in(stream: TextIO) -> None:
    """Makes a stream accept any text: signs that it cannot encode become ASCII ones, anything else an escape."""
    if hasattr(stream, "reconfigure"):
        codecs.register_error(_ESCAPES, _escaped)
        stream.reconfigure(errors=_ESCAPES)


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError) or (sign := _ASCII.get(error.object[error.start])) is None:
        return codecs.backslashreplace_errors(_first_of(error))
    return sign, error.start + 1


def _first_of(error: UnicodeError) -> UnicodeError:
    """The error about its first character alone: the next may be a sign."""
    if isinstance(error, UnicodeEncodeError):
        error.end = error.start + 1
    return error


def draw_signs_in(stream: TextIO | None) -> str:
    """Makes a stream that cannot encode every character replace it by one as wide, instead of an escape. Returns what
    the reader has to know, in words; empty if the stream takes every character."""
    encoding = codecs.lookup(getattr(stream, "encoding", None) or "utf-8").name
    if stream is None or encoding.startswith("utf-") or not hasattr(stream, "reconfigure"):
        return ""
    codecs.register_error(_HANDLER, _replaced)
    stream.reconfigure(errors=_HANDLER)
    return f"the terminal's encoding is {encoding}: ? stands for what it cannot show. Set a UTF-8 locale, LANG=C.UTF-8"


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    from rich.cells import cell_len

    text = error.object[error.start : error.end]
    width = cell_len(text)
    # Together, characters may be narrower or wider than each on its own, such as those of an emoji.
    return "".join(_ASCII.get(char, "?" * cell_len(char)) for char in text)[:width].ljust(width, "?"), error.end
