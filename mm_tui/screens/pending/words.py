"""The words in the queue's heading and in its empty list."""

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

    from mm_tui.services.decisions.listing import QueueListing
    from mm_tui.services.queue.entry import QueueEntry
    from mm_tui.session import Session


def heading(listing: QueueListing, marked: int, kept: int, keys: Mapping[str, str], progress: str = "") -> Content:
    """How many emails are shown, of how many, and in which order; or what is wrong with the query, when something is.

    Args:
        listing: the queue.
        marked: the number of marked emails.
        kept: the number of saved texts that were not sent.
        keys: the settings' keys.
        progress: how far the rejection of a filter is.
    """
    if progress:
        stop = with_keys(" · {app.undo} stops what has not left", keys)
        return Content.assemble((progress, "bold"), (stop, "$mm-dim"))
    if listing.complaint:
        return Content.assemble(("▲ ", "$warning"), listing.complaint)
    shown, waiting = len(listing.entries), len(listing.waiting)
    what = f"{shown:,} of {waiting:,} waiting" if listing.is_narrowed else f"{waiting:,} waiting"
    words = [str(listing.order)]
    words += [f"{marked} marked"] if marked else []
    key = with_keys("{pending.kept}", keys)
    words += [f"{count(kept, 'saved text', 'saved texts')} ({key})"] if kept else []
    return Content.assemble((what, "bold"), (f" · {' · '.join(words)}", "$mm-dim"))


def place_words(entry: QueueEntry, at: int, listed: int, now: datetime) -> str:
    """The email's place in the list, how long it has waited, and whether it is due.

    Args:
        entry: the email.
        at: its row, from 0.
        listed: the number of rows.
        now: the current time.
    """
    words = [f"{at + 1:,} of {listed:,}"]
    if (received := entry.item.received_at) is not None:
        words.append(age(int((now - received).total_seconds() * 1000)))
        words += [due] if (due := due_words(received, entry.due_at, now)) else []
    return " · ".join(words)


def empty_words(services: Session, listing: QueueListing) -> tuple[str, ...]:
    """Why the list is empty, and what to do next.

    Args:
        services: tell how the last read of the queue went.
        listing: the queue.
    """
    keys = services.settings.keys
    if not listing.waiting and (why := unread_words(services)):
        return why
    if listing.typed.strip():
        cure = with_keys("{pending.back} shows all; {app.help} lists the operators.", keys)
        return (f"No waiting email matches “{OneLine(listing.typed)}”.", cure)
    if listing.filter != ALL:
        cure = with_keys("{pending.back} shows the whole queue, {pending.filter} another part of it.", keys)
        return ("Nothing is waiting in this filter.", f"Shown: {listing.filter.name}. {cure}")
    return ("Nothing is waiting for you.", "Drafts appear here when agents submit them.")


def unread_words(services: Session) -> tuple[str, ...]:
    """Why the list may be empty although mail is waiting; an empty tuple when nothing is waiting."""
    if services.trouble:
        return ("The queue cannot be loaded.", OneLine(services.trouble))
    state = services.sync.state if services.sync is not None else None
    part = next((part for part in state.parts if part.part is Part.PENDING), None) if state is not None else None
    if part is None or (part.last_ok_at is None and part.error is None):
        return ("The queue has not been loaded yet.", "Contacting the gateway …")
    if part.error is None:
        return ()
    since = (
        f"It was empty at {exact(part.last_ok_at)}." if part.last_ok_at else "It has never been loaded on this machine."
    )
    return ("The queue cannot be loaded.", OneLine(part.error), part.cure or OneLine(""), since)
