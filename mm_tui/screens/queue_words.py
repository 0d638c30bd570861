"""What the queue's heading and its empty list say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.services.notices import Part
from mm_tui.services.queue import Section
from mm_tui.text import OneLine
from mm_tui.widgets.words import exact

if TYPE_CHECKING:
    from mm_tui.messages import Services


def part_words(services: Services, section: Section, mailbox_id: str | None) -> str:
    """The part of the queue that is shown; empty for all of it."""
    boxes = {box.mailbox_id: OneLine(box.address) for box in services.mail.mailbox_rows()}
    named = boxes.get(mailbox_id or "", "")
    return named if section is Section.ALL else str(section)


def empty_words(services: Services, section: Section, mailbox_id: str | None) -> tuple[str, ...]:
    """Why the list is empty, and what to do next."""
    if why := unread_words(services):
        return why
    if shown := part_words(services, section, mailbox_id):
        return ("Nothing waits here.", f"Shown: {shown}. esc shows all, f another part.")
    return ("Nothing waits for you.", "Drafts appear here as agents submit them.")


def unread_words(services: Services) -> tuple[str, ...]:
    """Why an empty list does not mean that nothing waits; empty when it does."""
    if services.trouble:
        return ("The queue cannot be read.", OneLine(services.trouble))
    state = services.sync.state if services.sync is not None else None
    part = next((part for part in state.parts if part.part is Part.PENDING), None) if state is not None else None
    if part is None or (part.last_ok_at is None and part.error is None):
        return ("The queue has not been read yet.", "Asking the gateway …")
    if part.error is None:
        return ()
    since = f"It was empty at {exact(part.last_ok_at)}." if part.last_ok_at else "It was never read on this machine."
    return ("The queue cannot be read.", OneLine(part.error), part.cure or OneLine(""), since)
