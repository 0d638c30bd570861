"""`mm-tui pending note`, `assign`, `take-back` and `snooze`: for colleagues on a waiting email, and for later."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.values import add_email_id

FORMS = "30m, 3h, 2d, 14:30, tomorrow, monday, 2026-12-01, 2026-12-01 14:30, or thread"

if TYPE_CHECKING:
    from mm_tui.settings.sections import Settings


def add(actions: Commands) -> None:
    note = actions.action(
        "note",
        help="leave a note for your colleagues",
        description="Sets the note of a waiting email, as a tag at the gateway that every reviewer sees; needs the "
        "send key. A note that a colleague wrote is overwritten only with --replace.",
        task=_set,
    )
    add_email_id(note)
    note.add_argument("text", metavar="TEXT", help="the note, in one line; an empty one removes it")
    note.add_argument("--replace", action="store_true", help="overwrite the note that is there")
    assign = actions.action(
        "assign",
        help="assign one to a reviewer",
        description="Assigns a waiting email to a reviewer or a key, as a tag at the gateway; needs the send key. "
        "The filter is:mine finds what is assigned to you. It is only a hint.",
        task=_set,
    )
    add_email_id(assign)
    assign.add_argument(
        "to", metavar="NAME", help="a reviewer's name, or the end of a key's id; empty removes the assignment"
    )
    take_back = actions.action(
        "take-back",
        help="take back your first approval",
        description="Where two reviewers must approve an email, removes your approval from it, as long as nobody else "
        "has approved it. Needs the send key.",
        task=_set,
        takes_back=True,
    )
    add_email_id(take_back)
    snooze = actions.action(
        "snooze",
        help="snooze one",
        description="Hides a waiting email in the app on this machine, until a time or until something arrives in its "
        "thread. It keeps waiting, and `list` still shows it.",
        task=_snooze,
    )
    add_email_id(snooze)
    snooze.add_argument("until", metavar="WHEN", help=f"{FORMS}; empty ends it")


async def _snooze(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import online
    from mm_tui.commands.waiting import seen
    from mm_tui.services.queue.snooze import NotATime, Snoozes, time_named

    async with online(chosen) as session:
        await seen(session, arguments.id)
        entry = session.queue.entry(arguments.id)
        if entry is None:
            raise CommandError(Exit.NOT_FOUND, f"{arguments.id} is not waiting for a decision")
        snoozes, who = Snoozes(session.database, session.clock), session.reviewer
        try:
            if arguments.until.strip():
                words = snoozes.snooze(entry, time_named(arguments.until, session.clock.now()), who)
            else:
                words = snoozes.end(entry.item.id, who)
        except NotATime as error:
            raise CommandError(Exit.USAGE, str(error)) from None
    emit.result({"id": arguments.id, "words": words}, words, as_json=arguments.json)
    return Exit.OK


async def _set(arguments: argparse.Namespace, chosen: Settings) -> int:
    """Sets the note of a waiting email or, with `to`, its assignment."""
    from mm_tui.commands.online import online, refresh_queue
    from mm_tui.commands.waiting import gone
    from mm_tui.services.presence.notes import NO_SEND_KEY, NotSet, OtherNote, TooLong, note_in
    from mm_tui.services.tags import TagsDiffer

    if chosen.profile.send_key is None:
        raise CommandError(Exit.AUTH, NO_SEND_KEY)
    async with online(chosen) as session:
        await refresh_queue(session)
        item = session.pending.get(arguments.id)
        if item is None:
            raise await gone(session, arguments.id)
        team = session.build_team()
        try:
            if "to" in arguments:
                words = await team.assign(item.mailbox_id, item.id, arguments.to)
            elif "takes_back" in arguments:
                words = await team.take_back_approval(item.mailbox_id, item.id)
            else:
                present = note_in(await session.network.gateway.tags(item.mailbox_id, item.id))
                before = present.text if present is not None and arguments.replace else ""
                words = await team.note(item.mailbox_id, item.id, arguments.text, before=before)
        except NotSet as error:
            cure = "Add --replace to overwrite it." if isinstance(error, OtherNote) else "Nothing was changed."
            status = Exit.USAGE if isinstance(error, TooLong) else Exit.CHANGED
            raise CommandError(status, str(error), cure) from None
        except TagsDiffer:
            raise CommandError(
                Exit.CHANGED, "somebody else is changing the tags at the same time", "Try again."
            ) from None
    emit.result({"id": item.id, "words": words}, words, as_json=arguments.json)
    return Exit.OK
