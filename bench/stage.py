"""What everything is measured on: sandboxes, stores that hold their mails, and programs on terminals."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench import initial_sync
from bench.empty_app import MARK
from bench.sandbox import BenchSandbox, running_sandbox
from bench.terminal import Program, Spread
from mm_tui.settings.paths import store_path
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView

EMPTY = (sys.executable, "-m", "bench.empty_app")
OURS = (sys.executable, "-m", "mm_tui")
SMALL = 1_000
USUAL = 100_000


@dataclass(frozen=True)
class Figure:
    """A line of the table. `ok` is None where there is no bound."""

    name: str
    measured: str
    bound: str = ""
    ok: bool | None = None


class Stage:
    """Sandboxes and stores are made when they are first needed."""

    def __init__(self, folder: Path, mails: int, *, quick: bool) -> None:
        self.folder = folder
        self.mails = mails
        self.quick = quick
        self.marks: dict[int, str] = {}
        """The beginning of the first subject that a profile's list shows, by its number of mails."""
        self._stack = ExitStack()
        self._sandboxes: dict[int, BenchSandbox] = {}

    def close(self) -> None:
        """Ends the sandboxes."""
        self._stack.close()

    def sandbox(self, mails: int) -> BenchSandbox:
        if mails not in self._sandboxes:
            self._sandboxes[mails] = self._stack.enter_context(running_sandbox(self.folder, mails))
        return self._sandboxes[mails]

    def profile(self, mails: int) -> Path:
        """A data folder whose store holds all the sandbox's mails; the first subject is in `_marks`."""
        folder = self.folder / f"profile-{mails}"
        if mails not in self.marks:
            folder.mkdir(mode=0o700)
            asyncio.run(initial_sync.ours(self.sandbox(mails), self.store_in(folder)))
            with Database.open(self.store_in(folder)) as database:
                mail = MailStore(database)
                (first,) = mail.rows(mail.keys(MailView(folded=True), limit=1), folded=True)
                self.marks[mails] = str(first.subject)[:16].rstrip()
        return folder

    @staticmethod
    def store_in(folder: Path) -> Path:
        os.environ["MM_TUI_DATA"] = str(folder)
        return store_path("default")

    def environment(self, mails: int, **more: str) -> dict[str, str]:
        return self.sandbox(mails).environment(self.profile(mails), PYTHONPATH=str(Path.cwd()), **more)

    def ours(self, mails: int, **more: str) -> Program:
        return Program(OURS, self.environment(mails, **more))

    def empty(self) -> Program:
        return Program(EMPTY, self.environment(SMALL))

    @cached_property
    def repaint(self) -> Spread:
        """The empty app's reaction to a key."""
        with self.empty() as program:
            program.wait_for(MARK)
            program.settle()
            return Spread.of(program.press_all("jk" * (20 if self.quick else 150)))

    @staticmethod
    def read_for(program: Program, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            program.read(left)
        program.output = b""

    @staticmethod
    def child(module: str, *arguments: str, environment: dict[str, str]) -> dict[str, float]:
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
        reported: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return reported
