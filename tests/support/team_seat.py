"""One of a team at work: a program on a terminal, the human before it, and what lies on the machine's disk."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from mm_tui.store.audit.journal import chained
from mm_tui.store.seal import BEGINNING
from tests.support.processes import MM_TUI
from tests.support.pty import PRESS_SECONDS, Terminal

LINE = re.compile(r"\bQ(\d+)v(\d+)\b")
END = re.compile(r"\bQ(\d+)v(\d+)(?:\+\})? ends")
"""In a difference too, where what was added stands between marks."""
TYPED = re.compile(r"\bT[a-z]+\d+\b")
ANSWER = re.compile(r"^\W*(\d)  ?(.+?)\W*$", re.MULTILINE)
UNWANTED = ("tags are wrong", "try again", "go on", "anyway")
"""Answers that would send a second version, where one was already sent."""

QUEUE: Mapping[str, float] = {
    "a": 8, "x": 1.5, "e": 3, "u": 2, "s": 0.5, "j": 0.7, "k": 0.3, "n": 0.7, "p": 0.3, "space": 1, "A": 1,
    "X": 0.5, "y": 1, "enter": 0.5, "escape": 0.5, "tab": 0.4, "ctrl+r": 0.7, "N": 0.4, "W": 0.4, "Z": 0.2, "b": 0.7,
    "D": 0.2, "o": 0.2, "K": 0.2, "t": 0.2, "1": 0.4, "3": 0.2, "resize": 0.4, "kill": 0.4, "ctrl+q": 0.3,
}  # fmt: skip
DECIDING = ("a", "x", "e", "space", "A", "b")
"""Keys of the queue, and how often each is pressed."""


class Store:
    """What lies on a machine's disk, read beside the programs that use it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(exist_ok=True)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the store; none before a program has made it."""
        found = list((self.home / "data").glob("store-*.sqlite3"))
        if not found:
            return []
        with closing(sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(query).fetchall()

    def texts(self) -> str:
        """All texts that are kept for humans."""
        loose = [path.read_text(errors="replace") for path in self.home.rglob("*.txt")]
        return "\n".join([*(row[0] for row in self.rows("SELECT body FROM edits")), *loose])

    def unsettled(self) -> list[str]:
        """Decisions that neither ended nor ask."""
        rows = self.rows("SELECT state FROM releases WHERE ended = 0")
        return [row[0] for row in rows if not json.loads(row[0]).get("question")]

    def journal(self) -> list[dict[str, Any]]:
        """The entries of the journal, whose chain must hold."""
        entries, before = [], BEGINNING
        for number, entry, hash_ in self.rows("SELECT number, entry, hash FROM journal ORDER BY number"):
            assert hash_ == chained(before, entry), f"entry {number} breaks the chain"
            before = hash_
            entries.append(json.loads(entry))
        return entries


class Seat:
    """One program on a terminal, and the human before it."""

    def __init__(self, name: str, reviewer: str, store: Store, env: Mapping[str, str], chance: random.Random) -> None:
        self.name, self.reviewer, self.store, self._env, self._chance = name, reviewer, store, env, chance
        self.ends: set[tuple[int, int]] = set()
        """Versions whose end this screen has shown."""
        self.approved: set[tuple[int, int]] = set()
        """Versions that were on the screen at a key that approves or marks."""
        self.typed: set[str] = set()
        """Words typed into an editor, and seen there."""
        self.read: set[str] = set()
        """Typed words that were on the screen outside an editor, those of another program on the same store too."""
        self.discarded: set[str] = set()
        self.reported: set[tuple[str, int]] = set()
        self.pressed: list[str] = []
        self.screens: list[str] = []
        """What was on the screen, and the keys pressed between."""
        self._wide = False
        self._goal, self._tries, self._tried_at = "", 0, 0.0
        """A key that decides, how often it will be pressed yet, and when it was."""
        self.terminal = self._start()

    def _start(self) -> Terminal:
        cols, rows = (120, 30) if self._wide else (80, 24)
        return Terminal(MM_TUI, env=self._env, cols=cols, rows=rows)

    @property
    def edits(self) -> bool:
        """Whether the draft editor is open."""
        return bool(re.search(r"^ subj ", self.terminal.text, re.MULTILINE)) and "^s done" in self.terminal.text

    def look(self) -> str:
        """The screen as it is now; remembers what it has shown."""
        with suppress(AssertionError):
            self.terminal.wait_until(lambda: True, "what there is")
        shown = self.terminal.text
        if not self.screens or self.screens[-1] != shown:
            self.screens.append(shown)
        if not self.edits:
            self.ends |= {(int(number), int(version)) for number, version in END.findall(shown)}
            self.read |= set(TYPED.findall(shown))
        return shown

    def wait(self, seconds: float) -> None:
        """Looks at the screen for a while."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and not self.terminal.ended:
            self.look()
            time.sleep(0.03)

    def press(self, key: str) -> None:
        """One key; what it may decide about is what is on the screen."""
        shown = self.look()
        if key in ("a", "space", "y", "Y") or key.isdigit():
            self.approved |= {(int(number), int(version)) for number, version in LINE.findall(shown)}
        self.pressed.append(key)
        self.screens.append(f"=== {key}")
        self.terminal.press(key)

    def act(self) -> None:
        """Does one thing that fits the screen."""
        shown = self.look()
        if self.terminal.ended:
            assert self.terminal.status in (0, -signal.SIGKILL), f"{self.name} ended: {self.terminal.status}\n{shown}"
            self.terminal.close()
            self.terminal = self._start()
        elif self.edits:
            self._type(shown)
        elif "y leave" in shown:
            self.press(self._chance.choice(("y", "escape")))
        elif "What now?" in shown:
            self.press(self._answer(shown))
        elif "give a reason" in shown:
            self.press(self._chance.choice(("enter", "f2", "escape")))
        elif "Y approve anyway" in shown or "Y send it anyway" in shown:
            self.press(self._chance.choice(("Y", "Y", "escape")))
        elif "Discard your edit" in shown or "D discard it" in shown:
            key = self._chance.choice(("D", "escape"))
            self.discarded |= self.typed if key == "D" else set()
            self.press(key)
        elif "Note for your colleagues" in shown or "Assign to" in shown:
            self.terminal.send(f"note {self._chance.randrange(99)}")
            self.press(self._chance.choice(("enter", "enter", "escape")))
        elif "a approve" in shown:
            self._decide(shown)
        else:
            self.press(self._chance.choice(("2", "2", "escape")))

    def _type(self, shown: str) -> None:
        """Types a word of its own, once, and leaves the editor."""
        here = [word for word in TYPED.findall(shown) if word.startswith(f"T{self.name}")]
        if here:
            self.typed |= set(here)
            self._goal, self._tries = "a", 8
            self.press(self._chance.choice(("ctrl+s", "ctrl+s", "escape")))
        else:
            word = f"T{self.name}{self._chance.randrange(10**6)}"
            self.terminal.send(f"{word} ")

    def _answer(self, shown: str) -> str:
        released = "already sent" in shown
        choices: list[str] = [
            key for key, words in ANSWER.findall(shown)
            if "tags are wrong" not in words and not (released and any(one in words for one in UNWANTED))
        ]  # fmt: skip
        choices.append("escape")
        return self._chance.choice(choices)

    def _decide(self, shown: str) -> None:
        if self._goal and (self._tries == 0 or "u undo" in shown):
            self._goal = ""
        if "asks:" in shown and self._chance.random() < 0.4:
            self.press("y")
        elif self._goal:
            # A key that decides counts only after what it is about has been on the screen for a moment.
            if time.monotonic() - self._tried_at > PRESS_SECONDS:
                self._tries -= "not seen yet" not in shown
                self.press("pagedown" if "not seen yet" in shown else self._goal)
                self._tried_at = time.monotonic()
        else:
            self._choose(self._chance.choices(list(QUEUE), list(QUEUE.values()))[0])

    def _choose(self, key: str) -> None:
        if key == "resize":
            self._wide = not self._wide
            self.terminal.resize(*((120, 30) if self._wide else (80, 24)))
        elif key == "kill":
            self.pressed.append("kill")
            self.terminal.kill()
        elif key in DECIDING:
            self._goal, self._tries = key, 8
        else:
            self.press(key)

    def settle(self) -> None:
        """Reads back what is unknown, answers what is asked, and closes what is in front."""
        if self.terminal.ended or self.edits or "What now?" in self.look():
            self.act()
        elif "y answer" in self.terminal.text:
            # The store may learn of a question only with its answer.
            self.press("y")
        elif self.terminal.text.count("esc") and "a approve" not in self.terminal.text:
            self.press("escape")
        else:
            self.press(self._chance.choice(("ctrl+r", "j", "k")))

    def close(self) -> None:
        """Kills the program that runs now."""
        self.terminal.close()

    def leave(self) -> None:
        """Quits, whatever is in front."""
        if self.terminal.ended:
            return
        while self.edits:
            self.act()
            self.wait(0.2)
        # Right behind an escape it may be read as one key with it, by a program that is late.
        self.terminal.press_until("ctrl+q", lambda: self.terminal.ended or "y leave" in self.terminal.text, "leaving")
        self.terminal.press_until("y", lambda: self.terminal.ended, "leaving")
        assert self.terminal.wait_exit() == 0, self.terminal.text
