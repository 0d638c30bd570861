"""The queue through the app: what is approved is what was read, and what leaves is what was approved."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from textual.widgets import Input, TextArea

from mm_tui.models import EditedDraft
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.inbox.words import GREETED, hint
from mm_tui.screens.pending import deciding
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.external_editor import ExternalEditing, run_editor
from mm_tui.screens.pending.saved_texts import SavedTextsScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.audit.history import Histories
from mm_tui.services.audit.line import AuditLines
from mm_tui.services.decisions.log import DecisionLog
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.decisions.view import Phase
from mm_tui.services.saved_texts.edits import Edits
from mm_tui.services.sync import opening
from mm_tui.services.sync.service import Sync
from mm_tui.settings.sections import Review
from mm_tui.store.decisions.editor_files import EditorFile
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.state import StateStore
from mm_tui.text import ManyLine, OneLine
from mm_tui.widgets import pager
from tests.support.app import drawn, running_app, settings_for, shown, until
from tests.support.queue import (
    bodies,
    open_editor,
    open_queue,
    reading_queue,
    ready,
    running_queue,
    seen,
    write_edit,
    write_elsewhere,
)
from tests.support.sandbox import Sandbox


async def test_a_draft_is_approved_as_it_was_read(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with reading_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
    assert bodies(sandbox) == ["It is on its way."]
    assert sandbox.status(draft) in ("sent", "delivered")


@pytest.mark.parametrize("as_source", [False, True], ids=["rendered", "source"])
async def test_the_end_of_either_view_counts_as_read(sandbox: Sandbox, as_source: bool) -> None:
    source = "Hi **Ann**,\n\nsee [our page](https://acme.example/lamps).\n" + "\n- one more line" * 40
    sandbox.draft(source)
    async with running_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        text = screen.pane.main.page.text
        assert "Hi Ann," in text and "our page ‹acme.example›" in text and "• one more" in text
        if as_source:
            await pilot.press("m")
            assert "Hi **Ann**," in screen.pane.main.page.text
        assert screen.current is not None and not screen.gate.has_seen(screen.current)
        for _ in range(8):
            await pilot.press("enter", "pagedown")
            await pilot.pause()
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert bodies(sandbox) == [source]


async def test_risky_words_are_marked_where_they_are_shown(sandbox: Sandbox) -> None:
    sandbox.draft("Hi **Ann**, as *agreed* we give you\na full **refund of $240** today.")
    async with reading_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        for key in ("", "m"):
            if key:
                await pilot.press(key)
            page = screen.pane.main.page
            marked = [page.text[one.start : one.end] for one in page.marks if one.style in ("risk", "fail")]
            assert any("$240" in words for words in marked), marked
            assert not any("Ann" in words for words in marked), marked


async def test_a_draft_whose_end_was_not_on_screen_is_not_approved(sandbox: Sandbox) -> None:
    sandbox.draft("\n\n".join(f"Paragraph {number}." for number in range(60)))
    async with running_queue(settings_for(sandbox), 1) as (_, pilot, screen):
        await pilot.press("a")
        await pilot.press("G")  # jumping to the end is not reading
        await pilot.pause(0.6)
        await pilot.press("a")
        assert screen.pane.main.lines_unread > 0
        assert screen.current is not None and screen.decision_of(screen.current.item.id) is None
        await pilot.press("g")
        for _ in range(8):
            await pilot.press("pagedown")
            await pilot.pause()
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")


async def test_every_recipient_must_have_been_on_screen(sandbox: Sandbox) -> None:
    copies = [f"person{number}@elsewhere.example" for number in range(40)]
    draft = sandbox.draft("It is on its way.", cc=copies)
    async with running_queue(settings_for(sandbox), 1, size=(80, 24)) as (app, pilot, screen):
        for key in ("m", "tab"):
            await pilot.press(key)
            await until(pilot, lambda: "Draft │ Thread" in drawn(app), "what it would change, and its text")
            await pilot.press("escape")
            await until(pilot, lambda: "Draft │ Thread" not in drawn(app), "the list")
        await pilot.press("enter")
        await pilot.pause(0.6)
        assert "It is on its way." in drawn(app), "the text stands above a long list"
        assert screen.current is not None and not screen.gate.has_seen(screen.current)
        shown = drawn(app)
        while screen.pane.main.lines_unread:
            await pilot.press("pagedown")
            await pilot.pause()
            shown += drawn(app)
        await seen(pilot, screen)
        assert not [address for address in copies if address not in shown]
    assert sandbox.status(draft) == "pending_send_approval"


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_recipients_are_whole_above_the_text_or_in_it(sandbox: Sandbox, size: tuple[int, int]) -> None:
    copies = [f"somebody.with.a.name{number}@elsewhere.example" for number in range(3)]
    sandbox.draft("It is on its way.", cc=copies)
    async with running_queue(settings_for(sandbox), 1, size=size) as (app, pilot, screen):
        await pilot.press("enter")
        await pilot.pause(0.6)
        # Where the head has no room for them they begin the text, and count as read only with it.
        assert screen.current is not None and not (
            screen.pane.main.lines_unread and screen.gate.has_seen(screen.current)
        )
        shown = drawn(app)
        while screen.pane.main.lines_unread:
            await pilot.press("pagedown")
            await pilot.pause()
            shown += drawn(app)
        await seen(pilot, screen)
        shown = "".join(shown.split())
        assert not [address for address in copies if address not in shown]
        assert "bcc:notdisclosed" in shown or "bccnotdisclosedbythegateway" in shown


async def test_a_thread_is_opened_on_request_although_the_list_changes(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = sandbox.inbound(subject="Where is it?", body="It was due on Monday.")["id"]
    answer = sandbox.reply(question, "It is on its way.")["id"]
    sandbox.wait_for(answer, "pending_send_approval")
    asked, answers, open_mails = list[str](), asyncio.Event(), opening.open_mails

    async def slow(sync: Sync, mails: Sequence[tuple[str, str]]) -> OneLine:
        asked.extend(email_id for _, email_id in mails)
        await answers.wait()
        return await open_mails(sync, mails)

    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        monkeypatch.setattr(opening, "open_mails", slow)
        await pilot.press("t")
        await until(pilot, lambda: question in asked, "its opening")
        # As when the cursor has rested on another email.
        screen.opener._open([(sandbox.mailbox, answer)], "open-near")
        await until(pilot, lambda: answer in asked, "the opening of the other")
        answers.set()
        await until(pilot, lambda: "It was due on Monday." in drawn(app), "the thread")


async def test_a_key_on_its_way_when_a_draft_appears_does_not_decide_it(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("First.")
    sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox), 2) as (_, pilot, screen):
        # However slow the machine, what appears now has not been on the screen for long enough.
        monkeypatch.setattr(pager, "DWELL_SECONDS", 60)
        await pilot.press("a", "a", "a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the second alone")
    assert len(bodies(sandbox)) == 1


async def test_an_edit_replaces_the_draft_and_nothing_else_leaves(sandbox: Sandbox) -> None:
    original = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await write_edit(app, pilot, "We will look into it.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        edited = screen.current
        assert edited is not None
        assert edited.shown_digest[:8] in drawn(app) and edited.digest[:8] not in drawn(app), "of what is on the screen"
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
        await until(pilot, lambda: EditStore(app.session.database).all() == [], "the text to be gone once it left")
    assert bodies(sandbox) == ["We will look into it."]
    assert sandbox.status(original) == "rejected"


async def test_the_risks_are_those_of_what_would_leave(sandbox: Sandbox) -> None:
    sandbox.draft("Hello Anna, we give you a full refund of $240 today.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        entry = screen.current
        assert entry is not None and entry.assessment.asks_again

        def write(text: str) -> None:
            write_elsewhere(app, entry, text)
            screen.reload()

        write("Hello Anna, we have read your mail.")
        await until(pilot, lambda: screen.current and not screen.current.assessment.asks_again, "the risk to go")
        write("Hello {{name}}, we have read your mail.")
        await until(pilot, lambda: screen.current and screen.current.assessment.asks_again, "the edit's own risk")


async def test_what_is_typed_is_saved_and_found_again(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await open_queue(app, pilot, 1)
        await open_editor(app, pilot)
        await pilot.press("O", "h")
        store = EditStore(app.session.database)
        await until(
            pilot, lambda: (edit := store.get(draft)) and edit.text.body.startswith("Oh"), "the saved edit", seconds=3
        )
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        assert screen.current is not None and screen.current.edit is not None
        assert screen.current.edit.text.body.startswith("Oh")


async def test_a_change_underneath_an_edit_must_be_looked_at(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = sandbox.draft("One.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await write_edit(app, pilot, "Mine.")
        # However slow the machine, nothing counts as read to its end until it is meant to.
        monkeypatch.setattr(pager, "DWELL_SECONDS", 600)
        sandbox.change(draft, markdown="Two.")
        await until(pilot, lambda: screen.current and screen.current.item.body.strip() == "Two.", "the changed draft")
        await until(pilot, lambda: screen.current and screen.current.item.complete, "its detail")
        await pilot.press("a")
        await pilot.pause(0.6)
        await pilot.press("a")
        assert screen.decision_of(draft) is None
        await open_editor(app, pilot)
        assert app.screen.query_one("#body", TextArea).text == "Mine."
        app.screen.query_one("#body", TextArea).load_text("Mine too.")
        await pilot.press("ctrl+s")
        kept = EditStore(app.session.database).get(draft)
        assert kept is not None and kept.base.body.strip() == "One.", "saving alone does not say that it was looked at"
        editor = app.screen
        assert isinstance(editor, EditScreen)
        monkeypatch.setattr(pager, "DWELL_SECONDS", 0.01)
        editor.query_one("#thread", pager.Pager).refresh()
        await until(pilot, lambda: editor._knows_the_change, "what changed to be read to its end")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert bodies(sandbox) == ["Mine too."]


async def test_the_text_for_a_mail_that_waits_no_more_is_found_again(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        await pilot.press("O", "h")
        sandbox.decide(draft, "reject", "gone")
        await until(
            pilot, lambda: not screen.listing.entries or app.session.pending.get(draft) is None, "the queue to be empty"
        )
        await pilot.press("!", "ctrl+s")
        await until(pilot, lambda: app.screen is screen and not screen.listing.entries and ready(pilot), "the queue")
        await pilot.press("K")
        await until(
            pilot,
            lambda: isinstance(app.screen, SavedTextsScreen) and "Oh!We will refund it." in drawn(app),
            "the text",
        )
    assert sandbox.outbox() == []


async def test_two_windows_on_one_draft_lose_no_text(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        entry = screen.current
        assert entry is not None
        EditStore(app.session.database).save(
            SavedEdit(
                draft,
                entry.item.mailbox_id,
                entry.digest,
                entry.item.raw,
                EditedDraft(("a@b.example",), "S", "From the other window."),
                app.session.clock.now(),
            )
        )
        app.screen.query_one("#body", TextArea).load_text("From this window.")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        kept = EditStore(app.session.database).all()
    assert sorted(edit.text.body for edit in kept) == ["From the other window.", "From this window."]


@contextmanager
def slow_journal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No decision is written to the journal until the end."""
    over, begin_all = threading.Event(), DecisionLog.begin_all

    def wait(log: DecisionLog, *asked: Any, **more: Any) -> list[ActiveDecision]:
        over.wait(20)
        return begin_all(log, *asked, **more)

    monkeypatch.setattr(deciding, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(DecisionLog, "begin_all", wait)
    try:
        yield
    finally:
        over.set()


async def test_rejecting_takes_a_reason_and_offers_it_next_time(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sandbox.draft("First."), sandbox.draft("Second.")
    written = StateStore.set

    def full(store: StateStore, name: str, value: str | None) -> None:
        if name in (GREETED, "review.reasons"):
            raise sqlite3.OperationalError("database or disk is full")
        written(store, name, value)

    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        await pilot.press("escape")
        assert screen.decision_of(first) is None
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        app.screen.query_one(Input).value = "2 much"
        with slow_journal(monkeypatch):
            await pilot.press("enter")
            await until(pilot, lambda: "not held yet: the store" in drawn(app), "what it waits for")
        await until(pilot, lambda: "not held yet" not in drawn(app), "the hold")
        await until(pilot, lambda: sandbox.status(first) == "rejected", "the rejection")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the second alone")
        await until(pilot, lambda: not screen.gate.came_unasked, "time to see what came under the cursor")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        assert "f6  2 much" in drawn(app)
        await pilot.press("up")
        # What only makes things easier may be lost: it does not end the program.
        app.session.state.set(GREETED, None)
        monkeypatch.setattr(StateStore, "set", full)
        assert hint(app.session)
        app.screen.query_one(Input).value = "3 much"
        await pilot.press("enter")
        await until(pilot, lambda: sandbox.status(second) == "rejected", "the rejection")
        await until(pilot, lambda: not screen.listing.entries, "the empty queue")
    reasons = [entry["metadata"].get("reason") for entry in sandbox.audit() if "reject" in entry["action"]]
    assert reasons == ["3 much", "2 much"]
    assert sandbox.outbox() == []


async def test_undo_takes_back_what_is_held(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    slow = settings_for(sandbox, review=Review(hold_seconds=60))
    undone = "undone, nothing was sent: email to anna@customer.example"
    async with reading_queue(slow, 1) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.HELD, "the hold")
        await pilot.press("u")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.UNDECIDED, "the undo")
        await until(pilot, lambda: undone in drawn(app), "a message")
        await until(pilot, lambda: not screen.gate.came_unasked, "the pause")
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.HELD, "the next hold")
        await until(pilot, lambda: undone not in drawn(app), "that the message, true no longer, is gone")
        await pilot.press("u")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.UNDECIDED, "the undo")
    assert sandbox.outbox() == []
    assert sandbox.status(draft) == "pending_send_approval"


