"""A draft that follows a rejected one, through the app and the command line."""

from __future__ import annotations

from pathlib import Path

from mm_tui.screens.pending.pane import View
from tests.support.app import settings_for, shown, until
from tests.support.cli import Home
from tests.support.queue import reading_queue, seen
from tests.support.sandbox import Sandbox


async def test_the_next_draft_of_the_thread_says_what_was_rejected_and_shows_the_difference(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Refund", body="Where is my refund?")["id"]
    sandbox.wait_for(sandbox.reply(mail, "You get 300 dollars back.")["id"], "pending_send_approval")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        assert "rejected one" not in shown(app) and "Diff" not in shown(app)
        await pilot.press("x")
        await until(pilot, lambda: "give a reason" in shown(app), "the question why")
        await pilot.press(*"wrong amount", "enter")
        await until(pilot, lambda: sandbox.pending() == [], "the rejection")
        sandbox.wait_for(sandbox.reply(mail, "You get 30 dollars back.")["id"], "pending_send_approval")
        await until(pilot, lambda: "resubmitted" in shown(app), "the new draft in the list")
        await pilot.press("n")
        await until(pilot, lambda: "you rejected one at" in shown(app), "what was rejected before")
        assert ": wrong amount" in shown(app) and "resubmitted" in shown(app)
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "its detail")
        while screen.pane.view is not View.DIFF:
            await pilot.press("tab")
        await until(pilot, lambda: "[-300-]" in shown(app) and "{+30+}" in shown(app), "the difference")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: len(sandbox.outbox()) == 1, "the new one to leave")


async def test_a_marked_reason_asks_the_agent_for_another_draft(sandbox: Sandbox) -> None:
    draft = submitted(sandbox, sandbox.inbound(subject="Refund")["id"], "You get 300 dollars back.")
    other = submitted(sandbox, sandbox.inbound(subject="Invoice")["id"], "You get 90 dollars back.")
    async with reading_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.press("x")
        await until(pilot, lambda: "Wrong tone  ↻ redraft" in shown(app), "which reasons ask for another")
        assert "Not needed  ↻" not in shown(app)
        await pilot.press("f5")
        await until(pilot, lambda: "review.redraft" in sandbox.look(draft)["tags"], "the request at the gateway")
        assert sandbox.look(draft)["tags"]["review.reason"] == "Wrong tone"
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == other, "the other")
        await seen(pilot, screen)
        await pilot.press("x")
        await until(pilot, lambda: "^t choose and redraft" in shown(app), "how to ask for it with other words")
        await pilot.press(*"say 80", "ctrl+t")
        await until(pilot, lambda: "review.redraft" in sandbox.look(other)["tags"], "the other wish")
        assert sandbox.look(other)["tags"]["review.reason"] == "say 80"


async def test_without_a_send_key_no_reason_promises_another_draft(sandbox: Sandbox) -> None:
    sandbox.draft()
    async with reading_queue(settings_for(sandbox, without=("send",)), 1) as (app, pilot, _):
        await pilot.press("x")
        await until(pilot, lambda: "Wrong tone" in shown(app), "the reasons")
        assert "redraft" not in shown(app)


def test_the_command_line_says_so_too(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.write_profile(sandbox.url, {name: sandbox.keys[name] for name in ("oversight", "send")}, reviewer="robin")
    mail = sandbox.inbound(subject="Refund")["id"]
    first = submitted(sandbox, mail, "You get 300 dollars back.")
    digest = home.run("pending", "show", first, "--json").json["digest"]
    assert home.run("pending", "show", first, "--json").json["resubmission"] is None
    home.run("pending", "reject", first, "--digest", digest, "--reason", "wrong amount", status=0)
    second = submitted(sandbox, mail, "You get 30 dollars back.")
    reported = home.run("pending", "show", second, "--json").json["resubmission"]
    assert (reported["after"], reported["rejected_by"], reported["reason"]) == (first, "robin", "wrong amount")
    assert "robin rejected one at" in home.run("pending", "show", second).out
    listed = home.run("pending", "list", "--filter", "is:resubmitted", "--json").json["pending"]
    assert [item["id"] for item in listed] == [second]


def submitted(sandbox: Sandbox, mail: str, text: str) -> str:
    draft = str(sandbox.reply(mail, text)["id"])
    sandbox.wait_for(draft, "pending_send_approval")
    return draft
