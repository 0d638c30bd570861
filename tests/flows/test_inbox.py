"""The inbox through the app: painted from the store, searched, filtered, opened."""

from __future__ import annotations

import threading

import pytest
from msgspec.structs import asdict
from textual.widgets import Input

from mm_tui.models import EmailDetail, RawContent
from mm_tui.review.findings import Finding
from mm_tui.screens.inbox.column import FIRST_KEYS, KeysRead, MailColumn
from mm_tui.screens.inbox.preview import Preview
from mm_tui.screens.inbox.screen import InboxScreen
from mm_tui.screens.inbox.words import GREETED
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.events import MailChanged
from mm_tui.settings.sections import Settings
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import ManyLine, OneLine
from tests.support.app import drawn, running_app, settings_for, shown, synced_app, until
from tests.support.pictured_mail import filled_session
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, idle_session, mailbox, summary


def _inbox(app: object) -> InboxScreen:
    screen = app.screen  # type: ignore[attr-defined] # the app of the test
    assert isinstance(screen, InboxScreen)
    return screen


async def test_list_is_painted_from_the_store_before_the_network_side_exists() -> None:
    session = idle_session(boxes=[mailbox()], mails=[summary(number) for number in range(30)])
    async with running_app(session) as (app, _pilot):
        assert session.sync is None
        text = shown(app)
    assert "writer0@customer.example" in text
    assert "Question 3" in text
    assert "acme · TEST" in text
    assert "30 threads" in text


async def test_search_shows_matches_as_they_are_typed_and_escape_brings_all_back() -> None:
    session = idle_session(mails=[summary(number) for number in range(300)])
    session.mail.upsert([summary(400, subject=OneLine("Refund for order 4471"))])
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 301)
        await pilot.press("slash", *"refund 44")
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 1)
        assert "Refund for order 4471" in shown(app)
        await until(pilot, lambda: "writer400@customer.example" in shown(app).split("from     ")[-1])
        await pilot.press("enter")
        assert app.focused is _inbox(app).mails
        await pilot.press("escape")
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 301)
        assert app.screen.query_one("#search", Input).value == ""


async def test_a_search_begins_with_the_letter_itself_and_shows_its_first_page_before_all_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = idle_session(mails=[summary(number) for number in range(600)])
    async with running_app(session) as (app, pilot):
        inbox = _inbox(app)
        await until(pilot, lambda: "600 threads" in shown(app))
        reported: list[tuple[int, bool, str]] = []
        taken = MailColumn.take_keys

        def take(column: MailColumn, found: KeysRead) -> None:
            reported.append((len(found.keys), found.whole, shown(app)))
            taken(column, found)

        monkeypatch.setattr(MailColumn, "take_keys", take)
        await pilot.press("slash")
        line = inbox.query_one("#search", Input)
        line.value = "question"
        assert inbox.column.view.query == "question", "a search does not wait until the letter has been drawn"
        await until(pilot, lambda: len(reported) == 2)
        assert [(found, whole) for found, whole, _ in reported] == [(FIRST_KEYS, False), (600, True)]
        assert f"{FIRST_KEYS} threads…" in reported[1][2], "what is on the screen is never called the whole"
        await until(pilot, lambda: "600 threads ·" in shown(app))
        column, keys = inbox.column, session.mail.keys(inbox.column.view)
        taken(column, KeysRead(column.view, keys[:FIRST_KEYS], whole=False, fresh=True))
        inbox.mails.action_last()
        taken(column, KeysRead(column.view, keys[:FIRST_KEYS], whole=False, fresh=False, total=600))
        await until(pilot, lambda: "600 threads ·" in shown(app))
        assert inbox.mails.cursor == FIRST_KEYS - 1
        taken(column, KeysRead(column.view, keys, whole=True, fresh=False))
        assert inbox.mails.cursor == 599, "who wants the last email gets it, though only the first were read then"


async def test_search_without_a_match_says_why_the_list_is_empty() -> None:
    session = idle_session(mails=[summary(1)])
    async with running_app(session) as (app, pilot):
        await pilot.press("slash", *"nosuchword")
        await until(pilot, lambda: "Nothing matches" in shown(app))


