"""Decisions from the key to the gateway: held, checked, called once, read back; undone, refused or in doubt."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mm_tui.decision.state import Choice, Outcome, Question
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.outcomes import Outcomes, undo
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.service import Refused
from mm_tui.services.decisions.view import Phase
from mm_tui.services.sync.details import completed
from mm_tui.store.audit.journal import Journal
from mm_tui.store.mail.pending import PendingStore
from tests.support.desk import Desk, HurriedClock, at_desk, digest
from tests.support.sandbox import Sandbox


async def test_an_approved_draft_leaves_once_and_is_recorded(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.phase is Phase.DONE
    assert view.words.startswith("approved by")
    assert view.decided_at is not None
    assert [sent["id"] for sent in sandbox.outbox()] == [draft]
    assert desk.kinds() == ["held", "deciding", "done", "ended"]


async def test_a_draft_that_was_found_changed_is_read_again(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    pending = PendingStore(desk.database)
    mail = await desk.read(sandbox.mailbox, draft)
    pending.replace(await desk.gateway.pending(), datetime.now(UTC))
    waiting = pending.get(draft)
    assert waiting is not None
    pending.save_detail(completed(waiting, mail))
    sandbox.change(draft, cc=["tom@other.example"])
    await desk.approve(mail)
    changed = await desk.settled(draft)
    assert changed.phase is Phase.CHANGED
    await desk.decisions.followed_up()
    assert not pending.replace(await desk.gateway.pending(), datetime.now(UTC)), "the list does not show it"
    assert [one.email_id for one in pending.unread_drafts()] == [draft]
    await desk.reject(await desk.read(sandbox.mailbox, draft))
    outcomes = Outcomes(HurriedClock())
    assert outcomes.news(changed) is not None
    news = outcomes.news(await desk.settled(draft))
    assert news is not None and not news.failed and news.email_ids == frozenset({draft})
    assert news.words == "rejected: email to anna@customer.example"


async def test_a_rejected_draft_stays_and_the_agent_learns_the_reason(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong date")
    view = await desk.settled(draft)
    assert (view.phase, str(view.words)) == (Phase.DONE, "rejected")
    assert sandbox.outbox() == []
    reported = [entry["metadata"] for entry in sandbox.audit() if entry["action"] == "oversight.rejected"]
    assert reported == [{"reason": "Wrong date"}]


async def test_inbound_mail_is_decided_in_the_same_way(desk: Desk, sandbox: Sandbox) -> None:
    sandbox.set_mode("gated_all")
    mail = sandbox.inbound(subject="Hello")
    sandbox.wait_for(mail["id"], "pending_inbound_approval")
    await desk.approve(await desk.read(sandbox.mailbox, mail["id"]))
    view = await desk.settled(mail["id"])
    assert view.phase is Phase.DONE
    assert sandbox.status(mail["id"]) == "unread"


async def test_undo_within_the_hold_sends_nothing_and_after_it_says_so(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    view = await desk.approve(mail, hold=60)
    assert view.can_undo
    assert view.words == "held: approving in 60 s"
    sandbox.forget_calls()
    assert await desk.decisions.undo(draft)
    view = await desk.settled(draft)
    assert (view.phase, str(view.words)) == (Phase.UNDECIDED, "undone: nothing was sent")
    assert sandbox.calls() == []
    await desk.approve(mail)
    await desk.settled(draft)
    assert not await desk.decisions.undo(draft)


async def test_a_batch_has_one_deadline_and_one_undo(desk: Desk, sandbox: Sandbox) -> None:
    mails = [await desk.read(sandbox.mailbox, sandbox.draft(f"Draft {n}")) for n in range(5)]
    items = [(mail, digest(mail)) for mail in mails]
    views = await desk.decisions.approve_all(items, hold=60)
    assert len({view.ends_at for view in views}) == 1
    assert await desk.decisions.undo(mails[3].id)
    assert {view.phase for view in desk.decisions.overview.states()} == {Phase.UNDECIDED}
    await desk.decisions.approve_all(items, hold=1)
    for mail in mails:
        assert (await desk.settled(mail.id)).phase is Phase.DONE
    assert sorted(sent["id"] for sent in sandbox.outbox()) == sorted(mail.id for mail in mails)


async def test_quitting_lets_held_decisions_fall(tmp_path: Path, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.approve(await desk.read(sandbox.mailbox, draft), hold=60)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.decisions.resume()
        assert desk.decisions.overview.states() == ()
        assert desk.kinds() == ["held", "fell_back"]
    assert sandbox.status(draft) == "pending_send_approval"


@pytest.mark.parametrize(("refused", "asked"), [(1, Question.NOT_RETIRED), (2, Question.NOT_RELEASED)])
async def test_a_call_that_was_refused_is_not_in_doubt_after_a_restart(
    tmp_path: Path, sandbox: Sandbox, refused: int, asked: Question
) -> None:
    draft = sandbox.draft()
    sandbox.fault(method="POST", path="decide$", kind="status", status=403, nth=refused)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, orderly=False) as desk:
        await desk.release_edit(await desk.read(sandbox.mailbox, draft), "Dear Anna, edited")
        view = await desk.settled(draft)
        assert view.question is not None and view.question.question is asked
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.decisions.resume()
        view = await desk.settled(draft)
        assert view.question is not None and view.question.question is Question.GO_ON
        assert await desk.decisions.answer(draft, Choice.GO_ON)
        assert (await desk.settled(draft)).phase is Phase.DONE
        assert "refused" in desk.kinds() and "in_doubt" not in desk.kinds()
    assert len(sandbox.outbox()) == 1


async def test_a_decision_that_begins_while_left_ones_are_looked_for_is_not_taken_for_one(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    looking, written, looked = threading.Event(), threading.Event(), threading.Event()
    begin_all, first_step = DecisionLog.begin_all, DecisionLog.drop_seconded

    def dropping(log: DecisionLog) -> None:
        looking.set()
        written.wait()
        first_step(log)

    def beginning(log: DecisionLog, *given: Any) -> list[ActiveDecision]:
        made = begin_all(log, *given)
        written.set()
        looked.wait()
        return made

    monkeypatch.setattr(DecisionLog, "drop_seconded", dropping)
    monkeypatch.setattr(DecisionLog, "begin_all", beginning)
    resuming = asyncio.create_task(desk.decisions.resume())
    await asyncio.to_thread(looking.wait)
    approving = asyncio.create_task(desk.approve(mail, hold=600))
    await resuming
    looked.set()
    await approving
    view = desk.decisions.overview.state(draft)
    assert view is not None and view.phase is Phase.HELD
    assert desk.kinds() == ["held"]


async def test_what_changed_since_it_was_read_is_refused_and_shown(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft("Pay to A")
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.change(draft, markdown="Pay to B")
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.phase is Phase.CHANGED
    assert view.changed is not None
    assert view.changed.base is not None
    assert view.changed.now is not None
    assert (str(view.changed.base.body), str(view.changed.now.body)) == ("Pay to A", "Pay to B")
    assert sandbox.outbox() == []


@pytest.mark.parametrize(("action", "word"), [("approve", "approved"), ("reject", "rejected")])
async def test_another_reviewers_decision_stands_and_is_named(
    desk: Desk, sandbox: Sandbox, action: str, word: str
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.decide(draft, action)
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.phase is Phase.ELSEWHERE
    assert view.words.startswith(f"{word} elsewhere")
    assert len(sandbox.outbox()) == (action == "approve")


async def test_what_cannot_begin_says_why_and_leaves_no_trace(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    with pytest.raises(Refused, match="digest"):
        await desk.decisions.approve(mail, "0" * 64)
    with pytest.raises(Refused, match="reason"):
        await desk.decisions.reject(mail, digest(mail), "  ")
    assert desk.journal() == []
    await desk.approve(mail, hold=60)
    with pytest.raises(Refused, match="robin has been deciding"):
        await desk.reject(mail)
    assert await desk.decisions.undo(draft)
    await desk.reject(mail)
    assert (await desk.settled(draft)).phase is Phase.DONE


async def test_a_key_without_the_scope_decides_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    keys = {**sandbox.keys, "oversight": sandbox.keys["admin"]}
    async with at_desk(tmp_path, sandbox.url, keys) as desk:
        await desk.approve(await desk.read(sandbox.mailbox, draft))
        view = await desk.settled(draft)
        assert view.phase is Phase.UNDECIDED
        assert "scope" in view.words


@pytest.mark.parametrize("failing", ["deciding", "submitting", "retiring"])
async def test_nothing_leaves_that_the_journal_does_not_hold(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """A full disk: a call whose entry cannot be written is not made; what may go on goes on once there is room."""
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    journal = Journal.append
    full = 1

    def append(self: Journal, connection: sqlite3.Connection, kind: str, *given: Any) -> int:
        nonlocal full
        if kind == failing and full:
            full -= 1
            raise sqlite3.OperationalError("database or disk is full")
        return journal(self, connection, kind, *given)

    monkeypatch.setattr(Journal, "append", append)
    await (desk.approve(mail) if failing == "deciding" else desk.release_edit(mail, "Dear Anna, edited"))
    view = await desk.settled(draft)
    assert sandbox.outbox() == []
    if failing == "retiring":
        assert view.question is not None
        assert view.question.question is Question.GO_ON
        assert await desk.decisions.answer(draft, Choice.GO_ON)
        assert (await desk.settled(draft)).phase is Phase.DONE
        assert len(sandbox.outbox()) == 1
    else:
        assert view.phase is Phase.UNDECIDED
        assert "disk is full" in view.words
        assert sandbox.calls("POST", "/oversight/decide") == sandbox.calls("POST", "/reply/")[1:] == []


@pytest.mark.parametrize("number", [1, 2])
async def test_an_undo_on_a_full_disk_is_reported_truthfully(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    mails = [await desk.read(sandbox.mailbox, sandbox.draft(f"Draft {n}")) for n in range(number)]
    journal = Journal.append
    full, refused, all_refused = True, set[str](), asyncio.Event()
    loop = asyncio.get_running_loop()

    def append(self: Journal, connection: sqlite3.Connection, kind: str, who: str, email_id: str, *more: Any) -> int:
        if full and kind in ("deciding", "ended"):
            if kind == "ended":
                refused.add(email_id)
                if len(refused) == number:
                    loop.call_soon_threadsafe(all_refused.set)
            raise sqlite3.OperationalError("database or disk is full")
        return journal(self, connection, kind, who, email_id, *more)

    monkeypatch.setattr(Journal, "append", append)
    await desk.decisions.approve_all([(mail, digest(mail)) for mail in mails], hold=0)
    await asyncio.wait_for(all_refused.wait(), 10)
    # The human need not wait for room on the disk.
    reported = await asyncio.wait_for(undo(desk.decisions, mails[0].id), 10)
    assert reported.words.startswith("nothing to undo: ")
    view = await desk.settled(mails[0].id)
    assert view.words == "undecided: it could not be checked: the journal cannot be written: database or disk is full"
    full = False
    async with asyncio.timeout(10):
        while desk.kinds().count("ended") < number:
            await asyncio.sleep(0.01)
    assert sandbox.outbox() == sandbox.calls("POST", "/oversight/decide") == []


async def test_a_fault_of_this_program_is_shown(desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)

    async def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(DecisionCalls, "look", broken)
    await desk.approve(mail)
    async with asyncio.timeout(10):
        while "internal error" not in (desk.decisions.overview.state(draft) or mail).__repr__():
            await asyncio.sleep(0.002)
    assert sandbox.outbox() == []


async def test_what_is_reported_is_clean(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft("Pay to \x1b]52;c;aGk=\x07A")
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.change(draft, markdown="Pay to B\x1b[2J")
    sandbox.fault(method="POST", path="decide$", kind="status", status=409, body='{"error": "no\\u001b[2Jpe"}')
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.changed is not None
    for shown in (view.changed.base, view.changed.now):
        assert shown is not None
        assert "\x1b" not in shown.body
    await desk.approve(await desk.read(sandbox.mailbox, draft))
    view = await desk.settled(draft)
    assert view.question is not None
    assert "\x1b" not in view.words + view.question.words


async def test_in_memory_mode_journal_and_edits_are_on_the_disk(tmp_path: Path, sandbox: Sandbox) -> None:
    draft, other = sandbox.draft(), sandbox.draft("Another")
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, memory=True) as desk:
        await desk.release_edit(await desk.read(sandbox.mailbox, draft), "Dear Anna, edited")
        assert (await desk.settled(draft)).phase is Phase.DONE
        await desk.release_edit(await desk.read(sandbox.mailbox, other), "X-SANDBOX-BLOCK-THIS-MAIL")
        await desk.settled(other)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, memory=True) as desk:
        assert desk.kinds().count("held") == 2
        saved = desk.edits.get(other)
        assert saved is not None
        assert saved.text.body == "X-SANDBOX-BLOCK-THIS-MAIL"
        assert desk.edits.get(draft) is None


async def test_in_a_batch_each_is_checked_on_its_own(desk: Desk, sandbox: Sandbox) -> None:
    mails = [await desk.read(sandbox.mailbox, sandbox.draft(f"Draft {number}")) for number in range(4)]
    sandbox.change(mails[1].id, markdown="changed")
    sandbox.decide(mails[2].id, "reject")
    await desk.decisions.approve_all([(mail, digest(mail)) for mail in mails], hold=0)
    phases = [(await desk.settled(mail.id)).phase for mail in mails]
    assert phases == [Phase.DONE, Phase.CHANGED, Phase.ELSEWHERE, Phase.DONE]
    assert {sent["id"] for sent in sandbox.outbox()} == {mails[0].id, mails[3].id}


async def test_an_answer_counts_only_for_the_question_that_was_read(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.fault(method="POST", path="decide$", kind="close", when="before")
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.question is not None
    assert not await desk.decisions.answer(draft, Choice.AGAIN, to=Question.NOT_RELEASED)
    assert not await desk.decisions.answer(draft, Choice.WITHDRAW)
    assert await desk.decisions.answer(draft, Choice.AGAIN, to=view.question.question)
    assert (await desk.settled(draft)).phase is Phase.DONE


async def test_a_release_left_in_doubt_bars_what_would_not_be_safe_beside_it(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.fault(method="POST", path="decide$", kind="close", when="before")
    await desk.approve(mail)
    await desk.settled(draft)
    assert await desk.decisions.answer(draft, Choice.LEAVE)
    view = await desk.settled(draft)
    assert view.words.endswith("a call in doubt may still take effect")
    view = await desk.release_edit(mail, "Dear Anna, edited")
    assert view.outcome is Outcome.DOUBTFUL
    assert desk.edits.get(draft) is not None
    await desk.approve(mail)
    assert (await desk.settled(draft)).phase is Phase.DONE
    assert [sent["id"] for sent in sandbox.outbox()] == [draft]
