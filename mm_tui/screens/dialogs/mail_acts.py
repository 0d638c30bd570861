"""Actions on the email under the cursor, on any screen: its mark as spam, and cancelling one that is scheduled."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mm_tui.messages import Said
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.app import App

    from mm_tui.screens.base import BaseScreen
    from mm_tui.services.spam import SpamMarks
    from mm_tui.session import Network, Session
    from mm_tui.store.mail.rows import MailRow


def ask_spam(screen: BaseScreen, row: MailRow) -> None:
    """Asks, then reports the email as spam, or removes that mark."""
    from mm_tui.services.spam import MARKED, why_not

    spam = row.status not in MARKED
    if words := why_not(row.direction, row.status, spam=spam):
        screen.say(words)
    elif (marks := screen.usable(screen.session.spam, "send")) is not None:
        mark = partial(_mark, screen.app, marks, row.email_id, spam=spam)
        from_whom = f"from {row.sender}"
        if spam:
            effect = "It goes into quarantine, and the agent no longer reads it."
            _ask(screen, "Report as spam?", row, from_whom, effect, ("S", "report it as spam"), mark)
        else:
            effect = "It becomes unread again, and the agent reads it."
            _ask(screen, "Not spam?", row, from_whom, effect, ("N", "it is not spam: restore it"), mark)


async def _mark(app: App[object], marks: SpamMarks, email_id: str, *, spam: bool) -> None:
    from mm_tui.services.fault_words import expected_faults, fault_words

    try:
        words, severity = await marks.mark(email_id, spam=spam), "information"
    except expected_faults() as error:
        doubt = " It may have been marked anyway." if getattr(error, "may_have_happened", False) else ""
        words, severity = OneLine(f"not marked: {fault_words(error)}{doubt}"), "warning"
    app.post_message(Said(words, severity))


def ask_cancel(screen: BaseScreen, row: MailRow) -> None:
    from mm_tui.services.unsent import is_scheduled

    def over() -> str:
        now = screen.session.mail.row(row.email_id)
        return "" if now is not None and is_scheduled(now.direction, now.status) else "it is no longer scheduled"

    session = screen.session
    connected = session.gateway is not None and session.sync is not None
    if (network := screen.usable(session.network if connected else None, "send")) is not None:
        effect = "It will not be sent, and does not come back to the queue."
        cancel = partial(_cancel, screen.app, session, network, row)
        title = "Cancel the scheduled email?"
        _ask(screen, title, row, f"to {row.recipient}", effect, ("C", "cancel it"), cancel, over=over)


async def _cancel(app: App[object], session: Session, network: Network, row: MailRow) -> None:
    from mm_tui.services.audit.act_journal import ActJournal
    from mm_tui.services.fault_words import expected_faults, fault_words
    from mm_tui.services.scheduled import cancel
    from mm_tui.settings.profiles import reviewer

    journal = ActJournal(session.database, reviewer(session.settings), session.clock)
    try:
        said = Said(await cancel(network.gateway, network.sync, journal, row.mailbox_id, row.email_id))
    except expected_faults() as error:
        said = Said(fault_words(error), "warning")
    app.post_message(said)


def _ask(
    screen: BaseScreen,
    title: str,
    row: MailRow,
    party: str,
    effect: str,
    answer: tuple[str, str],
    act: Callable[[], Coroutine[Any, Any, None]],
    *,
    over: Callable[[], str] | None = None,
) -> None:
    """Asks about an email with the one `answer` (its key and its words), and then acts. `over`: see `ChoiceScreen`."""
    # Imported late: the first frame needs no dialogs.
    from textual.content import Content

    from mm_tui.screens.dialogs.choice import Choice, ChoiceScreen
    from mm_tui.screens.dialogs.dialog import ask

    page = Content(OneLine(f"{row.subject.strip() or '(no subject)'}, {party}") + f"\n{effect}")
    question = ChoiceScreen(title, page, [Choice(*answer, True)], stay="leave it as it is", over=over)
    # A worker of the app: it goes on, and its result is said, if the reader leaves the screen meanwhile.
    ask(screen.app, question, lambda _: screen.app.run_worker(act(), group="mail-act", exit_on_error=False))
