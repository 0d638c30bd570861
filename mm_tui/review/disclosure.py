"""What the gateway adds to a mail, or does not tell about it, in words for the reviewer (R11)."""

from __future__ import annotations

from mm_tui.models import Mailbox
from mm_tui.text import OneLine


def disclosure(mailbox: Mailbox | None) -> tuple[OneLine, ...]:
    """The lines to show beside every mail that waits to be sent from `mailbox`; None where the mailbox is not known."""
    lines = ["bcc: not disclosed by the gateway"]
    if mailbox is None:
        return (*map(OneLine, lines), OneLine("mailbox not known: what it adds cannot be shown"))
    if mailbox.auto_cc:
        lines.append(f"auto-cc: {mailbox.auto_cc} gets a copy")
    if mailbox.auto_bcc:
        lines.append(f"auto-bcc: {mailbox.auto_bcc} gets a hidden copy")
    if mailbox.signature_block:
        lines.append(f"signature may be added: {mailbox.signature_block}")
    if mailbox.ai_disclosure:
        lines.append("a note that an AI wrote it may be added")
    return tuple(map(OneLine, lines))
