"""How text is broken into drawn lines."""

from __future__ import annotations

import pytest

from mm_tui.review.rendered import Rendered
from mm_tui.screens.thread.lines import lay, styled
from mm_tui.widgets.wrapping import quote_before, wrapped


def drawn(text: str, width: int) -> list[str]:
    return [quote_before(text, start, width) + text[start:end] for start, end in wrapped(text, width)]


def test_a_quoted_line_keeps_its_signs_where_it_is_broken() -> None:
    text = "Yes.\n> > Does it turn freely?\n> No.\nplain words > in the line"
    assert drawn(text, 14) == [
        "Yes.",
        "> > Does it",
        "> > turn",
        "> > freely?",
        "> No.",
        "plain words >",
        "in the line",
    ]
    assert all(len(line) <= 14 for line in drawn(text, 14))
    laid = lay(Rendered(text), 14)
    assert ["".join(words for words, _ in styled(laid, at, "row")) for at in range(len(laid.lines))] == drawn(text, 14)


def test_signs_that_would_leave_no_room_are_not_repeated() -> None:
    assert drawn("> > > > > one two", 12) == ["> > > > >", "one two"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("「Nimbus Miniの初期設定」です。", ["「Nimbus Miniの", "初期設定」です。"]),
        ("担当の者が拝読し、お返事。", ["担当の者が拝読", "し、お返事。"]),
        ("我们会尽快回复（最迟明天）", ["我们会尽快回复", "（最迟明天）"]),
        ("漢字漢字漢字漢\u302a。。漢字", ["漢字漢字漢字", "漢\u302a。。漢字"]),
        ("안녕하세요 저희 온실 계획", ["안녕하세요 저희", "온실 계획"]),
    ],
)
def test_text_without_spaces_is_broken_between_its_signs(text: str, lines: list[str]) -> None:
    assert drawn(text, 16) == lines
