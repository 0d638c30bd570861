"""The agent's work: labels, tags and one reply for each new email, whoever else works on it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_tui.agent.boxes import UnknownMailbox
from mm_tui.agent.jobs import LONGEST_HOLD, Job, Jobs, JobState
from mm_tui.agent.log import Log
from mm_tui.agent.work import MOST_LOST
from mm_tui.clock import SystemClock
from mm_tui.settings.sections import Agent
from mm_tui.store.assist import AssistStore
from mm_tui.store.database import Database
from mm_tui.text import OneLine
from tests.support.agents import BODY, assert_one_reply_each, deliver, desk, outbound_by_mail
from tests.support.assistant import settings_for
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox


async def test_new_mail_is_labelled_tagged_and_answered_through_the_gate(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 3)
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


def test_a_line_of_the_log_ends_with_why() -> None:
    lines: list[OneLine] = []
    Log(FakeClock(), lines.append)("put off", email_id="01A", why="the model failed", retry_in=1.5)
    Log(FakeClock(), lines.append)("replied", email_id="01A", label="a b")
    assert lines == [
        "2026-03-02T09:00:00.000+00:00 put off email_id=01A retry_in=1.5: the model failed",
        "2026-03-02T09:00:00.000+00:00 replied email_id=01A label='a b'",
    ]


async def test_what_the_policy_refuses_is_labelled_all_the_same(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 2)
    sandbox.set_mode("autonomous")
    async with desk(settings_for(sandbox)) as agent:
        await agent.worker.once()
        assert {event["why"] for event in agent.events("labelled")} == {
            "the mailbox is autonomous: no human would be asked (reply_ungated allows it)"
        }
    assert all(not found for found in outbound_by_mail(sandbox, ids).values())
    assert all(sandbox.look(mail_id)["tags"]["label"] == "support" for mail_id in ids)


async def test_a_mailbox_that_loses_its_gate_meanwhile_gets_no_reply(sandbox: Sandbox) -> None:
    ids = deliver(sandbox, 1)
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
    ids = deliver(sandbox, 1)
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
        deliver(sandbox, 1)
        await agent.worker.once()
        read = deliver(sandbox, 1)[0]
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{read}", key="oversight")
        sandbox.set_mode("gated_all")
        waiting = deliver(sandbox, 1)[0]
        await agent.worker.once()
        assert agent.jobs.get(read) is not None
        assert agent.jobs.get(waiting) is None
        sandbox.decide(waiting)
        await agent.worker.once()
        assert agent.jobs.get(waiting) is not None
    assert_one_reply_each(sandbox, [read, waiting])


async def test_a_thread_is_answered_once_and_a_rejected_draft_is_not_written_again(sandbox: Sandbox) -> None:
    first = deliver(sandbox, 1)[0]
    thread = sandbox.look(first)["thread_id"]
    second = deliver(sandbox, 1, in_reply_to=sandbox.look(first)["message_id"])[0]
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


class Later(SystemClock):
    """A wall clock that is ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


@pytest.mark.parametrize(("lost", "days"), [(False, 2), (True, 2), (False, -2)])
async def test_after_a_day_the_thread_is_asked(sandbox: Sandbox, tmp_path: Path, lost: bool, days: int) -> None:
    """The reply arrived, its receipt did not, the gateway forgot the key, and the clock may have been set back."""
    ids = deliver(sandbox, 1)
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
    (mail_id,) = deliver(sandbox, 1, message_id="<one@customer.example>")
    sandbox.fault(method="POST", path="/reply/", kind="status", status=503, count=0)
    async with desk(settings_for(sandbox), tmp_path / "agent.sqlite") as agent:
        await agent.worker.once()
        assert (job := agent.jobs.get(mail_id)) is not None and job.draft and job.state is JobState.WAITING
    sandbox.clear_faults()
    if by_person:
        path, text = f"/v1/mailboxes/{sandbox.mailbox}/reply/{mail_id}", {"markdown": "I have fixed it. Robin"}
        answer = sandbox.call("POST", path, key="send", json=text)["id"]
    else:
        subject, sender = "Re: The app fails, case 0", "Anna <anna0@customer.example>"
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
    ids = deliver(sandbox, 3)
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
    (mail_id,) = deliver(sandbox, 1)
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
    (mail_id,) = deliver(sandbox, 1)
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
    ids = deliver(sandbox, 8)
    settings = settings_for(sandbox)
    async with desk(settings) as one, desk(settings) as other:
        await asyncio.gather(one.worker.once(), other.worker.once())
    assert_one_reply_each(sandbox, ids)


async def test_two_workers_on_one_store_pay_for_no_question_twice(sandbox: Sandbox, tmp_path: Path) -> None:
    ids = deliver(sandbox, 6)
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


async def test_only_chosen_mailboxes_are_worked(sandbox: Sandbox) -> None:
    boxes = [box for box in sandbox.mailboxes if box["id"] != sandbox.mailbox]
    assert boxes
    ids = deliver(sandbox, 1)
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
