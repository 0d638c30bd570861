"""What leaving does to decisions in progress, and the question before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static

from mm_tui.messages import Said, session_of
from mm_tui.screens.dialogs.dialog import ConfirmScreen
from mm_tui.session import Session
from mm_tui.text import OneLine

OVER = "not left: what was in progress has ended meanwhile, see its outcome; the same key leaves"
"""Leaving at once would hide how it ended."""


class OnTheWay(NamedTuple):
    """The decisions in progress, as ids of emails."""

    unsent: frozenset[str]
    """Those with nothing sent: they become undecided."""
    begun: frozenset[str]
    """Those with a call made: they are read back at the next start."""

    @property
    def all(self) -> frozenset[str]:
        return self.unsent | self.begun

    def words(self) -> str:
        """What leaving the program does to these decisions, as sentences for the user."""
        parts = []
        if self.unsent:
            falls = "it goes" if len(self.unsent) == 1 else "they go"
            parts.append(
                f"{_decisions(self.unsent)} still held or being checked: nothing will be sent,"
                f" {falls} back to undecided."
            )
        if self.begun:
            parts.append(
                f"{_decisions(self.begun)} already with the gateway: nothing more is sent. The outcome is read"
                " when this profile is opened next; you may be asked about it then."
            )
        return " ".join(parts)


def on_the_way(session: Session) -> OnTheWay:
    """The decisions that leaving now would affect. One that only waits for an answer is not affected."""
    if session.decisions is None:
        return OnTheWay(frozenset(), frozenset())
    views = [view for view in session.decisions.overview.states() if not view.ended and view.question is None]
    return OnTheWay(
        frozenset(view.email_id for view in views if view.can_undo),
        frozenset(view.email_id for view in views if not view.can_undo),
    )


class LeaveScreen(ConfirmScreen):
    """Asks whether to leave; True means leave. It says what leaving affects as that changes, and goes with its reason.
    `decisions`: what leaving affects now. `texts`: where texts are that could not be saved to the store."""

    def __init__(self, decisions: OnTheWay, texts: Sequence[str] = (), title: str = "") -> None:
        held = "Leave while decisions are still held or in progress?" if decisions.all else "Leave now?"
        self._texts = texts
        super().__init__(title or held, self._all_words(decisions), yes="leave", no="stay")

    def _all_words(self, decisions: OnTheWay) -> str:
        return " ".join([*self._texts, decisions.words()]).strip()

    def look_again(self) -> None:
        """A decision moved on: says what leaving affects now, or closes, and says so, if it affects nothing."""
        decisions = on_the_way(session_of(self))
        if decisions.all or self._texts:
            for line in self.query(".dialog--words").results(Static):
                line.update(Content(OneLine(self._all_words(decisions))))
        else:
            self.dismiss(False)
            self.app.post_message(Said(OVER, "warning"))


def _decisions(ids: frozenset[str]) -> str:
    return "One decision is" if len(ids) == 1 else f"{len(ids)} decisions are"
