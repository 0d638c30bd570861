"""Edits from the key to the gateway: submitted, checked, released in place of the original, and withdrawn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mm_tui.decision.state import Act, Choice, Outcome, Question
from mm_tui.review.draft import starts_thread
from mm_tui.services.decisions.service import Refused
from mm_tui.services.decisions.view import Phase
from mm_tui.services.presence.tags import pair_words
from mm_tui.text import OneLine
from tests.support.desk import Desk, at_desk, digest, edit_of
from tests.support.sandbox import Sandbox, file_part, running_sandbox


async def test_an_edit_replaces_the_original_in_its_thread(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft("Dear Anna, you get $240.", attachments=[file_part("a b.pdf", bytes(range(256)) * 300)])
    mail = await desk.read(sandbox.mailbox, draft)
    await desk.release_edit(mail, "Dear Anna, we look into it.")
    view = await desk.settled(draft)
    assert view.phase is Phase.DONE, view
    assert view.words.startswith("your edit was approved by robin at")
    (sent,) = sandbox.outbox()
    assert sent["id"] == view.replacement_id
    assert sandbox.status(draft) == "rejected"
    new, old = sandbox.look(sent["id"]), sandbox.look(draft)
    assert new["markdown"] == "Dear Anna, we look into it."
    assert new["thread_id"] == old["thread_id"]
    assert new["to"] == old["to"]
    assert [part["sha256"] for part in sent["attachments"]] != []
    carried = await desk.gateway.attachment(sandbox.mailbox, sent["id"], "a b.pdf", size=256 * 300)
    assert carried == bytes(range(256)) * 300
    assert desk.kinds() == ["held", "submitting", "submitted", "retiring", "retired", "deciding", "done", "ended"]
    assert desk.edits.get(draft) is None
    reason = next(e["metadata"]["reason"] for e in sandbox.audit() if e["action"] == "oversight.rejected")
    assert reason == f"superseded by {sent['id']}, edited by robin"


async def test_an_edit_of_recipients_starts_a_new_thread_and_warns_first(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    assert starts_thread(mail.raw, edit_of(mail, "x", to=("tom@other.example",)))
    assert not starts_thread(mail.raw, edit_of(mail, "x"))
    await desk.release_edit(mail, "Dear Tom", to=("tom@other.example",))
    view = await desk.settled(draft)
    assert view.phase is Phase.DONE, view
    (sent,) = sandbox.outbox()
    assert sandbox.look(sent["id"])["to"] == ["tom@other.example"]


async def test_an_edit_waits_for_its_scan(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, scan_delay=0.3) as sandbox:
        async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
            draft = sandbox.draft()
            await desk.release_edit(await desk.read(sandbox.mailbox, draft), "Dear Anna")
            view = await desk.reaches(draft, Phase.WAITING)
            assert view.words == "your edit is being scanned"
            original = await _tagged(desk, sandbox, draft)
            assert pair_words(original) == "being replaced by robin"
            edit = await _tagged(desk, sandbox, view.replacement_id or "")
            assert pair_words(edit) == "edited by robin, in place of an email that may still wait"
            assert (await desk.settled(draft)).phase is Phase.DONE


async def _tagged(desk: Desk, sandbox: Sandbox, email_id: str) -> dict[OneLine, OneLine]:
    """The mail's tags once it has some."""
    async with asyncio.timeout(10):
        while not (email_tags := await desk.gateway.tags(sandbox.mailbox, email_id)):
            await asyncio.sleep(0.002)
    return email_tags


async def test_an_edit_that_the_scan_blocks_leaves_the_original_and_keeps_the_text(
    desk: Desk, sandbox: Sandbox
) -> None:
    draft = sandbox.draft()
    text = "X-SANDBOX-BLOCK-THIS-MAIL"
    await desk.release_edit(await desk.read(sandbox.mailbox, draft), text)
    view = await desk.settled(draft)
    assert view.phase is Phase.UNDECIDED
    assert sandbox.status(draft) == "pending_send_approval"
    saved = desk.edits.get(draft)
    assert saved is not None
    assert saved.text.body == text


