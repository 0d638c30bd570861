"""The decisions of this run, by email."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mm_tui.decision.state import Act
from mm_tui.services.decisions.record import ActiveDecision

_ONE_EMAIL = (Act.APPROVE, Act.APPROVE_FIRST, Act.REJECT)
"""Decisions about one email that never replace it with another."""


class ActiveDecisions:
    """The decisions in the order in which this program learned of them, because the wall clock may be set back."""

    def __init__(self) -> None:
        self._by_id: dict[str, ActiveDecision] = {}
        self._newest: dict[str, ActiveDecision] = {}
        """The newest decision about each email."""
        self._editing: dict[str, ActiveDecision] = {}
        """Decisions that may have created another email, by decision id."""

    def __contains__(self, decision_id: str) -> bool:
        return decision_id in self._by_id

    def __getitem__(self, decision_id: str) -> ActiveDecision:
        return self._by_id[decision_id]

    def __iter__(self) -> Iterator[ActiveDecision]:
        """All decisions, the newest last."""
        return iter(self._by_id.values())

    def open(self) -> list[ActiveDecision]:
        """Those that have not ended."""
        return [decision for decision in self._by_id.values() if not decision.state.ended]

    def add(self, decisions: Iterable[ActiveDecision]) -> None:
        for decision in decisions:
            self._by_id[decision.decision_id] = decision
            self._newest[decision.email_id] = decision
            if decision.state.case.act not in _ONE_EMAIL:
                self._editing[decision.decision_id] = decision

    def add_oldest(self, decision: ActiveDecision) -> None:
        """Adds a decision that began before all others."""
        self._by_id = {decision.decision_id: decision, **self._by_id}
        self._newest.setdefault(decision.email_id, decision)
        if decision.state.case.act not in _ONE_EMAIL:
            self._editing = {decision.decision_id: decision, **self._editing}

    def forget(self, decision_ids: Iterable[str]) -> None:
        for decision_id in decision_ids:
            decision = self._by_id.pop(decision_id)
            self._editing.pop(decision_id, None)
            if self._newest.get(decision.email_id) is decision:
                del self._newest[decision.email_id]

    def batch_of(self, decision: ActiveDecision) -> list[ActiveDecision]:
        """The decisions that were made together with this one, and itself."""
        if decision.meta.batch is None:
            return [decision]
        return [other for other in self._by_id.values() if other.meta.batch == decision.meta.batch]

    def of(self, email_id: str) -> ActiveDecision | None:
        """The newest decision about an email, or the one that created it as an edit."""
        found = self._newest.get(email_id)
        edits = [decision for decision in self._editing.values() if decision.state.replacement == email_id]
        if not edits or found is None:
            return edits[-1] if edits else found
        return next(one for one in reversed(self._by_id.values()) if one is found or one is edits[-1])
