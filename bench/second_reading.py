"""The second reader over the drafts of the judgement bench: what it points at in bad drafts, and in good ones."""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack

import httpx
from fastapi import FastAPI

from bench.cases import Case, Verdict, queued, share, useful, wrong_places
from mm_tui.assist.jamba import Jamba
from mm_tui.assist.limiter import Limits
from mm_tui.clock import SystemClock
from mm_tui.sandbox.model.api import create_router
from mm_tui.services.assistant.cards import CardPhase, Spend
from mm_tui.services.assistant.second_reader import Remark, SecondReader, SecondReaderState
from mm_tui.services.assistant.service import Assistant
from mm_tui.services.knowledge.facts import HouseFacts
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import DEFAULT_AI21_HOST, Assist, Profile, Settings
from mm_tui.store.database import Database

GATE = 0.1
"""Of good drafts at most this share may get a line."""
_STAND_IN_KEY = "bench"


async def read(cases: Sequence[Case], *, stand_in: bool) -> tuple[list[SecondReaderState], Spend]:
    """What the second reader says of the draft of each case, and what it cost.

    Args:
        cases: drafts with their threads.
        stand_in: on the sandbox's plain rules in this process; otherwise with the key in AI21_API_KEY.

    Raises:
        SystemExit: there is no key.
    """
    key, host = os.environ.get("AI21_API_KEY", ""), os.environ.get("AI21_API_HOST", DEFAULT_AI21_HOST)
    if not stand_in and not key:
        raise SystemExit("AI21_API_KEY is not set")
    profile = Profile(ai21_key=Secret(_STAND_IN_KEY if stand_in else key), ai21_host=host)
    settings = Settings(profile=profile, assist=Assist(daily_budget_usd=100))
    async with AsyncExitStack() as stack:
        model = None
        if stand_in:
            app = FastAPI()
            app.include_router(create_router(_STAND_IN_KEY))
            model = await stack.enter_async_context(
                Jamba(
                    Secret(_STAND_IN_KEY),
                    "http://127.0.0.1/studio/v1",
                    limits=Limits(per_second=100_000, per_minute=1_000_000),
                    transport=httpx.ASGITransport(app),
                )
            )
        database = Database.open(None)
        stack.callback(database.close)
        assistant = Assistant(database, settings, SystemClock(), model=model)
        stack.push_async_callback(assistant.aclose)
        reader = SecondReader(assistant, HouseFacts(settings), lambda _: None)
        states = []
        for case in cases:
            entry, _ = queued(case, case["draft"])
            states.append(await reader.read(entry, str(case["draft"]["sender"])))
        return states, assistant.spend()


def points_right(case: Case, remarks: Sequence[Remark]) -> bool:
    """Whether a remark points at some of the words that are wrong; where no words are, any remark counts."""
    bodies = wrong_places(case)
    if not bodies:
        return bool(remarks)
    spans = [remark.draft_span for remark in remarks]
    return any(first < past and begin < end for first, end in bodies for begin, past in spans)


def print_readings(
    bad: Sequence[Case], verdicts: Sequence[Verdict], twins: Sequence[Case], good: Sequence[Case], *, stand_in: bool
) -> None:
    """Runs the second reader over all drafts and prints what it points at."""
    every = [*bad, *twins, *good]
    states, spend = asyncio.run(read(every, stand_in=stand_in))
    failed = Counter(str(state.words) for state in states if state.phase is not CardPhase.DONE)
    badge = next((state.badge for state in states if state.badge), "nobody")
    print(f"\nsecond reader {badge}: {len(states)} drafts, ${spend.usd:.4f}")
    for words, times in failed.most_common():
        print(f"  {times} not read: {words}")
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for case, verdict, state in zip(bad, verdicts, states, strict=False):
        right = points_right(case, state.remarks)
        for name in (f"kind {case['kind']}", "all"):
            rows[name]["n"] += 1
            rows[name]["pointed at"] += bool(state.remarks)
            rows[name]["right"] += right
            rows[name]["with rules"] += right or bool(useful(case, verdict))
    print(f"{'bad drafts':<26}{'n':>4}{'pointed at':>12}{'right reason':>14}{'or a rule':>11}")
    for name, row in sorted(rows.items(), key=lambda item: (item[0] == "all", item[0])):
        print(f"{name:<26}{row['n']:>4}{row['pointed at']:>12}{row['right']:>14}{row['with rules']:>11}")
    kinds = Counter(remark.kind for state in states[: len(bad)] for remark in state.remarks)
    print("lines on bad drafts: " + (", ".join(f"{kind} {times}" for kind, times in kinds.most_common()) or "none"))
    for title, begin, number in (
        ("corrected twins", len(bad), len(twins)),
        ("good drafts", len(bad) + len(twins), len(good)),
    ):
        of = states[begin : begin + number]
        lined = sum(bool(state.remarks) for state in of)
        over = "" if not of or lined <= GATE * len(of) else f", more than {GATE:.0%}"
        print(f"{title}: with a line {share(lined, len(of))}{over}")
        print(
            "  " + ", ".join(f"{kind} {n}" for kind, n in Counter(r.kind for s in of for r in s.remarks).most_common())
        )
