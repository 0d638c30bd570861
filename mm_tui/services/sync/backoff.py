"""How long to wait after failures: doubling, with jitter, never shorter than the gateway asked."""

from __future__ import annotations

from random import Random

LONGEST_SECONDS = 300.0


class Backoff:
    """The wait of one part that may fail. A success resets it."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.failures = 0

    def succeeded(self) -> None:
        """The next failure counts as the first."""
        self.failures = 0

    def failed(self, interval: float, retry_after: float | None = None) -> float:
        """Counts a failure and returns the wait in seconds.

        Args:
            interval: seconds between tries while all is well; the first wait is about as long.
            retry_after: the least wait that the gateway asked for.
        """
        steps = min(self.failures, 16)
        self.failures += 1
        most = min(LONGEST_SECONDS, interval * 2.0**steps)
        # Between half and the whole, so that many reviewers do not come back in the same second.
        wait = most * self._rng.uniform(0.5, 1.0)
        return max(wait, retry_after or 0.0)
