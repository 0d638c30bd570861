"""The worker on a running sandbox: what it does to mail, under faults, ends and repetitions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_tui.agent.boxes import MayDecide, UnknownMailbox, check_keys
from mm_tui.agent.jobs import LONGEST_HOLD, Job, Jobs, JobState
from mm_tui.agent.work import MOST_LOST
from mm_tui.agent.worker import LATE_TRIES, MOST_FAULTS, Fatal
from mm_tui.assist.errors import NoKey
from mm_tui.clock import SystemClock
from mm_tui.gateway.errors import MissingKey, Unauthorized
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Agent, Assist
from mm_tui.store.assist import AssistStore
from mm_tui.store.database import Database
from tests.support.agents import desk, outbound_by_mail
from tests.support.assistant import settings_for
from tests.support.models import MODEL_KEY, stand_in
from tests.support.sandbox import Sandbox

BODY = "Hello,\n\nthe app closes by itself since Monday. Please help me to fix this problem by Friday.\n\nAnna"


def some_mail(sandbox: Sandbox, count: int, **fields: str) -> list[str]:
    return [
        str(
            sandbox.inbound(
                **{
                    "subject": f"The app does not work, case {number}",
                    "body": BODY,
                    "sender": f"Anna <anna{number}@customer.example>",
                    **fields,
                }
            )["id"]
        )
        for number in range(count)
    ]


def assert_one_reply_each(sandbox: Sandbox, mail_ids: list[str]) -> None:
    replies = outbound_by_mail(sandbox, mail_ids)
    assert {mail_id: len(found) for mail_id, found in replies.items()} == dict.fromkeys(mail_ids, 1)
    for mail_id, (reply,) in replies.items():
        assert sandbox.status(reply) == "pending_send_approval"
        tags = sandbox.look(mail_id)["tags"]
        assert tags["label"] == "support"
        assert {"label.by", "summary", "intent", "urgency", "assist.model"} <= tags.keys()
    assert sandbox.outbox() == []


async def test_new_mail_is_labelled_tagged_and_answered_through_the_gate(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 3)
    async with desk(settings_for(sandbox)) as agent:
        assert await agent.worker.once()
        assert agent.jobs.counts() == {"waiting": 0, "done": 3, "failed": 0}
        assert len(agent.events("replied")) == 3
        assert "customer.example" not in agent.stream.getvalue()
        assert await agent.worker.once()
    assert_one_reply_each(sandbox, ids)
    reply = outbound_by_mail(sandbox, ids[:1])[ids[0]][0]
    assert sandbox.look(reply)["to"] == ["Anna <anna0@customer.example>"]


async def test_what_the_gateway_repeats_of_an_address_is_not_logged(sandbox: Sandbox) -> None:
    async with desk(settings_for(sandbox)) as agent:
        agent.log("put off", why='no such person: "Anna" <anna@customer.example>, tom@other.example', email_id="01A")
        assert agent.events()[0]["why"] == 'no such person: "Anna" <[address]>, [address]'


async def test_what_the_policy_refuses_is_labelled_all_the_same(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 2)
    sandbox.set_mode("autonomous")
    async with desk(settings_for(sandbox)) as agent:
        await agent.worker.once()
        assert {event["why"] for event in agent.events("labelled")} == {
            "the mailbox is autonomous: no human would be asked (reply_ungated allows it)"
        }
    assert all(not found for found in outbound_by_mail(sandbox, ids).values())
    assert all(sandbox.look(mail_id)["tags"]["label"] == "support" for mail_id in ids)


async def test_a_mailbox_that_loses_its_gate_meanwhile_gets_no_reply(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 1)
    async with desk(settings_for(sandbox)) as agent:
        await agent.source.poll()
        agent.jobs.write_draft(ids[0], "A draft from before", agent.clock.now())
        (job,) = agent.jobs.due(agent.clock.now(), 1)
        sandbox.set_mode("autonomous")
        await agent.work.do(job)
    assert outbound_by_mail(sandbox, ids) == {ids[0]: []}


async def test_a_mail_that_asks_to_answer_to_a_listed_address_is_not_answered_unseen(sandbox: Sandbox) -> None:
    sandbox.allow("@partner.example")
    asked = "The app does not work. Please help me to fix this problem."
    sandbox.inbound(subject="The app fails", body=asked, sender="eve@customer.example", reply_to="ann@partner.example")
    async with desk(settings_for(sandbox)) as agent:
        await agent.worker.once()
        assert "allowlist" in agent.events("labelled")[0]["why"]
    assert sandbox.outbox() == []


async def test_a_humans_label_stays_and_decides(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 1)
    human = {"label": "other", "label.by": "human", "note": "mine"}
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{ids[0]}/tags", key="send", json={"tags": human})
    async with desk(settings_for(sandbox)) as agent:
        await agent.worker.once()
        assert agent.events("labelled")[0]["label"] == "other"
    tags = sandbox.look(ids[0])["tags"]
    assert human.items() <= tags.items()
    assert "summary" in tags
    assert outbound_by_mail(sandbox, ids) == {ids[0]: []}


async def test_mail_that_somebody_else_read_is_worked_and_waiting_mail_is_not(sandbox: Sandbox) -> None:
    async with desk(settings_for(sandbox)) as agent:
        some_mail(sandbox, 1)
        await agent.worker.once()
        read = some_mail(sandbox, 1)[0]
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{read}", key="oversight")
        sandbox.set_mode("gated_all")
        waiting = some_mail(sandbox, 1)[0]
        await agent.worker.once()
        assert agent.jobs.get(read) is not None
        assert agent.jobs.get(waiting) is None
        sandbox.decide(waiting)
        await agent.worker.once()
        assert agent.jobs.get(waiting) is not None
    assert_one_reply_each(sandbox, [read, waiting])


async def test_a_thread_is_answered_once_and_a_rejected_draft_is_not_written_again(sandbox: Sandbox) -> None:
    first = some_mail(sandbox, 1)[0]
    thread = sandbox.look(first)["thread_id"]
    second = some_mail(sandbox, 1, in_reply_to=sandbox.look(first)["message_id"])[0]
    assert sandbox.look(second)["thread_id"] == thread
    async with desk(settings_for(sandbox)) as agent:
        await agent.worker.once()
        replies = outbound_by_mail(sandbox, [second])[second]
        assert len(replies) == 1
        job = agent.jobs.get(first)
        assert job is not None
        assert "newer email" in job.why
        sandbox.decide(replies[0], "reject", "No.")
    async with desk(settings_for(sandbox)) as agent:  # all state lost
        agent.jobs.add([Job(second, sandbox.mailbox, thread)])
        await agent.worker.once()
    assert outbound_by_mail(sandbox, [second]) == {second: replies}


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
    ids = some_mail(sandbox, 4)
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
    ids = some_mail(sandbox, 2)
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
    ids = some_mail(sandbox, 6)
    async with (
        stand_in(refuses=0.7) as host,
        desk(settings_for(sandbox, ai21_key=MODEL_KEY, ai21_host=host)) as agent,
    ):
        assert await agent.worker.once()
        assert agent.events("put off") == []
    assert_one_reply_each(sandbox, ids)


async def test_what_a_rate_limit_stops_at_the_same_time_is_one_failure(sandbox: Sandbox) -> None:
    hands = 16
    ids = some_mail(sandbox, hands + 4)
    sandbox.fault(method="GET", path="/threads/", kind="rate_limit", retry_after=1, count=hands)
    async with desk(settings_for(sandbox, agent=Agent(concurrency=hands))) as agent:
        assert await agent.worker.once()
        assert len(agent.events("put off")) == hands
    assert_one_reply_each(sandbox, ids)


async def test_a_used_up_quota_keeps_the_draft_for_later(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 1)
    sandbox.fault(method="POST", path="/reply/", kind="quota", count=1)
    async with desk(settings_for(sandbox)) as agent:
        assert not await agent.worker.once()
        job = agent.jobs.get(ids[0])
        assert job is not None
        assert job.draft
        assert job.due_at is not None
        assert job.due_at > agent.clock.now() + timedelta(minutes=50)


class Later(SystemClock):
    """A wall clock that is ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.mark.parametrize(("lost", "days"), [(False, 2), (True, 2), (False, -2)])
