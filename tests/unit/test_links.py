"""Links: where they really lead, and what is wrong with them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.review.findings import Level
from mm_tui.review.links import find_links, inspect_links, is_ip
from mm_tui.review.lookalike import Known
from mm_tui.text import ManyLine
from tests.support.hostile import VECTORS, naughty_strings

KNOWN = Known(frozenset({"acme.example"}), frozenset({"anna@customer.example"}))


@pytest.mark.parametrize(
    ("text", "shown", "scheme", "host"),
    [
        ("see https://a.test/x?y=1.", "https://a.test/x?y=1", "https", "a.test"),
        ("(https://a.test/A_(b))", "https://a.test/A_(b)", "https", "a.test"),
        ("[a page](https://a.test)", "[a page](https://a.test)", "https", "a.test"),
        ('[a page](<https://a.test> "Title")', '[a page](<https://a.test> "Title")', "https", "a.test"),
        ("![alt](http://a.test/p.png)", "![alt](http://a.test/p.png)", "http", "a.test"),
        ("[ref]: https://a.test", "[ref]: https://a.test", "https", "a.test"),
        ("<https://a.test/x>", "<https://a.test/x>", "https", "a.test"),
        ("<a class=x href='https://a.test'>hi</a>", "<a class=x href='https://a.test'>hi</a>", "https", "a.test"),
        ('<img src="//a.test/x.png">', '<img src="//a.test/x.png">', "https", "a.test"),
        ("www.a.test!", "www.a.test", "https", "www.a.test"),
        ("go to a.test/login now", "a.test/login", "https", "a.test"),
        ("mailto:anna@customer.example", "mailto:anna@customer.example", "mailto", "customer.example"),
        ("javascript:alert(1)", "javascript:alert(1)", "javascript", ""),
        ("HTTPS://A.TEST/", "HTTPS://A.TEST/", "https", "a.test"),
        ("https://a.test:8443/x", "https://a.test:8443/x", "https", "a.test"),
        ("https://user:pass@a.test/", "https://user:pass@a.test/", "https", "a.test"),
        # As browsers read them: a backslash is a slash, percent and full-width signs are decoded.
        ("http://good.test\\@evil.test/x", "http://good.test\\@evil.test/x", "http", "good.test"),
        ("http://evil%2etest/", "http://evil%2etest/", "http", "evil.test"),
        ("https://ｅvil.test/", "https://ｅvil.test/", "https", "evil.test"),
        ("https://xn--mnchen-3ya.test/", "https://xn--mnchen-3ya.test/", "https", "münchen.test"),
        ("https://[::1]:80/x", "https://[::1]:80/x", "https", "::1"),
        ("[x](https:evil.test)", "[x](https:evil.test)", "https", "evil.test"),
        ("[x](///evil.test)", "[x](///evil.test)", "https", "evil.test"),
    ],
)
def test_a_link_is_found_with_its_real_host(text: str, shown: str, scheme: str, host: str) -> None:
    (link,) = find_links(text)
    assert text[slice(*link.span)] == shown
    assert (link.scheme, link.host) == (scheme, host)


@pytest.mark.parametrize(
    "text", ["", "no links, e.g. here and/or there", "version 1.2/3", "mail a@b.example", "C:\\x", "a://"]
)
def test_what_is_no_link_is_left_alone(text: str) -> None:
    assert find_links(text) == ()


@pytest.mark.parametrize(
    ("code", "level", "text"),
    [
        ("link_other_host", Level.HIGH, "[https://acme.example/pay](https://evil.test/pay)"),
        ("link_other_host", Level.HIGH, "[log in at acme.example](https://evil.test)"),
        ("link_other_host", Level.HIGH, "<a href='https://evil.test'>acme.example</a>"),
        ("link_other_host", Level.HIGH, "[anna@customer.example](mailto:eve@evil.test)"),
        ("link_userinfo", Level.HIGH, "https://acme.example@evil.test/"),
        ("link_mixed_scripts", Level.HIGH, "https://раypal.test/"),
        ("link_lookalike", Level.HIGH, "https://acrne.example/"),
        ("link_lookalike", Level.HIGH, "https://acme.example.evil.test/"),
        ("link_lookalike", Level.HIGH, "https://acme-example.test/"),
        ("link_scheme", Level.HIGH, "[x](javascript:alert(1))"),
        ("link_scheme", Level.HIGH, "data:text/html,<b>"),
        ("link_scheme", Level.HIGH, "file:///etc/passwd"),
        ("link_scheme", Level.MEDIUM, "ftp://a.test/x"),
        ("link_punycode", Level.MEDIUM, "https://xn--80ak6aa92e.test/"),
        ("link_ip", Level.MEDIUM, "http://192.0.2.7/x"),
        ("link_ip", Level.MEDIUM, "http://2130706433/"),
        ("link_unclear", Level.MEDIUM, "http://good.test\\@evil.test/x"),
        ("link_unclear", Level.MEDIUM, "http://evil%2etest/"),
    ],
)
def test_what_is_wrong_with_a_link_is_said(code: str, level: Level, text: str) -> None:
    findings = {finding.code: finding for finding in inspect_links(text, KNOWN)}
    assert code in findings
    assert findings[code].level is level
    assert findings[code].spans


@pytest.mark.parametrize(
    "text",
    [
        "https://acme.example/x and http://mail.acme.example",
        "[our page](https://elsewhere.test/x)",
        "[acme.example](https://www.acme.example/x)",
        "[report.pdf](https://files.test/r)",
        "mailto:anna@customer.example, tel:+49301234567",
        "https://münchen.test/ and https://例え.テスト/",
    ],
)
def test_honest_links_raise_nothing(text: str) -> None:
    assert inspect_links(text, KNOWN) == ()


def test_the_same_fault_is_said_once_with_all_places() -> None:
    (finding,) = inspect_links("http://192.0.2.7/a and http://192.0.2.7/b", KNOWN)
    assert len(finding.spans) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2130706433", "0x7f.1", "0x7f000001", "1.2.3", "017700000001"])
def test_every_spelling_of_an_ip_address(host: str) -> None:
    assert is_ip(host)


@pytest.mark.parametrize("host", ["a.test", "1.test", "x1", "", "0x7f.test"])
def test_names_are_no_ip_addresses(host: str) -> None:
    assert not is_ip(host)


@given(st.text(st.sampled_from("[]()<>!\"' :/\\@.#?%ahrefwxn-0ａ。\n"), max_size=60))
def test_any_text_can_be_inspected(raw: str) -> None:
    text = ManyLine(raw)
    end = 0
    for link in find_links(text):
        assert end <= link.span.start < link.span.end <= len(text)
        end = link.span.end
    inspect_links(text, KNOWN)


def test_hostile_and_naughty_texts_can_be_inspected() -> None:
    for raw in (*naughty_strings(), *(vector.text for vector in VECTORS)):
        inspect_links(ManyLine(raw), KNOWN)
        inspect_links(ManyLine(f"[{raw}](https://{raw}/{raw})"), KNOWN)


@pytest.mark.parametrize(
    "unit", ["[a](", "<a href=", "http://", "a.", "[", "x@", "<a href='x'>", "![](", "[a]: ", "www."]
)
def test_finding_links_is_linear(unit: str) -> None:
    start = time.process_time()
    inspect_links(unit * (262_144 // len(unit)), KNOWN)
    assert time.process_time() - start < 5
