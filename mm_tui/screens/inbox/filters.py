"""Chooses what the inbox shows: one mailbox, label or status, or a saved filter, each with its number of emails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from mm_tui.query import MAIL_FILTERS, saved
from mm_tui.store.mail.search import MailView, parse_query
from mm_tui.text import OneLine
from mm_tui.widgets.choice_list import ChoiceList

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mm_tui.session import Session

STATUSES = ("unread", "waiting", "sent", "failed", "rejected", "spam", "archived")
DIGITS = 7
"""The width in cells of a number of emails."""


class _Kind(NamedTuple):
    """A group of filters, with its heading."""

    words: str


class _Narrower(NamedTuple):
    """One filter for the view."""

    name: OneLine
    view: MailView
    """The view with this filter."""
    chosen: MailView
    """The view after choosing it: `view`, or the view without this filter if it is set."""
    more: OneLine = OneLine("")

    @property
    def is_set(self) -> bool:
        return self.view != self.chosen


class FilterScreen(ModalScreen[MailView | None]):
    """A list of all filters; choosing one that is already set removes it.

    Args:
        session: for mailboxes, labels and numbers.
        view: what is shown now.
    """

    CSS_PATH = "../dialogs/dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
    ]

    class Counted(Message):
        """Carries the number of emails in one of the list's views."""

        def __init__(self, at: int, number: int) -> None:
            super().__init__()
            self.at = at
            self.number = number

    def __init__(self, session: Session, view: MailView) -> None:
        super().__init__()
        self._session = session
        self._shown = view
        self._choices: list[_Kind | _Narrower] = [_Kind("Mailbox")]

        for box in session.mail.mailbox_rows():
            self._add(box.address, replace(view, mailbox_id=box.mailbox_id), replace(view, mailbox_id=None))
        self._choices.append(_Kind("Label"))
        for label in session.settings.assist.labels:
            self._add(label, replace(view, label=label), replace(view, label=None))
        self._choices.append(_Kind("Status"))
        for status in STATUSES:
            self._add(status, replace(view, status=status), replace(view, status=None))
        self._choices.append(_Kind("Saved"))
        for name, text in saved(session.settings.filters.inbox, MAIL_FILTERS).items():
            self._add(name, replace(view, query=text), replace(view, query=""), text)

    def _add(self, name: str, narrowed: MailView, without: MailView, more: str = "") -> None:
        chosen = without if narrowed == self._shown else narrowed
        self._choices.append(_Narrower(OneLine(name), narrowed, chosen, OneLine(more)))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Show only"), classes="dialog--title")
            yield ChoiceList(*[self._option(at, choice) for at, choice in enumerate(self._choices)])
            keys = (("enter", "$foreground"), " choose; choose again to clear it   ", ("esc", "$foreground"), " close")
            yield Static(Content.assemble(*keys), classes="dialog--keys")

    def on_mount(self) -> None:
        self.run_worker(self._count, thread=True, exclusive=True, group="count", exit_on_error=False)

    def _count(self) -> None:
        worker, now = get_current_worker(), self._session.clock.now()
        for at, choice in enumerate(self._choices):
            if worker.is_cancelled:
                return
            if isinstance(choice, _Narrower):
                query = parse_query(choice.view.query, now)
                self.post_message(self.Counted(at, self._session.mail.count(choice.view, query=query)))

    def on_filter_screen_counted(self, message: Counted) -> None:
        choice = self._choices[message.at]
        if isinstance(choice, _Narrower):
            words = self._words(choice, f"{message.number:,}" if message.number else "–")
            self.query_one(OptionList).replace_option_prompt_at_index(index=message.at, prompt=words)

    def _option(self, at: int, choice: _Kind | _Narrower) -> Option:
        if isinstance(choice, _Kind):
            return Option(Content.styled(choice.words, "$mm-dim"), id=str(at), disabled=True)
        return Option(self._words(choice, ""), id=str(at))

    def _words(self, choice: _Narrower, number: str) -> Content:
        mark, count = ("• " if choice.is_set else "  ", "$accent"), (f"{number:>{DIGITS}}  ", "$mm-dim")
        return Content.assemble(mark, count, choice.name, (f"   {choice.more}", "$mm-dim"))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        choice = self._choices[int(message.option.id or 0)]
        if isinstance(choice, _Narrower):
            self.dismiss(choice.chosen)

    def action_close(self) -> None:
        self.dismiss(None)
