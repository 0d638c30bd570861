"""Builds the view of a decision in progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from msgspec.structs import replace

from mm_tui.clock import Clock
from mm_tui.decision import words
from mm_tui.decision.machine import can_undo
from mm_tui.decision.state import Act, Choice, Outcome, Question, State, Step
from mm_tui.models import Direction, Party
from mm_tui.services.audit.key_names import actor_words
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.view import Asked, Changed, DecisionView, Phase, Shown, phase_of
from mm_tui.text import OneLine

ASKS_REDRAFT = "; another draft is wanted"
"""Whether an agent reads the request, and writes one, is not known here."""


def view_of(
    decision: ActiveDecision, clock: Clock, reviewer: str, names: Callable[[], Mapping[str, str]]
) -> DecisionView:
    """The decision's current view."""
    state, sighting = decision.state, decision.state.sighting
    held = state.step is Step.HOLD or state.early
    named = _with_name(state, reviewer, names)
    left = max(0.0, decision.ends_at - clock.monotonic()) if held else 0.0
    sent_back = state.case.act is Act.REJECT and decision.content is not None and decision.content.edit is not None
    text_kept = state.keeps_text or sent_back
    today = clock.now().astimezone().date()
    said = words.sentence(named, text_kept=text_kept, seconds_left=left, doubt_since=decision.doubt_since, today=today)
    if decision.must_ask_redraft(state):
        said += ASKS_REDRAFT
    return DecisionView(
        id=decision.release_id,
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
        decided_by=OneLine(sighting.decided_by if sighting else ""),
        decided_at=datetime.fromisoformat(sighting.decided_at) if sighting and sighting.decided_at else None,
        batch=decision.meta.batch,
        asks_redraft=decision.must_ask_redraft(state),
        about=about(decision),
        status=OneLine(sighting.status if sighting else ""),
        unsent=can_undo(state),
        in_doubt=bool(state.doubts),
        looked_at=decision.looked_at,
    )


def _with_name(state: State, reviewer: str, names: Callable[[], Mapping[str, str]]) -> State:
    """The state, with a person's name, a key's name or the end of its id instead of the gateway's record."""
    sighting = state.sighting
    if sighting is None or not sighting.decided_by:
        return state
    # Another reviewer may have released the edit before our call; then the gateway does not record our name.
    ours = state.outcome is Outcome.APPROVED or (state.outcome is Outcome.EDIT_RELEASED and sighting.is_ours)
    name = reviewer if ours else actor_words(sighting.decided_by, names())
    return replace(state, sighting=replace(sighting, decided_by=name))


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
    now = state.sighting.digest if Choice.ACCEPT in state.choices and state.sighting is not None else ""
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