async def test_after_a_day_the_thread_is_asked(sandbox: Sandbox, tmp_path: Path, lost: bool, days: int) -> None:
    """The reply arrived, its receipt did not, the gateway forgot the key, and the clock may have been set back."""
    ids = some_mail(sandbox, 1)
    sandbox.fault(method="POST", path="/reply/", kind="close", when="after", count=0)
    sandbox.fault(method="GET", path="/threads/", kind="status", status=503, nth=3, count=0)
    async with desk(settings_for(sandbox), tmp_path / "agent.sqlite") as agent:
        await agent.worker.once()
        job = agent.jobs.get(ids[0])
        assert job is not None
        assert job.state is JobState.WAITING
        assert job.draft
    sandbox.clear_faults()
    sandbox.advance(2 * 86400)
    path = tmp_path / ("new.sqlite" if lost else "agent.sqlite")
    async with desk(settings_for(sandbox), path, clock=Later(timedelta(days=days))) as agent:
        agent.jobs.add([Job(ids[0], sandbox.mailbox)])
        await agent.worker.once()
        job = agent.jobs.get(ids[0])
        assert job is not None
        assert job.state is JobState.DONE
    assert_one_reply_each(sandbox, ids)


@pytest.mark.parametrize("by_person", [True, False], ids=["a person answered", "they wrote again"])
async def test_a_draft_that_had_to_wait_is_not_submitted_to_a_thread_that_moved_on(
    sandbox: Sandbox, tmp_path: Path, by_person: bool
) -> None:
    (mail_id,) = some_mail(sandbox, 1, message_id="<one@customer.example>")
    sandbox.fault(method="POST", path="/reply/", kind="status", status=503, count=0)
    async with desk(settings_for(sandbox), tmp_path / "agent.sqlite") as agent:
        await agent.worker.once()
        assert (job := agent.jobs.get(mail_id)) is not None and job.draft and job.state is JobState.WAITING
    sandbox.clear_faults()
    if by_person:
        path, text = f"/v1/mailboxes/{sandbox.mailbox}/reply/{mail_id}", {"markdown": "I have fixed it. Robin"}
        answer = sandbox.call("POST", path, key="send", json=text)["id"]
    else:
        subject, sender = "Re: The app does not work, case 0", "Anna <anna0@customer.example>"
        newer = {"in_reply_to": "<one@customer.example>", "message_id": "<two@customer.example>"}
        second = sandbox.inbound(subject=subject, body=BODY, sender=sender, **newer)["id"]
        assert sandbox.look(second)["thread_id"] == sandbox.look(mail_id)["thread_id"]
    async with desk(settings_for(sandbox), tmp_path / "agent.sqlite", clock=Later(timedelta(hours=1))) as agent:
        await agent.worker.once()
        job = agent.jobs.get(mail_id)
        assert job is not None and job.state is JobState.DONE and job.reply_id is None, job
        assert "in the thread" in job.why or "the thread has an answer" in job.why
    (only,) = outbound_by_mail(sandbox, [mail_id])[mail_id]
    assert not by_person or only == answer


