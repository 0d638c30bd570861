"""Two reviewers must approve: what each of them sees, and the first one's way back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.gateway.keys import Keys
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.services.presence.approvals import Approver
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Review
from mm_tui.store.audit.journal import Journal
from tests.support.app import settings_for, shown, until
from tests.support.queue import reading_queue, ready, running_queue, seen
from tests.support.sandbox import Sandbox


async def test_the_first_approval_is_shown_can_be_taken_back_and_the_second_sends(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft("One.")
    review = Review(hold_seconds=0, second_approver="always")
    settings = settings_for(sandbox).replaced(review=review)
    async with running_queue(settings, 1) as (app, pilot, screen):
        await until(pilot, lambda: "needs two approvals" in shown(app), "the rule above the draft")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: "approved by you" in shown(app) and "awaits 2nd" in shown(app), "the first approval")
        assert not sandbox.outbox()

        await until(pilot, lambda: not screen.gate.came_unasked, "time to see who approved it")
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and ready(pilot), "the way back")
        await pilot.press("T")
        await until(pilot, lambda: "needs two approvals" in shown(app), "no approval any more")
        assert "approved by you" not in shown(app) and "is recorded" not in shown(app)
        assert not [name for name in sandbox.look(draft)["tags"] if name.startswith("review.approved.")]

        await until(pilot, lambda: not screen.gate.came_unasked, "time to see that nobody did")
        await pilot.press("a")
        await until(pilot, lambda: "approved by you" in shown(app), "the first approval again")
        assert app.session is not None
        kinds = [str(entry.kind) for entry in Journal(app.session.database).entries()]
        assert kinds.count("approval_recorded") == 2 and "taking_back_approval" in kinds

    sandbox.make_key("bert", "read", "oversight")
    profile = settings.profile.replaced(reviewer="bert", oversight_key=Secret(sandbox.keys["bert"]))
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path / "bert"))
    async with running_queue(settings.replaced(profile=profile), 1) as (app, pilot, screen):
        await until(pilot, lambda: "approved by robin" in shown(app) and "yours releases it" in shown(app), "the first")
        await until(pilot, lambda: not screen.gate.came_unasked, "time to see it")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: [mail["id"] for mail in sandbox.outbox()] == [draft], "the email sent")


async def test_a_reason_being_typed_is_kept_when_a_colleague_approves_first(sandbox: Sandbox) -> None:
    draft = sandbox.draft("One.")
    review = Review(hold_seconds=0, second_approver="always")
    async with reading_queue(settings_for(sandbox).replaced(review=review), 1) as (app, pilot, screen):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen) and ready(pilot), "the reasons")
        await pilot.press(*"no")
        assert screen.current is not None
        anna = Approver.of("anna", Keys(oversight=Secret("mm_test_anna")))
        tags = anna.tag(screen.current.digest, datetime.now(UTC))
        sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags", key="send", json={"tags": tags})
        await until(pilot, lambda: screen.current is not None and screen.current.approvals.other, "the approval")
        await pilot.press("enter")
        await until(pilot, lambda: sandbox.status(draft) == "rejected", "the rejection")
