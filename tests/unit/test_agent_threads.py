"""The worker and an email's thread: announced with the wrong one, moved, or mixed up by the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from mm_tui.agent.jobs import Job, JobState
from mm_tui.agent.policy import MOST_REPLIES
from mm_tui.assist.model import Completion, PromptTurn
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import Conflict
from mm_tui.models import SendReceipt, Thread
from mm_tui.settings.sections import Agent
from tests.support.agents import deliver, desk, outbound_by_mail
from tests.support.assistant import settings_for
from tests.support.sandbox import Sandbox
from tests.support.scripted_model import Answering

SECRET = "My account number is 4711"


def private(sandbox: Sandbox) -> str:
    """An email of somebody else; returns its thread."""
    mail = sandbox.inbound(subject="Private", body=SECRET, sender="eve@other.example")
    return str(mail["thread_id"])


async def test_the_thread_of_an_email_is_the_one_that_the_email_is_in(sandbox: Sandbox) -> None:
    other = private(sandbox)
    (mail_id,) = deliver(sandbox, 1)
    model = Answering()
    async with desk(settings_for(sandbox), model=model) as agent:
        agent.jobs.add([Job(mail_id, sandbox.mailbox, other)])
        assert await agent.worker.once()
        job = agent.jobs.get(mail_id)
        assert job is not None and job.thread_id == sandbox.look(mail_id)["thread_id"]
    about_anna = [asked for asked in model.asked if "The app fails" in asked[1].text]
    assert len(about_anna) == 4 and not any(SECRET in asked[1].text for asked in about_anna)
    assert len(outbound_by_mail(sandbox, [mail_id])[mail_id]) == 1


@pytest.mark.parametrize("status", ["pending_inbound_approval", "spam_flagged", "archived"])
async def test_an_email_announced_without_its_thread_is_left_alone_like_any_other(
    sandbox: Sandbox, status: str
) -> None:
    (mail_id,) = deliver(sandbox, 1)
    sandbox.change(mail_id, status=status)
    async with desk(settings_for(sandbox), model=Answering()) as agent:
        agent.jobs.add([Job(mail_id, sandbox.mailbox)])
        assert await agent.worker.once()
        assert agent.jobs.get(mail_id) is None and len(agent.events("left alone")) == 1
    assert outbound_by_mail(sandbox, [mail_id]) == {mail_id: []}


async def test_a_thread_that_lacks_the_email_is_no_answer(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    other = private(sandbox)
    (mail_id,) = deliver(sandbox, 1)
    thread = GatewayClient.thread

    async def wrong(self: GatewayClient, mailbox_id: str, _: str) -> Thread:
        return await thread(self, mailbox_id, other)

    monkeypatch.setattr(GatewayClient, "thread", wrong)
    model = Answering()
    async with desk(settings_for(sandbox), model=model) as agent:
        await agent.worker.once()
        job = agent.jobs.get(mail_id)
        assert job is not None and job.faults > 0 and job.draft is None
    assert not any("The app fails" in asked[1].text for asked in model.asked)
    monkeypatch.undo()
    assert outbound_by_mail(sandbox, [mail_id]) == {mail_id: []}


async def test_an_email_of_the_thread_whose_tags_cannot_be_read_is_only_left_out(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="The app", body="It fails", sender="anna@customer.example")
    about = {"subject": "Re: The app", "sender": "anna@customer.example"}
    other = sandbox.inbound(body="One more thing", **about, in_reply_to=sandbox.look(mail["id"])["message_id"])
    assert other["thread_id"] == mail["thread_id"]
    sandbox.fault(path=f"{other['id']}/tags", kind="status", status=404, count=99)
    async with desk(settings_for(sandbox), model=Answering()) as agent:
        await agent.worker.once()
        job = agent.jobs.get(str(mail["id"]))
        assert job is not None and job.state is JobState.DONE


async def test_a_human_who_answers_while_the_model_writes_is_the_only_one(sandbox: Sandbox) -> None:
    (mail_id,) = deliver(sandbox, 1)

    class Overtaken(Answering):
        async def answer(self, messages: Sequence[PromptTurn], model: str) -> Completion:
            if messages[0].text.startswith("task: draft"):
                path = f"/v1/mailboxes/{sandbox.mailbox}/reply/{mail_id}"
                await asyncio.to_thread(sandbox.call, "POST", path, key="send", json={"markdown": "Call me."})
            return await super().answer(messages, model)

    async with desk(settings_for(sandbox), model=Overtaken()) as agent:
        assert await agent.worker.once()
        assert "the thread has an answer" in agent.events("labelled")[0]["why"]
    assert len(outbound_by_mail(sandbox, [mail_id])[mail_id]) == 1


@pytest.mark.parametrize(
    ("sender", "reply_to"),
    [
        ("Bot <b@bots.example>", ""),
        ("Bot <b+{n}@bots.example>", ""),
        ("Bot <b{n}@bots.example>", "b@bots.example"),
        ("Bot <b@bots.example>", "b{n}@bots.example"),
    ],
)
async def test_another_program_that_starts_a_thread_with_each_answer_is_answered_five_times_a_day(
    sandbox: Sandbox, sender: str, reply_to: str
) -> None:
    sandbox.set_mode("autonomous")
    ids = [
        str(
            sandbox.inbound(
                subject=f"Case {n}",
                body="I have read your answer.",
                sender=sender.format(n=n),
                reply_to=reply_to.format(n=n),
            )["id"]
        )
        for n in range(2 * MOST_REPLIES)
    ]
    agent_settings = Agent(reply_labels=("support",), reply_ungated=True)
    async with desk(settings_for(sandbox, agent=agent_settings), model=Answering()) as agent:
        assert await agent.worker.once()
        refused = [event for event in agent.events("labelled") if "too many replies" in event["why"]]
        assert len(refused) == MOST_REPLIES
    assert sum(map(len, outbound_by_mail(sandbox, ids).values())) == MOST_REPLIES


@pytest.mark.parametrize("is_same", [True, False])
async def test_only_a_text_of_ones_own_is_taken_for_the_reply_that_the_gateway_has(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, is_same: bool
) -> None:
    """A human answers in the same second, and the gateway calls our reply a duplicate."""
    (mail_id,) = deliver(sandbox, 1)
    reply, said = GatewayClient.reply, "We look into it." if is_same else "Anna, this is Tom. Call me."

    async def duplicate(self: GatewayClient, mailbox_id: str, email_id: str, body: str, **more: Any) -> SendReceipt:
        if not outbound_by_mail(sandbox, [mail_id])[mail_id]:
            await reply(self, mailbox_id, email_id, said)
        raise Conflict

    monkeypatch.setattr(GatewayClient, "reply", duplicate)
    async with desk(settings_for(sandbox), model=Answering("We look into it.")) as agent:
        assert await agent.worker.once()
        job = agent.jobs.get(mail_id)
    (there,) = outbound_by_mail(sandbox, [mail_id])[mail_id]
    assert job is not None and job.reply_id == (there if is_same else None)


@pytest.mark.parametrize("is_given_up", [False, True])
async def test_the_list_corrects_the_mailbox_that_an_event_named(sandbox: Sandbox, is_given_up: bool) -> None:
    (mail_id,) = deliver(sandbox, 1)
    async with desk(settings_for(sandbox), model=Answering()) as agent:
        agent.jobs.add([Job(mail_id, "01M8NK2321E7B790HWFBEBJCY4")])
        if is_given_up:
            agent.jobs.finish(mail_id, JobState.FAILED, "not found")
        assert await agent.worker.once()
        assert await agent.worker.once()
    assert len(outbound_by_mail(sandbox, [mail_id])[mail_id]) == 1


async def test_a_draft_with_a_gap_does_not_leave_a_mailbox_that_lost_its_gate(sandbox: Sandbox) -> None:
    (mail_id,) = deliver(sandbox, 1)
    chosen = Agent(reply_labels=("support",), reply_ungated=True)
    async with desk(settings_for(sandbox, agent=chosen), model=Answering()) as agent:
        await agent.source.poll()
        agent.jobs.write_draft(mail_id, "Hello, it costs [your answer here].", agent.clock.now())
        sandbox.set_mode("autonomous")
        assert await agent.worker.once()
        assert "gaps" in agent.events("labelled")[0]["why"]
    assert outbound_by_mail(sandbox, [mail_id]) == {mail_id: []}
