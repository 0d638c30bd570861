"""Chooses which lines of the two logs are shown: one log, actor, action, mailbox or period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.screens.dialogs.confirm import keys_line
from mm_tui.services.audit.line import GATEWAY_WORDS, actor_words
from mm_tui.store.audit.timeline import Facet, LineFilter, Source
from mm_tui.text import OneLine
from mm_tui.widgets.choice_list import ChoiceList

if TYPE_CHECKING:
    from textual.app import ComposeResult

MOST = 40
"""The most actors, and actions, to offer; others can be found by searching."""
SPANS = (("the last hour", timedelta(hours=1)), ("24 hours", timedelta(days=1)), ("7 days", timedelta(days=7)),
         ("30 days", timedelta(days=30)))  # fmt: skip


class _Choice(NamedTuple):
    words: str
    more: str
    result: LineFilter
    now: bool


class AuditFilterScreen(ModalScreen[LineFilter | None]):
    """A list of all filters for the lines; choosing one that is already set removes it.

    Args:
        chosen: what is shown now.
        actors: who did something.
        actions: what was done.
        boxes: (id, address) of each mailbox.
        now: the current time, at which periods end.
    """

    CSS_PATH = "../dialogs/dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
    ]

    def __init__(
        self,
        chosen: LineFilter,
        actors: Sequence[Facet],
        actions: Sequence[Facet],
        boxes: Sequence[tuple[str, str]],
        now: datetime,
    ) -> None:
        super().__init__()
        self._choices: list[_Choice | str] = ["Log"]
        for source, words in ((Source.GATEWAY, "the gateway's log"), (Source.JOURNAL, "the local journal")):
            on = chosen.source is source
            self._add(words, "", replace(chosen, source=None if on else source, action=None), on)
        self._choices.append("Time")
        for words, span in SPANS:
            on = chosen.since == now - span
            self._add(words, "", replace(chosen, since=now - span), on)
        if chosen.since is not None:
            self._add("any time", "", replace(chosen, since=None), False)
        self._choices.append("Mailbox")
        for mailbox_id, address in boxes:
            on = chosen.mailbox_id == mailbox_id
            self._add(address, "", replace(chosen, mailbox_id=None if on else mailbox_id), on)
        self._choices.append("Who")
        for facet in actors[:MOST]:
            on = chosen.actor == facet.value
            words = actor_words(facet.value, facet.source)
            self._add(words, _lines(facet), replace(chosen, actor=None if on else str(facet.value)), on)
        self._choices.append("What")
        for facet in actions[:MOST]:
            on = chosen.action == facet.value and chosen.source is facet.source
            result = replace(chosen, action=None, source=None) if on else replace(
                chosen, action=str(facet.value), source=facet.source
            )  # fmt: skip
            words = GATEWAY_WORDS.get(facet.value, facet.value) if facet.source is Source.GATEWAY else facet.value
            self._add(words, _lines(facet), result, on)

    def _add(self, words: str, more: str, result: LineFilter, now: bool) -> None:
        self._choices.append(_Choice(words, more, result, now))

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Show only"), classes="dialog--title")
            yield ChoiceList(*[self._option(at, choice) for at, choice in enumerate(self._choices)])
            yield keys_line(("enter", "choose; choose again to clear it"), ("esc", "close"))

    def _option(self, at: int, choice: _Choice | str) -> Option:
        if isinstance(choice, str):
            return Option(Content.styled(choice, "$mm-dim"), id=str(at), disabled=True)
        sign = ("• " if choice.now else "  ", "$accent")
        return Option(Content.assemble(sign, OneLine(choice.words), (f"  {choice.more}", "$mm-dim")), id=str(at))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        choice = self._choices[int(message.option.id or 0)]
        if not isinstance(choice, str):
            self.dismiss(choice.result)

    def action_close(self) -> None:
        self.dismiss(None)


def _lines(facet: Facet) -> str:
    return f"{facet.lines:,} in the {'gateway' if facet.source is Source.GATEWAY else 'journal'}"
