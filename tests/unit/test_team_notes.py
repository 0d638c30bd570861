"""Notes to colleagues and assignments: tags at the gateway, against a real sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError
from mm_tui.gateway.keys import Keys
from mm_tui.services.presence.notes import (
    ASSIGNED,
    ASSIGNED_BY,
    LONGEST_NOTE,
    NOTE,
    NOTE_AT,
    NOTE_BY,
    NotSet,
    TeamTags,
    assignment_in,
    note_in,
)
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Risk
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox


def client(sandbox: Sandbox, url: str = "") -> GatewayClient:
    return GatewayClient(url or sandbox.url, Keys(send=Secret(sandbox.keys["send"])), timeout=5)


def tagged(**tags: str) -> dict[OneLine, OneLine]:
    return {OneLine(f"review.{name}"): OneLine(value) for name, value in tags.items()}


async def test_a_note_and_an_assignment_are_set_beside_other_tags_journaled_and_removed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    draft, clock = sandbox.draft(), FakeClock(datetime.now(UTC))
    database = Database.open(tmp_path / "store.db")
    async with client(sandbox) as gateway:
        await gateway.put_tags(sandbox.mailbox, draft, {"label": "billing"})
        anna = TeamTags(database, gateway, "anna", clock, lambda _: None)
        await anna.note(sandbox.mailbox, draft, "  ask\nlegal \x1b[31mfirst ")
        await anna.assign(sandbox.mailbox, draft, "kim")
        tags = await gateway.tags(sandbox.mailbox, draft)
        note, assignment = note_in(tags), assignment_in(tags)
        assert note is not None and assignment is not None
        assert "ask legal" in note.text and "\x1b" not in note.text
        assert (note.by, note.at, assignment.words) == ("anna", clock.now(), "assigned to kim by anna")
        assert tags[OneLine("label")] == "billing"
        await anna.note(sandbox.mailbox, draft, "", before=note.text)
        await anna.assign(sandbox.mailbox, draft, "")
        assert await gateway.tags(sandbox.mailbox, draft) == {"label": "billing"}
    entries = list(Journal(database).entries())
    assert [str(entry.kind) for entry in entries] == ["noting", "assigning", "clearing_note", "unassigning"]
    assert {(entry.who, entry.email_id) for entry in entries} == {("anna", draft)}
    assert entries[0].details[OneLine("text")] == note.text
    assert entries[1].details[OneLine("to")] == "kim"


async def test_anothers_newer_note_is_not_overwritten_and_a_long_one_is_refused(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    draft, database = sandbox.draft(), Database.open(tmp_path / "store.db")
    async with client(sandbox) as gateway:
        kim, anna = (TeamTags(database, gateway, who, FakeClock(), lambda _: None) for who in ("kim", "anna"))
        await kim.note(sandbox.mailbox, draft, "wait")
        with pytest.raises(NotSet, match=r"note from kim .*: wait"):
            await anna.note(sandbox.mailbox, draft, "send it", before="")
        with pytest.raises(NotSet, match=f"at most {LONGEST_NOTE}"):
            await anna.note(sandbox.mailbox, draft, "x" * (LONGEST_NOTE + 1), before="wait")
        await anna.note(sandbox.mailbox, draft, "send it", before="wait")
        note = note_in(await gateway.tags(sandbox.mailbox, draft))
        assert note is not None and (note.text, note.by) == ("send it", "anna")
    assert len(list(Journal(database).entries())) == 2, "what was refused is not journaled"


async def test_a_note_that_the_gateway_refuses_is_journaled_as_such(sandbox: Sandbox, tmp_path: Path) -> None:
    draft, database = sandbox.draft(), Database.open(tmp_path / "store.db")
    async with client(sandbox) as gateway:
        sandbox.fault(method="PUT", path="/tags$", kind="status", status=403)
        with pytest.raises(GatewayError):
            await TeamTags(database, gateway, "kim", FakeClock(), lambda _: None).note(sandbox.mailbox, draft, "x")
    assert [str(entry.kind) for entry in Journal(database).entries()] == ["noting", "act_failed"]


@pytest.mark.parametrize("value", ["", "   ", "\u202e\u200b", "\x1b[2J"])
def test_tags_without_a_visible_word_are_no_note_and_no_assignment(value: str) -> None:
    note, assignment = note_in(tagged(note=value)), assignment_in(tagged(assigned_to=value))
    for found in (note.text if note else "", assignment.to if assignment else ""):
        assert not any(sign in found for sign in "\x1b\u202e\u200b")


@pytest.mark.parametrize(
    "at", ["", "soon", "2026-03-02T09:00:00", "9" * 5000, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
def test_tags_of_others_are_bounded(at: str) -> None:
    note = note_in(tagged(note="x" * 90_000, note_by="y" * 90_000, note_at=at))
    assert note is not None and note.at is None
    assert len(note.text) <= LONGEST_NOTE and len(note.words) < LONGEST_NOTE + 100
    assignment = assignment_in(tagged(assigned_to="z" * 90_000, assigned_by="y" * 90_000))
    assert assignment is not None and len(assignment.words) < 120


def test_an_assignment_names_a_reviewer_or_the_end_of_a_key() -> None:
    for to, mine in (("Anna", True), (" anna ", True), ("0J3K9Q", True), ("3K9Q", False), ("kim", False)):
        assignment = assignment_in(tagged(assigned_to=to))
        assert assignment is not None
        assert assignment.is_for("anna", ["01HQZX0J3K9Q"]) is mine, to


async def test_ten_thousand_tags_do_not_hide_the_note(sandbox: Sandbox, tmp_path: Path) -> None:
    draft, database = sandbox.draft(), Database.open(tmp_path / "store.db")
    async with client(sandbox) as gateway:
        detail = await gateway.email(sandbox.mailbox, draft)
        waiting = await GatewayClient(sandbox.url, Keys(oversight=Secret(sandbox.keys["oversight"]))).pending()
    from mm_tui.store.mail.pending import PendingStore

    PendingStore(database).replace(waiting, datetime.now(UTC))
    mail = MailStore(database)
    mail.save_detail(detail, at=datetime.now(UTC))
    many = {f"review.note.{number}": "\x1b]0;x\x07" * 5 for number in range(10_000)}
    mail.save_tags(draft, {**many, NOTE: "mind the sum", NOTE_BY: "kim", ASSIGNED: "anna", ASSIGNED_BY: "kim"})
    (entry,) = ReviewQueue(database, FakeClock(), Risk()).entries(assignee="anna")
    assert entry.note is not None and entry.note.words == "note from kim: mind the sum"
    assert entry.is_mine and entry.assignment is not None


def test_the_command_notes_assigns_lists_and_audits(sandbox: Sandbox, home: Home) -> None:
    draft, other = sandbox.draft("One."), sandbox.draft("Two.")
    assert home.run("pending", "note", draft, "ask legal").status == 0
    assert home.run("pending", "assign", draft, "Rita").status == 0
    refused = home.run("pending", "note", draft, "something else")
    assert refused.status == Exit.CHANGED and "ask legal" in refused.err
    tags = sandbox.look(draft)["tags"]
    assert (tags[NOTE], tags[NOTE_BY], tags[ASSIGNED]) == ("ask legal", "rita", "Rita")
    assert NOTE_AT in tags
    (mine,) = home.run("pending", "list", "--filter", "is:mine", "--json").json["pending"]
    assert (mine["id"], mine["assigned_to"], mine["note"]["text"]) == (draft, "Rita", "ask legal")
    assert home.run("pending", "list", "--filter=-is:assigned", "--json").json["pending"][0]["id"] == other
    assert "note from rita" in home.run("pending", "show", draft).out
    reported = home.run("audit", "list", "--email", draft).out
    assert "note for colleagues" in reported and "assigns" in reported
    assert home.run("pending", "note", draft, "", "--replace").status == 0
    assert NOTE not in sandbox.look(draft)["tags"]
    assert home.run("pending", "note", "nothing", "x").status == Exit.NOT_FOUND
    sandbox.decide(other, "reject")
    for late in (("note", other, "x"), ("assign", other, "Rita"), ("take-back", other)):
        done = home.run("pending", *late)
        assert done.status == Exit.CHANGED and "its status is rejected" in done.err


def test_without_a_send_key_the_command_says_what_is_missing(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_profile(sandbox.url, {"oversight": sandbox.keys["oversight"]})
    for arguments in (("note", "x", "y"), ("assign", "x", "y")):
        done = home.run("pending", *arguments)
        assert done.status == Exit.AUTH and "send key" in done.err
