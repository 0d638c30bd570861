"""What the queue's heading and its empty list say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mm_tui.services.events import Part
from mm_tui.services.queue.due import due_words
from mm_tui.services.queue.filter import ALL
from mm_tui.text import OneLine
from mm_tui.widgets.words import age, count, exact, with_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from mm_tui.messages import Services
    from mm_tui.services.decisions.listing import QueueListing
    from mm_tui.services.queue.entry import QueueEntry


def heading(listing: QueueListing, marked: int, kept: int, keys: Mapping[str, str]) -> Content:
    """How much waits, of how much, and in which order; in its place what of the query could not be used.

    Args:
        listing: the queue.
        marked: how many mails are marked.
        kept: how many texts are kept that were not released.
        keys: the settings' keys.
    """
    if listing.complaint:
        return Content.assemble(("▲ ", "$warning"), listing.complaint)
    shown, waiting = len(listing.entries), len(listing.waiting)
    what = f"{shown:,} of {waiting:,} waiting" if listing.is_narrowed else f"{waiting:,} waiting"
    words = [str(listing.order)]
    words += [f"{marked} marked"] if marked else []
    key = with_keys("{pending.kept}", keys)
    words += [f"{count(kept, 'text', 'texts')} kept ({key})"] if kept else []
    return Content.assemble((what, "bold"), (f" · {' · '.join(words)}", "$mm-dim"))


def place_words(entry: QueueEntry, at: int, listed: int, now: datetime) -> str:
    """Where the mail stands in the list, how long it has waited, and whether it is due.

    Args:
        entry: the mail.
        at: its row, from 0.
        listed: how many rows there are.
        now: when.
    """
    words = [f"{at + 1:,} of {listed:,}"]
    if (received := entry.item.received_at) is not None:
        words.append(age(int((now - received).total_seconds() * 1000)))
        words += [due] if (due := due_words(received, entry.due_at, now)) else []
    return " · ".join(words)


def empty_words(services: Services, listing: QueueListing) -> tuple[str, ...]:
    """Why the list is empty, and what to do next.

    Args:
        services: for how the queue was read last.
        listing: the queue.
    """
    keys = services.settings.keys
    if not listing.waiting and (why := unread_words(services)):
        return why
    if listing.typed.strip():
        cure = with_keys("{pending.back} shows all; {app.help} lists the operators.", keys)
        return (f"Nothing that waits matches “{OneLine(listing.typed)}”.", cure)
    if listing.filter != ALL:
        cure = with_keys("{pending.back} shows all, {pending.filter} another part.", keys)
        return ("Nothing waits here.", f"Shown: {listing.filter.name}. {cure}")
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
