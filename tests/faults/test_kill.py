"""kill -9 of a real process at every journal write of every decision, alone and together with lost requests.

The next start must release nothing before a human has answered, and must get to the end without releasing twice.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_tui.services.decisions.view import Phase
from tests.support.desk import at_desk
from tests.support.fault_scenes import (
    SCENES,
    Divert,
    Scene,
    agree,
    family,
    finished,
    let_go_wrong,
    play,
    released,
    set_scene,
)
from tests.support.reviewer_process import act_until_killed, processes
from tests.support.sandbox import Sandbox, running_sandbox

MOST_WRITES = 30
"""More journal writes than any scene makes."""
VARIANTS = [
    *[(name, "", "") for name in ("approve", "reject", "edit", "edit of a scheduled mail")],
    ("approve", "decide", "close after"),
    ("edit", "submit", "close after"),
    ("edit", "retire", "close after"),
    ("edit", "release", "close after"),
]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("kill"), duplicate_window=0) as running:
        yield running


@pytest.mark.parametrize(("name", "call", "fault"), VARIANTS)
def test_a_kill_between_any_two_journal_writes(
    tmp_path: Path, sandbox: Sandbox, name: str, call: str, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = SCENES[name]
    kills = 0
    for write in range(MOST_WRITES):
        for before in (True, False) if write else (False,):
            item = set_scene(sandbox, scene)
            if call:
                let_go_wrong(sandbox, Divert(), scene, call, fault, item)
            folder = tmp_path / f"{write}-{before}"
            folder.mkdir()
            process = processes().Process(
                target=act_until_killed,
                args=(str(folder), sandbox.url, sandbox.keys, sandbox.mailbox, item, name, write, before),
            )
            process.start()
            process.join(60)
            if process.exitcode == 0:
                with capsys.disabled():
                    print(f"\n  {name}{f', {call} {fault}' if call else ''}: killed {kills} times")
                assert kills > 3
                return
            assert process.exitcode == -signal.SIGKILL
            kills += 1
            asyncio.run(_start_again(folder, sandbox, scene, item))
    raise AssertionError("the scene never came to its end")


def test_what_was_held_at_the_kill_is_no_obstacle(tmp_path: Path, sandbox: Sandbox) -> None:
    """Also for a command that decides without taking up first what was left."""
    scene = SCENES["approve"]
    item = set_scene(sandbox, scene)
    process = processes().Process(
        target=act_until_killed,
        args=(str(tmp_path), sandbox.url, sandbox.keys, sandbox.mailbox, item, "approve", 0, False),
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL

    async def decide() -> list[str]:
        async with at_desk(tmp_path, sandbox.url, sandbox.keys, timeout=5) as desk:
            await desk.approve(await desk.read(sandbox.mailbox, item))
            assert (await desk.settled(item)).phase is Phase.DONE
            return desk.kinds()

    assert asyncio.run(decide()) == ["held", "fell_back", "held", "deciding", "done", "ended"]
    assert released(sandbox, item) == [item]


async def _start_again(folder: Path, sandbox: Sandbox, scene: Scene, item: str) -> None:
    sandbox.clear_faults()
    async with at_desk(folder, sandbox.url, sandbox.keys, timeout=5) as desk:
        before = released(sandbox, *family(desk, item))
        await desk.decisions.resume()
        for view in desk.decisions.overview.states():
            await desk.settled(view.email_id)
        assert released(sandbox, *family(desk, item)) == before, "released before a human had answered"
        await play(desk, scene, sandbox.mailbox, item, lambda view: agree(desk, sandbox, scene, view))
        finished(desk, sandbox, scene, item)
