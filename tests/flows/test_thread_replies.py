"""Replying in a thread, attachments, cards and labels."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from textual.widgets import OptionList, TextArea

from mm_tui.messages import DecisionWanted
from mm_tui.models import SendReceipt
from mm_tui.screens import lines
from mm_tui.screens.dialogs.dialog import ConfirmScreen, ListDialog
from mm_tui.screens.thread.reply_editor import ReplyEditor
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.screens.thread.view import ThreadView
from mm_tui.services.assistant.triage import Triage
from mm_tui.store.decisions.edits import EditStore
from tests.support.app import running_app, shown, synced_app, until
from tests.support.sandbox import file_part, wait_until

if TYPE_CHECKING:
    from mm_tui.store.mail.rows import MailRow
    from tests.support.sandbox import Sandbox
from tests.support.threads import long_thread, open_first


async def test_reply_is_streamed_edited_and_waits_at_the_gate(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.inbound(
        subject="Where is my order 4471", body="It has not come. When will it?", sender="anna@customer.example"
    )
    async with synced_app(sandbox) as (app, pilot):
        await open_first(app, pilot, "Where is my order 4471")
        await until(pilot, lambda: "It has not come." in shown(app))
        await pilot.press("r")
        editor = app.screen.query_one(ReplyEditor)
        area = editor.query_one(TextArea)
        await until(pilot, lambda: editor.text.strip() and not area.read_only)
        area.load_text("It left this morning.")
        assert app.session.drafts is not None
        called, may_go_on, reply = asyncio.Event(), asyncio.Event(), app.session.drafts.submit_reply

        async def slowly(email_id: str, body: str) -> SendReceipt:
            called.set()
            await may_go_on.wait()
            return await reply(email_id, body)

        monkeypatch.setattr(app.session.drafts, "submit_reply", slowly)
        await pilot.press("ctrl+s")
        await until(pilot, called.is_set)
        await pilot.press("ctrl+s", "ctrl+t", "escape")
        await until(pilot, lambda: "wait for the answer" in shown(app))
        app.screen.query_one(ThreadView).focus()
        await pilot.press("escape")
        assert editor.is_open and editor.text == "It left this morning.", "nobody can write what the answer takes away"
        app.workers.cancel_group(editor, "submit")
        await until(pilot, lambda: "it may have been submitted" in shown(app) and not area.read_only)
        area.focus()
        await pilot.press("ctrl+s")
        may_go_on.set()
        await until(pilot, lambda: not editor.is_open)
        waiting = wait_until(lambda: _waiting(sandbox))
        await until(pilot, lambda: "draft, waits for a decision" in shown(app), "it in the thread")
        await pilot.press("r")
        await until(pilot, lambda: "a draft waits" in shown(app), "a word to whoever writes another")
        await until(pilot, lambda: editor.text.strip() and not area.read_only)
        await pilot.press("escape")
        await until(pilot, lambda: not editor.is_open)
        await pilot.press("escape", "2")
        await until(pilot, lambda: shown(app).count("written by you") == 2)  # in the list and above the draft
    assert waiting["body_markdown"] == "It left this morning."
    assert waiting["to"] == ["anna@customer.example"]


def _waiting(sandbox: Sandbox) -> dict[str, object]:
    return next(iter(sandbox.pending()), {})


async def test_reply_being_written_survives_closing_the_editor_and_is_saved_before_it_is_submitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = long_thread(1)
    async with running_app(session) as (app, pilot):
        await open_first(app, pilot, "Question 0")
        await pilot.press("r")
        editor = app.screen.query_one(ReplyEditor)
        await until(pilot, lambda: editor.is_open)
        await pilot.press(*"Half a th")
        await pilot.press("escape", "escape")
        await pilot.press("enter", "r")
        again = app.screen.query_one(ReplyEditor)
        await until(pilot, lambda: again.text == "Half a th")

        def full(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(lines, "FLASH_SECONDS", 600)
        with monkeypatch.context() as broken:
            broken.setattr(EditStore, "save", full)
            await pilot.press("x", "ctrl+s")
            await until(pilot, lambda: "not saved: database or disk is full" in shown(app))
            assert "your text is saved" not in shown(app)
        await until(pilot, lambda: "not saved" not in shown(app))


async def test_reply_without_a_gate_asks_first(sandbox: Sandbox) -> None:
    sandbox.set_mode("autonomous")
    sandbox.inbound(subject="Quick question", body="Yes or no?")
    async with synced_app(sandbox) as (app, pilot):
        await open_first(app, pilot, "Quick question")
        await until(pilot, lambda: "Yes or no?" in shown(app))
        await pilot.press("r")
        editor = app.screen.query_one(ReplyEditor)
        area = editor.query_one(TextArea)
        await until(pilot, lambda: editor.text.strip() and not area.read_only)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
        assert not sandbox.calls("POST", "/reply/")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.resize_terminal(40, 8)
        await pilot.press("y")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and "make the terminal" in shown(app))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(app.screen, ThreadScreen) and not sandbox.calls("POST", "/reply/")
        await pilot.resize_terminal(120, 40)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        await pilot.press("y")
        await until(pilot, lambda: "submitted (draft, is being scanned)" in shown(app))
        assert "decide on it" not in shown(app), "nobody approves it"


async def test_attachment_is_saved_under_a_clean_name_and_never_over_another(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "downloads"
    monkeypatch.setattr("platformdirs.user_downloads_path", lambda: folder)
    sandbox.inbound(
        subject="The file", body="see file", attachments=[file_part("../..\x1b[31m/etc/passwd.txt", b"data")]
    )
    async with synced_app(sandbox) as (app, pilot):
        await open_first(app, pilot, "The file")
        await until(pilot, lambda: "see file" in shown(app))
        for _ in range(2):
            await pilot.press("f")
            await until(pilot, lambda: bool(app.screen.query(OptionList)))
            await pilot.press("enter")
            await until(pilot, lambda: "saved as" in shown(app))
            app.say("next")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2
    assert all("/" not in name and "\x1b" not in name and not name.startswith(".") for name in names)
    assert {path.read_bytes() for path in folder.iterdir()} == {b"data"}
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


async def test_of_two_files_with_one_name_the_chosen_one_is_saved(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "downloads"
    monkeypatch.setattr("platformdirs.user_downloads_path", lambda: folder)
    long_name = "a-very-long-name-" * 8 + ".docx"
    padded = "report.pdf" + " " * 80 + ".exe"
    files = [("invoice.pdf", b"first"), ("invoice.pdf", b"second"), (long_name, b"third"), (padded, b"fourth")]
    sandbox.inbound(subject="The files", body="see files", attachments=[file_part(*file) for file in files])
    async with synced_app(sandbox) as (app, pilot):
        await open_first(app, pilot, "The files")
        await until(pilot, lambda: "see files" in shown(app))
        await pilot.press("f")
        await until(pilot, lambda: bool(app.screen.query(OptionList)))
        # However long a name is, its ending and the file's size can be seen.
        listed = shown(app)
        assert all(ending in listed for ending in ("-.docx", ".exe", "5 B", "6 B"))
        thread = app.screen_stack[-2]
        sandbox.fault(method="GET", path="/attachments/", kind="delay", seconds=2)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen is thread)
        # Leaving the thread does not stop it.
        await pilot.press("q")
        await until(pilot, lambda: app.screen is not thread and "saved as" in shown(app))
    assert [path.read_bytes() for path in folder.iterdir()] == [b"second"]


async def test_assist_card_says_who_wrote_it(sandbox: Sandbox) -> None:
    sandbox.inbound(subject="Refund please", body="Please refund order 4471 today, it is urgent.")
    async with synced_app(sandbox) as (app, pilot):
        await open_first(app, pilot, "Refund please")
        await until(pilot, lambda: "it is urgent" in shown(app))
        await pilot.press("s")
        await until(pilot, lambda: "local stand-in, not Jamba" in shown(app))


async def test_several_emails_can_be_summarised_at_once(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for subject in ("Refund please", "Where is it?"):
        sandbox.inbound(subject=subject, body="Please write today, it is urgent.")
    asked, answers, examine = list[str](), asyncio.Event(), Triage._examine

    async def slow(self: Triage, row: MailRow, *more: bool) -> None:
        asked.append(row.email_id)
        await answers.wait()
        await examine(self, row, *more)

    monkeypatch.setattr(Triage, "_examine", slow)
    async with synced_app(sandbox) as (app, pilot):
        await until(pilot, lambda: "Refund please" in shown(app) and "Where is it?" in shown(app))
        for key, number in (("home", 1), ("end", 2)):
            await pilot.press(key, "s")
            await until(pilot, lambda: len(asked) == number, "the question")  # noqa: B023 - awaited in the loop
        answers.set()
        row = app.session.mail.row
        await until(pilot, lambda: all((one := row(mail)) and one.label for mail in asked), "both answers")
        assert len(set(asked)) == 2


async def test_label_set_by_a_human_stands(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Refund please", body="Please refund order 4471 today.")
    async with synced_app(sandbox) as (app, pilot):
        await until(pilot, lambda: "Refund please" in shown(app))
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, ListDialog))
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "partnership" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
        await pilot.press("s")
        await until(pilot, lambda: "partnership (yours)" in shown(app))
        row = app.session.mail.row(mail["id"])
    assert row is not None
    assert row.label == "partnership"


async def test_a_waiting_draft_is_decided_about_from_its_thread(sandbox: Sandbox) -> None:
    sandbox.draft("Another one.")
    question = sandbox.inbound(subject="Where is it?")
    answer = sandbox.reply(question["id"], "It is on its way.")["id"]
    sandbox.draft("A third one.")
    sandbox.inbound(subject="Just saying")
    async with synced_app(sandbox) as (app, pilot):
        await open_first(app, pilot, "Just saying")
        await pilot.pause(0.2)
        assert "d decide" not in shown(app), "nothing waits in this thread"
        await pilot.press("d")
        await until(pilot, lambda: "no email of this thread waits for a decision" in shown(app), "why not")
        await pilot.press("escape", "2", "slash", *"third", "enter")
        await until(pilot, lambda: "1 of 3 waiting" in shown(app), "the filtered queue")
        await pilot.press("1")
        await until(pilot, lambda: "Where is it?" in shown(app), "the inbox")
        await pilot.press("slash", *"where is it", "enter")
        await until(pilot, lambda: "Just saying" not in shown(app), "the search")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and "d decide" in shown(app), "the thread")
        await pilot.press("d")
        await until(pilot, lambda: app.current_mode == "pending" and "It is on its way." in shown(app), "the queue")
        assert app.screen.current.item.id == answer  # type: ignore[attr-defined]
        await pilot.press("1", "2")
        sandbox.decide(answer, "reject", "No")
        await pilot.press("1")
        app.screen.post_message(DecisionWanted("gone"))
        await until(pilot, lambda: "does not wait for a decision any more" in shown(app), "why it is not shown")