async def test_undo_takes_back_the_last_decision_only(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = (sandbox.draft(f"Number {number}.") for number in range(3))
    slow = settings_for(sandbox, review=Review(hold_seconds=60))
    async with running_queue(slow, 3) as (_, pilot, screen):

        def phases() -> list[Phase | None]:
            views = [screen.decision_of(one) for one in (first, second)]
            return [view.phase if view is not None else None for view in views]

        for held in (first, second):
            await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
            await seen(pilot, screen)
            await pilot.press("a")
            await until(pilot, partial(_is_decided, screen, held), "the hold")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == third, "the third")
        came = Mock(wraps=screen.gate.came)
        monkeypatch.setattr(screen.gate, "came", came)
        await pilot.press("u")
        await until(pilot, lambda: phases() == [Phase.HELD, Phase.UNDECIDED], "the undo of the last")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == second, "the undone one")
        await until(pilot, lambda: came.called, "the pause in which it cannot be decided")
    assert sandbox.outbox() == []


async def test_another_reviewers_decision_is_shown_and_not_overwritten(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    slow = settings_for(sandbox, review=Review(hold_seconds=1))
    async with reading_queue(slow, 1) as (_, pilot, screen):
        await pilot.press("a")
        sandbox.decide(draft, "reject", "not this one")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.phase is Phase.ELSEWHERE, "the word")
    assert sandbox.outbox() == []


