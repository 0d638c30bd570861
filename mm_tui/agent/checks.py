"""Checks to pass before the agent touches any mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.assist.errors import NoKey
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import Forbidden, MissingKey
from mm_tui.gateway.keys import Keys

if TYPE_CHECKING:
    from mm_tui.settings.sections import Settings


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
    raise MayDecide
