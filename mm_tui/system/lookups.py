"""Names of machines are looked up in threads of their own. A DNS server that does not answer holds a thread for as long
as the system waits, and asyncio would take one of those that read and write the store."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs it as `asyncio.run` does, which would not end before the last lookup does."""

    async def apart() -> T:
        look_up_apart()
        return await coroutine

    return asyncio.run(apart())


def look_up_apart() -> None:
    """Looks up the names that the running loop asks for from now on in such threads: one for a name at a time, however
    many ask for it. The program does not wait for them when it ends."""
    loop = asyncio.get_running_loop()
    answers: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

    def look_up(asked: tuple[Any, ...], answer: asyncio.Future[Any]) -> None:
        try:
            then = partial(answer.set_result, socket.getaddrinfo(*asked))
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            then = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(answered, asked, then)

    def answered(asked: tuple[Any, ...], then: Callable[[], None]) -> None:
        del answers[asked]
        then()

    async def getaddrinfo(host: Any, port: Any, **options: int) -> Any:
        asked = (host, port, *(options.get(name, 0) for name in ("family", "type", "proto", "flags")))
        if asked not in answers:
            answer: asyncio.Future[Any] = loop.create_future()
            # If everybody who asked has given up, asyncio would write a traceback about a failure that nobody took.
            answer.add_done_callback(asyncio.Future.exception)
            threading.Thread(target=look_up, args=(asked, answer), name="mm-tui-lookup", daemon=True).start()
            answers[asked] = answer
        return await asyncio.shield(answers[asked])

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
