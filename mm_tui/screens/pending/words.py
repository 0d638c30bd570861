"""The texts of the queue's heading and of its empty list, and what dialogs say which email they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from mm_tui.models import Party
from mm_tui.review.digest import short
from mm_tui.screens.pending.findings import findings_page
from mm_tui.services.audit.key_names import NO_NAMES, key_names, key_words
from mm_tui.services.events import SyncPart
from mm_tui.services.queue.due import due_words, is_overdue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.queue.filter import ALL
from mm_tui.session import Session
from mm_tui.store.audit.made import MadeDecision, MadeOutcome
from mm_tui.text import OneLine, subject_words
from mm_tui.widgets.cells import at_most, fit_address
from mm_tui.widgets.words import age, count, exact, joined, sentence, with_keys

if TYPE_CHECKING:
    from mm_tui.services.decisions.listing import QueueListing

ABOUT_CELLS = 100
"""The most cells of an address, and of a subject, in a dialog."""
MOST_NAMED = 4
"""The most reviewers listed by name in today's decisions."""
NOT_YET = ("The queue has not been loaded yet.", "Contacting the gateway …")
"""Why the list is empty before the gateway has answered."""
OUTCOME_WORDS = {
    MadeOutcome.SENT: "sent as written",
    MadeOutcome.EDITED: "sent after edits",
    MadeOutcome.REJECTED: "rejected",
    MadeOutcome.LET_IN: "let in",
}

ONLY_SENT_BACK = "without a send key an edit cannot be submitted, only sent back to the agent"
TEXT_KEYS = (
    ("^z ^y", "Undo and redo what you typed."),
    ("^w ^u ^k", "Delete a word back, to the start of the line, to its end."),
    ("^a ^e", "Go to the start or the end of the line, like home and end."),
    ("^home ^end", "Go to the start or the end of the text."),
    ("^← ^→", "Go back or forward one word."),
    ("f6 f7", "Select the line, select all; shift selects with any key that moves."),
    ("^c ^x ^v", "Copy or cut the selection, and paste."),
    ("pgup pgdn", "One page up, one page down."),
)
"""Editing keys, for the help."""
SIGNS = (
    ("!! ! ·", "high, medium and low risk; none if nothing was found"),
    ("?", "not checked yet: details are still being loaded"),
    ("→ ←", "a draft to this address; inbound mail from it, which waits to be let in"),
    ("+", "marked for a batch"),
    ("≠", "a remark of the second reader"),
    (
        "digest",
        "the eight characters after the subject or the sender; they change with the email, and the journal has them",
    ),
)
"""The signs of the queue and of a draft, for the help."""


def question_words(entry: QueueEntry) -> tuple[str, str]:
    """The question before an approval that needs a second key press, and the answer that approves."""
    act, anyway = ("Let in", "let it in anyway") if entry.is_inbound else ("Approve", "approve anyway")
    why = "what a colleague has open" if entry.colleague_words else "although its thread continued"
    return f"{act} {'despite high risk' if entry.assessment.asks_again else why}?", anyway


def question_page(entry: QueueEntry, newer: str) -> Content:
    """What is asked about before an approval; `newer` is what came in its thread and was not on the screen."""
    alerts = [words for words in (entry.colleague_words, newer) if words]
    page = [Content.styled(about_line(entry), "bold"), Content("")]
    page += [Content.assemble((" ! ", "$warning"), words) for words in alerts]
    page += [findings_page(entry)] if entry.assessment.asks_again else []
    return joined(page, "\n")


