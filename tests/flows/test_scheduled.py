"""A scheduled email is cancelled from its thread: once, after a question, and journaled before it leaves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.json_fields import OUTPUTS
from mm_tui.commands.output.exits import Exit
from mm_tui.commands.scheduled import _row, _send_times
from mm_tui.models import EmailDetail, RawContent
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.audit.change_journal import ChangeJournal
from mm_tui.services.events import ignore
from mm_tui.services.mail.scheduled import NotCancelled, cancel
from mm_tui.services.sync.service import Sync
from mm_tui.settings.sections import SyncSettings
from mm_tui.store.audit.journal import Journal
from mm_tui.text import OneLine
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.cli import Home
from tests.support.clock import FakeClock
from tests.support.desk import at_desk
from tests.support.fake_gateway import make_detail, make_mail
from tests.support.sandbox import Sandbox
from tests.support.seat import summary


def scheduled(sandbox: Sandbox) -> str:
    """An email that was approved, and is to be sent later."""
    mail = str(sandbox.send(subject="See you", markdown="Until then.", send_at="2099-01-01T00:00:00Z")["id"])
    sandbox.wait_for(mail, "pending_send_approval")
    sandbox.decide(mail)
    assert sandbox.status(mail) == "scheduled"
    return mail


async def test_it_is_cancelled_from_its_thread(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    mail, has_left = scheduled(sandbox), asyncio.Event()
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, lambda: "See you" in drawn(app), "the mail")
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, ThreadScreen) and "x cancel email" in drawn(app), "the thread"
        )
        thread, gateway = app.screen, app.session.gateway
        assert gateway is not None
        cancel_now = gateway.cancel

        async def cancel_once_left(mailbox_id: str, email_id: str) -> None:
            await has_left.wait()
            await cancel_now(mailbox_id, email_id)

        monkeypatch.setattr(gateway, "cancel", cancel_once_left)
        assert "n next" not in drawn(app) and "f files" not in drawn(app), "it is one email without files"
        for answer in ("escape", "C"):
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
            await until(pilot, lambda: "Cancel the scheduled email?" in drawn(app), "the question on the screen")
            assert sandbox.status(mail) == "scheduled"
            await pilot.press(answer)
            await until(pilot, lambda: app.screen is thread, "the thread again")
        # Leaving the thread neither stops it nor hides its result.
        await pilot.press("q")
        await until(pilot, lambda: app.screen is not thread, "the inbox")
        has_left.set()
        await until(pilot, lambda: "cancelled: it will not be sent" in drawn(app), "the result")
        assert sandbox.status(mail) == "cancelled" and sandbox.outbox() == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen), "the thread once more")
        await until(pilot, lambda: "x cancel email" not in drawn(app), "the key to go")
        entries = Journal(app.session.database).entries(naming=mail)
        assert [str(one.kind) for one in entries] == ["cancelling"]


@pytest.mark.parametrize(
    ("fault", "words", "kinds"),
    [
        ({"kind": "close", "when": "after"}, "", ["cancelling", "act_in_doubt"]),
        ({"kind": "close", "when": "before"}, "not known whether it was cancelled", ["cancelling", "act_in_doubt"]),
        ({"kind": "status", "status": 403}, "scheduled, not sent yet", ["cancelling", "act_failed"]),
    ],
)
async def test_what_the_gateway_says_afterwards_counts(
    sandbox: Sandbox, tmp_path: Path, fault: dict[str, object], words: str, kinds: list[str]
) -> None:
    mail = scheduled(sandbox)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, timeout=20) as desk:
        clock = FakeClock()
        sync = Sync(desk.database, desk.gateway, SyncSettings(), clock, ignore)
        sandbox.fault(method="POST", path="/cancel$", count=1, **fault)
        journal = ChangeJournal(desk.database, "robin", clock)
        if words:
            with pytest.raises(NotCancelled, match=words):
                await cancel(desk.gateway, sync, journal, sandbox.mailbox, mail)
        else:
            assert "cancelled" in await cancel(desk.gateway, sync, journal, sandbox.mailbox, mail)
        assert desk.kinds() == kinds and len(sandbox.calls("POST", "/cancel")) == 1
        assert sandbox.status(mail) == ("scheduled" if words else "cancelled")


def test_the_command_lists_and_cancels_it_once(sandbox: Sandbox, home: Home) -> None:
    mail, received = scheduled(sandbox), str(sandbox.inbound(sender="anna@customer.example", subject="Hello")["id"])
    (listed,) = home.run("scheduled", "list", "--json").json["scheduled"]
    assert (listed["id"], listed["subject"], listed["status"]) == (mail, "See you", "scheduled")
    assert listed["send_at"] is None and "  not disclosed  " in home.run("scheduled", "list").out
    done = home.run("scheduled", "cancel", mail, "--json", status=0).json
    assert set(done) == set(OUTPUTS["scheduled cancel"]) and done["cancelled"] is True
    assert sandbox.status(mail) == "cancelled"
    again = home.run("scheduled", "cancel", mail, status=Exit.CHANGED)
    assert "was not cancelled. Its state: cancelled, was not sent" in again.err
    assert "scheduled list" in again.err, "what to do"
    home.run("sync")
    assert "waits" not in home.run("scheduled", "cancel", received, status=Exit.CHANGED).err
    assert sandbox.status(received) == "unread", "it was not opened"
    waits = sandbox.draft()
    home.run("sync")
    assert "pending reject" in home.run("scheduled", "cancel", waits, status=Exit.CHANGED).err
    home.run("scheduled", "cancel", "nothing", status=Exit.NOT_FOUND)
    assert len(sandbox.calls("POST", "/cancel")) == 1
    assert "No email is scheduled" in home.run("scheduled", "list", status=0).err


@pytest.mark.parametrize("status", [404, 503])
def test_an_email_that_cannot_be_opened_costs_the_list_only_its_send_time(
    sandbox: Sandbox, home: Home, status: int
) -> None:
    mail = scheduled(sandbox)
    sandbox.fault(method="GET", path=f"emails/{mail}$", kind="status", status=status, count=0)
    listed = home.run("scheduled", "list", status=0).out
    assert mail in listed and "  not read  " in listed


async def test_one_email_without_a_send_time_costs_the_others_nothing() -> None:
    asked: list[str] = []

    async def read(_mailbox_id: str, email_id: str) -> EmailDetail:
        asked.append(email_id)
        return make_detail(mails[email_id]).replaced(raw=RawContent(sender="", send_at=known[email_id]))

    mails = {mail.id: mail for mail in map(make_mail, range(3))}
    known = dict(zip(mails, ("2099-01-01T00:00:00Z", "", "2099-01-03T00:00:00Z"), strict=True))
    assert await _send_times(read, list(mails.values())) == known
    asked.clear()
    known = dict.fromkeys(mails, "")
    assert await _send_times(read, list(mails.values())) == known and len(asked) == 1


def test_the_list_has_the_send_time_that_the_gateway_discloses() -> None:
    row = _row(summary(1, subject=OneLine(" ")), "2099-01-01T00:00:00Z", None)
    assert "2099" in row[1] and row[-1] == "(no subject)"


@pytest.mark.parametrize(
    ("keys", "fault", "status"),
    [
        (("oversight",), None, Exit.AUTH),
        (("oversight", "send"), {"kind": "status", "status": 403}, Exit.AUTH),
        (("oversight", "send"), {"kind": "status", "status": 409}, Exit.CHANGED),
        (("oversight", "send"), {"kind": "close", "when": "before"}, Exit.GATEWAY),
    ],
)
def test_the_command_says_why_it_could_not_cancel(
    sandbox: Sandbox, home: Home, keys: tuple[str, ...], fault: dict[str, object] | None, status: Exit
) -> None:
    home.write_profile(sandbox.url, {name: sandbox.keys[name] for name in keys})
    mail = scheduled(sandbox)
    if fault:
        sandbox.fault(method="POST", path="/cancel$", count=1, **fault)
    assert "cancel" in home.run("scheduled", "cancel", mail, status=status).err
    assert sandbox.status(mail) == "scheduled"
