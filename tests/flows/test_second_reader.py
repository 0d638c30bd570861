"""The second reader, what the thread asks for and the house facts, on the screens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mm_tui.screens.inbox.screen import InboxScreen
from mm_tui.screens.pending.pane import View
from mm_tui.services.assistant.service import Assistant
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Assist, Settings
from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import reading_queue, running_queue, seen
from tests.support.sandbox import Sandbox

ASKED = "Hello,\nwhere is order 88412? It was due on Monday. Please answer today. Anna"
WRONG = "Hello Anna,\norder 88421 leaves today; it was due on Monday.\nMara"


def assisted(sandbox: Sandbox, **assist: Any) -> Settings:
    """Settings with a key for the stand-in."""
    settings = settings_for(sandbox, assist=Assist(automatic=False, **assist))
    key = {"ai21_key": Secret(sandbox.ai21_key), "ai21_host": sandbox.ai21_url}
    return settings.replaced(profile=settings.profile.replaced(**key))


def a_reply(sandbox: Sandbox, body: str = WRONG) -> str:
    mail = sandbox.inbound(subject="Order", body=ASKED)["id"]
    sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail}", key="send")
    draft = str(sandbox.reply(mail, body)["id"])
    sandbox.wait_for(draft, "pending_send_approval")
    return str(mail)


async def test_a_key_asks_and_both_quotes_are_marked(sandbox: Sandbox) -> None:
    a_reply(sandbox)
    async with running_queue(assisted(sandbox), 1, size=(120, 40)) as (app, pilot, screen):
        await until(pilot, lambda: any(one.detail for one in screen.listing.entries[0].thread), "the thread's text")
        await seen(pilot, screen)
        before = screen.listing.entries[0].assessment
        await pilot.press("r")
        await until(pilot, lambda: "stand-in, not Jamba" in shown(app), "who read")
        assert "contradicted: “order 88421”; thread: “order 88412”" in shown(app)
        marks = [mark for mark in screen.pane.main._page.marks if mark.style == "reader"]
        text = screen.pane.main._page.text
        assert [text[mark.start : mark.end] for mark in marks] == ["order 88421"]
        screen.pane.show_view(View.THREAD)
        page = screen.pane.main._page
        assert [page.text[m.start : m.end] for m in page.marks if m.style == "reader"] == ["order 88412"]
        assert screen.listing.entries[0].assessment == before, "no level and no order changes"
        screen.pane.show_view(View.DRAFT)
        await pilot.press("i")
        await until(pilot, lambda: "Findings" in shown(app), "the page of findings")
        assert "contradicted: “order 88421”" in shown(app)
        for finding in screen.listing.entries[0].assessment.findings:
            assert f"({finding.code}, {finding.level.word} risk)" in " ".join(shown(app).split())
        await pilot.press("escape")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: len(sandbox.outbox()) == 1, "one key to approve all the same")


async def test_it_reads_automatically_where_the_settings_say_so(sandbox: Sandbox) -> None:
    a_reply(sandbox)
    settings = assisted(sandbox, second_reader=True)
    async with running_queue(settings, 1, size=(120, 40)) as (app, pilot, screen):
        await until(pilot, lambda: any(one.detail for one in screen.listing.entries[0].thread), "the thread's text")
        await until(pilot, lambda: "contradicted: “order 88421”" in shown(app), "what it points at")


@pytest.mark.parametrize("automatic", [False, True], ids=["asked", "automatic"])
async def test_a_reading_goes_on_while_the_list_changes(
    sandbox: Sandbox, automatic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        a_reply(sandbox)
    asked, answers, ask = list[str](), asyncio.Event(), Assistant.second_reading

    async def slow(self: Assistant, draft_id: str, *more: Any, **named: Any) -> Any:
        asked.append(draft_id)
        await answers.wait()
        return await ask(self, draft_id, *more, **named)

    monkeypatch.setattr(Assistant, "second_reading", slow)
    async with running_queue(assisted(sandbox, second_reader=automatic), 2, size=(120, 40)) as (app, pilot, screen):
        await until(pilot, lambda: any(one.detail for one in screen.listing.entries[0].thread), "the thread's text")
        await seen(pilot, screen)
        if not automatic:
            await pilot.press("r")
            await until(pilot, lambda: "the second reader is at work; r stops it" in shown(app), "that it was asked")
        await until(pilot, lambda: asked, "the model at work")
        # As whenever something changes in the queue.
        screen.second_reading._look()
        await pilot.pause()
        answers.set()
        await until(pilot, lambda: "contradicted: “order 88421”" in shown(app), "its answer")
    assert len(set(asked)) == len(asked), "no answer was thrown away and asked for again"


async def test_what_the_thread_asks_for_is_shown_above_the_draft(sandbox: Sandbox) -> None:
    mail = a_reply(sandbox)
    async with running_queue(assisted(sandbox), 1, size=(120, 40)) as (app, pilot, screen):
        await until(pilot, lambda: any(one.detail for one in screen.listing.entries[0].thread), "the thread's text")
        assert "asks " not in shown(app), "only what is known already"
        assert app.session.triage is not None
        await app.session.triage.examine(mail)
        # While the draft is read nothing moves it.
        await pilot.press("1", "2")
        await until(pilot, lambda: "asks " in shown(app), "what is wanted")
        assert "stand-in, not Jamba" in shown(app)


async def test_house_facts_are_shown_by_a_key(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "prices.md").write_text("Shipping costs 4.90 euros.", "utf-8")
    a_reply(sandbox)
    settings = settings_for(sandbox, assist=Assist(automatic=False, facts=("prices.md", "gone.md")))
    async with reading_queue(settings, 1) as (app, pilot, _):
        await pilot.press("F")
        await until(pilot, lambda: "Shipping costs 4.90 euros." in shown(app), "the facts")
        assert "gone.md cannot be read" in shown(app)


async def test_the_preview_shows_a_waiting_draft(sandbox: Sandbox) -> None:
    sandbox.wait_for(
        sandbox.send(subject="Offer", markdown="We offer [ten chairs](https://chairs.example/x).")["id"],
        "pending_send_approval",
    )
    settings = settings_for(sandbox, assist=Assist(automatic=False))
    async with running_app(settings, size=(120, 40)) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, InboxScreen), "the inbox")
        await until(pilot, lambda: "We offer ten chairs ‹chairs.example›." in shown(app), "the draft's text")
        await pilot.press("f8")
        await until(pilot, lambda: "no model is set up" in shown(app), "why nothing works automatically")
