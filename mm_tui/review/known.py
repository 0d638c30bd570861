"""Who is known from the point of view of one email, and who looks like them.

A profile has thousands of correspondents, and each email knows different ones: some came later, some wrote only in its
thread. So their names are indexed once, in a `Book` that all emails share, and an email only determines since when it
knows an address.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import force_setattr

from mm_tui.review.alike import Alike, Index, grouped
from mm_tui.review.lookalike import (
    PROVIDERS,
    domain_of,
    imitates,
    plain_name,
    registrable,
    same_site,
    shape,
    skeleton,
    upwards,
)

ESTABLISHED = -1
"""The value for an established address: it has always been known."""
NEVER = sys.maxsize
Since = Callable[[str], int | None]
"""Returns since when an email knows an address: a time, `ESTABLISHED`, or None if it does not. Times may have any
unit."""
MOST_LOOKED_UP = 20_000
"""The number of domains to cache with whom they imitate: a newsletter repeats the same few a hundred times."""
SHORTEST_WORD = 5
"""The fewest letters of a word for finding correspondents."""


class Moments(msgspec.Struct, frozen=True, gc=False):
    """When an address can first be known, for any email."""

    first: int
    """Known from this time on."""
    settled: int
    """Established from this time on."""


class Book:
    """Addresses, indexed by what their names look like. Indexes are built on first use.

    Args:
        addresses: in lower case.
        moments: the times of an address. Kept for each, they would take half a megabyte.
    """

    def __init__(self, addresses: Collection[str], moments: Callable[[str], Moments]) -> None:
        self.addresses = addresses
        self.moments = moments
        self._imitated: dict[str, tuple[str, ...]] = {}

    @cached_property
    def by_first(self) -> list[str]:
        """All addresses, in the order in which they became known."""
        return sorted(self.addresses, key=lambda address: (self.moments(address).first, address))

    @cached_property
    def by_domain(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each domain, in the order in which they became known."""
        return grouped((domain, address) for address in self.by_first if (domain := domain_of(address)))

    @cached_property
    def settled_by_domain(self) -> dict[str, tuple[str, ...]]:
        """The addresses of each domain, in the order in which they became established."""
        # Most domains have one address, and keep its tuple.
        return {
            domain: addresses
            if len(addresses) == 1
            else tuple(sorted(addresses, key=lambda address: self.moments(address).settled))
            for domain, addresses in self.by_domain.items()
        }

    @cached_property
    def by_skeleton(self) -> Index:
        """The addresses that look like each other."""
        # Without the cache of `skeleton`, which would be filled with what is asked for once.
        return Index(self.by_first, lambda address: (skeleton.__wrapped__(address),))

    @cached_property
    def by_name(self) -> Index:
        """The addresses by first and last name, `petra.lindqvist`, for those that spell both."""
        return Index(self.by_first, _full_names)

    @cached_property
    def by_word(self) -> Index:
        """The addresses by the registered name of their domain, its parts, and the parts before the @."""
        return Index(self.by_first, _words)

    @cached_property
    def below(self) -> dict[str, tuple[str, ...]]:
        """The domains below each registered name, and that name itself."""
        return grouped((parent, domain) for domain in self.by_domain for parent in upwards(domain))

    @cached_property
    def _under(self) -> dict[str, tuple[str, ...]]:
        """Like `below`, for every name regardless of its owner, without the domain itself."""
        return grouped((parent, domain) for domain in self.by_domain for parent in _parents(domain))

    @cached_property
    def _alike(self) -> Alike:
        return Alike(self.by_domain)

    def of_site(self, domain: str) -> Iterator[str]:
        """The domains that are this one, or above or below it."""
        if domain in self.by_domain:
            yield domain
        yield from (parent for parent in _parents(domain) if parent in self.by_domain)
        yield from self._under.get(domain, ())

    def imitated(self, domain: str) -> tuple[str, ...]:
        """The domains that this one could be mistaken for, without belonging to their site."""
        found = self._imitated.get(domain)
        if found is None:
            mine = shape(domain)
            near = set(self._alike.near(mine))
            found = tuple(sorted(one for one in near if imitates(mine, shape(one), ours=False)))
            if len(self._imitated) >= MOST_LOOKED_UP:
                self._imitated.clear()
            self._imitated[domain] = found
        return found


class Acquaintances(NamedTuple):
    """The correspondents from the point of view of one email."""

    book: Book
    since: Since
    now: int = NEVER
    """The email's own time: anybody known or established later need not be considered."""

    @classmethod
    def of(cls, established: Iterable[str] = (), recent: Iterable[str] = ()) -> Acquaintances:
        """Builds it from established addresses, and others in the order in which they came."""
        known: dict[str, int] = dict.fromkeys(map(str.lower, established), ESTABLISHED)
        for place, address in enumerate(map(str.lower, recent)):
            known.setdefault(address, place)
        moments = {
            address: Moments(since, ESTABLISHED if since == ESTABLISHED else NEVER) for address, since in known.items()
        }
        return cls(Book(moments, moments.__getitem__), known.get)

    def without(self, domains: frozenset[str]) -> Acquaintances:
        """All except the addresses of these domains."""
        since = self.since
        return self._replace(since=lambda address: None if domain_of(address) in domains else since(address))

    def known(self, addresses: Iterable[str]) -> Iterator[tuple[int, str]]:
        """Those of these addresses (in the order of `Book.by_first`) that are known, each with its time."""
        for address in addresses:
            if self.book.moments(address).first > self.now:
                return
            if (since := self.since(address)) is not None:
                yield since, address

    def established(self, domain: str) -> bool:
        """Whether any address of a domain is established."""
        for address in self.book.settled_by_domain.get(domain, ()):
            if self.book.moments(address).settled > self.now:
                return False
            if self.since(address) == ESTABLISHED:
                return True
        return False


