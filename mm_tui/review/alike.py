"""Finds which of many names another one may imitate, without comparing it with each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from mm_tui.review.lookalike import Shape, shape

K = TypeVar("K")
V = TypeVar("V")

LONGEST_NAME = 255
"""The most characters of a domain, by the standard."""


class Alike:
    """Finds candidates that a domain may imitate, without comparing it with every domain; `imitates` then decides."""

    def __init__(self, domains: Iterable[str]) -> None:
        shapes = [shape(domain) for domain in domains]
        self._domains = {one.domain for one in shapes}
        self._drawn = grouped((one.drawn, one.domain) for one in shapes)
        self._registered = grouped((one.registered, one) for one in shapes)
        self._registered_drawn = grouped((one.registered_drawn, one.domain) for one in shapes)
        self._slips = _Slips(self._registered)
        self._beside: dict[str, _Slips] = {}
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
                self._beside[one.registered] = _Slips(other.shown for other in neighbours)
            shown = self._beside[one.registered].near(one.shown)
            yield from (other.domain for other in neighbours if other.shown in shown)


class _Slips:
    """Finds names that differ by one typing error: they are equal after removing at most one character of each."""

    def __init__(self, names: Iterable[str]) -> None:
        self._lacking = grouped(
            (form, name) for name in dict.fromkeys(names) if len(name) <= LONGEST_NAME for form in _lacking_one(name)
        )

    def near(self, name: str) -> set[str]:
        """The names that may differ by one typing error, and this name itself."""
        if len(name) > LONGEST_NAME + 1:
            return set()
        return {other for form in _lacking_one(name) for other in self._lacking.get(form, ())}


def _runs(name: str, sign: str, most: int) -> Iterator[str]:
    """Every run of up to `most` parts of a name, separated by `sign`: `a`, `a-b`, `b` of `a-b`."""
    parts = name.split(sign)
    for first in range(len(parts)):
        for last in range(first + 1, min(first + most, len(parts)) + 1):
            yield sign.join(parts[first:last])


def _lacking_one(name: str) -> set[str]:
    """The name, and the name without each one of its characters."""
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    """The values by key, in order."""
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    # Most have one, for which a list takes twice the memory.
    return {key: tuple(values) for key, values in found.items()}
