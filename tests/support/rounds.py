"""Tests that play random rounds: which ones, and for how long."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from itertools import count


class Rounds:
    """What the environment asks for: `NAME_SECONDS` plays for longer, `NAME_SEED` plays a round again. Make it when the
    test file is loaded."""

    def __init__(self, name: str, seconds: float) -> None:
        """`seconds`: how long rounds are begun unless the environment says otherwise."""
        self._name = name
        self.is_longer = f"{name}_SECONDS" in os.environ
        self.seconds = float(os.environ.get(f"{name}_SECONDS", seconds))
        self.seed = int(os.environ.get(f"{name}_SEED", "0"))

    def seeds(self, least: int = 1) -> Iterator[int]:
        """A seed for each round, of `least` at least. Ordinary runs all play the same, so that none fails now and then;
        longer ones play new rounds."""
        if self.seed:
            yield self.seed
            return
        ends, dice = time.monotonic() + self.seconds, random.SystemRandom() if self.is_longer else random.Random(1)
        for played in count():
            if played >= least and time.monotonic() >= ends:
                return
            yield dice.randrange(1, 10**6)

    def again(self, seed: int) -> str:
        """How a round is played again."""
        return f"{self._name}_SEED={seed} plays the round again"
