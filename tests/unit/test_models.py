"""What mail is: that no recipient can hide in the way an address is written."""

from __future__ import annotations

import pytest

from mm_tui.models import Party


@pytest.mark.parametrize(
    ("raw", "address", "name"),
    [
        ("ann@x.example", "ann@x.example", ""),
        ("Ann <ann@x.example>", "ann@x.example", "Ann"),
        ('"Harbour, Trust" <p@w.example>', "p@w.example", "Harbour, Trust"),
        ("Procurement, Wexford Harbour Trust <p@w.example>", "p@w.example", "Procurement, Wexford Harbour Trust"),
        ("Legal: Brightwater <legal@b.example>", "legal@b.example", "Legal: Brightwater"),
        ("anna@good.example <evil@bad.example>", "evil@bad.example", "anna@good.example"),
        ("anna@good.example, Foo <evil@bad.example>", "evil@bad.example", "anna@good.example, Foo"),
        ("anna@good.example, evil@bad.example", "anna@good.example, evil@bad.example", ""),
        ("undisclosed", "undisclosed", ""),
        ("", "", ""),
    ],
)
def test_an_address_is_parsed_without_losing_anybody(raw: str, address: str, name: str) -> None:
    party = Party.parse(raw)
    assert (party.address, party.name) == (address, name)


def test_a_long_form_is_parsed_like_a_short_one() -> None:
    name = "N" * 400
    assert Party.parse(f"{name}, x <evil@bad.example>").address == "evil@bad.example"
