"""Handles a backlog with the agent, and says how much of the model's limit it used and how much memory it held.

    python -m bench.backlog [--mails N] [--per-minute N] [--minutes N]

A sandbox with so many unread mails, the agent as a process of its own, its resident memory sampled. With `--per-minute`
the model is a stand-in that is as slow as a real one and answers so many requests a minute. With `--minutes` the agent
is stopped after that time; else it works to the end and every mail is asked of the sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from bench import limited_model
from mm_tui.sandbox.run.child import Ready, SandboxChild

DELIVER_AT_ONCE = 8
LEFT_OVER = 5
"""The agent's exit status when it was stopped before all was done."""
BODY = "Hello,\n\nthe app closes by itself since Monday. Please help me to fix this problem by Friday.\n\nAnna"


class Worked(NamedTuple):
    """What a run showed. Seconds, MiB."""

    seconds: float
    peak_mib: float
    done: int
    """Mails with a reply that waits for a human, or that need none."""
    model: limited_model.Counts | None


class Ended(NamedTuple):
    """What the sandbox tells of the mails after a whole run."""

    one_reply: int
    tagged: int


async def deliver(ready: Ready, count: int) -> list[str]:
    """Fills the first mailbox; returns the mails' ids."""
    places = asyncio.Semaphore(DELIVER_AT_ONCE)

    async def one(http: httpx.AsyncClient, number: int) -> str:
        async with places:
            mail = {
                "mailbox": ready.mailboxes[0][0],
                "from": f"Anna <anna{number}@customer.example>",
                "subject": f"The app does not work, case {number}",
                "body": BODY,
            }
            answer = await http.post("/sandbox/inbound", json=mail)
            return str(answer.raise_for_status().json()["id"])

    async with httpx.AsyncClient(base_url=ready.url, trust_env=False, timeout=120) as http:
        return await asyncio.gather(*(one(http, number) for number in range(count)))


def resident_mib(pid: int) -> float:
    """Resident memory of a process; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    except FileNotFoundError:
        return 0.0
    return 0.0


def work(ready: Ready, folder: Path, *, model: str | None, minutes: float | None) -> Worked:
    """Runs the agent over the backlog until it is worked off, or for so many minutes."""
    environ = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("MULTIMAIL_", "AI21_", "MM_TUI_"))
        },
        **ready.environment(),
        "MM_TUI_DATA": str(folder / "agent"),
        "MM_TUI_CONFIG": str(folder / "none.toml"),
    }
    if model is not None:
        environ |= {"AI21_API_HOST": model, "AI21_API_KEY": limited_model.KEY}
    log = folder / "agent.log"
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mm_tui", "agent", "run", "--once", "--json"], env=environ, stdout=out, stderr=out
        )
        peak, was_stopped = 0.0, False
        while process.poll() is None:
            peak = max(peak, resident_mib(process.pid))
            if minutes is not None and not was_stopped and time.monotonic() - began > 60 * minutes:
                process.send_signal(signal.SIGTERM)
                was_stopped = True
            time.sleep(0.2)
    seconds = time.monotonic() - began
    events = [json.loads(line)["event"] for line in log.read_text().splitlines() if line.startswith("{")]
    done = sum(event in ("replied", "labelled") for event in events)
    if process.returncode not in ((0, LEFT_OVER) if was_stopped else (0,)) or not done:
        raise RuntimeError(f"the agent ended with {process.returncode}: {log.read_text()[-2000:]}")
    return Worked(seconds, peak, done, limited_model.counts(model) if model else None)


def ask_of_all(ready: Ready, ids: list[str]) -> Ended:
    """What became of each mail."""
    one_reply = tagged = 0
    with httpx.Client(base_url=ready.url, trust_env=False, timeout=60) as http:
        headers = {"Authorization": f"Bearer {ready.keys['send']}"}
        for mail_id in ids:
            mail = http.get(f"/sandbox/emails/{mail_id}").json()
            thread = http.get(f"/v1/mailboxes/{mail['mailbox_id']}/threads/{mail['thread_id']}", headers=headers).json()
            one_reply += sum(one["direction"] == "outbound" for one in thread["emails"]) == 1
            tagged += {"label", "summary", "intent", "urgency"} <= mail["tags"].keys()
    return Ended(one_reply, tagged)


@contextmanager
def backlog(folder: Path, count: int) -> Iterator[tuple[Ready, list[str]]]:
    """A sandbox with so many unread mails, and their ids."""
    arguments = ("--no-samples", "--data", str(folder / "sandbox"), "--scan-delay", "0")
    with SandboxChild(*arguments, log=folder / "sandbox.log") as sandbox:
        yield sandbox.ready, asyncio.run(deliver(sandbox.ready, count))


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.backlog")
    parser.add_argument("--mails", type=int, default=10_000, help="unread mails (default 10000)")
    parser.add_argument(
        "--per-minute", type=int, help="requests that the model answers in a minute (default: no limit)"
    )
    parser.add_argument("--minutes", type=float, help="stop after this time (default: when all is done)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        ready, ids = stack.enter_context(backlog(folder, asked.mails))
        print(f"{asked.mails} unread mails delivered", flush=True)
        model = stack.enter_context(limited_model.limited_model(asked.per_minute)) if asked.per_minute else None
        worked = work(ready, folder, model=model, minutes=asked.minutes)
        print(
            f"{worked.done} mails in {worked.seconds:.0f} s ({worked.done / worked.seconds:.1f} a second); "
            f"{worked.peak_mib:.0f} MiB at most"
        )
        if worked.model is not None:
            print(
                f"{len(worked.model.answered)} requests answered, {worked.model.refused} refused, "
                f"{worked.model.used(asked.per_minute):.1%} of the limit used in the whole minutes, "
                f"longest pause {worked.model.longest_gap:.1f} s"
            )
        if asked.minutes is None:
            ended = ask_of_all(ready, ids)
            print(f"{ended.one_reply} with exactly one reply, {ended.tagged} with all tags")


if __name__ == "__main__":
    main()
