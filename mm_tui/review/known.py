"""Whom we know, seen from one email, and who could be taken for them.

The correspondents of a profile are thousands, and every email sees them a little differently: some came later, some
wrote in its thread alone. So their names are indexed once, in a `Book` that all emails share, and an email only says
since when it knows an address.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from mm_tui.review.lookalike import (
    PROVIDERS,
    Shape,
    domain_of,
    imitates,
    plain_name,
    registrable,
    same_site,
    shape,
    skeleton,
    upwards,
)

K = TypeVar("K")
V = TypeVar("V")

ESTABLISHED = -1
"""Since when an email knows an address that is beyond doubt: always."""
NEVER = sys.maxsize
Since = Callable[[str], int | None]
"""Since when an email knows an address: a moment, `ESTABLISHED`, or None when it does not. Moments have any unit."""
MOST_LOOKED_UP = 20_000
"""Domains of which it is kept whom they imitate: a newsletter names the same few a hundred times."""
LONGEST_NAME = 255
"""Characters of a domain, by its standard."""
SHORTEST_WORD = 5
"""Letters of a word by which correspondents are found."""


class Moments(NamedTuple):
    """When an address can be known at the earliest, whichever email looks at it."""

    first: int
    """Known from this moment on."""
    settled: int
    """Established from this moment on."""


class Book:
    """Addresses, found by what their names look like. Indexes are built when they are first asked for.

    Args:
        moments: of each address, in lower case.
    """

    def __init__(self, moments: Mapping[str, Moments]) -> None:
        self.moments = moments
        self._imitated: dict[str, tuple[str, ...]] = {}

    @cached_property
    def by_first(self) -> list[str]:
        """All addresses, those first that are known first."""
        return sorted(self.moments, key=lambda address: (self.moments[address].first, address))

    @cached_property
    def by_domain(self) -> dict[str, list[str]]:
        """The addresses of each domain, those first that are known first."""
        return _grouped((domain, address) for address in self.by_first if (domain := domain_of(address)))

    @cached_property
    def settled_by_domain(self) -> dict[str, list[str]]:
        """The addresses of each domain, those first that are established first."""
        return {
            domain: sorted(addresses, key=lambda address: self.moments[address].settled)
            for domain, addresses in self.by_domain.items()
        }

    @cached_property
    def by_skeleton(self) -> dict[str, list[str]]:
        """The addresses that look like each other."""
        return _grouped((skeleton(address), address) for address in self.by_first)

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[str]]:
        """The addresses by first and last name, as those such as `petra.lindqvist@` spell them."""
        return _grouped((name, address) for address in self.by_first if (name := _full_name(address)))

    @cached_property
    def by_word(self) -> dict[str, list[str]]:
        """The addresses by the registered name of their domain, and by the parts of what stands before the @."""
        return _grouped((word, address) for address in self.by_first for word in _words(address))

    @cached_property
    def below(self) -> dict[str, list[str]]:
        """The domains below each name, from the one that somebody registered on, and that name itself."""
        return _grouped((parent, domain) for domain in self.by_domain for parent in upwards(domain))

    @cached_property
    def _under(self) -> dict[str, list[str]]:
        """As `below`, for every name whoever owns it, without the domain itself."""
        return _grouped((parent, domain) for domain in self.by_domain for parent in _parents(domain))

    @cached_property
    def _alike(self) -> _Alike:
        return _Alike(self.by_domain)

    def of_site(self, domain: str) -> Iterator[str]:
        """The domains that are this one, or above or below it."""
        if domain in self.by_domain:
            yield domain
        yield from (parent for parent in _parents(domain) if parent in self.by_domain)
        yield from self._under.get(domain, ())

    def imitated(self, domain: str) -> tuple[str, ...]:
        """The domains that this one could be taken for without being of their site."""
        found = self._imitated.get(domain)
        if found is None:
            mine = shape(domain)
            near = set(self._alike.near(mine))
            found = tuple(sorted(one for one in near if imitates(mine, shape(one), ours=False)))
            if len(self._imitated) >= MOST_LOOKED_UP:
                self._imitated.clear()
            self._imitated[domain] = found
        return found


class _Alike:
    """Finds the domains that another may imitate without comparing it with each: `imitates` says which it does."""

    def __init__(self, domains: Iterable[str]) -> None:
        shapes = [shape(domain) for domain in domains]
        self._domains = {one.domain for one in shapes}
        self._drawn = _grouped((one.drawn, one.domain) for one in shapes)
        self._registered = _grouped((one.registered, one) for one in shapes)
        self._registered_drawn = _grouped((one.registered_drawn, one.domain) for one in shapes)
        self._slips = _Slips(self._registered)
        self._beside: dict[str, _Slips] = {}
        parts = ((part, one.domain) for one in shapes for part in {one.domain, one.registered})
        self._dashed = _grouped((part.replace(".", "-"), domain) for part, domain in parts)
        self._most_parts = max((name.count("-") + 1 for name in self._dashed), default=0)

    def near(self, one: Shape) -> Iterator[str]:
        """All that `one` may imitate, and others."""
        yield from self._drawn.get(one.drawn, ())
        yield from self._registered_drawn.get(one.registered_drawn, ())
        yield from (part for part in _runs(one.domain, ".", self._most_parts) if part in self._domains)
        for part in _runs(one.domain.replace(".", "-"), "-", self._most_parts):
            yield from self._dashed.get(part, ())
        for name in self._slips.near(one.registered):
            yield from (other.domain for other in self._registered[name])
        if neighbours := self._registered.get(one.registered):
            # Customers of one provider: what stands before its name tells them apart.
            if one.registered not in self._beside:
                self._beside[one.registered] = _Slips(other.shown for other in neighbours)
            shown = self._beside[one.registered].near(one.shown)
            yield from (other.domain for other in neighbours if other.shown in shown)


class _Slips:
    """Finds names that are one slip of the finger apart: they share a form that lacks one character, or none."""

    def __init__(self, names: Iterable[str]) -> None:
        self._lacking = _grouped(
            (form, name) for name in dict.fromkeys(names) if len(name) <= LONGEST_NAME for form in _lacking_one(name)
        )

    def near(self, name: str) -> set[str]:
        """The names that may be one slip away, and this name itself."""
        if len(name) > LONGEST_NAME + 1:
            return set()
        return {other for form in _lacking_one(name) for other in self._lacking.get(form, ())}


class Acquaintances(NamedTuple):
    """The correspondents as one email finds them."""

    book: Book
    since: Since
    now: int = NEVER
    """The email's own moment: who is known or established later than that need not be asked about."""

    @classmethod
    def of(cls, established: Iterable[str] = (), recent: Iterable[str] = ()) -> Acquaintances:
        """Those who are beyond doubt, and others in the order in which they came."""
        known: dict[str, int] = dict.fromkeys(map(str.lower, established), ESTABLISHED)
        for place, address in enumerate(map(str.lower, recent)):
            known.setdefault(address, place)
        moments = {
            address: Moments(since, ESTABLISHED if since == ESTABLISHED else NEVER) for address, since in known.items()
        }
        return cls(Book(moments), known.get)

    def without(self, domains: frozenset[str]) -> Acquaintances:
        """All but those of these domains."""
        since = self.since
        return self._replace(since=lambda address: None if domain_of(address) in domains else since(address))

    def known(self, addresses: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Those of these addresses, which stand as in `Book.by_first`, that are known, each with since when."""
        for address in addresses:
            if self.book.moments[address].first > self.now:
                return
            if (since := self.since(address)) is not None:
                yield since, address

    def established(self, domain: str) -> bool:
        """Whether somebody of a domain is established."""
        for address in self.book.settled_by_domain.get(domain, ()):
            if self.book.moments[address].settled > self.now:
                return False
            if self.since(address) == ESTABLISHED:
                return True
        return False


NOBODY = Acquaintances.of()


@dataclass(frozen=True)
class Known:
    """The known correspondents from the point of view of one email, ignoring case.

    Established ones are trusted. All others are compared with our own domains, with the established, and with those who
    came before them: the later one is the imitator.
    """

    own_domains: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    """The established: mail was exchanged with them before this email, outside its thread."""
    recent: tuple[str, ...] = ()
    """Others from earlier mail, in order of their first email: those who write only in this thread, and those known
    only recently. They can be imitated, but are not trusted themselves."""
    others: Acquaintances = field(default=NOBODY)
    """More of both kinds, who came before `recent`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "own_domains", frozenset(map(str.lower, self.own_domains)))

    @cached_property
    def _parts(self) -> tuple[Acquaintances, ...]:
        """Who came earlier stands first."""
        named = Acquaintances.of(self.addresses, self.recent)
        return tuple(part for part in (self.others, named) if part.book.moments)

    def _place(self, address: str) -> tuple[int, int, str] | None:
        """Where an address stands among all that are known, by when they came; None when it is not known."""
        found = None
        for number, part in enumerate(self._parts):
            since = part.since(address)
            if since == ESTABLISHED:
                return _FIRST
            if since is not None and found is None:
                found = number, since, address
        return found

    def _first_of(self, domain: str) -> tuple[int, int, str] | None:
        """Where the first of a domain stands who is not beyond doubt; None when there is none."""
        for number, part in enumerate(self._parts):
            found: tuple[int, int, str] | None = None
            for address in part.book.by_domain.get(domain, ()):
                if part.book.moments[address].first > (part.now if found is None else found[1]):
                    break
                place = self._place(address)
                if place is not None and place[0] == number and (found is None or place < found):
                    found = place
            if found is not None:
                return found
        return None

    def _has_established(self, domain: str) -> bool:
        return any(part.established(domain) for part in self._parts)

    # Questions of the rules. The answers are kept, to find out later whether they would now be different.

    @cached_property
    def asked(self) -> dict[tuple[str, ...], object]:
        """What was asked so far, each with its answer."""
        return {}

    def answers_as(self, asked: Mapping[tuple[str, ...], object]) -> bool:
        """Whether everything that was asked of another one would be answered alike."""
        return all(self._answer(*question) == answer for question, answer in asked.items())

    def _answer(self, what: str, *about: str) -> Any:
        question = (what, *about)
        if question not in self.asked:
            self.asked[question] = getattr(self, what)(*about)
        return self.asked[question]

    @property
    def has_anybody(self) -> bool:
        """Whether anybody is known at all."""
        return bool(self._answer("_has_anybody"))

    def is_established(self, address: str) -> bool:
        """Whether somebody is beyond doubt."""
        return bool(self._answer("_has_place", address.lower(), "established"))

    def knows(self, address: str) -> bool:
        """Whether mail was exchanged with this address before, or it takes part in the thread."""
        return bool(self._answer("_has_place", address.lower(), ""))

    def knows_domain(self, domain: str) -> bool:
        """Whether a domain is ours or that of somebody known."""
        return domain in self.own_domains or bool(self._answer("_has_domain", domain))

    def names(self, first: str, last: str) -> bool:
        """Whether somebody known bears this name by their address; both as `plain_name` writes them."""
        return bool(self._answer("_has_name", first, last))

    def with_word(self, word: str) -> Sequence[str]:
        """The known addresses whose registered name, or a part of what stands before the @, is this word.

        Args:
            word: lower case, of at least `SHORTEST_WORD` letters.
        """
        found: tuple[str, ...] = self._answer("_with_word", word)
        return found

    def domain_imitated(self, domain: str) -> str | None:
        """The known domain that `domain` imitates; None if there is none."""
        found: str | None = self._answer("_domain_imitated", domain.lower())
        return found

    def address_imitated(self, address: str) -> str | None:
        """The known address that `address` imitates; None if there is none."""
        found: str | None = self._answer("_address_imitated", address.lower())
        return found

    def _has_anybody(self) -> bool:
        return any(True for part in self._parts for _ in part.known(part.book.by_first))

    def _has_place(self, address: str, at_least: str) -> bool:
        place = self._place(address)
        return place == _FIRST if at_least else place is not None

    def _has_domain(self, domain: str) -> bool:
        return any(True for part in self._parts for _ in part.known(part.book.by_domain.get(domain, ())))

    def _has_name(self, first: str, last: str) -> bool:
        return any(True for part in self._parts for _ in part.known(part.book.by_name.get((first, last), ())))

    def _with_word(self, word: str) -> tuple[str, ...]:
        return tuple(one for part in self._parts for _, one in part.known(part.book.by_word.get(word, ())))

    def _domain_imitated(self, domain: str) -> str | None:
        if not domain or any(same_site(domain, own) for own in self.own_domains):
            return None
        for own in sorted(self.own_domains):
            if imitates(shape(domain), shape(own), ours=True):
                return own
        if domain in PROVIDERS or any(map(self._has_established, upwards(domain))):
            return None
        if any(self._has_established(below) for part in self._parts for below in part.book.below.get(domain, ())):
            return None
        alike = {one for part in self._parts for one in part.book.imitated(domain)}
        if (twin := min(filter(self._has_established, alike), default=None)) is not None:
            return twin
        near = alike.union(one for part in self._parts for one in part.book.of_site(domain))
        first = min(((place, one) for one in near if (place := self._first_of(one)) is not None), default=None)
        return None if first is None or same_site(first[1], domain) else first[1]

    def _address_imitated(self, address: str) -> str | None:
        if self._place(address) == _FIRST:
            return None
        drawn = skeleton(address)
        alike = {one for part in self._parts for one in part.book.by_skeleton.get(drawn, ())}
        placed = [(place, one) for one in alike if (place := self._place(one)) is not None]
        established = [one for place, one in placed if place == _FIRST]
        twin = max(established) if established else min(placed, default=(None, None))[1]
        return None if twin == address else twin


