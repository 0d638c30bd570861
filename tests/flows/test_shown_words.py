"""What a key did, its outcome, and which keys work: shown where the reader is, and only as long as it is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace
from textual.message_pump import MessagePump
from textual.timer import Timer

from mm_tui.app import MmTui
from mm_tui.keyboard import dispatch as keyboard
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.pane import View
from mm_tui.screens.status import unsettled
from mm_tui.services.decisions.view import Phase
from mm_tui.settings.sections import Review
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.queue import (
    bodies,
    open_editor,
    open_queue,
    read_page,
    reading_queue,
    running_queue,
    seen,
    write_edit,
)
from tests.support.sandbox import Sandbox

SLOW = Review(hold_seconds=60)


async def test_what_is_left_to_read_is_counted_as_it_was_laid_out(sandbox: Sandbox) -> None:
    draft = sandbox.draft("\n".join(f"This is line {number} of the answer to your question." for number in range(8)))
    settings = settings_for(sandbox, review=SLOW)
    async with running_queue(settings, 1, size=(80, 24)) as (app, pilot, screen):
        await pilot.press("a")
        await seen(pilot, screen)
        assert "not seen" not in drawn(app), "all of it is there"
        assert screen.decision_of(draft) is None
        await pilot.press("a")
        await until(pilot, lambda: screen.decision_of(draft), "the decision")
        await until(pilot, lambda: " held for " in drawn(app) and "(u undo)" in drawn(app), "the countdown")
        assert "read it, then approve" not in drawn(app)


async def test_what_was_said_of_one_mail_is_not_said_of_the_next(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("\n\n".join(f"Paragraph {number}." for number in range(40)))
    sandbox.draft("Second.")
    async with running_queue(settings_for(sandbox), 2) as (app, pilot, screen):
        await until(pilot, lambda: screen.current and screen.current.item.complete, "its detail")
        await until(pilot, lambda: not screen.gate.came_unasked, "a moment to look")
        await pilot.press("a")
        await until(pilot, lambda: "lines not seen yet: enter reads on" in drawn(app), "the answer")
        left = screen.pane.main.lines_unread
        assert f"{left} lines not seen yet" in drawn(app)
        await read_page(pilot, screen)
        # Neither of these keys counts as text: what is pressed right after them is not dropped.
        monkeypatch.setattr(keyboard, "PAUSE_SECONDS", 60)
        await pilot.press("enter")
        await until(pilot, lambda: screen.pane.main.lines_unread < left, "more of it")
        await until(pilot, lambda: f"{screen.pane.main.lines_unread} lines not seen yet" in drawn(app), "what is left")
        await pilot.press("n")
        await until(pilot, lambda: "not seen yet" not in drawn(app), "the answer to go")
        # Keys that do nothing say why; q goes back from the email, and in the list says how to leave.
        assert screen.is_reading
        await pilot.press("q", "k")
        await until(pilot, lambda: not screen.is_reading and app.keyboard.is_ready, "the list")
        await until(pilot, lambda: screen.queue_list.cursor == 0, "the line above")
        assert "does nothing here" not in drawn(app)
        monkeypatch.setattr(keyboard, "PAUSE_SECONDS", 0)
        # What is said of an email goes when its details come.
        await until(pilot, lambda: screen.current is not None and screen.current.is_checked, "its details")
        for key, why in (("b", "no edit to send back"), ("D", "no edit to discard"), ("q", "^q quits"),
                         ("A", "nothing is marked"), ("]", "are marked: nothing was found")):  # fmt: skip
            await pilot.press(key)
            await until(pilot, partial(_says, app, why), why)


async def test_what_is_left_to_read_is_shown_although_a_poll_reads_the_entry_again(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.draft("\n\n".join(f"Paragraph {number}." for number in range(40)))
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await until(pilot, lambda: not screen.gate.came_unasked, "a moment to look")
        once_painted = screen.pane.main.once_painted

        def read_again_then(call: Callable[[], object]) -> None:
            current = screen.current
            assert current is not None
            screen.listing.listed[current.item.id] = replace(current, due_at=app.session.clock.now())
            assert screen.current != current
            once_painted(call)

        monkeypatch.setattr(screen.pane.main, "once_painted", read_again_then)
        await pilot.press("a")
        await until(pilot, lambda: "lines not seen yet: enter reads on" in drawn(app), "the answer")


async def test_the_sentence_of_a_finding_is_shown_with_its_words_which_does_not_count_as_reading(
    sandbox: Sandbox,
) -> None:
    filler = "\n\n".join(f"Paragraph {number}." for number in range(30))
    sandbox.draft(f"{filler}\n\nYou get a full refund of $240.\n\n{filler}\n\nWe are fully liable for **all of it**.")
    async with running_queue(settings_for(sandbox), 1, size=(80, 24)) as (app, pilot, screen):
        # The editor opens at the worst of them, or at the words that the reader went to.
        editor = await open_editor(app, pilot)
        await until(pilot, lambda: "You get a full refund of $240." in drawn(app), "the first of them")
        assert editor.area.document.get_line(editor.area.cursor_location[0]) == "You get a full refund of $240."
        await pilot.press("escape")
        await pilot.press("]")
        await until(pilot, lambda: "1 of " in drawn(app).splitlines()[-2], "the first of the findings")
        assert screen.is_reading and "You get a full refund of $240." in drawn(app)
        sentence = screen.pane.main.words_here
        # With its level: the sign of a message is the same for every finding.
        assert sentence is not None and f"· high risk · {sentence.about}" in drawn(app).splitlines()[-2]
        await pilot.press("[")
        await until(pilot, lambda: "We are fully liable for all of it." in drawn(app), "the last of them")
        assert screen.current is not None and not screen.gate.has_seen(screen.current)
        assert screen.pane.main.lines_unread
        await pilot.press("o")
        await until(pilot, lambda: "the queue is sorted riskiest first" in drawn(app), "the order of the unseen list")
        editor = await open_editor(app, pilot)
        assert editor.area.text.endswith("**all of it**.") and editor.area.cursor_at_last_line


async def test_each_view_that_shows_all_that_leaves_counts(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1, size=(80, 24)) as (app, pilot, screen):
        await write_edit(app, pilot, "It is on its way to you.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        screen.pane.show_view(View.DIFF)
        await until(pilot, lambda: app.keyboard.is_ready, "the queue to be drawn")
        await pilot.press("enter")
        await until(pilot, lambda: "{+to you+}" in drawn(app), "the difference")
        await seen(pilot, screen)
        assert screen.pane.view is View.DIFF
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "nothing is left to read" in drawn(app), "what more of it there is")
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
    assert bodies(sandbox) == ["It is on its way to you."]


async def test_the_outcome_of_a_decision_is_shown_wherever_the_reader_is(sandbox: Sandbox) -> None:
    sandbox.draft("It is on its way.")
    brief = settings_for(sandbox, review=Review(hold_seconds=1))
    async with reading_queue(brief, 1) as (app, pilot, _):
        await pilot.press("a", "1")
        await until(pilot, lambda: app.current_mode == "inbox", "the inbox")
        await until(pilot, lambda: bodies(sandbox), "the release")
        await until(
            pilot, lambda: any(f"{word} to anna@" in drawn(app) for word in ("sent", "approved: email")), "the words"
        )


async def test_a_failure_is_reported_and_its_row_keeps_a_sign_until_somebody_looks_at_it(sandbox: Sandbox) -> None:
    first = sandbox.draft("First.")
    sandbox.draft("Second.")
    brief = settings_for(sandbox, review=Review(hold_seconds=1))
    async with reading_queue(brief, 2) as (app, pilot, screen):
        sandbox.fault(method="POST", path="decide$", kind="status", status=403)
        await pilot.press("a")
        await until(pilot, lambda: (view := screen.decision_of(first)) and view.phase is Phase.UNDECIDED, "the refusal")
        reported = "▲ not approved: email to anna@customer.example: the gateway refused"
        await until(pilot, lambda: reported in drawn(app) and "undecided: the gateway refused" in drawn(app), "both")
        await until(pilot, lambda: reported not in drawn(app), "the end of the message")
        assert "▲ not approved: email to anna@customer.example (2 shows it)" in drawn(app), "until it was looked at"
        await pilot.press("1", "2")
        await until(pilot, lambda: app.screen is screen and screen.undo_target() == first, "the first")
        await pilot.press("n")
        await until(pilot, lambda: "undecided: the gateway refused" not in drawn(app), "the sentence to go")
        assert drawn(app).count("not approved") == 1, "the row keeps a sign"
        second = screen.current
        assert second is not None
        await seen(pilot, screen)
        sandbox.fault(method="POST", path="decide$", kind="status", status=403)
        await pilot.press("a")
        await until(pilot, lambda: unsettled(app.session), "the second refusal")
        assert not unsettled(app.session, second.item.id), "not of the one that is looked at"
        await until(pilot, lambda: screen.current is not None and screen.current.item.id == first, "the first again")
        await seen(pilot, screen)
        await until(pilot, lambda: not screen.gate.came_unasked, "a moment to look")
        await pilot.press("a")
        await until(pilot, lambda: not unsettled(app.session), "the line to go with the next decision")


async def test_timers_run_only_while_something_counts_down(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = sandbox.draft("First.")
    every: list[tuple[float, Timer]] = []
    start = MessagePump.set_interval

    def noting(node: MessagePump, interval: float, *arguments: Any, **options: Any) -> Timer:
        timer = start(node, interval, *arguments, **options)
        every.append((interval, timer))
        return timer

    monkeypatch.setattr(MessagePump, "set_interval", noting)

    def fast() -> int:
        """How many timers would wake the program up more often than every two seconds."""
        return sum(interval < 2 and timer._active.is_set() for interval, timer in every)

    async with reading_queue(settings_for(sandbox, review=SLOW), 1) as (app, pilot, _):
        await until(pilot, lambda: not fast(), "nothing to count")
        await pilot.press("a")
        await until(pilot, lambda: " held for " in drawn(app), "the countdown")
        assert fast() == 2, "the status line's and the list's"
        await pilot.press("1")
        await until(pilot, lambda: " held for " in drawn(app), "the countdown on another screen")
        await pilot.press("2")
        assert app.session.decisions is not None
        await app.session.decisions.undo(draft)
        await until(pilot, lambda: not fast(), "nothing to count any more")


async def test_a_countdown_goes_on_below_a_dialog_and_names_no_key_that_does_not_work(sandbox: Sandbox) -> None:
    first = sandbox.draft("First.")
    sandbox.draft("Second.")
    async with running_app(settings_for(sandbox, review=SLOW)) as (app, pilot):

        def seconds() -> list[str]:
            return re.findall(r"held for (\d+ s)", drawn(app))[-1:]

        screen = await open_queue(app, pilot, 2)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: "(u undo)" in drawn(app), "the hint")
        await until(pilot, lambda: not screen.gate.came_unasked, "time to look")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the dialog")
        await until(pilot, lambda: " held for " in drawn(app), "the countdown")
        await until(pilot, lambda: "u undo" not in drawn(app) and "a approve" not in drawn(app), "the keys to go")
        shown = [seconds()]
        await until(pilot, lambda: seconds() and seconds() != shown[0], "the countdown to go on")
        assert app.session.decisions is not None
        await app.session.decisions.undo(first)
        await until(pilot, lambda: " held for " not in drawn(app), "its end")
        await pilot.press("escape")
        await until(pilot, lambda: "a approve" in drawn(app), "the keys to come back")


async def test_where_keys_are_typed_no_letter_is_named_as_a_key(sandbox: Sandbox) -> None:
    sandbox.draft("First.")
    sandbox.draft("Second.")
    async with reading_queue(settings_for(sandbox, review=SLOW), 2) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: "(u undo)" in drawn(app), "the hint")
        await until(pilot, lambda: screen.current is not None and screen.current.item.complete, "the detail")
        await open_editor(app, pilot)
        await until(pilot, lambda: " held for " in drawn(app), "the countdown")
        assert "u undo" not in drawn(app)
        assert not isinstance(app.screen, ChoiceScreen)


@pytest.mark.parametrize("where", ["the queue", "the inbox", "the editor of another"])
@pytest.mark.parametrize("act", ["reject", "approve", "cancel", "change"])
async def test_what_another_does_during_the_hold_is_shown_at_once_wherever_the_reader_is(
    sandbox: Sandbox, where: str, act: str
) -> None:
    draft, other = sandbox.draft("The parcel left."), sandbox.draft("Another one.")
    async with reading_queue(settings_for(sandbox, review=SLOW), 2) as (app, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: screen.decision_of(draft), "the decision")
        if where == "the inbox":
            await pilot.press("1")
        elif where == "the editor of another":
            await until(pilot, lambda: screen.current is not None and screen.current.item.id == other, "the next")
            await until(pilot, lambda: app.keyboard.is_ready, "the queue to be drawn")
            await open_editor(app, pilot)
        if act == "cancel":
            sandbox.call("POST", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/cancel", key="send")
        elif act == "change":
            sandbox.change(draft, markdown="The parcel is lost.")
        else:
            sandbox.decide(draft, act, "mine")
        words = {
            "reject": "rejected elsewhere",
            "approve": "elsewhere by oversight key",
            "cancel": "cancelled elsewhere",
        }
        reported = words.get(act, "changed since you looked")
        await until(pilot, lambda: reported in drawn(app), "the news")
        view = screen.decision_of(draft)
        assert view is not None and view.phase is (Phase.CHANGED if act == "change" else Phase.ELSEWHERE)
    assert bodies(sandbox) == (["The parcel left."] if act == "approve" else [])


async def test_a_hold_goes_on_to_its_deadline_when_what_is_held_has_not_moved(sandbox: Sandbox) -> None:
    draft, other = sandbox.draft("The parcel left."), sandbox.draft("Another one.")
    async with reading_queue(settings_for(sandbox, review=SLOW), 2) as (_, pilot, screen):
        await pilot.press("a")
        await until(pilot, lambda: screen.decision_of(draft), "the decision")
        before = screen.decision_of(draft)
        # The list loses it for a moment, as a list does that is read while it changes.
        screen.session.pending.remove(draft)
        decisions = screen.session.decisions
        assert decisions is not None and before is not None
        await decisions.queue_moved()
        sandbox.decide(other, "reject", "mine")
        await until(pilot, lambda: [entry.item.id for entry in screen.listing.entries] == [draft], "the other's end")
        view = screen.decision_of(draft)
        assert view is not None and (view.phase, view.ends_at) == (Phase.HELD, before.ends_at)
        await pilot.press("u")
        await until(pilot, lambda: (view := screen.decision_of(draft)) and view.ended, "the undo")
    assert bodies(sandbox) == []


async def test_an_overtaken_edit_is_said_to_be_saved(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox, review=SLOW), 1) as (app, pilot, screen):
        await write_edit(app, pilot, "It is on its way to you.")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: screen.decision_of(draft), "the decision")
        sandbox.decide(draft, "approve", "mine")
        await until(pilot, lambda: "your text is saved" in drawn(app), "the news")
    assert bodies(sandbox) == ["It is on its way."]


async def test_the_place_in_the_queue_counts_what_waits(sandbox: Sandbox) -> None:
    for body in ("First.", "Second.", "Third."):
        sandbox.draft(body)
    async with reading_queue(settings_for(sandbox), 3) as (app, pilot, screen):
        await pilot.press("a")
        await until(
            pilot, lambda: screen.listing.shows_ended and len(screen.listing.entries) == 2, "the outcome in the list"
        )
        await until(pilot, lambda: "1 of 2" in drawn(app), "its place among what waits")


def _says(app: MmTui, words: str) -> bool:
    return words in drawn(app)


async def test_mail_that_came_in_the_thread_is_asked_about_until_it_was_on_the_screen(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is on its way.")
    async with running_queue(settings_for(sandbox), 1, size=(80, 24)) as (app, pilot, screen):
        await pilot.press("enter")
        await seen(pilot, screen)
        parent, subject = sandbox.look(draft)["in_reply_to"], "Re: Where is my order?"
        came = sandbox.inbound(in_reply_to=parent, subject=subject, body="It has come.")
        sandbox.change(came["id"], status="read")
        assert app.session.sync is not None
        app.session.sync.wake(asked=True)
        await until(pilot, lambda: screen.current is not None and screen.current.newer_name, "the new mail")
        assert "the thread continued" in drawn(app) and "It has come." not in drawn(app)
        await pilot.press("space")
        await until(
            pilot,
            lambda: "1 newer email in its thread not seen yet: t shows" in drawn(app) and not screen.marks,
            "no batch",
        )
        await pilot.press("a")
        await until(pilot, lambda: "Approve although its thread continued?" in drawn(app), "the question")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        await pilot.press("tab")
        await until(pilot, lambda: "It has come." in drawn(app), "the new mail")
        entry = screen.current
        assert entry is not None
        await until(pilot, lambda: screen.gate.has_seen_newer(entry), "it to be read")
        await pilot.press("a")
        await until(pilot, lambda: bodies(sandbox), "the release")
