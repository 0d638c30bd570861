"""Pictures of the reading screens and the small dialogs. Looked at one by one when they change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from mm_tui.app import MmTui
from mm_tui.screens.dialogs.leave import LeaveScreen, OnTheWay
from mm_tui.screens.inbox.mail_list import MailList
from mm_tui.screens.thread.reply_editor import ReplyEditor
from mm_tui.services.assistant.cards import CardPhase, CardState, DraftText
from mm_tui.services.events import SyncPhase, SyncState
from mm_tui.text import ManyLine, OneLine
from tests.snapshots.pictures import Gallery, after, still
from tests.support.pictured_mail import LIVE, app, filled_session
from tests.support.seat import NOW

if TYPE_CHECKING:
    from textual.pilot import Pilot

INBOX: Mapping[str, tuple[str, ...]] = {
    "list": ("j", "j"),
    "searching": ("slash", *"refund"),
    "folded": ("t",),
    "unmatched": ("slash", *"zzz"),
    "help": ("question_mark",),
    "filter": ("f",),
    "label": ("b",),
    "palette": ("ctrl+p",),
    "automatic": ("f8",),
}
THREAD: Mapping[str, tuple[str, ...]] = {
    "open": (),
    "unfolded": ("o",),
    "links": ("l",),
    "files": ("f",),
    "sender": ("i",),
    "raw": ("v",),
    "help": ("question_mark",),
    "reply": ("r", *"Dear Anna"),
}
"""The keys that lead to each state."""


@pytest.mark.parametrize("name", INBOX)
async def test_inbox(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), after(*INBOX[name]), main=name == "list")


async def test_inbox_empty_and_offline(gallery: Gallery) -> None:
    state = SyncState(SyncPhase.OFFLINE, None, OneLine("the gateway could not be reached"), NOW + timedelta(seconds=8))
    await gallery.shows(app(mails=0, state=state), after())


async def test_inbox_live_and_empty(gallery: Gallery) -> None:
    await gallery.shows(app(mails=0, state=LIVE), after())


SPAM: Mapping[str, int] = {"report": 0, "restore": 7}
"""What is asked of a mail, and its number in the scene."""


@pytest.mark.parametrize("name", SPAM)
async def test_spam_question(gallery: Gallery, name: str) -> None:
    session = filled_session()
    session.spam = cast(Any, object())  # nothing is marked before the answer
    cast(Any, session).can = lambda _scope: True

    async def ask(pilot: Pilot[None]) -> None:
        await still(pilot)
        mails = pilot.app.screen.query_one(MailList)
        wanted = f"01TEST{SPAM[name]:06}"
        while mails.current_row is None or mails.current_row.email_id != wanted:
            await pilot.press("j")
        await after("exclamation_mark")(pilot)

    await gallery.shows(MmTui(session), ask)


@pytest.mark.parametrize("name", THREAD)
async def test_thread(gallery: Gallery, name: str) -> None:
    await gallery.shows(app(), after("enter", *THREAD[name]), main=name == "open")


@pytest.mark.parametrize(
    "card",
    [
        CardState(CardPhase.NO_KEY, OneLine("No AI21 key is set: mail can be read and answered without one.")),
        CardState(CardPhase.WAITING, OneLine("The assistant will read this thread soon."), can_retry=True),
        CardState(CardPhase.WORKING, OneLine("reading the thread")),
        CardState(CardPhase.FAILED, OneLine("The model did not answer in time."), can_retry=True),
        CardState(CardPhase.OVER_BUDGET, OneLine("Today's budget of $1.00 is spent.")),
    ],
    ids=lambda card: str(card.phase),
)
async def test_thread_with_a_card_that_has_nothing_yet(gallery: Gallery, card: CardState) -> None:
    await gallery.shows(app(card=card), after("enter"))


async def _endless_draft() -> AsyncIterator[DraftText]:
    yield DraftText(ManyLine("Dear Anna,\n\nthank you for telling us. I have asked"), done=False)
    await asyncio.Event().wait()


async def test_reply_while_the_model_writes(gallery: Gallery) -> None:
    async def stream(pilot: Pilot[None]) -> None:
        await after("enter", "r")(pilot)
        reply = pilot.app.screen.query_one(ReplyEditor)
        reply.note("jamba-large-1.7 is writing · esc stops it")
        # In a group whose workers nobody waits for: this model never ends.
        pilot.app.run_worker(reply.area.let_model_write(_endless_draft()), group="services")
        await still(pilot)

    await gallery.shows(app(), stream)


async def test_leaving_with_held_decisions(gallery: Gallery) -> None:
    async def ask(pilot: Pilot[None]) -> None:
        await still(pilot)
        pilot.app.push_screen(LeaveScreen(OnTheWay(frozenset({"d-one", "d-two"}), frozenset())))
        await still(pilot)

    await gallery.shows(app(), ask)
