"""What the assistant has to say about an email, as the screens draw it. Plain values; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mm_tui.text import ManyLine, OneLine

STAND_IN_MODEL = "local-rules"
"""Model ids that begin so are the sandbox's plain rules, not Jamba."""


class Phase(StrEnum):
    """Where the assistant stands with an email."""

    WAITING = "waiting"
    """Nothing asked yet, or queued."""
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    NO_KEY = "no_key"
    OVER_BUDGET = "over_budget"


@dataclass(frozen=True)
class CardState:
    """The assist card of one email and its thread.

    `words` is one quiet line for every phase: why nothing is there, what failed and what to do. What was found
    earlier stays in the other fields while a new run works or fails.
    """

    phase: Phase
    words: OneLine = OneLine("")
    label: OneLine = OneLine("")
    label_by: OneLine = OneLine("")
    """`model` or `human`; empty without a label."""
    summary: ManyLine = ManyLine("")
    intent: OneLine = OneLine("")
    requested_action: OneLine = OneLine("")
    urgency: OneLine = OneLine("")
    """`low`, `normal`, `high` or `unknown`; empty when not asked yet."""
    deadline: OneLine = OneLine("")
    amounts: tuple[OneLine, ...] = ()
    models: tuple[OneLine, ...] = ()
    """Ids of the models that wrote what is shown, as they gave them."""
    cut: bool = False
    """The thread was longer than the model may be given; the oldest quoted text was left out."""
    can_retry: bool = False

    @property
    def stand_in(self) -> bool:
        """True when what is shown came from the sandbox's local rules: to be badged "local stand-in, not Jamba"."""
        return any(model.startswith(STAND_IN_MODEL) for model in self.models)

    @property
    def badge(self) -> OneLine:
        """The model ids for the card's corner; empty when no model has spoken."""
        names = ", ".join(self.models)
        return OneLine(f"{names} (local stand-in, not Jamba)" if self.stand_in else names)


@dataclass(frozen=True)
class DraftText:
    """A draft while it streams: always the whole text so far, cleaned as a whole."""

    text: ManyLine
    done: bool
    model: OneLine = OneLine("")
    warnings: tuple[OneLine, ...] = ()
    """With `done`: addresses, links and amounts in the draft that the thread does not contain, in words."""
    cut: bool = False


@dataclass(frozen=True)
class Spend:
    """What the models cost today (UTC)."""

    usd: float
    prompt_tokens: int
    completion_tokens: int
    budget_usd: float
    model: OneLine = OneLine("")
    """The model that answered last; before that the stand-in where no other can answer."""

    @property
    def over(self) -> bool:
        """True when automatic work has to stop."""
        return self.usd >= self.budget_usd
