"""Names that look like other names: skeletons, mixed scripts, hosts one slip away from known ones.

Skeletons and scripts follow Unicode Technical Standard 39. The tables of confusable characters and of scripts come from
the package `confusable_homoglyphs`; they are read on the first name that is not plain ASCII. The Public Suffix List of
the package `publicsuffixlist` says where a registered name ends.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache, lru_cache
from pkgutil import get_data
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# The ASCII part of the table, lower-cased. A test compares it with the package.
_ASCII_PROTOTYPES = str.maketrans({"1": "l", "|": "l", "0": "o", "m": "rn"})

# Scripts that are normally used together (UTS 39, "highly restrictive").
_WRITTEN_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
_NO_SCRIPT = frozenset({"COMMON", "INHERITED", "Unknown"})


# The tables are read without the modules of their package. These keep all of them and import what could fetch new ones:
# 1 MB, and 4 MB more for the look-alikes.
class _Confusable(msgspec.Struct, gc=False):
    c: str


class _Scripts(msgspec.Struct):
    iso_15924_aliases: list[str]
    code_points_ranges: list[list[int]]
    """From, to, the script, the category."""


@cache
def _script_ranges() -> tuple[array[int], array[int], list[str]]:
    """Where ranges of characters of one script begin, where they end, and their scripts."""
    table = msgspec.json.decode(get_data("confusable_homoglyphs", "categories.json") or b"", type=_Scripts)
    ranges, names = sorted(table.code_points_ranges), table.iso_15924_aliases
    return (
        array("l", [one[0] for one in ranges]),
        array("l", [one[1] for one in ranges]),
        [names[one[2]] for one in ranges],
    )


def _script(char: str) -> str:
    begins, ends, names = _script_ranges()
    place = bisect_right(begins, ord(char)) - 1
    return names[place] if place >= 0 and ord(char) <= ends[place] else "Unknown"


@cache
def _prototypes() -> dict[str, str]:
    """Maps a character to its look-alike. Of each pair, which is listed both ways, one end is always chosen."""
    data = get_data("confusable_homoglyphs", "confusables.json") or b""
    confusables = msgspec.json.decode(data, type=dict[str, list[_Confusable]])
    # The table maps the Cyrillic palochka to i; in the fonts of browsers and terminals it looks like l.
    chosen = {"\u04cf": "l"}
    for char, others in confusables.items():
        if len(char) == 1 and len(others) == 1:
            target = others[0].c.strip("\u200e")
            back = confusables.get(target, ())
            # An isolated pair has no prototype: the smaller one represents both.
            if len(target) == 1 and len(back) == 1 and char < target:
                continue
            chosen.setdefault(char, target)
    return chosen


@lru_cache(maxsize=2048)
def skeleton(text: str) -> str:
    """The look of `text`, ignoring case: two texts with the same skeleton can be confused. Case is folded, since
    addresses and domains are compared without it, and compatibility forms such as full-width letters are taken for the
    plain ones."""
    if text.isascii():
        # A capital I looks like a small l; folding the case first would hide that.
        return text.replace("I", "l").lower().translate(_ASCII_PROTOTYPES)
    prototypes = _prototypes()
    drawn = unicodedata.normalize("NFKD", text)
    for _ in range(2):
        drawn = "".join(prototypes.get(char, char) for char in drawn)
        drawn = unicodedata.normalize("NFKD", drawn.replace("I", "l").casefold())
    return drawn.translate(_ASCII_PROTOTYPES)


@lru_cache(maxsize=4096)
def scripts(text: str) -> frozenset[str]:
    """The scripts of `text`, in upper case ("LATIN"); digits, signs and marks have none."""
    if text.isascii():
        return frozenset({"LATIN"}) if any(char.isalpha() for char in text) else frozenset()
    return frozenset(_script(char) for char in text if not char.isascii() or char.isalpha()) - _NO_SCRIPT


def mixes_scripts(text: str) -> bool:
    """Whether a word of `text` mixes scripts that are not normally used together."""
    if text.isascii():
        return False
    words = "".join(char if char.isalnum() or unicodedata.combining(char) else " " for char in text).split()
    for word in words:
        used = scripts(word)
        if len(used) > 1 and not any(used <= together for together in _WRITTEN_TOGETHER):
            return True
    return False


def plain_name(word: str) -> str:
    """Lower case without marks: `José` and `jose` are one name."""
    if word.isascii():
        return word.lower()
    if "\u2e80" <= word[0] <= "\u9fff":
        # Kana and Han have no accents; a long line of them would be decomposed for nothing.
        return word.lower()
    lower = word.lower().replace("ß", "ss").replace("ł", "l").replace("ø", "o")
    return "".join(char for char in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(char))


def unicode_host(host: str) -> str:
    """`host` with its punycode labels decoded; an invalid label stays unchanged."""

    def decoded(label: str) -> str:
        if not label.lower().startswith("xn--"):
            return label
        try:
            return label[4:].encode("ascii").decode("punycode")
        except (UnicodeError, ValueError, OverflowError):
            return label

    return ".".join(decoded(label) for label in host.split("."))


def same_site(host: str, other: str) -> bool:
    """Whether the hosts are equal or one is a subdomain of the other."""
    return host == other or host.endswith(f".{other}") or other.endswith(f".{host}")


def one_slip_apart(first: str, second: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours turns one text into the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    left, right = first[start:], second[start:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    return left[1:] == right if len(left) > len(right) else left == right[1:]


def reordered(first: str, second: str) -> bool:
    """Whether two different texts have the same characters: 250 and 520."""
    return first != second and sorted(first) == sorted(second)


def domain_of(address: str) -> str:
    """The domain of an address, lower case; empty if there is none."""
    return address.rpartition("@")[2].strip(" .>").lower() if "@" in address else ""


@lru_cache(maxsize=64)
def _suffixes_below(last: str) -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    # Found in the file each time, in 3 ms, for its text would take a fifth of a megabyte.
    data = get_data("publicsuffixlist", "public_suffix_list.dat") or b""
    rules = re.findall(rf"^(?!//)(?:\S+\.)?{re.escape(unicode_host(last))}(?=\s|$)", data.decode(), re.MULTILINE)
    return PublicSuffixList("\n".join(rules))


def _suffixes(domain: str) -> PublicSuffixList:
    """The part of the list that concerns a domain. All of it would take 0.15 s and 1.6 MB."""
    return _suffixes_below(domain.removesuffix(".").rpartition(".")[2].lower())


@lru_cache(maxsize=16384)
def registrable(domain: str) -> str:
    """The registered part of `domain`, such as `acme.co.uk` of `mail.acme.co.uk`; all of it if there is none."""
    if domain.replace(".", "").isdigit():
        return domain
    return _suffixes(domain).privatesuffix(domain) or domain


@lru_cache(maxsize=4096)
def is_public_suffix(name: str) -> bool:
    """Whether names can certainly be registered below `name`, as below `com`, `co.uk` and `中国`."""
    ascii_name = name if name.isascii() else f"xn--{name.encode('punycode').decode()}"
    return _suffixes(ascii_name).publicsuffix(ascii_name, accept_unknown=False) == ascii_name


class Shape(NamedTuple):
    """A domain in the forms to compare."""

    domain: str
    shown: str
    drawn: str
    registered: str
    """The registrable part, for display."""
    registered_drawn: str
    name: str
    """The label that was registered."""


@lru_cache(maxsize=16384)
def shape(domain: str) -> Shape:
    shown, registered = unicode_host(domain), unicode_host(registrable(domain))
    return Shape(domain, shown, skeleton(shown), registered, skeleton(registered), registered.partition(".")[0])


_SHORTEST = 5
"""The shortest name to compare: shorter ones are too often one slip away from unrelated ones."""
_SHORTEST_OWN = 4
_MAILBOXES = """
    t-online.de freenet.de arcor.de posteo.de mailbox.org gmx.at gmx.ch bluewin.ch free.fr orange.fr wanadoo.fr sfr.fr
    laposte.net comcast.net verizon.net att.net sbcglobal.net cox.net charter.net bellsouth.net btinternet.com
    btopenworld.com virginmedia.com sky.com talktalk.net ntlworld.com blueyonder.co.uk eircom.net libero.it virgilio.it
    tiscali.it alice.it tin.it ziggo.nl kpnmail.nl xs4all.nl planet.nl home.nl telenet.be skynet.be proximus.be terra.es
    telefonica.net sapo.pt uol.com.br bol.com.br terra.com.br wp.pl o2.pl onet.pl op.pl interia.pl bigpond.com
    optusnet.com.au shaw.ca rogers.com telus.net docomo.ne.jp nifty.com ezweb.ne.jp softbank.jp sina.com sohu.com
    139.com online.no seznam.cz proton.me pm.me me.com mac.com msn.com tutanota.com hey.com
