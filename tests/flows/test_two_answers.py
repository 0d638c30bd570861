"""Two answers to one mail through the app: the list and the head say so, and no batch takes them."""

from __future__ import annotations

from tests.support.app import settings_for, shown, until
from tests.support.queue import running_queue, seen
from tests.support.sandbox import Sandbox


async def test_two_answers_are_flagged_and_no_batch_marks_them(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Where is my order?")["id"]
    drafts = [sandbox.reply(mail, text)["id"] for text in ("It is on its way.", "It left yesterday.")]
    for draft in drafts:
        sandbox.wait_for(draft, "pending_send_approval")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await until(pilot, lambda: shown(app).count("two answers") == 2, "both signs")
        assert "another draft answers this too" in shown(app)
        await seen(pilot, screen)
        await pilot.press("space")
        await until(pilot, lambda: "never in a batch" in shown(app), "why it is not marked")
        assert not screen.marks
        await pilot.press("a")
        await until(pilot, lambda: len(sandbox.outbox()) == 1, "the first to leave")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "one left")
        await until(pilot, lambda: "already answered at" in shown(app), "that it was answered")
        assert "answered already" in shown(app)
