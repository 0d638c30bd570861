"""Links: where they really lead, and what is wrong with them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.review import links
from mm_tui.review.findings import Level
from mm_tui.review.known import Acquaintances, Known
from mm_tui.review.links import find_links, inspect_links, is_ip
from mm_tui.text import ManyLine
from tests.support.hostile import VECTORS, naughty_strings

KNOWN = Known(frozenset({"acme.example"}), Acquaintances.of(["anna@customer.example"]))


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
def test_what_is_wrong_with_a_link_is_shown(code: str, level: Level, text: str) -> None:
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


def test_the_same_fault_is_reported_once_with_all_places() -> None:
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


# What a link is glued to. Nothing may hide it, and nothing of the text around may be taken for its host.

LETTERS = "aZ0éßñłøжЯщΩλאםعربहिन्दీकไทยဗမාកខ漢字かなカナ한글ꦗ𝒜"
SIGNS = "_*~|`'\"^=+&%$#!?;:,.-/\\·•–—→✓🙂"
FULL_WIDTH = "。、，．！？：；・…“”‘’«»„‹›"
OPENING, CLOSING = "([{<（［｛「『【〈《〔“‘«", ")]}>）］｝」』】〉》〕”’»"
EVERYTHING = LETTERS + SIGNS + FULL_WIDTH + OPENING + CLOSING + " \n\t\u3000\xa0"
UNSPACED = "漢字かなカナ한글ไทยဗមក"


@pytest.mark.parametrize("link", ["https://evil.test/pay", "HTTP://evil.test/pay", "https://evil.test:8443/a?b=c"])
@pytest.mark.parametrize("right", ["", " ", "\n", *FULL_WIDTH, *CLOSING, *UNSPACED, *"_*~|`'\"!?;:,."])
def test_a_link_is_seen_whatever_stands_around_it(link: str, right: str) -> None:
    for left in EVERYTHING:
        for text in (f"{left}{link}{right}", f"x{left}{link}{right}y z", f"漢{left}{link}{right}字。"):
            assert [found.host for found in find_links(text)] == ["evil.test"], text


@pytest.mark.parametrize("link", ["https://evil.test", "https://www.evil.test", "https://evil.co.test:80"])
@pytest.mark.parametrize("right", ["", " ", "\n", *FULL_WIDTH, *CLOSING, *UNSPACED, *"_*~|`'\"!?;,/#"])
def test_the_host_ends_where_the_text_goes_on(link: str, right: str) -> None:
    for left in EVERYTHING:
        for text in (f"{left}{link}{right}", f"漢{left}{link}{right}字", f"{left}{link}{right}字。漢"):
            (found,) = find_links(text)
            assert found.host == link.removeprefix("https://").partition(":")[0], text


@pytest.mark.parametrize("link", ["www.evil.test", "www.evil.test/pay", "mailto:eve@evil.test", "evil.test/pay"])
@pytest.mark.parametrize("right", ["", " ", "\n", *FULL_WIDTH, *CLOSING, *UNSPACED, *"_*~|`'\"!?;,"])
def test_a_link_without_a_scheme_is_seen_too(link: str, right: str) -> None:
    for left in UNSPACED + FULL_WIDTH + OPENING + CLOSING + "_*~|`'\"!?;,=→🙂 \n\u3000":
        (found,) = find_links(f"漢{left}{link}{right}字")
        assert str(found.host).removeprefix("www.") == "evil.test", (left, link, right)


@pytest.mark.parametrize(("opening", "closing"), list(zip(OPENING, CLOSING, strict=True)))
@pytest.mark.parametrize("link", ["https://acme.example", "www.acme.example", "mailto:anna@customer.example"])
def test_no_bracket_makes_a_red_alarm_of_an_honest_link(opening: str, closing: str, link: str) -> None:
    for text in (f"{opening}{link}{closing}", f"字{opening}{link}{closing}字", f"see {opening}{link}{closing}. And"):
        assert [finding for finding in inspect_links(text, KNOWN) if finding.level >= Level.MEDIUM] == [], text


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("[![alt](https://img.test/a.png)](https://evil.test)", ["img.test", "evil.test"]),
        ("[ ![alt](https://img.test/a.png) go ](<https://evil.test/x y>)", ["img.test", "evil.test"]),
        ("[a [b] c](https://evil.test)", ["evil.test"]),
        ("[a [b](https://b.test) c](https://c.test)", ["b.test", "c.test"]),
        ("[x](https://evil.test/a_(b_(c)))", ["evil.test"]),
        ("[two\nlines](https://evil.test)", ["evil.test"]),
        ("[[https://evil.test]]", ["evil.test"]),
        ("https://a.testとhttps://b.testを", ["a.test", "b.test"]),
        ("https://a.test/xをhttps://b.test/y", ["a.test", "b.test"]),
        ("seehttps://a.test", ["a.test"]),
        ("<a href='https://evil.test'><img src='https://img.test/a.png'></a>", ["evil.test", "img.test"]),
        # What a browser could be led to is never cut off.
        ("https://good.test。evil.test/x", ["good.test.evil.test"]),
        ("https://good.test「.evil.test/x", ["good.test「.evil.test"]),
        ("https://good.test,evil.test/x", ["good.test,evil.test"]),
        ("https://good.testを@evil.test/x", ["evil.test"]),
        ("https://good.testを.evil.test/x", ["good.testを.evil.test"]),
        ("詳細はhttps://shop.testまたはmail@shop.testまで", ["shop.test"]),
        ("https://例え.テスト/と", ["例え.テスト"]),
        ("https://例え.中国", ["例え.中国"]),
    ],
)
def test_links_within_links_and_texts(text: str, hosts: list[str]) -> None:
    assert [link.host for link in find_links(text)] == hosts


@pytest.mark.parametrize(
    "text",
    [
        "From: Anna [mailto:Anna@customer.example]",
        "From: Anna<mailto:anna@customer.example>",
        "Anna <anna@customer.example<mailto:anna@customer.example>>",
        "[www.acme.example]",
        "詳細はhttps://acme.example/aをご覧ください。请打开https://acme.example。谢谢",
        "「https://acme.example」と（https://acme.example/c）",
        "[支払いはacme.exampleへ](https://acme.example/pay)",
        "[![acme.example](https://acme.example/logo.png)](https://www.acme.example)",
    ],
)
def test_everyday_forms_of_honest_links_raise_nothing(text: str) -> None:
    assert inspect_links(text, KNOWN) == ()


@pytest.mark.parametrize(
    "unit", ["https://a.bを", "www.a.bを", "[![](", "[a](b)](c)", "https://a「", "a.b/", "「", "を"]
)
def test_finding_glued_links_is_linear(unit: str) -> None:
    start = time.process_time()
    inspect_links(unit * (262_144 // len(unit)), KNOWN)
    assert time.process_time() - start < 30  # quadratic behaviour would take many minutes


_PIECES = (
    "http ftp ws wss : // / \\ www. WWW. javascript: data: vbscript: file: mailto: tel: sms: ſms: maılto: fıle: a "
    "b.c é 見 。 . - _ @ + example.com a.b.c < > ( ) ? # 0 ² İ K ſ git+ssh s3 :// ab/ ab.cd/ wwww. w 's"
)


@given(st.lists(st.sampled_from([*_PIECES.split(), " ", "\n", "b." * 5, "d" * 70 + ".com/"]), max_size=14))
def test_an_address_is_looked_for_wherever_one_can_begin(pieces: list[str]) -> None:
    text = "".join(pieces)
    begins = links._begins(text)
    assert begins == sorted(begins)
    for at in range(len(text)):
        assert at in begins or links._BARE.match(text, at) is None, text[at:]


def test_the_same_host_is_compared_with_those_we_know_once() -> None:
    known = Known(frozenset({"acme.example"}), Acquaintances.of(f"a@customer{number}.example" for number in range(300)))
    found = inspect_links("see https://acme-example.test/x\n" * 5_000, known)
    assert [(one.code, len(one.spans)) for one in found] == [("link_lookalike", 5_000)]
