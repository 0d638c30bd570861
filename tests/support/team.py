"""A team at work: real programs on terminals, a colleague at the gateway, and a bad network between.

A seeded driver presses in each program keys that fit what its screen shows. Every text has a mark in each line, so what
a screen has shown, what was approved there and what left can be compared without asking the program.
"""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from mm_tui.store.audit.journal import chained
from mm_tui.store.seal import BEGINNING
from tests.support.fault_proxy import Running
from tests.support.processes import MM_TUI
from tests.support.pty import PRESS_SECONDS, Terminal, plain_environment
from tests.support.sandbox import Sandbox

LINE = re.compile(r"\bQ(\d+)v(\d+)\b")
END = re.compile(r"\bQ(\d+)v(\d+)(?:\+\})? ends")
"""In a difference too, where what was added stands between marks."""
TYPED = re.compile(r"\bT[a-z]+\d+\b")
TOLD = re.compile(r"(?<!not )(sent|rejected: email|approved: email) to q(\d+)@")
ANSWER = re.compile(r"^\W*(\d)  ?(.+?)\W*$", re.MULTILINE)
SENT = ("sent", "delivered")
SETTLE_SECONDS = 90
"""Seconds. Generous: a busy machine and the longest pause between two readings."""
UNWANTED = ("tags are wrong", "try again", "go on", "anyway")
"""Answers that would send a second version, where one was already sent."""

QUEUE: Mapping[str, float] = {
    "a": 8, "x": 1.5, "e": 3, "u": 2, "s": 0.5, "j": 0.7, "k": 0.3, "n": 0.7, "p": 0.3, "space": 1, "A": 1,
    "X": 0.5, "y": 1, "enter": 0.5, "escape": 0.5, "tab": 0.4, "ctrl+r": 0.7, "N": 0.4, "W": 0.4, "Z": 0.2, "b": 0.7,
    "D": 0.2, "o": 0.2, "K": 0.2, "t": 0.2, "1": 0.4, "3": 0.2, "resize": 0.4, "kill": 0.4, "ctrl+q": 0.3,
}  # fmt: skip
DECIDING = ("a", "x", "e", "space", "A", "b")
"""Keys of the queue, and how often each is pressed."""


def text(number: int, version: int, lines: int) -> str:
    """A draft's text, marked in each line."""
    mark = f"Q{number}v{version}"
    return "\n".join([*(f"{mark} line {at}" for at in range(lines)), "", f"{mark} ends"])


