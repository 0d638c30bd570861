"""Edits survive a kill; claims keep two processes apart and outlive no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from mm_tui.models import RawContent
from mm_tui.store.claims import ClaimStore, Process, token_of
from mm_tui.store.database import Database
from mm_tui.store.edits import EditStore

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = RawContent(sender="us@x.example", to=("anna@x.example",), subject="Re: Order", body="Dear Anna\x1b[2J")


def save(edits: EditStore, body: str, *, base_digest: str = "aa") -> int:
    return edits.save("01J1", "box", base_digest, BASE, to=["anna@x.example"], subject="Re: Order", body=body, at=AT)


def test_an_edit_is_found_again_as_it_was_typed(tmp_path: Path) -> None:
    with Database.open(tmp_path / "store.db") as database:
        assert save(EditStore(database), "first") == 1
        assert save(EditStore(database), "second \u202e\ud800") == 2
    with Database.open(tmp_path / "store.db") as database:
        saved = EditStore(database).get("01J1")
        assert saved is not None
        assert (saved.body, saved.revision, saved.base_digest) == ("second \u202e\\ud800", 2, "aa")
        assert saved.base == BASE
        assert [edit.item_id for edit in EditStore(database).all()] == ["01J1"]
        assert "second" not in repr(saved)


def test_saving_the_same_again_changes_nothing(tmp_path: Path) -> None:
    with Database.open(tmp_path / "store.db") as database:
        assert save(EditStore(database), "text") == 1
        assert save(EditStore(database), "text") == 1
        assert save(EditStore(database), "text", base_digest="bb") == 2


def test_a_discarded_edit_is_gone(tmp_path: Path) -> None:
    with Database.open(tmp_path / "store.db") as database:
        edits = EditStore(database)
        save(edits, "text")
        assert edits.discard("01J1")
        assert not edits.discard("01J1")
        assert edits.get("01J1") is None


def test_an_edit_survives_a_kill(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tests.unit.test_edits_and_claims import *\n"
        f"database = Database.open(Path({str(tmp_path / 'store.db')!r}))\n"
        "save(EditStore(database), 'typed just now')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -signal.SIGKILL
    with Database.open(tmp_path / "store.db") as database:
        saved = EditStore(database).get("01J1")
        assert saved is not None
        assert saved.body == "typed just now"


def test_a_claim_holds_against_another_process_until_it_is_given_back(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with Database.open(tmp_path / "store.db") as database:
            ours, theirs = ClaimStore(database), ClaimStore(database, Process(other.pid, token_of(other.pid)))
            with database.write() as connection:
                assert theirs.take(connection, "01J1", "release-1", "kim", AT) is None
                standing = ours.take(connection, "01J1", "release-2", "robin", AT)
                assert standing is not None
                assert (standing.reviewer, standing.claimed_at) == ("kim", AT)
            assert [claim.reviewer for claim in ours.others()] == ["kim"]
            with database.write() as connection:
                theirs.release(connection, "release-1")
                assert ours.take(connection, "01J1", "release-2", "robin", AT) is None
                assert ours.take(connection, "01J1", "release-2", "robin", AT) is None
                second = ours.take(connection, "01J1", "release-3", "robin", AT)
                assert second is not None
                assert second.release_id == "release-2"
    finally:
        other.kill()
        other.wait()


def test_a_claim_of_a_process_that_is_gone_is_taken_over(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Process(other.pid, token_of(other.pid))
    assert owner.is_alive()
    with Database.open(tmp_path / "store.db") as database:
        with database.write() as connection:
            assert ClaimStore(database, owner).take(connection, "01J1", "release-1", "kim", AT) is None
        other.kill()
        other.wait()
        assert not owner.is_alive()
        with database.write() as connection:
            assert ClaimStore(database).take(connection, "01J1", "release-2", "robin", AT) is None


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    if token_of(os.getpid()):
        assert Process.this().is_alive()
        assert not Process(os.getpid(), "another boot:1").is_alive()
