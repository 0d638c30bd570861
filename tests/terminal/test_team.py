"""Two or three real programs, a colleague and a bad network at once: what left was read and approved, once.

`MM_TUI_PROXY_SECONDS` plays more and longer rounds, `MM_TUI_PROXY_SEED` plays one again.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fault_proxy import fault_proxy
from tests.support.sandbox import running_sandbox_process
from tests.support.team import TeamRound

SECONDS = float(os.environ.get("MM_TUI_PROXY_SECONDS", "0"))
SEED = int(os.environ.get("MM_TUI_PROXY_SEED", "0"))
ACTS = 30 if SECONDS == 0 and SEED == 0 else 120
"""Turns of each human in a round."""


def rounds() -> Iterator[int]:
    """Seeds, for as long as there is time."""
    if SEED:
        yield SEED
        return
    ends, seeds = time.monotonic() + SECONDS, random.SystemRandom()
    yield from (seeds.randrange(1, 10**6) for _ in range(2))
    while time.monotonic() < ends:
        yield seeds.randrange(1, 10**6)


@pytest.mark.timeout(SECONDS + 300)
def test_what_a_team_sends_was_read_and_approved_once(tmp_path: Path) -> None:
    for played, seed in enumerate(rounds()):
        folder = tmp_path / str(played)
        folder.mkdir()
        with (
            running_sandbox_process(folder, "--no-samples", "--no-agent") as sandbox,
            fault_proxy(sandbox.url) as proxy,
        ):
            scene = TeamRound(sandbox, proxy, folder, seed)
            try:
                scene.play(ACTS)
            except BaseException as error:
                error.add_note("\n".join([f"MM_TUI_PROXY_SEED={seed} plays the round again", *scene.story()]))
                raise
