"""Names that look like other names: skeletons, mixed scripts, hosts one slip away from known ones.

Skeletons and scripts follow Unicode Technical Standard 39. The table of confusable characters comes from the package
`confusable_homoglyphs`; it is imported on the first name that is not plain ASCII.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

# The part of the table that concerns ASCII, after lower-casing. A test holds it against the package.
_ASCII_PROTOTYPES = str.maketrans({"1": "l", "|": "l", "0": "o", "m": "rn"})

# Scripts that are ordinarily written together (UTS 39, "highly restrictive").
_WRITTEN_TOGETHER = (
    frozenset({"LATIN", "HAN", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "HAN", "BOPOMOFO"}),
    frozenset({"LATIN", "HAN", "HANGUL"}),
)
_NO_SCRIPT = frozenset({"COMMON", "INHERITED", "Unknown"})


@cache
def _prototypes() -> dict[str, str]:
    """Character = what it is drawn like. The package lists pairs both ways; one end of each pair is chosen for good."""
    from confusable_homoglyphs.confusables import confusables_data

    # The table takes the Cyrillic palochka for an i; in the faces of browsers and terminals it is an l.
    chosen = {"\u04cf": "l"}
    for char, others in confusables_data.items():
        if len(char) == 1 and len(others) == 1:
            target = others[0]["c"].strip("\u200e")
            back = confusables_data.get(target, ())
            # A pair on its own names no prototype: the smaller one stands for both.
            if len(target) == 1 and len(back) == 1 and char < target:
                continue
            chosen.setdefault(char, target)
    return chosen


@lru_cache(maxsize=4096)
def skeleton(text: str) -> str:
    """What `text` looks like, case aside: two texts with one skeleton can be taken for each other.

    Case is folded, since addresses and domains are compared without it, and compatibility forms such as full-width
    letters are taken for the plain ones.
    """
    if text.isascii():
        # A capital I is drawn like a small l; folding the case first would hide that.
        return text.replace("I", "l").lower().translate(_ASCII_PROTOTYPES)
    prototypes = _prototypes()
    drawn = unicodedata.normalize("NFKD", text)
    for _ in range(2):
        drawn = "".join(prototypes.get(char, char) for char in drawn)
        drawn = unicodedata.normalize("NFKD", drawn.replace("I", "l").casefold())
    return drawn.translate(_ASCII_PROTOTYPES)


@lru_cache(maxsize=4096)
def scripts(text: str) -> frozenset[str]:
    """The scripts of `text`, in upper case ("LATIN"); digits, signs and marks belong to none."""
    if text.isascii():
        return frozenset({"LATIN"}) if any(char.isalpha() for char in text) else frozenset()
    from confusable_homoglyphs import categories

    return frozenset(categories.alias(char) for char in text if not char.isascii() or char.isalpha()) - _NO_SCRIPT


def mixes_scripts(text: str) -> bool:
    """True when one word of `text` is written in scripts that are not ordinarily written together."""
    if text.isascii():
        return False
    words = "".join(char if char.isalnum() or unicodedata.combining(char) else " " for char in text).split()
    for word in words:
        used = scripts(word)
        if len(used) > 1 and not any(used <= together for together in _WRITTEN_TOGETHER):
            return True
    return False


def unicode_host(host: str) -> str:
    """`host` with its punycode labels decoded; a label that cannot be decoded stays as it is."""

    def decoded(label: str) -> str:
        if not label.lower().startswith("xn--"):
            return label
        try:
            return label[4:].encode("ascii").decode("punycode")
        except (UnicodeError, ValueError, OverflowError):
            return label

    return ".".join(decoded(label) for label in host.split("."))


def same_site(host: str, other: str) -> bool:
    """True when the hosts are equal or one is a subdomain of the other."""
    return host == other or host.endswith(f".{other}") or other.endswith(f".{host}")


def one_slip_apart(first: str, second: str) -> bool:
    """True when one insertion, deletion, replacement or swap of neighbours turns one text into the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    start = 0
    while start < min(len(first), len(second)) and first[start] == second[start]:
        start += 1
    left, right = first[start:], second[start:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    return left[1:] == right if len(left) > len(right) else left == right[1:]


def domain_of(address: str) -> str:
    """The domain of an address, lower case; empty when there is none."""
    return address.rpartition("@")[2].strip(" .>").lower() if "@" in address else ""


@dataclass(frozen=True)
class Known:
    """Whom we know: our own domains and everybody that mail was exchanged with. All lower case."""

    own_domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    @cached_property
    def domains(self) -> frozenset[str]:
        """Our own domains and those of all known addresses."""
        return self.own_domains | {domain for address in self.addresses if (domain := domain_of(address))}

    @cached_property
    def _domain_skeletons(self) -> dict[str, str]:
        return {skeleton(unicode_host(domain)): domain for domain in sorted(self.domains)}

    @cached_property
    def _address_skeletons(self) -> dict[str, str]:
        return {skeleton(address): address for address in sorted(self.addresses)}

    def domain_imitated(self, domain: str) -> str | None:
        """The known domain that `domain` could be taken for without being it; None when there is none."""
        domain = domain.lower()
        if not domain or any(same_site(domain, known) for known in self.domains):
            return None
        shown = unicode_host(domain)
        if twin := self._domain_skeletons.get(skeleton(shown)):
            return twin
        for known in sorted(self.domains):
            name = known.partition(".")[0]
            # The known name as part of another one: acme.example.evil.test, acme-example.test, login-acme.test.
            parts = f"-{domain}-".replace(".", "-")
            if f"-{known.replace('.', '-')}-" in parts:
                return known
            if len(name) >= 5 and known in self.own_domains and name in domain.replace("-", ".").split("."):
                return known
            if len(known) >= 7 and one_slip_apart(shown, unicode_host(known)):
                return known
        return None

    def address_imitated(self, address: str) -> str | None:
        """The known address that `address` could be taken for without being it; None when there is none."""
        address = address.lower()
        if address in self.addresses:
            return None
        return self._address_skeletons.get(skeleton(address))
