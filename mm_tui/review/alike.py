"""Finds which of many names another one may imitate, without comparing it with each of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from mm_tui.review.lookalike import Shape, one_slip_apart, shape

K = TypeVar("K")
V = TypeVar("V")

LONGEST_NAME = 255
"""The most characters of a domain, by the standard."""
HEAD = 3
"""How many first letters of a name are looked up together."""


class Alike:
    """Finds candidates that a domain may imitate, without comparing it with every domain; `imitates` then decides."""

    def __init__(self, domains: Iterable[str]) -> None:
        shapes = [shape(domain) for domain in domains]
        self._domains = {one.domain for one in shapes}
        self._drawn = grouped((one.drawn, one.domain) for one in shapes)
        self._registered = grouped((one.registered, one) for one in shapes)
        self._registered_drawn = grouped((one.registered_drawn, one.domain) for one in shapes)
        self._slips = Slips(self._registered)
        self._beside: dict[str, Slips] = {}
        parts = ((part, one.domain) for one in shapes for part in {one.domain, one.registered})
        self._dashed = grouped((part.replace(".", "-"), domain) for part, domain in parts)
        self._most_parts = max((name.count("-") + 1 for name in self._dashed), default=0)

    def near(self, one: Shape) -> Iterator[str]:
        """All domains that `one` may imitate, and some others."""
        yield from self._drawn.get(one.drawn, ())
        yield from self._registered_drawn.get(one.registered_drawn, ())
        yield from (part for part in _runs(one.domain, ".", self._most_parts) if part in self._domains)
        for part in _runs(one.domain.replace(".", "-"), "-", self._most_parts):
            yield from self._dashed.get(part, ())
        for name in self._slips.near(one.registered):
            yield from (other.domain for other in self._registered[name])
        if neighbours := self._registered.get(one.registered):
            # Customers of one provider differ only in the part before its name.
            if one.registered not in self._beside:
                self._beside[one.registered] = Slips(other.shown for other in neighbours)
            shown = self._beside[one.registered].near(one.shown)
            yield from (other.domain for other in neighbours if other.shown in shown)


class Slips:
    """Finds names that differ by one typing error: it is either behind their first letters, or in them."""

    def __init__(self, names: Iterable[str]) -> None:
        short = [name for name in dict.fromkeys(names) if len(name) <= LONGEST_NAME]
        self._by_head = grouped((name[:HEAD], name) for name in short)
        self._by_tail = grouped((name[HEAD + 1 :], name) for name in short)

    def near(self, name: str) -> set[str]:
        """The names that differ by one typing error, and this name itself."""
        if len(name) > LONGEST_NAME + 1:
            return set()
        # An error in the first letters moves the rest by one place at most.
        tails = {name[HEAD:], name[HEAD + 1 :], name[HEAD + 2 :]}
        near = {one for tail in tails for one in self._by_tail.get(tail, ())}.union(self._by_head.get(name[:HEAD], ()))
        return {one for one in near if one == name or one_slip_apart(one, name)}


def _runs(name: str, sign: str, most: int) -> Iterator[str]:
    """Every run of up to `most` parts of a name, separated by `sign`: `a`, `a-b`, `b` of `a-b`."""
    parts = name.split(sign)
    for first in range(len(parts)):
        for last in range(first + 1, min(first + most, len(parts)) + 1):
            yield sign.join(parts[first:last])


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    """The values by key, in order."""
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    # Most have one, for which a list takes twice the memory.
    return {key: tuple(values) for key, values in found.items()}


class Index:
    """Finds texts by their keys, in the order of `texts`. Only the hashes of the keys are kept, and the keys of what
    they lead to are worked out again: a dictionary of them would take ten times the memory."""

    def __init__(self, texts: Sequence[str], keys_of: Callable[[str], Iterable[str]]) -> None:
        self._texts = texts
        self._keys_of = keys_of
        hashes, places = array("q"), array("l")
        for place, text in enumerate(texts):
            for key in keys_of(text):
                hashes.append(hash(key))
                places.append(place)
        order = sorted(range(len(hashes)), key=hashes.__getitem__)
        self._hashes = array("q", map(hashes.__getitem__, order))
        self._places = array("l", map(places.__getitem__, order))

    def with_key(self, key: str) -> list[str]:
        """The texts that have this key."""
        sought, found = hash(key), []
        at = bisect_left(self._hashes, sought)
        while at < len(self._hashes) and self._hashes[at] == sought:
            text = self._texts[self._places[at]]
            if key in self._keys_of(text):
                found.append(text)
            at += 1
        return found
