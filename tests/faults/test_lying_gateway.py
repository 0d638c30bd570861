"""A gateway that answers about other emails, or contradicts itself: nothing is concluded from it, and nothing is sent
twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from mm_tui import clock
from mm_tui.decision.effects import EntryKind
from mm_tui.decision.state import Outcome, Question
from mm_tui.gateway.errors import Malformed
from mm_tui.screens import status
from mm_tui.services.decisions import calls
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.service import Refused
from mm_tui.services.decisions.view import Phase
from mm_tui.session import Session
from mm_tui.settings.sections import Review
from tests.support.desk import Desk, at_desk
from tests.support.lying import LyingTransport
from tests.support.sandbox import Sandbox


@pytest.fixture
def gateway() -> Iterator[LyingTransport]:
    yield LyingTransport()


@pytest.fixture
async def desk(tmp_path: Path, sandbox: Sandbox, gateway: LyingTransport) -> AsyncIterator[Desk]:
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, transport=gateway) as opened:
        yield opened


def detail(sandbox: Sandbox, email_id: str) -> Any:
    return sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{email_id}", key="oversight")


async def test_an_answer_about_another_email_says_nothing_about_this_one(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport
) -> None:
    draft, other = sandbox.draft("One"), sandbox.draft("Two")
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.decide(other)
    reported = detail(sandbox, other)
    gateway.lie = lambda method, path, answer: reported if path.endswith(draft) else None
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert (view.outcome, view.phase) == (Outcome.UNREACHABLE, Phase.UNDECIDED), view.words
    assert "another email" in view.words
    assert gateway.decisions() == 0

    gateway.lie = lambda method, path, answer: {**answer, "id": other} if path.endswith("/decide") else None
    await desk.approve(mail)
    await desk.settled(draft)
    assert "in_doubt" in desk.kinds(), "the answer does not say that this one was approved"
    assert sandbox.status(draft) in ("sent", "delivered")


async def test_an_approval_that_the_gateway_confirms_and_does_not_show_is_in_doubt(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    reported = detail(sandbox, draft)
    gateway.lie = lambda method, path, answer: reported if path.endswith(draft) else None
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.question is not None, view.words
    assert view.question.question is Question.STILL_PENDING
    said = status.unsettled(cast(Session, desk), look=lambda: "(2 shows it)").plain
    assert said == "▲ asks: email to anna@customer.example (2 shows it)", "until it is answered"
    elsewhere = status.unsettled(cast(Session, desk), look=lambda: "(2 shows it)", in_queue=False).plain
    assert elsewhere == "▲ asks: email to anna@customer.example", "from elsewhere the key goes to the queue"
    assert not status.unsettled(cast(Session, desk), draft), "not of the email under the cursor"
    gateway.lie = lambda method, path, answer: None
    assert (await desk.reaches(draft, Phase.DECIDED)).words.startswith("approved by key")


async def test_what_was_approved_here_is_not_approved_again_when_it_is_listed_as_waiting(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    waiting, reported = sandbox.call("GET", "/v1/oversight/pending", key="oversight"), detail(sandbox, draft)
    await desk.approve(mail)
    assert (await desk.settled(draft)).phase is Phase.DONE

    def again(method: str, path: str, answer: Any) -> Any:
        return waiting if path.endswith("/pending") else reported if path.endswith(draft) else None

    gateway.lie = again
    with pytest.raises(Refused, match="approved it"):
        await desk.approve(mail)
    assert gateway.decisions() == 1


async def test_an_edit_that_is_given_the_id_of_a_waiting_email_is_looked_for(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport
) -> None:
    draft, other = sandbox.draft("One"), sandbox.draft("Two")
    mail = await desk.read(sandbox.mailbox, draft)
    gateway.lie = lambda method, path, answer: {**answer, "id": other} if "/reply/" in path else None
    await desk.release_edit(mail, "Three")
    view = await desk.settled(draft)
    assert view.phase is Phase.DONE, view.words
    assert [sent["id"] for sent in sandbox.outbox()] == [view.replacement_id]
    assert (sandbox.status(draft), sandbox.status(other)) == ("rejected", "pending_send_approval")


async def test_a_waiting_email_whose_text_is_not_disclosed_is_not_an_empty_one(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    reported = detail(sandbox, draft)
    textless = {name: value for name, value in reported.items() if value != reported["markdown"]}
    gateway.lie = lambda method, path, answer: textless if path.endswith(draft) else None
    with pytest.raises(Malformed, match="no text"):
        await desk.read(sandbox.mailbox, draft)
    await desk.approve(mail)
    assert (await desk.settled(draft)).outcome is Outcome.UNREACHABLE


async def test_two_emails_with_one_id_cannot_be_decided(desk: Desk, sandbox: Sandbox, gateway: LyingTransport) -> None:
    draft, other = sandbox.draft("One"), sandbox.draft("Two")
    mail = await desk.read(sandbox.mailbox, draft)

    def twice(method: str, path: str, answer: Any) -> Any:
        if not path.endswith("/pending"):
            return None
        first = next(item for item in answer["emails"] if item["id"] == draft)
        return {"emails": [*answer["emails"], {**first, "mailbox_id": "01JANOTHER"}]}

    gateway.lie = twice
    listed = await desk.gateway.pending()
    assert [item.id for item in listed] == [other]
    assert [draft in words for words in listed.refused] == [True]
    await desk.approve(mail)
    assert (await desk.settled(draft)).outcome is Outcome.UNCLEAR
    assert gateway.decisions() == 0


async def test_a_submission_is_not_repeated_after_the_clock_was_set_back(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    sandbox.fault(method="POST", path="/reply/", kind="close", when="after")
    today = desk.decisions._clock.now
    monkeypatch.setattr(desk.decisions._clock, "now", lambda: today() - timedelta(days=gateway.submissions()))
    await desk.release_edit(mail, "Another text")
    view = await desk.settled(draft)
    assert gateway.submissions() == 1, "nobody knows for how long the gateway remembers the key"
    assert view.phase is Phase.DONE, view.words


async def test_a_hold_starts_again_after_a_sleep_while_the_queue_was_looked_up(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    slept = 0.0

    def sleep(method: str, path: str, answer: Any) -> None:
        nonlocal slept
        slept += 3600

    monkeypatch.setattr(clock, "uptime", lambda: slept)
    view = await desk.approve(mail, hold=100)
    gateway.lie = sleep
    await desk.decisions.queue_moved()
    await desk.reaches(draft, Phase.HELD)
    while (now := desk.decisions.overview.state(draft)) is not None and now.ends_at == view.ends_at:
        await asyncio.sleep(0.002)
    assert now is not None and now.phase is Phase.HELD, "nobody could undo it"
    assert gateway.decisions() == 0
    assert await desk.decisions.undo(draft) == 1


async def test_what_was_checked_long_ago_is_checked_again_before_it_is_approved(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    slept, write = 0.0, DecisionLog.write

    def sleeping(log: DecisionLog, *given: Any) -> None:
        nonlocal slept
        write(log, *given)
        if slept == 0 and any(entry.entry is EntryKind.DECIDING for entry in given[3]):
            slept = 3600

    monkeypatch.setattr(DecisionLog, "write", sleeping)
    monkeypatch.setattr(calls, "uptime", lambda: slept)
    await desk.approve(mail)
    assert (await desk.settled(draft)).phase is Phase.DONE
    assert desk.kinds() == ["held", "deciding", "stopped", "deciding", "done", "ended"]
    assert [path for _, path in gateway.calls].count("/v1/oversight/pending") == 2, "checked once more"
    assert gateway.decisions() == 1


async def test_what_arrived_before_the_machine_slept_is_checked_again_before_it_is_approved(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft()
    mail = await desk.read(sandbox.mailbox, draft)
    slept = 0.0

    def sleep(method: str, path: str, answer: Any) -> None:
        nonlocal slept
        slept = 3600 if path.endswith(draft) else slept

    monkeypatch.setattr(clock, "uptime", lambda: slept)
    monkeypatch.setattr(calls, "uptime", lambda: slept)
    gateway.lie = sleep
    await desk.approve(mail)
    assert (await desk.settled(draft)).phase is Phase.DONE
    assert desk.kinds() == ["held", "deciding", "stopped", "deciding", "done", "ended"]
    assert [path for _, path in gateway.calls].count("/v1/oversight/pending") == 2, "checked once more"


async def test_a_first_approval_that_a_colleague_overwrote_is_not_called_recorded(
    tmp_path: Path, sandbox: Sandbox, gateway: LyingTransport
) -> None:
    draft = sandbox.draft()
    review = Review(hold_seconds=1, second_approver="always")
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, transport=gateway, review=review) as desk:
        mail = await desk.read(sandbox.mailbox, draft)
        gateway.lie = lambda method, path, answer: {**answer, "tags": {}} if path.endswith(draft) else None
        await desk.approve(mail)
        view = await desk.settled(draft)
        assert view.question is not None, view.words
        gateway.lie = lambda method, path, answer: None
        assert (await desk.reaches(draft, Phase.DONE)).outcome is Outcome.FIRST_APPROVED


@pytest.mark.parametrize("status", [400, 401, 403, 422, 429])
async def test_a_refusal_is_believed_only_if_the_email_still_waits(
    desk: Desk, sandbox: Sandbox, gateway: LyingTransport, status: int
) -> None:
    draft, other = sandbox.draft("One"), sandbox.draft("Two")
    mail, second = await desk.read(sandbox.mailbox, draft), await desk.read(sandbox.mailbox, other)
    gateway.lie = lambda method, path, answer: (status, {"error": "no"}) if path.endswith("/decide") else None
    await desk.approve(mail)
    view = await desk.settled(draft)
    assert view.phase is Phase.DECIDED and not view.not_done, view.words
    await desk.release_edit(second, "Other words.")
    view = await desk.settled(other)
    assert view.question is not None and view.question.question is Question.RETIRED_UNSURE, view.words
    assert gateway.decisions() == 2
    gateway.lie = lambda method, path, answer: (status, {"error": "no"}) if "/reply/" in path else None
    third = await desk.read(sandbox.mailbox, sandbox.draft("Three"))
    await desk.release_edit(third, "Mine.")
    view = await desk.settled(third.id)
    assert view.phase is Phase.DONE and gateway.submissions() == 2, view.words
