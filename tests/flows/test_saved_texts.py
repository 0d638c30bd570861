"""A text that was written and not sent is used again: in the thread's waiting draft, else as a new reply."""

from __future__ import annotations

from mm_tui.app import MmTui
from mm_tui.models import EditedDraft, RawContent
from mm_tui.screens.pending.editor import EditScreen
from mm_tui.screens.pending.saved_texts import SavedTextsScreen
from mm_tui.screens.thread.reply_editor import ReplyEditor
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.saved_texts.edits import written_for
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from tests.support.app import settings_for, until
from tests.support.queue import bodies, open_editor, running_queue, seen, write_elsewhere
from tests.support.sandbox import Sandbox

TEXT = "Dear Anna, 30 dollars it is."


def keep(app: MmTui, sandbox: Sandbox, email_id: str, body: str = TEXT) -> None:
    """A text for a draft that was decided without it; its recipient was another."""
    text = EditedDraft(("eve@evil.example",), "Other", body)
    base = RawContent(sender="us@x.example")
    EditStore(app.session.database).save(SavedEdit(email_id, sandbox.mailbox, "", base, text, app.session.clock.now()))


async def test_it_opens_in_the_editor_of_the_draft_that_waits_in_its_thread(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Refund")["id"]
    first, second = (str(sandbox.reply(mail, text)["id"]) for text in ("You get 300.", "You get 3."))
    for one in (first, second):
        sandbox.wait_for(one, "pending_send_approval")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        sandbox.decide(first, "reject", "no")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "the second alone")
        await pilot.press("n")
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == second, "the second")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "its detail")
        keep(app, sandbox, first)
        write_elsewhere(app, screen.listing.entries[0], "What I had begun.")
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, SavedTextsScreen), "the saved texts")
        await open_editor(app, pilot)
        assert isinstance(app.screen, EditScreen)
        assert app.screen.draft.body == TEXT
        assert "eve@evil.example" not in app.screen.draft.to, "the draft's recipient stays"
        kept = {edit.text.body for edit in app.session.edits.left_over()}
        assert {TEXT, "What I had begun."} <= kept, "nothing that was written is lost"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox) == [TEXT], "the text to leave")


async def test_it_opens_as_a_new_reply_where_no_draft_waits(sandbox: Sandbox) -> None:
    draft = sandbox.draft("You get 300.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        keep(app, sandbox, draft)
        sandbox.decide(draft, "reject", "no")
        await until(pilot, lambda: not screen.listing.entries, "the end of the draft")
        await pilot.press("K")
        await until(pilot, lambda: isinstance(app.screen, SavedTextsScreen), "the saved texts")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen), "the thread")
        await until(pilot, lambda: app.screen.query_one(ReplyEditor).is_open, "the reply editor")
        assert app.screen.query_one(ReplyEditor).area.text == TEXT
        assert sandbox.outbox() == []


def test_copies_and_replies_name_the_mail_that_they_were_written_for() -> None:
    text, base = EditedDraft((), "", ""), RawContent(sender="")
    made = [
        SavedEdit(name, "mb", "", base, text, None)  # type: ignore[arg-type]
        for name in ("01A", "01A~0123", "reply:01A", "reply:01A~0123")
    ]
    assert {written_for(edit) for edit in made} == {"01A"}