NOBODY = Acquaintances.of()


class Known(msgspec.Struct, frozen=True, dict=True):
    """The known correspondents from the point of view of one email, ignoring case. Established ones are trusted. All
    others are compared with our own domains, with established addresses, and with those that came earlier: the later
    one is the imitator."""

    own_domains: frozenset[str] = frozenset()
    others: Acquaintances = NOBODY
    """Those from mail before this email's thread."""
    recent: tuple[str, ...] = ()
    """Those who write in this thread, in order of their first email. They can be imitated, but are not trusted
    themselves."""

    def __post_init__(self) -> None:
        # A mailbox whose address cannot be read has no domain; an empty one would be a part of every name.
        force_setattr(self, "own_domains", frozenset(domain.lower() for domain in self.own_domains if domain))

    @cached_property
    def _parts(self) -> tuple[Acquaintances, ...]:
        """In the order in which they came."""
        return tuple(part for part in (self.others, Acquaintances.of(recent=self.recent)) if part.book.addresses)

    def _place(self, address: str) -> tuple[int, int, str] | None:
        """The position of an address among all known ones in the order in which they came; None if it is not known."""
        found = None
        for number, part in enumerate(self._parts):
            since = part.since(address)
            if since == ESTABLISHED:
                return _FIRST
            if since is not None and found is None:
                found = number, since, address
        return found

    def _first_of(self, domain: str) -> tuple[int, int, str] | None:
        """The position of the first address of a domain that is not established; None if there is none."""
        for number, part in enumerate(self._parts):
            found: tuple[int, int, str] | None = None
            for address in part.book.by_domain.get(domain, ()):
                if part.book.moments(address).first > (part.now if found is None else found[1]):
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
        """All questions so far with their answers."""
        return {}

    def answers_as(self, asked: Mapping[tuple[str, ...], object]) -> bool:
        """Whether these questions, asked before, would get the same answers now."""
        return all(self._answer(*question) == answer for question, answer in asked.items())

    def _answer(self, what: str, *about: str) -> Any:
        question = (what, *about)
        if question not in self.asked:
            self.asked[question] = getattr(self, what)(*about)
        return self.asked[question]

    @property
    def has_anybody(self) -> bool:
        return bool(self._answer("_has_anybody"))

    def is_established(self, address: str) -> bool:
        return bool(self._answer("_has_place", address.lower(), "established"))

    def knows(self, address: str) -> bool:
        """Whether mail was exchanged with this address before, or it takes part in the thread."""
        return bool(self._answer("_has_place", address.lower(), ""))

    def knows_domain(self, domain: str) -> bool:
        """Whether a domain is ours or belongs to somebody known."""
        return domain in self.own_domains or bool(self._answer("_has_domain", domain))

    def names(self, first: str, last: str) -> bool:
        """Whether the address of somebody known spells this name; both as written by `plain_name`."""
        return bool(self._answer("_has_name", first, last))

    def with_word(self, word: str) -> Sequence[str]:
        """The known addresses with this word as the registered name or a part of it, or as a part before the @. `word`:
        lower case, of at least `SHORTEST_WORD` letters."""
        found: tuple[str, ...] = self._answer("_with_word", word)
        return found

    def domain_imitated(self, domain: str) -> str | None:
        found: str | None = self._answer("_domain_imitated", domain.lower())
        return found

    def address_imitated(self, address: str) -> str | None:
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
        return any(True for part in self._parts for _ in part.known(part.book.by_name.with_key(f"{first}.{last}")))

    def _with_word(self, word: str) -> tuple[str, ...]:
        return tuple(one for part in self._parts for _, one in part.known(part.book.by_word.with_key(word)))

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
        alike = {one for part in self._parts for one in part.book.by_skeleton.with_key(drawn)}
        placed = [(place, one) for one in alike if (place := self._place(one)) is not None]
        established = [one for place, one in placed if place == _FIRST]
        twin = max(established) if established else min(placed, default=(None, None))[1]
        return None if twin == address else twin


_FIRST = (-1, ESTABLISHED, "")
"""The position of established addresses."""


def _full_names(address: str) -> tuple[str, ...]:
    parts = re.split(r"[._-]", address.partition("@")[0])
    if len(parts) == 2 and all(len(part) > 2 and part.isalpha() for part in parts):
        return (f"{plain_name(parts[0])}.{plain_name(parts[1])}",)
    return ()


def _words(address: str) -> set[str]:
    label = registrable(domain_of(address)).partition(".")[0]
    words = {label.replace("-", ""), *label.split("-"), *re.split(r"[._+-]", address.partition("@")[0])}
    return {word for word in words if len(word) >= SHORTEST_WORD}


def _parents(domain: str) -> Iterator[str]:
    """`b.example` and `example` of `a.b.example`."""
    while domain := domain.partition(".")[2]:
        yield domain
