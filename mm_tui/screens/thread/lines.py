"""The lines of a thread: an open message's first lines, the lines above its text, and the tools to lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
from rich.cells import cell_len

from mm_tui.models import EmailDetail
from mm_tui.review.disclosure import NOT_DISCLOSED, send_time
from mm_tui.review.findings import Finding, Level
from mm_tui.review.rendered import Rendered
from mm_tui.review.subject import same_subject
from mm_tui.services.mail.unsent import is_scheduled
from mm_tui.store.mail.chips import chips_of
from mm_tui.store.mail.mails import MailRow
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import OneLine, file_label
from mm_tui.widgets.cells import fit_address, fit_cells
from mm_tui.widgets.marks import Mark, MarkIndex
from mm_tui.widgets.words import exact, size, with_keys
from mm_tui.widgets.wrapping import TAB, quote_before, wrapped

Pieces = list[tuple[str, str]]
MOST_LINES = 2
"""The most lines for a list of recipients above an email."""
_THREAD_STYLES = {"hidden": "risk"}


class Laid(NamedTuple):
    made: Rendered = Rendered("")
    marks: MarkIndex = MarkIndex()
    lines: Sequence[tuple[int, int]] = ()
    """The start and end in the text of each drawn line."""
    width: int = 0
    """Cells of a drawn line."""


NOTHING = Laid()


def lay(made: Rendered, width: int) -> Laid:
    """Wraps a body at a width in cells."""
    marks = MarkIndex(Mark(one.start, one.end, _THREAD_STYLES.get(one.style, one.style)) for one in made.styles)
    return Laid(made, marks, wrapped(made.text, width) if made.text else (), width)


def styled(laid: Laid, at: int, plain: str) -> Pieces:
    """A drawn line in pieces of one style each; later styles win."""
    text, (start, end) = laid.made.text, laid.lines[at]
    if laid.made.is_source and text.startswith(">", text.rfind("\n", 0, start) + 1):
        plain = "dim"
    pieces = [(text[a:b].replace("\t", " " * TAB), style) for a, b, style in laid.marks.pieces(start, end, plain)]
    before = quote_before(text, start, laid.width)
    return [(before, "dim"), *pieces] if before else pieces


def listed(name: str, addresses: list[str], width: int, key: str) -> list[Pieces]:
    """Addresses after a name. Those that do not fit on a few lines are counted; `key` lists them all."""
    shown = addresses
    while len(shown) > 1 and len(wrap_words(OneLine(", ".join(shown)), width - len(name))) > MOST_LINES:
        shown = shown[: max(1, len(shown) * 2 // 3)]
    lines = wrap_words(OneLine(", ".join(shown)) or "–", width - len(name))
    if len(shown) < len(addresses):
        lines.append(f"and {len(addresses) - len(shown)} more: {key} lists all")
    return _beside(name, "dim", lines, "row")


def hanging(label: str, label_style: str, words: str, style: str, width: int) -> list[Pieces]:
    """Wrapped words, with a label before the first line and as much room before the others."""
    return _beside(label, label_style, wrap_words(words, width - len(label)), style)


def _beside(label: str, label_style: str, lines: list[str], style: str) -> list[Pieces]:
    return [[(label if at == 0 else " " * len(label), label_style), (line, style)] for at, line in enumerate(lines)]


def wrap_words(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in wrapped(text, max(10, width))]


class MessageItem(msgspec.Struct, eq=False):
    row: MailRow
    detail: EmailDetail | None = None
    open: bool = False
    words: str = ""
    """The text in place of the body: that it is being opened, or why it cannot be."""
    findings: tuple[Finding, ...] = ()
    unsent: str = ""
    """Its state in words if it is not part of the conversation: it was not sent, or did not arrive."""
    relation: str = ""
    """The ids of it and of its edited text or original, if a human edited it here."""
    head: list[Pieces] = msgspec.field(default_factory=list)
    body: Laid = NOTHING
    laid: tuple[str, int, bool] = ("", 0, False)
    """The body, width and view that `body` was laid out for: large ones take too long to lay out twice."""

    @property
    def height(self) -> int:
        return len(self.head) + len(self.body.lines) + 1 if self.open else 1


MOST_FILES = 4
"""The most attachments listed above an email's text."""


def head(item: MessageItem, width: int, opening: str, keys: Mapping[str, str]) -> list[Pieces]:
    """The lines above a message's text; without its detail they hold what the list says. `opening`: the subject of the
    thread's first message; another subject is shown."""
    row, detail = item.row, item.detail
    all_key = with_keys("{thread.details}", keys)
    lines: list[Pieces] = [[]]
    if detail is None:
        lines.append([("to ", "dim"), (fit_address(row.recipient or NOT_DISCLOSED, width - 3), "row")])
    else:
        lines += listed("to ", [str(party.address) for party in detail.to] or [NOT_DISCLOSED], width, all_key)
        if detail.cc:
            lines += listed("cc ", [str(party.address) for party in detail.cc], width, all_key)
        elif "cc" in detail.raw.undisclosed:
            lines.append([("cc ", "dim"), (NOT_DISCLOSED, "row")])
    lines.append([(exact(from_ms(row.received_at)), "dim")])
    if item.unsent:
        words = f"not part of the conversation: {item.unsent}"
        if detail is not None and is_scheduled(row.direction, row.status):
            words += f"; {send_time(detail.raw.send_at)}"
        lines += hanging("▲ ", "risk", OneLine(words), "risk", width)
    if item.relation:
        lines += hanging("edit ", "dim", OneLine(item.relation), "row", width)
    chips = chips_of(detail.tags) if detail is not None else row.chips
    if chips := tuple(chip for chip in chips if chip.lower() != row.label.lower()):
        lines += hanging("tags ", "dim", OneLine("  ".join(f"#{chip}" for chip in chips)), "row", width)
    if row.subject and not same_subject(row.subject, opening):
        lines.append([(fit_cells(row.subject, width), "row")])
    for finding in sorted(item.findings, key=lambda one: -one.level):
        style = "fail" if finding.level is Level.HIGH else "risk"
        lines += hanging(f"{finding.level.sign} ", style, finding.words, style, width)
    if detail is not None:
        if hidden := detail.body.removed + detail.subject.removed:
            shows = with_keys("{thread.raw} shows them", keys)
            lines.append([(f" ! {hidden} hidden characters removed; {shows}", "risk")])
        for attachment in detail.attachments[:MOST_FILES]:
            more = f"  {size(attachment.size)}  {attachment.content_type[:30]}"
            name = file_label(attachment.name, max(24, width - 5 - cell_len(more)))
            lines.append([("file ", "dim"), (fit_cells(OneLine(f"{name}{more}"), width - 5), "row")])
        if "attachments" in detail.raw.undisclosed:
            lines.append([("file ", "dim"), (NOT_DISCLOSED, "row")])
        if (more_files := len(detail.attachments) - MOST_FILES) > 0:
            all_files = with_keys("{thread.files} lists all", keys)
            lines.append([("file ", "dim"), (f"and {more_files} more: {all_files}", "row")])
    if item.words:
        lines.append([])
        lines += [[(line, "dim")] for line in wrap_words(OneLine(item.words), width)]
    elif detail is not None and not detail.body:
        lines += [[], [("(no text)", "dim")]]
    lines.append([])
    return lines
