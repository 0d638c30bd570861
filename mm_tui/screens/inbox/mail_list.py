"""The inbox's list: one line per email if there is room, otherwise two."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment

from mm_tui.clock import Clock
from mm_tui.screens.status_words import chip
from mm_tui.store.mail.mails import MailRow, MailStore
from mm_tui.text import OneLine, subject_words
from mm_tui.widgets.cells import at_most, countable, fit_address, fit_cells
from mm_tui.widgets.virtual_list import VirtualList
from mm_tui.widgets.words import age

WIDE = 96
"""The width in cells from which an email fits on one line with all columns."""
START = 11
"""The width of cursor bar, unread and waiting signs, age and urgency."""
UNREAD_SIGN, WAITING_SIGN = "●", "→"
CHIP = 11
CHIP_CELLS = 18
"""The widest tag in the list, in cells."""
MOST_CHIPS = 2
"""The most tags shown for an email."""
AGE = 4
URGENCY_SIGNS = {"high": "! ", "urgent": "!!", "critical": "!!"}


def chips_beside_label(row: MailRow) -> list[OneLine]:
    """The tags set by others, except one that equals the label."""
    return [chip for chip in row.chips if chip.lower() != row.label.lower()]


def chip_words(row: MailRow) -> str:
    """The first tags set by others, each with a `#`, and how many more there are."""
    chips = chips_beside_label(row)
    words = "".join(f"  #{at_most(chip, CHIP_CELLS)}" for chip in chips[:MOST_CHIPS])
    return words + (f" +{len(chips) - MOST_CHIPS}" if len(chips) > MOST_CHIPS else "")


def who(row: MailRow) -> str:
    """The relevant address: the sender, or for outbound mail the recipient."""
    if row.direction != "outbound":
        return row.sender
    more = f" +{row.recipients - 1}" if row.recipients > 1 else ""
    return f"→ {row.recipient or '(not disclosed)'}{more}"


class MailList(VirtualList[int, MailRow]):
    """Emails by their store keys, newest first. `is_test` is as for `chip`."""

    def __init__(self, store: MailStore, clock: Clock, *, is_test: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._store, self._is_test = store, is_test
        self._clock = clock
        self._now_ms = self._read_clock()
        self._folded = False

    def _read_clock(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def _age(self) -> None:
        """Redraws all ages that have changed."""
        before, now = self._now_ms, self._read_clock()
        top, height = self.scroll_offset.y // self.row_height, self.size.height // self.row_height + 1
        seen = range(top, min(len(self.keys), top + height))
        if any(_age_words(self.row_at(index), before) != _age_words(self.row_at(index), now) for index in seen):
            self._now_ms = now
            self.redraw()

    def redraw_ages(self) -> None:
        self._now_ms = self._read_clock()
        super().redraw_ages()

    def fetch_rows(self, keys: Sequence[int]) -> Sequence[MailRow]:
        return self._store.rows(keys, folded=self._folded)

    def index_of(self, key: int) -> int | None:
        keys = self.keys
        at = bisect_left(keys, -key, key=lambda one: -one)
        return at if at < len(keys) and keys[at] == key else None

    @property
    def folded(self) -> bool:
        """Whether a line represents a whole thread and shows its length."""
        return self._folded

    @folded.setter
    def folded(self, folded: bool) -> None:
        if folded != self._folded:
            self._folded = folded
            self._rows.clear()
            self._strips.clear()
            self.refresh()

    def set_keys(self, keys: Sequence[int], *, go_first: bool = False) -> None:
        self._age()
        super().set_keys(keys, go_first=go_first)

    def on_resize(self) -> None:
        self.row_height = 1 if self.size.width >= WIDE else 2
        super().on_resize()

    def draw_row(self, row: MailRow, line: int, width: int, here: bool) -> list[Segment]:
        if self.row_height == 1:
            return self._draw_one(row, width, here)
        return self._draw_first(row, width, here) if line == 0 else self._draw_second(row, width, here)

    def _start(self, row: MailRow, here: bool) -> list[tuple[str, str]]:
        """Cursor bar, unread and waiting signs, age and urgency: `START` cells."""
        sign = URGENCY_SIGNS.get(row.urgency, "  ")
        return [
            ("▌" if here else " ", "bar" if here else "dim"),
            (UNREAD_SIGN if row.unread else " ", "mark" if row.unread else "dim"),
            (WAITING_SIGN if row.waiting else " ", "mark" if row.waiting else "dim"),
            (f"{fit_cells(_age_words(row, self._now_ms), AGE, right=True)} ", "dim"),
            (f"{sign} ", "risk" if sign.strip() else "dim"),
        ]

    def _draw_one(self, row: MailRow, width: int, here: bool) -> list[Segment]:
        word, chip_style = chip(row, is_test=self._is_test)
        sender = max(24, min(36, width * 3 // 10))
        pieces = self._start(row, here)
        pieces.append((fit_cells(word, CHIP) + "  ", chip_style))
        pieces.append((fit_address(who(row), sender) + "  ", "strong" if row.unread else "row"))
        pieces += self._subject(row, width - START - CHIP - sender - 4)
        return self._paint(pieces, here)

    def _draw_first(self, row: MailRow, width: int, here: bool) -> list[Segment]:
        word, chip_style = chip(row, is_test=self._is_test)
        room = width - START - 1
        chip_width = min(len(word) + 1, CHIP + 1, max(0, room // 3)) if word else 0
        pieces = self._start(row, here)
        pieces.append((fit_address(who(row), room - chip_width), "strong" if row.unread else "row"))
        pieces.append((f"{fit_cells(word, chip_width, right=True)} ", chip_style))
        return self._paint(pieces, here)

    def _draw_second(self, row: MailRow, width: int, here: bool) -> list[Segment]:
        pieces = [("▌" if here else " ", "bar" if here else "dim"), (" " * (START - 1), "row")]
        pieces += self._subject(row, width - START - 1)
        return self._paint([*pieces, (" ", "dim")], here)

    def _subject(self, row: MailRow, width: int) -> list[tuple[str, str]]:
        """Subject and summary in exactly `width` cells."""
        pieces: list[tuple[str, str]] = []
        if row.hidden:
            pieces.append(("▲hidden ", "risk"))
        pieces.append((subject_words(row.subject), "strong" if row.unread else "row"))
        after = "".join((
            f" ({row.thread_size})" if self._folded and row.thread_size > 1 else "",
            "  +file" if row.has_attachments else "",
            chip_words(row),
            f"  {row.summary}" if row.summary else "",
        ))  # fmt: skip
        pieces.append((after, "dim"))
        return _crop(pieces, width)

    def _paint(self, pieces: list[tuple[str, str]], here: bool) -> list[Segment]:
        """Segments for the pieces, joining neighbours of the same style, because each change of style costs bytes."""
        segments: list[Segment] = []
        text, style = "", ""
        for piece, wanted in pieces:
            name = wanted
            if here and wanted != "bar":
                name = f"here-{wanted}" if wanted in ("strong", "risk", "fail") else "here"
            if name == style or not piece.strip():
                text += piece
            elif not text.strip():
                text, style = text + piece, name
            else:
                segments.append(Segment(text, self.style(style)))
                text, style = piece, name
        if text:
            segments.append(Segment(text, self.style(style or ("here" if here else "row"))))
        return segments


def _age_words(row: MailRow, now_ms: int) -> str:
    return "" if row.received_at is None else age(now_ms - row.received_at)


def _crop(pieces: list[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    """The pieces cropped or padded to `width` cells together."""
    kept: list[tuple[str, str]] = []
    left = max(0, width)
    for text, style in pieces:
        text = countable(text)
        cells = cell_len(text)
        if cells > left:
            text, cells = fit_cells(text, left), left
        if text:
            kept.append((text, style))
        left -= cells
    if left:
        kept.append((" " * left, kept[-1][1] if kept else "row"))
    return kept