async def test_high_risk_asks_again(sandbox: Sandbox) -> None:
    sandbox.draft("Hi {{name}}, we give you a full refund of $240 today.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        assert screen.current is not None and screen.current.assessment.asks_again
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.resize_terminal(60, 11)
        words = ("Approve despite high risk?", "to anna@", "Y  approve anyway", "scroll")
        await until(pilot, lambda: all(one in drawn(app) for one in words), "its title, its email and its keys")
        await pilot.resize_terminal(80, 24)
        await pilot.press("a", "y", "enter", "space", "escape")
        await pilot.pause()
        assert sandbox.outbox() == []
        await pilot.press("space")
        assert not screen.marks, "high risk is never in a batch"
        app.say("a long message " * 6 + "ends here")
        await until(pilot, lambda: "ends here" in (end := drawn(app).split("\n")[-1]) and "? help" in end, "keys too")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.press("Y")
        await until(pilot, lambda: bodies(sandbox), "the release")
        database = app.session.database
        history = Histories(database, AuditLines(database)).of(sandbox.outbox()[0]["id"])
        assert any("despite promise_money (high)" in event.more for event in history.events)


async def test_after_a_batch_the_cursor_stays_on_what_was_not_in_it_and_undo_gives_marks_and_cursor_back(
    sandbox: Sandbox,
) -> None:
    drafts = [sandbox.draft(f"Parcel {number} is on its way.") for number in range(4)]
    settings = settings_for(sandbox, review=Review(hold_seconds=30))
    async with running_queue(settings, 4) as (app, pilot, screen):
        order = [entry.item.id for entry in screen.listing.entries]
        assert sorted(order) == sorted(drafts)
        for _ in order[:2]:
            await seen(pilot, screen)
            await pilot.press("space")
            await pilot.pause(0.1)
            await pilot.press("j")
            await pilot.pause(0.5)
        marks = set(screen.marks)
        assert marks == set(order[:2])
        assert screen.current is not None and screen.current.item.id == order[2]
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.press("A")
        await until(pilot, lambda: all(screen.decision_of(one) is not None for one in order[:2]), "the batch")
        await until(pilot, lambda: not screen.marks, "the marks taken")
        await pilot.pause(0.3)
        assert screen.current is not None and screen.current.item.id == order[2], "it was not decided on"
        await pilot.press("u")
        await until(pilot, lambda: set(screen.marks) == marks, "the marks given back")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == order[0], "the first")
    assert not bodies(sandbox)


