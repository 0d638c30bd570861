"""Figures that do not depend on the number of mails, and the bounds that must hold."""

from __future__ import annotations

import asyncio
import os
import statistics
from pathlib import Path
from typing import ClassVar

from bench import initial_sync, link, quiet
from bench.sandbox import BenchSandbox
from bench.stage import OURS, SMALL, USUAL, Figure, Stage
from bench.terminal import Program
from mm_tui.app_parts.attendance import IDLE_AFTER_SECONDS

MOST_TO_SYNC = 30_000


class Others:
    """Measures each part."""

    PARTS: ClassVar[tuple[str, ...]] = (
        "initial_sync", "quiet", "link", "long_queue", "backlog", "arriving", "opening", "neighbours",
    )  # fmt: skip

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._has_drafts = False

    def initial_sync(self) -> list[Figure]:
        """Mails a second into an empty store, against bare loops over the same pages."""
        mails = min(self._stage.mails, MOST_TO_SYNC)
        sandbox = self._stage.sandbox(mails)
        rounds: list[tuple[float, float, float]] = []
        for number in range(1 if self._stage.quick else 7):
            bare = asyncio.run(initial_sync.bare_loop(sandbox))
            parsed = asyncio.run(initial_sync.bare_loop(sandbox, into_models=True))
            ours = asyncio.run(initial_sync.ours(sandbox, self._stage.folder / f"sync-{number}.db"))
            assert bare.mails == parsed.mails == ours.mails == mails
            rounds.append((bare.seconds, parsed.seconds, ours.seconds))
        bare_speed, parsed_speed, speed = (mails / statistics.median(times) for times in zip(*rounds, strict=True))
        # What else the machine does changes from round to round, so each is compared within itself.
        ratios = [parsed_seconds / seconds for _, parsed_seconds, seconds in rounds]
        ratio, range_ = statistics.median(ratios), f"{min(ratios):.0%} to {max(ratios):.0%}"
        return [
            Figure(
                "initial sync, against a bare loop that fetches and parses the same pages into mails",
                f"{ratio:.0%} ({range_}; {speed:,.0f} mails a second, bare {parsed_speed:,.0f})",
                "at least 70 %",
                ratio >= 0.7,
            ),
            Figure(
                "initial sync, against a bare loop that stops at the JSON",
                f"{speed / bare_speed:.0%} (bare {bare_speed:,.0f} mails a second)",
            ),
        ]

    def quiet(self) -> list[Figure]:
        """Bytes that each screen and dialog writes in a quarter of a minute with nobody at the keys."""
        seconds = 3 if self._stage.quick else 15
        sandbox = self._stage.sandbox(quiet.MAILS)
        self._fill_queue(sandbox)
        found = []
        with Program(OURS, sandbox.environment(self._stage.folder / "quiet", PYTHONPATH=str(Path.cwd()))) as program:
            program.wait_for("in sync")
            program.settle(3, timeout=60)
            # What the list does not disclose about drafts is read once, and drawn when it comes.
            program.press("2")
            program.settle(5, timeout=90)
            for scene in quiet.SCENES:
                size = quiet.written(program, scene, seconds)
                found.append(Figure(f"bytes in {seconds} s, untouched: {scene.name}", f"{size}", "600", size <= 600))
        return found

    def _fill_queue(self, sandbox: BenchSandbox) -> None:
        if not self._has_drafts:
            quiet.fill_queue(sandbox)
            self._has_drafts = True

    def link(self) -> list[Figure]:
        """Bytes and waiting over slow links, and the bytes of an idle minute."""
        sandbox = self._stage.sandbox(quiet.MAILS)
        self._fill_queue(sandbox)
        environment = sandbox.environment(self._stage.folder / "link", PYTHONPATH=str(Path.cwd()))
        minute = 6 if self._stage.quick else 60
        with Program(OURS, environment, columns=link.COLUMNS, rows=link.ROWS) as program:
            program.wait_for("in sync")
            # Nobody counts as being at the keys from then on.
            self._stage.read_for(program, 5 if self._stage.quick else IDLE_AFTER_SECONDS + 10)
            idle = [link.idle_minute(program, minute)]
            program.press("2")
            self._stage.read_for(program, 5 if self._stage.quick else IDLE_AFTER_SECONDS + 10)
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

    def long_queue(self) -> list[Figure]:
        """A queue of thousands of waiting drafts: each act, and until the rules have been applied to all."""
        from bench.long_queue import DRAFTS, KEYS

        drafts = 200 if self._stage.quick else DRAFTS
        environment = self._stage.sandbox(SMALL).environment(
            self._stage.folder / "long-queue", PYTHONPATH=str(Path.cwd())
        )
        environment["MULTIMAIL_API_URL"] = "http://127.0.0.1:9"
        reported = self._stage.child("bench.long_queue", str(drafts), environment=environment)
        name = f"queue of {drafts:,} drafts"

        def stall(key: str) -> str:
            own = reported[f"{key}_own_ms"]
            return f"{reported[f'{key}_ms']:.0f} ms ({own:.0f} without waiting for a processor)"

        acts = {"open": "open", **{act: act for act, _ in KEYS}, "read again": "read_again"}
        assessed, clock = reported["assessed_s"], reported["assessed_by_the_clock_s"]
        bulk = f"{name}: a thousand rejected together" if drafts > 1_000 else f"{name}: half rejected together"
        return [
            *(
                Figure(f"{name}: {act}", f"{reported[f'{key}_ms']:.0f} ms", "100 ms", reported[f"{key}_ms"] <= 100)
                if key != "read_again"
                else Figure(f"{name}: read again, in a thread", f"{reported[f'{key}_ms']:.0f} ms")
                for act, key in acts.items()
            ),
            Figure(f"{name}: all assessed", f"{assessed:.1f} s ({clock:.1f} s by the clock)", "20 s", assessed <= 20),
            *(
                Figure(f"{name}: longest stall {when}", stall(key), "50 ms", reported[f"{key}_ms"] <= 50)
                for when, key in (("while it is assessed", "stall"), ("while it is read again", "reading_again_stall"))
            ),
            Figure(f"{bulk}: journaled and held", f"{reported['bulk_begun_s']:.2f} s"),
            Figure(f"{bulk}: longest stall", stall("bulk_stall"), "50 ms", reported["bulk_stall_ms"] <= 50),
            Figure(f"{bulk}: undone", f"{reported['bulk_undone_s']:.2f} s"),
            Figure(
                f"{bulk}: longest stall while undone", stall("undo_stall"), "50 ms", reported["undo_stall_ms"] <= 50
            ),
            Figure(f"{name}: memory", f"{reported['memory_mb']:.0f} MB"),
        ]

    def backlog(self) -> list[Figure]:
        """The agent on a backlog, with a model of 200 requests a minute."""
        from bench import backlog, limited_model

        per_minute, minutes = 200, 1.2 if self._stage.quick else 3.2
        folder = self._stage.folder / "backlog"
        folder.mkdir()
        with (
            backlog.backlog(folder, int(per_minute * minutes / 2)) as (ready, _),
            limited_model.limited_model(per_minute) as model,
        ):
            worked = backlog.work(ready, folder, model=model, minutes=minutes)
        assert worked.model is not None
        used = worked.model.used(per_minute)
        name = f"agent on a backlog, model of {per_minute} requests a minute"
        return [
            Figure(f"{name}: share of the limit used", f"{used:.0%}", "95 %", used >= 0.95),
            Figure(f"{name}: memory", f"{worked.peak_mib:.0f} MB", "60 MB", worked.peak_mib <= 60),
        ]

    def arriving(self) -> list[Figure]:
        """The event loop while 10,000 mails come in."""
        from bench.stalls import ARRIVING

        folder = self._stage.folder / "arriving"
        environment = self._stage.sandbox(ARRIVING).environment(folder, PYTHONPATH=str(Path.cwd()))
        longest = self._stage.child("bench.stalls", "arrive", environment=environment)["longest_ms"]
        name = f"longest stall of the event loop while {ARRIVING:,} mails arrive"
        return [Figure(name, f"{longest:.0f} ms", "50 ms", longest <= 50)]

    def opening(self) -> list[Figure]:
        """The event loop while large things are opened and read."""
        figures = []
        for what, name in (("body", "a body of 262,144 characters"), ("thread", "a thread of 1,000 mails")):
            environment = self._stage.sandbox(SMALL).environment(self._stage.folder / what, PYTHONPATH=str(Path.cwd()))
            environment["MULTIMAIL_API_URL"] = "http://127.0.0.1:9"
            longest = self._stage.child("bench.stalls", what, environment=environment)["longest_ms"]
            words = f"longest stall while opening and reading {name}"
            figures.append(Figure(words, f"{longest:.0f} ms", "100 ms", longest <= 100))
        environment = self._stage.sandbox(SMALL).environment(self._stage.folder / "draft", PYTHONPATH=str(Path.cwd()))
        environment["MULTIMAIL_API_URL"] = "http://127.0.0.1:9"
        longest = self._stage.child("bench.stalls", "draft", environment=environment)["longest_ms"]
        figures.append(
            Figure(
                "longest stall while opening, reading and editing a draft of 262,144 characters", f"{longest:.0f} ms"
            )
        )
        return figures

    def neighbours(self) -> list[Figure]:
        """Other mail programs on as many mails, where they are installed."""
        from bench import neighbours

        folder = self._stage.folder / "neighbours"
        folder.mkdir()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
        }
        runs, mails = 1 if self._stage.quick else 3, min(self._stage.mails, USUAL)
        return [
            Figure(
                f"{one.name}, {mails:,} mails",
                f"launch {one.launch:.2f} s; move {one.moves.median:.1f} ms, 95th percentile {one.moves.p95:.1f} ms, "
                f"{one.moves.size:.0f} bytes; {one.memory:.0f} MB",
            )
            for one in neighbours.measure(folder, mails, environment, runs=runs)
        ]
