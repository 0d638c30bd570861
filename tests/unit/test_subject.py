"""Reply and forward marks before a subject."""

from __future__ import annotations

import pytest

from mm_tui.models import EditedDraft, RawContent
from mm_tui.review.draft import changes_subject
from mm_tui.review.subject import same_subject, topic, unmarked

REPLIES = [
    "Re: ",
    "AW:",
    "Antw: ",
    "SV: ",
    "VS: ",
    "Odp: ",
    "RV: ",
    "RES: ",
    "Rif: ",
    "YNT: ",
    "回复：",
    "回覆: ",
    "Отв: ",
    "Re[2]: ",
    "RE (3): ",
    " re : Aw: ",
]


@pytest.mark.parametrize("mark", REPLIES)
def test_a_reply_mark_is_no_part_of_the_subject(mark: str) -> None:
    assert topic(f"{mark}Your order") == "Your order"
    assert unmarked(f"{mark}Your order") == "Your order"
    assert same_subject(f"{mark}your order", "Your Order")


@pytest.mark.parametrize("mark", ["Fwd: ", "FW: ", "WG: ", "TR: ", "VL: ", "ENC: ", "转发: ", "Re: Fwd: "])
def test_a_forward_mark_begins_another_topic(mark: str) -> None:
    assert topic(f"{mark}Your order") != "Your order"
    assert unmarked(f"{mark}Your order") == "Your order"


@pytest.mark.parametrize(
    "subject", ["Regarding: your order", "More: your order", "Ref: 123", "Reading lamp", "10:30 call"]
)
def test_words_that_only_look_like_marks_stay(subject: str) -> None:
    assert topic(subject) == unmarked(subject) == subject


@pytest.mark.parametrize("before", REPLIES)
@pytest.mark.parametrize("after", ["", "Re: ", "回复: "])
def test_an_edited_mark_keeps_the_thread(before: str, after: str) -> None:
    draft = RawContent(sender="c@d.example", to=("a@b.example",), subject=f"{before}Your order", body="Hello")
    assert not changes_subject(draft, EditedDraft(("a@b.example",), f"{after}Your order", "Hello"))
    assert changes_subject(draft, EditedDraft(("a@b.example",), f"{after}Your other order", "Hello"))
