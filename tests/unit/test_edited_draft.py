"""Whether an edit changes who gets the mail, however the address is written."""

from __future__ import annotations

import pytest

from mm_tui.addresses import recipients
from mm_tui.models import EditedDraft, Party, RawContent
from mm_tui.review.draft import changes_recipients, fingerprint
from mm_tui.text import OneLine


@pytest.mark.parametrize(
    "raw",
    [
        "anna@x.example",
        "Anna <anna@x.example>",
        "Procurement, Harbour Trust <anna@x.example>",
        '"Procurement, Harbour Trust" <ANNA@x.example>',
        '"a \\"b\\"" <anna@x.example>',
    ],
)
def test_an_untouched_recipient_is_no_other_one(raw: str) -> None:
    original = RawContent(sender="us@x.example", to=(raw,))
    shown = recipients(OneLine(", ".join([Party.parse(raw).header])))
    assert not changes_recipients(original, EditedDraft(tuple(map(str, shown)), "", ""))
    assert fingerprint(original) == fingerprint(original.replaced(to=("anna@x.example",)))


@pytest.mark.parametrize(
    ("raw", "other"),
    [
        ("Procurement, Harbour Trust <anna@x.example>", ("ben@x.example",)),
        ("Procurement, Harbour Trust <anna@x.example>", ("anna@x.example", "ben@x.example")),
        ("anna@x.example, ben@x.example", ("anna@x.example",)),
        ("ben@x.example <anna@x.example>", ("ben@x.example",)),
        ("Anna <anna@x.example>, Ben <ben@x.example>", ("anna@x.example",)),
    ],
)
def test_another_recipient_is_always_flagged(raw: str, other: tuple[str, ...]) -> None:
    original = RawContent(sender="us@x.example", to=(raw,))
    assert changes_recipients(original, EditedDraft(other, "", ""))
    assert fingerprint(original) != fingerprint(original.replaced(to=other))
