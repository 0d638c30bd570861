"""What mail is: that no recipient can hide in the way an address is written."""

from __future__ import annotations

import pytest

from mm_tui.addresses import recipients
from mm_tui.models import Party
from mm_tui.text import OneLine


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


@pytest.mark.parametrize(
    "raw",
    [
        "Ann <ann@x.example>",
        '"Harbour, Trust" <p@w.example>',
        "Jürgen Groß <j@w.example>",
        "Anna <anna@exämple.example>",
        "安娜 <anna@例え.example>",
        r'"Ann \"Annie\" Ek \\ Co" <ann@x.example>',
        "ann@x.example",
    ],
)
def test_the_header_form_names_the_same_party_in_every_script(raw: str) -> None:
    party = Party.parse(raw)
    assert party.header == raw
    assert Party.parse(party.header) == party


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('"Doe, Jane" <jane@x.example>, bob@y.example', ('"Doe, Jane" <jane@x.example>', "bob@y.example")),
        ("a@x.example,, b@x.example ,", ("a@x.example", "b@x.example")),
        (r'"A \", B" <a@x.example>, c@x.example', (r'"A \", B" <a@x.example>', "c@x.example")),
        ('"Doe <a@x.example>, b@x.example', ('"Doe <a@x.example>', "b@x.example")),
        ("", ()),
    ],
)
def test_a_comma_in_quotes_parts_no_recipient(line: str, parts: tuple[str, ...]) -> None:
    assert recipients(line) == parts


@pytest.mark.parametrize("blank", ["\u2800", "\u2800 \u2800", "\u115f\u1160", "\u3164", "\u200b"])
def test_an_invisible_name_is_no_name(blank: str) -> None:
    assert Party.parse(f"{blank} <a@x.example>") == Party(address=OneLine("a@x.example"))
    assert Party.parse("⠓⠊⠀⠞⠓⠑⠗⠑ <a@x.example>").name == "⠓⠊⠀⠞⠓⠑⠗⠑", "real braille keeps its spaces"


@pytest.mark.parametrize(
    "raw",
    ["(" * 3000 + "a@b.example", "[" * 3000 + "a@b.example", "(" * 3000],
    ids=["comments", "literals", "no address"],
)
def test_an_endlessly_nested_sender_is_shown_as_it_came(raw: str) -> None:
    assert Party.parse(raw) == Party(address=OneLine(raw))