def about_line(entry: QueueEntry, *, digest: bool = True) -> OneLine:
    """Which email a dialog is about, on one line: to or from whom, the short digest, and the subject. `digest` is False
    where nothing is decided."""
    edit = entry.edit.text if entry.edit is not None else None
    to = (
        [str(Party.parse(one).address) for one in edit.to]
        if edit is not None
        else [one.address for one in entry.item.to]
    )
    address = entry.item.sender.address if entry.is_inbound else to[0] if to else "(not disclosed)"
    subject = OneLine(entry.text.subject)
    subject = subject_words(subject)
    # Longer ones would push what is asked out of the dialog.
    address = fit_address(address, min(cell_len(address), ABOUT_CELLS))
    subject = OneLine(at_most(subject, ABOUT_CELLS))
    more = f" +{len(to) - 1}" if len(to) > 1 else ""
    who = f"from {address}" if entry.is_inbound else f"to {address}{more}"
    parts = [who, *([short(entry.shown_digest)] if digest else []), subject]
    return OneLine(" · ".join(parts))


def edit_head(entry: QueueEntry, saved: bool | None, trouble: str, room: int) -> Content:
    """The editor's title, ending with whether the current text is saved: None if something was typed since, False if
    the text is still the agent's. `trouble`: why it is not saved, if that failed."""
    if trouble:
        sign = Content.assemble(("▲ ", "$error"), trouble)
    else:
        words = {None: "○ typing", True: "● saved", False: "● unchanged"}[saved]
        sign = Content.styled(words, "$mm-dim")
    who = entry.item.to[0].address if entry.item.to else "(not disclosed)"
    title = fit_address(f"Edit the draft to {who}", max(8, room - sign.cell_length - 2))
    return Content.assemble((title, "bold"), "  ", sign)


def heading(
    listing: QueueListing,
    marked: Collection[str],
    saved_texts: int,
    keys: Mapping[str, str],
    progress: str = "",
    *,
    known: bool = True,
) -> Content:
    """How many emails are shown, of how many, and in which order; or what is wrong with the query. `known`: whether the
    queue has been read: an empty one may be unknown."""
    if progress:
        stop = with_keys(" · {app.undo} stops the rest", keys)
        return Content.assemble((progress, "bold"), (stop, "$mm-dim"))
    if listing.complaint:
        hint = with_keys(" · {app.help} lists the operators", keys, typing=True)
        return Content.assemble(("▲ ", "$warning"), listing.complaint, (hint, "$mm-dim"))
    shown, waiting = len(listing.entries), len(listing.waiting)
    what = f"{shown:,} of {waiting:,} waiting" if listing.is_filtered else f"{waiting:,} waiting"
    if listing.typed.strip() and listing.filter != ALL:
        inside = next((one.number for one in listing.filters if one.filter == listing.filter), waiting)
        what = f"{shown:,} of {inside:,} in {listing.filter.name}"
    if listing.expected is not None:
        what = f"{shown:,} of {listing.expected:,} waiting, checking the rest" if shown else "loading"
    elif not waiting and not known:
        what = "not loaded yet"
    ended = len(listing.listed) - shown if listing.is_filtered else 0
    words = [f"{ended} no longer {'waits' if ended == 1 else 'wait'}"] if ended else []
    hidden = sum(email_id not in listing.listed for email_id in marked)
    words += [f"{len(marked)} marked{f', {hidden} not listed' if hidden else ''}"] if marked else []
    words += [str(listing.order)] if waiting else []
    words += _snoozed_words(listing)
    key = with_keys("{pending.kept}", keys)
    words += [f"{key} {count(saved_texts, 'saved text', 'saved texts')}"] if saved_texts else []
    return Content.assemble((what, "bold"), ("".join(f" · {one}" for one in words), "$mm-dim"))


def _snoozed_words(listing: QueueListing) -> list[str]:
    """How many emails are snoozed, and how many of them are overdue."""
    snoozed = [entry for entry in listing.waiting if entry.snoozed]
    overdue = sum(is_overdue(entry.due_at, listing.now) for entry in snoozed)
    late = f" ({overdue} overdue)" if overdue else ""
    return [f"{len(snoozed)} snoozed{late}"] if snoozed else []


def place_words(entry: QueueEntry, at: int, listed: int, now: datetime, *, marked: bool) -> str:
    """Whether the email is marked, its place in the list (`at`, from 0), how long it has waited, whether it is due."""
    words = [*(["+ marked"] if marked else []), f"{at + 1:,} of {listed:,}"]
    if (received := entry.item.received_at) is not None:
        words.append(age(int((now - received).total_seconds() * 1000)))
        words += [due] if (due := due_words(received, entry.due_at, now)) else []
    return " · ".join(words)


