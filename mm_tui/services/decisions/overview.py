"""What is known of the decisions of this run, for screens and commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from mm_tui.clock import Clock
from mm_tui.decision.state import Step
from mm_tui.models import PendingItem
from mm_tui.services.decisions.active import ActiveDecisions
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.remembered import item_of
from mm_tui.services.decisions.show import view_of
from mm_tui.services.decisions.view import DecisionView

VIEWS_A_TURN = 100
"""How many views of a batch are made before other tasks get their turn."""


class DecisionOverview:
    """Answers questions about the decisions of this run, and about those continued from an earlier one."""

    def __init__(
        self, active: ActiveDecisions, clock: Clock, reviewer: str, key_names: Callable[[], Mapping[str, str]]
    ) -> None:
        self._active = active
        self._clock = clock
        self._reviewer = reviewer
        self._key_names = key_names

    def state(self, email_id: str) -> DecisionView | None:
        """The newest decision of this run about this email, or the one that created it as an edit."""
        decision = self._active.of(email_id)
        return self._view(decision) if decision is not None else None

    def states(self) -> tuple[DecisionView, ...]:
        """All decisions; the newest last."""
        return tuple(map(self._view, self._active))

    def undoable(self, wanted: str | None) -> DecisionView | None:
        """The decision about this email if it can still be undone, or else the newest that can; None without one."""
        held = {decision.email_id: decision for decision in self._active if decision.is_undoable}
        decision = held.get(wanted or "") or next(reversed(held.values()), None)
        return self._view(decision) if decision is not None else None

    def hold_ends(self) -> list[float]:
        """The ends of the current holds by the monotonic clock, in seconds, earliest first."""
        return sorted(one.ends_at for one in self._active if one.state.step is Step.HOLD or one.state.early)

    def edits_in_progress(self) -> dict[str, str]:
        """The ids of edits with an unfinished decision, each with its original's id."""
        under_way = (one.state for one in self._active if not one.state.ended)
        return {state.replacement: state.case.item for state in under_way if state.replacement}

    def unseen_incidents(self) -> list[str]:
        """The emails of incidents that nobody has looked at yet; the newest last."""
        return [decision.email_id for decision in self._active if decision.is_unseen_incident]

    def newest_unsettled(self, *, but: str | None = None) -> tuple[DecisionView, int] | None:
        """The newest decision that asks a human, or else that failed unseen, or else whose outcome is unknown, and how
        many there are of its kind. Decisions about the email `but` do not count."""
        # No view is built of the others: there may be a thousand, and the status line asks often.
        urgent = [(one.urgency, one) for one in self._active if but not in (one.email_id, one.state.replacement)]
        most = max((urgency for urgency, _ in urgent), default=0)
        found = [one for urgency, one in urgent if urgency == most > 0]
        return (self._view(found[-1]), len(found)) if found else None

    def decided_with(self, view: DecisionView) -> list[str]:
        """The emails of a decision's batch; its own without a batch."""
        return [decision.email_id for decision in self._active.batch_of(self._active[view.id])]

    def incidents(self) -> list[PendingItem]:
        """The emails of incidents as they were seen, until somebody has looked at them."""
        unseen = [decision for decision in self._active if decision.is_unseen_incident]
        return [item for decision in unseen if (item := item_of(decision)) is not None]

    async def settled(self, email_id: str) -> DecisionView:
        """Waits until the newest decision about this email has ended or asks. Raises KeyError if there is none."""
        decision = self._active.of(email_id)
        if decision is None:
            raise KeyError(email_id)
        while not decision.state.ended and decision.state.question is None:
            await decision.moved.wait()
        return self._view(decision)

    async def views(self, decisions: Sequence[ActiveDecision]) -> tuple[DecisionView, ...]:
        """The views of a batch, which may be large."""
        views: list[DecisionView] = []
        for decision in decisions:
            if len(views) % VIEWS_A_TURN == VIEWS_A_TURN - 1:
                await asyncio.sleep(0)
            views.append(self._view(decision))
        return tuple(views)

    def _view(self, decision: ActiveDecision) -> DecisionView:
        return view_of(decision, self._clock, self._reviewer, self._key_names)
