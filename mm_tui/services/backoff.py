"""How long to wait after failures: doubling, with jitter, and never less than the server asked for."""

from __future__ import annotations

from random import Random

LONGEST_SECONDS = 300.0


def backoff_seconds(failures: int, first: float, retry_after: float | None, rng: Random) -> float:
    """Seconds to wait after this many consecutive failures. `first`: about how long to wait after the first one.
    `retry_after`: the least wait that the other side asked for."""
    most = min(LONGEST_SECONDS, first * 2.0 ** min(failures - 1, 16))
    # Between half and all of it, so that many programs do not retry in the same second.
    return max(most * rng.uniform(0.5, 1.0), retry_after or 0.0)


class Backoff:
    """The back-off of one part that may fail. A success resets it."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.failures = 0

    def succeeded(self) -> None:
        """Resets the count of failures."""
        self.failures = 0

    def failed(self, interval: float, retry_after: float | None = None) -> float:
        """Counts a failure and returns the wait in seconds. `interval`: seconds between tries without failures; the
        first wait is about as long. `retry_after`: the least wait that the gateway asked for."""
        self.failures += 1
        return backoff_seconds(self.failures, interval, retry_after, self._rng)
