"""The interface of a model, whichever service provides it, and what its calls cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from mm_tui.text import ManyLine, OneLine

PRICES: dict[str, tuple[float, float]] = {
    "jamba-mini": (0.20, 0.40),
    "jamba-1.5-mini": (0.20, 0.40),
    "jamba-large": (2.00, 8.00),
    "jamba-1.5-large": (2.00, 8.00),
    "local-rules": (0.0, 0.0),
}
"""Dollars per million input and output tokens, by prefix of the model id. From AI21's list of September 2026."""
MOST_TOKENS = 10_000_000
"""The most tokens that a call is taken to have used, whatever the service reports."""
UNKNOWN_PRICE = PRICES["jamba-large"]
"""A model without a listed price costs as much as the most expensive one, so that a budget cannot be exceeded
unnoticed."""


class PromptTurn(NamedTuple):
    """One turn of a conversation. It is sent unchanged and never shown."""

    role: Literal["system", "user", "assistant"]
    text: str


class TokenUsage(msgspec.Struct, frozen=True):
    """The tokens of one call, as counted by the service."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @classmethod
    def reported(cls, prompt_tokens: int, completion_tokens: int) -> TokenUsage:
        """What a service reports, within limits: less than nothing would lift the budget."""
        return cls(*(min(max(count, 0), MOST_TOKENS) for count in (prompt_tokens, completion_tokens)))

    def __add__(self, other: TokenUsage) -> TokenUsage:
        return TokenUsage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


class Completion(msgspec.Struct, frozen=True):
    """A model's complete answer, with the tokens it took."""

    text: ManyLine
    model: OneLine
    """The id reported by the service, or the requested one if it reports none."""
    usage: TokenUsage
    truncated: bool = False
    """The answer was cut off by its token limit."""


class StreamPart(msgspec.Struct, frozen=True):
    """The state of a stream: the whole text so far, cleaned as a whole. The last one has `whole` set."""

    text: ManyLine
    whole: Completion | None = None


class ChatModel(Protocol):
    """A chat model. Both calls raise only AssistError."""

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
        """Asks once and waits for the whole answer. `deadline` is in seconds, in total."""

    def stream(
        self,
        messages: Sequence[PromptTurn],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        deadline: float = 120.0,
    ) -> AsyncGenerator[StreamPart, None]:
        """Asks once and streams the answer. Closing the generator closes the connection."""

    async def aclose(self) -> None:
        """Closes all connections."""


def cost(model: str, usage: TokenUsage) -> float:
    """The cost in dollars of `usage` of `model`."""
    found = max((name for name in PRICES if model.startswith(name)), key=len, default=None)
    price_in, price_out = PRICES[found] if found else UNKNOWN_PRICE
    return (usage.prompt_tokens * price_in + usage.completion_tokens * price_out) / 1e6
