"""The mailboxes that the agent handles, with their oversight modes, and the check of its key."""

from __future__ import annotations

from mm_tui.assist.errors import NoKey
from mm_tui.clock import Clock
from mm_tui.gateway.client import NOBODY, GatewayClient
from mm_tui.gateway.errors import BadRequest, Conflict, Forbidden, MissingKey, NotFound, ReadOnlyMailbox, Unauthorized
from mm_tui.gateway.keys import Keys
from mm_tui.models import Allowed, Mailbox, OversightMode
from mm_tui.settings.sections import Agent, Settings

FRESH_SECONDS = 10.0
"""Seconds: how old a mode may be when a reply is drafted."""


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
        """Reads them. Raises GatewayError if they could not be read, UnknownMailbox for one in the settings only."""
        self._known = tuple(await self._gateway.account.mailboxes())
        self._read_at = self._clock.monotonic()
        names = {name for box in self._known for name in (box.id, str(box.address).lower())}
        missing = [name for name in self._agent.mailboxes if name.lower() not in names and name not in names]
        if missing:
            raise UnknownMailbox(f"the account has no mailbox {missing[0]}")

    async def current(self, mailbox_id: str, *, at_most: float = FRESH_SECONDS) -> Mailbox | None:
        """A mailbox with its mode, read at most `at_most` seconds ago. Raises GatewayError."""
        if self._clock.monotonic() - self._read_at >= at_most:
            await self.refresh()
        box = next((box for box in self._known if box.id == mailbox_id), None)
        if box is None or str(box.oversight_mode) != OversightMode.GATED_SEND:
            return box
        return box.replaced(allowed=await self.allowed(box))

    async def known(self, mailbox_id: str, *, at_most: float = FRESH_SECONDS) -> Mailbox:
        """The same. Raises GatewayError if it could not be read; NotFound if the gateway does not list it now, which
        says nothing of the mail in it."""
        if (box := await self.current(mailbox_id, at_most=at_most)) is None:
            raise NotFound("the gateway does not list the mailbox")
        return box

    async def allowed(self, mailbox: Mailbox) -> tuple[Allowed, ...]:
        """The recipients that this mailbox may now write to without approval. Raises GatewayError."""
        try:
            return tuple(await self._gateway.account.allow_list(mailbox.id))
        except NotFound:
            # The gateway has no such lists.
            return ()

    async def try_key(self) -> None:
        """Finds out whether a 403 was about the key as a whole. Changes nothing. Raises Forbidden if the key may not
        read, or may send in no mailbox; GatewayError for another failure."""
        await self.refresh()
        refused: Forbidden | None = None
        for box in self.worked:
            try:
                await self._gateway.cancel(box.id, NOBODY)
            except (NotFound, Conflict, BadRequest, ReadOnlyMailbox):
                return
            except Forbidden as error:
                refused = refused or error
            else:
                return
        if refused is not None:
            raise refused

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


class MayDecide(Exception):
    """The agent's key may approve mail: no one approves what they composed."""

    def __init__(self) -> None:
        super().__init__("this key may decide about waiting mail, so the agent refuses to work with it")


async def check_keys(settings: Settings, *, needs_model: bool) -> None:
    """Refuses a key that may decide. It tries to read the queue, which changes nothing; 403 is the expected answer.

    Raises:
        MissingKey: no send key is set.
        NoKey: no AI21 key is set, and it is needed.
        MayDecide: the send key may also decide.
        GatewayError: the gateway did not answer this; Unauthorized if it does not know the key.
        ValueError: the text cannot be a key.
    """
    key = settings.profile.send_key
    if key is None:
        raise MissingKey("send")
    if needs_model and settings.profile.ai21_key is None:
        raise NoKey
    async with GatewayClient(settings.profile.url, Keys(oversight=key)) as probe:
        try:
            await probe.pending()
        except Forbidden:
            return
        except Unauthorized as error:
            error.say_key("send")
            raise
    raise MayDecide
