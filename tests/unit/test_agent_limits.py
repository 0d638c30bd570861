"""What holds the agent up: faults, rate limits, quotas, budgets, and keys that may not be used."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from mm_tui.agent.boxes import MayDecide, check_keys
from mm_tui.agent.jobs import Job, JobState
from mm_tui.agent.worker import LATE_TRIES, MOST_FAULTS, Fatal
from mm_tui.assist.errors import NoKey
from mm_tui.gateway.errors import MissingKey, Unauthorized
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Agent, Assist
from tests.support.agents import assert_one_reply_each, deliver, desk
from tests.support.assistant import settings_for
from tests.support.desk import HurriedClock
from tests.support.models import MODEL_KEY, stand_in
from tests.support.sandbox import Sandbox

FAULTS = [
    {"method": "POST", "path": "/reply/", "kind": "close", "when": "after", "count": 3},
    {"method": "POST", "path": "/reply/", "kind": "close", "when": "before", "count": 3},
    {"method": "POST", "path": "/reply/", "kind": "reset_mid_body", "count": 2},
    {"method": "POST", "path": "/reply/", "kind": "status", "status": 502, "when": "after", "count": 2},
    {"method": "POST", "path": "/reply/", "kind": "truncated", "count": 2},
    {"method": "POST", "path": "/reply/", "kind": "malformed", "when": "after", "count": 2},
    {"method": "PUT", "path": "/tags", "kind": "close", "when": "after", "count": 3},
    {"method": "GET", "path": "/threads/", "kind": "status", "status": 500, "count": 4},
    {"method": "GET", "path": "/emails/", "kind": "truncated", "count": 4},
    {"method": "GET", "path": "/v1/mailboxes$", "kind": "status", "status": 503, "nth": 2, "count": 3},
    {"method": "POST", "path": "/chat/completions", "kind": "status", "status": 503, "count": 3},
    {"method": "POST", "path": "/chat/completions", "kind": "reset_mid_body", "count": 3},
]


@pytest.mark.parametrize(
    "fault", FAULTS, ids=[f"{fault['path']} {fault['kind']} {fault.get('when', '')}" for fault in FAULTS]
)
async def test_a_flaky_gateway_makes_one_reply_each(sandbox: Sandbox, fault: dict[str, object]) -> None:
    ids = deliver(sandbox, 4)
    sandbox.fault(**fault)
    async with desk(settings_for(sandbox)) as agent:
        running = asyncio.create_task(agent.worker.run())
        async with asyncio.timeout(30):
            while agent.jobs.counts()["done"] < len(ids):
                await asyncio.sleep(0.02)
        agent.worker.stop()
        await running
    assert_one_reply_each(sandbox, ids)


async def test_a_rate_limit_is_waited_for(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 2)
    sandbox.fault(method="POST", path="/reply/", kind="rate_limit", retry_after=1, count=1)
    async with desk(settings_for(sandbox)) as agent:
        running = asyncio.create_task(agent.worker.run())
        async with asyncio.timeout(20):
            while agent.jobs.counts()["done"] < len(ids):
                await asyncio.sleep(0.02)
        agent.worker.stop()
        await running
        waits = [event["retry_in"] for event in agent.events("put off")]
        assert waits
        assert max(waits) >= 1
    assert_one_reply_each(sandbox, ids)


async def test_a_model_that_refuses_most_calls_puts_no_email_off(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 6)
    async with (
        stand_in(refuses=0.7) as host,
        desk(settings_for(sandbox, ai21_key=MODEL_KEY, ai21_host=host), clock=HurriedClock(20)) as agent,
    ):
        assert await agent.worker.once()
        assert agent.events("put off") == []
    assert_one_reply_each(sandbox, ids)


async def test_what_a_rate_limit_stops_at_the_same_time_is_one_failure(sandbox: Sandbox) -> None:
    hands = 16
    ids = deliver(sandbox, hands + 4)
    sandbox.fault(method="GET", path="/threads/", kind="rate_limit", retry_after=1, count=hands)
    async with desk(settings_for(sandbox, agent=Agent(concurrency=hands)), clock=HurriedClock(20)) as agent:
        assert await agent.worker.once()
        assert len(agent.events("put off")) == hands
    assert_one_reply_each(sandbox, ids)


async def test_a_used_up_quota_keeps_the_draft_for_later(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 1)
    sandbox.fault(method="POST", path="/reply/", kind="quota", count=1)
    async with desk(settings_for(sandbox)) as agent:
        assert not await agent.worker.once()
        job = agent.jobs.get(ids[0])
        assert job is not None
        assert job.draft
        assert job.due_at is not None
        assert job.due_at > agent.clock.now() + timedelta(minutes=50)


async def test_a_mail_that_no_model_answers_is_given_up_and_others_go_on(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 2)
    gone = Job("01NOSUCHMAIL", sandbox.mailbox)
    async with desk(settings_for(sandbox)) as agent:
        agent.jobs.add([gone])
        await agent.worker.once()
        job = agent.jobs.get(gone.email_id)
        assert job is not None
        assert (job.state, job.faults > 0) == (JobState.WAITING, True), "its event may have come before it"
        for _ in range(MOST_FAULTS + LATE_TRIES - job.faults - 1):
            agent.jobs.put_off(gone.email_id, agent.clock.now(), "", is_fault=True)
        await agent.worker.once()
        job = agent.jobs.get(gone.email_id)
        assert job is not None
        assert (job.state, job.why) == (JobState.FAILED, "Email not found")
    assert_one_reply_each(sandbox, ids)


async def test_the_daily_budget_stops_the_work_until_tomorrow(sandbox: Sandbox) -> None:
    deliver(sandbox, 3)
    async with desk(settings_for(sandbox, assist=Assist(daily_budget_usd=0))) as agent:
        assert not await agent.worker.once()
        assert len(agent.events("over budget")) == 1
        assert agent.jobs.counts()["waiting"] == 3
        due = agent.jobs.next_due(agent.clock.now())
        assert due is not None
        assert (due.hour, due.minute, due.second) == (0, 0, 0)


async def test_a_wrong_model_key_ends_the_worker(sandbox: Sandbox) -> None:
    deliver(sandbox, 2)
    async with desk(settings_for(sandbox, ai21_key="wrong")) as agent:
        with pytest.raises(Fatal, match="does not accept the key"):
            await agent.worker.once()
        with pytest.raises(Fatal, match="does not accept the key"):
            await agent.worker.run()


async def test_a_key_that_may_decide_is_refused(sandbox: Sandbox) -> None:
    settings = settings_for(sandbox)

    def with_send_key(key: str | None) -> object:
        profile = settings.profile.replaced(send_key=Secret(key) if key else None)
        return settings.replaced(profile=profile)

    await check_keys(settings, needs_model=True)
    with pytest.raises(MayDecide):
        await check_keys(with_send_key(sandbox.keys["oversight"]), needs_model=True)  # type: ignore[arg-type]
    with pytest.raises(Unauthorized) as refused:
        await check_keys(with_send_key("mm_test_made_up"), needs_model=True)  # type: ignore[arg-type]
    assert "The send key is wrong" in refused.value.what_to_do
    with pytest.raises(MissingKey):
        await check_keys(with_send_key(None), needs_model=True)  # type: ignore[arg-type]
    with pytest.raises(NoKey):
        await check_keys(settings_for(sandbox, ai21_key=None), needs_model=True)
    await check_keys(settings_for(sandbox, ai21_key=None), needs_model=False)
