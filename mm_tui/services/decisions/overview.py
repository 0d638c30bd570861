"""What is known of the decisions of this run, for screens and commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from msgspec.structs import replace

from mm_tui.clock import Clock
from mm_tui.decision import words
from mm_tui.decision.machine import can_undo
from mm_tui.decision.state import Act, Choice, Outcome, Question, State, Step
from mm_tui.models import Direction, Party, PendingItem
from mm_tui.services.audit.key_names import actor_words
from mm_tui.services.decisions.active import ActiveDecisions
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.remembered import item_of
from mm_tui.services.decisions.view import ENDED, Asked, Changed, DecisionView, Phase, Shown, phase_of
from mm_tui.text import OneLine

ASKS_REDRAFT = "; another draft is wanted"
"""Whether an agent reads the request, and writes one, is not known here."""
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

    def is_over(self, email_id: str) -> bool:
        """Whether the newest decision about this email has ended or asks, as in its view; False if there is none."""
        decision = self._active.of(email_id)
        if decision is None:
            return False
        return phase_of(decision.state) in ENDED or decision.state.question is not None

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

    def under_way(self) -> list[tuple[float, bool]]:
        """For each decision whose hold is over and that the gateway has not answered: since when, by the monotonic
        clock, in seconds, and whether nothing of it has been sent; the oldest first."""
        return sorted(
            (one.step_since, one.is_undoable)
            for one in self._active
            if one.step_since is not None and phase_of(one.state) in (Phase.WORKING, Phase.WAITING)
        )

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
        """The decision's current view."""
        state, snapshot = decision.state, decision.state.snapshot
        held = state.step is Step.HOLD or state.early
        named = self._with_name(state)
        left = max(0.0, decision.ends_at - self._clock.monotonic()) if held else 0.0
        sent_back = state.case.act is Act.REJECT and decision.content is not None and decision.content.edit is not None
        kept = state.keeps_text or sent_back
        today = self._clock.now().astimezone().date()
        said = words.sentence(named, text_kept=kept, seconds_left=left, doubt_since=decision.doubt_since, today=today)
        if decision.must_ask_redraft(state):
            said += ASKS_REDRAFT
        return DecisionView(
            id=decision.decision_id,
            email_id=state.case.item,
            act=state.case.act,
            phase=phase_of(state),
            words=OneLine(f"{said} ({decision.trouble})" if decision.trouble not in said else said),
            outcome=state.outcome,
            digest=OneLine(state.case.digest),
            ends_at=decision.ends_at if held else None,
            question=_asked(named, today),
            changed=_changed(decision),
            replacement_id=state.replacement or None,
            decided_by=OneLine(snapshot.decided_by if snapshot else ""),
            decided_at=datetime.fromisoformat(snapshot.decided_at) if snapshot and snapshot.decided_at else None,
            asks_redraft=decision.must_ask_redraft(state),
            about=about(decision),
            status=OneLine(snapshot.status if snapshot else ""),
            unsent=can_undo(state),
            in_doubt=bool(state.doubts),
            looked_at=decision.looked_at,
            fell_back_unasked=decision.fell_back_unasked,
        )

    def _with_name(self, state: State) -> State:
        """The state, with a person's name, a key's name or the end of its id instead of the gateway's record."""
        snapshot = state.snapshot
        if snapshot is None or not snapshot.decided_by:
            return state
        # Another reviewer may have released the edit before our call; then the gateway does not record our name.
        ours = state.outcome is Outcome.APPROVED or (state.outcome is Outcome.EDIT_RELEASED and snapshot.is_ours)
        name = self._reviewer if ours else actor_words(snapshot.decided_by, self._key_names())
        return replace(state, snapshot=replace(snapshot, decided_by=name))


def about(decision: ActiveDecision) -> OneLine:
    """The recipients of the email that is decided, or the sender of an inbound one; empty if they are not known."""
    if decision.content is None:
        return OneLine("")
    content = decision.content.mine or decision.content.base
    if decision.meta.direction == Direction.INBOUND:
        return OneLine(f"from {Party.parse(content.sender).address}")
    if not content.to:
        return OneLine("to undisclosed recipients")
    more = f" +{len(content.to) - 1}" if len(content.to) > 1 else ""
    return OneLine(f"to {Party.parse(content.to[0]).address}{more}")


def _asked(state: State, today: date) -> Asked | None:
    if state.question is None:
        return None
    choices = tuple((choice, OneLine(words.choice(choice))) for choice in state.choices)
    now = state.snapshot.digest if Choice.ACCEPT in state.choices and state.snapshot is not None else ""
    return Asked(state.question, OneLine(words.question(state, today)), choices, OneLine(now))


def _changed(decision: ActiveDecision) -> Changed | None:
    """The difference that the state is about, if it is about one."""
    state, content = decision.state, decision.content
    if content is None:
        return None
    mine = Shown.of(content.mine) if content.mine is not None else None
    if state.question is Question.EDIT_DIFFERS:
        return Changed(base=mine, now=_shown(decision, state.replacement))
    if phase_of(state) is Phase.CHANGED or state.question is Question.ORIGINAL_CHANGED:
        return Changed(base=Shown.of(content.base), now=_shown(decision, state.case.item), mine=mine)
    if state.outcome is Outcome.NOT_AS_SEEN:
        seen = mine or Shown.of(content.base)
        left = Shown.of(content.left) if content.left is not None else None
        return Changed(base=seen, now=_shown(decision, state.replacement or state.case.item) or left)
    return None


def _shown(decision: ActiveDecision, email_id: str) -> Shown | None:
    raw = decision.read.get(email_id)
    return Shown.of(raw) if raw is not None else None
