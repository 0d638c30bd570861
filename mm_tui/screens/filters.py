"""Choosing what the inbox shows: one mailbox, label or status, or a saved filter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.query import MAIL_FILTERS, saved
from mm_tui.store.search import MailView
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mm_tui.messages import Services

STATUSES = ("unread", "waiting", "sent", "failed", "rejected", "spam", "archived")


class FilterScreen(ModalScreen[MailView | None]):
    """One list of everything that can be filtered by; choosing what is set already drops it.

    Args:
        services: for mailboxes and labels.
        view: what is shown now.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
        Binding("j", "down", "down", show=False),
        Binding("k", "up", "up", show=False),
    ]

    def __init__(self, services: Services, view: MailView) -> None:
        super().__init__()
        self._view = view
        self._choices: list[tuple[str, MailView, bool] | str] = ["Mailbox"]
        for box in services.mail.mailbox_rows():
            now = view.mailbox_id == box.mailbox_id
            self._choices.append((box.address, replace(view, mailbox_id=None if now else box.mailbox_id), now))
        self._choices.append("Label")
        for label in services.settings.assist.labels:
            now = view.label == label
            self._choices.append((label, replace(view, label=None if now else label), now))
        self._choices.append("Status")
        for status in STATUSES:
            now = view.status == status
            self._choices.append((status, replace(view, status=None if now else status), now))
        self._choices.append("Saved")
        for name, text in saved(services.settings.filters.inbox, MAIL_FILTERS).items():
            now = view.query == text
            self._choices.append((f"{name}   {text}", replace(view, query="" if now else text), now))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Show only"), classes="dialog--title")
            yield OptionList(*[self._option(at, choice) for at, choice in enumerate(self._choices)])
            keys = (("enter", "$foreground"), " choose, again drops it   ", ("esc", "$foreground"), " close")
            yield Static(Content.assemble(*keys), classes="dialog--keys")

    def _option(self, at: int, choice: tuple[str, MailView, bool] | str) -> Option:
        if isinstance(choice, str):
            return Option(Content.styled(choice, "$mm-dim"), id=str(at), disabled=True)
        words, _view, now = choice
        return Option(Content.assemble(("• " if now else "  ", "$accent"), OneLine(words)), id=str(at))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        choice = self._choices[int(message.option.id or 0)]
        if not isinstance(choice, str):
            self.dismiss(choice[1])

    def action_close(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()
