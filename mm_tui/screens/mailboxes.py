"""The mailboxes screen: so far its counts alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from mm_tui.screens.base import BaseScreen

if TYPE_CHECKING:
    from textual.app import ComposeResult


class MailboxesScreen(BaseScreen):
    """What the store holds, in one line."""

    MODE = "mailboxes"
    TITLE_WORD = "mailboxes"

    def compose_body(self) -> ComposeResult:
        counts = self.services.mail.counts()
        boxes = len(self.services.mail.mailbox_rows())
        words = f"{counts.pending} mails wait for a decision in {boxes} mailboxes."
        yield Static(Content(words), id="body")
