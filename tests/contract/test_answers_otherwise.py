"""Gateways that answer otherwise than documented: nothing crashes or leaves twice, and the words say what is wrong.

One call after the other is answered with something distorted by a seed: fields that are missing, have another name or
another type, unknown words, odd times, more nesting, and whole answers that are no API's.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mm_tui.clock import SystemClock
from mm_tui.models import EditedDraft
from mm_tui.review.findings import Level
from mm_tui.screens.audit.pages import history_page
from mm_tui.services.audit.history import Histories
from mm_tui.services.audit.line import AuditLines
from mm_tui.services.decisions.service import Refused
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.service import Sync
from mm_tui.services.sync.waiting_details import WaitingDetails
from mm_tui.settings.sections import Risk, SyncSettings
from tests.support.cli import Home
from tests.support.desk import Desk, at_desk
from tests.support.spec_gateway import SpecGateway, spec_gateway

Answer = tuple[int, str, bytes]
JSON = "application/json"
SEEDS = int(os.environ.get("MM_TUI_TEST_SEEDS", "2"))
"""Distortions of each call; more find more."""
BOX = r"/v1/mailboxes/[^/]+"
CALLS = {
    "mailboxes": ("GET", r"/v1/mailboxes"),
    "allowlist": ("GET", BOX + "/allowlist"),
    "emails": ("GET", BOX + "/emails"),
    "detail": ("GET", BOX + "/emails/[^/]+"),
    "thread": ("GET", BOX + "/threads/[^/]+"),
    "tags": ("(GET|PUT)", BOX + "/emails/[^/]+/tags"),
    "reply": ("POST", BOX + "/reply/[^/]+"),
    "cancel": ("POST", BOX + "/emails/[^/]+/cancel"),
    "pending": ("GET", "/v1/oversight/pending"),
    "decide": ("POST", "/v1/oversight/decide"),
    "audit": ("GET", "/v1/audit-log"),
    "contacts": ("GET", "/v1/contacts"),
    "everything": (".*", ".*"),
}
WHOLE: dict[str, Answer] = {
    "a web page": (200, "text/html", b"<!doctype html><title>Welcome</title><p>It works!"),
    "a web page called JSON": (200, JSON, b"<html>"),
    "Cloudflare's block": (403, "text/html", b"<html>error code: 1020</html>"),
    "another API's 404": (404, JSON, b'{"detail":"Not Found"}'),
    "a server's 404": (404, "text/html", b"<h1>Not Found</h1>"),
    "nothing": (200, JSON, b""),
    "no content": (204, JSON, b""),
    "half an answer": (200, JSON, b'{"emails":[{"id":"01J'),
    "a number": (200, JSON, b"17"),
    "null": (200, JSON, b"null"),
    "an error that succeeds": (200, JSON, b'{"error":"internal"}'),
    "deep nesting": (200, JSON, b"[" * 3000 + b"]" * 3000),
    "no UTF-8": (200, JSON, b'{"emails":"\xff\xfe"}'),
    "an unknown success": (299, JSON, b'{"ok":true}'),
    "a redirect": (302, "text/html", b""),
    "a teapot": (418, "text/plain", b"I'm a teapot"),
}
ODD: tuple[Any, ...] = (
    None, "", 0, -1, 1e308, True, [], {}, [[]], [None], {"id": None}, "\x1b[2J", "x" * 5000, "2026-13-45", "yesterday",
    "1772366400", 1772366400, "Mon, 2 Mar 2026 10:00:00", "0001-01-01T00:00:00Z", 10**30, "quarantine_review", "..",
)  # fmt: skip


def distorted(value: Any, rng: random.Random) -> Any:
    """A copy in which about one place in four is another one."""
    if isinstance(value, list):
        if rng.random() < 0.1:
            return {"items": value}
        return [distorted(one, rng) for one in value]
    if not isinstance(value, dict):
        return rng.choice(ODD) if rng.random() < 0.15 else value
    found: dict[str, Any] = {}
    for name, inner in value.items():
        kind = rng.random()
        if kind < 0.08:
            continue
        if kind < 0.16:
            camel = re.sub(r"_(\w)", lambda match: match[1].upper(), name)
            name = rng.choice([camel, name.upper(), f"{name}_address", f"{name}_addresses", f"x_{name}"])
        found[name] = rng.choice(ODD) if rng.random() < 0.08 else distorted(inner, rng)
    return {rng.choice(("data", "result", "response")): found} if rng.random() < 0.08 else found


def distorting(call: str, make: Callable[[int, Any], Answer]) -> Callable[[str, str, int, Any], Answer | None]:
    method, path = CALLS[call]

    def distort(asked: str, at: str, status: int, reported: Any) -> Answer | None:
        return make(status, reported) if re.fullmatch(method, asked) and re.fullmatch(path, at) else None

    return distort


def by_seed(seed: int) -> Callable[[int, Any], Answer]:
    rng = random.Random(seed)
    return lambda status, reported: (status, JSON, json.dumps(distorted(reported, rng)).encode())


async def review(gateway: SpecGateway, folder: Path, *, edit: bool, patience: float) -> None:
    """Reads everything, then approves or edits each draft that can be, and looks at what is shown."""
    async with at_desk(folder, gateway.url, gateway.keys, timeout=5, speed=1000) as desk:
        sync = Sync(desk.database, desk.gateway, SyncSettings(), SystemClock(), lambda _: None)
        state = await sync.run_once()
        assert all(part.error is None or part.error.strip() for part in state.parts)
        await WaitingDetails(desk.database, sync, SystemClock(), lambda _: None).read_all(seconds=5)
        entries = ReviewQueue(desk.database, SystemClock(), Risk()).entries()
        for entry in entries:
            look_at(entry)
            await decide(desk, entry, edit=edit, patience=patience)
        for email_id in gateway.mails:
            text = history_page(Histories(desk.database, AuditLines(desk.database)).of(email_id), 80).text
            assert "nobody" not in text and "\x1b" not in text
        desk.journal()


def look_at(entry: QueueEntry) -> None:
    named = [party for party in entry.item.to if party.address.strip()]
    if not named:
        codes = {finding.code: finding.level for finding in entry.assessment.findings}
        assert codes.get("recipients_untold") is Level.HIGH or str(entry.item.direction) == "inbound"


async def decide(desk: Desk, entry: QueueEntry, *, edit: bool, patience: float) -> None:
    item = entry.item
    try:
        if edit:
            draft = EditedDraft(item.raw.to, item.raw.subject, "Dear Anna, tomorrow.")
            await desk.decisions.release_edit(item, entry.digest, draft, hold=0)
        else:
            await desk.decisions.approve(item, entry.digest, hold=0)
    except Refused as refused:
        assert refused.message.strip() and refused.what_to_do.strip()
        return
    try:
        view = await desk.settled(item.id, seconds=patience)
    except TimeoutError:
        # What is not known stays so until it can be read back.
        seen = desk.decisions.overview.state(item.id)
        assert seen is not None
        view = seen
    assert view.words.strip()


def check(gateway: SpecGateway, draft: str) -> None:
    """Of the draft and its edits at most one left, and no decision was asked for twice."""
    thread = gateway.mails[draft]["thread_id"]
    left = [mail["id"] for mail in gateway.left if mail["thread_id"] == thread]
    assert len(left) <= 1, left
    approvals = [one for one in gateway.audit if one["action"] == gateway.names["approve"]]
    assert len(approvals) <= 1
    assert sum(call == ("POST", "/v1/oversight/decide") for call in gateway.calls) <= 2, "one for each mail of an edit"


@pytest.mark.parametrize("edit", [False, True])
def test_an_undistorted_round_releases_one(tmp_path: Path, edit: bool) -> None:
    """That what the other tests do would release, were it not for the distortion."""
    as_it_is = distorting("decide", lambda status, reported: (status, JSON, json.dumps(reported).encode()))
    assert run(tmp_path, as_it_is, edit=edit, patience=30) == 1


def run(
    tmp_path: Path, distort: Callable[[str, str, int, Any], Answer | None], *, edit: bool, patience: float = 0.6
) -> int:
    """How many left. `patience`: seconds for which a decision whose outcome cannot be read back is waited for."""
    with spec_gateway(distort=distort) as gateway:
        draft = gateway.agent_replies(gateway.inbound("Where is my order?", "It has not come."), "It is on its way.")
        asyncio.run(
            asyncio.wait_for(
                review(gateway, tmp_path, edit=edit, patience=patience), timedelta(seconds=60).total_seconds()
            )
        )
        check(gateway, draft)
        return len(gateway.left)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("edit", [False, True], ids=["approve", "edit"])
@pytest.mark.parametrize("call", CALLS)
def test_distorted_answers_neither_crash_nor_release_twice(tmp_path: Path, call: str, edit: bool, seed: int) -> None:
    run(tmp_path, distorting(call, by_seed(hash_of(call, seed))), edit=edit)


def hash_of(call: str, seed: int) -> int:
    return seed * 1000 + sum(map(ord, call))


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("call", ["pending", "decide", "reply"])
def test_whole_answers_of_something_else(tmp_path: Path, call: str, name: str) -> None:
    run(tmp_path, distorting(call, lambda _status, _told: WHOLE[name]), edit=call == "reply")


@pytest.mark.parametrize("name", WHOLE)
def test_the_command_line_says_what_is_wrong(tmp_path: Path, name: str) -> None:
    with spec_gateway() as gateway:
        gateway.agent_replies(gateway.inbound("Where is my order?", "It has not come."), "It is on its way.")
        gateway.distort = distorting("everything", lambda _status, _told: WHOLE[name])
        home = Home(tmp_path)
        home.write_profile(gateway.url, gateway.keys)
        for command in (("doctor",), ("sync",), ("pending", "list")):
            done = home.run(*command)
            assert done.status not in (0, 1) or command == ("doctor",), (command, done.out, done.err)
            assert "Traceback" not in done.err and done.out + done.err
            assert "nobody" not in done.out and "deleted" not in done.err
        assert home.run("doctor").status != 0
