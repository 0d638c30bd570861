"""Small plots of counts, at most one cell per day."""

from __future__ import annotations

from collections.abc import Sequence

BARS = " ▁▂▃▄▅▆▇█"


def spark(values: Sequence[int], width: int, *, most: int | None = None) -> str:
    """A plot of counts in `width` cells, adding up neighbours; zero is blank.

    Args:
        values: counts, oldest first; at least one.
        width: cells, at most as many as values.
        most: the count that fills a cell; by default the largest.
    """
    sums = [sum(values[at * len(values) // width : (at + 1) * len(values) // width]) for at in range(width)]
    most = max(sums) if most is None else most
    return "".join(BARS[-(-one * (len(BARS) - 1) // most)] if most else BARS[0] for one in sums)
