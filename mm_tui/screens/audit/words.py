"""The texts of the audit screen: the heading, and the empty list."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from mm_tui.screens.audit.entry_list import moment
from mm_tui.services.audit.key_names import actor_words
from mm_tui.services.audit.line import narrowed
from mm_tui.services.events import SyncPart
from mm_tui.session import Session
from mm_tui.store.audit.timeline import LineFilter, Source
from mm_tui.text import OneLine
from mm_tui.widgets.words import count, joined, with_keys

NO_ADMIN = "no admin key for the gateway's log"


def heading(
    session: Session,
    names: Mapping[str, str],
    chosen: LineFilter,
    typed: str,
    rows: int,
    folded: int,
    *,
    newer: int,
    whole: bool,
) -> Content:
    """What is listed, how many lines there are, and what is missing. `folded`: how many further lines they represent.
    `newer`: how many rows came in above the view. `whole`: all have been counted; otherwise an ellipsis follows the
    number."""
    now, keys = session.clock.now(), session.settings.keys
    address = session.mail.addresses().get(chosen.mailbox_id or "")
    alone = session.sync is not None and not session.can("admin")
    both = "local journal" if alone and not session.audit.count() else "both logs"
    words = [{Source.GATEWAY: "gateway's log", Source.JOURNAL: "local journal", None: both}[chosen.source]]
    words += [address] if address else []
    words += [actor_words(chosen.actor, names)] if chosen.actor else []
    words += [OneLine(chosen.action)] if chosen.action else []
    words += [f"since {moment(chosen.since, now).strip()}"] if chosen.since else []
    total = count(rows + folded, "line", "lines") + ("" if whole else "…")
    total = f"{count(rows, 'row', 'rows')} ({total})" if folded else total
    parts = [Content.styled(total, "bold $foreground")]
    if newer:
        above = f"{count(newer, 'newer row', 'newer rows')} above: {{list.first}}"
        parts.append(Content.styled(with_keys(above, keys), "$accent"))
    parts.append(Content(" · ".join(words)))
    _, complaint = narrowed(chosen, typed, now)
    for trouble in (complaint, _gateway_trouble(session)):
        if trouble:
            parts.append(Content.assemble(("▲ ", "$warning"), (trouble, "$foreground")))
    return joined(parts, " · ")


def empty_words(session: Session, chosen: LineFilter, typed: str) -> tuple[str, ...]:
    """Why nothing is listed, and what to do next."""
    if chosen != LineFilter() or typed:
        cure = "{audit.clear} shows all lines"
        # While a search is typed the other keys are letters.
        cure += "." if typed else "; {audit.filter} and {audit.search} change the filter."
        return ("No lines match.", with_keys(cure, session.settings.keys))
    here = ("Nothing has been decided in this program on this machine yet.", "Decisions you make here appear at once.")
    if not session.can("admin") and session.sync is not None:
        return (*here, "The gateway's log is not shown: reading it needs the admin key, which mm-tui init can set.")
    if _gateway_trouble(session):
        # The heading says what is wrong.
        return here
    return (*here, "The gateway's log is empty.")


def _gateway_trouble(session: Session) -> OneLine:
    """Why the gateway's log is missing or not current; empty if it is."""
    sync = session.sync
    if sync is None:
        return session.trouble
    if not session.can("admin"):
        return OneLine(NO_ADMIN)
    part = next((part for part in sync.state.parts if part.part is SyncPart.AUDIT), None)
    if part is not None and part.error is not None:
        return OneLine(f"gateway's log: {part.error}")
    if not sync.state.has_read(SyncPart.AUDIT) and not session.audit.count():
        return OneLine("the gateway's log has not been read yet")
    return OneLine("")
