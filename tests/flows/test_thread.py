"""Reading a thread: folding, long bodies, links, and where its keys lead."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from textual.widgets import OptionList, Static

from mm_tui.messages import ServiceEventReceived
from mm_tui.screens.dialogs.dialog import ConfirmScreen
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.events import MailChanged
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.app import running_app, shown, synced_app, until
from tests.support.sandbox import file_part
from tests.support.seat import NOW, idle_session, mailbox, summary

if TYPE_CHECKING:
    from tests.support.sandbox import Sandbox
from tests.support.threads import detail, long_thread, open_first


async def test_thread_shows_the_opened_mail_and_folds_the_rest() -> None:
    session = long_thread(5)
    edited = detail(5, "Better.", thread_id="T", direction=OneLine("outbound"))
    session.mail.save_detail(edited, at=NOW)
    with session.database.write() as connection:
        DecisionStore(session.database).put(
            connection, SavedDecision("R1", "01AGENT", edited.id, "{}", "{}", None, True, "", NOW)
        )
    async with running_app(session) as (app, pilot):
        screen = await open_first(app, pilot, "Question 0")
        await until(pilot, lambda: "> quoted" in shown(app))
        assert [item.open for item in screen.thread_view.items] == [False] * 5 + [True]
        await pilot.press("enter")
        assert "> quoted" not in shown(app)
        screen.thread_view.turn_to(0)
        await pilot.press("enter")
        await until(pilot, lambda: f"this is {edited.id}, its original is 01AGENT" in shown(app), "the link")

        # The first sync brings older mail after newer: it is put before it, and does not become what is answered.
        view, reading = screen.thread_view, screen.thread_view.current
        session.mail.upsert([summary(9, thread_id="T")])
        screen.post_message(ServiceEventReceived(MailChanged()))
        await until(pilot, lambda: len(view.items) == 7, "the late one")
        assert view.items[0].row.email_id == summary(9).id
        assert view.current is reading
        await pilot.press("r")
        await until(pilot, lambda: screen.reply.reply_to is not None, "the reply")
        assert screen.reply.reply_to is not None and screen.reply.reply_to.email_id == summary(0).id


@pytest.mark.parametrize("status", ["pending_send_approval", "sent", "delivered"])
async def test_a_line_of_a_thread_opens_its_oldest_unread_email_if_its_own_was_written_by_us(status: str) -> None:
    ours = OneLine("outbound")
    mails = [
        summary(0, thread_id="T", direction=ours, status=OneLine(status)),
        summary(1, thread_id="T", status=OneLine("unread")),
        summary(2, thread_id="T", status=OneLine("unread")),
        summary(3, thread_id="T", direction=ours, status=OneLine("unread")),
        summary(4, thread_id="T"),
    ]
    async with running_app(idle_session(boxes=[mailbox()], mails=mails)) as (app, pilot):
        await until(pilot, lambda: "5" in shown(app))
        await pilot.press("slash", *"is:outbound", "enter")
        await until(pilot, lambda: "1 thread" in shown(app), "the matching thread")
        screen = await open_first(app, pilot, "is:outbound")
        assert [item.open for item in screen.thread_view.items] == [False, False, True, False, False]

        # A line of a single email is that email, and one received is what the reader chose.
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("t")
        await until(pilot, lambda: "2 emails" in shown(app), "one line per email")
        screen = await open_first(app, pilot, "is:outbound")
        assert [item.open for item in screen.thread_view.items] == [False] * 4 + [True]


async def test_unopened_message_offline_says_why_it_cannot_be_read() -> None:
    session = long_thread(3)
    session.trouble = OneLine("no gateway key is set")
    async with running_app(session) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        await pilot.press("p", "enter")
        await until(pilot, lambda: "no gateway key is set" in shown(app))


async def test_a_message_that_the_store_cannot_give_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise sqlite3.OperationalError("disk I/O error")

    async with running_app(long_thread(3)) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        monkeypatch.setattr(MailStore, "detail", broken)
        await pilot.press("p", "enter")
        await until(pilot, lambda: "disk I/O error. Press enter twice" in " ".join(shown(app).split()))


async def test_body_of_262144_characters_opens_and_scrolls_without_a_stall() -> None:
    body = ("Grüße aus 東京, alles gut? " * 9 + "\n") * 1200
    async with running_app(long_thread(1, body[:262_144])) as (app, pilot):
        screen = await open_first(app, pilot, "Question 0")
        view = screen.thread_view
        await until(pilot, lambda: view.virtual_size.height > 2000)
        began = time.perf_counter()
        view.changed(view.items[0])
        # The bound is 0.1 s on an idle machine; here it must only be the right order of magnitude.
        assert time.perf_counter() - began < 1.0
        await pilot.press("pagedown", "pagedown", "j", "k", "G")
        assert view.scroll_offset.y > 0


async def test_thread_of_a_thousand_messages_is_drawn_line_by_line() -> None:
    async with running_app(long_thread(1000)) as (app, pilot):
        screen = await open_first(app, pilot, "Question 0")
        view = screen.thread_view
        await until(pilot, lambda: len(view.items) == 1000)
        assert len(list(view.walk_children())) < 10
        await pilot.press("g")
        assert view.current is view.items[0]
        assert "writer999@customer.example" in shown(app)
        await pilot.press("G", "p", "p")
        assert view.current is view.items[997]
        await pilot.press("up", "home", "down", "down", "k")
        assert view.current is view.items[1]


async def test_raw_view_shows_what_cleaning_removed() -> None:
    async with running_app(long_thread(1, "see \x1b[31mred\x1b[0m and \u202eevil")) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        await until(pilot, lambda: "hidden characters removed" in shown(app))
        await pilot.press("v")
        await until(pilot, lambda: "\\x1b[31mred" in shown(app))
        assert "\\u202eevil" in shown(app)
        dialog, keys = app.screen.query_one(".dialog"), app.screen.query_one(".dialog--keys", Static)
        await until(pilot, lambda: "scroll" not in str(keys.content) and dialog.region.height < 20)
        await pilot.resize_terminal(80, 10)
        await until(pilot, lambda: "j k scroll" in str(keys.content) and dialog.region.height <= 10)
        await pilot.press("escape")
        assert isinstance(app.screen, ThreadScreen)


async def test_the_cleaned_text_can_be_copied() -> None:
    async with running_app(long_thread(1, "see \x1b[31mred\x1b[0m and \u202eevil")) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        await until(pilot, lambda: "hidden characters removed" in shown(app))
        await pilot.press("c")
        await until(pilot, lambda: "text copied" in shown(app))
        assert app.clipboard == "see red and evil"


async def test_links_show_their_real_host_and_nothing_opens_automatically(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    body = "Pay at [https://bank.example/login](https://evil.example/x) now."
    async with running_app(long_thread(1, body)) as (app, pilot):
        monkeypatch.setattr(app, "open_url", lambda url, **_: opened.append(url))
        await open_first(app, pilot, "Question 0")
        await until(pilot, lambda: "leads to evil.example" in shown(app))
        await pilot.press("l")
        await until(pilot, lambda: bool(app.screen.query(OptionList)))
        assert "evil.example" in shown(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        assert opened == []
        await pilot.press("enter", "escape")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
        assert opened == []
        await pilot.press("l", "enter", "y")
        await until(pilot, lambda: opened == ["https://evil.example/x"])


@pytest.mark.parametrize(("key", "offered"), [("G", [False, True]), ("p", [True, True]), ("g", [True, False])])
async def test_only_ways_that_lead_to_another_email_are_offered(key: str, offered: list[bool]) -> None:
    async with running_app(long_thread(3)) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        await pilot.press(key)
        ways = ("n next", "p previous")
        await until(pilot, lambda: [way in shown(app) for way in ways] == offered, "the ways on")


async def test_links_are_offered_only_where_there_are_some() -> None:
    async with running_app(long_thread(2, "See https://acme.example/help for more.")) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        await until(pilot, lambda: "l links" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: "l links" not in shown(app))


async def test_the_email_at_the_bottom_stays_in_view_when_the_card_above_grows() -> None:
    async with running_app(long_thread(60)) as (app, pilot):
        screen = await open_first(app, pilot, "Question 0")
        await pilot.press("enter", "G")
        await until(pilot, lambda: "▌▸" in shown(app))
        card, height = screen.query_one("#assist"), screen.thread_view.size.height
        card.styles.min_height = card.size.height + 4
        await until(pilot, lambda: screen.thread_view.size.height < height, "a taller card")
        await pilot.pause()
        assert "▌▸" in shown(app)


@pytest.mark.parametrize("recipients", [19, 600])
async def test_the_text_is_on_the_first_screen_however_many_got_it_and_however_many_files(
    sandbox: Sandbox, recipients: int
) -> None:
    everybody = [f"member.of.the.circle{number:03}@association.example" for number in range(recipients)]
    files = [file_part(f"report number {number:02}.pdf", b"x") for number in range(60)]
    sandbox.inbound(subject="Big circle", body="The meeting is at noon.", to=everybody, attachments=files)
    async with synced_app(sandbox, size=(80, 24)) as (app, pilot):
        await open_first(app, pilot, "Big circle")
        await until(pilot, lambda: "The meeting is at noon." in shown(app))
        assert "more: i lists all" in shown(app) and "and 56 more: f lists all" in shown(app)
        await pilot.press("i")
        await until(pilot, lambda: "more: i lists all" not in shown(app))
        await pilot.press("end")
        await until(pilot, lambda: everybody[-1] in "".join(shown(app).split()))
