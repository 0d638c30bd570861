"""The client of the models against a server that answers as a test says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from mm_tui.assist.jamba import Jamba
from mm_tui.assist.model import PromptTurn, StreamPart
from mm_tui.settings.secret import Secret
from tests.support.models import MODEL_KEY, Answer, RawServer, raw_server

MAIL_SECRET = "the-customer-wrote-this"
ASKED = [PromptTurn("system", "task: summarise"), PromptTurn("user", f"<<<MAIL\n\nPlease call. {MAIL_SECRET}\nMAIL>>>")]


@asynccontextmanager
async def client(answer: Answer, *, attempts: int = 1) -> AsyncIterator[tuple[Jamba, RawServer]]:
    async with raw_server(answer) as server:
        async with Jamba(Secret(MODEL_KEY), server.host, attempts=attempts) as jamba:
            yield jamba, server
        await server.all_closed()


async def ask(jamba: Jamba, **more: float) -> str:
    answer = await jamba.complete(ASKED, "jamba-mini", max_tokens=50, **more)  # type: ignore[arg-type]  # deadline only
    return answer.text


async def listen(jamba: Jamba, deadline: float = 5) -> list[StreamPart]:
    async with aclosing(jamba.stream(ASKED, "jamba-mini", max_tokens=50, deadline=deadline)) as parts:
        return [part async for part in parts]


def in_use(jamba: Jamba) -> int:
    """Connections of the pool that a request still holds."""
    pool = jamba.http._transport._pool  # type: ignore[attr-defined]
    return sum(not connection.is_idle() and not connection.is_closed() for connection in pool.connections)