async def test_lost_state_makes_no_second_reply(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 3)
    for _ in range(3):
        async with desk(settings_for(sandbox)) as agent:
            agent.jobs.add([Job(mail_id, sandbox.mailbox) for mail_id in ids])
            await agent.worker.once()
    assert_one_reply_each(sandbox, ids)


@pytest.mark.parametrize("labels", [["support"], ["billing"]], ids=["answered", "no reply"])
async def test_a_label_that_a_repeated_call_undoes_is_set_again(
    sandbox: Sandbox, tmp_path: Path, labels: list[str]
) -> None:
    settings = settings_for(sandbox, agent=Agent(reply_labels=tuple(labels)))
    (mail_id,) = some_mail(sandbox, 1)
    async with desk(settings, tmp_path / "agent.sqlite") as agent:
        await agent.worker.once()
    before = outbound_by_mail(sandbox, [mail_id])
    # The network delivers the agent's first call once more.
    opened = {"tags": {"assist.opened": "2026-11-28T10:00:00+00:00"}}
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail_id}/tags", key="send", json=opened)
    async with desk(settings, tmp_path / "agent.sqlite", clock=Later(timedelta(minutes=1))) as agent:
        await agent.worker.once()
        assert agent.events("label lost")
        assert agent.jobs.counts() == {"waiting": 0, "done": 1, "failed": 0}
    assert sandbox.look(mail_id)["tags"]["label"] == "support"
    assert outbound_by_mail(sandbox, [mail_id]) == before
    sandbox.forget_calls()
    for minutes in (2, 3):
        async with desk(settings, tmp_path / "agent.sqlite", clock=Later(timedelta(minutes=minutes))) as agent:
            await agent.worker.once()
    assert len(sandbox.calls("GET", f"{mail_id}/tags")) == 1, "one look is enough"


