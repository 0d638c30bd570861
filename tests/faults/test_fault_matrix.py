"""Everything that can go wrong with a call, at every call of every decision, over real HTTP.

After each the sandbox is asked what was released: at most one of {original, edit}, nothing that the human is told was
not, and in the end what they wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.desk import at_desk
from tests.support.fault_scenes import SCENES, Divert, agree, cases, finished, let_go_wrong, play, reopened, set_scene
from tests.support.sandbox import Sandbox, running_sandbox

CASES = cases()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("matrix"), duplicate_window=0) as running:
        yield running


def test_the_matrix_has_some_hundreds_of_cases(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n  fault matrix: {len(CASES)} cases")
    assert len(CASES) > 250


@pytest.mark.parametrize(("scene_name", "call", "fault"), CASES)
async def test_a_fault_releases_nothing_unseen_nothing_twice_and_loses_no_edit(
    tmp_path: Path, sandbox: Sandbox, scene_name: str, call: str, fault: str
) -> None:
    scene = SCENES[scene_name]
    item = set_scene(sandbox, scene)
    divert = Divert()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, timeout=0.4, transport=divert) as desk:
        if scene.other_approves:
            _approve_elsewhere_once_submitted(desk.gateway, sandbox, item)
        mail = await reopened(desk, sandbox.mailbox, item)
        let_go_wrong(sandbox, divert, scene, call, fault, item)
        await scene.act(desk, mail)
        await play(desk, scene, sandbox.mailbox, item, lambda view: agree(desk, sandbox, scene, view))
        finished(desk, sandbox, scene, item)


def _approve_elsewhere_once_submitted(gateway: Any, sandbox: Sandbox, item: str) -> None:
    """Another reviewer is faster than our retiring."""
    reply = gateway.reply

    async def reply_and_lose(*given: Any, **named: Any) -> Any:
        receipt = await reply(*given, **named)
        sandbox.decide(item)
        return receipt

    gateway.reply = reply_and_lose
