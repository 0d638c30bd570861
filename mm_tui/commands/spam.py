"""`mm-tui spam`: mail that the gateway took for spam, reporting an email, restoring one."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.values import email_id
from mm_tui.text import OneLine, subject_words

if TYPE_CHECKING:
    from mm_tui.models import EmailSummary
    from mm_tui.settings.sections import Settings


def add(commands: Commands) -> None:
    words = "mail that the gateway took for spam"
    actions = commands.group(
        "spam",
        help=f"{words}: list, report, restore",
        description=f"Lists {words}, reports an email as spam, or restores one.",
    )
    words = "list flagged and quarantined mail of all mailboxes"
    listing = actions.action("list", help=words, task=_list)
    listing.add_argument("--mailbox", metavar="ADDRESS", help="only this mailbox (address or id)")
    for name, help_words in (
        ("report", "report an email as spam; it is quarantined"),
        ("restore", "remove the mark; the email is unread again, and the agent reads it"),
    ):
        action = actions.action(name, help=help_words, task=_mark, spam=name == "report")
        action.add_argument("id", metavar="ID", type=email_id, help="the email's id")


async def _list(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import mailbox_of, online
    from mm_tui.services.events import ignore
    from mm_tui.services.mail.spam import MOST_PAGES, SpamMarks

    async with online(chosen) as session:
        await session.check_account()
        await session.network.sync.refresh_mailboxes()
        boxes = session.mail.addresses()
        wanted = mailbox_of(arguments.mailbox, boxes)
        listed, more = await SpamMarks(session.database, session.network.gateway, ignore).listed()
        found = [mail for mail in listed if wanted in (None, mail.mailbox_id)]
    if arguments.json:
        emit.data({"spam": [_fields(mail, boxes.get(mail.mailbox_id)) for mail in found], "more": more})
    elif found:
        head = [["id", "received", "status", "mailbox", "from", "subject"]] if sys.stdout.isatty() else []
        emit.table(head + [_row(mail, boxes.get(mail.mailbox_id)) for mail in found])
    else:
        emit.note(OneLine("The gateway lists no spam." if wanted is None else "No spam of this mailbox is listed."))
    if wanted is not None and (unknown := sum(mail.mailbox_id not in boxes for mail in listed)):
        emit.note(OneLine(f"Left out: {unknown} whose mailbox is not known here; `mm-tui sync` reads it."))
    if more:
        emit.note(OneLine(f"More than {MOST_PAGES * 100} of one status: the oldest are left out."))
    return Exit.OK


def _row(mail: EmailSummary, mailbox: OneLine | None) -> list[str]:
    at = mail.received_at.isoformat(timespec="seconds") if mail.received_at is not None else ""
    status = OneLine(str(mail.status).removeprefix("spam_"))
    return [mail.id, at, status, mailbox or "?", mail.sender.address, subject_words(mail.subject)]


def _fields(mail: EmailSummary, mailbox: OneLine | None) -> dict[str, object]:
    return {
        "id": mail.id,
        "mailbox": mailbox,
        "status": str(mail.status),
        "from": mail.sender.address,
        "subject": mail.subject,
        "received_at": mail.received_at.isoformat() if mail.received_at is not None else None,
        "spam_score": mail.spam_score,
        "spam_verdict": mail.spam_verdict or None,
    }


async def _mark(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import online
    from mm_tui.services.events import ignore
    from mm_tui.services.mail.spam import NotMarked, SpamMarks, why_not

    async with online(chosen) as session:
        await session.check_account()
        known = session.mail.summary(arguments.id)
        if known is None and arguments.spam:
            raise CommandError(Exit.NOT_FOUND, f"{arguments.id} is not in the store", "Run `mm-tui sync` first.")
        if known is not None and (why := why_not(str(known.direction), str(known.status), spam=arguments.spam)):
            raise CommandError(Exit.CHANGED, f"{arguments.id} is not marked: {why}", "`mm-tui sync` reads it again.")
        try:
            marks = SpamMarks(session.database, session.network.gateway, ignore)
            words = await marks.mark(arguments.id, spam=arguments.spam)
        except NotMarked as error:
            cure = "`mm-tui spam list` shows what can be restored."
            raise CommandError(Exit.CHANGED, f"{arguments.id} is not restored: {error}", cure) from error
    emit.result({"id": arguments.id, "spam": arguments.spam, "words": words}, words, as_json=arguments.json)
    return Exit.OK
