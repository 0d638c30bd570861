"""Determines which emails two reviewers must approve, and which approvals their tags have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from mm_tui.models import OversightMode
from mm_tui.review.findings import Finding, Level
from mm_tui.services.presence.approvals import NO_APPROVALS, Approvals, Approver, approvals_in, needs_second
from mm_tui.store.mail.mails import MailStore

if TYPE_CHECKING:
    from mm_tui.models import EditedDraft, EmailDetail, PendingItem
    from mm_tui.settings.sections import Review
    from mm_tui.store.database import Database
    from mm_tui.text import OneLine


class SecondApproval:
    """The two-person rule, as seen by one reviewer.

    Args:
        database: provides the mailboxes' addresses.
        review: the settings.
        us: returns the reviewer, whose keys may become known later.
    """

    def __init__(self, database: Database, review: Review, us: Callable[[], Approver]) -> None:
        self._mail = MailStore(database)
        self._review = review
        self._us = us

    def of(self, mailbox_id: str, tags: Mapping[OneLine, OneLine], digest: str, found: Iterable[Finding]) -> Approvals:
        """The state of an email's approvals.

        Args:
            mailbox_id: the email's mailbox.
            tags: the email's tags, as last read.
            digest: the digest of the content that would be approved.
            found: the risk findings about it.
        """
        level = max((finding.level for finding in found), default=Level.NONE)
        address = self._address(mailbox_id) if self._review.mailbox_second_approver else ""
        needed = needs_second(self._review, address, level)
        given = approvals_in(tags, digest)
        if not given and not needed:
            # Of thousands of emails: who asks takes longer to find out than all the rest.
            return NO_APPROVALS
        return Approvals.of(given, self._us(), needed=needed)

    def why_ungated(self, item: PendingItem | EmailDetail, edit: EditedDraft | None) -> str:
        """Why an edit would be sent without any approval, as far as the mailbox is known; empty if it would not."""
        box = self._mail.mailbox(item.mailbox_id)
        if box is None or edit is None:
            return ""
        mode = str(box.oversight_mode)
        if mode not in (OversightMode.GATED_ALL, OversightMode.GATED_SEND):
            return f"the mailbox is {mode}"
        through = box.let_through((*edit.to, *item.raw.cc))
        return f"{', '.join(through)} is on the mailbox's allowlist" if through else ""

    def _address(self, mailbox_id: str) -> str:
        return next((str(box.address) for box in self._mail.mailbox_rows() if box.mailbox_id == mailbox_id), "")
