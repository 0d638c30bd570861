"""Marks the email under the cursor as spam, or removes the mark, on any screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen
    from mm_tui.store.mail.rows import MailRow


def ask_spam(screen: BaseScreen, row: MailRow) -> None:
    """Asks, then marks the email."""
    # Imported late: the first frame needs neither the models nor the dialogs.
    from textual.content import Content

    from mm_tui.screens.dialogs.choice import Choice, ChoiceScreen
    from mm_tui.screens.dialogs.dialog import ask
    from mm_tui.services.spam import MARKED, why_not

    session = screen.session
    marked = row.status in MARKED
    if words := why_not(row.direction, row.status, spam=not marked):
        screen.say(words)
        return
    if session.spam is None:
        screen.say(session.trouble or "still starting", "warning")
        return
    if not session.can("send"):
        screen.say("this needs a key with the scope send: set send_key, for example with mm-tui init", "warning")
        return
    about = OneLine(f"{row.subject.strip() or '(no subject)'}, from {row.sender}")
    if marked:
        title, effect = "Not spam?", "It becomes unread again, and the agent reads it."
        choice = Choice("N", "it is not spam: restore it", False)
    else:
        title, effect = "Report as spam?", "It goes into quarantine, and the agent no longer reads it."
        choice = Choice("S", "report it as spam", True)

    def mark(spam: bool) -> None:
        screen.run_worker(_mark(screen, row.email_id, spam), group="spam", exit_on_error=False)

    question = ChoiceScreen(title, Content(f"{about}\n{effect}"), [choice], stay="leave it as it is")
    ask(screen.app, question, mark)


async def _mark(screen: BaseScreen, email_id: str, spam: bool) -> None:
    from mm_tui.services.fault_words import expected_faults, fault_words

    session = screen.session
    assert session.spam is not None
    try:
        words, severity = await session.spam.mark(email_id, spam=spam), "information"
    except expected_faults() as error:
        fault = fault_words(error)
        doubt = " It may have been marked anyway." if getattr(error, "may_have_happened", False) else ""
        words, severity = OneLine(f"not marked: {fault}{doubt}"), "warning"
    screen.say(words, severity)
