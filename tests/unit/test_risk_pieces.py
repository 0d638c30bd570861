"""A long text is searched in pieces, with the same result as at once."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mm_tui.review.risk.phrases import pattern
from mm_tui.review.risk.pieces import LONGEST_MATCH, PIECE, Phrases, find_all

SOUGHT = re.compile(r"(?<!\w)a[ab ]*b(?!\w)|\bwe (?:will )?refund\b")


@given(
    st.lists(st.tuples(st.integers(0, 3 * PIECE), st.sampled_from(["we will refund", "we refund", "a b", "aab ab b"]))),
    st.integers(0, 3 * PIECE),
    st.integers(0, 3 * PIECE),
)
def test_pieces_find_what_one_search_finds(said: list[tuple[int, str]], begin: int, end: int) -> None:
    letters = list("x . " * PIECE)[: 3 * PIECE]
    for at, words in (*said, (PIECE - 5, "we will refund"), (2 * PIECE - 1, "a b")):
        letters[at : at + len(words)] = words
    text = "".join(letters)
    found = [match.span() for match in find_all(SOUGHT, text, begin, end)]
    assert found == [match.span() for match in SOUGHT.finditer(text, begin, end)]


def test_a_match_may_begin_at_the_end_of_a_piece_and_reach_into_the_next() -> None:
    text = "x" * (PIECE - 1) + " " + "a" * (LONGEST_MATCH - 1) + "b" + " x" * PIECE
    assert [match.start() for match in Phrases(SOUGHT).finditer(text)] == [PIECE]


def test_phrases_are_found_anywhere_in_a_huge_text() -> None:
    text = "nothing of interest here. " * 10_000
    for at in (0, PIECE - 7, 2 * PIECE + 3, len(text)):
        said = f"{text[:at]} you get a refund. {text[at:]}"
        match = pattern("money").search(said)
        assert match is not None
        assert "refund" in match[0]
