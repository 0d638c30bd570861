"""Figures that depend on the number of mails, and the bounds that must hold."""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from bench.empty_app import MARK
from bench.stage import OURS, SMALL, USUAL, Figure, Stage
from bench.terminal import Program, Spread, in_turns
from mm_tui.store.mail.mails import MailView
from mm_tui.store.mail.search import parse_query, view_sql

QUERIES = (
    "refund", "invoice 2", "from:anna", "subject:order", "is:unread refund", "parcel -from:ben", "before:1m re",
    "customer", "example",
)  # fmt: skip
"""With words that a fifth of the mails have, and all."""
A_MOVE = 200
"""Bytes that the lines of a move need, and a change of the status line does not."""
JUMPS = (("last", "G"), ("first", "g"), ("page", "\x1b[6~"), ("next mailbox", "m"), ("threads folded", "t"))


class Growing:
    """Measures each part on a store of so many mails."""

    PARTS: ClassVar[tuple[str, ...]] = (
        "launch",
        "moves",
        "syncing",
        "jumps",
        "search",
        "memory",
        "idle",
        "polls",
        "store",
    )

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def launch(self) -> list[Figure]:
        """From the start of the process to the first mail on the screen, in turns with the empty app."""
        sizes = (self._stage.mails, *((USUAL,) if self._stage.mails > USUAL else ()))
        for mails in sizes:
            self._stage.profile(mails)
        empty: list[float] = []
        ours: dict[int, list[float]] = {mails: [] for mails in sizes}
        for _ in range(3 if self._stage.quick else 15):
            with self._stage.empty() as program:
                empty.append(program.wait_for(MARK))
            for mails in sizes:
                with self._stage.ours(mails) as program:
                    ours[mails].append(program.wait_for(self._stage.marks[mails]))
        floor, here = statistics.median(empty), statistics.median(ours[self._stage.mails])
        figures = [
            Figure(
                "launch to list on screen, median",
                f"{here / floor:.2f} x ({here * 1000:.0f} ms, empty app {floor * 1000:.0f} ms)",
                "1.3 x the empty app",
                here <= 1.3 * floor,
            )
        ]
        if self._stage.mails > USUAL:
            grown = here / statistics.median(ours[USUAL])
            figures.append(
                Figure(f"launch against {USUAL:,} mails in the same run", f"{grown:.2f} x", "1.05 x", grown <= 1.05)
            )
        return figures

    def moves(self) -> list[Figure]:
        """One key press each: the empty app, few mails and many, in turns."""
        turns = 4 if self._stage.quick else 30
        self._stage.profile(SMALL)
        self._stage.profile(self._stage.mails)
        with (
            self._stage.empty() as empty,
            self._stage.ours(SMALL) as few_mails,
            self._stage.ours(self._stage.mails) as many_mails,
        ):
            empty.wait_for(MARK)
            few_mails.wait_for(self._stage.marks[SMALL])
            many_mails.wait_for(self._stage.marks[self._stage.mails])
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
                "1.2 x the empty app's repaint",
                within.median <= 1.2 * base.median,
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

    def syncing(self) -> list[Figure]:
        """Moves while the initial sync runs: within the view, and then those that scroll."""
        mails = max(self._stage.mails, 100 if self._stage.quick else USUAL)
        folder = self._stage.folder / "syncing"
        environment = self._stage.sandbox(mails).environment(folder, PYTHONPATH=str(Path.cwd()))
        turns = 1 if self._stage.quick else 8
        with self._stage.empty() as empty, Program(OURS, environment) as ours:

            def first_lines(keys: str) -> tuple[float, float]:
                """The 95th percentiles of ours and the empty app, in turns."""
                times: dict[Program, list[float]] = {empty: [], ours: []}
                for key in keys:
                    for program, taken in times.items():
                        taken.append(program.first_answer(key, A_MOVE if program is ours else 1))
                    self._stage.read_for(ours, 0.03)
                return _p95(times[ours]), _p95(times[empty])

            empty.wait_for(MARK)
            ours.wait_for("emails so far")
            self._stage.read_for(ours, 0.5)
            within, floor = first_lines("jjjjjkkkkk" * turns)
            ours.press_all("j" * 40)
            scrolling, other_floor = first_lines("jjjjjj" * turns)
            when = "" if ours.shows("initial sync") else ", and in part after it"
        return [
            Figure(
                "move during the initial sync, 95th percentile to its first lines",
                f"{within / floor:.2f} x ({within:.1f} ms, empty app {floor:.1f} ms{when})",
                "3 x the empty app's",
                within <= 3 * floor,
            ),
            Figure(
                "the same for moves that scroll",
                f"{scrolling / other_floor:.2f} x ({scrolling:.1f} ms, empty app {other_floor:.1f} ms{when})",
            ),
        ]

    def jumps(self) -> list[Figure]:
        """Keys that show other mails, to the last byte; each a few times, the slowest counts."""
        store = self._stage.store_in(self._stage.profile(self._stage.mails))
        with closing(sqlite3.connect(store)) as connection:
            reading = [_bare_reading(connection, folded=folded) for folded in (True, False)]
        with self._stage.ours(self._stage.mails) as program:
            program.wait_for(self._stage.marks[self._stage.mails])
            program.settle(2.0)
            slowest = dict.fromkeys(JUMPS, 0.0)
            for _ in range(2 if self._stage.quick else 5):
                for jump in JUMPS:
                    slowest[jump] = max(slowest[jump], program.press(jump[1], quiet=0.3).milliseconds)
        return [
            *(
                Figure(
                    f"key to the last byte: {name}", f"{slowest[name, key]:.0f} ms", "100 ms", slowest[name, key] <= 100
                )
                for name, key in JUMPS
            ),
            Figure(
                "beside it: a list's keys read in SQL alone, threads and mails; the empty app's repaint",
                f"{reading[0]:.0f} and {reading[1]:.0f} ms; {self._stage.repaint.median:.0f} ms",
            ),
        ]

    def search(self) -> list[Figure]:
        """Each letter typed that brings other mails into view, until these are there.

        Against the same search in SQL and one repaint: the empty app's, and the list's own as a move that scrolls
        takes it.
        """
        line = self._stage.repaint.median
        store = self._stage.store_in(self._stage.profile(self._stage.mails))
        times: list[float] = []
        bare: list[float] = []
        with closing(sqlite3.connect(store)) as connection, self._stage.ours(self._stage.mails) as program:
            program.wait_for(self._stage.marks[self._stage.mails])
            program.settle(1.0)
            program.press_all("j" * 40)
            whole = Spread.of(program.press_all("j" * 20)).median
            program.press("g")
            for query in QUERIES[:2] if self._stage.quick else QUERIES:
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

    def memory(self) -> list[Figure]:
        """Resident memory, list on screen and polling, with drafts that are assessed."""
        self._stage.profile(self._stage.mails)
        often, seconds = {"MM_TUI_SYNC_ACTIVE_SECONDS": "1"}, 3 if self._stage.quick else 25
        with self._stage.ours(self._stage.mails, **often) as ours:
            # The first start reads the waiting drafts, and all correspondents of a million emails.
            self._stage.read_for(ours, seconds)
        with self._stage.empty() as empty, self._stage.ours(self._stage.mails, **often) as ours:
            empty.wait_for(MARK)
            ours.wait_for(self._stage.marks[self._stage.mails])
            # In 10 s after the last draft was assessed, the model of languages is let go.
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                ours.read(0.1)
                empty.read(0.0)
            ratio = ours.memory() / empty.memory()
            words = f"{ratio:.2f} x ({ours.memory():.0f} MB, empty app {empty.memory():.0f} MB)"
            own, floor = ours.memory("RssAnon"), empty.memory("RssAnon")
        return [
            Figure("memory, list on screen and polling", words, "2 x the empty app", ratio <= 2),
            Figure("the same without mapped files", f"{own / floor:.2f} x ({own:.0f} MB, empty app {floor:.0f} MB)"),
        ]

    def idle(self) -> list[Figure]:
        """Processor time with nobody at the keys and a poll every 15 s."""
        seconds = 6 if self._stage.quick else 60
        self._stage.profile(self._stage.mails)
        every = {"MM_TUI_SYNC_ACTIVE_SECONDS": "15", "MM_TUI_SYNC_IDLE_SECONDS": "15"}
        with self._stage.ours(self._stage.mails, **every) as ours, self._stage.empty() as empty:
            ours.wait_for(self._stage.marks[self._stage.mails])
            empty.wait_for(MARK)
            # By then the work that a start leaves behind is done.
            self._stage.read_for(ours, 8 if self._stage.quick else 20)
            before = ours.cpu_seconds(), empty.cpu_seconds()
            self._stage.read_for(ours, seconds)
            share = (ours.cpu_seconds() - before[0]) / seconds
            floor = (empty.cpu_seconds() - before[1]) / seconds
        return [
            Figure("idle, polling every 15 s", f"{share:.2%} of a core", "0.4 %", share <= 0.004),
            Figure("the same against the empty app, which polls nothing", f"{share / floor:.2f} x ({floor:.2%})"),
        ]

    def polls(self) -> list[Figure]:
        """Memory and processor time of many polls of a gateway with nothing new."""
        polls = 100 if self._stage.quick else 2000
        self._stage.profile(self._stage.mails)
        reported = self._stage.child("bench.soak", str(polls), environment=self._stage.environment(self._stage.mails))
        grown, cpu = reported["late_mb"] - reported["early_mb"], reported["cpu_ms_a_poll"]
        floor, calls = reported["bare_cpu_ms_a_poll"], reported["calls_a_poll"]
        return [
            Figure("poll with nothing new, processor time", f"{cpu:.1f} ms", "6 ms", cpu <= 6),
            Figure(
                "the same against its calls made bare, by httpx, and parsed",
                f"{cpu / floor:.2f} x ({calls:.1f} calls, bare {floor:.1f} ms)",
            ),
            Figure(
                f"memory over {polls:,} polls", f"{grown:+.1f} MB of {reported['early_mb']:.0f}", "1 MB", grown <= 1
            ),
        ]

    def store(self) -> list[Figure]:
        """Bytes on disk after the initial sync, without bodies."""
        size = self._stage.store_in(self._stage.profile(self._stage.mails)).stat().st_size / self._stage.mails
        return [Figure("store on disk, bytes a mail without its body", f"{size:.0f}", "700", size <= 700)]


def _bare_search(connection: sqlite3.Connection, text: str) -> float:
    """A search in SQL alone, for a first screenful of keys, in milliseconds."""
    sql, values = view_sql(MailView(query=text), parse_query(text))
    begun = time.perf_counter()
    connection.execute(f"{sql} LIMIT 200", values).fetchall()
    return (time.perf_counter() - begun) * 1000


def _bare_reading(connection: sqlite3.Connection, *, folded: bool) -> float:
    """All keys of all threads or mails in SQL alone, in milliseconds: the median of three."""
    keys = (
        "SELECT newest AS key FROM threads INDEXED BY threads_by_newest WHERE size > 0 ORDER BY newest DESC"
        if folded
        else view_sql(MailView(), parse_query(""))[0]
    )
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        connection.execute(f"SELECT group_concat(key) FROM ({keys})").fetchone()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]
