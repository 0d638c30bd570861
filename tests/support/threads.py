"""Threads in the store, opened in the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import asdict

from mm_tui.models import EmailDetail, RawContent
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.text import ManyLine
from tests.support.app import shown, until
from tests.support.seat import NOW, idle_session, mailbox, summary

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from mm_tui.app import MmTui
    from tests.support.seat import IdleSession


def detail(number: int, body: str, **fields: object) -> EmailDetail:
    base = summary(number, **fields)
    raw = RawContent(sender=str(base.sender.address), subject=str(base.subject), body=body)
    return EmailDetail(**{**asdict(base), "body": ManyLine(body), "raw": raw})


def long_thread(size: int, body: str = "Hello\n\n> quoted") -> IdleSession:
    session = idle_session(boxes=[mailbox()], mails=[summary(number, thread_id="T") for number in range(size)])
    session.mail.save_detail(detail(0, body, thread_id="T"), at=NOW)
    return session


async def open_first(app: MmTui, pilot: Pilot[None], words: str) -> ThreadScreen:
    await until(pilot, lambda: words in shown(app))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
    screen = app.screen
    assert isinstance(screen, ThreadScreen)
    return screen