def soon(minutes: int) -> str:
    """A time as tags have it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


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
            self.press(self._chance.choice(("enter", "f1", "escape")))
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


class TeamRound:
    """Some drafts, two or three programs, a colleague, and what must hold afterwards."""

    def __init__(self, sandbox: Sandbox, proxy: Running, folder: Path, seed: int) -> None:
        self.sandbox, self.proxy, self.folder = sandbox, proxy, folder
        self._chance = random.Random(seed)
        self._base = seed % 10**6 * 10
        self.drafts: dict[int, str] = {}
        self._versions: dict[int, int] = defaultdict(int)
        self.seats: list[Seat] = []
        self.keys: dict[str, str] = {}
        """Reviewer: id of the key."""
        self._needs_second = False
        """Two reviewers must approve what leaves."""

    def play(self, acts: int, drafts: int = 3) -> None:
        """Opens the programs, acts so many times in each, waits for the ends, and checks."""
        chance = self._chance
        for number in range(self._base, self._base + drafts):
            lines = chance.choice((2, 2, 2, 30))
            mail = self.sandbox.inbound(subject=f"Order {number}", body="Where is it?", sender=f"q{number}@c.example")
            self.drafts[number] = self.sandbox.reply(mail["id"], text(number, 0, lines))["id"]
        with ExitStack() as stack:
            self._open(stack)
            self.proxy.be(
                seed=chance.randrange(10**6), share=chance.choice((0.0, 0.1, 0.25)), without=("busy for a day",)
            )
            for _ in range(acts):
                for seat in chance.sample(self.seats, len(self.seats)):
                    seat.act()
                if chance.random() < 0.15:
                    self._colleague()
                for seat in self.seats:
                    seat.wait(chance.choice((0.02, 0.05, 0.2)))
                    self._hear(seat)
            self.proxy.calm()
            self._settle()
            for seat in self.seats:
                seat.leave()
        self._check()

    def _open(self, stack: ExitStack) -> None:
        stores = {name: Store(self.folder / name) for name in ("one", "other")}
        places = self._chance.choice(
            (
                (("kim", "one"), ("kim", "one")),
                (("kim", "one"), ("robin", "other")),
                (("kim", "one"), ("kim", "one"), ("robin", "other")),
            )
        )
        reviewers = sorted({reviewer for reviewer, _ in places})
        self._needs_second = len(reviewers) > 1 and self._chance.random() < 0.4
        for reviewer in reviewers:
            name = f"{reviewer}-{self._base}"
            self.keys[reviewer] = self.sandbox.make_key(name, "read", "oversight")
        for at, (reviewer, store) in enumerate(places):
            home = stores[store].home
            config = home / "config.toml"
            hold = f"[review]\nhold_seconds = {self._chance.choice((0, 1, 2))}\n"
            if self._needs_second:
                hold += 'second_approver = "always"\n'
            config.write_text(f"{hold}[sync]\nactive_seconds = 1\n[assist]\nautomatic = false\n")
            env = plain_environment(
                home,
                MULTIMAIL_API_URL=self.proxy.url,
                MULTIMAIL_API_KEY=self.sandbox.keys[f"{reviewer}-{self._base}"],
                MULTIMAIL_SEND_API_KEY=self.sandbox.keys["send"],
                MM_TUI_CONFIG=str(config),
                MM_TUI_DATA=str(home / "data"),
                MM_TUI_REVIEWER=reviewer,
            )
            seat = Seat("abc"[at], reviewer, stores[store], env, random.Random(self._chance.random()))
            stack.callback(seat.close)
            self.seats.append(seat)
        for seat in self.seats:
            seat.terminal.wait_for("Inbox", timeout=60)
            seat.terminal.press("2")
        for seat in self.seats:
            seat.terminal.wait_for(f"q{self._base}@", timeout=60)

    def _colleague(self) -> None:
        """Somebody else at the gateway, over a good network."""
        number = self._chance.choice(list(self.drafts))
        item = self.drafts[number]
        way = self._chance.choice(
            ("approve", "reject", "change", "change", "note", "presence", "assign", "all", "cancel")
        )
        path = f"/v1/mailboxes/{self.sandbox.mailbox}/emails/{item}"
        with suppress(httpx.HTTPStatusError):
            if way == "change":
                if self.sandbox.status(item) == "pending_send_approval":
                    self._versions[number] += 1
                    version = text(number, self._versions[number], self._chance.choice((2, 30)))
                    self.sandbox.change(item, markdown=version)
            elif way == "cancel":
                self.sandbox.call("POST", f"{path}/cancel", key="send")
            elif way == "all":
                if self._chance.random() < 0.3:
                    for mail in self.sandbox.pending():
                        self.sandbox.decide(mail["id"], "reject", "runaway agent")
            elif way in ("approve", "reject"):
                self.sandbox.decide(item, way, "not needed")
            else:
                tags = {
                    "note": {"review.note": "look twice", "review.note_by": "jo"},
                    "presence": {
                        "review.claimed_by": "jo",
                        "review.claimed_at": soon(0),
                        "review.claimed_until": soon(9),
                    },
                    "assign": {"review.assigned_to": "jo", "review.assigned_by": "jo"},
                }[way]
                self.sandbox.call("PUT", f"{path}/tags", key="send", json={"tags": tags})

    def _hear(self, seat: Seat) -> None:
        """What a screen says of a decision's end must be so at that moment."""
        for what, digits in TOLD.findall(seat.look()):
            number = int(digits)
            if (what, number) in seat.reported or number not in self.drafts:
                continue
            seat.reported.add((what, number))
            if what == "rejected: email":
                statuses = {mail["status"] for mail in self._family(number)}
                assert "rejected" in statuses, f"{seat.name} says {what} {number}: {statuses}\n{seat.terminal.text}"
            else:
                assert self._released(number), (
                    f"{seat.name} says {what} {number}, and nothing left\n{seat.terminal.text}"
                )

    def _family(self, number: int) -> list[dict[str, Any]]:
        original = self.sandbox.look(self.drafts[number])
        path = f"/v1/mailboxes/{self.sandbox.mailbox}/threads/{original['thread_id']}"
        found = self.sandbox.call("GET", path, key="oversight")
        return [mail for mail in found["emails"] if mail.get("direction", "outbound") == "outbound"]

    def _released(self, number: int) -> list[dict[str, Any]]:
        return [mail for mail in self.sandbox.outbox() if any(f"q{number}@" in to for to in mail["to"])]

    def _settle(self) -> None:
        ends = time.monotonic() + SETTLE_SECONDS
        while waiting := [state for seat in self.seats for state in seat.store.unsettled()]:
            assert time.monotonic() < ends, f"never ends nor asks: {waiting}"
            for seat in self.seats:
                seat.settle()
                seat.wait(0.3)
                self._hear(seat)

    # What must hold

    def _check(self) -> None:
        outbox = [mail for number in self.drafts for mail in self._released(number)]
        ids = [mail["id"] for mail in outbox]
        assert len(ids) == len(set(ids)), "an email left twice"
        for reviewer, key in self.keys.items():
            seats = [seat for seat in self.seats if seat.reviewer == reviewer]
            entries = [entry for store in {seat.store for seat in seats} for entry in store.journal()]
            for number in self.drafts:
                mine = [mail for mail in self._released(number) if self.sandbox.look(mail["id"])["approved_by"] == key]
                assert len(mine) <= 1, f"{reviewer} released two versions of {number}"
                for mail in mine:
                    self._check_release(number, mail, seats, entries)
        self._check_texts(outbox)

    def _check_release(
        self, number: int, mail: dict[str, Any], seats: list[Seat], entries: list[dict[str, Any]]
    ) -> None:
        of = f"{mail['id']} of {number}"
        lines = [e for e in entries if mail["id"] in (e["email_id"], e["details"].get("about"))]
        decided = {e["details"].get("release") for e in lines if e["kind"] == "deciding"}
        assert decided, f"{of} left without a line in the journal"
        taken_back = {
            e["details"].get("release") for e in entries if e["kind"] in ("undone", "fell_back", "withdrawing")
        }
        assert decided - taken_back, f"{of} left although it was taken back"
        notes = {str(e["details"].get("note")) for e in entries if e["details"].get("release") in decided}
        if "not_as_seen" in notes:
            return
        versions = {(int(one), int(version)) for one, version in LINE.findall(mail["body"])}
        words = set(TYPED.findall(mail["body"]))
        assert versions <= set().union(*(seat.ends for seat in seats)), f"the end of {of} was on no screen: {versions}"
        assert versions <= set().union(*(seat.approved for seat in seats)), f"nobody approved {of}: {versions}"
        if self._needs_second:
            for reviewer in self.keys:
                theirs = set().union(*(seat.approved for seat in self.seats if seat.reviewer == reviewer))
                assert versions <= theirs, f"{of} left without the approval of {reviewer}"
        assert words <= set().union(*(seat.read for seat in self.seats)), f"{words} of {of} was on no screen"

    def _check_texts(self, outbox: list[dict[str, Any]]) -> None:
        left = "\n".join(mail["body"] for mail in outbox)
        for seat in self.seats:
            kept = seat.store.texts()
            for word in seat.typed - seat.discarded:
                assert word in left or word in kept, f"what {seat.name} typed is lost: {word}"

    def story(self) -> Iterator[str]:
        """What was pressed in each program, for a round that fails."""
        for seat in self.seats:
            yield f"{seat.name} ({seat.reviewer}): {' '.join(seat.pressed)}"