async def test_a_label_that_is_removed_each_time_is_not_set_for_ever(sandbox: Sandbox, tmp_path: Path) -> None:
    (mail_id,) = some_mail(sandbox, 1)
    lost = 0
    for minutes in range(MOST_LOST + 3):
        async with desk(
            settings_for(sandbox), tmp_path / "agent.sqlite", clock=Later(timedelta(minutes=minutes))
        ) as agent:
            await agent.worker.once()
            lost += len(agent.events("label lost"))
        path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail_id}/tags"
        sandbox.call("PUT", path, key="send", json={"tags": {"another": "program"}})
    assert lost == MOST_LOST


async def test_two_workers_at_once_make_one_reply_each(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 8)
    settings = settings_for(sandbox)
    async with desk(settings) as one, desk(settings) as other:
        await asyncio.gather(one.worker.once(), other.worker.once())
    assert_one_reply_each(sandbox, ids)


async def test_two_workers_on_one_store_pay_for_no_question_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    ids = some_mail(sandbox, 6)
    settings, path = settings_for(sandbox), tmp_path / "agent.sqlite"
    async with desk(settings, path) as one, desk(settings, path) as other:
        await one.source.poll()
        today = one.clock.now().astimezone(UTC).date()
        while one.jobs.counts()["waiting"]:
            await asyncio.gather(one.worker.once(), other.worker.once())
        assert AssistStore(one.jobs._database).spend(today).calls == 4 * len(ids)
    assert_one_reply_each(sandbox, ids)


def test_a_job_of_an_agent_that_ended_is_taken_at_once(tmp_path: Path) -> None:
    clock, path = SystemClock(), tmp_path / "agent.sqlite"
    with Database.open(path) as database, Database.open(path) as second:
        jobs, others = Jobs(database), Jobs(second)
        jobs.add([Job("01A", "box"), Job("01B", "box")])
        taken = jobs.take(clock.now())
        assert taken is not None and taken.email_id == "01B"
        assert [job.email_id for job in (others.take(clock.now()), jobs.take(clock.now(), {"01B"})) if job] == ["01A"]
        assert jobs.take(clock.now(), {"01B"}) is None
        others.release("01A")
        again = jobs.take(clock.now(), {"01B"})
        assert again is not None and again.email_id == "01A"
        assert others.take(clock.now()) is None
        assert others.take(clock.now() - timedelta(seconds=1)) is None, "it looked at its clock before"
        assert others.take(clock.now() + LONGEST_HOLD) is not None, "its process may be another one"
        with database.write() as connection:
            connection.execute("UPDATE agent_jobs SET held_by = '999999999 gone x'")
        assert others.take(clock.now()) is not None


async def test_a_mail_that_no_model_answers_is_given_up_and_others_go_on(sandbox: Sandbox) -> None:
    ids = some_mail(sandbox, 2)
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
    some_mail(sandbox, 3)
    async with desk(settings_for(sandbox, assist=Assist(daily_budget_usd=0))) as agent:
        assert not await agent.worker.once()
        assert len(agent.events("over budget")) == 1
        assert agent.jobs.counts()["waiting"] == 3
        due = agent.jobs.next_due(agent.clock.now())
        assert due is not None
        assert (due.hour, due.minute, due.second) == (0, 0, 0)


async def test_a_wrong_model_key_ends_the_worker(sandbox: Sandbox) -> None:
    some_mail(sandbox, 2)
    async with desk(settings_for(sandbox, ai21_key="wrong")) as agent:
        with pytest.raises(Fatal, match="does not accept the key"):
            await agent.worker.once()
        with pytest.raises(Fatal, match="does not accept the key"):
            await agent.worker.run()


async def test_only_chosen_mailboxes_are_worked(sandbox: Sandbox) -> None:
    boxes = [box for box in sandbox.mailboxes if box["id"] != sandbox.mailbox]
    assert boxes
    ids = some_mail(sandbox, 1)
    other = str(sandbox.inbound(mailbox=boxes[0]["id"], subject="x", body=BODY, sender="b@customer.example")["id"])
    async with desk(settings_for(sandbox, agent=Agent(mailboxes=(sandbox.address.upper(),)))) as agent:
        await agent.worker.once()
    assert_one_reply_each(sandbox, ids)
    assert sandbox.status(other) == "unread"


async def test_a_mailbox_that_is_not_there_ends_the_worker(sandbox: Sandbox) -> None:
    async with desk(settings_for(sandbox, agent=Agent(mailboxes=("nobody@acme.example",)))) as agent:
        with pytest.raises(UnknownMailbox, match="no mailbox nobody@"):
            await agent.worker.once()
        async with asyncio.timeout(10):
            with pytest.raises(UnknownMailbox):
                await agent.worker.run()


# Keys


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