async def test_an_edit_to_an_allowed_recipient_is_out_at_once_and_the_original_retired(
    desk: Desk, sandbox: Sandbox
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.allow("anna@customer.example")
    await desk.release_edit(mail, "Dear Anna, edited")
    view = await desk.settled(draft)
    assert view.phase is Phase.DONE, view
    assert [sent["id"] for sent in sandbox.outbox()] == [view.replacement_id]
    assert sandbox.status(draft) == "rejected"


async def test_what_the_gateway_adds_to_an_edit_is_asked_about(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, signature_in_draft=True) as sandbox:
        async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
            draft = sandbox.draft()
            mail = await desk.read(sandbox.mailbox, draft)
            sandbox.call("PATCH", f"/v1/mailboxes/{sandbox.mailbox}", key="admin", json={"signature_block": "Acme Ltd"})
            await desk.release_edit(mail, "Dear Anna, edited")
            view = await desk.settled(draft)
            assert view.question is not None
            assert view.question.question is Question.EDIT_DIFFERS
            assert view.changed is not None
            assert view.changed.base is not None
            assert view.changed.now is not None
            assert str(view.changed.base.body) == "Dear Anna, edited"
            assert "Acme Ltd" in view.changed.now.body
            assert sandbox.outbox() == []
            assert not await desk.decisions.answer(draft, Choice.ACCEPT, digest="0" * 64)
            assert await desk.decisions.answer(draft, Choice.ACCEPT, digest=view.question.digest)
            assert (await desk.settled(draft)).phase is Phase.DONE
            assert len(sandbox.outbox()) == 1


async def test_an_edit_of_what_changed_is_shown_three_ways(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft("Pay to A")
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.change(draft, markdown="Pay to B")
    await desk.release_edit(mail, "Pay to C")
    view = await desk.settled(draft)
    assert view.phase is Phase.CHANGED
    assert view.changed is not None
    assert [str(part.body) for part in (view.changed.base, view.changed.now, view.changed.mine) if part] == [
        "Pay to A",
        "Pay to B",
        "Pay to C",
    ]
    assert desk.edits.get(draft) is not None


async def test_an_original_approved_elsewhere_withdraws_the_edit(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, scan_delay=0.3) as sandbox:
        async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
            draft = sandbox.draft()
            await desk.release_edit(await desk.read(sandbox.mailbox, draft), "Dear Anna, edited")
            await desk.reaches(draft, Phase.WAITING)
            sandbox.decide(draft)
            view = await desk.settled(draft)
            assert view.phase is Phase.ELSEWHERE
            assert view.words.startswith("the original was approved elsewhere by")
            assert sandbox.status(view.replacement_id or "") == "cancelled"
            assert [sent["id"] for sent in sandbox.outbox()] == [draft]
            assert desk.edits.get(draft) is not None


@pytest.mark.parametrize("choice", [Choice.GO_ON, Choice.WITHDRAW, Choice.LEAVE])
async def test_an_original_rejected_elsewhere_stops_and_asks(tmp_path: Path, choice: Choice) -> None:
    with running_sandbox(tmp_path, scan_delay=0.3) as sandbox:
        async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
            draft = sandbox.draft()
            await desk.release_edit(await desk.read(sandbox.mailbox, draft), "Dear Anna, edited")
            await desk.reaches(draft, Phase.WAITING)
            sandbox.decide(draft, "reject")
            view = await desk.settled(draft)
            assert view.question is not None
            assert view.question.question is Question.ORIGINAL_CLOSED
            assert sandbox.outbox() == []
            assert await desk.decisions.answer(draft, choice)
            view = await desk.settled(draft)
            assert len(sandbox.outbox()) == (choice is Choice.GO_ON)
            assert (desk.edits.get(draft) is not None) == (choice is not Choice.GO_ON)


async def test_without_a_send_key_the_edit_goes_back_to_the_agent(tmp_path: Path, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, without=("send",)) as desk:
        mail = await desk.read(sandbox.mailbox, draft)
        with pytest.raises(Refused, match="no send key"):
            await desk.release_edit(mail, "Better words")
        await desk.decisions.send_back(mail, digest(mail), "Wrong tone", edit_of(mail, "Better words"), hold=0)
        view = await desk.settled(draft)
        assert view.phase is Phase.DONE
        saved = desk.edits.get(draft)
        assert saved is not None
        assert saved.text.body == "Better words"
        assert all("Better words" not in entry.details.values() for entry in desk.journal())
    reported = next(entry["metadata"]["reason"] for entry in sandbox.audit() if entry["action"] == "oversight.rejected")
    assert "Wrong tone" in reported
    assert "Better words" in reported


async def test_a_scheduled_mail_is_edited_in_place(desk: Desk, sandbox: Sandbox) -> None:
    mail = sandbox.send(markdown="Later", send_at="2099-01-01T00:00:00Z", gate_timing="schedule_first")
    sandbox.wait_for(mail["id"], "scheduled")
    seen = await desk.read(sandbox.mailbox, mail["id"])
    view = await desk.release_edit(seen, "Later, edited")
    assert view.act is Act.RESCHEDULE
    view = await desk.settled(mail["id"])
    assert view.phase is Phase.DONE, view
    assert sandbox.look(mail["id"])["markdown"] == "Later, edited"
    assert sandbox.outbox() == []


async def test_an_edit_whose_answer_never_came_is_recognised_when_it_turns_up(desk: Desk, sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.fault(method="POST", path="/reply/", kind="close", when="after", count=0)
    await desk.release_edit(mail, "Dear Anna, edited")
    view = await desk.settled(draft)
    assert view.question is not None
    assert view.question.question is Question.SUBMIT_UNKNOWN
    assert await desk.decisions.answer(draft, Choice.LEAVE)
    sandbox.clear_faults()
    edit = next(item["id"] for item in sandbox.pending() if item["id"] != draft)
    await desk.approve(mail)
    assert (await desk.settled(draft)).outcome is Outcome.DOUBTFUL
    await desk.approve(await desk.read(sandbox.mailbox, edit))
    assert (await desk.settled(edit)).outcome is Outcome.SIBLING_WAITING
    assert sandbox.outbox() == []
    await desk.reject(mail)
    await desk.settled(draft)
    await desk.approve(await desk.read(sandbox.mailbox, edit))
    assert (await desk.settled(edit)).phase is Phase.DONE
    assert [sent["id"] for sent in sandbox.outbox()] == [edit]
