"""How addresses, statuses and badges are cut in lists."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from mm_tui.widgets.cells import at_most, fit_address, fit_cells, fit_list, fit_words


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("→ anna@customer.example", 23, "→ anna@customer.example"),
        ("→ anna.keller@customer.example +2", 28, "→ anna.…@customer.example +2"),
        ("a.very.long.name@mail.enterprise.example", 22, "…il.enterprise.example"),
        ("(not disclosed)", 8, "(not di…"),
    ],
)
def test_of_an_address_the_domain_is_cut_last(text: str, width: int, cut: str) -> None:
    assert fit_address(text, width) == cut
    assert cell_len(cut) == width


def test_an_address_of_any_length_is_cut_at_once() -> None:
    # As fast as this ends: looked at character by character it takes minutes.
    assert fit_address(f"→ anna@{'例' * 100_000}.example", 21) == "…例例例例例例.example"
    assert fit_address(f"→ anna@{'x' * 500_000}", 4) == "…xxx"


@pytest.mark.parametrize("width", [-9, -1, 0, 1, 2])
def test_a_column_without_room_stays_within_it(width: int) -> None:
    room = max(0, width)
    for fit in (fit_cells, fit_address, fit_words):
        for text in ("→ anna@customer.example", "→ 例@例.example", "@", ""):
            assert cell_len(fit(text, width)) == room
    assert cell_len(fit_list(["edited", "note"], width)) <= room


def test_a_name_is_cut_by_its_cells_and_loses_what_no_terminal_counts_alike() -> None:
    assert [at_most(name, 8) for name in ("robin", "a.very.long.name", "漢字漢字漢字", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧")] == [
        "robin", "a.very.…", "漢字漢 …", "👩👩👩"
    ]  # fmt: skip


def test_a_status_ends_after_a_word() -> None:
    assert fit_words("changed since you looked: nothing was decided", 30) == "changed since you looked…     "
    assert fit_words("rejected", 10) == "rejected  "
    assert fit_words("料金についてのお問い合わせ", 9).rstrip() == "料金につ…"


def test_badges_are_dropped_whole() -> None:
    badges = ["edited", "2nd approval", "two answers"]
    assert fit_list(badges, 40) == "edited · 2nd approval · two answers"
    assert fit_list(badges, 25) == "edited · 2nd approval · …"
    assert fit_list(badges, 12) == "edited · …"
    assert fit_list(badges, 4) == "edi…"
    assert fit_list([], 4) == ""
