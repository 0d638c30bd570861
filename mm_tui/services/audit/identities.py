"""Checks the signed identity of an email that a human opens, with the gateway's public key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from mm_tui.clock import Clock
from mm_tui.gateway.errors import GatewayError
from mm_tui.review.identity import Identity, KeyUnusable, PublicKey, SignatureState, check, unchecked

KEY_AGE = timedelta(hours=1)
"""How long a key is used before it is fetched again."""
LEAST_AGE = timedelta(minutes=1)
"""After an invalid signature the key is fetched again at most this often, because keys change."""


class Identities:
    """Checks identities with the gateway's key, which is kept in memory only."""

    def __init__(self, signing_key: Callable[[], Awaitable[object]], clock: Clock) -> None:
        """`signing_key`: reads the gateway's key, or raises GatewayError."""
        self._signing_key = signing_key
        self._clock = clock
        self._held: tuple[datetime, PublicKey] | None = None

    async def check(self, header: str) -> Identity:
        """Checks the identity. If the gateway fails, the result says why it was not checked; nothing is raised."""
        try:
            found = check(header, await self._key(KEY_AGE))
            if found.signature is SignatureState.INVALID:
                found = check(header, await self._key(LEAST_AGE))
        except GatewayError as error:
            return unchecked(header, f"the gateway's key could not be read: {error.message}")
        except KeyUnusable as error:
            return unchecked(header, f"the gateway's key cannot be used: {error}")
        return found

    async def _key(self, age: timedelta) -> PublicKey:
        now = self._clock.now()
        if self._held is None or now - self._held[0] > age:
            self._held = now, PublicKey(await self._signing_key())
        return self._held[1]
