"""`mm-tui scheduled`: emails that will be sent later, and cancelling one."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit, of_failure
from mm_tui.commands.values import email_id
from mm_tui.review.disclosure import send_moment
from mm_tui.text import OneLine, subject_words

if TYPE_CHECKING:
    from mm_tui.models import EmailDetail, EmailSummary
    from mm_tui.session import Session
    from mm_tui.settings.sections import Settings


def add(commands: Commands) -> None:
    actions = commands.group(
        "scheduled",
        help="emails that will be sent later: list, cancel",
        description="Lists the emails that will be sent later, or cancels one.",
    )
    actions.action(
        "list",
        help="list the scheduled emails of all mailboxes",
        description="Lists the scheduled emails of all mailboxes: id, when it will be sent, mailbox, recipients, "
        "subject. The gateway may not disclose when.",
        task=_list,
    )
    cancel = actions.action(
        "cancel",
        help="cancel one",
        description="Cancels a scheduled email with the send key: it is not sent, and does not come back to the queue. "
        "The call is made once, and the email is read again. If it is not scheduled, or not any longer, the exit "
        "status is 6.",
        task=_cancel,
    )
    cancel.add_argument("id", metavar="ID", type=email_id, help="the email's id, as `mm-tui scheduled list` prints it")


async def _list(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import online

    async with online(chosen) as session:
        found, more = await _listed(session)
        times = await _send_times(session.network.sync.read_detail_quietly, found)
        boxes = session.mail.addresses()
    if arguments.json:
        rows = [_fields(mail, times.get(mail.id), boxes.get(mail.mailbox_id)) for mail in found]
        emit.data({"scheduled": rows, "more": more})
    elif found:
        emit.table([_row(mail, times.get(mail.id), boxes.get(mail.mailbox_id)) for mail in found])
    else:
        emit.note(OneLine("No email is scheduled."))
    if more:
        emit.note(OneLine("There are too many to read them all: the oldest are left out."))
    return Exit.OK


async def _listed(session: Session) -> tuple[list[EmailSummary], bool]:
    from mm_tui.services.mail.scheduled import listed

    await session.network.sync.refresh_mailboxes()
    return await listed(session.network.gateway, session.mail.addresses())


async def _send_times(
    read: Callable[[str, str], Awaitable[EmailDetail]], found: Sequence[EmailSummary]
) -> dict[str, str]:
    """By id, when the emails will be sent, as given by the gateway: empty if it does not say, and missing if the email
    could not be read. Only opened emails say it, and if the first one does not, no other is opened."""
    from mm_tui.gateway.errors import GatewayError, NotFound

    times: dict[str, str] = {}
    for mail in found:
        try:
            times[mail.id] = (await read(mail.mailbox_id, mail.id)).raw.send_at
        except NotFound:
            # It was sent or cancelled meanwhile.
            continue
        except GatewayError:
            break
        if not any(times.values()):
            return dict.fromkeys((one.id for one in found), "")
    return times


def _row(mail: EmailSummary, send_at: str | None, mailbox: OneLine | None) -> list[OneLine]:
    to = OneLine(", ".join(one.address for one in mail.to))
    when = OneLine("not read") if send_at is None else send_moment(send_at)
    return [OneLine(mail.id), when, mailbox or OneLine(""), to, subject_words(mail.subject)]


def _fields(mail: EmailSummary, send_at: str | None, mailbox: OneLine | None) -> dict[str, object]:
    return {
        "id": mail.id,
        "send_at": OneLine(send_at or "") or None,
        "mailbox": mailbox,
        "status": str(mail.status),
        "to": [one.address for one in mail.to],
        "subject": mail.subject,
    }


async def _cancel(arguments: argparse.Namespace, chosen: Settings) -> int:
    from mm_tui.commands.online import online
    from mm_tui.services.mail.scheduled import NotCancelled, cancel

    if chosen.profile.send_key is None:
        raise CommandError(Exit.AUTH, "cancelling needs a send key", "Set send_key, for example with `mm-tui init`.")
    async with online(chosen) as session:
        await session.check_account()
        gateway, sync = session.network.gateway, session.network.sync
        mail = await _scheduled(session, arguments.id)
        try:
            words = await cancel(gateway, sync, session.change_journal, mail.mailbox_id, mail.id)
        except NotCancelled as error:
            cause = of_failure(error.__cause__) if error.__cause__ is not None else None
            status, cure = (cause[0], cause[2]) if cause is not None else (Exit.CHANGED, "")
            raise CommandError(status, f"{mail.id}: {error}", cure) from error
    emit.result({"id": mail.id, "cancelled": True, "words": words}, words, as_json=arguments.json)
    return Exit.OK


async def _scheduled(session: Session, email_id: str) -> EmailSummary:
    """The email as it is at the gateway. Raises CommandError if it is not scheduled (6), or does not exist (3)."""
    from mm_tui.models import Direction, Status
    from mm_tui.services.mail.unsent import is_scheduled, state_words

    known = session.mail.summary(email_id)
    if known is None:
        found, _ = await _listed(session)
        known = next((mail for mail in found if mail.id == email_id), None)
    if known is None:
        raise CommandError(
            Exit.NOT_FOUND, f"no scheduled email has the id {email_id}", "`mm-tui scheduled list` shows them."
        )
    # Opening received mail would mark it as read.
    if str(known.direction) == Direction.OUTBOUND:
        known = await session.network.sync.fetch_detail(known.mailbox_id, email_id)
    if not is_scheduled(known.direction, known.status):
        state = state_words(str(known.direction), str(known.status)) or known.status.replace("_", " ")
        waits = str(known.status) == Status.PENDING_SEND_APPROVAL
        raise CommandError(
            Exit.CHANGED,
            f"{email_id} is not scheduled and was not cancelled. Its state: {state}",
            "`mm-tui pending reject` keeps it from being sent."
            if waits
            else "`mm-tui scheduled list` shows those that are.",
        )
    return known
