"""Rejecting all that a filter selects: asked with a summary and a typed count, undone as one, failures listed."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.commands.output.exits import Exit
from mm_tui.decision.state import Outcome
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.pending.bulk_reject import BulkReject
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions import log as log_module
from mm_tui.services.decisions.bulk import Failure
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.queue.snooze import Snoozes
from mm_tui.settings.sections import Review
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.app import settings_for, shown, until
from tests.support.cli import Home
from tests.support.queue import running_queue, seen
from tests.support.sandbox import Sandbox


def runaway(sandbox: Sandbox, number: int) -> list[str]:
    """Many drafts of one kind, and one that is none of them."""
    made = [str(sandbox.send(subject=f"Win a prize {at}", markdown="Click now.")["id"]) for at in range(number)]
    made.append(str(sandbox.send(subject="Your invoice", markdown="Dear Anna, here it is.")["id"]))
    for one in made:
        sandbox.wait_for(one, "pending_send_approval")
    return made


async def test_all_of_a_filter_is_rejected_after_a_typed_count(sandbox: Sandbox) -> None:
    made = runaway(sandbox, 3)
    async with running_queue(settings_for(sandbox), 4) as (app, pilot, screen):
        # With an email marked, the key is about that one, also where it is not listed, and says so.
        await seen(pilot, screen)
        await pilot.press("space")
        await pilot.press("slash", *"invoice", "enter")
        await until(pilot, lambda: "1 of 4 waiting · 1 marked, 1 not listed" in shown(app), "the mark")
        await until(pilot, lambda: "X reject 1 marked" in shown(app).splitlines()[-1], "the key")
        await pilot.press("X")
        await until(pilot, lambda: "Reject 1 marked email, and give a reason" in shown(app), "the question about it")
        words = "Only what is marked, not everything that is listed (1). 1 marked email is not listed now."
        assert "Win a prize 0" in shown(app) and words in " ".join(shown(app).split())
        await pilot.press("escape")
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.listing.entries) == 4, "all of them")
        await pilot.press("g", "space")
        await until(pilot, lambda: not screen.marks, "no mark")

        await pilot.press("slash", *"prize", "enter")
        await until(pilot, lambda: len(screen.listing.entries) == 3, "the filter")
        await until(pilot, lambda: "X reject all 3" in shown(app).splitlines()[-1], "the key")
        await pilot.press("X")
        await until(pilot, lambda: "Reject all 3 emails" in shown(app), "the question why")
        await pilot.press(*"spam", "enter")
        await until(pilot, lambda: "Type 3 to reject" in shown(app), "the summary")
        assert "Win a prize 0" in shown(app) and "spam" in shown(app) and "multimail.example 3" in shown(app)
        await pilot.press("4", "enter")
        await until(pilot, lambda: "nothing was rejected" in shown(app), "the refusal of another number")
        assert len(sandbox.pending()) == 4
        # The number can be corrected; the reason is offered again.
        await pilot.press("escape")
        await pilot.press("X")
        await until(pilot, lambda: "Reject all 3 emails" in shown(app), "the question once more")
        assert app.screen.query_one(Input).value == "spam"
        await pilot.press("enter")
        await until(pilot, lambda: "Type 3 to reject" in shown(app), "the summary once more")
        await pilot.press("5", "enter")
        await until(pilot, lambda: "nothing was rejected" in shown(app), "the refusal once more")
        await pilot.press("3", "enter")
        await until(pilot, lambda: len(sandbox.pending()) == 1, "the rejections")
        assert [sandbox.status(one) for one in made] == ["rejected"] * 3 + ["pending_send_approval"]
        reasons = [line["metadata"] for line in sandbox.audit() if line["action"] == "oversight.rejected"]
        assert reasons == [{"reason": "spam"}] * 3
        assert sandbox.outbox() == []


async def test_nothing_is_rejected_by_a_search_of_which_a_part_is_ignored(sandbox: Sandbox) -> None:
    runaway(sandbox, 3)
    async with running_queue(settings_for(sandbox), 4) as (app, pilot, _):
        await pilot.press("slash", *"risk:dire prize", "enter")
        await until(pilot, lambda: "there is no risk:dire; ignored" in shown(app), "the complaint")
        assert "X reject all" not in shown(app).splitlines()[-1]
        await pilot.press("X")
        await until(pilot, lambda: "correct the search first" in shown(app), "why not")
        assert not isinstance(app.screen, ChoiceScreen)


async def test_one_undo_takes_all_of_them_back(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    runaway(sandbox, 3)
    settings = settings_for(sandbox, review=Review(hold_seconds=60))
    async with running_queue(settings, 4) as (app, pilot, screen):
        await reject_all(app, pilot, screen, 3)
        await until(pilot, lambda: "rejecting: 0 of 3 done" in shown(app), "the progress")
        await pilot.press("u")
        await until(pilot, lambda: "all 3 decisions of the batch undone" in shown(app), "the undoing")
        assert "not rejected" not in shown(app)
        assert len(sandbox.pending()) == 4 and not sandbox.calls("POST", "/decide")

        # Stopped while the journal is written: what was said must be true.
        written, stopped, begin_each = threading.Event(), threading.Event(), DecisionLog.begin_each

        def slowly(store: DecisionLog, *arguments: Any) -> Any:
            made = begin_each(store, *arguments)
            written.set()
            stopped.wait()
            return made

        monkeypatch.setattr(DecisionLog, "begin_each", slowly)
        await pilot.press("escape", "escape")
        await reject_all(app, pilot, screen, 3)
        await until(pilot, written.is_set, "the entries in the journal")
        await pilot.press("u")
        await until(pilot, lambda: "stopping: nothing is rejected" in shown(app), "the word of it")
        stopped.set()
        await until(pilot, lambda: "stopped: nothing was rejected" in shown(app), "the end of it")
        assert app.session.decisions is not None
        assert {view.outcome for view in app.session.decisions.overview.states()} == {Outcome.UNDONE}
        # The reason has rejected nothing.
        await pilot.press("X")
        await until(pilot, lambda: "Reject all 3 emails" in shown(app), "the question once more")
        assert app.screen.query_one(Input).value == "spam"


async def reject_all(
    app: MmTui, pilot: Pilot[Any], screen: PendingScreen, number: int, lines: tuple[str, ...] = ()
) -> None:
    await pilot.press("slash", *"prize", "enter")
    await until(pilot, lambda: len(screen.listing.entries) == number, "the filter")
    await pilot.press("X")
    await until(pilot, lambda: f"Reject all {number} emails" in shown(app), "the question why")
    await pilot.press(*"spam", "enter")
    await until(pilot, lambda: f"Type {number} to reject" in shown(app), "the summary")
    assert all(line in shown(app) for line in lines)
    await pilot.press(str(number), "enter")


def test_the_command_line_wants_the_exact_number(sandbox: Sandbox, tmp_path: Path) -> None:
    made = runaway(sandbox, 3)
    home = Home(tmp_path / "home")
    home.write_profile(sandbox.url, {name: sandbox.keys[name] for name in ("oversight", "send")}, reviewer="robin")
    command = ("pending", "reject", "--filter", "prize", "--reason", "spam")
    asked = home.run(*command)
    assert asked.status == 2 and "--yes-reject 3" in asked.err and "Win a prize 0" in asked.err
    assert home.run(*command, "--yes-reject", "4").status == 6
    sandbox.decide(made[0], "reject", "no")
    made[0] = str(sandbox.send(subject="A prize for Anna", markdown="Read me first.")["id"])
    sandbox.wait_for(made[0], "pending_send_approval")
    others = home.run(*command, "--yes-reject", "3")
    assert (
        others.status == 6
        and "other emails than were printed before" in others.err
        and "A prize for Anna" in others.err
    )
    assert home.run("pending", "reject", made[0], "--filter", "prize", "--reason", "no").status == 2
    assert home.run("pending", "reject", "--reason", "no").status == 2
    assert len(sandbox.pending()) == 4
    # The outcome is shown even if the store can no longer be written.
    with mock.patch.object(PendingStore, "remove", side_effect=sqlite3.OperationalError("disk is full")):
        done = home.run(*command, "--yes-reject", "3", "--json", status=0)
    assert sorted(done.json["rejected"]) == sorted(made[:3]) and done.json["failed"] == []
    assert "disk is full" in done.err
    assert [item["id"] for item in sandbox.pending()] == [made[3]]
    log = home.run("audit", "list", "--json", "--email", made[0]).json["entries"]
    assert {"held", "deciding", "ended"} <= {line["action"] for line in log if line["source"] == "journal"}


def test_the_command_leaves_snoozed_emails_out_unless_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    made = runaway(sandbox, 3)
    home = Home(tmp_path / "home")
    home.write_profile(sandbox.url, {name: sandbox.keys[name] for name in ("oversight", "send")}, reviewer="robin")
    assert home.run("pending", "snooze", made[0], "3h").status == 0
    command = ("pending", "reject", "--reason", "spam", "--filter")
    asked = home.run(*command, "prize")
    assert "--yes-reject 2" in asked.err and "1 snoozed email matches too" in asked.err
    done = home.run(*command, "prize", "--yes-reject", "2", "--json")
    assert (done.status, sorted(done.json["rejected"])) == (0, sorted(made[1:3])), done.err
    assert done.json["snoozed_left_out"] == 1
    nothing = home.run(*command, "prize", "--yes-reject", "1")
    assert nothing.status == Exit.NOT_FOUND and "is:snoozed" in nothing.err
    assert home.run(*command, "prize is:snoozed", "--yes-reject", "1").status == 0
    assert [item["id"] for item in sandbox.pending()] == [made[3]]


async def test_the_screen_says_how_many_snoozed_emails_it_left_out_and_what_the_gateway_refused(
    sandbox: Sandbox,
) -> None:
    made = runaway(sandbox, 3)
    async with running_queue(settings_for(sandbox), 4) as (app, pilot, screen):
        Snoozes(app.session.database, app.session.clock).snooze(screen.listing.entries[0], None, "robin")
        snoozed = screen.listing.entries[0].item.id
        await pilot.press("ctrl+r")
        await until(pilot, lambda: len(screen.listing.entries) == 3, "one is out of sight")
        sandbox.fault(method="POST", path="decide$", kind="status", status=403, count=1)
        await reject_all(app, pilot, screen, 2, lines=("1 snoozed email matches too",))
        await until(pilot, lambda: "1 email was not rejected" in shown(app), "what failed")
        waiting = {item["id"] for item in sandbox.pending()}
        assert len(waiting) == 3 and waiting > {snoozed, made[3]}
        assert any(one in shown(app) for one in waiting - {snoozed, made[3]})


async def test_what_began_before_the_journal_failed_continues_and_the_rest_is_refused(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = runaway(sandbox, 3)
    whole = DecisionLog.begin_all
    calls = 0

    def failing(log: DecisionLog, *given: Any) -> list[ActiveDecision]:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise sqlite3.OperationalError("disk I/O error")
        return whole(log, *given)

    monkeypatch.setattr(log_module, "TOGETHER", 2)
    async with running_queue(settings_for(sandbox), 4) as (app, pilot, screen):
        monkeypatch.setattr(DecisionLog, "begin_all", failing)
        await reject_all(app, pilot, screen, 3)
        await until(pilot, lambda: "1 email was not rejected" in shown(app), "the one that did not begin")
        assert "the journal cannot be written" in shown(app)
        states = [sandbox.status(one) for one in made]
        assert sorted(states) == ["pending_send_approval", "pending_send_approval", "rejected", "rejected"]


def test_an_unwritable_journal_has_its_own_exit_status(
    sandbox: Sandbox, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_given: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    runaway(sandbox, 1)
    monkeypatch.setattr(DecisionLog, "begin_all", failing)
    done = home.run("pending", "reject", "--filter", "prize", "--yes-reject", "1", "--reason", "spam")
    assert done.status == Exit.CONFIG and "journal" in done.err
    assert len(sandbox.pending()) == 2


def test_what_failed_is_listed_over_no_dialog_and_no_field() -> None:
    opened: list[object] = []
    app = SimpleNamespace(screen=None, focused=None, push_screen=opened.append)
    screen: Any = SimpleNamespace(app=app, reload=lambda: None)
    bulk = BulkReject(screen, cast(Any, None))
    bulk.begun([], [Failure("m1", OneLine("the gateway refused"))], OneLine(""))
    assert not opened, "a dialog or an editor is in front"
    app.screen, app.focused = screen, Input()
    bulk.list_failures()
    assert not opened, "somebody is searching"
    app.focused = None
    bulk.list_failures()
    assert [type(one) for one in opened] == [ChoiceScreen]
    bulk.list_failures()
    assert len(opened) == 1


async def test_where_nothing_is_listed_no_key_offers_to_reject_it(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, _):
        await pilot.press("slash", *"nobody", "enter")
        await until(pilot, lambda: "No waiting email matches" in shown(app), "an empty list")
        await until(pilot, lambda: "show all" in shown(app).splitlines()[-1], "the keys")
        assert "reject" not in shown(app).splitlines()[-1]
