"""A long text is searched in pieces, with the same result as at once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.models import Party
from mm_tui.review.lookalike import one_slip_apart
from mm_tui.review.risk import counts, details, sums
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, EarlierEmail, ThreadContext
from mm_tui.review.risk.phrases import pattern
from mm_tui.review.risk.pieces import LONGEST_MATCH, PIECE, Phrases, find_all
from mm_tui.review.risk.rule import Reading
from mm_tui.text import ManyLine

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


@given(st.text("abc ", max_size=60))
def test_several_patterns_find_what_one_of_them_all_finds(text: str) -> None:
    parts = [r"(?<!\w)a(?:b+ a|b)", "c", "b(?= )", "(?:ab|a) b"]
    several, one = Phrases(*map(re.compile, parts)), Phrases(re.compile("|".join(parts)))
    spans = [match.span() for match in one.finditer(text)]
    assert [match.span() for match in several.finditer(text)] == spans
    assert several.sub("-", text) == one.sub("-", text)
    for found, wanted in ((several.search(text), one.search(text)), (several.match(text), one.match(text))):
        assert (found and found.span()) == (wanted and wanted.span())


ODD = Phrases.of(["~kosten", "30 %", "we will*", "a b", "i*t", "(no )?charge"])
WORDS = re.split(" ", "we will refund  you\n30 % off ihre mahnkosten werden erstattet 返金 いたします no charge a bit")


@given(st.lists(st.sampled_from([*WORDS, "xrefund", "we\nwill", "-"])), st.integers(0, 30), st.integers(0, 90))
def test_looking_at_the_beginnings_of_words_finds_what_a_search_finds(words: list[str], begin: int, end: int) -> None:
    text = " ".join(words)
    for phrases in (pattern("money", "commits"), ODD):
        searched = Phrases(*phrases.whole)
        found = [match.span() for match in phrases.finditer(text, begin, end)]
        assert found == [match.span() for match in searched.finditer(text, begin, end)]


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


@pytest.mark.parametrize(
    "unit",
    [
        "{} June and ",
        "{0}:{0} or ",
        "on Monday, ",
        "€{}.50, ",
        "HC-20{}17 or ",
        "{} seats, ",
        "from 1 May on {} ",
        "here is the pdf ",
        "not sure before sending ",
        "we refund you €{1}.17 today. ",
    ],
)
def test_the_work_grows_in_proportion_to_a_long_sentence(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searched = [0]
    find, slip, reckon = Phrases.finditer, one_slip_apart, sums._not_reckoned

    def counted(self: Phrases, text: str, begin: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        searched[0] += min(end, len(text)) - begin
        return find(self, text, begin, end)

    def compared(first: str, second: str) -> bool:
        searched[0] += 1
        return slip(first, second)

    def reckoned(reading: Reading, new: Any, every: list[Any], there: Any) -> list[Any]:
        searched[0] += sum(map(len, map(str, every)))
        return reckon(reading, new, every, there)

    monkeypatch.setattr(sums, "_not_reckoned", reckoned)
    monkeypatch.setattr(Phrases, "finditer", counted)
    monkeypatch.setattr(Phrases, "search", lambda *where: next(counted(*where), None))
    for module in (details, counts, sums):
        monkeypatch.setattr(module, "one_slip_apart", compared)
    us, ann = Party.parse("help@firm.example"), Party.parse("ann@else.example")
    assess(Draft(us, (ann,), body=ManyLine("warm up")), ThreadContext())
    asked = EarlierEmail(ann, (us,), body=ManyLine("On 12 May at 14:30? Order HC-20417, 25 seats, €240, " * 9))
    context = ThreadContext((asked,), own_addresses=frozenset({"help@firm.example"}), today=date(2026, 5, 5))
    work = []
    for times in (200, 400):
        searched[0] = 0
        body = "".join(unit.format(10 + number % 18, number) for number in range(times))
        assess(Draft(us, (ann,), body=ManyLine(body)), context)
        work.append(searched[0])
    assert work[1] < 2.6 * work[0]


def test_brackets_without_end_are_assessed() -> None:
    us = Party.parse("help@firm.example")
    assert assess(Draft(us, (us,), body=ManyLine("[" * 20_000)), ThreadContext()).findings
