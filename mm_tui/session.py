"""Opens a profile: its store, its gateway, and the services built on them. The app, the commands and the agent use it.

The app opens the store before its first frame and builds what needs the network after it. A command connects at once
and builds what it needs; the agent has a store and a key of its own.
"""

from __future__ import annotations

import asyncio
import getpass
import logging
import sqlite3
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Self

from mm_tui.clock import Clock, SystemClock
from mm_tui.services.events import ignore
from mm_tui.services.facts import HouseFacts
from mm_tui.services.running import keep_running
from mm_tui.settings import paths
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.belongs import Gateway, OtherGateway, bind
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.opening import StoreUnusable, open_database
from mm_tui.store.seal import StoreError
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from pathlib import Path

    from mm_tui.gateway.calls import Call
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.gateway.keys import Keys
    from mm_tui.review.identity import Identity
    from mm_tui.services.assistant.drafts import Drafts
    from mm_tui.services.assistant.second_reader import SecondReader
    from mm_tui.services.assistant.service import Assistant
    from mm_tui.services.assistant.triage import Triage
    from mm_tui.services.audit.identities import Identities
    from mm_tui.services.decisions.redrafts import RedraftRequests
    from mm_tui.services.decisions.service import Decisions
    from mm_tui.services.edits import Edits
    from mm_tui.services.events import Notify, ServiceEvent
    from mm_tui.services.mailboxes import MailboxActs
    from mm_tui.services.presence.keeper import PresenceKeeper
    from mm_tui.services.presence.notes import TeamTags
    from mm_tui.services.presence.second_approval import SecondApproval
    from mm_tui.services.presence.watch import ClaimWatch
    from mm_tui.services.queue.entries import ReviewQueue
    from mm_tui.services.queue.entry import Seat
    from mm_tui.services.spam import SpamMarks
    from mm_tui.services.sync.service import Sync
    from mm_tui.services.sync.waiting_details import WaitingDetails
    from mm_tui.settings.sections import Settings


ACCOUNT_SECONDS = 10.0
"""How long the services wait to be told whose account it is before they begin all the same."""

ANSWER_SECONDS = 2.0
"""How long a poll's answers may take before what was seen with the last one counts as old."""

log = logging.getLogger("mm_tui.session")


class Network(NamedTuple):
    """The network side of a session that is connected."""

    gateway: GatewayClient
    sync: Sync


