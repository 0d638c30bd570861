"""Edits survive a kill; locks keep two processes apart and outlive no process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.decisions.locks import LEASE_SECONDS, RENEW_SECONDS, DecisionTakenOver, LockStore, Process, token_of
from tests.support.other_program import AT, BASE, ROOT, edit, other_program, take


def test_an_edit_is_found_again_as_it_was_typed(tmp_path: Path) -> None:
    with Database.open(tmp_path / "store.db") as database:
        assert EditStore(database).save(edit("01J1", "first")) == 1
        assert EditStore(database).save(edit("01J1", "second \u202e\ud800")) == 2
    with Database.open(tmp_path / "store.db") as database:
        saved = EditStore(database).get("01J1")
        assert saved is not None
        assert (saved.text.body, saved.base_digest) == ("second \u202e\\ud800", "aa")
        assert saved.base == BASE
        assert [edit.item_id for edit in EditStore(database).all()] == ["01J1"]
        assert "second" not in repr(saved)


def test_saving_the_same_again_changes_nothing(database: Database) -> None:
    assert EditStore(database).save(edit("01J1", "text")) == 1
    assert EditStore(database).save(edit("01J1", "text")) == 1
    assert EditStore(database).save(edit("01J1", "text", base_digest="bb")) == 2


def test_a_discarded_edit_is_gone(database: Database) -> None:
    edits = EditStore(database)
    edits.save(edit("01J1", "text"))
    assert edits.discard("01J1")
    assert edits.get("01J1") is None


def test_an_edit_survives_a_kill(tmp_path: Path) -> None:
    died = other_program("save_and_die", tmp_path / "store.db", "typed just now")
    ended = subprocess.run(died, cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    with Database.open(tmp_path / "store.db") as database:
        saved = EditStore(database).get("01J1")
        assert saved is not None
        assert saved.text.body == "typed just now"


def test_a_lock_holds_against_another_process_until_it_is_released(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with Database.open(tmp_path / "store.db") as database:
            ours, theirs = LockStore(database), LockStore(database, Process(other.pid, token_of(other.pid)))
            with database.write() as connection:
                assert theirs.take(connection, "01J1", "decision-1", "kim", AT) is None
                lock = ours.take(connection, "01J1", "decision-2", "robin", AT)
                assert lock is not None
                assert (lock.reviewer, lock.locked_at) == ("kim", AT)
            with database.write() as connection:
                theirs.release(connection, "decision-1")
                assert ours.take(connection, "01J1", "decision-2", "robin", AT) is None
                assert ours.take(connection, "01J1", "decision-2", "robin", AT) is None
                second = ours.take(connection, "01J1", "decision-3", "robin", AT)
                assert second is not None
                assert second.decision_id == "decision-2"
    finally:
        other.kill()
        other.wait()


def test_a_lock_of_a_process_that_is_gone_is_taken_over(database: Database) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Process(other.pid, token_of(other.pid))
    assert owner.is_alive()
    with database.write() as connection:
        assert LockStore(database, owner).take(connection, "01J1", "decision-1", "kim", AT) is None
    assert LockStore(database).elsewhere(AT) == {"01J1": "kim"}
    assert LockStore(database, owner).elsewhere(AT) == {}
    other.kill()
    other.wait()
    assert not owner.is_alive()
    assert LockStore(database).elsewhere(AT) == {}
    with database.write() as connection:
        assert LockStore(database).take(connection, "01J1", "decision-2", "robin", AT) is None


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    if token_of(os.getpid()):
        assert Process.this().is_alive()
        assert not Process(os.getpid(), "another boot:1").is_alive()


# Processes that cannot see each other


@dataclass
class Watch:
    """Seconds of one machine's monotonic clock."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


GHOST = Process(2**22 + 1, "a boot:1")
"""A process that this machine's table does not have, as one in another container."""


def test_a_process_elsewhere_is_not_taken_for_dead_because_the_table_does_not_have_it(database: Database) -> None:
    watch = Watch()
    theirs = LockStore(database, GHOST, "container a")
    ours = LockStore(database, where="container b", monotonic=watch)
    take(database, theirs, "r1", AT)
    for _ in range(20):
        watch.now += RENEW_SECONDS
        assert theirs.renew(AT) == 1
        assert take(database, ours, "r2", AT) is not None
    # It dies: nothing is renewed any more.
    watch.now += LEASE_SECONDS
    assert take(database, ours, "r2", AT) is not None, "its last sign may be just so old"
    watch.now += LEASE_SECONDS + 1
    assert take(database, ours, "r2", AT) is None
    with pytest.raises(DecisionTakenOver), database.write() as connection:
        theirs.confirm(connection, "r1", AT)
    with database.write() as connection:
        ours.confirm(connection, "r2", AT)


@pytest.mark.parametrize("skew", [-600, -60, 0, 60, 3600])
def test_clocks_that_differ_end_no_lease_early(database: Database, skew: int) -> None:
    """The clock of the one that watches is so many seconds behind or ahead; ten minutes are foreseen."""
    theirs = LockStore(database, GHOST, "machine a")
    ours = LockStore(database, where="machine b", monotonic=Watch())
    take(database, theirs, "r1", AT)
    lock = take(database, ours, "r2", AT + timedelta(seconds=skew))
    assert (lock is None) == (skew > 600 + LEASE_SECONDS)


def test_a_lock_long_ago_needs_no_watching(database: Database) -> None:
    take(database, LockStore(database, GHOST, "machine a"), "r1", AT)
    assert take(database, LockStore(database, where="machine b"), "r2", AT + timedelta(hours=1)) is None


@pytest.mark.skipif(sys.platform != "linux", reason="process namespaces are Linux's")
def test_a_process_in_another_namespace_keeps_its_lock(tmp_path: Path) -> None:
    """Both programs are the first of their namespace: the same number, and neither sees the other."""
    apart = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a test make process namespaces: that case was NOT tried")
    path = tmp_path / "store.db"
    with subprocess.Popen(
        [*apart, *other_program("hold_lock", path, "r1", 60)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == "True\n"
        second = subprocess.run(
            [*apart, *other_program("hold_lock", path, "r2", 0)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert second.stdout == "False\n"
        with Database.open(path) as database:
            assert take(database, LockStore(database), "r3", datetime.now(UTC)) is not None, "nor from outside"
        first.kill()
