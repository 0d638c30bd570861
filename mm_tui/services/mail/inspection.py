"""What looks wrong about an email that is read: its sender and its links. Waiting email has the risk rules instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.models import EmailDetail
from mm_tui.review.findings import Finding
from mm_tui.review.known import Known
from mm_tui.review.links import find_links, inspect_links
from mm_tui.review.lookalike import domain_of, registrable
from mm_tui.review.senders import inspect_sender

if TYPE_CHECKING:
    from mm_tui.services.knowledge.contacts import Contacts
    from mm_tui.store.mail.mails import MailStore

QUICK_CHARACTERS = 32_768
QUICK_HOSTS = 16
"""Larger bodies, or those with links to more hosts, can take seconds."""


class Inspection:
    """Inspects the emails of a profile."""

    def __init__(self, contacts: Contacts, mail: MailStore) -> None:
        self._contacts = contacts
        self._mail = mail
        self.knows_senders = False
        """Whether the correspondents have been read."""

    def refresh(self) -> None:
        """Reads the correspondents, if they are not known or old. Slow with many emails: call it in a thread."""
        self._contacts.refresh()
        registrable("mail.example")  # reads the list of suffixes, so that the screen need not wait for it
        self.knows_senders = True

    def known_to(self, mail: EmailDetail) -> Known:
        """The correspondents known to an email; none before the first `refresh`."""
        if not self.knows_senders:
            return Known()
        own = frozenset(domain_of(box.address) for box in self._mail.mailbox_rows())
        found = self._contacts.known_to(mail.id, mail.mailbox_id, mail.thread_id, mail.received_at)
        return Known(own, others=found)

    def findings(self, mail: EmailDetail) -> tuple[Finding, ...]:
        """The findings about an email; about its links alone before the first `refresh`."""
        known = self.known_to(mail)
        ours = mail.direction == "outbound"
        found = inspect_sender(mail.sender, known, ours=ours) if self.knows_senders else ()
        return (*found, *inspect_links(mail.body, known))


def is_quick(mail: EmailDetail) -> bool:
    """Whether an email can be inspected without making the reader wait."""
    return len(mail.body) <= QUICK_CHARACTERS and len({link.host for link in find_links(mail.body)}) <= QUICK_HOSTS
