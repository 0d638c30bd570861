"""Bodies that take long to render, through the app."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import asdict

from mm_tui.models import EmailDetail, RawContent
from mm_tui.review import render_pass
from mm_tui.review.render_pass import is_source, render_all
from mm_tui.review.rendered import Rendered
from mm_tui.screens import rendering
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.text import ManyLine
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import running_queue
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, idle_session, mailbox, summary

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from mm_tui.app import MmTui

LONG = "\n\n".join(f"Paragraph **{number}** of [many](https://acme.example/{number})." for number in range(4_000))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Rendering in threads waits until this is set."""
    go = threading.Event()

    def waits(sources: Iterable[str]) -> list[Rendered]:
        assert go.wait(120)
        return render_all(sources)

    for module in (rendering, render_pass):
        monkeypatch.setattr(module, "render_all", waits)
    return go


def long_text(mark: str) -> str:
    """No other test has it rendered already."""
    return f"*{mark}*\n\n{LONG}"[:200_000]


async def test_a_long_draft_is_shown_as_its_source_until_it_is_rendered(
    sandbox: Sandbox, held: threading.Event
) -> None:
    sandbox.draft(long_text("draft"))
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await until(pilot, lambda: "Paragraph **0**" in screen.pane.main.page.text)
        await until(pilot, lambda: "Markdown source" in shown(app))
        held.set()
        await until(pilot, lambda: "Paragraph 0 of many ‹acme.example›" in screen.pane.main.page.text)
        await until(pilot, lambda: "Markdown source" not in shown(app))
        assert "Paragraph 3000 of many" in screen.pane.main.page.text


@pytest.mark.parametrize("drawn_meanwhile", [False, True])
async def test_a_long_draft_that_is_being_read_does_not_change_under_the_reader(
    sandbox: Sandbox, held: threading.Event, monkeypatch: pytest.MonkeyPatch, drawn_meanwhile: bool
) -> None:
    sandbox.draft(long_text(f"read {drawn_meanwhile}"))
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await until(pilot, lambda: "Paragraph **0**" in screen.pane.main.page.text)
        await pilot.press("enter")
        await until(pilot, lambda: screen.is_reading and screen.pane.main.max_scroll_y > 0, "its layout")
        await pilot.press("pagedown")
        await until(pilot, lambda: screen.pane.main.scroll_offset.y > 0, "the next page")
        before = screen.pane.main.page
        if drawn_meanwhile:
            # The rendering is there, and a poll is drawn before the screen hears of it.
            monkeypatch.setattr(screen.pane, "on_bodies_rendered", lambda _: None)
            held.set()
            await until(
                pilot, lambda: not is_source(screen.current.item.body if screen.current else ""), "it is rendered"
            )
            screen.pane._draw(keep_place=True, again=True)
        held.set()
        await until(pilot, lambda: screen.pane._stays_source)
        assert screen.pane.main.page == before
        await until(pilot, lambda: "Markdown source" in shown(app), "the tab that says so")
        await pilot.press("m")
        await until(pilot, lambda: "Paragraph 0 of many" in screen.pane.main.page.text)


async def _opened(app: MmTui, pilot: Pilot[None]) -> ThreadScreen:
    await until(pilot, lambda: "Question 0" in shown(app))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
    assert isinstance(app.screen, ThreadScreen)
    return app.screen


async def test_all_mails_of_a_long_thread_are_rendered_when_they_are_unfolded() -> None:
    session = idle_session(boxes=[mailbox()], mails=[summary(number, thread_id="T") for number in range(1_000)])
    for number in range(1_000):
        base = summary(number, thread_id="T")
        body = f"Mail **{number}**\n\n" + "and *more* of it " * 10
        body += "[www.acme.example](https://elsewhere.example/pay)" if number == 3 else ""
        raw = RawContent(sender=str(base.sender.address), subject=str(base.subject), body=body)
        session.mail.save_detail(EmailDetail(**{**asdict(base), "body": ManyLine(body), "raw": raw}), at=NOW)
    async with running_app(session) as (app, pilot):
        view = (await _opened(app, pilot)).thread_view
        await until(pilot, lambda: len(view.items) == 1_000)
        await pilot.press("o")
        await until(pilot, lambda: all(item.body.made.text.startswith("Mail ") for item in view.items))
        await until(pilot, lambda: not any("*" in item.body.made.text for item in view.items))
        await until(pilot, lambda: bool(view.items[3].findings), "where the link leads")
        await pilot.press("m")
        await until(pilot, lambda: all("**" in item.body.made.text for item in view.items))
        await until(pilot, lambda: "shown as Markdown" in shown(app), "what the key did")
