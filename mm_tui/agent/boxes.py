"""The mailboxes that the agent handles, with their oversight modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.gateway.errors import NotFound
from mm_tui.models import Allowed, Mailbox, OversightMode

if TYPE_CHECKING:
    from mm_tui.clock import Clock
    from mm_tui.gateway.client import GatewayClient
    from mm_tui.settings.sections import Agent

FRESH_SECONDS = 10.0
"""Seconds: how old a mode may be when a reply is submitted, because it decides whether a human is asked."""


class UnknownMailbox(Exception):
    """The settings name a mailbox that is not in the account."""


class Boxes:
    """Reads the account's mailboxes, and again when the cache is too old."""

    def __init__(self, gateway: GatewayClient, agent: Agent, clock: Clock) -> None:
        self._gateway = gateway
        self._agent = agent
        self._clock = clock
        self._known: tuple[Mailbox, ...] = ()
        self._read_at = float("-inf")

    async def refresh(self) -> None:
        """Reads them.

        Raises:
            GatewayError: they could not be read.
            UnknownMailbox: the settings name a missing one.
        """
        self._known = tuple(await self._gateway.mailboxes())
        self._read_at = self._clock.monotonic()
        names = {name for box in self._known for name in (box.id, str(box.address).lower())}
        missing = [name for name in self._agent.mailboxes if name.lower() not in names and name not in names]
        if missing:
            raise UnknownMailbox(f"the account has no mailbox {missing[0]}")

    async def current(self, mailbox_id: str) -> Mailbox | None:
        """A mailbox with its current mode.

        Raises:
            GatewayError: it could not be read.
        """
        if self._clock.monotonic() - self._read_at > FRESH_SECONDS:
            await self.refresh()
        box = next((box for box in self._known if box.id == mailbox_id), None)
        if box is None or str(box.oversight_mode) != OversightMode.GATED_SEND:
            return box
        return box.model_copy(update={"allowed": await self.allowed(box)})

    async def allowed(self, mailbox: Mailbox) -> tuple[Allowed, ...]:
        """The recipients that this mailbox may currently write to without approval.

        Raises:
            GatewayError: it could not be read.
        """
        try:
            return tuple(await self._gateway.allow_list(mailbox.id))
        except NotFound:
            # The gateway has no such lists.
            return ()

    @property
    def worked(self) -> tuple[Mailbox, ...]:
        """The active mailboxes chosen in the settings."""
        wanted = {name.lower() for name in self._agent.mailboxes}
        return tuple(
            box
            for box in self._known
            if box.is_active and (not wanted or box.id.lower() in wanted or str(box.address).lower() in wanted)
        )

    @property
    def own_addresses(self) -> frozenset[str]:
        """All addresses of the account, lower case."""
        return frozenset(str(box.address).lower() for box in self._known)

    def find(self, name: str) -> Mailbox | None:
        """A handled mailbox, by id or address."""
        return next((box for box in self.worked if name in (box.id, str(box.address))), None)
