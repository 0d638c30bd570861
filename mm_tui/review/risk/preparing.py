"""Builds in advance what the first assessment needs: word patterns, public suffixes, the language model."""

from __future__ import annotations

from datetime import date

from mm_tui.models import Party
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, Message, ThreadContext
from mm_tui.text import ManyLine, OneLine

_QUESTION = """Hello,

can you please refund the 40 EUR of order 10492? The kettle arrived on 3 March with two faults, the invoice was never
attached. Do not call me. Is Tuesday at 10:00 possible, or Friday? Send me the gift cards.

Regards
Ann Example"""

_ANSWER = """Hello Ann,

we will refund the 45 EUR for order 10429 by Monday, 4 March. No, it is not possible on Tuesday; 3 faults are too many.
The invoice is attached, your password is: Kettle-4711. We guarantee that it arrives if you pay into the account below.
As the manual says, see https://shop.example.com/orders, you both get a discount of 10 %. I will not send it.

Kind regards
Example Team"""

_SHORT_QUESTION = "Please take me off your list."
_SHORT_ANSWER = "Hello Ann,\n\nthank you, we have done that.\n\nKind regards\nExample Team"


def prepare() -> None:
    """Assesses two examples, which builds everything that is created on first use. Takes about half a second: call it
    in a thread."""
    ours, theirs = Party.parse("Example <help@shop.example.com>"), Party.parse("Ann Example <ann@customer.example.org>")
    for asked, answer in ((_QUESTION, _ANSWER), (_SHORT_QUESTION, _SHORT_ANSWER)):
        question = Message(theirs, to=(ours,), subject=OneLine("Order 10492"), body=ManyLine(asked))
        draft = Draft(ours, to=(theirs,), subject=OneLine("Re: Order 10492"), body=ManyLine(answer))
        assess(draft, ThreadContext((question,), frozenset({"help@shop.example.com"}), today=date(2026, 3, 2)))
