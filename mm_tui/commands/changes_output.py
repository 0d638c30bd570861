"""The difference between what was seen and what is there now, or was sent, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from mm_tui.review.diff import Kind, compare, marked
from mm_tui.services.decisions.view import Changed, Shown
from mm_tui.text import ManyLine, OneLine


def change_data(changed: Changed | None) -> dict[str, object] | None:
    """Both versions in full, as JSON."""
    return None if changed is None else {"seen": _side(changed.base), "now": _side(changed.now)}


def _side(shown: Shown | None) -> dict[str, object] | None:
    if shown is None:
        return None
    return {
        "to": list(shown.to),
        "cc": list(shown.cc),
        "subject": shown.subject,
        "body": shown.body,
        "attachments": list(shown.attachments),
        "send_at": shown.send_at or None,
    }


def change_text(changed: Changed, *, left: bool) -> Iterator[OneLine | ManyLine]:
    """The difference as text: `[-what was seen-]`, `{+what is there now+}`.

    Args:
        changed: both sides.
        left: the second is what left, not what waits.
    """
    old, new = changed.base, changed.now
    if old is None or new is None:
        yield OneLine("what differs could not be read")
        return
    yield OneLine(f"[-as seen-] {{+as it {'left' if left else 'is now'}+}}:")
    for name, before, after in old.changed_fields(new):
        removed, added = marked(Kind.REMOVED, before), marked(Kind.ADDED, after)
        yield OneLine(f"{name}: {''.join(removed)} {''.join(added)}")
    body = compare(old.body, new.body)
    if body.changed:
        yield ManyLine("".join("".join(marked(segment.kind, segment.text)) for segment in body.segments))
        yield OneLine(body.words)
