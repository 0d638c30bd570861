"""Finds prices of the thread that the draft gives for another period: "£285 per day" for "£285 per week"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.facts import Amount, find_amounts
from mm_tui.review.risk.rule import Reading, quoted
from mm_tui.text import OneLine

_PERIODS = {
    "hour": r"hours?|hrs?|stunden?|heures?|horas?|ora|uur|godzin\w+|時間|小时",
    # A day of a hotel is a night.
    "day": r"days?|nights?|tage?s?|nacht|jours?|nuit|d[ií]as?|noche|noite|giorno|notte|dag|dzień|dobę|noc|日|泊|天|晚",
    "week": r"weeks?|wochen?|semaines?|semanas?|settimana|tydzień|週|周",
    "month": r"months?|monate?s?|mois|mes|mês|mese|maand|miesiąc|月",
    "year": r"years?|jahre?s?|an|année|año|ano|anno|jaar|rok|年",
}
_PER = re.compile(
    r"(?:\s?/\s?|\s(?:per|an?|each|every|pro|je|im|par|por|al|alla|o|ao|na|za|op)\s(?:l[ae] )?)(?:"
    + "|".join(f"(?P<{period}>{names})" for period, names in _PERIODS.items())
    + r")(?!\w)",
    re.IGNORECASE,
)
_LONGEST_AMOUNT = 20


def _prices(text: str) -> Iterator[tuple[Amount, str, Span]]:
    """The amounts of a text that are for an hour, a day and so on, with the period and the place of both."""
    for match in _PER.finditer(text):
        first = max(0, match.start() - _LONGEST_AMOUNT)
        amounts = find_amounts(text[first : match.start()])
        if amounts and first + amounts[-1].span.end == match.start():
            yield amounts[-1], str(match.lastgroup), Span(first + amounts[-1].span.start, match.end())


def other_periods(reading: Reading) -> Iterator[Finding]:
    """Prices of the thread, but for another period."""
    here = list(_prices(reading.body))
    there: dict[tuple[str, Decimal], dict[str, str]] = {}
    if here:
        for amount, period, span in _prices(reading.thread_text):
            there.setdefault((amount.currency, amount.value), {})[period] = reading.thread_text[slice(*span)]
    for amount, period, span in here:
        periods = there.get((amount.currency, amount.value), {})
        if periods and period not in periods and amount.currency != "%":
            says = quoted(next(iter(periods.values())))
            words = f"says {quoted(reading.body[slice(*span)])}, while the thread says {says}"
            yield Finding("amount_not_in_thread", Level.MEDIUM, OneLine(words), (span,))