_FIRST = (-1, ESTABLISHED, "")
"""The place of everybody who is established."""


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def _full_name(address: str) -> tuple[str, str] | None:
    parts = re.split(r"[._-]", address.partition("@")[0])
    if len(parts) == 2 and all(len(part) > 2 and part.isalpha() for part in parts):
        return plain_name(parts[0]), plain_name(parts[1])
    return None


def _words(address: str) -> set[str]:
    label = re.sub(r"\W", "", registrable(domain_of(address)).partition(".")[0])
    words = {label, *re.split(r"[._+-]", address.partition("@")[0])}
    return {word for word in words if len(word) >= SHORTEST_WORD}


def _parents(domain: str) -> Iterator[str]:
    """`b.example` and `example` of `a.b.example`."""
    while domain := domain.partition(".")[2]:
        yield domain


def _runs(name: str, sign: str, most: int) -> Iterator[str]:
    """Every run of up to `most` parts of a name that `sign` divides: `a`, `a-b`, `b` of `a-b`."""
    parts = name.split(sign)
    for first in range(len(parts)):
        for last in range(first + 1, min(first + most, len(parts)) + 1):
            yield sign.join(parts[first:last])


def _lacking_one(name: str) -> set[str]:
    """The name, and all that is left of it without one character."""
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}
