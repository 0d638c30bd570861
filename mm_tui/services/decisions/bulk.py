"""Rejects everything that a filter selects: shows a summary first, reads what was only listed, and reports failures.
Nothing can be approved this way. Each email goes through the usual procedure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.decision.state import Outcome
from mm_tui.gateway.errors import GatewayError
from mm_tui.models import PendingItem
from mm_tui.review.digest import digest_of
from mm_tui.services.audit.key_names import actor_words
from mm_tui.services.decisions.view import AS_WANTED, DecisionView
from mm_tui.text import OneLine, subject_words

if TYPE_CHECKING:
    from mm_tui.services.decisions.service import Decisions
    from mm_tui.services.queue.entry import QueueEntry
    from mm_tui.services.sync.service import Sync
    from mm_tui.store.audit.entries import AuditStore
    from mm_tui.store.mail.pending import PendingStore

FIRST_SUBJECTS = 5
MOST_NAMED = 5
"""How many mailboxes and agents are named."""


class Failure(NamedTuple):
    """An email that was not rejected, and why."""

    email_id: str
    why: OneLine


def summary(
    entries: Sequence[QueueEntry], addresses: Mapping[str, str], audit: AuditStore, names: Mapping[str, str]
) -> list[OneLine]:
    """Summarizes what would be rejected: the number per mailbox and per agent, and the first subjects. `audit` names
    the key that composed each email, as far as the gateway's log was read; `names` are the names of keys, by their
    ids."""
    boxes = Counter(addresses.get(entry.item.mailbox_id, entry.item.mailbox_id) for entry in entries)
    agents = Counter(_agent(entry, audit, names) for entry in entries)
    subjects = list(dict.fromkeys(subject_words(entry.item.subject).strip() for entry in entries))
    lines = [f"mailbox  {_counted(boxes)}", f"agent    {_counted(agents)}"]
    lines += [f"subject  {subject}" for subject in subjects[:FIRST_SUBJECTS]]
    lines += [f"         and {len(subjects) - FIRST_SUBJECTS} more subjects"] if len(subjects) > FIRST_SUBJECTS else []
    return [OneLine(line) for line in lines]


def snoozed_words(number: int) -> OneLine:
    """Says how many snoozed emails the filter selects: they are hidden, and are not rejected."""
    them = "1 snoozed email matches too and is" if number == 1 else f"{number} snoozed emails match too and are"
    return OneLine(f"{them} left out; is:snoozed in the query selects snoozed ones")


def _agent(entry: QueueEntry, audit: AuditStore, names: Mapping[str, str]) -> str:
    if entry.is_inbound:
        return "none (came in)"
    if entry.author is not None:
        return f"{entry.author.name} (a human)"
    key = audit.composer(entry.item.id)
    return actor_words(key, names) if key else "unknown"


def _counted(found: Counter[str]) -> str:
    named = [f"{name} {number}" for name, number in found.most_common(MOST_NAMED)]
    rest = len(found) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")


async def read_whole(entry: QueueEntry, sync: Sync, pending: PendingStore) -> tuple[PendingItem, str] | OneLine:
    """The whole email and its digest, or why it cannot be read. An email that was only listed is read from the gateway
    now, and must still have the listed text."""
    if entry.item.complete:
        return entry.item, entry.digest
    try:
        await sync.fetch_detail(entry.item.mailbox_id, entry.item.id)
    except GatewayError as error:
        return OneLine(error.message)
    item = pending.get(entry.item.id)
    if item is None:
        return OneLine("it no longer waits")
    if not item.complete or (item.raw.subject, item.raw.body) != (entry.item.raw.subject, entry.item.raw.body):
        return OneLine("it changed meanwhile")
    return item, digest_of(item.id, item.mailbox_id, item.direction, item.raw)


async def begin(
    entries: Sequence[QueueEntry],
    reason: str,
    *,
    decisions: Decisions,
    sync: Sync,
    pending: PendingStore,
    hold: float | None = None,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[DecisionView], list[Failure]]:
    """Begins the rejection of all of these emails, as they were shown, under one hold and one undo.

    `hold` is as in `Decisions.reject`. `stopped` is called after each reading, and once the rejections are held; if it
    returns True, nothing is rejected. `progress` is called with the number read so far. Raises Refused if nothing can
    be rejected at all.
    """
    items: list[tuple[PendingItem, str]] = []
    failures: list[Failure] = []
    for number, entry in enumerate(entries):
        if stopped():
            return [], []
        progress(number)
        found = await read_whole(entry, sync, pending)
        if isinstance(found, OneLine):
            failures.append(Failure(entry.item.id, found))
        else:
            items.append(found)
    views, refused = await decisions.reject_each(items, reason, hold=hold)
    if stopped() and views:
        await decisions.undo(views[0].email_id)
        now = {view.email_id: decisions.overview.state(view.email_id) or view for view in views}
        return [view for view in views if now[view.email_id].outcome is not Outcome.UNDONE], []
    return list(views), [*failures, *(Failure(email_id, why) for email_id, why in refused.items())]


def failed(views: Sequence[DecisionView]) -> Iterator[Failure]:
    """The ended decisions that did not reject their email."""
    yield from (Failure(view.email_id, view.words) for view in views if view.phase not in AS_WANTED)
