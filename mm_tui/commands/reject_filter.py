"""`mm-tui pending reject --filter`: rejects everything that a filter selects, after its summary, given the number."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from hashlib import sha256

from mm_tui.commands.decide import begun
from mm_tui.commands.online import online, read_drafts, refresh_queue
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.printed import Printed, printed, remember
from mm_tui.commands.queue_output import queue_filter_of
from mm_tui.review.digest import canonical
from mm_tui.services.audit.key_names import key_names
from mm_tui.services.decisions import bulk
from mm_tui.services.decisions.service import Decisions
from mm_tui.services.decisions.view import AS_WANTED, DecisionView
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.settings.sections import Settings
from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import OneLine


async def reject_filter(arguments: argparse.Namespace, chosen: Settings) -> int:
    """Rejects everything that the filter selects; without the right number it only prints the summary."""
    async with online(chosen) as session:
        decisions = session.build_decisions(by_command=True)
        await refresh_queue(session)
        await read_drafts(session)
        queue = session.queue
        chosen_filter = queue_filter_of(arguments.filter, chosen, queue.filter_context())
        waiting = queue.entries(assignee=session.reviewer)
        selected = chosen_filter.select([queue.as_submitted(entry) for entry in waiting])
        entries = [entry for entry in selected if chosen_filter.asks_snoozed or not entry.snoozed]
        left_out = len(selected) - len(entries)
        addresses = session.mail.addresses()
        if not entries:
            cure = f"{bulk.snoozed_words(left_out)}." if left_out else ""
            raise CommandError(Exit.NOT_FOUND, "no waiting email matches", cure)
        if left_out:
            emit.note(bulk.snoozed_words(left_out))
        selection = _digest_of(entries)
        # Whoever has seen a summary here means these emails; the number may also come from the app, or another machine.
        before = printed(session.database, Printed.SELECTION, arguments.filter)
        others = "" if not before or selection in before else ", other emails than were printed before"
        if arguments.yes_reject != len(entries) or others:
            for line in bulk.summary(entries, addresses, session.audit, key_names(session.state)):
                emit.note(line)
            sys.stderr.flush()
            # Only now: if nobody could read it, nothing was printed.
            remember(session.database, Printed.SELECTION, arguments.filter, [selection])
            wrong = arguments.yes_reject is not None
            raise CommandError(
                Exit.CHANGED if wrong else Exit.USAGE,
                f"the filter selects {len(entries)}{others}: nothing was rejected",
                f"Add --yes-reject {len(entries)} to reject them all.",
            )
        beginning = bulk.begin(
            entries, arguments.reason, decisions=decisions, sync=session.network.sync, pending=session.pending, hold=0
        )
        views, failures = await begun(beginning)
        ended = await _ended(decisions, views, arguments.wait)
        try:
            for view in ended:
                if view.phase in AS_WANTED:
                    session.pending.remove(view.email_id)
        except STORE_FAULTS as error:
            # The outcomes are still reported.
            emit.warning(fault_of_store(error))
    failures += bulk.failed(ended)
    rejected = [view.email_id for view in ended if view.phase in AS_WANTED]
    if arguments.json:
        emit.data(
            {
                "rejected": rejected,
                "failed": [{"id": one.email_id, "words": one.why} for one in failures],
                "snoozed_left_out": left_out,
            }
        )
    else:
        emit.line(OneLine(f"{len(rejected)} of {len(entries)} rejected"))
        for one in failures:
            emit.error(OneLine(f"{one.email_id}: {one.why}"))
    return Exit.CHANGED if failures else Exit.OK


def _digest_of(entries: Sequence[QueueEntry]) -> str:
    """Identifies these emails with their texts, whether or not their details have been read."""
    texts = sorted([entry.item.id, entry.item.raw.subject, entry.item.raw.body] for entry in entries)
    return sha256(canonical(texts)).hexdigest()


async def _ended(decisions: Decisions, views: list[DecisionView], seconds: float) -> list[DecisionView]:
    """The decisions once all have ended or ask, or their state when the time limit is reached."""
    try:
        async with asyncio.timeout(seconds):
            for view in views:
                await decisions.overview.settled(view.email_id)
    except TimeoutError:
        emit.note(OneLine("the time limit was reached before all rejections had ended"))
    return [decisions.overview.state(view.email_id) or view for view in views]
