"""What the tests of triage share: an email about a refund, and a model that answers by task."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from mm_tui.assist import errors
from mm_tui.assist.model import Completion, PromptTurn, TokenUsage
from mm_tui.services.assistant import rounds as triage_rounds
from mm_tui.text import ManyLine, OneLine
from tests.support.assistant import Assisted
from tests.support.scripted_model import Scripted

REFUND = "Hello,\n\nmy order 4471 arrived broken last week. Please refund the $240 by 4 March.\n\nAnna"


def json_of(**fields: object) -> str:
    return json.dumps(fields)


class Answering(Scripted):
    """A model that answers by task, counts, and can be made to fail or to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.problem: errors.AssistError | None = None
        self.gate: asyncio.Event | None = None
        self.started = asyncio.Event()

    async def answer(self, messages: Sequence[PromptTurn], model: str) -> Completion:
        self.calls += 1
        self.started.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        task = messages[0].text.split("\n")[0].removeprefix("task: ")
        text = {
            "classify": "billing",
            "summarise": "Refund order 4471. It broke.",
            "extract": json_of(
                intent="refund", requested_action="Refund it", urgency="high", deadline=None, amounts=["$240"]
            ),
        }[task]
        return Completion(ManyLine(text), OneLine("jamba-mini-2-2026-01"), TokenUsage(1000, 100))


def only_this(services: Assisted, mail_id: str) -> None:
    """Summarises all other mail in the store, so that rounds leave it alone."""
    for key in services.mail.keys(triage_rounds.VIEW):
        row = services.mail.rows([key])[0]
        if row.email_id != mail_id:
            services.mail.annotate(row.email_id, summary="known")