class Session:
    """Everything behind the screens, for one profile.

    Args:
        settings: with the profile chosen, and its keys (`settings.keys.with_keys`).
        database: the open store.
        clock: the machine's, or a test's.
        demo: for the demo what its import of mail found (nothing for sample mail); else None.
    """

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
        self.audit = AuditStore(database)
        self.facts = StateStore(database)
        self.gateway: GatewayClient | None = None
        self.assistant: Assistant | None = None
        self.sync: Sync | None = None
        self.details: WaitingDetails | None = None
        self.decisions: Decisions | None = None
        self.redrafts: RedraftRequests | None = None
        self.claims: PresenceKeeper | None = None
        self.claim_watch: ClaimWatch | None = None
        self.triage: Triage | None = None
        self.drafts: Drafts | None = None
        self.second_reader: SecondReader | None = None
        self.house_facts = HouseFacts(settings)
        self.boxes: MailboxActs | None = None
        self.spam: SpamMarks | None = None
        self.team: TeamTags | None = None
        self._identities: Identities | None = None
        self.trouble = OneLine("")
        self.news = OneLine("")
        """Something to be said once, on the first screen."""
        self._keys: Keys | None = None
        self._store_trouble: StoreError | None = None

    @cached_property
    def queue(self) -> ReviewQueue:
        """Reads what waits. All share it, so that what was assessed once is not assessed again."""
        # Heavy: not for the first frame.
        from mm_tui.services.queue.entries import ReviewQueue

        settings = self.settings
        return ReviewQueue(
            self.database,
            self.clock,
            settings.risk,
            settings.review.sla_minutes,
            house=self.house_facts,
            second=self.second_approval,
        )

    @classmethod
    def open(cls, settings: Settings, *, demo: tuple[OneLine, ...] | None = None) -> Self:
        """Opens the profile's store for the app, and takes up the texts that an editor had when the last run ended.

        Raises:
            StoreUnusable: it cannot be opened.
        """
        path = paths.store_path(settings.profile.name)
        session = cls.on_store(settings, path, memory=settings.sync.memory, demo=demo)
        session.look_at_store()
        if not session.news and paths.editing_dir().exists():
            from mm_tui.services.left_texts import taken_up

            session.news = taken_up(session.edits, settings.profile.name, session.clock.now())
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
        """Opens a store and makes sure that it is of the profile's gateway; `news` says what became of a damaged one.

        Args:
            settings: with the profile chosen, and its keys.
            path: the file; None for a store in memory.
            memory: as for `Database.open`.
            rebuild: as for `open_database`.
            demo: as for the class.

        Raises:
            StoreUnusable: it cannot be opened, or belongs to another gateway.
        """
        clock = SystemClock()
        database, news = open_database(path, memory=memory, rebuild=rebuild, clock=clock)
        session = cls(settings, database, clock, demo=demo)
        session.news = news
        try:
            # A demo's gateway has another port each time.
            if not demo:
                # Without a key nothing came from any gateway yet: the address is noted once there is one.
                bind(database, Gateway.of(settings.profile), note=bool(settings.profile.gateway_keys()))
        except (StoreError, sqlite3.Error, OSError) as error:
            database.close()
            raise StoreUnusable(str(error)) from error
        return session

    @cached_property
    def edits(self) -> Edits:
        """The texts that humans wrote and that were not released."""
        from mm_tui.services.edits import Edits

        return Edits(self.database)

    def look_at_store(self) -> None:
        """Looks whether the store may still be decided with; if not, `trouble` says why from now on."""
        if self.database.trouble is None or self._store_trouble is self.database.trouble:
            return
        self._store_trouble = self.database.trouble
        from mm_tui.services.left_texts import trouble_words

        self.trouble = trouble_words(self._store_trouble, self.edits)

    def build(self, notify: Notify) -> None:
        """Imports and builds what needs the network. Takes some hundred milliseconds: call it in a thread.

        A profile without usable keys leaves the services None and `trouble` set.
        """
        from mm_tui.gateway.keys import Keys
        from mm_tui.services.assistant.drafts import Drafts
        from mm_tui.services.assistant.second_reader import SecondReader
        from mm_tui.services.assistant.triage import Triage
        from mm_tui.services.decisions.redrafts import RedraftRequests
        from mm_tui.services.mailboxes import MailboxActs
        from mm_tui.services.presence.keeper import PresenceKeeper
        from mm_tui.services.presence.tags import PresenceTags
        from mm_tui.services.presence.watch import ClaimWatch
        from mm_tui.services.spam import SpamMarks
        from mm_tui.services.sync.waiting_details import WaitingDetails

        try:
            # Commands and keyring have been asked before: they may write to the terminal, which is now the screen's.
            keys = Keys.of(self.settings.profile)
            self._keys = keys
        except ValueError as error:
            self.trouble = OneLine(str(error))
            return
        if not keys.has("read"):
            self.trouble = OneLine("no gateway key is set: run mm-tui init, or set MULTIMAIL_API_KEY")
            return
        settings, clock, name = self.settings, self.clock, reviewer(self.settings)

        def synced(notice: ServiceEvent) -> None:
            if self.details is not None:
                self.details.on_notice(notice)
            notify(notice)

        gateway = self.connect(keys)
        assistant = self.build_assistant()
        self.redrafts = redrafts = RedraftRequests(self.database, gateway, clock)

        def decided(notice: ServiceEvent) -> None:
            redrafts.wake()
            notify(notice)

        self.sync = self.build_sync(synced)
        self.details = WaitingDetails(self.database, self.sync, clock, notify)
        self.decisions = self.build_decisions(decided)
        minutes = settings.review.claim_minutes
        claims = PresenceTags(gateway, name, clock, timedelta(minutes=minutes))
        self.claims = PresenceKeeper(claims, self.sync, clock, minutes=minutes)
        self.claim_watch = ClaimWatch(self.database, gateway, clock, notify)
        self.sync.each_poll = self._polled
        self.triage = Triage(self.database, gateway, assistant, settings, clock, notify)
        self.second_reader = SecondReader(assistant, self.house_facts, notify)
        self.drafts = Drafts(self.database, gateway, assistant, settings, clock, name)
        self.boxes = MailboxActs(gateway, self.sync, clock)
        self.spam = SpamMarks(self.database, gateway, notify)
        self.team = self.build_team(notify)

    def connect(self, keys: Keys, who: str = "", *, journals: frozenset[Call] | None = None) -> GatewayClient:
        """Builds the client of the gateway. It journals what it does; asks nothing yet.

        Args:
            keys: those it may use.
            who: the name under which its acts are journaled; empty for the reviewer's.
            journals: the calls that the caller journals itself; None for those of a reviewer's services.
        """
        from mm_tui.gateway.client import GatewayClient
        from mm_tui.services.audit.act_journal import BY_SERVICES, ActJournal

        self._keys = keys
        self.gateway = GatewayClient(self.settings.profile.url, keys)
        but = BY_SERVICES if journals is None else journals
        self.gateway.witness = ActJournal(self.database, who or reviewer(self.settings), self.clock, but=but)
        return self.gateway

    def build_sync(self, notify: Notify = ignore) -> Sync:
        """Builds the sync, once connected."""
        from mm_tui.services.sync.service import Sync

        assert self.gateway is not None
        self.sync = Sync(self.database, self.gateway, self.settings.sync, self.clock, notify)
        return self.sync

    def build_decisions(self, notify: Notify = ignore, *, by_command: bool = False) -> Decisions:
        """Builds what decides, once connected; `by_command`: from the command line."""
        from mm_tui.services.decisions.service import Decisions
        from mm_tui.services.examples import Learner, store_of

        assert self.gateway is not None
        name = reviewer(self.settings)
        review = self.settings.review
        kept = store_of(self.settings)
        learner = Learner(kept, self.database, self.gateway, name) if kept is not None else None
        self.decisions = Decisions(
            self.database, self.gateway, review, name, self.clock, notify, by_command=by_command, learner=learner
        )
        return self.decisions

    @cached_property
    def second_approval(self) -> SecondApproval:
        """Which emails two reviewers must approve, and what their tags say of it."""
        from mm_tui.services.presence.approvals import Approver
        from mm_tui.services.presence.second_approval import SecondApproval

        name = reviewer(self.settings)
        return SecondApproval(self.database, self.settings.review, lambda: Approver.of(name, self._keys))

    def build_team(self, notify: Notify = ignore) -> TeamTags:
        """Builds what sets notes and assignments, once connected."""
        from mm_tui.services.presence.notes import TeamTags

        assert self.gateway is not None
        return TeamTags(self.database, self.gateway, reviewer(self.settings), self.clock, notify)

    def build_assistant(self, *, unattended: int | None = None) -> Assistant:
        """Builds what asks the models; see `Assistant` for `unattended`."""
        from mm_tui.services.assistant.service import Assistant

        self.assistant = Assistant(self.database, self.settings, self.clock, unattended=unattended)
        return self.assistant

    @property
    def network(self) -> Network:
        """The gateway and the sync.

        Raises:
            Unreachable: they are not built, or not yet.
        """
        if self.gateway is None or self.sync is None:
            from mm_tui.gateway.errors import Unreachable

            raise Unreachable(self.trouble or "the gateway is not connected yet")
        return Network(self.gateway, self.sync)

    async def check_account(self) -> None:
        """Makes sure that the keys' account is the one that the store is of.

        Raises:
            OtherGateway: it is not.
        """
        from mm_tui.services.accounts import check_account

        assert self.gateway is not None
        await check_account(self.database, self.gateway, self.settings.profile.name)

    async def _polled(self) -> None:
        """The queue was listed anew: what is being decided is compared with it, then who has what open is read."""
        assert self.decisions is not None
        assert self.claim_watch is not None
        await self.decisions.queue_moved()
        await self.claim_watch.refresh()

    async def run(self) -> None:
        """Runs the services until cancelled."""
        if self.sync is None or self.decisions is None or self.triage is None or self.claims is None:
            return
        try:
            async with asyncio.timeout(ACCOUNT_SECONDS):
                await self.check_account()
        except TimeoutError:
            log.info("the account could not be read: no answer in time")
        except OtherGateway:
            # Its mail must not be mixed with what is there.
            self.look_at_store()
            return
        running = [self.sync.run, self.decisions.run, self.triage.run, self.claims.run]
        if self.details is not None:
            running.append(self.details.run)
        if self.redrafts is not None:
            running.append(self.redrafts.run)
        await keep_running(running, self.clock)

    def can(self, scope: str) -> bool:
        """Whether a key is set that is meant for `scope`: read, send, oversight or admin."""
        return self._keys is not None and self._keys.has(scope)

    def seat(self) -> Seat:
        """Who reads the queue, as claims know them."""
        from mm_tui.services.queue.entry import Seat

        claims = self.claims
        if claims is None or self.sync is None or self.claim_watch is None:
            return Seat()
        fresh = self.sync.poll_seconds + ANSWER_SECONDS
        return Seat(reviewer(self.settings), claims.token, claims.open_id, fresh, self.claim_watch.seen_at)

    async def identity(self, header: str) -> Identity:
        """What the signed identity of an email is worth; see `mm_tui.services.audit.identities`."""
        from mm_tui.review.identity import unchecked
        from mm_tui.services.audit.identities import Identities

        if self.gateway is None:
            return unchecked(header, self.trouble or "the gateway is not connected yet")
        if self._identities is None:
            self._identities = Identities(self.gateway, self.clock)
        return await self._identities.check(header)

    def begin_closing(self) -> None:
        """From this moment no decision begins and no call is made; `aclose` does the rest."""
        if self.decisions is not None:
            self.decisions.begin_closing()
        if self.gateway is not None:
            self.gateway.begin_closing()

    async def aclose(self) -> None:
        """Ends in good order: held decisions fall back to undecided, then connections and the store are closed."""
        self.begin_closing()
        if self.decisions is not None:
            await self.decisions.aclose()
        if self.claims is not None:
            await self.claims.aclose()
        if self.assistant is not None:
            await self.assistant.aclose()
        if self.gateway is not None:
            await self.gateway.aclose()
        self.database.close()


def reviewer(settings: Settings) -> str:
    """The name under which decisions are recorded."""
    if settings.profile.reviewer:
        return settings.profile.reviewer
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
