"""The texts of the status line. Each function reads the stores and services and returns one part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec.structs import replace
from textual.content import Content

from mm_tui.services.assistant.cards import STAND_IN_MODEL
from mm_tui.services.events import PartState, SyncPart, SyncPhase, SyncState, span
from mm_tui.session import Session
from mm_tui.store.mail.search import MailView
from mm_tui.text import OneLine
from mm_tui.widgets.cells import at_most
from mm_tui.widgets.words import count, mode_words

COUNTDOWN = 4
"""Cells of a countdown that began below a minute."""
LONGEST_ERROR, SHORT_ERROR = 1000, 40
"""Cells of what failed; the latter leaves room for the age of the data in 80 columns."""
FRESH_SECONDS = 60
"""Seconds: a younger age is not shown, because the line would change all the time."""


SLOW_SECONDS = 2
"""Seconds after which the gateway counts as slow to answer a decision."""
UNKNOWN = "?"
"""A count that nobody has read yet: it is not zero."""


def counts(session: Session) -> tuple[str, str]:
    """The numbers of unread and of waiting emails: empty for zero, a question mark as long as they are not known."""
    found = session.mail.counts()
    unread, waiting = (str(number) if number else "" for number in (found.unread, found.pending))
    return unread or ("" if knows_mail(session) else UNKNOWN), waiting or ("" if knows_queue(session) else UNKNOWN)


def knows_mail(session: Session) -> bool:
    """Whether the store has mail, or the gateway has said that there is none."""
    return _has_read(session, SyncPart.MAIL, SyncPart.INITIAL) or len(session.mail.keys(MailView(), limit=1)) > 0


def knows_queue(session: Session) -> bool:
    """Whether the queue has been read. Without a key for it, or offline since the start, it is unknown."""
    return _has_read(session, SyncPart.PENDING)


def knows_mailboxes(session: Session) -> bool:
    """Whether the store has mailboxes, or the gateway has said that there are none."""
    return _has_read(session, SyncPart.MAILBOXES) or bool(session.mail.mailbox_rows())


def _has_read(session: Session, *parts: SyncPart) -> bool:
    return session.sync is not None and session.sync.state.has_read(*parts)


def gateway(session: Session) -> list[Content]:
    """Whether the gateway answers, what failed and when it is tried again, from the longest to the shortest form."""
    if session.trouble:
        return [Content.assemble(("✕ ", "$error"), (OneLine(session.trouble), "$foreground"))]
    if session.sync is None:
        return [Content("◌ starting")]
    state, now = session.sync.state, session.clock.now()
    shorter = [gateway_words(state, now, most=most, retry=False) for most in (LONGEST_ERROR, SHORT_ERROR, 0)]
    return [gateway_words(state, now), *(shorter if state.error is not None else [])]


def gateway_words(state: SyncState, now: datetime, *, most: int = LONGEST_ERROR, retry: bool = True) -> Content:
    """The text for a state of the sync at the time `now`. `most`: the cells for what failed. `retry`: whether to say
    when it is tried again."""
    if state.phase is SyncPhase.INITIAL:
        start = Content(f"◐ initial sync, {state.progress:,} emails so far")
    elif state.phase is SyncPhase.LIVE and state.error is None:
        start = Content.assemble(("● ", "$accent"), "in sync", _age(state, now, ", "))
    elif state.phase is SyncPhase.CONNECTING and state.error is None:
        start = Content("◌ connecting")
    elif state.phase is SyncPhase.LIVE:
        start = Content.assemble(("▲ ", "$warning"), "partly in sync", _age(state, now, ", "))
    else:
        cure = ": see mm-tui doctor" if state.phase is SyncPhase.KEY_REFUSED else ""
        start = Content.assemble(("✕ ", "$error"), f"{state.phase}{cure}")
    if state.error is None or not most:
        return start
    error = OneLine(at_most(OneLine(state.error), most))
    tail: list[Content | tuple[str, str]] = [start, Content(" · "), (error, "$foreground")]
    if state.retry_at is not None and retry:
        left = state.retry_at - now
        words = f"next try in {span(left)}" if left >= timedelta(seconds=1) else "trying again"
        # As wide at 9 s as at 10 s: what stands behind it stays in its place.
        tail.append(Content(f" · {words:<{len('next try in ') + COUNTDOWN}}"))
    return Content.assemble(*tail)


def looks_the_same(before: SyncState, after: SyncState) -> bool:
    """Whether a line shows both states alike: they differ at most in when the gateway answered, and no age was shown
    meanwhile. So it is after most polls."""
    if before.last_ok_at is None or after.last_ok_at is None:
        return before == after
    aged = (after.last_ok_at - before.last_ok_at).total_seconds() >= FRESH_SECONDS
    return not aged and _without_times(before) == _without_times(after)


def _without_times(state: SyncState) -> tuple[SyncState, list[tuple[PartState, bool]]]:
    parts = [(replace(one, last_ok_at=None), one.last_ok_at is None) for one in state.parts]
    return replace(state, last_ok_at=None, parts=()), parts


def _age(state: SyncState, now: datetime, before: str = "") -> str:
    """How old the data is, behind the words `before`; empty while it is fresh, even if the gateway has just failed."""
    if state.last_ok_at is None or (now - state.last_ok_at).total_seconds() < FRESH_SECONDS:
        return ""
    return f"{before}data from {span(now - state.last_ok_at)} ago"


def data_age(session: Session) -> Content:
    """The age of the data while the gateway does not answer."""
    state = session.sync.state if session.sync is not None and not session.trouble else None
    if state is None or state.error is None or state.phase in (SyncPhase.INITIAL, SyncPhase.LIVE):
        return Content("")
    return Content("never synced" if state.last_ok_at is None else _age(state, session.clock.now()))


def mailbox(session: Session, mailbox_id: str | None) -> Content:
    """The mailbox shown and its oversight mode, or how many mailboxes there are."""
    boxes = session.mail.mailbox_rows()
    if len(boxes) == 1:
        mailbox_id = boxes[0].mailbox_id
    for box in boxes:
        if box.mailbox_id == mailbox_id:
            local = box.address.partition("@")[0]
            return Content(OneLine(f"{local}@ {mode_words(box.oversight_mode)}"))
    return Content(f"{len(boxes)} mailboxes") if boxes else Content("")


def assistant(session: Session) -> Content:
    """The model that answers, and today's cost; or that there is none."""
    if session.triage is None:
        return Content("")
    if not session.triage.has_key:
        return Content("no model set up")
    spend = session.triage.spend()
    model = OneLine(spend.model) or OneLine(session.settings.assist.small_model)
    who = "stand-in model" if model.startswith(STAND_IN_MODEL) else model
    # Where money is spent, how much may be.
    most = f" of ${spend.budget_usd:.2f}" if who == model and spend.budget_usd > 0 else ""
    if spend.over and spend.budget_usd > 0:
        return Content.assemble(who, (f" ▲ ${spend.budget_usd:.2f} budget spent", "$mm-risk"))
    left = span(timedelta(seconds=spend.rests_for))
    retry = f", failed: next try in {left:<{COUNTDOWN}}" if spend.rests_for else ""
    return Content.assemble(f"{who} ${spend.usd:.2f}{most} today", (retry, "$foreground"))


