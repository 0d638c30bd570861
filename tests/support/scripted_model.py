"""A model that gives prepared answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from mm_tui.assist.errors import AssistError
from mm_tui.assist.model import Completion, PromptTurn, StreamPart, TokenUsage
from mm_tui.text import ManyLine, OneLine


class Scripted:
    """A model that gives prepared answers, and notes what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[list[PromptTurn]] = []
        self.json: list[bool] = []

    async def complete(
        self,
        messages: Sequence[PromptTurn],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        json: bool = False,
        deadline: float = 30.0,
    ) -> Completion:
        self.asked.append(list(messages))
        self.json.append(json)
        return await self.answer(messages, model)

    async def answer(self, messages: Sequence[PromptTurn], model: str) -> Completion:
        """What `complete` returns; for models that answer by what they are asked."""
        return Completion(ManyLine(self.answers.pop(0)), OneLine(model), TokenUsage(10, 2))

    async def stream(
        self,
        messages: Sequence[PromptTurn],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        deadline: float = 120.0,
    ) -> AsyncGenerator[StreamPart, None]:
        self.asked.append(list(messages))
        text = self.answers.pop(0)
        for end in range(1, len(text) + 1):
            yield StreamPart(ManyLine(text[:end]))
        yield StreamPart(ManyLine(text), Completion(ManyLine(text), OneLine(model), TokenUsage(10, 2)))

    async def aclose(self) -> None:
        pass


FACTS = '{"intent": "help", "requested_action": "", "urgency": "low", "deadline": "", "amounts": []}'


class Answering(Scripted):
    """A model that answers by task, and refuses what contains certain words."""

    def __init__(self, draft: str = "We look into it.", *, is_cut: bool = False) -> None:
        super().__init__()
        self.draft = draft
        self.is_cut = is_cut
        self.refused = "nothing that anybody writes"
        self.problems: list[AssistError] = []

    async def answer(self, messages: Sequence[PromptTurn], model: str) -> Completion:
        if self.problems and any(self.refused in message.text for message in messages):
            raise self.problems[0] if len(self.problems) == 1 else self.problems.pop(0)
        task = messages[0].text.split("\n")[0].removeprefix("task: ")
        text = {"classify": "support", "extract": FACTS, "draft": self.draft}.get(task, "A summary.")
        is_cut = self.is_cut and task == "draft"
        return Completion(ManyLine(text), OneLine(model), TokenUsage(10, 2), truncated=is_cut)
