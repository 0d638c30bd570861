"""The changes made by storing mail."""

from __future__ import annotations

from typing import NamedTuple


class Changes(NamedTuple):
    """The ids of the emails that an upsert changed."""

    new: frozenset[str]
    changed: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.new | self.changed
