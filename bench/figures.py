"""What is measured, and the bounds that must hold."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from bench import fill, link, quiet
from bench.empty_app import MARK
from bench.office import Office, running_office
from bench.terminal import Program, Spread, in_turns
from mm_tui.app import IDLE_AFTER_SECONDS
from mm_tui.settings.paths import store_path
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore, MailView
from mm_tui.store.mail.search import parse_query, view_sql

EMPTY = (sys.executable, "-m", "bench.empty_app")
OURS = (sys.executable, "-m", "mm_tui")
SMALL = 1_000
QUERIES = ("refund", "invoice 2", "from:anna", "subject:order", "is:unread refund", "parcel -from:ben", "before:1m re")


@dataclass(frozen=True)
class Figure:
    """A line of the table. `ok` is None where there is no bound."""

    name: str
    measured: str
    bound: str = ""
    ok: bool | None = None


class Bench:
    """Measures the parts. Sandboxes and stores are made when a part first needs them."""

    PARTS: ClassVar[tuple[str, ...]] = (
        "launch", "moves", "memory", "first_fill", "search", "idle", "quiet", "link", "long_queue", "polls", "arriving",
        "opening", "neighbours",
    )  # fmt: skip

    def __init__(self, folder: Path, mails: int, *, quick: bool) -> None:
        self._folder = folder
        self._mails = mails
        self._quick = quick
        self._stack = ExitStack()
        self._offices: dict[int, Office] = {}
        self._marks: dict[int, str] = {}
        self._has_drafts = False

    def close(self) -> None:
        """Ends the sandboxes."""
        self._stack.close()

    # What is measured on

    def _office(self, mails: int) -> Office:
        if mails not in self._offices:
            self._offices[mails] = self._stack.enter_context(running_office(self._folder, mails))
        return self._offices[mails]

    def _profile(self, mails: int) -> Path:
        """A data folder whose store holds all the sandbox's mails; the first subject is in `_marks`."""
        folder = self._folder / f"profile-{mails}"
        if mails not in self._marks:
            folder.mkdir(mode=0o700)
            asyncio.run(fill.first_fill(self._office(mails), self._store(folder)))
            with Database.open(self._store(folder)) as database:
                mail = MailStore(database)
                self._marks[mails] = str(mail.rows(mail.keys(MailView(), limit=1))[0].subject)[:16].rstrip()
        return folder

    @staticmethod
    def _store(folder: Path) -> Path:
        os.environ["MM_TUI_DATA"] = str(folder)
        return store_path("default")

    def _environment(self, mails: int, **more: str) -> dict[str, str]:
        return self._office(mails).environment(self._profile(mails), PYTHONPATH=str(Path.cwd()), **more)

    def _ours(self, mails: int, **more: str) -> Program:
        return Program(OURS, self._environment(mails, **more))

    def _empty(self) -> Program:
        return Program(EMPTY, self._environment(SMALL))

    @cached_property
    def _repaint(self) -> Spread:
        """The empty app's reaction to a key."""
        with self._empty() as program:
            program.wait_for(MARK)
            program.settle()
            return Spread.of(program.press_all("jk" * (20 if self._quick else 150)))

    # Parts

    def launch(self) -> list[Figure]:
        """From the start of the process to the first mail on the screen, in turns with the empty app."""
        times: dict[str, list[float]] = {"empty": [], "ours": []}
        self._profile(self._mails)
        for _ in range(3 if self._quick else 15):
            with self._empty() as program:
                times["empty"].append(program.wait_for(MARK))
            with self._ours(self._mails) as program:
                times["ours"].append(program.wait_for(self._marks[self._mails]))
        empty, ours = (statistics.median(times[name]) for name in ("empty", "ours"))
        return [
            Figure(
                "launch to list on screen, median",
                f"{ours / empty:.2f} x ({ours * 1000:.0f} ms, empty app {empty * 1000:.0f} ms)",
                "1.5 x the empty app",
                ours <= 1.5 * empty,
            )
        ]

    def moves(self) -> list[Figure]:
        """One key press each: the empty app, few mails and many, in turns."""
        turns = 4 if self._quick else 30
        self._profile(SMALL)
        self._profile(self._mails)
        with self._empty() as empty, self._ours(SMALL) as few_mails, self._ours(self._mails) as many_mails:
            empty.wait_for(MARK)
            few_mails.wait_for(self._marks[SMALL])
            many_mails.wait_for(self._marks[self._mails])
            programs = (empty, few_mails, many_mails)
            for program in programs:
                program.settle(1.0)
            base, few, within = in_turns(programs, "jjjjjkkkkk", turns)
            for program in programs[1:]:
                program.press_all("j" * 40)
            few_scrolling, scrolling = in_turns(programs[1:], "j" * 10, turns)
        apart = within.median / few.median - 1
        apart_scrolling = scrolling.median / few_scrolling.median - 1
        return [
            Figure(
                "cursor move within the view, median",
                f"{within.median / base.median:.2f} x ({within.median:.1f} ms, empty app {base.median:.1f} ms)",
                "1.4 x the empty app's repaint",
                within.median <= 1.4 * base.median,
            ),
            Figure(
                "the same, 95th percentile",
                f"{within.p95 / base.p95:.2f} x ({within.p95:.1f} ms, empty app {base.p95:.1f} ms)",
                "2 x the empty app's",
                within.p95 <= 2 * base.p95,
            ),
            Figure(
                "cursor move that scrolls, median",
                f"{scrolling.median / base.median:.2f} x ({scrolling.median:.1f} ms)",
                "8 x the empty app's repaint",
                scrolling.median <= 8 * base.median,
            ),
            Figure(
                f"the same moves with {SMALL:,} mails",
                f"within {apart:+.0%}, scrolling {apart_scrolling:+.0%}",
                "within 10 %",
                apart <= 0.1 and apart_scrolling <= 0.1,
            ),
            Figure("bytes to the terminal for a move", f"{within.size:.0f}", "600", within.size <= 600),
            Figure("bytes for a move that scrolls", f"{scrolling.size:.0f}"),
        ]

    def memory(self) -> list[Figure]:
        """Resident memory, list on screen and polling."""
        self._profile(self._mails)
        with self._empty() as empty, self._ours(self._mails, MM_TUI_SYNC_ACTIVE_SECONDS="1") as ours:
            empty.wait_for(MARK)
            ours.wait_for(self._marks[self._mails])
            end = time.monotonic() + (3 if self._quick else 15)
            while time.monotonic() < end:
                ours.read(0.1)
                empty.read(0.0)
            ratio = ours.memory() / empty.memory()
            words = f"{ratio:.2f} x ({ours.memory():.0f} MB, empty app {empty.memory():.0f} MB)"
        return [Figure("memory, list on screen and polling", words, "2 x the empty app", ratio <= 2)]

    def first_fill(self) -> list[Figure]:
        """Mails a second into an empty store, against bare loops over the same pages."""
        mails = min(self._mails, 30_000)
        office = self._office(mails)
        figures: dict[str, list[float]] = {"bare": [], "parsed": [], "ours": []}
        for number in range(1 if self._quick else 5):
            bare = asyncio.run(fill.bare_loop(office))
            parsed = asyncio.run(fill.bare_loop(office, into_models=True))
            ours = asyncio.run(fill.first_fill(office, self._folder / f"fill-{number}.db"))
            assert bare.mails == parsed.mails == ours.mails == mails
            for name, one in (("bare", bare), ("parsed", parsed), ("ours", ours)):
                figures[name].append(mails / one.seconds)
        bare_speed, parsed_speed, speed = (statistics.median(figures[name]) for name in ("bare", "parsed", "ours"))
        return [
            Figure(
                "first fill, against a bare loop that fetches and parses the same pages into mails",
                f"{speed / parsed_speed:.0%} ({speed:,.0f} mails a second, bare {parsed_speed:,.0f})",
                "at least 70 %",
                speed >= 0.7 * parsed_speed,
            ),
            Figure(
                "first fill, against a bare loop that stops at the JSON",
                f"{speed / bare_speed:.0%} (bare {bare_speed:,.0f} mails a second)",
            ),
        ]

    def search(self) -> list[Figure]:
        """Each letter typed that brings other mails into view, until these are there.

        Against the same search in SQL and one repaint: the empty app's, and the list's own as a move that scrolls
        takes it.
        """
        line = self._repaint.median
        store = self._store(self._profile(self._mails))
        times: list[float] = []
        bare: list[float] = []
        with closing(sqlite3.connect(store)) as connection, self._ours(self._mails) as program:
            program.wait_for(self._marks[self._mails])
            program.settle(1.0)
            program.press_all("j" * 40)
            whole = Spread.of(program.press_all("j" * 20)).median
            program.press("g")
            for query in QUERIES[:2] if self._quick else QUERIES:
                program.press("/")
                for length in range(1, len(query) + 1):
                    reaction = program.press(query[length - 1], quiet=0.25)
                    if reaction.first is not None:
                        times.append(reaction.first)
                    # With the same pauses, for a processor that just woke takes half as long again.
                    time.sleep(0.1)
                    bare.append(_bare_search(connection, query[:length]))
                program.press("\x1b", quiet=0.3)
        sql = _p95(bare)
        p95 = _p95(times)
        return [
            Figure("search as you type, 95th percentile to first results", f"{p95:.0f} ms", "50 ms", p95 <= 50),
            Figure(
                "the same against bare SQL plus a repaint",
                f"{p95 / (sql + line):.2f} x (SQL {sql:.1f} ms, repaint {line:.1f} ms)",
                "2 x",
                p95 <= 2 * (sql + line),
            ),
            Figure(
                "the same against bare SQL plus a repaint of the whole list",
                f"{p95 / (sql + whole):.2f} x (repaint {whole:.1f} ms)",
            ),
        ]

    def idle(self) -> list[Figure]:
        """Processor time with nobody at the keys and a poll every 15 s."""
        seconds = 6 if self._quick else 60
        self._profile(self._mails)
        every = {"MM_TUI_SYNC_ACTIVE_SECONDS": "15", "MM_TUI_SYNC_IDLE_SECONDS": "15"}
        with self._ours(self._mails, **every) as program:
            program.wait_for(self._marks[self._mails])
            # What a start catches up on is over by then.
            self._read_for(program, 8 if self._quick else 20)
            before = program.cpu_seconds()
            self._read_for(program, seconds)
            share = (program.cpu_seconds() - before) / seconds
        return [Figure("idle, polling every 15 s", f"{share:.2%} of a core", "0.5 %", share < 0.005)]

    def quiet(self) -> list[Figure]:
        """Bytes that each screen and dialog writes in a quarter of a minute with nobody at the keys."""
        seconds = 3 if self._quick else 15
        office = self._office(quiet.MAILS)
        self._fill_queue(office)
        found = []
        with Program(OURS, office.environment(self._folder / "quiet", PYTHONPATH=str(Path.cwd()))) as program:
            program.wait_for("in sync")
            program.settle(3, timeout=60)
            # What the list does not tell of drafts is read once, and drawn when it comes.
            program.press("2")
            program.settle(5, timeout=90)
            for scene in quiet.SCENES:
                size = quiet.written(program, scene, seconds)
                found.append(Figure(f"bytes in {seconds} s, untouched: {scene.name}", f"{size}", "600", size <= 600))
        return found

    def _fill_queue(self, office: Office) -> None:
        if not self._has_drafts:
            quiet.fill_queue(office)
            self._has_drafts = True

    def link(self) -> list[Figure]:
        """Bytes and waiting over slow links, and the bytes of an idle minute."""
        office = self._office(quiet.MAILS)
        self._fill_queue(office)
        environment = office.environment(self._folder / "link", PYTHONPATH=str(Path.cwd()))
        minute = 6 if self._quick else 60
        with Program(OURS, environment, columns=link.COLUMNS, rows=link.ROWS) as program:
            program.wait_for("in sync")
            # Nobody counts as being at the keys from then on.
            self._read_for(program, 5 if self._quick else IDLE_AFTER_SECONDS + 10)
            idle = [link.idle_minute(program, minute)]
            program.press("2")
            self._read_for(program, 5 if self._quick else IDLE_AFTER_SECONDS + 10)
            idle.append(link.idle_minute(program, minute))
        costs = [link.measure(OURS, environment, rate) for rate in link.RATES]
        names = ["the first screen", *(act.name for act in link.ACTS)]
        bounds = [link.FIRST_SCREEN_BOUND, *(act.bound for act in link.ACTS)]
        figures = []
        for name, bound, both in zip(
            names, bounds, zip(*([first, *acts] for first, acts in costs), strict=True), strict=True
        ):
            size = max(cost.size for cost in both)
            waits = ", ".join(f"{cost.seconds:.1f} s at {rate:,}" for cost, rate in zip(both, link.RATES, strict=True))
            ok = None if bound is None else size <= bound
            figures.append(Figure(f"slow link, 80 by 24: {name}", f"{size} bytes; {waits}", f"{bound or ''}", ok))
        for where, size in zip(("inbox", "queue"), idle, strict=True):
            bound = link.IDLE_MINUTE_BOUND
            figures.append(Figure(f"bytes in {minute} s, untouched: {where}", f"{size}", f"{bound}", size <= bound))
        return figures

    @staticmethod
    def _read_for(program: Program, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            program.read(left)
        program.output = b""

    def polls(self) -> list[Figure]:
        """Memory before and after many polls of a gateway with nothing new."""
        polls = 100 if self._quick else 2000
        self._profile(SMALL)
        told = self._child("bench.soak", str(polls), environment=self._environment(SMALL))
        grown = told["late_mb"] - told["early_mb"]
        return [
            Figure(
                f"memory over {polls:,} polls",
                f"{grown:+.1f} MB of {told['early_mb']:.0f}; {told['cpu_ms_a_poll']:.1f} ms of processor time a poll",
                "flat (1 MB)",
                grown <= 1,
            )
        ]

    def arriving(self) -> list[Figure]:
        """The event loop while 10,000 mails come in."""
        from bench.stalls import ARRIVING

        folder = self._folder / "arriving"
        environment = self._office(ARRIVING).environment(folder, PYTHONPATH=str(Path.cwd()))
        longest = self._child("bench.stalls", "arrive", environment=environment)["longest_ms"]
        name = f"longest stall of the event loop while {ARRIVING:,} mails arrive"
        return [Figure(name, f"{longest:.0f} ms", "50 ms", longest <= 50)]

    def opening(self) -> list[Figure]:
        """The event loop while large things are opened and read."""
        figures = []
        for what, name in (("body", "a body of 262,144 characters"), ("thread", "a thread of 1,000 mails")):
            environment = self._office(SMALL).environment(self._folder / what, PYTHONPATH=str(Path.cwd()))
            environment["MULTIMAIL_API_URL"] = "http://127.0.0.1:9"
            longest = self._child("bench.stalls", what, environment=environment)["longest_ms"]
            words = f"longest stall while opening and reading {name}"
            figures.append(Figure(words, f"{longest:.0f} ms", "100 ms", longest <= 100))
        environment = self._office(SMALL).environment(self._folder / "draft", PYTHONPATH=str(Path.cwd()))
        environment["MULTIMAIL_API_URL"] = "http://127.0.0.1:9"
        longest = self._child("bench.stalls", "draft", environment=environment)["longest_ms"]
        figures.append(
            Figure(
                "longest stall while opening, reading and editing a draft of 262,144 characters", f"{longest:.0f} ms"
            )
        )
        return figures

    def long_queue(self) -> list[Figure]:
        """A queue of thousands of waiting drafts: each act, and until the rules have been applied to all."""
        from bench.long_queue import DRAFTS

        drafts = 200 if self._quick else DRAFTS
        environment = self._office(SMALL).environment(self._folder / "long-queue", PYTHONPATH=str(Path.cwd()))
        environment["MULTIMAIL_API_URL"] = "http://127.0.0.1:9"
        told = self._child("bench.long_queue", str(drafts), environment=environment)
        name = f"queue of {drafts:,} drafts"
        acts = [act.removesuffix("_ms") for act in told if act.endswith("_ms") and act != "stall_ms"]
        return [
            *(
                Figure(f"{name}: {act}", f"{told[f'{act}_ms']:.0f} ms", "100 ms", told[f"{act}_ms"] <= 100)
                for act in acts
            ),
            Figure(f"{name}: all assessed", f"{told['assessed_s']:.1f} s", "20 s", told["assessed_s"] <= 20),
            Figure(f"{name}: longest stall", f"{told['stall_ms']:.0f} ms", "50 ms", told["stall_ms"] <= 50),
        ]

    def neighbours(self) -> list[Figure]:
        """Other mail programs on as many mails, where they are installed."""
        from bench import neighbours

        folder = self._folder / "neighbours"
        folder.mkdir()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        runs = 1 if self._quick else 3
        return [
            Figure(
                f"{one.name}, {self._mails:,} mails",
                f"launch {one.launch:.2f} s; move {one.moves.median:.1f} ms, 95th percentile {one.moves.p95:.1f} ms, "
                f"{one.moves.size:.0f} bytes; {one.memory:.0f} MB",
            )
            for one in neighbours.measure(folder, self._mails, environment, runs=runs)
        ]

    @staticmethod
    def _child(module: str, *arguments: str, environment: dict[str, str]) -> dict[str, float]:
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
        told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return told


def _bare_search(connection: sqlite3.Connection, text: str) -> float:
    """A search in SQL alone, for a first screenful of keys, in milliseconds."""
    sql, values = view_sql(MailView(query=text), parse_query(text))
    begun = time.perf_counter()
    connection.execute(f"{sql} LIMIT 200", values).fetchall()
    return (time.perf_counter() - begun) * 1000


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]
