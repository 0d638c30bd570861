"""What the tasks ask of a model, whoever serves it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from mm_tui.text import ManyLine, OneLine


class Message(NamedTuple):
    """One turn of a conversation. Sent as it stands, never shown."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the service counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True)
class Completion:
    """A whole answer."""

    text: ManyLine
    model: OneLine
    """The id that the service gave; the one asked for where it gave none."""
    usage: Usage
    truncated: bool = False
    """The answer ran into its token limit."""


@dataclass(frozen=True)
class Part:
    """A stream's state: the whole text so far, cleaned as a whole. The last one has `whole` set."""

    text: ManyLine
    whole: Completion | None = None


class Model(Protocol):
    """A chat model. Both calls raise AssistError and nothing else of their own."""

    async def complete(
        self,
        messages: Sequence[Message],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        json: bool = False,
        deadline: float = 30.0,
    ) -> Completion:
        """Asks once and waits for the whole answer. `deadline` in seconds, all in."""

    def stream(
        self,
        messages: Sequence[Message],
        model: str,
        *,
        max_tokens: int,
        temperature: float = 0.0,
        deadline: float = 120.0,
    ) -> AsyncGenerator[Part, None]:
        """Asks once and gives the answer as it comes. Closing the generator closes the connection."""

    async def aclose(self) -> None:
        """Lets all connections go."""