"""
# Large providers of mailboxes. Their names may be one slip apart, and who has one there is no colleague of the others.
PROVIDERS = frozenset(_MAILBOXES.split()) | frozenset(
    f"{name}.{end}"
    for names, ends in (
        (
            "gmail ymail email mail fastmail rocketmail googlemail aol icloud protonmail gmx zoho qq 163 126 naver",
            "com",
        ),
        ("yahoo hotmail outlook live yandex", "com co co.uk co.jp fr de it es ca ru"),
        ("gmx web", "de net"),
        ("mail inbox", "ru"),
    )
    for name in names.split()
    for end in ends.split()
)


def _one_slip(first: str, second: str, shortest: int) -> bool:
    """Whether long enough names are one slip apart. Consecutive numbers (`shop1`, `shop2`) do not count."""
    if min(len(first.partition(".")[0]), len(second.partition(".")[0])) < shortest:
        return False
    return one_slip_apart(first, second) and re.sub(r"\d", "0", first) != re.sub(r"\d", "0", second)


def imitates(one: Shape, known: Shape, *, ours: bool) -> bool:
    """Whether domain `one` could be mistaken for `known` without being the same site."""
    if same_site(one.domain, known.domain):
        return False
    if one.drawn == known.drawn or f".{known.domain}." in f".{one.domain}.":
        return True
    shortest = _SHORTEST_OWN if ours else _SHORTEST
    if one.registered == known.registered:
        # Two customers of one provider: the part before its name must differ by more than a slip.
        return _one_slip(one.shown, known.shown, shortest)
    if one.registered_drawn == known.registered_drawn or _one_slip(one.registered, known.registered, shortest):
        return True
    # The known name as part of another one: acme-example.test, login-acme.test.
    dashed = f"-{one.domain.replace('.', '-')}-"
    if len(known.name) >= _SHORTEST_OWN and any(
        f"-{part.replace('.', '-')}-" in dashed for part in (known.domain, known.registered)
    ):
        return True
    name = known.domain.partition(".")[0]
    return ours and len(name) >= 5 and name in one.domain.replace("-", ".").split(".")


def upwards(domain: str) -> Iterator[str]:
    """`a.b.example`, `b.example`: the domain and those above it that somebody can own."""
    end = registrable(domain)
    while True:
        yield domain
        if domain == end or "." not in domain:
            return
        domain = domain.partition(".")[2]
