"""Differences as pages: the human's edit against the draft, the draft against what was seen, and all three."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from mm_tui.review.diff import Kind, compare, marked
from mm_tui.review.draft import edited
from mm_tui.screens.pending.pages import write_envelope, write_files
from mm_tui.services.decisions.approval_gate import ReadChange
from mm_tui.services.decisions.view import SAME_TO_READ, DecisionView, Shown
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import ManyLine
from mm_tui.widgets.pager import Page, PageWriter

_STYLES = {Kind.SAME: "", Kind.ADDED: "added", Kind.REMOVED: "removed"}


def change_name(decision: DecisionView | None) -> str:
    """The name of what was read when this change was seen to the end; empty if it is unknown."""
    changed = decision.changed if decision is not None else None
    if decision is None or changed is None or changed.base is None or changed.now is None:
        return ""
    text = sha256(repr((changed.base, changed.now, changed.mine)).encode("utf-8", "backslashreplace")).hexdigest()
    return f"{decision.id} change {text}"


def difference(
    entry: QueueEntry,
    decision: DecisionView | None,
    change: ReadChange | None = None,
    *,
    above: Sequence[str] | None = None,
) -> tuple[Page, str]:
    """The difference between the current content and what the reader last saw, or between edit and draft.

    Args:
        decision: the newest decision about it; its question or refusal may be about a change.
        change: that the email changed while it was read.
        above: as in `draft_page`.

    Returns:
        The page, and the names of what it shows completely, one per line: the change (`change_name`), and the entry's
        version if everything that would be sent is on the page or above it.
    """
    writer = PageWriter()
    now = Shown.of(entry.item.raw)
    changed = decision.changed if decision is not None else None
    names = []
    asks = decision is not None and decision.question is not None
    if changed is not None and changed.base is not None and changed.now is not None and (change is None or asks):
        names.append(change_name(decision))
        if entry.edit is None and changed.now == now:
            names.append(entry.version)
            write_envelope(writer, entry, above)
        writer.line("What changed since you looked", "strong")
        _write(writer, changed.base, changed.now)
        if changed.mine is not None:
            writer.line()
            writer.line("Your edit compared with the draft as it is now", "strong")
            _write(writer, changed.now, changed.mine)
    elif entry.edit is not None:
        names.append(entry.version)
        write_envelope(writer, entry, above)
        writer.line("Your edit compared with the agent's draft", "strong")
        _write(writer, now, Shown.of(edited(entry.edit.base, entry.edit.text)))
    elif change is not None:
        names.append(entry.version)
        write_envelope(writer, entry, above)
        writer.line("What changed while you were reading", "strong")
        _write(writer, Shown.of(change.before), now)
    elif follows(entry):
        names.append(entry.version)
        write_envelope(writer, entry, above)
        _write_rejected(writer, entry)
    else:
        writer.line("No differences.", "dim")
    if follows(entry) and (changed is not None or entry.edit is not None or change is not None):
        writer.line()
        _write_rejected(writer, entry)
    if entry.version in names:
        write_files(writer, entry.item)
    return writer.page(), "\n".join(names)


def follows(entry: QueueEntry) -> bool:
    """Whether a draft can be compared with the rejected one that it follows."""
    return entry.resubmission is not None and entry.resubmission.before is not None and entry.item.complete


def _write_rejected(writer: PageWriter, entry: QueueEntry) -> None:
    submitted = entry.resubmission
    if submitted is not None and submitted.before is not None:
        writer.line("Compared with the draft that was rejected before", "strong")
        writer.line(entry.resubmitted_words, "dim")
        _write(writer, Shown.of(submitted.before), Shown.of(entry.item.raw))


def three_way_page(entry: QueueEntry) -> Page:
    """For an edit whose draft changed meanwhile: the agent's changes and the human's."""
    writer = PageWriter()
    if entry.edit is None:
        return writer.page()
    base, theirs = Shown.of(entry.edit.base), Shown.of(entry.item.raw)
    writer.line("What the agent changed since you started editing", "strong")
    _write(writer, base, theirs)
    writer.line()
    writer.line("What you changed", "strong")
    _write(writer, base, Shown.of(edited(entry.edit.base, entry.edit.text)))
    return writer.page()


def _write(writer: PageWriter, old: Shown, new: Shown) -> None:
    fields = list(old.changed_fields(new))
    for name, before, after in fields:
        writer.write(f"{name}: ", "dim")
        _segment(writer, Kind.REMOVED, before)
        writer.write(" ")
        _segment(writer, Kind.ADDED, after)
        writer.line()
    writer.line()
    diff = compare(old.body, new.body)
    if not diff.changed:
        writer.line("The text is unchanged." if fields or old == new else SAME_TO_READ, "dim")
        return
    for segment in diff.segments:
        _segment(writer, segment.kind, segment.text)
    writer.line()
    writer.line()
    writer.line(diff.words, "dim")


def sides(entry: QueueEntry, *, above: Sequence[str] | None = None) -> tuple[Page, Page]:
    """The agent's draft with removed text marked, and the human's edit with added text marked, both in full. `above` is
    for the edit, as in `draft_page`."""
    old, new = PageWriter(), PageWriter()
    if entry.edit is None:
        return old.page(), new.page()
    old.line("The agent's draft", "dim")
    old.line()
    write_envelope(new, entry, above)
    new.line("Your edit", "dim")
    new.line()
    for segment in compare(entry.item.body, ManyLine(entry.edit.text.body)).segments:
        if segment.kind is not Kind.ADDED:
            _segment(old, segment.kind, segment.text)
        if segment.kind is not Kind.REMOVED:
            _segment(new, segment.kind, segment.text)
    new.line()
    write_files(new, entry.item)
    return old.page(), new.page()


def _segment(writer: PageWriter, kind: Kind, text: str) -> None:
    """Writes a segment of a difference between its signs."""
    before, core, after = marked(kind, text)
    writer.write(before)
    writer.write(core, _STYLES[kind])
    writer.write(after)
