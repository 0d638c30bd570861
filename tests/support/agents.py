"""Runs the agent on a sandbox: inside the test, and as a separate process."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mm_tui.agent.boxes import Boxes
from mm_tui.agent.jobs import Jobs
from mm_tui.agent.log import Log
from mm_tui.agent.source import MailSource
from mm_tui.agent.tools import Tools
from mm_tui.agent.work import Work
from mm_tui.agent.worker import Worker, WorkerPace
from mm_tui.assist.model import ChatModel
from mm_tui.clock import Clock, SystemClock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.services.assistant.service import Assistant
from mm_tui.settings.sections import Settings
from mm_tui.store.database import Database
from tests.support.processes import MM_TUI
from tests.support.sandbox import Sandbox

BODY = "Hello,\n\nthe app closes by itself since Monday. Please help me to fix this problem by Friday.\n\nAnna"


@dataclass
class Desk:
    """An open agent."""

    worker: Worker
    source: MailSource
    work: Work
    jobs: Jobs
    assistant: Assistant
    boxes: Boxes
    clock: Clock
    log: Log
    stream: io.StringIO

    def events(self, name: str | None = None) -> list[dict[str, Any]]:
        """The events that it logged."""
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if name in (None, line["event"])]


@asynccontextmanager
async def desk(
    settings: Settings, path: Path | None = None, *, model: ChatModel | None = None, clock: Clock | None = None
) -> AsyncIterator[Desk]:
    """Opens an agent with short pauses. `path`: its store, which can be reopened; None keeps it in memory."""
    clock = clock or SystemClock()
    stream = io.StringIO()
    log = Log(clock, lambda line: print(line, file=stream), as_json=True)
    database = Database.open(path)
    async with GatewayClient(settings.profile.url, Keys(send=settings.profile.send_key), timeout=3) as gateway:
        assistant = Assistant(database, settings, clock, model=model, unattended=settings.agent.concurrency)
        jobs = Jobs(database)
        boxes = Boxes(gateway, settings.agent, clock)
        source = MailSource(gateway, jobs, boxes, clock)
        work = Work(Tools(gateway, assistant, jobs, boxes, settings, clock, log))
        pace = WorkerPace(interval=0.05, concurrency=settings.agent.concurrency, backoff=0.02)
        try:
            yield Desk(
                Worker(source, work, jobs, clock, log, pace), source, work, jobs, assistant, boxes, clock, log, stream
            )
        finally:
            await assistant.aclose()
            database.close()


def environment(sandbox: Sandbox, folder: Path, **more: str) -> dict[str, str]:
    """The variables of an agent process."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("MULTIMAIL_", "AI21_", "MM_TUI_"))
    }
    return {
        **kept,
        "MULTIMAIL_API_URL": sandbox.url,
        "MULTIMAIL_SEND_API_KEY": sandbox.keys["send"],
        "AI21_API_KEY": sandbox.ai21_key,
        "AI21_API_HOST": sandbox.ai21_url,
        "MM_TUI_DATA": str(folder / "data"),
        "MM_TUI_CONFIG": str(folder / "config.toml"),
        **more,
    }


@contextmanager
def agent_process(environ: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Runs `mm-tui agent run`, and kills it at the end if it still runs."""
    process = subprocess.Popen(
        [*MM_TUI, "agent", "run", "--json", *arguments],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_line(process: subprocess.Popen[str], word: str) -> None:
    """Reads a program's output up to the line with this word. An agent has "started" once it handles signals."""
    assert process.stdout is not None
    while word not in process.stdout.readline():
        assert process.poll() is None, f"it ended before it said {word}"


def outbound_by_mail(sandbox: Sandbox, mail_ids: list[str]) -> dict[str, list[str]]:
    """The outbound emails in the thread of each email, asked of the sandbox itself."""
    found: dict[str, list[str]] = {}
    for mail_id in mail_ids:
        mail = sandbox.look(mail_id)
        path = f"/v1/mailboxes/{mail['mailbox_id']}/threads/{mail['thread_id']}"
        thread = sandbox.call("GET", path, key="send")
        found[mail_id] = [one["id"] for one in thread["emails"] if one["direction"] == "outbound"]
    return found


def deliver(sandbox: Sandbox, count: int, **fields: str) -> list[str]:
    """Delivers emails for the agent to answer, each from another sender; returns their ids."""
    mails = [
        {"subject": f"The app fails, case {n}", "body": BODY, "sender": f"Anna <anna{n}@customer.example>", **fields}
        for n in range(count)
    ]
    return [str(sandbox.inbound(**mail)["id"]) for mail in mails]


def tagged(sandbox: Sandbox, mail_id: str) -> bool:
    return "label" in sandbox.look(mail_id)["tags"]


def assert_one_reply_each(sandbox: Sandbox, ids: list[str]) -> None:
    """Each email has its tags and one reply, which waits for a human."""
    replies = outbound_by_mail(sandbox, ids)
    assert {mail_id: len(found) for mail_id, found in replies.items()} == dict.fromkeys(ids, 1)
    for mail_id, (reply,) in replies.items():
        assert sandbox.status(reply) == "pending_send_approval"
        tags = sandbox.look(mail_id)["tags"]
        assert tags["label"] == "support"
        assert {"label.by", "summary", "intent", "urgency", "assist.model"} <= tags.keys()
    assert sandbox.outbox() == []
