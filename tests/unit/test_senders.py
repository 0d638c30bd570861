"""Senders and recipients: names that lie, scripts that mix, addresses that look like others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.models import Party
from mm_tui.review import lookalike
from mm_tui.review.findings import Level
from mm_tui.review.known import Acquaintances, Known
from mm_tui.review.lookalike import mixes_scripts, one_slip_apart, same_site, scripts, skeleton, unicode_host
from mm_tui.review.risk.model import ThreadContext
from mm_tui.review.senders import inspect_party, inspect_sender
from tests.support.hostile import VECTORS, naughty_strings

KNOWN = Known(frozenset({"acme.example"}), Acquaintances.of(["anna@customer.example", "bob@mail.test"]))


def codes(header: str, *, ours: bool = False) -> dict[str, Level]:
    return {finding.code: finding.level for finding in inspect_party(Party.parse(header), KNOWN, ours=ours)}


@pytest.mark.parametrize(
    ("header", "code", "level"),
    [
        ('"anna@customer.example" <eve@evil.test>', "sender_name_lies", Level.HIGH),
        ('"Anna (anna@customer.example)" <eve@evil.test>', "sender_name_lies", Level.HIGH),
        ('"anna＠customer.example" <eve@evil.test>', "sender_name_lies", Level.HIGH),
        ('"acme.example support" <eve@evil.test>', "sender_name_lies", Level.HIGH),
        ("Pаypal <eve@evil.test>", "sender_mixed_scripts", Level.MEDIUM),
        ("eve@pаypal.test", "sender_mixed_scripts", Level.HIGH),
        ("boss@acrne.example", "sender_lookalike", Level.HIGH),
        ("boss@acme.example.evil.test", "sender_lookalike", Level.HIGH),
        ("boss@acme-example.test", "sender_lookalike", Level.HIGH),
        ("boss@аcmе.example", "sender_lookalike", Level.HIGH),
        ("anna@custorner.example", "sender_lookalike", Level.HIGH),
        ("anna@custmer.example", "sender_lookalike", Level.HIGH),
        ("anna@cusotmer.example", "sender_lookalike", Level.HIGH),
        ("аnna@customer.example", "sender_lookalike", Level.HIGH),
        ("b0b@mail.test", "sender_lookalike", Level.HIGH),
        ("carl@customer.example", "sender_first_time", Level.LOW),
    ],
)
def test_what_does_not_fit_is_reported(header: str, code: str, level: Level) -> None:
    assert codes(header).get(code) is level


@pytest.mark.parametrize(
    "header",
    [
        "Anna Berg <anna@customer.example>",
        '"anna@customer.example" <anna@customer.example>',
        "carl@acme.example",
        "Иван Петров <bob@mail.test>",
        "東京タワー Tokyo <bob@mail.test>",
        "Zoë Ångström-Łęcka <bob@mail.test>",
    ],
)
def test_who_is_known_raises_nothing(header: str) -> None:
    assert codes(header) == {}


def test_a_mailbox_without_an_address_is_in_no_name() -> None:
    assert not Known(frozenset({"", "Acme.example"})).own_domains - {"acme.example"}
    assert ThreadContext(own_addresses=frozenset({"", "x", "y@"})).domains == frozenset()


def test_strangers_are_not_taken_for_others() -> None:
    for address in ("eve@elsewhere.test", "x@example.org", "y@acne.test", "z@hotmail.test"):
        assert set(codes(address)) == {"sender_first_time"}


def test_our_own_mailboxes_need_no_introduction() -> None:
    assert codes("new@acme.example", ours=True) == {}


def test_replies_that_go_elsewhere_and_proof_of_identity() -> None:
    anna = Party.parse("anna@customer.example")
    elsewhere, colleague = Party.parse("x@evil.test"), Party.parse("tom@customer.example")
    found = inspect_sender(anna, KNOWN, reply_to=(elsewhere, colleague, anna), verified=False)
    assert [(finding.code, finding.level) for finding in found] == [
        ("sender_unverified", Level.HIGH),
        ("reply_to_differs", Level.MEDIUM),
        ("reply_to_differs", Level.LOW),
    ]
    assert inspect_sender(anna, KNOWN, verified=True) == ()
    assert inspect_sender(anna, KNOWN, verified=None) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal.com", "раураl.com"),
        ("microsoft.com", "rnicrosoft.com"),
        ("google.com", "g00gle.com"),
        ("apple.com", "аррӏе.com"),
        ("PayPaI", "paypal"),
        ("ＡＣＭＥ".lower(), "acme"),
        ("l1I|", "IIll"),
    ],
)
def test_twins_share_a_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(("one", "other"), [("acme", "acne"), ("anna", "hanna"), ("日本", "日木"), ("", "a")])
def test_different_names_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_the_table_for_ascii_agrees_with_the_packages() -> None:
    prototypes = lookalike._prototypes()
    for char in map(chr, range(33, 127)):
        if char.isalnum() or char in "|.-_":
            folded = prototypes.get(char, char).replace("I", "l").lower()
            by_package = "".join(prototypes.get(part, part) for part in folded).lower()
            assert skeleton(char).replace("rn", "m") == by_package.replace("rn", "m").replace("0", "o"), char


@given(st.text(max_size=20))
def test_skeletons_and_scripts_of_anything(text: str) -> None:
    assert skeleton(skeleton(text)) == skeleton(text) or not text.isascii()
    mixes_scripts(text)
    assert "COMMON" not in scripts(text)


def test_hosts() -> None:
    assert unicode_host("xn--mnchen-3ya.example") == "münchen.example"
    assert unicode_host("xn--\U0001f600.xn--99999999999.a") == "xn--\U0001f600.xn--99999999999.a"
    assert same_site("a.test", "www.a.test")
    assert same_site("www.a.test", "a.test")
    assert not same_site("ba.test", "a.test")


SLIPS = [("abc", "abd"), ("abc", "ab"), ("abc", "xabc"), ("abc", "acb"), ("", "a")]
NO_SLIPS = [("abc", "abc"), ("abc", "cba"), ("abcd", "ab"), ("abc", "axd")]


@pytest.mark.parametrize(
    ("one", "other", "apart"), [*((*pair, True) for pair in SLIPS), *((*pair, False) for pair in NO_SLIPS)]
)
def test_one_slip(one: str, other: str, apart: bool) -> None:
    assert one_slip_apart(one, other) is apart
    assert one_slip_apart(other, one) is apart


def test_hostile_and_naughty_names_can_be_inspected() -> None:
    for raw in (*naughty_strings(), *(vector.text for vector in VECTORS)):
        for header in (raw, f'"{raw}" <eve@evil.test>', f"{raw}@evil.test", f"eve@{raw}.test"):
            inspect_sender(Party.parse(header), KNOWN)
