"""Several versions of one email, two machines and one gateway: one is sent, and whoever wants another learns of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mm_tui.decision.effects import Decide
from mm_tui.decision.events import Event
from mm_tui.decision.relatives import EDITED_BY, REPLACED_BY, REPLACES, relatives_in, with_relation
from mm_tui.decision.state import MOST_RELATIVES, Choice, Outcome, Question
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.text import OneLine
from tests.support.desk import Desk, at_desk, digest
from tests.support.sandbox import Sandbox, running_sandbox


def tag(sandbox: Sandbox, email_id: str, **tags: str) -> None:
    named = {f"review.{name}": value for name, value in tags.items()}
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{email_id}/tags", key="send", json={"tags": named})


def asks(view: DecisionView) -> Question:
    assert view.question is not None, view
    return view.question.question


async def answered(desk: Desk, email_id: str, choice: Choice) -> DecisionView:
    assert await desk.decisions.answer(email_id, choice)
    return await desk.settled(email_id)


async def marked(desk: Desk, draft: str) -> str:
    """Waits until an edit and its original are tagged as versions of one email, and returns the edit's id."""
    view = await desk.reaches(draft, Phase.WAITING)
    decision = desk.decisions._active.of(draft)
    assert decision is not None
    assert decision.marking is not None
    await decision.marking
    assert view.replacement_id is not None
    return view.replacement_id


@asynccontextmanager
async def two_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Sandbox, str, tuple[Desk, Desk], list[str]]]:
    """One draft with an edit of kim and one of robin under way, each on a machine of its own, both named by its tags.

    Yields:
        The gateway, the draft's id, both desks, the ids of their edits.
    """
    mark, one_at_a_time = DecisionCalls.mark_pair, asyncio.Lock()

    async def in_turn(self: DecisionCalls, decision: ActiveDecision) -> None:
        async with one_at_a_time:
            await mark(self, decision)

    monkeypatch.setattr(DecisionCalls, "mark_pair", in_turn)
    for name in ("kim", "robin"):
        (tmp_path / name).mkdir()
    with running_sandbox(tmp_path, scan_delay=60.0) as sandbox:
        draft = sandbox.send(subject="Refund", markdown="Dear Anna, it is on its way.")["id"]
        sandbox.advance(61)
        async with (
            at_desk(tmp_path / "kim", sandbox.url, sandbox.keys, reviewer="kim") as kim,
            at_desk(tmp_path / "robin", sandbox.url, sandbox.keys, reviewer="robin") as robin,
        ):
            for desk in (kim, robin):
                await desk.release_edit(await desk.read(sandbox.mailbox, draft), f"Written by {desk is kim}")
            ids = [await marked(desk, draft) for desk in (kim, robin)]
            named = {OneLine(key): OneLine(value) for key, value in sandbox.look(draft)["tags"].items()}
            assert set(relatives_in(named, draft)) == set(ids)
            yield sandbox, draft, (kim, robin), ids


async def test_of_two_edits_on_two_machines_one_is_sent_and_the_other_reviewer_learns_by_whom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_edits(tmp_path, monkeypatch) as (sandbox, draft, (kim, robin), ids):
        sandbox.advance(61)
        assert [asks(await desk.settled(draft)) for desk in (kim, robin)] == [Question.RELATIVE_WAITING] * 2
        assert (await answered(kim, draft, Choice.GO_ON)).phase is Phase.DONE
        stopped = await answered(robin, draft, Choice.GO_ON)
        assert asks(stopped) is Question.RELATIVE_RELEASED
        assert "kim's edit" in stopped.words
        assert "approved by" in stopped.words
        ended = await answered(robin, draft, Choice.WITHDRAW)
        assert ended.outcome is Outcome.TAKEN_BACK and robin.edits.get(draft) is not None
        assert [mail["id"] for mail in sandbox.outbox()] == [ids[0]]


async def test_one_of_two_edits_leaves_also_where_the_tag_of_one_took_the_place_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_edits(tmp_path, monkeypatch) as (sandbox, draft, desks, ids):
        # Both read the tags before either wrote: the names of the second stand twice now, those of the first nowhere.
        by_robin = {"replaced_by": ids[1], "edited_by": "robin"}
        tag(sandbox, draft, **by_robin, **{f"{name}.2": value for name, value in by_robin.items()})
        sandbox.advance(61)
        reported = []
        for desk in desks:
            view = await desk.settled(draft)
            while view.question is not None:
                if asks(view) is Question.RELATIVE_RELEASED:
                    reported.append(view.words)
                    view = await answered(desk, draft, Choice.WITHDRAW)
                else:
                    # The other's edit waits, or its procedure has rejected the original: this reviewer goes on.
                    assert asks(view) in (Question.RELATIVE_WAITING, Question.ORIGINAL_CLOSED)
                    view = await answered(desk, draft, Choice.GO_ON)
        (left,) = [mail["id"] for mail in sandbox.outbox()]
        (words,) = reported
        assert f"{'kim' if left == ids[0] else 'robin'}'s edit" in words


