"""A message in the thread's list."""

from __future__ import annotations

import msgspec

from mm_tui.models import EmailDetail
from mm_tui.review.findings import Finding
from mm_tui.screens.thread.lines import NOTHING, Laid, Pieces
from mm_tui.store.mail.mails import MailRow


class MessageItem(msgspec.Struct, eq=False):
    row: MailRow
    detail: EmailDetail | None = None
    open: bool = False
    words: str = ""
    """The text in place of the body: that it is being opened, or why it cannot be."""
    findings: tuple[Finding, ...] = ()
    unsent: str = ""
    """Its state in words if it is not part of the conversation: it was not sent, or did not arrive."""
    relation: str = ""
    """The ids of it and of its edited text or original, if a human edited it here."""
    head: list[Pieces] = msgspec.field(default_factory=list)
    body: Laid = NOTHING
    laid: tuple[str, int, bool] = ("", 0, False)
    """The body, width and view that `body` was laid out for: large ones take too long to lay out twice."""

    @property
    def height(self) -> int:
        """The number of drawn lines."""
        return len(self.head) + len(self.body.lines) + 1 if self.open else 1
