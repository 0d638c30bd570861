"""The audit screen's list: both logs merged by time, each line with the name of its log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len
from rich.segment import Segment

from mm_tui.clock import Clock
from mm_tui.services.audit.line import AuditLine, AuditLines, Tone
from mm_tui.store.audit.timeline import Source
from mm_tui.widgets.cells import at_most, fit_cells
from mm_tui.widgets.virtual_list import VirtualList

ONE_LINE = 96
"""The screen width in cells from which an entry fits on one line."""
TIME = 12
SOURCE = 7
STEPS = "steps"
"""A row for several lines says how many, in the word of the key that unfolds them; changes of tags are no steps."""
GAP = 2
LEAST = 12
"""The fewest cells of a subject that say anything."""
TONES = {Tone.PLAIN: "row", Tone.DECISION: "strong", Tone.FAILURE: "risk"}


class AuditList(VirtualList[int, AuditLine]):
    """Lines by their keys, newest first."""

    def __init__(self, lines: AuditLines, clock: Clock, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = lines
        self._clock = clock

    def added_above(self, keys: Sequence[int]) -> int:
        """How many of `keys` are new and above the first row, if the view is not there."""
        if not self.keys or self.scroll_offset.y == 0 or self.keys[0] not in keys:
            return 0
        return keys.index(self.keys[0])

    def fetch_rows(self, keys: Sequence[int]) -> Sequence[AuditLine]:
        return self._lines.lines(keys)

    def on_resize(self) -> None:
        self.row_height = 1 if self.app.size.width >= ONE_LINE else 2
        super().on_resize()

    def draw_row(self, row: AuditLine, line: int, width: int, here: bool) -> list[Segment]:
        bar = ("▌" if here else " ", "bar" if here else "row")
        if line:
            return self._paint(
                [bar, (" " * (TIME + SOURCE + 4), "row"), *self._rest(row, width - TIME - SOURCE - 5)], here
            )
        time = (f"{fit_cells(moment(row.line.at, self._clock.now()), TIME, right=True)}  ", "dim")
        source = (f"{fit_cells(row.line.source, SOURCE)}  ", "dim" if row.line.source is Source.GATEWAY else "row")
        room = width - 1 - TIME - SOURCE - 4
        more = f" · {row.folded + 1} {'changes' if 'tag' in row.line.action else STEPS}" if row.folded else ""
        if self.row_height == 2:
            who = min(18, room // 2, cell_len(row.who))
            return self._paint(
                [
                    bar, time, source, (_with_more(row.words, more, room - who - 2) + " ", TONES[row.tone]),
                    (fit_cells(row.who, who, right=True) + " ", "dim"),
                ],
                here,
            )  # fmt: skip
        words = max(16, min(27, room * 2 // 5))
        who = max(11, min(14, room // 5))
        return self._paint(
            [
                bar, time, source, (_with_more(row.words, more, words) + " ", TONES[row.tone]),
                (fit_cells(row.who, who) + " ", "row"), *self._rest(row, room - words - who - 2),
            ],
            here,
        )  # fmt: skip

    def _rest(self, row: AuditLine, width: int) -> list[tuple[str, str]]:
        """What the line is about. How it stands to another email comes first where both do not fit."""
        if not row.replaced:
            return [(fit_cells(row.what, width - 1) + " ", "dim")]
        more = at_most(row.replaced, width - 1)
        left = width - 1 - cell_len(more) - GAP
        if left < LEAST:
            return [(fit_cells(more, width - 1) + " ", "dim")]
        what = at_most(row.what, left)
        return [(fit_cells(f"{what}{' ' * GAP}{more}", width - 1) + " ", "dim")]

    def _paint(self, pieces: list[tuple[str, str]], here: bool) -> list[Segment]:
        """Segments for the pieces; under the cursor all but the bar have the cursor's background."""
        under = {"bar": "bar", "strong": "here-strong"}
        return [
            Segment(text, self.style(under.get(style, "here") if here else style)) for text, style in pieces if text
        ]


def _with_more(words: str, more: str, width: int) -> str:
    """Words in exactly `width` cells, followed by the number of further lines that the row represents."""
    room = width - len(more)
    return fit_cells(at_most(words, room) + more, width)


def moment(at: datetime | None, now: datetime) -> str:
    """A time in the reader's time zone, in at most twelve cells: `09:14:22`, `21 Nov 09:14` or `21 Nov 2025`."""
    if at is None:
        return "no time"
    local, today = at.astimezone(), now.astimezone().date()
    if local.date() == today:
        return local.strftime("%H:%M:%S")
    return local.strftime("%d %b %H:%M" if local.year == today.year else "%d %b %Y")
