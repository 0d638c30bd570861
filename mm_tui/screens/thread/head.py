"""The lines between the first line of an open message and its text: recipients, time, tags, findings, attachments."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len

from mm_tui.chips import chips_of
from mm_tui.review.disclosure import NOT_DISCLOSED
from mm_tui.review.findings import Level
from mm_tui.review.subject import same_subject
from mm_tui.screens.thread.lines import MessageItem, Pieces, hanging, listed, wrap_words
from mm_tui.store.sort_keys import from_ms
from mm_tui.text import OneLine, file_label
from mm_tui.widgets.cells import fit_address, fit_cells
from mm_tui.widgets.words import exact, size, with_keys

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
        elif "cc" in detail.raw.untold:
            lines.append([("cc ", "dim"), (NOT_DISCLOSED, "row")])
    lines.append([(exact(from_ms(row.received_at)), "dim")])
    if item.unsent:
        lines.append([(f"▲ not part of the conversation: {OneLine(item.unsent)}", "risk")])
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
        if "attachments" in detail.raw.untold:
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