async def test_marks_that_no_longer_hold_are_reported(sandbox: Sandbox) -> None:
    draft = sandbox.draft("Number one.")
    async with reading_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await pilot.press("space")
        await until(pilot, lambda: len(screen.marks) == 1, "the mark")
        sandbox.change(draft, markdown="Number two.")
        await until(pilot, lambda: "no longer marked: to " in shown(app), "what became of the mark")
        assert not screen.marks
        await pilot.press("n")
        await until(pilot, lambda: "this is the last one listed" in shown(app), "why nothing moved")
        await pilot.press("p")
        await until(pilot, lambda: "this is the first one listed" in shown(app), "the same upwards")


async def test_a_batch_holds_only_what_was_read(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        sandbox.draft(f"Number {number}.")
    async with reading_queue(settings_for(sandbox), 3) as (app, pilot, screen):
        await pilot.press("space")
        await until(pilot, lambda: "+ marked · 1 of 3" in drawn(app), "that it is marked")
        await until(pilot, lambda: "A approve 1" in drawn(app), "the key for all that are marked")
        assert len(screen.marks) == 1
        with monkeypatch.context() as patched:
            patched.setattr("mm_tui.widgets.pager.DWELL_SECONDS", 60)  # however slow the machine
            await pilot.press("j", "space")
            assert len(screen.marks) == 1, "what has just appeared cannot be marked"
        await pilot.press("k", "j")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
        await seen(pilot, screen)
        await pilot.press("space")
        await until(pilot, lambda: len(screen.marks) == 2, "two marked")
        await pilot.press("A")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the summary")
        await pilot.press("A")
        await until(pilot, lambda: len(bodies(sandbox)) == 2, "both releases")
    assert sorted(bodies(sandbox)) == ["Number 0.", "Number 1."]


async def test_without_a_send_key_an_edit_is_sent_back(sandbox: Sandbox) -> None:
    draft = sandbox.draft("We will refund it.")
    async with running_queue(settings_for(sandbox, without=("send",)), 1) as (app, pilot, screen):
        await open_editor(app, pilot)
        await until(pilot, lambda: "an edit cannot be submitted" in drawn(app), "what becomes of the text, beforehand")
        await pilot.press("escape")
        await write_edit(app, pilot, "We will look into it.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the note")
        await pilot.press("enter")
        await until(pilot, lambda: sandbox.status(draft) == "rejected", "the rejection")
        kept = EditStore(app.session.database).get(draft)
        assert kept is not None and kept.text.body == "We will look into it."
    reasons = [entry["metadata"].get("reason") for entry in sandbox.audit() if "reject" in entry["action"]]
    assert "We will look into it." in reasons[0]
    assert sandbox.outbox() == []


async def test_the_readers_own_editor_gives_the_text_back_cleaned(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("We will refund it.")
    asked: list[ManyLine] = []

    def editor(file: EditorFile) -> ManyLine:
        asked.append(ManyLine(file.read()))
        return ManyLine("From my\x1b[2J editor.")

    monkeypatch.setattr(ExternalEditing, "editor", staticmethod(editor))
    async with running_app(settings_for(sandbox)) as (app, pilot):
        monkeypatch.setattr(app, "suspend", _nothing)
        await open_queue(app, pilot, 1)
        await open_editor(app, pilot)
        await pilot.press("ctrl+o")
        area = app.screen.query_one("#body", TextArea)
        await until(pilot, lambda: area.text == "From my editor.", "the text")
    assert asked == ["We will refund it."]


def _is_decided(screen: PendingScreen, email_id: str) -> bool:
    return screen.decision_of(email_id) is not None


async def test_what_a_failing_editor_left_is_saved(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("We will refund it.")
    script = tmp_path / "editor"
    script.write_text("#!/bin/sh\nprintf 'Half written' > \"$1\"\nexit 3\n")
    script.chmod(0o700)
    monkeypatch.setattr(
        ExternalEditing,
        "editor",
        staticmethod(lambda file: run_editor(file, {"EDITOR": str(script), "PATH": "/bin:/usr/bin"})),
    )
    async with running_app(settings_for(sandbox)) as (app, pilot):
        monkeypatch.setattr(app, "suspend", _nothing)
        await open_queue(app, pilot, 1)
        await open_editor(app, pilot)
        await pilot.press("ctrl+o")
        await until(
            pilot,
            lambda: [edit.text.body for edit in Edits(app.session.database).left_over()] == ["Half written"],
            "it",
        )
        assert app.screen.query_one("#body", TextArea).text == "We will refund it."


class _nothing:
    """Stands in for suspending a terminal that is not there."""

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...


@pytest.mark.parametrize(
    ("columns", "draft", "thread"), [(99, False, False), (100, True, False), (179, True, False), (180, True, True)]
)
async def test_the_queue_shows_draft_and_thread_beside_the_list_where_there_is_room(
    sandbox: Sandbox, columns: int, draft: bool, thread: bool
) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1, size=(columns, 30)) as (_, pilot, screen):
        main, side = screen.pane.main, screen.pane.side
        assert screen.shows_email is draft
        await until(pilot, lambda: (main.region.width > 0, side.region.width > 0) == (draft, thread), "the panes")
        await pilot.press("enter")
        await until(pilot, lambda: main.region.width > 0, "the draft")
        await pilot.press("escape")
        await pilot.resize_terminal(99, 30)
        await until(pilot, lambda: not screen.shows_email and main.region.width == 0, "the list alone")
        await pilot.resize_terminal(120, 30)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the approval")
