"""What another program does on the same store or folder: `python -m tests.support.other_program TASK …`.

A test starts it with `subprocess.Popen(other_program("hold_lock", path, …), cwd=ROOT)`; `TASKS` are functions here.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from mm_tui.models import EditedDraft, RawContent
from mm_tui.screens.pending.external_editor import run_editor
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.editor_files import EditorFile
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.decisions.locks import DecisionLock, LockStore

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = RawContent(sender="us@x.example", to=("anna@x.example",), subject="Re: Order", body="Dear Anna\x1b[2J")


def other_program(task: str, *arguments: object) -> list[str]:
    """The command line that runs a task in another process."""
    return [sys.executable, "-m", "tests.support.other_program", task, *map(str, arguments)]


# What the tests' own program does too


def edit(item: str, body: str, *, base_digest: str = "aa") -> SavedEdit:
    return SavedEdit(item, "box", base_digest, BASE, EditedDraft(("anna@x.example",), "Re: Order", body), AT)


def note(database: Database, count: int = 1) -> None:
    """Writes that many entries into the journal."""
    for number in range(count):
        Journal(database).write("held", "robin", f"01J{number}", AT, {})


def take(database: Database, locks: LockStore, decision_id: str, at: datetime) -> DecisionLock | None:
    """Takes the lock on an email, or returns that of the program that has it."""
    with database.write() as connection:
        return locks.take(connection, "01JX", decision_id, "kim", at)


# Tasks


def save_and_die(store: str, body: str) -> None:
    EditStore(Database.open(Path(store))).save(edit("01J1", body))
    os.kill(os.getpid(), signal.SIGKILL)


def hold_lock(store: str, decision_id: str, seconds: str) -> None:
    """Prints whether the lock was free, and stays for some seconds."""
    with Database.open(Path(store)) as database:
        print(take(database, LockStore(database), decision_id, datetime.now(UTC)) is None, flush=True)
        time.sleep(float(seconds))


def write_often(store: str, times: str) -> None:
    """Writes into the journal and saves edits."""
    with Database.open(Path(store)) as database:
        for number in range(int(times)):
            note(database)
            EditStore(database).save(edit(f"01J{os.getpid()}-{number}", "x" * 5000))


def run_editor_on(folder: str, editor: str, body: str) -> None:
    run_editor(EditorFile.made(Path(folder), edit("d1", body)), {"EDITOR": editor})


TASKS = {task.__name__: task for task in (save_and_die, hold_lock, write_often, run_editor_on)}

if __name__ == "__main__":
    TASKS[sys.argv[1]](*sys.argv[2:])
