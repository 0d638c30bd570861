"""Opens a profile: its store, its gateway, and the services built on them. The app, the commands and the agent use it.

The app opens the store before its first frame and builds what needs the network after it. A command connects at once
and builds what it needs; the agent has a store and a key of its own.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from mm_tui.clock import Clock, SystemClock
from mm_tui.services.events import Notify, ServiceEvent, ignore
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.services.running import keep_running
from mm_tui.settings import paths
from mm_tui.settings.profiles import reviewer
from mm_tui.settings.sections import Settings
from mm_tui.store.belongs import OtherGateway, bind_account
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.opening import open_database
from mm_tui.store.seal import StoreError
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.gateway.calls import Call
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.gateway.keys import Keys
    from mm_tui.services.assistant.cards import DraftText
    from mm_tui.services.assistant.drafts import Drafts
    from mm_tui.services.assistant.second_reader import SecondReader
    from mm_tui.services.assistant.service import Assistant
    from mm_tui.services.assistant.triage import Triage
    from mm_tui.services.audit.change_journal import ChangeJournal
    from mm_tui.services.audit.identities import Identities
    from mm_tui.services.decisions.redrafts import RedraftRequests
    from mm_tui.services.decisions.service import Decisions
    from mm_tui.services.knowledge.contacts import Contacts
    from mm_tui.services.mail.inspection import Inspection
    from mm_tui.services.mail.spam import SpamMarks
    from mm_tui.services.mailboxes import MailboxActions
    from mm_tui.services.presence.approvals import SecondApproval
    from mm_tui.services.presence.keeper import PresenceKeeper
    from mm_tui.services.presence.notes import TeamTags
    from mm_tui.services.queue.entries import ReviewQueue
    from mm_tui.services.saved_texts.edits import Edits
    from mm_tui.services.sync.service import Sync
    from mm_tui.services.sync.waiting_details import WaitingDetails
    from mm_tui.store.audit.entries import AuditStore
    from mm_tui.store.audit.journal import Journal

ACCOUNT_SECONDS = 10.0
"""How long the name of the account is waited for."""

log = logging.getLogger("mm_tui.session")


class Network(NamedTuple):
    """The network side of a session that is connected."""

    gateway: GatewayClient
    sync: Sync


class Session:
    """Everything behind the screens, for one profile. The settings have its keys (`settings.keys.with_keys`), the
    database is open. `demo`: in the demo, notes about the imported mail (none for sample mail); otherwise None."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        clock: Clock | None = None,
        *,
        demo: tuple[OneLine, ...] | None = None,
    ) -> None:
        self.settings = settings
        self.database = database
        self.clock: Clock = clock or SystemClock()
        self.demo = demo
        self.mail = MailStore(database)
        self.pending = PendingStore(database)
        self.state = StateStore(database)
        # Those that need the network are None until they are built, and without a usable key.
        self.gateway: GatewayClient | None = None
        self.assistant: Assistant | None = None
        self.sync: Sync | None = None
        self.details: WaitingDetails | None = None
        self.decisions: Decisions | None = None
        self.redrafts: RedraftRequests | None = None
        self.presence: PresenceKeeper | None = None
        self.triage: Triage | None = None
        self.drafts: Drafts | None = None
        self.second_reader: SecondReader | None = None
        self.house_facts = HouseFacts(settings)
        self.boxes: MailboxActions | None = None
        self.spam: SpamMarks | None = None
        self.team: TeamTags | None = None
        self.trouble = OneLine("")
        """Why the gateway or the store cannot be used; empty while both can."""
        self.news = OneLine("")
        """A message to show once, on the first screen."""
        self.unused_instructions: dict[str, str] = {}
        """What a model was asked to change, by email id, for texts that it has not written: it is offered again."""
        self.untouched_replies: dict[str, DraftText] = {}
        """The models' replies that nobody has changed, by the email that they answer: they are no text of a human's."""
        self._keys: Keys | None = None
        self._store_trouble: StoreError | None = None

    @cached_property
    def reviewer(self) -> str:
        """The name under which decisions are recorded."""
        return reviewer(self.settings)

    @cached_property
    def audit(self) -> AuditStore:
        """The gateway's audit log."""
        from mm_tui.store.audit.entries import AuditStore

        return AuditStore(self.database)

    @cached_property
    def journal(self) -> Journal:
        """This program's own record."""
        from mm_tui.store.audit.journal import Journal

        return Journal(self.database)

    @cached_property
    def change_journal(self) -> ChangeJournal:
        """Journals what the reviewer does besides deciding."""
        from mm_tui.services.audit.change_journal import ChangeJournal

        return ChangeJournal(self.database, self.reviewer, self.clock)

    @cached_property
    def queue(self) -> ReviewQueue:
        """Reads the queue. It is shared, so that each draft is assessed only once."""
        # Imported late, because it would delay the first frame.
        from mm_tui.services.queue.entries import ReviewQueue

        return ReviewQueue(
            self.database,
            self.clock,
            self.settings.risk,
            self.settings.review.sla_minutes,
            house=self.house_facts,
            second=self.second_approval,
            contacts=self.contacts,
        )

    @cached_property
    def contacts(self) -> Contacts:
        """The correspondents, read once for all who ask."""
        from mm_tui.services.knowledge.contacts import Contacts

        return Contacts(self.database, self.clock)

    @cached_property
    def inspection(self) -> Inspection:
        """Inspects emails that are read."""
        from mm_tui.services.mail.inspection import Inspection

        return Inspection(self.contacts, self.mail)

    @cached_property
    def identities(self) -> Identities:
        """Checks the signed identity of emails."""
        from mm_tui.services.audit.identities import Identities

        return Identities(lambda: self.network.gateway.signing_key(), self.clock)

    @classmethod
    def open(cls, settings: Settings, *, demo: tuple[OneLine, ...] | None = None) -> Self:
        """Opens the profile's store for the app, and recovers texts that were in an editor when the last run ended.
        Raises StoreUnusable as `on_store` does."""
        path = paths.store_path(settings.profile.name)
        session = cls.on_store(settings, path, memory=settings.sync.memory, demo=demo)
        session.look_at_store()
        if not session.news and paths.editing_dir().exists():
            from mm_tui.services.saved_texts.left_behind import recovered

            session.news = recovered(session.edits, settings.profile.name, session.clock.now())
        return session

    @classmethod
    def on_store(
        cls,
        settings: Settings,
        path: Path | None,
        *,
        memory: bool = False,
        rebuild: bool = True,
        demo: tuple[OneLine, ...] | None = None,
    ) -> Self:
        """Opens a store. If it was damaged, `news` says what was rescued. `settings` and `demo` are as for the class,
        the others as for `open_database`. Raises StoreUnusable if it cannot be opened, or belongs to another
        gateway."""
        # The port of a demo's gateway is different each time, so its store is not tied to an address.
        profile = None if demo else settings.profile
        database, news = open_database(path, memory=memory, rebuild=rebuild, profile=profile)
        session = cls(settings, database, demo=demo)
        session.news = news
        return session

    @cached_property
    def edits(self) -> Edits:
        """Saved texts that humans wrote and have not sent yet."""
        from mm_tui.services.saved_texts.edits import Edits

        return Edits(self.database)

    def look_at_store(self) -> None:
        """Checks whether decisions can still be recorded in the store; if not, sets `trouble` to the reason."""
        found = self.database.trouble
        if found is not None and found is not self._store_trouble:
            from mm_tui.services.saved_texts.left_behind import trouble_words

            self._store_trouble, self.trouble = found, trouble_words(found, self.edits)

    def build(self, notify: Notify) -> None:
        """Imports and builds the services that need the network. Takes a few hundred milliseconds: call it in a thread.
        Without usable keys the services stay None, and `trouble` says why."""
        from mm_tui.gateway.keys import Keys
        from mm_tui.services.assistant.drafts import Drafts
        from mm_tui.services.assistant.second_reader import SecondReader
        from mm_tui.services.assistant.triage import Triage
        from mm_tui.services.decisions.redrafts import RedraftRequests
        from mm_tui.services.mail.spam import SpamMarks
        from mm_tui.services.mailboxes import MailboxActions
        from mm_tui.services.presence.keeper import PresenceKeeper, PresenceWatch
        from mm_tui.services.presence.runs import ended_runs
        from mm_tui.services.presence.tags import PresenceTags
        from mm_tui.services.sync.waiting_details import WaitingDetails
        from mm_tui.store.left_files import clear_left

        clear_left(self.database.path)
        try:
            # Key commands and the keyring ran earlier: they may write to the terminal, which now shows the screens.
            self._keys = keys = Keys.of(self.settings.profile)
        except ValueError as error:
            self.trouble = OneLine(str(error))
            return
        if not keys.has("read"):
            self.trouble = OneLine("no gateway key is set: run mm-tui init, or set MULTIMAIL_API_KEY")
            return
        settings, clock, name = self.settings, self.clock, self.reviewer

        gateway = self.connect(keys)
        assistant = self.build_assistant()
        self.redrafts = redrafts = RedraftRequests(self.database, gateway, clock, notify)

        def synced(event: ServiceEvent) -> None:
            details.on_event(event)
            notify(event)

        def decided(event: ServiceEvent) -> None:
            redrafts.wake()
            notify(event)

        async def polled() -> None:
            await decisions.queue_moved()
            await watch.refresh()

        self.sync = self.build_sync(synced)
        self.details = details = WaitingDetails(self.database, self.sync, clock, notify)
        decisions = self.build_decisions(decided)
        minutes = settings.review.claim_minutes
        tags = PresenceTags(gateway, name, clock, timedelta(minutes=minutes))
        tags.ended = ended_runs(self.database, tags.token)
        watch = PresenceWatch(self.database, gateway, clock, notify)
        self.presence = PresenceKeeper(tags, watch, self.sync, clock, minutes=minutes)
        self.sync.each_poll = polled
        self.triage = Triage(self.database, gateway, assistant, settings, clock, notify)
        self.second_reader = SecondReader(assistant, self.house_facts, notify)
        self.drafts = Drafts(self.database, gateway, assistant, settings, clock, name, self.contacts)
        self.boxes = MailboxActions(gateway, self.sync, clock, settings.profile.url)
        self.spam = SpamMarks(self.database, gateway, notify)
        self.team = self.build_team(notify)

    def connect(self, keys: Keys, who: str = "", *, journals: frozenset[Call] | None = None) -> GatewayClient:
        """Builds the gateway client, which journals every change it makes. Makes no call yet. `who`: the name to
        journal; by default the reviewer's. `journals`: calls that the caller journals itself; None for those that the
        services journal."""
        from mm_tui.gateway.client import GatewayClient
        from mm_tui.services.audit.change_journal import BY_SERVICES, ChangeJournal

        self._keys = keys
        self.gateway = GatewayClient(self.settings.profile.url, keys)
        name, but = who or self.reviewer, BY_SERVICES if journals is None else journals
        self.gateway.caller.witness = ChangeJournal(self.database, name, self.clock, but=but)
        return self.gateway

    def build_sync(self, notify: Notify = ignore) -> Sync:
        """Builds the sync. Call `connect` first."""
        from mm_tui.services.sync.service import Sync

        assert self.gateway is not None
        self.sync = Sync(self.database, self.gateway, self.settings.sync, self.clock, notify)
        return self.sync

    def build_decisions(self, notify: Notify = ignore, *, by_command: bool = False) -> Decisions:
        """Builds the decisions service. Call `connect` first. `by_command`: decisions come from the command line."""
        from mm_tui.services.decisions.service import Decisions
        from mm_tui.services.knowledge.examples import Learner, store_of

        assert self.gateway is not None
        name, review, kept = self.reviewer, self.settings.review, store_of(self.settings)
        learner = Learner(kept, self.database, self.gateway, name) if kept is not None else None
        self.decisions = Decisions(
            self.database, self.gateway, review, name, self.clock, notify, by_command=by_command, learner=learner
        )
        return self.decisions

    @cached_property
    def second_approval(self) -> SecondApproval:
        """Determines which emails need two approvals, and which they have."""
        from mm_tui.services.presence.approvals import Approver, SecondApproval

        return SecondApproval(self.database, self.settings.review, lambda: Approver.of(self.reviewer, self._keys))

    def build_team(self, notify: Notify = ignore) -> TeamTags:
        """Builds the service for notes and assignments. Call `connect` first."""
        from mm_tui.services.presence.notes import TeamTags

        assert self.gateway is not None
        return TeamTags(self.database, self.gateway, self.reviewer, self.clock, notify)

    def build_assistant(self, *, unattended: int | None = None) -> Assistant:
        """Builds the service that asks the models; `unattended` is as for `Assistant`."""
        from mm_tui.services.assistant.service import Assistant

        self.assistant = Assistant(self.database, self.settings, self.clock, unattended=unattended)
        return self.assistant

    @property
    def network(self) -> Network:
        """The gateway and the sync. Raises Unreachable if there is no connection, or not yet."""
        if self.gateway is None or self.sync is None:
            from mm_tui.gateway.errors import Unreachable

            raise Unreachable(self.trouble or "the gateway is not connected yet")
        return Network(self.gateway, self.sync)

    async def check_account(self) -> None:
        """Asks the gateway whether the keys are of the store's account; that it does not say is no error. Raises
        OtherGateway if they are of another one. From then on nothing is decided with the store."""
        from mm_tui.gateway.errors import GatewayError

        assert self.gateway is not None
        try:
            async with asyncio.timeout(ACCOUNT_SECONDS):
                account = await self.gateway.account.read()
        except (GatewayError, TimeoutError) as error:
            log.info("the account is not known: %s", type(error).__name__)
            return
        try:
            bind_account(self.database, self.settings.profile.name, str(account.id))
        except OtherGateway as error:
            self.database.refuse(error)
            raise

    async def run(self) -> None:
        """Runs the services until cancelled."""
        if self.sync is None or self.decisions is None or self.triage is None or self.presence is None:
            return
        try:
            await self.check_account()
        except OtherGateway:
            # Mail of two accounts must not be mixed in one store.
            self.look_at_store()
            return
        services = (self.sync, self.decisions, self.triage, self.presence, self.details, self.redrafts)
        await keep_running([service.run for service in services if service is not None], self.clock)

    def can(self, scope: str) -> bool:
        """Whether a key for this scope is set: read, send, oversight or admin."""
        return self._keys is not None and self._keys.has(scope)

    def begin_closing(self, *, unasked: bool = False) -> None:
        """Prevents new decisions and calls; `aclose` does the rest. `unasked`: as for `Decisions.begin_closing`."""
        if self.decisions is not None:
            self.decisions.begin_closing(unasked=unasked)
        if self.gateway is not None:
            self.gateway.begin_closing()

    async def aclose(self) -> None:
        """Cancels held decisions, then closes the connections and the store."""
        self.begin_closing()
        for part in (self.decisions, self.presence, self.assistant, self.gateway):
            if part is not None:
                await part.aclose()
        self.database.close()
