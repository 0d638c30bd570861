"""Messages about service events, a requested sync and failures, on any screen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from mm_tui import crash
from mm_tui.services.events import ServiceEvent, SyncState
from mm_tui.session import Session
from mm_tui.settings.paths import reports_dir
from mm_tui.store.connecting import is_damage, is_unknown_part
from mm_tui.store.seal import fault_of_store, is_of_store
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.services.decisions.outcomes import Outcomes, Undone

CONTACTING = "contacting the gateway"


class EventMessages:
    """Turns what services report into lines for the reader."""

    def __init__(self, session: Session, say: Callable[[str, str], None], unsay: Callable[[str], None]) -> None:
        self._session = session
        self._say = say
        self._unsay = unsay
        self._sync_asked_at: datetime | None = None
        """When the reader asked for a sync that has not ended yet."""
        self._outcomes: Outcomes | None = None
        self._words, self._is_warning, self._decided = "", False, set[str]()
        """The last message about decisions, and those of its emails that have not been decided again."""

    def ask_sync(self) -> None:
        """Polls the gateway now, and says so until it has answered."""
        session = self._session
        if session.sync is None:
            self._say(session.trouble or "still starting", "information")
            return
        session.sync.wake(asked=True)
        for waiting in (session.decisions, session.details):
            if waiting is not None:
                waiting.hurry()
        self._sync_asked_at = session.clock.now()
        self._say(CONTACTING, "information")

    def damage_found(self, words: OneLine) -> None:
        """Says which record is damaged. Entries of the gateway's log are read again at once, not a minute later."""
        from mm_tui.services.events import SyncPart

        self._say(words, "warning")
        if self._session.database.damaged.in_audit_log and self._session.sync is not None:
            self._session.sync.wake(SyncPart.AUDIT)

    def undone(self, done: Undone) -> None:
        """Shows the result of an undo, until one of its emails is decided again."""
        self._say_of(done.email_ids, done.words, is_warning=done.too_late)

    def handle_event(self, event: ServiceEvent) -> None:
        """Shows the result of a decision, or of a requested sync, and that an agent cannot be asked for a draft."""
        from mm_tui.services.events import DecisionChanged, RedraftNotAsked, SyncChanged

        if isinstance(event, SyncChanged):
            self._sync_answered(event.state)
        elif isinstance(event, DecisionChanged):
            self._decision_changed(event.email_id)
        elif isinstance(event, RedraftNotAsked):
            self._say(event.words, "warning")

    def failed(self, error: Exception) -> bool:
        """Says what failed in a worker in one line; the details go to a report that only the user can read. Returns
        whether the store may be damaged."""
        if is_of_store(error):
            self._say(fault_of_store(error), "error")
            return is_unknown_part(error) or is_damage(error)
        words = crash.report_words(error, reports_dir())
        self._say(f"something in the program failed ({type(error).__qualname__}). {words}", "error")
        return True

    def _decision_changed(self, email_id: str) -> None:
        if (decisions := self._session.decisions) is None:
            return
        if self._outcomes is None:
            from mm_tui.services.decisions.outcomes import Outcomes

            self._outcomes = Outcomes(self._session.clock, is_test=not self._session.settings.profile.is_live)
        view = decisions.overview.state(email_id)
        if view is not None and not view.ended and view.question is None:
            self._decided_again(email_id)
        if (news := self._outcomes.news(view)) is not None:
            self._say_of(news.email_ids, news.words, is_warning=news.failed)

    def _say_of(self, email_ids: Collection[str], words: str, *, is_warning: bool) -> None:
        self._words, self._is_warning, self._decided = words, is_warning, set(email_ids)
        self._say(words, "warning" if is_warning else "information")

    def _decided_again(self, email_id: str) -> None:
        """Removes a message that is no longer true; a warning only once it is true of none of its emails."""
        if email_id in self._decided:
            self._decided.remove(email_id)
            if not (self._is_warning and self._decided):
                self._unsay(self._words)

    def _sync_answered(self, state: SyncState) -> None:
        """Removes the message about the sync once the gateway has answered or cannot be reached."""
        asked = self._sync_asked_at
        answered = asked is not None and state.last_ok_at is not None and state.last_ok_at >= asked
        if asked is not None and (answered or state.error is not None):
            self._sync_asked_at = None
            if state.error is None:
                self._say("up to date with the gateway", "information")
            else:
                self._unsay(CONTACTING)