async def test_an_unknown_operator_is_reported_beside_the_results() -> None:
    session = idle_session(mails=[summary(1)])
    async with running_app(session) as (app, pilot):
        await pilot.press("slash", *"before:soon")
        await until(pilot, lambda: "; ignored" in shown(app))


async def test_cursor_stays_on_its_mail_while_mail_arrives() -> None:
    session = idle_session(mails=[summary(number) for number in range(100, 400)])
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 300)
        await pilot.press(*["j"] * 60)
        mails = _inbox(app).mails
        row = mails.current_row
        line = mails.cursor - mails.scroll_offset.y
        session.mail.upsert([summary(number) for number in range(50)])
        app.take_event(MailChanged(None))
        await until(pilot, lambda: len(mails.keys) == 350)
        assert mails.current_row is not None
        assert row is not None
        assert mails.current_row.email_id == row.email_id
        assert mails.cursor - mails.scroll_offset.y == line


async def test_filter_and_mailbox_keys_narrow_the_list() -> None:
    session = idle_session(
        boxes=[mailbox(), mailbox("mb2", "billing@acme.example")],
        mails=[summary(number, mailbox_id="mb2" if number % 3 == 0 else "mb1") for number in range(9)],
    )
    async with running_app(session) as (app, pilot):
        await pilot.press("m")
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 3)
        assert "billing@acme.example" in shown(app)
        assert "billing@ gated" in drawn(app), "on the status line"
        await pilot.press("m", "m")
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 9)
        await pilot.press("f")
        assert "Show only" in shown(app)
        await until(pilot, lambda: "6  support@acme.example" in shown(app))
        await until(pilot, lambda: "3  billing@acme.example" in shown(app))
        await until(pilot, lambda: "–  urgent   is:urgent is:unread" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: len(_inbox(app).mails.keys) == 3)


async def test_empty_inbox_says_what_is_missing() -> None:
    session = idle_session()
    session.settings = Settings()
    session.state.set(GREETED, None)
    session.trouble = OneLine("no gateway key is set: run mm-tui init, or set MULTIMAIL_API_KEY")
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: "No mail on this machine yet." in shown(app))
        assert "Welcome. mm-tui init connects your account; mm-tui demo shows sample mail." in shown(app)
        assert "Without an account, mm-tui demo" in shown(app)


async def test_services_that_cannot_be_built_are_not_said_to_be_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    session = idle_session(mails=[summary(1)])
    monkeypatch.setattr(session, "build", lambda _notify: 1 // 0)
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: "the connection to the gateway could not be started" in shown(app))
        await pilot.press("2")
        await until(pilot, lambda: "The queue cannot be loaded." in shown(app))


async def test_hostile_subjects_reach_no_surface() -> None:
    hostile = "[/x] [@click=app.leave]\x1b]52;c;SGVsbG8=\x07 [b]bold[/b] \x1b[2J‮abc​ \x9b31m end"
    for size in ((120, 40), (80, 24), (60, 20)):
        other = idle_session(mails=[summary(1, subject=OneLine(hostile))])
        async with running_app(other, size=size) as (app, pilot):
            await pilot.press("j")
            text = shown(app)
            assert "[/x] [@click=app.leave]" in text
            assert not any(sign in text for sign in "\x1b\x07\x9b‮​")


async def test_resting_on_a_mail_fetches_nothing_and_opening_it_marks_it_read(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Where is my parcel", body="It has not come.\n\n> quoted words")
    async with synced_app(sandbox) as (app, pilot):
        await until(pilot, lambda: "Where is my parcel" in shown(app))
        await until(pilot, lambda: "marks it read at the gateway" in shown(app))
        assert sandbox.status(mail["id"]) == "unread"
        # Its tags may have been read meanwhile, which does not open it.
        opened = [call for call in sandbox.calls("GET") if call["path"].endswith(f"/emails/{mail['id']}")]
        assert not opened
        await pilot.press("enter")
        await until(pilot, lambda: "It has not come." in shown(app))
        assert isinstance(app.screen, ThreadScreen)
        assert sandbox.status(mail["id"]) == "read"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, InboxScreen), "the inbox again")


