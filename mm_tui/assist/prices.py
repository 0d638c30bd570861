"""What a call costs, in US dollars."""

from __future__ import annotations

from mm_tui.assist.model import Usage

PRICES: dict[str, tuple[float, float]] = {
    "jamba-mini": (0.20, 0.40),
    "jamba-1.5-mini": (0.20, 0.40),
    "jamba-large": (2.00, 8.00),
    "jamba-1.5-large": (2.00, 8.00),
    "local-rules": (0.0, 0.0),
}
"""Dollars per million input and output tokens, by prefix of the model id. From AI21's list of September 2026."""
UNKNOWN_PRICE = PRICES["jamba-large"]
"""A model without a listed price costs as much as the most expensive one, so that a budget cannot be exceeded
unnoticed."""


def cost(model: str, usage: Usage) -> float:
    """The cost in dollars of `usage` of `model`."""
    found = max((name for name in PRICES if model.startswith(name)), key=len, default=None)
    price_in, price_out = PRICES[found] if found else UNKNOWN_PRICE
    return (usage.prompt_tokens * price_in + usage.completion_tokens * price_out) / 1e6
