"""Differences as they are read: by signs, so that neither colour nor a struck-out line is needed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mm_tui.models import EditedDraft, RawContent
from mm_tui.review.risk.model import Assessment
from mm_tui.screens.pending.diff_pages import difference, sides
from mm_tui.screens.pending.words import about_line
from mm_tui.services.decisions.view import Shown
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import OneLine
from tests.support.pictured_queue import ITEMS, REFUND, digest
from tests.support.seat import NOW


def edited(body: str, to: tuple[str, ...] = ("anna@customer.example",)) -> QueueEntry:
    item = ITEMS["d-refund"]
    draft = EditedDraft(to, str(item.subject), body)
    edit = SavedEdit(item.id, item.mailbox_id, digest(item.id), item.raw, draft, NOW)
    return QueueEntry(item, digest(item.id), Assessment((), ()), edit)


def test_a_long_subject_leaves_the_question_about_it_in_view() -> None:
    entry = edited(REFUND, ("anna@" + "long." * 500 + "example",))
    item = entry.item.replaced(subject=OneLine("Refund " * 1000))
    line = about_line(replace(entry, item=item, edit=None))
    assert line.startswith("to anna@customer.example · ") and len(line) < 200
    line = about_line(entry)
    assert line.startswith("to …") and "long.example · " in line and len(line) < 200


def test_what_was_removed_and_added_is_signed() -> None:
    text = difference(edited(REFUND.replace("full refund", "partial refund")), None)[0].text
    assert "receive a [-full-]{+partial+} refund" in text


def test_other_recipients_are_signed() -> None:
    text = difference(edited(REFUND, ("ben@customer.example",)), None)[0].text
    assert "to: [-anna@customer.example-] {+ben@customer.example+}" in text


def test_each_side_signs_its_own() -> None:
    old, new = (page.text for page in sides(edited(REFUND.replace("full refund", "partial refund"))))
    assert "[-full-]" in old and "{+" not in old
    assert "{+partial+}" in new and "[-" not in new


def test_blanks_stay_outside_the_signs() -> None:
    text = difference(edited(REFUND + "\n\nP.S. See you."), None)[0].text
    assert "\n\n{+P.S. See you.+}" in text


@pytest.mark.parametrize(
    "written", ["Anna <anna@customer.example>", '"Anna" <anna@customer.example>', "Anna@Customer.example"]
)
def test_another_form_of_an_address_is_no_other_recipient(written: str) -> None:
    text = difference(edited(REFUND, (written,)), None)[0].text
    assert "{+" not in text and "to:" not in text and "only the way an address is written differs" in text


def test_recipients_differ_in_one_form() -> None:
    old = Shown.of(RawContent(sender="us@acme.example", to=('"Ann B." <a@x.example>', "b@x.example")))
    new = Shown.of(RawContent(sender="us@acme.example", to=("B <b@x.example>, c@x.example", "Ann C. <a@x.example>")))
    assert list(old.changed_fields(new)) == [
        ("to", "a@x.example (Ann B.), b@x.example", "b@x.example, c@x.example, a@x.example (Ann C.)")
    ]


def test_a_changed_sender_is_signed() -> None:
    old, new = (Shown.of(RawContent(sender=sender)) for sender in ("us@acme.example", "we@acme.example"))
    assert list(old.changed_fields(new)) == [("from", "us@acme.example", "we@acme.example")]