async def test_a_gateway_that_is_down_is_reported_and_the_store_stays_readable(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Stored mail", body="text")
    async with synced_app(sandbox) as (app, pilot):
        await until(pilot, lambda: "Stored mail" in shown(app))
        sandbox.fault(path=".*", kind="status", status=503, count=0)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "next try in" in shown(app))
        assert "Stored mail" in shown(app)


async def test_first_run_shows_one_hint_and_later_runs_none() -> None:
    session = idle_session()
    session.state.set(GREETED, None)
    async with running_app(session, size=(80, 24)) as (app, _pilot):
        assert "Welcome." in shown(app)
    assert "Welcome." not in await _second_run()


async def _second_run() -> str:
    async with running_app(idle_session(), size=(80, 24)) as (app, _pilot):
        return shown(app)


async def test_tags_that_another_agent_set_are_shown_in_list_preview_and_thread(sandbox: Sandbox) -> None:
    mail = str(sandbox.inbound(subject="Invoice 7", body="Please refund me.")["id"])
    tags = {"billing": "true", "summarized": "true", "notes": "Wants a refund.", "plan": "gold\x1b[31m"}
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail}/tags", key="send", json={"tags": tags})
    async with running_app(settings_for(sandbox), size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: "#plan: gold" in drawn(app) and "Wants a refund." in drawn(app), "the chips")
        row = next(line for line in drawn(app).splitlines() if "Invoice 7" in line)
        assert " billing " in row and "#plan: gold" in row and "#summarized" in row and "Wants a refund." in row
        assert "#billing" not in drawn(app) and "#notes" not in drawn(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Please refund me." in drawn(app), "the thread")
        assert any("tags" in line and "#plan: gold" in line for line in drawn(app).splitlines())


async def test_the_preview_warns_of_links_and_shows_where_they_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    session, read_in = filled_session(), set()
    detail = MailStore.detail

    def noted(store: MailStore, email_id: str) -> EmailDetail | None:
        read_in.add(threading.current_thread())
        return detail(store, email_id)

    monkeypatch.setattr(MailStore, "detail", noted)
    session.settings = session.settings.replaced(keys={"app.pending": "f2", "app.help": "question_mark,f3"})
    async with running_app(session, size=(200, 50)) as (app, pilot):
        await until(pilot, lambda: "leads to acme-refunds.example" in drawn(app), "the warning of the thread")
        assert "https://acme.example/refund ‹acme-refunds.example›" in drawn(app)
        assert threading.main_thread() not in read_in, "a large body would hold up the screen"
        assert " f2 Pending" in drawn(app)
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: "esc to show all mail, f3 for the operators" in drawn(app), "keys that work here")


def _detail(body: str) -> EmailDetail:
    base = summary(0)
    raw = RawContent(sender=str(base.sender.address), subject=str(base.subject), body=body)
    return EmailDetail(**{**asdict(base), "body": ManyLine(body), "raw": raw})


async def test_the_preview_does_not_go_back_to_a_text_that_was_read_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    session = idle_session(boxes=[mailbox()], mails=[summary(0)])
    session.mail.save_detail(_detail("The first text."), at=NOW)
    go_on, late, looked = threading.Event(), [True], [0]
    findings = session.inspection.findings

    def refresh() -> None:
        if late:
            late.clear()
            go_on.wait(10)

    def counted(mail: EmailDetail) -> tuple[Finding, ...]:
        looked[0] += 1
        return findings(mail)

    monkeypatch.setattr(session.inspection, "refresh", refresh)
    monkeypatch.setattr(session.inspection, "findings", counted)
    async with running_app(session, size=(200, 50)) as (app, pilot):
        await until(pilot, lambda: "The first text." in drawn(app) and not late, "the text")
        session.mail.save_detail(_detail("The second text."), at=NOW)
        _inbox(app).query_one(Preview).show(_inbox(app).mails.current_row)
        await until(pilot, lambda: "The second text." in drawn(app), "the new text")
        await pilot.pause()
        before = looked[0]
        go_on.set()
        await until(pilot, lambda: looked[0] > before, "the first reading goes on")
        await pilot.pause()
        await pilot.pause()
        assert "The second text." in drawn(app)
