"""What the status line says of the sync, and how long it waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from mm_tui.services.backoff import LONGEST_SECONDS, Backoff
from mm_tui.services.events import span

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (0.4, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_spans_are_given_in_their_largest_unit(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


def test_waits_double_with_jitter_up_to_a_limit_and_start_again() -> None:
    backoff = Backoff(Random(1))
    waits = [backoff.failed(5) for _ in range(12)]
    for number, wait in enumerate(waits):
        most = min(LONGEST_SECONDS, 5 * 2**number)
        assert most / 2 <= wait <= most
    assert len(set(waits)) == len(waits)
    backoff.succeeded()
    assert backoff.failed(5) <= 5


def test_a_wait_is_never_shorter_than_the_gateway_asked() -> None:
    backoff = Backoff(Random(1))
    assert backoff.failed(5, retry_after=120) == 120
    assert backoff.failed(5, retry_after=0) > 0
