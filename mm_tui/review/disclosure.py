"""What the gateway adds to an email, or does not disclose about it, as text for the reviewer (R11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mm_tui.models import Mailbox, Party
from mm_tui.review.findings import Finding, Level
from mm_tui.text import OneLine

AI_NOTE = "a note that an AI wrote it may be added"
NOT_DISCLOSED = "not disclosed by the gateway"
BCC_NOT_DISCLOSED = f"bcc: {NOT_DISCLOSED}"
SEND_TIME_PASSED = "send_time_passed"
"""The code of the finding about a send time that has passed."""


def disclosure(mailbox: Mailbox | None, bcc: Sequence[Party] = ()) -> tuple[OneLine, ...]:
    """The lines to show for every email waiting to be sent from `mailbox`. `bcc`: who gets a hidden copy, if known."""
    lines = [f"bcc: {', '.join(map(str, bcc))}" if bcc else BCC_NOT_DISCLOSED]
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


def in_short(
    mailbox: Mailbox | None, bcc: Sequence[Party] = (), *, knows_send_time: bool, edited: bool = False
) -> tuple[OneLine, ...]:
    """A short form to show above a draft as its bcc: what is usual on one line, otherwise only what differs. `edited`:
    a human's text would be sent instead of the draft."""
    unknown = "" if knows_send_time else ", nor is the send time"
    # Short enough for one line of 80 columns with when the edit is sent.
    lines = ["not disclosed, and your edit has none" if edited else f"{NOT_DISCLOSED}{unknown}"]
    if bcc:
        lines = [
            ", ".join(map(str, bcc)),
            *([] if edited or knows_send_time else [f"the send time is {NOT_DISCLOSED}"]),
        ]
    usual = {BCC_NOT_DISCLOSED, AI_NOTE}
    lines += [line for line in disclosure(mailbox) if line not in usual]
    if mailbox is not None and mailbox.ai_disclosure is False:
        lines.append("no note will say that an AI wrote it")
    return tuple(map(OneLine, lines))


def send_time_words(send_at: str, now: datetime, *, edited: bool = False) -> OneLine:
    """When an approved email is sent, or that this is not disclosed. `send_at`: as given by the gateway, ISO 8601 or
    epoch milliseconds; empty if not given. `now` tells a time that has passed. `edited`: a human's text would be sent
    instead of the draft, without a send time."""
    if edited:
        caveat = f", not at the draft's send time ({send_at})" if send_at else ""
        return OneLine(f"your edit is sent once approved{caveat}")
    if not send_at:
        return send_time("")
    if (moment := _moment(send_at)) is None:
        return OneLine(f"leaves at “{send_at}”, once approved")
    passed = "; that time has passed, so it is sent at once" if moment <= now else ""
    return OneLine(f"leaves {_at(moment)}, once approved{passed}")


def send_time(send_at: str) -> OneLine:
    """The send time of an email that need not be approved any more, or that it is not disclosed."""
    return OneLine(f"send time: {send_moment(send_at)}")


def send_moment(send_at: str) -> OneLine:
    """The time alone."""
    moment = _moment(send_at) if send_at else None
    return OneLine(_at(moment) if moment is not None else f"“{send_at}”" if send_at else "not disclosed")


def late(send_at: str, now: datetime) -> tuple[Finding, ...]:
    """A finding about a send time that has passed: approving then sends at once, not at that time."""
    moment = _moment(send_at) if send_at else None
    if moment is None or moment > now:
        return ()
    words = f"its send time has passed ({_at(moment)}): it is sent at once"
    return (Finding(SEND_TIME_PASSED, Level.HIGH, OneLine(words)),)


def _moment(send_at: str) -> datetime | None:
    """The time that the gateway gave, in this machine's zone; None if it cannot be read."""
    try:
        moment = (
            datetime.fromtimestamp(int(send_at) / 1000, UTC) if send_at.isdigit() else datetime.fromisoformat(send_at)
        )
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _at(moment: datetime) -> str:
    return moment.strftime("%a %d %b %Y %H:%M %Z")
