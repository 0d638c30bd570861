"""Differences between texts: nothing is lost, the words that changed are the ones marked, the time is bounded."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from mm_tui.review.diff import Kind, Segment, compare

# Few words and many repetitions, so that the same ones meet in different places.
TEXTS = st.lists(st.sampled_from(["a", "b", "c ", " ", "\n", "日", "本", "é́", "x1", "\t", "$"]), max_size=16).map(
    "".join
)
BUDGETS = st.sampled_from([0, 5, 50, 1_000_000])


def texts_of(segments: tuple[Segment, ...], *kinds: Kind) -> str:
    return "".join(segment.text for segment in segments if segment.kind in kinds)


@given(TEXTS, TEXTS, BUDGETS)
def test_both_texts_can_be_read_off(before: str, after: str, budget: int) -> None:
    diff = compare(before, after, budget=budget)
    assert texts_of(diff.segments, Kind.SAME, Kind.REMOVED) == before
    assert texts_of(diff.segments, Kind.SAME, Kind.ADDED) == after
    assert diff.changed == (before != after)


def test_the_words_that_changed_are_marked() -> None:
    diff = compare("Hi Anna,\nyou get $240 back.\nSam", "Hi Anna,\nyou get $24 back soon.\nSam")
    assert [segment for segment in diff.segments if segment.kind is not Kind.SAME] == [
        (Kind.REMOVED, "240"),
        (Kind.ADDED, "24"),
        (Kind.ADDED, " soon"),
    ]
    assert diff.words == "1 word removed, 2 added"
    assert (diff.words_before, diff.words_after, diff.words_kept) == (7, 8, 6)
    assert diff.exact


def test_a_phrase_that_changed_is_one_stretch_not_crumbs() -> None:
    diff = compare("we will send it today", "we will look into it again soon")
    removed = [segment.text for segment in diff.segments if segment.kind is Kind.REMOVED]
    assert removed == ["send ", "today"]
    whole = compare("one two three", "four five six")
    assert [segment.kind for segment in whole.segments] == [Kind.REMOVED, Kind.ADDED]


def test_sizes_in_words() -> None:
    assert compare("a b", "a b").words == "no change"
    assert compare("a b", "a  b").words == "only spaces or punctuation changed"


def test_the_largest_bodies_take_a_bounded_time() -> None:
    size = 262_144
    pairs = [
        (("a " * size)[:size], ("a " * size)[: size - 999] + "b"),
        (("a b\n" * size)[:size], ("c d\n" * size)[:size]),
        (("a b " * size)[:size], ("c d " * size)[:size]),
    ]
    for before, after in pairs:
        start = time.process_time()
        diff = compare(before, after)
        # About half a second on an idle machine; without a budget it would be hours.
        assert time.process_time() - start < 15
        assert texts_of(diff.segments, Kind.SAME, Kind.REMOVED) == before
    assert not diff.exact
    assert diff.words.endswith("whole lines are marked")
