"""Chooses which lines of the two logs are shown: one log, actor, action, mailbox or period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace
from textual.content import Content

from mm_tui.screens.dialogs.dialog import Line, ListDialog, heading
from mm_tui.services.audit.key_names import NO_NAMES
from mm_tui.services.audit.line import GATEWAY_WORDS, JOURNAL_WORDS, actor_words
from mm_tui.store.audit.timeline import Facet, LineFilter, Source
from mm_tui.text import OneLine

STEP_WORDS = {
    "held": "decision held",
    "deciding": "decision in progress",
    "done": "decision accepted",
    "ended": "decision ended",
    "answered": "question answered",
}
"""Our words for the journal's steps of any decision."""
MOST = 40
"""The most actors, and actions, to offer; others can be found by searching."""
SPANS = (("the last hour", timedelta(hours=1)), ("24 hours", timedelta(days=1)), ("7 days", timedelta(days=7)),
         ("30 days", timedelta(days=30)))  # fmt: skip


class AuditFilterScreen(ListDialog[LineFilter]):
    """A list of all filters for the lines; choosing one that is already set removes it.

    Args:
        now: the current time, at which periods end.
        names: the names of keys, by their ids.
    """

    def __init__(
        self,
        chosen: LineFilter,
        actors: Sequence[Facet],
        actions: Sequence[Facet],
        boxes: Sequence[tuple[str, str]],
        now: datetime,
        names: Mapping[str, str] = NO_NAMES,
    ) -> None:
        lines = list(_choices(chosen, actors, actions, boxes, now, names))
        super().__init__("Show only", lines, choose="choose; choose again to clear it")


def _choices(
    chosen: LineFilter,
    actors: Sequence[Facet],
    actions: Sequence[Facet],
    boxes: Sequence[tuple[str, str]],
    now: datetime,
    names: Mapping[str, str],
) -> Iterator[Line[LineFilter]]:
    yield heading("Log")
    for source, words in ((Source.GATEWAY, "the gateway's log"), (Source.JOURNAL, "the local journal")):
        on = chosen.source is source
        yield _choice(words, replace(chosen, source=None if on else source, action=None), on)
    yield heading("Time")
    for words, span in SPANS:
        yield _choice(words, replace(chosen, since=now - span), chosen.since == now - span)
    if chosen.since is not None:
        yield _choice("any time", replace(chosen, since=None), False)
    yield heading("Mailbox")
    for mailbox_id, address in boxes:
        on = chosen.mailbox_id == mailbox_id
        yield _choice(address, replace(chosen, mailbox_id=None if on else mailbox_id), on)
    for title, source in (("People (local journal)", Source.JOURNAL), ("Keys (gateway's log)", Source.GATEWAY)):
        here = [facet for facet in actors if facet.source is source][:MOST]
        if here:
            yield heading(title)
        for facet in here:
            on = chosen.actor == facet.value
            words = actor_words(facet.value, facet.source, names)
            yield _choice(words, replace(chosen, actor=None if on else str(facet.value)), on, _lines(facet))
    yield heading("What")
    for facet in actions[:MOST]:
        on = chosen.action == facet.value and chosen.source is facet.source
        action, log = (None, None) if on else (str(facet.value), facet.source)
        known = GATEWAY_WORDS if facet.source is Source.GATEWAY else {**STEP_WORDS, **JOURNAL_WORDS}
        words = known.get(facet.value, facet.value.replace("_", " "))
        yield _choice(words, replace(chosen, action=action, source=log), on, _lines(facet))


def _choice(words: str, result: LineFilter, on: bool, more: str = "") -> Line[LineFilter]:
    sign = ("• " if on else "  ", "$accent")
    return Line(Content.assemble(sign, OneLine(words), (f"  {more}", "$mm-dim")), result)


def _lines(facet: Facet) -> str:
    return f"{facet.lines:,} in the {'gateway' if facet.source is Source.GATEWAY else 'journal'}"