def empty_words(
    session: Session, listing: QueueListing, saved_texts: int = 0, made: Sequence[MadeDecision] = ()
) -> tuple[str, ...]:
    """Why the list is empty, according to the last read of the queue, what was done today, and what to do next."""
    keys = session.settings.keys
    if not listing.waiting and (why := unread_words(session)):
        return why
    if listing.typed.strip():
        cure = with_keys("{pending.back} shows all; {app.help} lists the operators.", keys, typing=True)
        return (f"No waiting email matches “{OneLine(listing.typed)}”.", cure)
    if listing.filter != ALL:
        cure = with_keys("{pending.back} shows the whole queue, {pending.filter} another part of it.", keys)
        return ("Nothing is waiting in this filter.", f"Shown: {listing.filter.name}. {cure}")
    if listing.waiting:
        cure = with_keys("{pending.filter} lists it under “snoozed”.", keys)
        return ("All waiting emails are snoozed.", f"{', '.join(_snoozed_words(listing))}: {cure}")
    unread = session.mail.counts().unread
    steps = [f"{{app.inbox}} opens the inbox ({unread:,} unread)" if unread else "{app.inbox} opens the inbox"]
    steps += [f"{{pending.kept}} lists {count(saved_texts, 'saved text', 'saved texts')}"] if saved_texts else []
    return (
        "Nothing is waiting for you.",
        *done_words(made, session.reviewer, key_names(session.state)),
        "Drafts appear here when agents submit them.",
        with_keys(f"Next: {', '.join(steps)}, {{app.audit}} shows both logs.", keys),
    )


def done_words(made: Sequence[MadeDecision], me: str, names: Mapping[str, str] = NO_NAMES) -> tuple[str, ...]:
    """What was done today and by whom, busiest first, with a line for each of at most `MOST_NAMED`. `me`: the name
    recorded for this program's decisions. `names`: the names of keys, by their ids."""
    if not made:
        return ("Nothing has been decided today.",)
    by: dict[tuple[bool, str], Counter[MadeOutcome]] = {}
    for one in made:
        by.setdefault((one.here, one.who), Counter())[one.outcome] += 1
    busiest = sorted(by.items(), key=lambda item: (-item[1].total(), item[0]))
    lines = [f"Decided today: {len(made):,}"]
    for (here, name), outcomes in busiest[:MOST_NAMED]:
        who = (f"{name} (you)" if name == me else name) if here else key_words(name, names) if name else "elsewhere"
        words = OUTCOME_WORDS if here else {**OUTCOME_WORDS, MadeOutcome.SENT: "approved"}
        said = [f"{outcomes[outcome]:,} {words[outcome]}" for outcome in MadeOutcome if outcomes[outcome]]
        lines.append(f"· {OneLine(who)}: {', '.join(said)}")
    if others := busiest[MOST_NAMED:]:
        decided = sum(outcomes.total() for _, outcomes in others)
        lines.append(f"· {count(len(others), 'other', 'others')}: {decided:,} decided")
    return tuple(lines)


def unread_words(session: Session) -> tuple[str, ...]:
    """Why the list may be empty although mail is waiting; an empty tuple if nothing is waiting."""
    if session.trouble:
        return ("The queue cannot be loaded.", sentence(session.trouble))
    state = session.sync.state if session.sync is not None else None
    part = next((part for part in state.parts if part.part is SyncPart.PENDING), None) if state is not None else None
    if part is None or (part.last_ok_at is None and part.error is None):
        return NOT_YET
    if part.error is None:
        return ()
    since = (
        f"It was empty at {exact(part.last_ok_at)}." if part.last_ok_at else "It has never been loaded on this machine."
    )
    return ("The queue cannot be loaded.", sentence(part.error), part.cure or OneLine(""), since)