@pytest.mark.parametrize("original_first", [True, False])
async def test_an_original_and_its_edit_are_not_approved_one_after_the_other(
    tmp_path: Path, sandbox: Sandbox, original_first: bool
) -> None:
    draft = sandbox.draft()
    edit = sandbox.draft("Dear Anna, written by kim.")
    tag(sandbox, draft, replaced_by=edit, edited_by="kim")
    tag(sandbox, edit, replaces=draft, edited_by="kim")
    first, second = (draft, edit) if original_first else (edit, draft)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.approve(await desk.read(sandbox.mailbox, first))
        asked = await desk.settled(first)
        assert asks(asked) is Question.RELATIVE_WAITING
        assert "rejected or withdrawn" in asked.words
        assert sandbox.outbox() == []
        assert (await answered(desk, first, Choice.GO_ON)).phase is Phase.DONE
        await desk.approve(await desk.read(sandbox.mailbox, second))
        stopped = await desk.settled(second)
        assert asks(stopped) is Question.RELATIVE_RELEASED
        assert first in stopped.words
        assert (await answered(desk, second, Choice.LEAVE)).phase is Phase.UNDECIDED
    assert [mail["id"] for mail in sandbox.outbox()] == [first]


@pytest.mark.parametrize("names", ["no such mail", "01M8HQWFXEC6EY31SDP2Q83ACV", "../../oversight/decide", "a b c d"])
async def test_a_tag_that_names_nothing_stops_only_until_a_human_says_so(
    tmp_path: Path, sandbox: Sandbox, names: str
) -> None:
    draft = sandbox.draft()
    tag(sandbox, draft, replaced_by=names, edited_by="\x1b[2Jkim" * 50)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.approve(await desk.read(sandbox.mailbox, draft))
        view = await desk.settled(draft)
        for _ in range(4):
            if view.question is not None:
                assert asks(view) is Question.RELATIVE_UNCLEAR
                assert "\x1b" not in view.words
                view = await answered(desk, draft, Choice.UNRELATED)
        assert view.phase is Phase.DONE
    assert [mail["id"] for mail in sandbox.outbox()] == [draft]


async def test_a_question_about_another_version_falls_with_the_program(tmp_path: Path, sandbox: Sandbox) -> None:
    draft, other = sandbox.draft(), sandbox.draft("Other")
    tag(sandbox, draft, replaced_by=other)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.approve(await desk.read(sandbox.mailbox, draft))
        await desk.settled(draft)
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.decisions.resume()
        assert desk.kinds() == ["held", "fell_back"]
    assert sandbox.outbox() == []


async def test_what_was_sent_instead_of_what_was_seen_is_shown(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft()
    decide = DecisionCalls._decide

    async def after_a_change(self: DecisionCalls, decision: ActiveDecision, effect: Decide) -> Event:
        sandbox.change(draft, markdown="Pay to another account.")
        return await decide(self, decision, effect)

    monkeypatch.setattr(DecisionCalls, "_decide", after_a_change)
    mail = await desk.read(sandbox.mailbox, draft)
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert (view.phase, view.outcome) == (Phase.INCIDENT, Outcome.NOT_AS_SEEN)
    assert view.changed is not None
    assert view.changed.base is not None
    assert view.changed.now is not None
    assert (view.changed.base.body, view.changed.now.body) == (mail.body, "Pay to another account.")
    last = desk.journal()[-1]
    assert last.details[OneLine("note")] == "not_as_seen"
    assert last.details[OneLine("digest")] == digest(mail)
    assert last.details[OneLine("left")] == digest(await desk.read(sandbox.mailbox, draft))


@pytest.mark.parametrize("action", ["approve", "reject"])
async def test_a_call_that_arrived_twice_is_not_taken_for_somebody_elses(
    desk: Desk, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    draft = sandbox.draft()
    decide = DecisionCalls._decide

    async def twice(self: DecisionCalls, decision: ActiveDecision, effect: Decide) -> Event:
        sandbox.decide(draft, action)
        return await decide(self, decision, effect)

    monkeypatch.setattr(DecisionCalls, "_decide", twice)
    mail = await desk.read(sandbox.mailbox, draft)
    await (desk.approve(mail) if action == "approve" else desk.reject(mail))
    view = await desk.settled(draft)
    assert (view.phase, view.outcome) == (Phase.DECIDED, Outcome.DECIDED)
    assert "elsewhere" not in view.words
    assert "no answer tells whether by your call" in view.words


async def test_anothers_rejection_is_not_recorded_as_ours(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    sandbox.fault(method="POST", path="decide$", kind="close", when="before")
    await desk.reject(await desk.read(sandbox.mailbox, draft))
    await desk.reaches(draft, Phase.UNKNOWN, Phase.ASKING)
    sandbox.clear_faults()
    sandbox.decide(draft, "reject")
    view = await desk.reaches(draft, Phase.DECIDED)
    assert view.outcome is Outcome.DECIDED
    assert desk.journal()[-1].details[OneLine("note")] == "decided"


def test_relations_are_added_beside_those_of_others() -> None:
    tags: dict[OneLine, OneLine] = {}
    for number in range(20):
        more = with_relation(tags, REPLACED_BY, f"edit{number}", f"reviewer {number}")
        tags |= {OneLine(name): OneLine(value) for name, value in more.items()}
    assert relatives_in(tags, "draft")[:2] == ("edit0", "edit1")
    assert tags[OneLine(REPLACED_BY)] == "edit0"
    assert tags[OneLine(EDITED_BY)] == "reviewer 0"
    assert with_relation(tags, REPLACED_BY, "edit1", "kim") == {}
    many = {OneLine(REPLACES): OneLine(" ".join(f"mail{number}" for number in range(99)))}
    assert len(relatives_in(many, "draft")) == MOST_RELATIVES
