"""The store, or the right to decide, is lost before any journal write of every decision: no call is begun after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from mm_tui.store.seal import StoreError
from tests.support.desk import at_desk
from tests.support.fault_scenes import SCENES, reopened, set_scene
from tests.support.sandbox import Sandbox, running_sandbox

MOST_WRITES = 30
"""More journal writes than any scene makes."""
CHANGING = ("POST", "PUT", "PATCH", "DELETE")


def deleted(store: Path) -> None:
    """The file goes away."""
    store.unlink()


def taken_over(store: Path) -> None:
    """Another program, which this one cannot see, has taken the decision over."""
    with closing(sqlite3.connect(store)) as other, other:
        other.execute(
            "UPDATE claims SET pid = pid + 1, process = 'another', place = 'elsewhere', release_id = 'another'"
        )


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("lost"), duplicate_window=0) as running:
        yield running


def changes(sandbox: Sandbox) -> int:
    """How many calls that change something the gateway has had."""
    return sum(len(sandbox.calls(method, "")) for method in CHANGING)


async def play_and_lose(
    folder: Path, sandbox: Sandbox, name: str, item: str, write: int, lose: Callable[[Path], None]
) -> int | None:
    """Plays a scene and loses the store before its nth journal write.

    Returns:
        how many changing calls had been made by then; None when the scene had ended before.
    """
    called: list[int] = []
    count = 0
    with suppress(StoreError):
        async with at_desk(folder, sandbox.url, sandbox.keys, reviewer="kim", timeout=5, orderly=False) as desk:
            journal: Any = desk.decisions._driver.journal
            whole = journal.write

            async def counting(*given: Any, **named: Any) -> bool:
                nonlocal count
                count += 1
                if count == write:
                    called.append(changes(sandbox))
                    lose(folder / "store.db")
                done: bool = await whole(*given, **named)
                return done

            journal.write = counting
            await SCENES[name].act(desk, await reopened(desk, sandbox.mailbox, item))
            with suppress(TimeoutError):
                await desk.settled(item, seconds=1)
    return called[0] if called else None


@pytest.mark.parametrize("lose", [deleted, taken_over])
@pytest.mark.parametrize("name", ["approve", "reject", "edit", "edit of a scheduled mail"])
async def test_nothing_is_called_after_the_loss(
    tmp_path: Path, sandbox: Sandbox, name: str, lose: Callable[[Path], None]
) -> None:
    for write in range(1, MOST_WRITES):
        item = set_scene(sandbox, SCENES[name])
        folder = tmp_path / str(write)
        folder.mkdir()
        called = await play_and_lose(folder, sandbox, name, item, write, lose)
        if called is None:
            assert write > 2, "the store was never lost"
            return
        assert changes(sandbox) == called, f"called after the loss before write {write}"
    raise AssertionError("the scene never came to its end")
