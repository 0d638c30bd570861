"""The table of mailboxes: one row each, with its mode and what humans did with its drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment

from mm_tui.screens.status import UNKNOWN
from mm_tui.services.audit.agents import spark
from mm_tui.services.audit.track_record import WINDOWS, TrackRecord
from mm_tui.text import OneLine
from mm_tui.widgets.cells import fit_cells
from mm_tui.widgets.virtual_list import VirtualList
from mm_tui.widgets.words import age, mode_words

WIDE = 118
"""The width in cells from which both periods fit side by side; otherwise the reader chooses one."""
LEAST_ADDRESS = 20
"""The least cells for addresses, if there is room."""
NARROW = 76
"""The width in cells below which only the counts fit."""

PLOT = "by day"
"""The heading of the plot's column."""


class Column(NamedTuple):
    """A column of numbers: its heading and its cells."""

    heading: str
    width: int


WIDE_COLUMNS = (
    Column("oversight", 10), Column("waiting", 7), Column("as written", 11), Column("edited", 8), Column("rejected", 8),
    Column("at least", 8), Column("wait", 5), Column("changed", 7), Column(PLOT, 10),
)  # fmt: skip
NARROW_COLUMNS = (
    Column("oversight", 10), Column("waiting", 7), Column("as written", 10), Column("edited", 6),
    Column("rejected", 8), Column("wait", 4), Column(PLOT, 8),
)  # fmt: skip
TINY_COLUMNS = (Column("waiting", 7), Column("as written", 10), Column("edited", 6), Column("rejected", 8))
EXPLAINED = (
    ("oversight", "the oversight mode; below the table is its place on the trust ladder"),
    ("waiting", "drafts and inbound mail that wait for a decision now"),
    ("as written", "drafts that were approved as the agent wrote them"),
    ("edited", "drafts that were sent after a reviewer's edit"),
    ("rejected", "drafts that were rejected"),
    (
        "at least",
        "the expected share of drafts sent as written, from the last 30 days: the lower end of the 95% interval",
    ),
    ("wait", "time from a draft's arrival to its decision; half took longer (m minutes, h hours, d days)"),
    ("changed", "share of the words of sent drafts that reviewers changed"),
    (PLOT, "drafts decided on each of the last 30 days; the highest bar is the busiest day of that mailbox"),
    ("8 · 31", "two numbers are for two periods: the last 7 days, then the last 30"),
)
"""The help for each column."""
LEFT = frozenset({"oversight", PLOT})
APART = frozenset({"as written", "edited", PLOT})
"""Columns that keep their distance in a narrow table too: beside another word theirs would read as one heading."""


def percent(share: float | None) -> str:
    """A share as a percentage; `–` if there is none."""
    if share is None:
        return "–"
    return "<1%" if 0 < share < 0.01 else f"{share * 100:.0f}%"


class MailboxList(VirtualList[str, TrackRecord]):
    """Mailboxes by id. The screen provides the rows; nothing is read here."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._by_id: Mapping[str, TrackRecord] = {}
        self.window = WINDOWS[-1]
        """The period in days shown if there is no room for both."""
        self._none_waiting = UNKNOWN
        """What is shown where no email waits."""
        self._longest = 0
        """Cells of the longest address."""
        self._domain = ""
        """The domain of all addresses; empty if they differ."""

    def show(self, rows: Sequence[TrackRecord], *, knows_queue: bool) -> None:
        """Shows these rows; the cursor stays on its mailbox. `knows_queue`: a count of zero is known to be zero."""
        self._none_waiting = "–" if knows_queue else UNKNOWN
        self._by_id = {row.mailbox.id: row for row in rows}
        addresses = [row.mailbox.address for row in rows]
        self._longest = max(map(cell_len, addresses), default=0)
        domains = {address.rpartition("@")[2] for address in addresses}
        self._domain = domains.pop() if len(domains) == 1 else ""
        self.forget_rows()
        self.set_keys(list(self._by_id))

    def fetch_rows(self, keys: Sequence[str]) -> Sequence[TrackRecord]:
        return [self._by_id[key] for key in keys]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that fit. The plot gives its room to addresses that need it."""
        width = self.app.size.width
        columns = WIDE_COLUMNS if width >= WIDE else NARROW_COLUMNS if width >= NARROW else TINY_COLUMNS
        has_plot = columns[-1].heading == PLOT
        needed = self._longest - (len(self._domain) if self._is_short(columns) else 0)
        return columns[:-1] if has_plot and needed > self._room(columns) else columns

    @property
    def _wide(self) -> bool:
        return self.app.size.width >= WIDE

    def _room(self, columns: Sequence[Column]) -> int:
        """Cells for the address beside these columns: no more than the longest needs, so that numbers stand near it."""
        # Hidden, behind a page that is read, it has no width of its own.
        width = self.size.width or self.app.size.width
        left = width - 2 - sum(column.width + len(self._gap(column)) for column in columns)
        return min(left, max(LEAST_ADDRESS, self._longest))

    def _is_short(self, columns: Sequence[Column]) -> bool:
        """Whether the domain is left out, because the addresses do not fit whole."""
        return bool(self._domain) and self._longest > self._room(columns)

    def _gap(self, column: Column) -> str:
        """The space before a column."""
        return "  " if self._wide or column.heading in APART else " "

    @property
    def heading(self) -> str:
        return self._joined("mailbox", [column.heading for column in self.columns])

    @property
    def domain(self) -> str:
        """The domain that is left out of all addresses; empty if they are shown whole."""
        return self._domain if self._is_short(self.columns) else ""

    def draw_row(self, row: TrackRecord, line: int, width: int, here: bool) -> list[Segment]:
        wide, columns = self._wide, self.columns
        tallies = [row.tallies[days] for days in (WINDOWS if wide else (self.window,))]
        last = tallies[-1]
        cells = {
            "oversight": mode_words(row.mailbox.oversight_mode),
            "waiting": f"{row.pending:,}" if row.pending else self._none_waiting,
            "as written": _pair([one.as_written for one in tallies]),
            "edited": _pair([one.edited for one in tallies]),
            "rejected": _pair([one.rejected for one in tallies]),
            "at least": f"{percent(last.surely_as_written)}" if last.drafts else "–",
            "wait": "–" if last.seconds is None else age(int(last.seconds * 1000)).replace("now", "<1m"),
            "changed": percent(last.changed),
            PLOT: spark(
                [written + other for written, other in row.days],
                WIDE_COLUMNS[-1].width if wide else NARROW_COLUMNS[-1].width,
            ),
        }
        wanted = [cells[column.heading] for column in columns]
        address = row.mailbox.address
        first = address.removesuffix(self._domain) if self._is_short(columns) else address
        text = self._joined(first, wanted)
        bar = Segment("▌", self.style("bar")) if here else Segment(" ", self.style("row"))
        plain = "here" if here else "row" if row.mailbox.is_active else "dim"
        at = len(text) - (columns[-1].width + 1 if columns[-1].heading == PLOT else 0)
        return [bar, Segment(text[:at], self.style(plain)), Segment(text[at:], self.style("here" if here else "dim"))]

    def _joined(self, first: str, cells: Sequence[str]) -> str:
        columns = self.columns
        pieces = [fit_cells(OneLine(first), self._room(columns))]
        pieces += [
            self._gap(column) + fit_cells(cell, column.width, right=column.heading not in LEFT)
            for cell, column in zip(cells, columns, strict=True)
        ]
        return "".join(pieces) + " "


def _pair(numbers: Sequence[int]) -> str:
    return " · ".join(f"{number:,}" for number in numbers) if any(numbers) else "–"
