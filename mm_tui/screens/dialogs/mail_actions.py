"""Actions of several screens: on the email under the cursor (its label, its mark as spam, cancelling one that is
scheduled), and automatic mode. Dialogs are imported late: the first frame needs none."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import App

from mm_tui.messages import Said
from mm_tui.session import Network, Session
from mm_tui.text import OneLine, subject_words

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen
    from mm_tui.services.mail.spam import SpamMarks
    from mm_tui.store.mail.rows import MailRow


def say_why_not(screen: BaseScreen) -> None:
    screen.say(screen.session.trouble or "the assistant is not ready yet", "warning")


def ask_label(screen: BaseScreen, email_id: str, label: str) -> None:
    """Asks for the label of an email and sets it; `label` is its current one, empty if it has none. No model overwrites
    a human's label."""
    from textual.content import Content

    from mm_tui.screens.dialogs.dialog import Line, ListDialog, ask

    if (triage := screen.session.triage) is None:
        say_why_not(screen)
        return

    def chosen(label: str) -> None:
        # A worker of the app, which goes on if the reader leaves the screen meanwhile.
        screen.app.run_worker(triage.set_label(email_id, label), group="label", exit_on_error=False)

    labels = screen.session.settings.assist.labels
    lines = [Line(Content.assemble(("• " if one == label else "  ", "$accent"), OneLine(one)), one) for one in labels]
    at = labels.index(label) if label in labels else None
    ask(screen.app, ListDialog("Label", lines, choose="label it", at=at), chosen)


def ask_spam(screen: BaseScreen, row: MailRow) -> None:
    """Asks, then reports the email as spam, or removes that mark."""
    from mm_tui.services.mail.spam import MARKED, why_not

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
    from mm_tui.services.mail.unsent import is_scheduled

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
    from mm_tui.services.fault_words import expected_faults, fault_words
    from mm_tui.services.mail.scheduled import cancel

    try:
        said = Said(await cancel(network.gateway, network.sync, session.change_journal, row.mailbox_id, row.email_id))
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
    action: Callable[[], Coroutine[Any, Any, None]],
    *,
    over: Callable[[], str] | None = None,
) -> None:
    """Asks about an email with one `answer` (its key and its words), then runs `action`. `over`: see `ChoiceScreen`."""
    from textual.content import Content

    from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
    from mm_tui.screens.dialogs.dialog import ask

    page = Content(OneLine(f"{subject_words(row.subject).strip()}, {party}") + f"\n{effect}")
    question = ChoiceScreen(title, page, [DialogChoice(*answer, True)], stay="leave it as it is", over=over)
    # A worker of the app: it continues, and its result is shown, if the reader leaves the screen meanwhile.
    ask(screen.app, question, lambda _: screen.app.run_worker(action(), group="mail-action", exit_on_error=False))


def toggle_automatic(app: App[Any], session: Session, say: Callable[[str], None]) -> None:
    """Switches automatic mode on, after a warning, or off; `say` shows the result."""
    from mm_tui.screens.dialogs.dialog import ConfirmScreen
    from mm_tui.services.assistant.triage import AUTOMATIC_WARNING, NO_MODEL

    triage = session.triage

    def answered(yes: bool | None) -> None:
        if yes and triage is not None:
            triage.set_automatic(True)
            say("the model now works on new mail automatically; {app.automatic} stops it")

    if triage is None:
        say(session.trouble or "still starting")
    elif not triage.has_key:
        say(NO_MODEL)
    elif triage.automatic:
        triage.set_automatic(False)
        say("the model now works only when asked")
    else:
        question = ConfirmScreen("Let the model work on new mail automatically?", AUTOMATIC_WARNING, yes="allow")
        app.push_screen(question, answered)
