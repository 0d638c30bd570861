"""Lines of a thread in pieces of one style each."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from mm_tui.review.rendered import Rendered
from mm_tui.text import OneLine
from mm_tui.widgets.pager import TAB, wrapped

NOTHING = Rendered("")
Pieces = list[tuple[str, str]]
MOST_LINES = 2
"""Drawn lines of a list of recipients above a mail."""
_THREAD_STYLES = {"hidden": "risk"}


def styled(made: Rendered, start: int, end: int, plain: str) -> Pieces:
    """A drawn line in pieces of one style each; later styles win."""
    text = made.text
    if made.is_source and text.startswith(">", text.rfind("\n", 0, start) + 1):
        return [(text[start:end].replace("\t", " " * TAB), "dim")]
    cells = [plain] * (end - start)
    for one in made.styles:
        if one.start < end and one.end > start:
            first, last = max(one.start, start) - start, min(one.end, end) - start
            cells[first:last] = [_THREAD_STYLES.get(one.style, one.style)] * (last - first)
    runs = groupby(zip(text[start:end], cells, strict=True), key=itemgetter(1))
    return [("".join(char for char, _ in run).replace("\t", " " * TAB), style) for style, run in runs]


def listed(name: str, addresses: list[str], width: int) -> list[Pieces]:
    """Addresses after a name. More than fit on a few lines are counted, and named on the page of the sender."""
    shown = addresses
    while len(shown) > 1 and len(wrap_words(OneLine(", ".join(shown)), width - len(name))) > MOST_LINES:
        shown = shown[: max(1, len(shown) * 2 // 3)]
    lines = wrap_words(OneLine(", ".join(shown)) or "–", width - len(name))
    if len(shown) < len(addresses):
        lines.append(f"and {len(addresses) - len(shown)} more: i lists all")
    return [[(name if at == 0 else " " * len(name), "dim"), (line, "row")] for at, line in enumerate(lines)]


def wrap_words(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in wrapped(text, max(10, width))]
