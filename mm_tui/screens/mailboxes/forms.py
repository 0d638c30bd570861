"""Actions on mailboxes: moving them on the trust ladder, creating them, and webhooks. Every action asks first."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mm_tui.models import Allowed, Mailbox
from mm_tui.screens.dialogs.choice import CHOICE_KEYS, ChoiceScreen, DialogChoice
from mm_tui.screens.dialogs.dialog import ask
from mm_tui.screens.dialogs.form import Field, FormScreen
from mm_tui.screens.mailboxes.pages import tally_words
from mm_tui.services.audit.track_record import LADDER, TrackRecord, step_down, step_up
from mm_tui.services.mailboxes import ActionResult, MailboxActions
from mm_tui.text import OneLine
from mm_tui.widgets.background import awaited
from mm_tui.widgets.words import mode_words, with_keys

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen


class MailboxForms:
    """Asks for what an action needs, and calls the gateway. `changed`: reads account, usage and webhooks again."""

    def __init__(
        self, screen: BaseScreen, current: Callable[[], TrackRecord | None], changed: Callable[[], None]
    ) -> None:
        self._screen = screen
        self._current = current
        self._changed = changed

    def _actions(self, scope: str) -> MailboxActions | None:
        """The service, if its key is set; otherwise says what is missing."""
        return self._screen.usable(self._screen.session.boxes, scope)

    def _do(
        self, action: Coroutine[Any, Any, ActionResult], again: Callable[[ActionResult], None] | None = None
    ) -> None:
        """Calls the gateway; `again` asks once more, if it needs a code or does not accept what was entered."""
        self._screen.say("contacting the gateway")
        awaited(self._screen, action, partial(self._acted, again), "action", exclusive=False)

    def _ask(
        self,
        form: FormScreen,
        action: Callable[..., Coroutine[Any, Any, ActionResult]],
        again: Callable[[tuple[str, ...], ActionResult], None],
        *,
        may_be_empty: bool = False,
    ) -> None:
        """Shows a form and calls `action` with its values; `again` shows it once more with them, if that is needed."""

        def filled(values: tuple[str, ...]) -> None:
            if may_be_empty or values[0].strip():
                self._do(action(*values), partial(again, values))

        ask(self._screen.app, form, filled)

    def _acted(self, again: Callable[[ActionResult], None] | None, said: ActionResult) -> None:
        self._screen.say(said.words, "information" if said.ok else "warning")
        self._changed()
        if again is not None and (said.code_sent or not said.ok):
            again(said)

    # The trust ladder

    def upgrade(self) -> None:
        """Requests a code to move a mailbox up."""
        found, actions = self._current(), self._actions("send")
        if found is None or actions is None:
            return
        modes = step_up(found.mailbox.oversight_mode)
        if not modes:
            self._screen.say("this is already the highest step")
            return
        lines = [f"{found.mailbox.address} is now on {mode_words(found.mailbox.oversight_mode)}."]
        lines += [f"Last {days} days: {tally_words(tally)}." for days, tally in found.tallies.items()]
        words = "The operator receives a code by email. It works once, within 24 hours. "
        words += "Nothing changes until you enter it ({mailboxes.redeem})."
        lines.append(with_keys(words, self._screen.session.settings.keys))
        question = ChoiceScreen("Request a code to move up?", _lines(lines), _steps(modes), stay="leave it as it is")
        ask(self._screen.app, question, lambda mode: self._do(actions.request_upgrade(found.mailbox.id, mode)))

    def redeem(self) -> None:
        """Moves a mailbox up with a code."""
        found, actions = self._current(), self._actions("send")
        if found is not None and actions is not None:
            self._ask_code(found.mailbox, actions)

    def _ask_code(self, box: Mailbox, actions: MailboxActions, trouble: str = "") -> None:
        self._ask(
            FormScreen(
                f"Move {box.address} up with a code",
                [Field("The code the operator received", "")],
                words="The code is for one mode. The change takes effect at once.",
                yes="move it up",
                trouble=trouble,
            ),
            partial(actions.redeem, box.id),
            lambda _, said: self._ask_code(box, actions, said.words),
        )

    def move_down(self) -> None:
        found, actions = self._current(), self._actions("admin")
        if found is None or actions is None:
            return
        modes = step_down(found.mailbox.oversight_mode)
        if not modes:
            self._screen.say("this is already the lowest step")
            return
        lines = [
            f"{found.mailbox.address} is now on {mode_words(found.mailbox.oversight_mode)}.",
            "This takes effect at once. Moving up again needs a code from the operator.",
        ]
        question = ChoiceScreen("Move the mailbox down?", _lines(lines), _steps(modes), stay="leave it as it is")
        ask(self._screen.app, question, lambda mode: self._do(actions.move_down(found.mailbox.id, mode)))

    # New mailboxes

    def create(self) -> None:
        """Asks for address, name and code, and creates a mailbox."""
        if (actions := self._actions("admin")) is not None:
            self._ask_new(actions, ("", "", ""))

    def _ask_new(self, actions: MailboxActions, values: tuple[str, ...], said: ActionResult | None = None) -> None:
        coded = said is not None and said.code_sent
        self._ask(
            FormScreen(
                "New mailbox: the operator's code" if coded else "New mailbox",
                [
                    Field("Address (the part before the @)", "returns", values[0]),
                    Field("Display name (optional)", "Returns desk", values[1]),
                    Field("Approval code (leave empty the first time)", "", values[2]),
                ],
                words="Submit without a code first: the operator receives one by email. "
                "Submit again with it to create the mailbox, as gated send.",
                yes="create it" if coded else "request it",
                start=2 if coded else 0,
                trouble=said.words if said is not None and not said.ok else "",
            ),
            actions.create,
            partial(self._ask_new, actions),
        )

    # The allowlist

    def allowlist(self) -> None:
        """Shows the allowlist, for adding or removing entries."""
        found, actions = self._current(), self._actions("admin")
        if found is None or actions is None:
            return
        box, listed = found.mailbox, found.mailbox.allowed or ()
        lines = ["In gated send, mail to these recipients is sent without approval."]
        lines += [] if box.allowed is not None else ["The gateway does not disclose what is on it."]
        lines += [] if listed or box.allowed is None else ["It is empty."]
        choices = [DialogChoice("+", "add an address or a domain", partial(self._ask_allow, actions, box))]
        choices += [
            DialogChoice(
                key,
                f"remove {entry.pattern}{f' ({entry.note})' if entry.note else ''}",
                partial(self._ask_disallow, actions, box, entry),
            )
            for key, entry in zip(CHOICE_KEYS, listed, strict=False)
        ]
        title = f"Allowlist of {box.address}"
        dialog = ChoiceScreen(title, _lines(lines), choices, stay="leave it as it is")
        ask(self._screen.app, dialog, lambda chosen: chosen())

    def _ask_allow(
        self, actions: MailboxActions, box: Mailbox, values: tuple[str, ...] = (), said: ActionResult | None = None
    ) -> None:
        pattern, note, code = values or ("", "", "")
        self._ask(
            FormScreen(
                "Send without approval",
                [
                    Field("Address or @domain", "@partner.example", pattern),
                    Field("Note (optional)", "our partner", note),
                    Field("Approval code (leave empty the first time)", "", code),
                ],
                words=f"From {box.address}, in gated send. "
                "Submit without a code first: the operator receives one by email.",
                yes="add it",
                start=2 if said is not None and said.code_sent else 0,
                trouble=said.words if said is not None else "",
            ),
            partial(actions.allow, box.id),
            partial(self._ask_allow, actions, box),
        )

    def _ask_disallow(
        self, actions: MailboxActions, box: Mailbox, entry: Allowed, said: ActionResult | None = None
    ) -> None:
        self._ask(
            FormScreen(
                f"Require approval again for mail to {entry.pattern}",
                [Field("Approval code (leave empty the first time)", "", "")],
                words=f"From {box.address}. Submit without a code first: the operator receives one by email.",
                yes="remove it",
                trouble=said.words if said is not None else "",
            ),
            partial(actions.disallow, box.id, entry),
            lambda _, outcome: self._ask_disallow(actions, box, entry, outcome),
            may_be_empty=True,
        )

    # Webhooks

    def webhooks(self) -> None:
        found, actions = self._current(), self._actions("admin")
        if actions is not None:
            from mm_tui.screens.mailboxes.webhooks import WebhooksScreen

            self._screen.app.push_screen(
                WebhooksScreen(actions, found.mailbox if found is not None else None), lambda _: self._changed()
            )


def _lines(lines: list[str]) -> Content:
    return Content("\n".join(OneLine(line) for line in lines))


def _steps(modes: tuple[str, ...]) -> list[DialogChoice[str]]:
    return [
        DialogChoice(str(at), f"{mode_words(mode)}: {LADDER[mode]}", mode) for at, mode in enumerate(modes, start=1)
    ]
