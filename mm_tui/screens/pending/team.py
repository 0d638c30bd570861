"""Notes for colleagues on the email under the cursor, and its assignment."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mm_tui.screens.dialogs.choice import ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.dialogs.form import Field, FormScreen
from mm_tui.screens.pending.words import about_line
from mm_tui.services.fault_words import expected_faults, fault_words
from mm_tui.services.presence.notes import LONGEST_NOTE, NO_SEND_KEY, TeamTags
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.text import OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost

NOTE, ASSIGN = "pending.note", "pending.assign"


class Team:
    """Asks for notes and names, and sets them in a worker."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self._unset: dict[tuple[str, str], str] = {}
        """What could not be set, by action and email: it is offered again."""

    def ask_note(self) -> None:
        if (entry := self._ready()) is None:
            return
        email_id, before = entry.item.id, entry.note.text if entry.note is not None else OneLine("")
        ask(
            self._screen.app,
            FormScreen(
                "Note for your colleagues",
                [
                    Field(
                        f"At most {LONGEST_NOTE} characters; empty removes the note",
                        "",
                        self._unset.get((NOTE, email_id), before),
                    )
                ],
                words=about_line(entry, digest=False),
                yes="set it",
            ),
            lambda typed: self._note(entry.item.mailbox_id, email_id, typed[0], before),
        )

    def ask_assignee(self) -> None:
        """Asks for the assignee; suggests the reviewer if there is none."""
        if (entry := self._ready()) is None:
            return
        held = entry.assignment.to if entry.assignment is not None else self._screen.session.reviewer
        held = self._unset.get((ASSIGN, entry.item.id), held)
        words = entry.assignment.words if entry.assignment is not None else OneLine("assigned to nobody")
        ask(
            self._screen.app,
            FormScreen(
                "Assign to",
                [Field("A reviewer's name, or the end of a key's id; empty assigns it to nobody", "", held, True)],
                words=about_line(entry, digest=False),
                lines=[words],
                yes="assign it",
            ),
            lambda typed: self._assign(entry.item.mailbox_id, entry.item.id, typed[0]),
        )

    def ask_take_back(self, entry: QueueEntry, over: Callable[[], str]) -> None:
        """Offers to take the reviewer's first approval back while nobody else has approved the email."""
        if self._ready() is None:
            return
        ask(
            self._screen.app,
            ChoiceScreen(
                "Take your approval back?",
                Content.assemble((about_line(entry), "bold"), "\n\n", entry.approvals.words),
                [DialogChoice("T", "take it back", True)],
                stay="leave it",
                over=over,
            ),
            lambda _: self._take_back(entry.item.mailbox_id, entry.item.id),
        )

    def _take_back(self, mailbox_id: str, email_id: str) -> None:
        if (team := self._screen.session.team) is not None:
            self._run(team.take_back_approval(mailbox_id, email_id))

    def _ready(self) -> QueueEntry | None:
        """The email under the cursor if it can have a note now; otherwise says why not."""
        screen = self._screen
        entry, session = screen.current, screen.session
        if entry is None or entry.ended:
            return None
        if not session.can("send"):
            screen.say(NO_SEND_KEY, "warning")
        elif session.team is None:
            screen.say(session.trouble or "still starting: notes need the gateway", "warning")
        else:
            return entry
        return None

    def _note(self, mailbox_id: str, email_id: str, text: str, before: str) -> None:
        self._unset.pop((NOTE, email_id), None)
        if (team := self._still(email_id)) is not None and text.strip() != before:
            self._unset[NOTE, email_id] = text
            self._run(team.note(mailbox_id, email_id, text, before=before), NOTE, email_id)

    def _assign(self, mailbox_id: str, email_id: str, to: str) -> None:
        if (team := self._still(email_id)) is not None:
            self._unset[ASSIGN, email_id] = to
            self._run(team.assign(mailbox_id, email_id, to), ASSIGN, email_id)

    def _still(self, email_id: str) -> TeamTags | None:
        """What sets the tags; None, after saying why, if the email was decided while the question was open."""
        if ended := self._screen.listing.end_of(email_id):
            self._screen.say(OneLine(f"not set: {ended}"), "warning")
            return None
        return self._screen.session.team

    def _run(self, act: Coroutine[Any, Any, OneLine], action_id: str = "", email_id: str = "") -> None:
        # Not exclusive: a second note must not cancel the first one's call.
        self._screen.run_worker(
            self._reported(act, action_id, email_id), group="team", exclusive=False, exit_on_error=False
        )

    async def _reported(self, act: Coroutine[Any, Any, OneLine], action_id: str, email_id: str) -> None:
        try:
            self._screen.say(await act)
            self._unset.pop((action_id, email_id), None)
        except STORE_FAULTS as error:
            words = "it could not be saved on this machine, and may be set at the gateway"
            self._screen.say(f"{words}: {system_words(error)}", "error")
        except expected_faults() as error:
            again = f"; {{{action_id}}} offers your text again" if (action_id, email_id) in self._unset else ""
            self._screen.say(f"not set: {fault_words(error)}{again}", "error")
