"""Cancels a scheduled email, after a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen
    from mm_tui.store.mail.rows import MailRow


def ask_cancel(screen: BaseScreen, row: MailRow) -> None:
    """Asks, then cancels the email."""
    # Imported late, as in `ask_spam`.
    from textual.content import Content

    from mm_tui.screens.dialogs.choice import Choice, ChoiceScreen
    from mm_tui.screens.dialogs.dialog import ask
    from mm_tui.services.unsent import is_scheduled

    session = screen.session
    if session.gateway is None or session.sync is None:
        screen.say(session.trouble or "still starting", "warning")
        return
    if not session.can("send"):
        screen.say("this needs a key with the scope send: set send_key, for example with mm-tui init", "warning")
        return

    def over() -> str:
        now = session.mail.row(row.email_id)
        return "" if now is not None and is_scheduled(now.direction, now.status) else "it is no longer scheduled"

    about = OneLine(f"{row.subject.strip() or '(no subject)'}, to {row.recipient}")
    effect = "It will not be sent, and does not come back to the queue."
    title, page, choice = "Cancel the scheduled email?", Content(f"{about}\n{effect}"), Choice("C", "cancel it", True)

    def answered(_: bool) -> None:
        screen.run_worker(_cancel(screen, row), group="cancel", exclusive=False, exit_on_error=False)

    ask(screen.app, ChoiceScreen(title, page, [choice], stay="leave it as it is", over=over), answered)


async def _cancel(screen: BaseScreen, row: MailRow) -> None:
    from mm_tui.services.audit.act_journal import ActJournal
    from mm_tui.services.fault_words import expected_faults, fault_words
    from mm_tui.services.scheduled import cancel
    from mm_tui.settings.profiles import reviewer

    session = screen.session
    assert session.gateway is not None
    assert session.sync is not None
    journal = ActJournal(session.database, reviewer(session.settings), session.clock)
    try:
        words = await cancel(session.gateway, session.sync, journal, row.mailbox_id, row.email_id)
    except expected_faults() as error:
        screen.say(fault_words(error), "warning")
    else:
        screen.say(words)
