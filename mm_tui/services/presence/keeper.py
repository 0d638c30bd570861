"""Keeps the claim on the email that the human at this seat has open, and gives it back when they leave it.

Runs beside everything else: what fails here is logged and tried again, and no decision waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.clock import sleep_or_wake
from mm_tui.gateway.errors import GatewayError
from mm_tui.services.presence.tags import PresenceTags, claim_in
from mm_tui.services.tags import TagsDiffer

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.services.sync.service import Sync

SETTLE_SECONDS = 0.5
"""An email that is left sooner is not claimed: leafing through the queue costs no calls."""
RENEWALS = 3
"""How often a claim is renewed within its life."""
LAST_WORDS = 1.0
"""Seconds that leaving the program waits for a claim to be given back; after that it ends by itself."""

log = logging.getLogger("mm_tui.claims")


class Open(NamedTuple):
    """The email that is open at this seat."""

    mailbox_id: str
    email_id: str


class PresenceKeeper:
    """One seat's claim: on one email at a time.

    Args:
        claims: sets and takes away the tags; without a send key, claims are only read.
        sync: reads the opened mail anew, which brings the claims of others.
        clock: what renewals are timed by.
        minutes: how long a claim lives unless it is renewed. 0: none is set.
    """

    def __init__(self, claims: PresenceTags, sync: Sync, clock: Clock, *, minutes: int) -> None:
        self._claims = claims
        self._sync = sync
        self._clock = clock
        self._minutes = minutes
        self._wanted: Open | None = None
        self._held: Open | None = None
        self._moved = asyncio.Event()

    @property
    def token(self) -> str:
        """Tells our claims from those of others."""
        return self._claims.token

    @property
    def open_id(self) -> str | None:
        """Id of the email that is open here."""
        return self._wanted.email_id if self._wanted is not None else None

    def open(self, mailbox_id: str, email_id: str) -> None:
        """A human has this email open now, and no other."""
        self._want(Open(mailbox_id, email_id))

    def close(self) -> None:
        """No mail is open any more."""
        self._want(None)

    def _want(self, wanted: Open | None) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._moved.set()

    async def run(self) -> None:
        """Claims, renews and gives back until cancelled."""
        while True:
            self._moved.clear()
            wanted = self._wanted
            if self._held is not None and self._held != wanted:
                await self._give_back()
            if wanted is None:
                await self._moved.wait()
            elif not await self._moves_within(SETTLE_SECONDS):
                await self._visit(wanted)
                await self._moves_within((self._minutes or 10) * 60 / RENEWALS)

    async def aclose(self) -> None:
        """Gives back what is claimed, if that is quickly done."""
        self._wanted = None
        try:
            async with asyncio.timeout(LAST_WORDS):
                await self._give_back()
        except TimeoutError:
            log.info("a claim could not be given back in time; it ends by itself")

    async def _visit(self, mail: Open) -> None:
        """Reads the email anew, and claims it unless another has."""
        try:
            detail = await self._sync.fetch_detail(*mail)
            standing = claim_in(detail.tags, self._clock.now())
            free = standing is None or standing.token == self.token
            if free and self._minutes and self._claims.possible:
                self._held = mail
                if await self._claims.take(*mail) is not None:
                    self._held = None
                    await self._sync.fetch_detail(*mail)
        except (GatewayError, TagsDiffer) as error:
            log.info("%s could not be claimed: %s", mail.email_id, type(error).__name__)

    async def _give_back(self) -> None:
        mail, self._held = self._held, None
        if mail is None:
            return
        try:
            await self._claims.give_back(*mail)
        except GatewayError as error:
            log.info("the claim of %s could not be given back: %s", mail.email_id, type(error).__name__)

    async def _moves_within(self, seconds: float) -> bool:
        """Waits at most so long; True as soon as another email is open, or none."""
        await sleep_or_wake(self._clock, seconds, self._moved)
        return self._moved.is_set()
