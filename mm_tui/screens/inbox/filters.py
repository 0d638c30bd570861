"""Chooses what the inbox shows: one mailbox, label or status, or a saved filter, each with its number of emails."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace
from textual.content import Content
from textual.widgets import OptionList
from textual.worker import get_current_worker

from mm_tui.query import MAIL_FILTERS, saved
from mm_tui.screens.dialogs.dialog import Line, ListDialog, heading
from mm_tui.session import Session
from mm_tui.store.mail.search import MailView, parse_query
from mm_tui.text import OneLine

STATUSES = ("unread", "waiting", "sent", "failed", "rejected", "spam", "archived")
DIGITS = 7
"""The width in cells of a number of emails."""


class _Narrower(msgspec.Struct, frozen=True):
    """A filter that narrows the current view."""

    name: OneLine
    view: MailView
    """The view with this filter."""
    chosen: MailView
    """The view after choosing it: `view`, or the view without this filter if it is set."""
    more: OneLine = OneLine("")

    def drawn_with(self, number: str = "") -> Content:
        """Its line, with the number of emails once they are counted."""
        mark = ("• " if self.view != self.chosen else "  ", "$accent")
        count = (f"{number:>{DIGITS}}  ", "$mm-dim")
        return Content.assemble(mark, count, self.name, (f"   {self.more}", "$mm-dim"))


class FilterScreen(ListDialog[MailView]):
    """A list of all filters; choosing one that is already set removes it."""

    def __init__(self, session: Session, view: MailView) -> None:
        self._session = session
        self._choices = list(_choices(session, view))
        lines = [heading(one) if isinstance(one, str) else Line(one.drawn_with(), one.chosen) for one in self._choices]
        super().__init__("Show only", lines, choose="choose; choose again to clear it")

    def on_mount(self) -> None:
        self.run_worker(self._count, thread=True, exclusive=True, group="count", exit_on_error=False)

    def _count(self) -> None:
        worker, now = get_current_worker(), self._session.clock.now()
        for at, choice in enumerate(self._choices):
            if worker.is_cancelled:
                return
            if isinstance(choice, _Narrower):
                query = parse_query(choice.view.query, now)
                number = self._session.mail.count(choice.view, query=query)
                self.call_later(self._show_line, at, choice.drawn_with(f"{number:,}" if number else "–"))

    def _show_line(self, at: int, words: Content) -> None:
        self.query_one(OptionList).replace_option_prompt_at_index(index=at, prompt=words)


def _choices(session: Session, view: MailView) -> Iterator[str | _Narrower]:
    """The filters in groups, each after its heading."""

    def narrower(name: str, narrowed: MailView, without: MailView, more: str = "") -> _Narrower:
        return _Narrower(OneLine(name), narrowed, without if narrowed == view else narrowed, OneLine(more))

    yield "Mailbox"
    for box in session.mail.mailbox_rows():
        yield narrower(box.address, replace(view, mailbox_id=box.mailbox_id), replace(view, mailbox_id=None))
    yield "Label"
    for label in session.settings.assist.labels:
        yield narrower(label, replace(view, label=label), replace(view, label=None))
    yield "Status"
    for status in STATUSES:
        yield narrower(status, replace(view, status=status), replace(view, status=None))
    yield "Saved"
    for name, text in saved(session.settings.filters.inbox, MAIL_FILTERS).items():
        yield narrower(name, replace(view, query=text), replace(view, query=""), text)
