"""What taking in mail changed."""

from __future__ import annotations

from typing import NamedTuple


class Changes(NamedTuple):
    """What an upsert did, as e-mail ids."""

    new: frozenset[str]
    changed: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.new | self.changed
