"""Looking up names of machines while the DNS server does not answer."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mm_tui.app import THREADS
from mm_tui.system import lookups
from mm_tui.text import OneLine
from tests.support.app import running_app, shown, until
from tests.support.seat import idle_session, summary

NAME = "gateway.example"


class Resolver:
    """Answers for `NAME` only once it may."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.ended = 0
        self.answers = threading.Event()

    def __call__(self, host: Any, *_: Any, **__: Any) -> Any:
        self.asked.append(host)
        self.answers.wait(30)
        self.ended += 1
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    found = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    yield found
    found.answers.set()


async def test_search_goes_on_while_names_are_looked_up(resolver: Resolver) -> None:
    session = idle_session(mails=[summary(number) for number in range(30)])
    session.mail.upsert([summary(40, subject=OneLine("Refund for order 4471"))])
    async with running_app(session) as (app, pilot), httpx.AsyncClient() as client:
        calls = [asyncio.create_task(client.get(f"https://{NAME}")) for _ in range(THREADS + 1)]
        await until(pilot, lambda: resolver.asked)
        await pilot.press("slash", *"refund 44")
        await until(pilot, lambda: " 1 thread" in shown(app), seconds=5)
        resolver.answers.set()
        failed = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(error) for error in failed} == {httpx.ConnectError} and resolver.asked == [NAME.encode()]


def test_a_command_ends_before_the_lookup_that_it_gave_up(resolver: Resolver) -> None:
    async def command() -> None:
        async with httpx.AsyncClient(timeout=0.05) as client:
            await client.get(f"https://{NAME}")

    for _ in range(2):
        with pytest.raises(httpx.ConnectTimeout):
            lookups.run(command())
    assert resolver.asked == [NAME.encode()] * 2 and not resolver.ended


def test_the_failure_of_a_lookup_that_was_given_up_is_not_written_to_the_terminal(
    resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    async def command() -> None:
        async with httpx.AsyncClient(timeout=0.05) as client:
            with pytest.raises(httpx.ConnectTimeout):
                await client.get(f"https://{NAME}")
        resolver.answers.set()
        for thread in threading.enumerate():
            if thread.name == "mm-tui-lookup":
                await asyncio.to_thread(thread.join)
        gc.collect()

    lookups.run(command())
    assert resolver.ended and not [one for one in caplog.records if one.name == "asyncio"]
