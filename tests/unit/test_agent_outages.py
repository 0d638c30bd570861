"""The worker while the gateway lies for some minutes, and while several calls share a budget."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mm_tui.agent.jobs import Job, JobState
from mm_tui.agent.worker import LATE_TRIES, MOST_FAULTS
from mm_tui.assist.errors import Empty, OverBudget, TimedOut
from mm_tui.assist.model import Completion, PromptTurn, TokenUsage
from mm_tui.assist.prompts import PromptEmail, tokens
from mm_tui.assist.tasks import Answered
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import NotFound
from mm_tui.gateway.shapes import EmailPage
from mm_tui.settings.sections import Agent, Assist
from mm_tui.text import ManyLine, OneLine
from tests.support.agents import agent_process, deliver, desk, environment, outbound_by_mail
from tests.support.assistant import settings_for
from tests.support.clock import MovedClock
from tests.support.sandbox import Sandbox
from tests.support.scripted_model import Answering


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 404}, {"kind": "malformed", "body": "<html>"}])
async def test_a_gateway_that_fails_for_some_minutes_loses_no_mail(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    (mail_id,) = deliver(sandbox, 1)
    clock = MovedClock()
    sandbox.fault(method="GET", path=f"/emails/{mail_id}$", count=0, **fault)
    async with desk(settings_for(sandbox), model=Answering(), clock=clock) as agent:
        for _ in range(2 * MOST_FAULTS):
            assert not await agent.worker.once()
            clock.ahead += timedelta(minutes=1)
        sandbox.clear_faults()
        clock.ahead += timedelta(hours=1)
        assert await agent.worker.once()
    assert len(outbound_by_mail(sandbox, [mail_id])[mail_id]) == 1


@pytest.mark.parametrize("is_outage", [True, False])
async def test_a_model_that_answers_nothing_usable_for_some_minutes_loses_no_mail(
    sandbox: Sandbox, is_outage: bool
) -> None:
    (mail_id,) = deliver(sandbox, 1)
    model, clock = Answering(), MovedClock()
    model.refused, model.problems = "" if is_outage else "The app fails", [Empty()]
    async with desk(settings_for(sandbox), model=model, clock=clock) as agent:
        for _ in range(2 * MOST_FAULTS):
            await agent.worker.once()
            clock.ahead += timedelta(minutes=5)
        model.problems = []
        assert await agent.worker.once()
    assert len(outbound_by_mail(sandbox, [mail_id])[mail_id]) == int(is_outage)


@pytest.mark.parametrize("status", [404, 500])
async def test_a_single_run_ends_although_more_mail_is_unread_than_is_listed(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    emails = GatewayClient.emails

    async def two(self: GatewayClient, mailbox_id: str, **more: Any) -> EmailPage:
        return await emails(self, mailbox_id, **{**more, "limit": 2})

    monkeypatch.setattr(GatewayClient, "emails", two)
    monkeypatch.setattr("mm_tui.agent.source.UNREAD_PAGES", 1)
    ids = deliver(sandbox, 5)
    sandbox.fault(method="GET", path="/emails/[^/]+$", kind="status", status=status, count=0)
    clock, store = MovedClock(), tmp_path / "agent.sqlite"
    async with desk(settings_for(sandbox), store, model=Answering(), clock=clock) as agent, asyncio.timeout(20):
        assert not await agent.worker.once()
        assert len([call for call in sandbox.calls("GET") if call["path"].endswith("/emails")]) < 200
    sandbox.clear_faults()
    clock.ahead = timedelta(hours=1)
    async with desk(settings_for(sandbox), store, model=Answering(), clock=clock) as agent, asyncio.timeout(20):
        assert await agent.worker.once()
    assert all(outbound_by_mail(sandbox, ids).values())


async def test_an_email_that_is_not_found_for_a_day_is_given_up_and_the_run_says_so(sandbox: Sandbox) -> None:
    clock = MovedClock()
    async with desk(settings_for(sandbox), model=Answering(), clock=clock) as agent:
        agent.jobs.add([Job("01NOSUCHMAIL", sandbox.mailbox)])
        runs = 0
        while not agent.events("failed"):
            assert not await agent.worker.once()
            clock.ahead += timedelta(hours=1)
            runs += 1
        assert runs > LATE_TRIES
        assert agent.events("failed")[0]["why"] == "Email not found"
        assert await agent.worker.once(), "the next run has nothing to do with it"


def test_a_single_run_counts_what_it_did_itself(sandbox: Sandbox, tmp_path: Any) -> None:
    for count in (2, 1):
        deliver(sandbox, count)
        with agent_process(environment(sandbox, tmp_path), "--once") as process:
            said, _ = process.communicate(timeout=60)
        ended = json.loads(said.splitlines()[-1])
        assert (ended["event"], ended["done"], ended["waiting"], process.returncode) == ("ended", count, 0, 0)


async def test_a_mailbox_that_is_not_listed_for_a_moment_ends_the_work_on_no_email(sandbox: Sandbox) -> None:
    (mail_id,) = deliver(sandbox, 1)
    async with desk(settings_for(sandbox), model=Answering()) as agent:
        await agent.source.poll()
        sandbox.fault(method="GET", path="/v1/mailboxes$", kind="malformed", body='{"mailboxes": []}', count=0)
        await agent.boxes.refresh()
        job = agent.jobs.get(mail_id)
        assert job is not None
        with pytest.raises(NotFound):
            await agent.work.do(job)
        sandbox.clear_faults()
        await agent.boxes.refresh()
        assert await agent.worker.once()
    assert len(outbound_by_mail(sandbox, [mail_id])[mail_id]) == 1


async def test_where_no_human_is_asked_a_thread_that_is_not_found_is_not_answered(sandbox: Sandbox) -> None:
    """A human may have answered in it."""
    sandbox.set_mode("autonomous")
    (mail_id,) = deliver(sandbox, 1)
    chosen = Agent(reply_labels=("support",), reply_ungated=True)
    async with desk(settings_for(sandbox, agent=chosen), model=Answering()) as agent:
        sandbox.fault(method="GET", path="/threads/", kind="status", status=404, count=0)
        assert not await agent.worker.once()
        job = agent.jobs.get(mail_id)
        assert job is not None and (job.state, job.draft) == (JobState.WAITING, None)
    sandbox.clear_faults()
    assert outbound_by_mail(sandbox, [mail_id]) == {mail_id: []}


async def test_an_unread_email_that_is_read_for_its_context_is_found_again_without_the_store(sandbox: Sandbox) -> None:
    first = str(sandbox.inbound(subject="The app", body="Help.", sender="a@customer.example", message_id="<1@x>")["id"])
    mail = sandbox.inbound(subject="Re: The app", body="And?", sender="a@customer.example", in_reply_to="<1@x>")
    second, thread_id = str(mail["id"]), str(mail["thread_id"])
    async with desk(settings_for(sandbox), model=Answering()) as agent:
        await agent.work.do(Job(second, sandbox.mailbox, thread_id))
        assert sandbox.status(first) == "read"
    assert "assist.opened" in sandbox.look(first)["tags"]


class Paid(Answering):
    """A model that reports the tokens of each question, and answers some moments later."""

    async def answer(self, messages: Sequence[PromptTurn], model: str) -> Completion:
        answer = await super().answer(messages, model)
        for _ in range(20):
            await asyncio.sleep(0)
        return replace(answer, usage=TokenUsage(sum(tokens(message.text) for message in messages), 10))


async def test_calls_at_the_same_time_do_not_exceed_the_budget_together(sandbox: Sandbox) -> None:
    email = PromptEmail(OneLine("anna@customer.example"), OneLine("The app fails"), ManyLine("Help me. " * 100))
    async with desk(settings_for(sandbox, assist=Assist(daily_budget_usd=0.0003)), model=Paid()) as agent:
        asked = [agent.assistant.classify(f"01{n}", [email], automatic=True) for n in range(20)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Answered, OverBudget}
        assert 0.0003 <= agent.assistant.spend().usd < 0.0004


async def test_an_answer_that_comes_too_late_is_paid_for(sandbox: Sandbox) -> None:
    deliver(sandbox, 1)
    model = Answering()
    model.refused, model.problems = "", [TimedOut()]
    async with desk(settings_for(sandbox), model=model) as agent:
        assert not await agent.worker.once()
        assert agent.assistant.spend().prompt_tokens > 100
