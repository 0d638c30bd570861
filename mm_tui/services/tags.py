"""Tags at the gateway: what the assistant found, and a human's label, where other tools can read them.

One document of the gateway says that setting tags replaces all, another that it merges: so they are read, merged, set
and compared. A label set by a human wins and is never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.client import GatewayClient

LABEL = "label"
LABEL_BY = "label.by"
SUMMARY = "summary"
INTENT = "intent"
URGENCY = "urgency"
REQUESTED_ACTION = "requested_action"
DEADLINE = "deadline"
AMOUNTS = "amounts"
MODEL = "assist.model"

BY_HUMAN = "human"
BY_MODEL = "model"
LONGEST_VALUE = 500
"""Characters of a tag's value."""
ATTEMPTS = 3


class TagsDiffer(Exception):
    """The gateway holds other tags than were set, even after it was tried again: somebody else writes them too."""


async def merge(
    gateway: GatewayClient, mailbox_id: str, email_id: str, wanted: Mapping[str, str], *, by_human: bool = False
) -> dict[OneLine, OneLine]:
    """Adds tags to a mail and leaves all others as they are.

    Args:
        gateway: with a send key.
        mailbox_id: the mail's mailbox.
        email_id: the mail.
        wanted: the tags to set. Empty values are left out.
        by_human: whether a human chose them; without it, a human's label stays as it is.

    Returns:
        The tags that the gateway holds now.

    Raises:
        GatewayError: a call failed.
        TagsDiffer: what was set did not stay.
    """
    fresh = {key: _value(value) for key, value in wanted.items() if value.strip()}
    for _ in range(ATTEMPTS):
        held = await gateway.tags(mailbox_id, email_id)
        keeps = not by_human and held.get(OneLine(LABEL_BY)) == BY_HUMAN
        added = {key: value for key, value in fresh.items() if not (keeps and key in (LABEL, LABEL_BY))}
        merged = {**{str(key): str(value) for key, value in held.items()}, **added}
        if merged == held:
            return held
        now = await gateway.put_tags(mailbox_id, email_id, merged)
        if now.items() >= merged.items():
            return now
    raise TagsDiffer


def _value(text: str) -> str:
    line = str(OneLine(text)).strip()
    return line if len(line) <= LONGEST_VALUE else line[: LONGEST_VALUE - 1] + "…"
