"""Presence through the app: others see what one reviewer reads or edits, and can still decide about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.app import running_app, settings_for, shown, until
from tests.support.queue import bodies, open_editor, open_queue, running_queue, seen
from tests.support.sandbox import Sandbox


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sets the presence of what is opened at once."""
    monkeypatch.setattr("mm_tui.services.presence.keeper.SETTLE_SECONDS", 0.01)


def open_at(sandbox: Sandbox, draft: str) -> str | None:
    tags: dict[str, str] = sandbox.look(draft)["tags"]
    return tags.get("review.claimed_by")


def open_elsewhere(sandbox: Sandbox, draft: str, by: str) -> None:
    """Another reviewer has it open, from now on for ten minutes."""
    now = datetime.now(UTC)
    tags = {
        "review.claimed_by": by,
        "review.claimed_at": now.isoformat(),
        "review.claimed_until": (now + timedelta(minutes=10)).isoformat(),
        "review.claim": "another",
    }
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags", key="send", json={"tags": tags})


async def test_others_see_what_is_being_read_or_edited_until_it_is_left(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        assert open_at(sandbox, draft) is None, "the cursor alone opens nothing"
        await pilot.press("enter")
        await until(pilot, lambda: open_at(sandbox, draft) == "robin", "the presence")
        assert "has it open" not in shown(app)
        await pilot.press("escape")
        await until(pilot, lambda: open_at(sandbox, draft) is None, "the end of the presence")
        await open_editor(app, pilot)
        await until(pilot, lambda: open_at(sandbox, draft) == "robin", "the presence of the editor")
        sandbox.draft("Another.")
        await until(pilot, lambda: len(screen.listing.entries) == 2, "the queue read again below the editor")
        assert open_at(sandbox, draft) == "robin"
        await pilot.press("escape")
        await until(pilot, lambda: open_at(sandbox, draft) is None, "no presence without the editor")
        await pilot.press("enter")
        await until(pilot, lambda: open_at(sandbox, draft) == "robin", "the presence")
        await pilot.press("1")
        await until(pilot, lambda: open_at(sandbox, draft) is None, "no presence on another screen")


async def test_a_colleagues_presence_is_shown_with_name_and_time_and_prevents_no_decision(sandbox: Sandbox) -> None:
    draft, free = sandbox.draft("One."), sandbox.draft("Two.")
    open_elsewhere(sandbox, draft, "anna")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await until(pilot, lambda: "anna has it open since " in shown(app), "the line above the mail")
        await until(pilot, lambda: shown(app).count("anna has it open") == 2, "the badge in the list")
        await open_editor(app, pilot)
        await until(pilot, lambda: "anna has it open since " in shown(app), "the line above the text")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await pilot.press("f")
        names = [str(one.filter.name) for one in screen.listing.filters]
        await pilot.press(str(names.index("claimed") + 1))
        await until(
            pilot,
            lambda: [entry.item.id for entry in screen.listing.entries] == [draft],
            "only the one that is open elsewhere",
        )
        await pilot.press("escape")
        await until(pilot, lambda: len(screen.listing.entries) == 2, "all")
        await until(
            pilot,
            lambda: screen.current is not None and screen.current.item.id == draft,
            "the one that is open elsewhere",
        )
        await pilot.press("enter")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: "Approve what a colleague has open?" in shown(app), "the one question")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        assert bodies(sandbox) == []
        await pilot.press("a")
        await until(pilot, lambda: "Approve what a colleague has open?" in shown(app), "the question once more")
        assert "anna has it open since " in shown(app)
        await pilot.press("Y")
        await until(pilot, lambda: bodies(sandbox) == ["One."], "the release")
        await until(pilot, lambda: open_at(sandbox, free) == "robin", "the presence of the next email")
    assert open_at(sandbox, draft) == "anna", "a colleague's presence is left alone"
    assert open_at(sandbox, free) is None


async def test_another_window_of_the_same_reviewer_is_no_colleague(sandbox: Sandbox) -> None:
    draft = sandbox.draft("One.")
    open_elsewhere(sandbox, draft, "Robin ")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await until(pilot, lambda: "you have it open since " in shown(app), "the line above the mail")
        assert "(another window" in shown(app)
        await until(pilot, lambda: "open in another window" in shown(app), "the sign in the list")
        assert "Robin" not in shown(app)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox) == ["One."], "the release without a question")


async def test_an_edit_and_its_original_are_shown_as_a_pair_while_both_wait(sandbox: Sandbox) -> None:
    original, edit = sandbox.draft("Agent's."), sandbox.draft("Anna's.")
    tags = {"review.replaces": original, "review.edited_by": "anna"}
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{edit}/tags", key="send", json={"tags": tags})
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await until(pilot, lambda: screen.listing.entries[0].pair == "being replaced by anna", "the original's words")
        assert screen.listing.entries[1].pair.startswith("edited by anna")
        await until(pilot, lambda: "being replaced by anna" in shown(app), "the words on the screen")
        sandbox.decide(edit, "reject", "no")
        await until(pilot, lambda: len(screen.listing.entries) == 1, "one left")
        await until(pilot, lambda: not screen.listing.entries[0].pair, "no pair any more")


async def test_a_presence_appears_and_ends_within_a_poll_although_no_key_is_pressed(sandbox: Sandbox) -> None:
    draft, other = sandbox.draft("One."), sandbox.draft("Two.")
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags"
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await until(pilot, lambda: all(entry.is_checked for entry in screen.listing.entries), "the details")
        assert screen.current is not None and screen.current.item.id == draft
        open_elsewhere(sandbox, draft, "anna")
        await until(pilot, lambda: "anna has it open since " in shown(app), "the presence")
        assert "as of" not in shown(app)
        sandbox.call("PUT", path, key="send", json={"tags": {}})
        await until(pilot, lambda: "anna" not in shown(app).replace("anna@", ""), "the end of the presence")
        sandbox.forget_calls()
        await until(pilot, lambda: len(sandbox.calls("GET", "/oversight/pending")) >= 3, "three polls")
        polls = len(sandbox.calls("GET", "/oversight/pending"))
        # Of all that waits; the assistant looks for the tags of mail that came in by itself.
        tags = sum(len(sandbox.calls("GET", f"{one}/tags")) for one in (draft, other))
        assert tags <= polls + 1, "one call more for each poll"


async def test_a_presence_that_is_no_longer_read_says_when_it_was_seen(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = sandbox.draft("One.")
    sandbox.draft("Two.")
    open_elsewhere(sandbox, draft, "anna")
    monkeypatch.setattr("mm_tui.screens.pending.timers.PRESENCE_SECONDS", 0.2)
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await open_queue(app, pilot, 2)
        await until(pilot, lambda: "anna has it open since " in shown(app), "the presence")
        await pilot.press("j")
        await until(pilot, lambda: "anna had it open" in shown(app), "that it may have ended")
        await pilot.press("k")
        await until(
            pilot,
            lambda: "anna had it open" not in shown(app) and "anna has it open" in shown(app),
            "seen again",
        )
