"""Two or three real programs, a colleague and a bad network at once: what left was read and approved, once.

`MM_TUI_PROXY_SECONDS` plays more and longer rounds, `MM_TUI_PROXY_SEED` plays one again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fault_proxy import fault_proxy
from tests.support.rounds import Rounds
from tests.support.sandbox import running_sandbox_process
from tests.support.team import TeamRound

ROUNDS = Rounds("MM_TUI_PROXY", seconds=0)
ACTS = 120 if ROUNDS.is_longer or ROUNDS.seed else 30
"""Turns of each human in a round."""


@pytest.mark.timeout(ROUNDS.seconds + 300)
def test_what_a_team_sends_was_read_and_approved_once(tmp_path: Path) -> None:
    for played, seed in enumerate(ROUNDS.seeds(2)):
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
                error.add_note("\n".join([ROUNDS.again(seed), *scene.story()]))
                raise
