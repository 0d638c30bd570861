"""Workers on two machines with one mailbox over a bad network, killed at any moment: each mail is answered once."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from mm_tui.clock import SystemClock
from tests.support.agents import (
    agent_process,
    assert_one_reply_each,
    deliver,
    desk,
    environment,
    outbound_by_mail,
    wait_for_line,
)
from tests.support.assistant import settings_for
from tests.support.fault_proxy import KINDS, fault_proxy
from tests.support.raw_server import answer, raw_server, says
from tests.support.rounds import Rounds
from tests.support.sandbox import Sandbox, running_sandbox, wait_until

ROUNDS = Rounds("MM_TUI_PROXY", seconds=0)
MAILS = 6
MINUTES = 330.0
"""The most seconds that a worker rests when it is asked to wait for a day."""


class Later(SystemClock):
    """The same clock some seconds ahead."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        return super().now() + self._ahead


def answered(sandbox: Sandbox, ids: list[str]) -> int:
    return sum(map(bool, outbound_by_mail(sandbox, ids).values()))


def play(sandbox: Sandbox, folder: Path, seed: int) -> None:
    """Two workers begin, are perhaps killed, and finish when the network is well again."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        proxies = [stack.enter_context(fault_proxy(sandbox.url)) for _ in range(2)]
        environments = []
        for number, proxy in enumerate(proxies):
            (folder / str(number)).mkdir(parents=True)
            environments.append(environment(sandbox, folder / str(number), MULTIMAIL_API_URL=proxy.url))
        ids = deliver(sandbox, MAILS)
        with ExitStack() as first:
            for number, one in enumerate(environments):
                # A worker that is asked to wait for a day waits for minutes, by the real clock.
                proxies[number].be(
                    seed=seed + number,
                    share=chance.choice((0.15, 0.3)),
                    without=["busy for a day"],
                )
                first.enter_context(agent_process(one, "--interval", "1"))
            some = chance.randint(1, MAILS)
            with suppress(TimeoutError):  # a worker that met with many faults waits ever longer
                wait_until(lambda: answered(sandbox, ids) >= some, seconds=10)
            # Both are killed here, wherever they are.
        for proxy in proxies:
            proxy.calm()
        again = [stack.enter_context(agent_process(one, "--interval", "1")) for one in environments]
        wait_until(lambda: all("label" in sandbox.look(mail_id)["tags"] for mail_id in ids), seconds=90)
        wait_until(lambda: answered(sandbox, ids) == len(ids), seconds=90)
        for worker in again:
            wait_for_line(worker, "started")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
    assert_one_reply_each(sandbox, ids)


@pytest.mark.timeout(ROUNDS.seconds + 300)
def test_each_mail_is_answered_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for played, seed in enumerate(ROUNDS.seeds()):
        with running_sandbox(tmp_path / f"sandbox-{played}") as sandbox:
            try:
                play(sandbox, tmp_path / f"round-{played}", seed)
            except BaseException:
                with capsys.disabled():
                    print(f"\n{ROUNDS.again(seed)}; round {played + 1}")
                raise
    if ROUNDS.is_longer:
        with capsys.disabled():
            print(f"\n  workers on a bad network: {played + 1} rounds")


async def test_an_answer_that_asks_for_a_day_stops_a_worker_for_minutes_at_most(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox, fault_proxy(sandbox.url) as proxy:
        (mail_id,) = deliver(sandbox, 1)
        settings = settings_for(sandbox)
        settings = msgspec.structs.replace(settings, profile=msgspec.structs.replace(settings.profile, url=proxy.url))
        async with desk(settings, tmp_path / "agent.sqlite") as agent:
            await agent.source.poll()
            proxy.be(seed=1, share=1.0, without=[kind for kind in KINDS if kind != "busy for a day"])
            polling = asyncio.create_task(agent.worker.run())
            while not (agent.events("put off") and agent.events("poll failed")):
                await asyncio.sleep(0.02)
            agent.worker.stop()
            await polling
            waits = [event["retry_in"] for event in (*agent.events("put off"), *agent.events("poll failed"))]
            assert all(1 < wait <= MINUTES for wait in waits), waits
        proxy.calm()
        async with desk(settings, tmp_path / "agent.sqlite", clock=Later(MINUTES)) as agent:
            await agent.worker.once()
            assert agent.jobs.counts() == {"waiting": 0, "done": 1, "failed": 0}
        assert_one_reply_each(sandbox, [mail_id])


async def test_a_model_that_asks_for_a_day_stops_a_worker_for_minutes_at_most(tmp_path: Path) -> None:
    busy = says(answer(429, b'{"detail":"no"}', "Retry-After: 86400"))
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        (mail_id,) = deliver(sandbox, 1)
        async with raw_server(busy) as model:
            settings = settings_for(sandbox, ai21_host=f"{model.url}/studio/v1")
            async with desk(settings, tmp_path / "agent.sqlite") as agent:
                working = asyncio.create_task(agent.worker.run())
                while not agent.events("put off"):
                    await asyncio.sleep(0.02)
                agent.worker.stop()
                await working
                waits = [event["retry_in"] for event in agent.events("put off")]
                assert all(1 < wait <= MINUTES for wait in waits), waits
        async with desk(settings_for(sandbox), tmp_path / "agent.sqlite", clock=Later(MINUTES)) as agent:
            await agent.worker.once()
        assert_one_reply_each(sandbox, [mail_id])
