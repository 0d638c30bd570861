"""What the gateway adds to an email, or does not disclose about it, as text for the reviewer (R11)."""

from __future__ import annotations

from datetime import UTC, datetime

from mm_tui.models import Mailbox
from mm_tui.text import OneLine

AI_NOTE = "a note that an AI wrote it may be added"
NOT_DISCLOSED = "not disclosed by the gateway"
BCC_NOT_DISCLOSED = f"bcc: {NOT_DISCLOSED}"


def disclosure(mailbox: Mailbox | None) -> tuple[OneLine, ...]:
    """The lines to show for every email waiting to be sent from `mailbox` (None if unknown)."""
    lines = [BCC_NOT_DISCLOSED]
    if mailbox is None:
        return (*map(OneLine, lines), OneLine("unknown mailbox: what it adds cannot be shown"))
    if mailbox.auto_cc:
        lines.append(f"auto-cc: {mailbox.auto_cc} gets a copy")
    if mailbox.auto_bcc:
        lines.append(f"auto-bcc: {mailbox.auto_bcc} gets a hidden copy")
    if mailbox.signature_block:
        lines.append(f"signature may be added: {mailbox.signature_block}")
    if mailbox.ai_disclosure:
        lines.append(AI_NOTE)
    return tuple(map(OneLine, lines))


def in_short(mailbox: Mailbox | None, *, knows_send_time: bool) -> tuple[OneLine, ...]:
    """A short form to show above a draft as its bcc: what is usual on one line, otherwise only what differs."""
    lines = [NOT_DISCLOSED + ("" if knows_send_time else ", nor is the send time")]
    usual = {BCC_NOT_DISCLOSED, AI_NOTE}
    lines += [line for line in disclosure(mailbox) if line not in usual]
    if mailbox is not None and mailbox.ai_disclosure is False:
        lines.append("no note will say that an AI wrote it")
    return tuple(map(OneLine, lines))


def when_it_leaves(send_at: str, now: datetime, *, edited: bool = False) -> OneLine:
    """When an approved email is sent, or that this is not disclosed.

    Args:
        send_at: as given by the gateway, ISO 8601 or epoch milliseconds; empty if not given.
        now: to tell a time that has passed.
        edited: a human's text would be sent instead of the draft, without a send time.
    """
    if edited:
        caveat = f", not at the draft's send time ({send_at})" if send_at else ""
        return OneLine(f"your edit is sent once approved{caveat}")
    if not send_at:
        return OneLine("send time: not disclosed")
    try:
        moment = (
            datetime.fromtimestamp(int(send_at) / 1000, UTC) if send_at.isdigit() else datetime.fromisoformat(send_at)
        )
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        at = moment.astimezone().strftime("%a %d %b %Y %H:%M %Z")
    except (ValueError, OverflowError, OSError):
        return OneLine(f"leaves at “{send_at}”, once approved")
    passed = "; that time has passed, so it is sent at once" if moment <= now else ""
    return OneLine(f"leaves {at}, once approved{passed}")
