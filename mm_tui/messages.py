"""What services tell the screen's floor, as Textual messages, and what screens may ask of them.

Services know nothing of Textual: they call a plain function with an event. The app wraps each event in
`ServiceEventReceived` and hands it to every main screen; the screen reads the store again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.dom import DOMNode

    from mm_tui.clock import Clock
    from mm_tui.review.identity import Identity
    from mm_tui.services.assistant.drafts import Drafts
    from mm_tui.services.assistant.second_reader import SecondReader
    from mm_tui.services.assistant.triage import Triage
    from mm_tui.services.decisions.service import Decisions
    from mm_tui.services.edits import Edits
    from mm_tui.services.events import ServiceEvent
    from mm_tui.services.facts import HouseFacts
    from mm_tui.services.mailboxes import MailboxActs
    from mm_tui.services.presence.keeper import PresenceKeeper
    from mm_tui.services.presence.watch import ClaimWatch
    from mm_tui.services.queue.entry import Seat
    from mm_tui.services.spam import SpamMarks
    from mm_tui.services.sync.service import Sync
    from mm_tui.services.sync.waiting_details import WaitingDetails
    from mm_tui.settings.sections import Settings
    from mm_tui.store.audit.entries import AuditStore
    from mm_tui.store.database import Database
    from mm_tui.store.mail.mails import MailStore
    from mm_tui.store.mail.pending import PendingStore
    from mm_tui.store.state import StateStore
    from mm_tui.text import OneLine


class ServiceEventReceived(Message, bubble=False):
    """A service says what changed."""

    def __init__(self, notice: ServiceEvent) -> None:
        super().__init__()
        self.notice = notice


class ServicesReady(Message, bubble=False):
    """The network side has been built: sync, releases and the assistant may be asked from now on."""


class SubjectChanged(Message):
    """What a key would decide about is another mail, or has another text, from the next paint on."""


class Said(Message):
    """One line for the reader, from a worker: shown on the status line, away from what is being decided.

    Args:
        text: plain words; shown without markup.
        severity: "information", "warning" or "error".
        taken_back: the line is no longer true: it goes if it still stands there.
    """

    def __init__(self, text: str, severity: str = "information", *, taken_back: bool = False) -> None:
        super().__init__()
        self.taken_back = taken_back
        self.text = text
        self.severity = severity


class Services(Protocol):
    """What screens may ask of the rest of the program.

    The stores are there before the first frame. The services that need the network are None until `ServicesReady`:
    they are imported and built after the first frame.
    """

    settings: Settings
    clock: Clock
    database: Database
    demo: tuple[OneLine, ...] | None
    """In the demo what its import of mail found, line by line; None elsewhere."""
    mail: MailStore
    pending: PendingStore
    audit: AuditStore
    sync: Sync | None
    details: WaitingDetails | None
    decisions: Decisions | None
    claims: PresenceKeeper | None
    claim_watch: ClaimWatch | None
    triage: Triage | None
    drafts: Drafts | None
    second_reader: SecondReader | None
    boxes: MailboxActs | None
    spam: SpamMarks | None
    house_facts: HouseFacts
    """What the company says of itself, by mailbox."""
    trouble: OneLine
    """What keeps the network side from working, in words; empty when nothing does."""
    facts: StateStore

    @property
    def edits(self) -> Edits:
        """The texts that humans wrote and that were not released."""

    def can(self, scope: str) -> bool:
        """Whether a key is set that is meant for `scope`: read, send, oversight or admin."""

    def seat(self) -> Seat:
        """Who reads the queue, as claims know them."""

    async def attachment(self, mailbox_id: str, email_id: str, raw_name: str) -> bytes:
        """Fetches an attachment; `raw_name` is its name exactly as the gateway gave it."""

    async def identity(self, header: str) -> Identity:
        """What the signed identity of a mail is worth. Asks the gateway for its key."""

    def fault_words(self, error: Exception) -> OneLine | None:
        """What a failed call means to the reader; None for an error that nobody expected, to be raised again."""


def services_of(node: DOMNode) -> Services:
    """The services of the app that `node` is in."""
    return cast("HasServices", node.app).services


def choose_act(node: DOMNode, act_id: str, run: Callable[[], Awaitable[object]]) -> None:
    """Runs an act that was not chosen by its key; one that decides is held to what holds for its key."""
    cast("HasServices", node.app).keyboard.choose(act_id, run)


class ChoosesActs(Protocol):
    """The app's keyboard, as screens and widgets see it."""

    def choose(self, act_id: str, run: Callable[[], Awaitable[object]]) -> None:
        """As `choose_act`."""


class HasServices(Protocol):
    """The app, as screens and widgets see it."""

    services: Services
    keyboard: ChoosesActs