def incidents(session: Session, look: Callable[[], str] = str) -> Content:
    """Emails that should not have been sent, shown until somebody has looked at them. `look`: gives the hint of the key
    that goes to the email, such as `(2 shows it)`; empty if it does not work now. Looking for a key takes half a
    millisecond, and is done only where it is shown."""
    if session.decisions is None:
        return Content("")
    found = session.decisions.overview.unseen_incidents()
    if not found:
        return Content("")
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    words = f"incident: {found[-1]}{more}", "bold $mm-fail"
    return Content.assemble(("▲ ", "$error"), words, (_beside(look()), "$mm-accent"))


def _beside(hint: str) -> str:
    return f" {hint}" if hint else ""


def unsettled(
    session: Session, under_cursor: str | None = None, look: Callable[[], str] = str, *, in_queue: bool = True
) -> Content:
    """Decisions that ask or whose outcome is unknown, and failed ones until somebody has looked at them or decided
    again; not the one under the cursor. `look` is as for `incidents`; only in the queue the key goes to open ones."""
    found = session.decisions.overview.newest_unsettled(but=under_cursor) if session.decisions is not None else None
    if found is None:
        return Content("")
    view, number = found
    # The others may have failed in another way.
    more = f", {number - 1} more to look at" if number > 1 else ""
    what = "asks" if view.question is not None else view.not_done or "outcome unknown"
    words, goes_there = f"{what}: email {view.about}{more}", in_queue or view.not_done
    return Content.assemble(("▲ ", "$error"), words, (_beside(look()) if goes_there else "", "$mm-accent"))


def under_way(session: Session, undo: Callable[[], str]) -> Content:
    """The decisions that have waited for the gateway's answer for a moment, and what quitting now would mean. `undo` is
    as for `held`."""
    found = session.decisions.overview.under_way() if session.decisions is not None else []
    now = session.clock.monotonic()
    slow = [(since, is_unsent) for since, is_unsent in found if now - since >= SLOW_SECONDS]
    if not slow:
        return Content("")
    # What has left this machine matters more than what has not.
    sent, unsent = ([since for since, is_unsent in slow if is_unsent == checked] for checked in (False, True))
    told = sent or unsent
    what = "with the gateway" if sent else "being checked"
    start = f"{count(len(told), 'decision', 'decisions')} {what} for {span(timedelta(seconds=now - min(told)))}"
    start += f", {len(unsent)} being checked" if sent and unsent else ""
    means = "if you quit, it is read back next time" if sent else "quitting sends nothing"
    key = (_beside(undo()), "$mm-accent") if unsent else ""
    return Content.assemble((start, "bold $foreground"), key, (f"; {means}", "$foreground"))


def held(session: Session, undo: Callable[[], str]) -> Content:
    """The decisions that can still be undone, with the nearest deadline. `undo`: gives the hint of the undo key, such
    as `(u undo)`; empty if it does not work now."""
    if session.decisions is None:
        return Content("")
    now = session.clock.monotonic()
    waiting = [ends_at for ends_at in session.decisions.overview.hold_ends() if ends_at > now]
    if not waiting:
        return Content("")
    seconds = max(1, round(waiting[0] - now))
    return Content.assemble(
        (f"{count(len(waiting), 'decision', 'decisions')} held for {seconds} s", "bold $foreground"),
        (_beside(undo()), "$mm-accent"),
    )
