"""The errors of the assistant. Messages are our own and quote nothing from the service's answer: an error body is
untrusted and may repeat mail, and the reader needs to know what to do."""

from __future__ import annotations

from mm_tui.text import OneLine

LONGEST_WAIT = 300.0
"""Seconds. A longer wait requested by the service is cut to this, so that one answer cannot stop the agent for a
day."""


class AssistError(Exception):
    """The base class. `str(error)` is one line for a card or a log.

    Attributes:
        words: what happened and what to do.
        retry_after: seconds that the service asked to wait, at most `LONGEST_WAIT`; None if it did not.
    """

    default_words = "The model could not be asked."

    def __init__(self, words: str | None = None, *, retry_after: float | None = None) -> None:
        self.words = OneLine(words or self.default_words)
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_WAIT)
        super().__init__(str(self.words))


class NoKey(AssistError):
    """No AI21 key is configured."""

    default_words = "No AI21 key: set AI21_API_KEY, or ai21_key in config.toml. Everything else works without one."


class AssistUnauthorized(AssistError):
    """The service does not know the key (401)."""

    default_words = "AI21 does not accept the key. Check AI21_API_KEY, or ai21_key in config.toml."


class AssistForbidden(AssistError):
    """The key may not use the service or model (403)."""

    default_words = "The AI21 key may not use this model. Choose another under [assist], or ask for access."


class AssistBadRequest(AssistError):
    """The service rejects this request (400, 404, 413, 422)."""

    default_words = "AI21 refused the request. Check the model's name under [assist]."


class AssistRateLimited(AssistError):
    """Too many requests (429), or a requested wait longer than a caller should wait."""

    def __init__(self, *, retry_after: float | None = None) -> None:
        wait = "a while" if retry_after is None or retry_after > LONGEST_WAIT else f"{max(1, round(retry_after))} s"
        super().__init__(f"AI21 is busy: asked to wait {wait}.", retry_after=retry_after)


class AssistServerFault(AssistError):
    """The service failed (5xx)."""

    default_words = "AI21 has a problem. Try again later."


class AssistUnreachable(AssistError):
    """There was no connection, or it broke."""

    default_words = "AI21 cannot be reached. Check the network."


class TimedOut(AssistError):
    """The total deadline passed."""

    default_words = "AI21 did not answer in time."


class Garbled(AssistError):
    """An answer that does not follow the documented interface."""

    default_words = "AI21's answer could not be read."


class Empty(Garbled):
    """An answer without text."""

    default_words = "AI21's answer was empty."


class HalfStream(Garbled):
    """A stream that ended without a finish reason."""

    default_words = "AI21's answer broke off. What arrived is not the whole draft."


class OverBudget(AssistError):
    """Today's budget is spent; automatic work has stopped."""

    default_words = "Today's AI21 budget is spent: automatic work has stopped. Ask by hand, or raise daily_budget_usd."
