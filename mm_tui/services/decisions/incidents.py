"""The emails of incidents: decisions after which something unwanted was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.models import Attachment, Party, PendingItem
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    pass


def item_of(live: ActiveDecision) -> PendingItem | None:
    """The email as it was seen when it was decided; None if its text was not kept."""
    if live.content is None:
        return None
    raw, case = live.content.base, live.state.case
    return PendingItem(
        id=case.item,
        mailbox_id=live.facts.mailbox_id,
        direction=OneLine(live.facts.direction),
        sender=Party.parse(raw.sender),
        to=tuple(map(Party.parse, raw.to)),
        cc=tuple(map(Party.parse, raw.cc)),
        subject=OneLine(raw.subject),
        body=ManyLine(raw.body),
        received_at=live.facts.received_at,
        thread_id=live.facts.thread_id,
        attachments=tuple(
            Attachment(name=OneLine(name), size=size, content_type=OneLine(kind))
            for name, size, kind in raw.attachments
        ),
        raw=raw,
        complete=True,
    )
