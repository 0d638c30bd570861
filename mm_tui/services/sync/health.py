"""The health of each part of the sync, the time of its next try, and the combined state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from mm_tui.clock import Clock
from mm_tui.gateway.errors import (
    Blocked,
    GatewayError,
    MissingKey,
    MissingScope,
    NotMultiMail,
    RateLimited,
    TooMany,
    Unauthorized,
)
from mm_tui.services.backoff import LONGEST_SECONDS, Backoff
from mm_tui.services.events import FailureKind, PartState, SyncPart, SyncPhase, SyncState
from mm_tui.store.seal import STORE_FAULTS, StoreError, fault_of_store, is_busy
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.sync.mail import SyncPlace

SCOPE_SECONDS = 60.0
"""About how long to wait after the key lacked a scope; each further refusal doubles it. A key may be given its scopes
at the gateway, which reports that to nobody."""

_GRAVEST_FIRST = (SyncPart.MAIL, SyncPart.INITIAL, SyncPart.PENDING, SyncPart.STORE, SyncPart.MAILBOXES, SyncPart.AUDIT)
_POLLED = (SyncPart.MAIL, SyncPart.PENDING)
_LISTS_MAIL = (SyncPart.MAIL, SyncPart.INITIAL, SyncPart.MAILBOXES)
_CUT_OFF: tuple[tuple[tuple[type[Exception], ...], SyncPhase], ...] = (
    ((NotMultiMail,), SyncPhase.WRONG_ADDRESS),
    ((Blocked,), SyncPhase.BLOCKED),
    ((Unauthorized, MissingScope), SyncPhase.KEY_REFUSED),
    (STORE_FAULTS, SyncPhase.STORE_UNUSABLE),
)


class SyncHealth:
    """Tracks successes and failures of the parts, independent of gateway and store."""

    def __init__(self, clock: Clock, rng: Random, last_ok_at: datetime | None) -> None:
        self.last_ok_at = last_ok_at
        """When a list or the queue was last read successfully."""
        self._clock = clock
        self._backoffs = {part: Backoff(rng) for part in SyncPart}
        self._parts = {part: PartState(part) for part in SyncPart}
        self._cut_off = dict.fromkeys(SyncPart, SyncPhase.OFFLINE)
        """The phase to show if mail cannot be listed because of this part."""

    @property
    def without_key(self) -> list[SyncPart]:
        """The parts whose last try failed because of the key."""
        return [part for part, state in self._parts.items() if state.kind is FailureKind.KEY]

    def well(self, part: SyncPart, aside: OneLine | None = None) -> None:
        """Records a success; `aside` is an error of a part of it."""
        now = self._clock.now()
        self._backoffs[part].succeeded()
        self._parts[part] = PartState(part, last_ok_at=now, error=aside)
        if part in _POLLED:
            self.last_ok_at = now

    def page_synced(self) -> None:
        """Records that a page of the initial sync was stored."""
        self.well(SyncPart.INITIAL)
        self.last_ok_at = self._clock.now()

    def failed(self, part: SyncPart, error: Exception, *, interval: float, again: bool) -> tuple[float, bool]:
        """A try failed. Returns the seconds to wait, and whether the gateway asked for that wait, which must then not
        be shortened. `interval`: seconds between tries while all is well. `again`: whether it will be tried again."""
        retry_after = error.retry_after if isinstance(error, GatewayError) else None
        kind = _kind_of(error)
        scope = isinstance(error, MissingScope)
        wait = self._backoffs[part].failed(max(interval, SCOPE_SECONDS) if scope else interval, retry_after)
        if kind is FailureKind.KEY and not scope:
            # If only another key helps, there is no point in trying often.
            wait = LONGEST_SECONDS
        self._cut_off[part] = next((phase for kinds, phase in _CUT_OFF if isinstance(error, kinds)), SyncPhase.OFFLINE)
        if isinstance(error, GatewayError):
            words, cure = error.message, OneLine(error.what_to_do)
        elif isinstance(error, StoreError) or is_busy(error):
            words, cure = fault_of_store(error), None
        else:
            words = fault_of_store(error)
            cure = OneLine("Check that the disk has room and that the file can be written.")
        self._parts[part] = PartState(
            part,
            last_ok_at=self._parts[part].last_ok_at,
            error=OneLine(f"{part}: {words}"),
            cure=cure,
            retry_at=self._clock.now() + timedelta(seconds=wait) if again else None,
            kind=kind,
        )
        return wait, isinstance(error, RateLimited) and retry_after is not None

    def summed_up(self, *, running: bool, in_initial_sync: bool, places: Sequence[SyncPlace]) -> SyncState:
        """The state for the status line: the most serious error, or offline if no mail can be listed."""
        parts = self._parts
        worst = next((parts[part] for part in _GRAVEST_FIRST if parts[part].error is not None), None)
        cut_off = next((part for part in _LISTS_MAIL if parts[part].retry_at is not None), None)
        if not running:
            phase = SyncPhase.OFFLINE
        elif cut_off is not None and not in_initial_sync:
            phase = self._cut_off[cut_off]
        elif in_initial_sync:
            phase = SyncPhase.INITIAL
        elif any(parts[part].last_ok_at is not None for part in _POLLED):
            phase = SyncPhase.LIVE
        else:
            phase = SyncPhase.CONNECTING
        return SyncState(
            phase=phase,
            last_ok_at=self.last_ok_at,
            error=worst.error if worst else None,
            retry_at=worst.retry_at if worst else None,
            progress=sum(place.mails for place in places),
            mailboxes=len(places),
            mailboxes_synced=sum(place.done for place in places),
            parts=tuple(parts.values()),
        )


def _kind_of(error: Exception) -> FailureKind:
    if isinstance(error, MissingKey | MissingScope | Unauthorized):
        return FailureKind.KEY
    if isinstance(error, TooMany):
        return FailureKind.LIMIT
    return FailureKind.GATEWAY if isinstance(error, GatewayError) else FailureKind.STORE
