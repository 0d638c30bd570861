"""What is shown about decisions: how each ended, for some seconds on any screen, and what an undo did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from mm_tui.clock import Clock
from mm_tui.decision.state import Act, Outcome
from mm_tui.models import Status
from mm_tui.services.decisions.view import AS_WANTED, DecisionView, Phase
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.decisions.service import Decisions


RECENT_SECONDS = 8.0
"""Decisions that end within this time are reported together."""
MOST_ENDS = 3
"""In how many ways decisions may have ended that are named together; others are counted."""
_LEFT = frozenset(map(str, (Status.SENT, Status.DELIVERED)))


class OutcomeNews(NamedTuple):
    """A line for the reviewer about the outcome of a decision."""

    words: OneLine
    failed: bool
    """Whether it reports a failure."""
    email_ids: frozenset[str]
    """The emails that it is about; if it reports failures, only these."""


def to_look_at(decisions: Decisions | None, *, but: str | None = None, also_open: bool) -> str:
    """The email of the newest incident that nobody has looked at, or else of the most urgent unsettled decision; empty
    if there is none. That of the email `but` does not count. `also_open`: decisions that ask, or whose outcome is
    unknown, count besides those that failed unseen."""
    if decisions is None:
        return ""
    if incidents := decisions.overview.unseen_incidents():
        return incidents[-1]
    found = decisions.overview.newest_unsettled(but=but)
    return found[0].email_id if found is not None and (also_open or found[0].not_done) else ""


class Outcomes:
    """Reports each decision once, together with others that ended a moment ago, failures first."""

    def __init__(self, clock: Clock, *, is_test: bool = False) -> None:
        """Takes the time; `is_test`: the gateway delivers nothing, so nothing is called sent."""
        self._clock, self._is_test = clock, is_test
        self._reported: set[tuple[str, str]] = set()
        self._recent: list[tuple[float, DecisionView]] = []

    def news(self, view: DecisionView | None) -> OutcomeNews | None:
        """The message after a change of a decision; None if there is nothing new."""
        if view is not None and not view.ended:
            # It is decided again: how it ended before is no longer true.
            self._recent = [(at, old) for at, old in self._recent if old.email_id != view.email_id]
        if view is None or not (view.ended or view.question):
            return None
        what = (view.id, view.question.words if view.question is not None else "")
        if what in self._reported:
            return None
        self._reported.add(what)
        if view.question is not None:
            words = OneLine(f"asks: {view.question.words} {view.about}".rstrip())
            return OutcomeNews(words, True, frozenset({view.email_id}))
        if view.phase not in AS_WANTED and not view.failed:
            # Undone, or left as it is: the reviewer saw a message when they pressed the key.
            return None
        now = self._clock.monotonic()
        still = [(at, old) for at, old in self._recent if now - at < RECENT_SECONDS and old.email_id != view.email_id]
        self._recent = [*still, (now, view)]
        recent = [old for _, old in self._recent]
        failed = [old for old in recent if old.failed]
        unsure = [old for old in recent if old.phase is Phase.DECIDED]
        done = [old for old in recent if old.phase is Phase.DONE]
        # Only those that ended alike are counted together: "rejected" must not count what was approved.
        alike: dict[tuple[str, str], list[DecisionView]] = {}
        for old in (*reversed(failed), *reversed(unsure), *reversed(done)):
            alike.setdefault(_end(old, is_test=self._is_test), []).append(old)
        groups = list(alike.items())
        said = [_together(*end, same) for end, same in groups[:MOST_ENDS]]
        if others := sum(len(same) for _, same in groups[MOST_ENDS:]):
            said.append(f"{others} more ended")
        return OutcomeNews(OneLine(" · ".join(said)), bool(failed), frozenset(old.email_id for old in failed or recent))


def _end(view: DecisionView, *, is_test: bool) -> tuple[str, str]:
    """How a decision ended: the words before the email that it is about, and those after it."""
    if view.not_done:
        what = "email" if view.about else "an email"
        return f"{view.not_done}: {what}", f": {view.words.removeprefix('undecided: ')}"
    if view.phase is not Phase.DONE:
        return f"{view.words}:" if view.about else f"{view.words}: an email", ""
    return _done(view, is_test=is_test), ""


def _together(before: str, after: str, views: Sequence[DecisionView]) -> str:
    """Describes decisions that ended alike, the newest first: names it, and says how many others there are."""
    others = f" and {len(views) - 1} more" if len(views) > 1 else ""
    return f"{before} {views[0].about}".strip() + others + after


def _done(view: DecisionView, *, is_test: bool) -> str:
    if view.act is Act.REJECT:
        return "rejected: email"
    if view.outcome is Outcome.FIRST_APPROVED:
        return "waits for a second approval: email"
    if view.outcome is Outcome.RESCHEDULED:
        return "changed: email"
    if str(view.status) in _LEFT and not is_test:
        return "sent"
    return "let in: email" if view.about.startswith("from ") else "approved: email"


class Undone(NamedTuple):
    """The result of an undo, in words, and what waits again."""

    words: str
    too_late: bool = False
    """Whether it was too late."""
    email_ids: Sequence[str] = ()
    """The emails that wait again."""


async def undo(decisions: Decisions | None, wanted: str | None) -> Undone:
    """Undoes a decision that has not been sent, together with its batch. `wanted`: the email under the cursor; if its
    decision is not held, the newest held one is undone."""
    view = decisions.overview.undoable(wanted) if decisions is not None else None
    if decisions is None or view is None:
        return Undone("nothing to undo: a decision can be undone only while it is held")
    emails = decisions.overview.decided_with(view)
    size = len(emails)
    taken = await decisions.undo(view.email_id)
    if taken == size:
        if size > 1:
            return Undone(f"all {size} decisions of the batch undone; nothing was sent", email_ids=emails)
        which = f": email {view.about}" if view.about else ""
        return Undone(f"undone, nothing was sent{which}", email_ids=emails)
    if all((now := decisions.overview.state(email_id)) is not None and now.not_done for email_id in emails):
        waits = f"the email {view.about} still waits" if size == 1 else f"all {size} emails still wait"
        return Undone(f"nothing to undo: {waits}, nothing was sent", email_ids=emails)
    if taken:
        return Undone(f"{taken} of {size} decisions undone; it was too late for the others", too_late=True)
    return Undone("too late to undo: the decision is already with the gateway", too_late=True)
