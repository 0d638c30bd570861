"""Short texts that several widgets share: ages, sizes, keys, and lines of parts that are dropped without room. Pure
functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from textual.content import Content

from mm_tui import keymap
from mm_tui.text import OneLine

_KEY_NAMES = {
    "question_mark": "?", "slash": "/", "space": "space", "enter": "enter", "escape": "esc", "pagedown": "pgdn",
    "pageup": "pgup", "left_square_bracket": "[", "right_square_bracket": "]", "full_stop": ".", "comma": ",",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "minus": "-", "plus": "+", "colon": ":", "backspace": "bksp",
    "exclamation_mark": "!", "delete": "del",
}  # fmt: skip


def key_name(key: str) -> str:
    """A key for display: `question_mark` becomes `?`, `ctrl+s` becomes `^s`."""
    if key.startswith("ctrl+"):
        return "^" + key_name(key.removeprefix("ctrl+"))
    return _KEY_NAMES.get(key, key)


_ACT_ID = r"\{([a-z]+\.[a-z_]+)\}"


def with_keys(text: str, changes: Mapping[str, str], *, typing: bool = False) -> str:
    """Replaces each action id in braces by its key, as in `undo it first: {app.undo}`; other braces are kept.
    `changes`: the user's `[keys]`. `typing`: name a key that also works in a text field, if the action has one."""
    if "{" not in text:
        return text
    keys = _keys(tuple(changes.items()))

    def named(found: re.Match[str]) -> str:
        if found[1] not in keys:
            return found[0]
        usable = [key for key in keys[found[1]] if not (typing and is_typed(key))]
        return key_name((usable or keys[found[1]])[0])

    return re.sub(_ACT_ID, named, text)


@lru_cache(maxsize=4)
def _keys(changes: tuple[tuple[str, str], ...]) -> Mapping[str, list[str]]:
    good, _ = keymap.check(dict(changes))
    return {one.id: good.get(one.id, one.keys).split(",") for one in keymap.KEY_ACTIONS}


def used_keys(changes: Mapping[str, str]) -> frozenset[str]:
    """All keys that do something somewhere. `changes`: the user's `[keys]`."""
    return frozenset(key for keys in _keys(tuple(changes.items())).values() for key in keys)


def is_typed(key: str) -> bool:
    """Whether a text field uses this key itself, as a character or for moving and editing."""
    return "+" not in key and key not in {"escape", "tab"} and not (key[:1] == "f" and key[1:].isdigit())


def age(milliseconds: int) -> str:
    """How long ago, in at most three cells: `now` (below a minute), `26m`, `2h`, `13d`, `9w`, `3y`. `milliseconds`: the
    duration; negative counts as zero, but more than a day in the future is shown (`+2d`, `+9y`)."""
    if milliseconds < -86_400_000:
        ahead = age(-milliseconds)
        return f"+{min(9, int(ahead[:-1]))}{ahead[-1]}"
    seconds = max(0, milliseconds // 1000)
    if seconds < 60:
        return "now"
    for limit, unit, letter in (
        (3600, 60, "m"),
        (86400, 3600, "h"),
        (86400 * 14, 86400, "d"),
        (86400 * 365, 86400 * 7, "w"),
    ):
        if seconds < limit:
            return f"{seconds // unit}{letter}"
    return f"{min(99, seconds // (86400 * 365))}y"


def exact(moment: datetime | None) -> str:
    """A time in the reader's time zone, to the minute, with the zone."""
    if moment is None:
        return "no time given"
    return moment.astimezone().strftime("%a %d %b %Y %H:%M %Z")


def size(count: int) -> str:
    """A size in bytes with its unit: `820 B`, `14 kB`, `3.2 MB`."""
    if count < 1000:
        return f"{max(0, count)} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{amount:.0f} GB"


def mode_words(mode: str) -> OneLine:
    """An oversight mode in words: `gated send`."""
    return OneLine(OneLine(mode).replace("_", " "))


def sentence(words: str) -> OneLine:
    """Words as a sentence: with a capital and a full stop."""
    text = OneLine(words).rstrip(".")
    return OneLine(f"{text[:1].upper()}{text[1:]}.")


def count(number: int, one: str, many: str) -> str:
    """`1 mail`, `12 mails`, `100,000 mails`."""
    return f"{number:,} {one if number == 1 else many}"


def joined(parts: Sequence[Content], separator: str) -> Content:
    """The parts with the separator between them. `Content.join` can count the cells of its result wrongly."""
    pieces: list[Content | str] = []
    for part in parts:
        pieces += [separator, part] if pieces else [part]
    return Content.assemble(*pieces)


SEPARATOR = " · "


class LinePart(NamedTuple):
    """A part of a line that is dropped as a whole, or shortened, if there is no room. `rank` 0 is dropped last."""

    rank: int
    content: Content
    shorter: LinePart | None = None
    """Takes its place, with a rank of its own; None if it is dropped."""


def fit(parts: Sequence[LinePart], width: int) -> Content:
    """Joins the parts in order, dropping those with the highest rank until they fit `width` cells."""
    kept = [part for part in parts if part.content]
    while True:
        line = joined([part.content for part in kept], SEPARATOR)
        if line.cell_length <= width:
            return line
        if len(kept) < 2:
            return line.truncate(width, ellipsis=True)
        least = max(range(len(kept)), key=lambda at: (kept[at].rank, at))
        shorter = kept[least].shorter
        kept[least : least + 1] = [shorter] if shorter is not None else []
