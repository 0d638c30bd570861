"""Every call that changes something at the gateway is in the journal, on the disk, before it leaves (R9)."""

from __future__ import annotations

import ast
import asyncio
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

import mm_tui
from mm_tui.clock import SystemClock
from mm_tui.decision.state import Outcome
from mm_tui.gateway import calls
from mm_tui.gateway.calls import Call, all_calls
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError, NotJournaled
from mm_tui.gateway.keys import Keys
from mm_tui.services.audit.change_journal import BY_SERVICES, KINDS, ChangeJournal
from mm_tui.services.audit.line import ACT_WORDS, JOURNAL_WORDS, OUTCOME_WORDS, AuditLines
from mm_tui.services.presence.tags import PresenceTags
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from mm_tui.store.audit.journal import Journal
from mm_tui.store.audit.timeline import LineFilter
from mm_tui.store.database import Database

CHANGING = [call for call in all_calls() if call.changes]
AT = {
    "mailbox_id": "01JBOX", "email_id": "01JMAIL", "key": "label", "contact_id": "01JC", "webhook_id": "01JW",
    "entry_id": "01ENTRY",
    "address": "a@b.example",
}  # fmt: skip
BODY = {
    "oversight_mode": "monitored",
    "body": "TOP SECRET TEXT",
    "approval_code": "123456",
    "tags": {"label": "billing"},
}


def on_disk(path: Path) -> list[str]:
    """The journal as another program would find it now."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT entry FROM journal ORDER BY number")]


def client(path: Path, status: int, seen: list[list[str]]) -> GatewayClient:
    def answer(request: httpx.Request) -> httpx.Response:
        del request
        seen.append(on_disk(path))
        return httpx.Response(status, json={})

    keys = Keys(Secret("mm_test_o"), Secret("mm_test_s"), Secret("mm_test_a"))
    return GatewayClient("http://127.0.0.1:9", keys, transport=httpx.MockTransport(answer))


def call_of(call: Call) -> dict[str, str]:
    return {name: AT[name] for name in re.findall(r"{(\w+)}", call.path)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    with Database.open(tmp_path / "store.sqlite3") as database:
        yield database


def test_every_act_has_a_word_and_reading_has_none() -> None:
    assert set(KINDS) == set(CHANGING)
    assert len(set(KINDS.values())) == len(KINDS)
    assert {kind for call, kind in KINDS.items() if call is not calls.DECIDE} <= JOURNAL_WORDS.keys() | ACT_WORDS.keys()
    assert {str(outcome) for outcome in Outcome} == OUTCOME_WORDS.keys()


@pytest.mark.parametrize("call", CHANGING, ids=lambda call: call.name)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_entry_is_on_the_disk_when_the_call_leaves(store: Database, call: Call, status: int) -> None:
    assert store.path is not None
    path, seen = store.path, list[list[str]]()

    async def scene() -> None:
        async with client(path, status, seen) as gateway:
            gateway.caller.witness = ChangeJournal(store, "robin", SystemClock())
            try:
                await gateway.caller.call(call, body=BODY, at=call_of(call))
            except GatewayError:
                assert status != 200

    asyncio.run(scene())
    ((entry,),) = seen
    assert f'"kind":"{KINDS[call]}"' in entry and '"who":"robin"' in entry
    assert all(value in entry for name, value in call_of(call).items() if name != "key")
    text = "".join(on_disk(path))
    assert "SECRET" not in text and "123456" not in text and "monitored" in text
    kinds = [str(one.kind) for one in Journal(store).entries()]
    assert kinds == [KINDS[call]] + {200: [], 400: ["act_failed"], 500: ["act_in_doubt"]}[status]


@pytest.mark.parametrize("call", CHANGING, ids=lambda call: call.name)
def test_what_cannot_be_journaled_is_not_asked_for(store: Database, call: Call) -> None:
    assert store.path is not None
    path, seen = store.path, list[list[str]]()
    path.unlink()

    async def scene() -> None:
        async with client(path, 200, seen) as gateway:
            gateway.caller.witness = ChangeJournal(store, "robin", SystemClock())
            with pytest.raises(NotJournaled, match="deleted or moved"):
                await gateway.caller.call(call, body=BODY, at=call_of(call))

    asyncio.run(scene())
    assert not seen


def test_the_app_journals_all_but_what_its_services_journal_themselves(store: Database) -> None:
    profile = Profile(url="http://127.0.0.1:9", oversight_key=Secret("mm_test_o"), send_key=Secret("mm_test_s"))
    session = Session(Settings(profile=profile), store)
    session.build(lambda notice: None)
    assert session.gateway is not None and session.gateway.caller.witness is not None
    witness = session.gateway.caller.witness

    async def scene() -> None:
        for call in CHANGING:
            await witness.begins(call, call_of(call), {})
        await session.aclose()

    entries = store.path
    assert entries is not None
    asyncio.run(scene())
    written = [entry for call in CHANGING if (entry := KINDS[call]) and call not in BY_SERVICES]
    assert [re.search(r'"kind":"(\w+)"', entry).group(1) for entry in on_disk(entries)] == written  # type: ignore[union-attr]


def test_only_services_with_entries_of_their_own_make_the_calls_that_are_left_to_them() -> None:
    methods = {"decide", "send", "reply", "cancel", "edit_schedule"}
    where = set()
    root = Path(mm_tui.__file__).parent
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods):
                continue
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if "gateway" in name:
                where.add(str(file.relative_to(root)))
    # Those that probe a key cancel an id that no email has.
    probes = {"agent/boxes.py", "commands/key_probe.py"}
    allowed = {
        "services/decisions/calls.py",
        "services/assistant/drafts.py",
        "services/mail/scheduled.py",
        "agent/work.py",
        *probes,
    }
    assert where <= allowed, "journal it first, then name it here"


def test_an_open_email_has_one_entry_however_often_its_presence_is_renewed(store: Database) -> None:
    email_tags: dict[str, str] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        import json

        if request.method == "PUT":
            email_tags.update(json.loads(request.content)["tags"])
        elif request.method == "DELETE":
            email_tags.pop(request.url.path.rpartition("/")[2])
        return httpx.Response(200, json={"tags": email_tags})

    async def scene() -> None:
        transport = httpx.MockTransport(answer)
        async with GatewayClient("http://127.0.0.1:9", Keys(send=Secret("mm_test_s")), transport=transport) as gateway:
            gateway.caller.witness = ChangeJournal(store, "robin", SystemClock())
            presence = PresenceTags(gateway, "robin", SystemClock())
            for _ in range(3):
                assert await presence.mark("01JBOX", "01JMAIL") is None
            await presence.unmark("01JBOX", "01JMAIL")

    asyncio.run(scene())
    assert not email_tags
    assert [str(entry.kind) for entry in Journal(store).entries()] == ["tagging"]


def test_a_refused_change_says_which_mailbox_and_why(store: Database) -> None:
    async def scene() -> None:
        witness = ChangeJournal(store, "robin", SystemClock())
        at = {"mailbox_id": "01JBOX"}
        await witness.begins(calls.UPDATE_MAILBOX, at, {"oversight_mode": "gated_all"})
        await witness.failed(calls.UPDATE_MAILBOX, at, GatewayError("the plan does not allow it"))

    asyncio.run(scene())
    lines = AuditLines(store)
    keys = [key for chunk in lines.keys(LineFilter()) for key in chunk]
    assert [(str(one.words), str(one.what)) for one in lines.lines(keys)] == [
        ("changes a mailbox: was refused, the plan does not allow it", "01JBOX"),
        ("changes a mailbox to gated all", "01JBOX"),
    ]
