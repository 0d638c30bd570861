"""What the assistant shows about an email: plain values for the screens, without heavy imports."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from mm_tui.text import ManyLine, OneLine

STAND_IN_MODEL = "local-rules"
"""Model ids with this prefix belong to the sandbox's simple rules, not to Jamba."""


QUEUED = OneLine("The assistant will read this thread soon.")


def badge_of(*models: OneLine) -> OneLine:
    """The ids of models for display, so that the sandbox's rules are never taken for Jamba."""
    is_stand_in = any(model.startswith(STAND_IN_MODEL) for model in models)
    return OneLine(f"{', '.join(models)}{' (local stand-in, not Jamba)' if is_stand_in else ''}")


class CardPhase(StrEnum):
    """What the assistant is doing with an email."""

    WAITING = "waiting"
    """Not asked yet, or queued."""
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"
    NO_KEY = "no_key"
    OVER_BUDGET = "over_budget"


def _named(answer: OneLine) -> OneLine:
    return OneLine("") if answer.lower() in ("unknown", "other", "none") else answer


def begins_alike(first: str, second: str) -> bool:
    """Whether one text is the beginning of the other, ignoring case and punctuation."""
    first, second = (re.sub(r"[\W_]+", " ", text).strip().casefold() for text in (first, second))
    return bool(first) and bool(second) and (second.startswith(first) or first.startswith(second))


class CardState(msgspec.Struct, frozen=True):
    """The assistant's card for one email and its thread. `words` is one line for each phase: why nothing is there, or
    what failed and what to do. Earlier results stay in the other fields while a new run works or fails."""

    phase: CardPhase
    words: OneLine = OneLine("")
    label: OneLine = OneLine("")
    label_by: OneLine = OneLine("")
    """`model` or `human`; empty without a label."""
    summary: ManyLine = ManyLine("")
    intent: OneLine = OneLine("")
    requested_action: OneLine = OneLine("")
    urgency: OneLine = OneLine("")
    """`low`, `normal`, `high` or `unknown`; empty if not asked yet."""
    deadline: OneLine = OneLine("")
    amounts: tuple[OneLine, ...] = ()
    models: tuple[OneLine, ...] = ()
    """Ids of the models that wrote what is shown, as reported by them."""
    cut: bool = False
    """The thread was too long for the model, so the oldest quoted text was left out."""
    can_retry: bool = False

    @property
    def stand_in(self) -> bool:
        """Whether what is shown came from the sandbox's rules: its badge is "local stand-in, not Jamba"."""
        return any(model.startswith(STAND_IN_MODEL) for model in self.models)

    @property
    def has_results(self) -> bool:
        """Whether a model or a human has said anything."""
        return bool(self.label or self.summary or self.intent)

    @property
    def asked(self) -> OneLine:
        """What the sender asks for; empty if the model named nothing."""
        return _named(self.requested_action)

    @property
    def asked_beside_summary(self) -> OneLine:
        """The same, unless the summary begins with it."""
        return OneLine("") if begins_alike(self.asked, self.summary) else self.asked

    @property
    def about(self) -> OneLine:
        """What the sender wants, in a few words; empty if the model named nothing."""
        return _named(self.intent)

    @property
    def is_coming(self) -> bool:
        """Whether results will come without a key being pressed."""
        return self.phase is CardPhase.WORKING or (self.phase is CardPhase.WAITING and self.words == QUEUED)

    @property
    def badge(self) -> OneLine:
        """The model ids for the card's corner; empty before any model has answered."""
        return badge_of(*self.models)

    @property
    def short_badge(self) -> OneLine:
        """The same where there is little room."""
        return OneLine("stand-in, not Jamba") if self.stand_in else self.badge


class DraftText(msgspec.Struct, frozen=True):
    """A streaming draft: always the whole text so far, cleaned as a whole."""

    text: ManyLine
    done: bool
    model: OneLine = OneLine("")
    warnings: tuple[OneLine, ...] = ()
    """With `done`: messages about addresses, links and amounts that the thread does not contain."""
    cut: bool = False


class Spend(msgspec.Struct, frozen=True):
    """What the models cost today (UTC)."""

    usd: float
    prompt_tokens: int
    completion_tokens: int
    budget_usd: float
    model: OneLine = OneLine("")
    """The model that answered last; before the first answer, the stand-in if it is the only model."""
    rests_for: float = 0.0
    """Seconds until automatic work goes on after a failure of a model; 0 while it does not pause."""

    @property
    def over(self) -> bool:
        """Whether automatic work has to stop."""
        return self.usd >= self.budget_usd
