"""Whatever is typed, wherever and whenever: nothing is decided that was not chosen, and no text is lost.

A hand types random words into every dialog, field and editor, in one burst or key by key, while a colleague decides,
an agent submits and the app polls. `MM_TUI_TYPING_SECONDS` types other words for longer, `MM_TUI_TYPING_SEED` repeats a
run.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.clock import DWELL_SECONDS
from mm_tui.keyboard import dispatch as keyboard
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Review, SyncSettings
from mm_tui.store.decisions.edits import EditStore
from mm_tui.text import OneLine
from mm_tui.widgets.draft_area import DraftArea
from tests.support.app import settings_for, until
from tests.support.queue import running_queue
from tests.support.rounds import Rounds
from tests.support.sandbox import Sandbox
from tests.support.typing import burst, typed

ROUNDS = Rounds("MM_TUI_TYPING", seconds=30)
SEED = next(ROUNDS.seeds())
LETTERS = "aaxxeeAXYybDusnptofi/?123 4kjhlKqrv.,mé"
"""Those that are keys in the queue more often than others."""
SLACK = 0.1
"""Seconds by which what is looked at here may differ from what the app knew."""


class Hand:
    """Types, and notes what it has chosen and what was on the screen meanwhile."""

    def __init__(
        self, app: MmTui, pilot: Pilot[None], screen: PendingScreen, chance: random.Random, mail: dict[str, Any]
    ) -> None:
        self.app, self.pilot, self.screen, self.chance, self.mail = app, pilot, screen, chance, mail
        self.chosen: set[str] = set()
        self.shown: list[tuple[float, str]] = []
        """When what came to be in front; "" for anything but one mail of the queue."""
        self.rounds: list[str] = []
        self.ways: list[Callable[[], Awaitable[None]]] = []

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Checks every decision as it begins."""
        begin = self.screen.deciding.begin

        def checked(entries: Sequence[QueueEntry], beginning: Any, reason: str = "") -> None:
            for entry in entries:
                assert entry.item.id in self.chosen, (
                    f"{entry.item.body!r} was decided, but not chosen: {self.rounds[-3:]}"
                )
                assert self.looked_at(entry.item.id) >= DWELL_SECONDS - SLACK, f"not looked at: {self.rounds[-3:]}"
            begin(entries, beginning, reason)

        monkeypatch.setattr(self.screen.deciding, "begin", checked)

    async def look(self) -> None:
        """Notes what is in front, for as long as it runs."""
        while True:
            current = self.screen.current
            now = current.item.id if current is not None and self.app.current_mode == "pending" else ""
            if not self.shown or self.shown[-1][1] != now:
                self.shown.append((time.monotonic(), now))
            await asyncio.sleep(0.01)

    def looked_at(self, email_id: str) -> float:
        """The longest time that this mail was under the cursor, in seconds."""
        ends = [*(at for at, _ in self.shown[1:]), time.monotonic()]
        return max(
            (end - at for (at, shown), end in zip(self.shown, ends, strict=True) if shown == email_id), default=0
        )

    def words(self) -> str:
        text = "".join(self.chance.choice(LETTERS) for _ in range(self.chance.randint(1, 14))).strip()
        return text or "a"

    async def type(self, text: str) -> None:
        """In one burst, or key by key."""
        if self.chance.random() < 0.5:
            burst(self.app, text)
            return
        await typed(self.app, text, pause=lambda: self.chance.uniform(0, 0.15))

    async def rest(self) -> None:
        """Long enough for a key to count again, and a random moment more."""
        await asyncio.sleep(keyboard.PAUSE_SECONDS + 0.1 + self.chance.uniform(0, 0.5))

    async def comes(self, what: str, condition: Callable[[], object]) -> None:
        await until(self.pilot, condition, f"{what}; rounds {self.rounds[-3:]}", seconds=30)

    async def back_to_the_queue(self) -> None:
        """Closes all that is open, once all that was typed has had its effect."""
        await self.comes("every key to be handled", lambda: self.app.keyboard.is_ready)
        for _ in range(12):
            if (
                self.app.screen is self.screen
                and not self.screen.listing.is_filtered
                and not isinstance(self.app.focused, Input)
            ):
                break
            if self.app.current_mode != "pending" and len(self.app.screen_stack) == 1:
                self.app.action_go("pending")
            else:
                await self.pilot.press("escape")
            await self.pilot.pause(0.05)
        await self.comes("the queue", lambda: self.app.screen is self.screen)

    # What it does

    async def writes_a_reason(self) -> None:
        text, current = self.words(), self.screen.current
        await self.type(f"x{text}")
        await asyncio.sleep(0.3)
        if not self.app.screen.is_modal:
            return  # refused: the mail went away, or another came
        await self.comes("the reason", lambda: self.app.screen.query(Input))
        dialog = self.app.screen
        line = dialog.query_one(Input)
        await self.comes(f"{text!r} as the reason", lambda: line.value == text)
        if current is not None and self.chance.random() < 0.3:
            self.chosen.add(current.item.id)
            await self.type("\n" + self.words())
            # If somebody else has decided meanwhile, the dialog stays with the reason, and says so.
            over = isinstance(dialog, ReasonScreen) and dialog.look_again
            await self.comes("the dialog to close", lambda: self.app.screen is not dialog or (over and over()))

    async def edits(self) -> None:
        text, before = self.words(), self.app.screen
        await self.type(f"e{text}\n{text}")
        await asyncio.sleep(0.3)
        if self.app.screen is before:
            return
        await self.comes("the editor", lambda: self.app.screen.query(DraftArea))
        area = self.app.screen.query_one(DraftArea)
        await self.comes(f"{text!r} in the text", lambda: area.text.startswith(f"{text}\n{text}"))
        await self.type("\x1b")
        await self.comes("the editor to close", lambda: self.app.screen is self.screen)
        stored = EditStore(self.app.session.database).all()
        assert any(edit.text.body.startswith(f"{text}\n{text}") for edit in stored), f"{text!r} is lost"

    async def searches(self) -> None:
        text = self.words()
        await self.type(f"/{text}")
        await self.comes(f"{text!r} on the search line", lambda: self.screen.listing.typed == text)
        await self.type(f"\n{self.words()}" if self.chance.random() < 0.5 else "\x1b")

    async def replies(self) -> None:
        text = self.words()
        self.app.action_go("inbox")
        self.app.push_screen(ThreadScreen(self.mail["mailbox_id"], self.mail["thread_id"], self.mail["id"]))
        await self.comes("the thread", lambda: isinstance(self.app.screen, ThreadScreen))
        await self.comes("its editor", lambda: self.app.screen.query(DraftArea))
        area = self.app.screen.query_one(DraftArea)
        await asyncio.sleep(0.1)
        await self.type(f"r{text}")
        await self.comes(f"{text!r} as the reply", lambda: area.text.endswith(text))
        for _ in range(3):
            await self.pilot.press("escape")
        await self.comes("the inbox", lambda: not isinstance(self.app.screen, ThreadScreen))
        stored = EditStore(self.app.session.database).all()
        assert any(edit.text.body.endswith(text) for edit in stored), f"{text!r} is lost"

    async def asks_for_a_redraft(self) -> None:
        text, before = self.words(), self.app.screen
        await self.type("e" + text)
        await asyncio.sleep(0.3)
        if self.app.screen is before:
            return
        await self.comes("the editor", lambda: self.app.screen.query(DraftArea))
        area = self.app.screen.query_one(DraftArea)
        await self.comes(f"{text!r} in the text", lambda: area.text.startswith(text))
        wanted = self.words()
        await self.type("\x14" + wanted)
        await self.comes(f"{wanted!r} as the instruction", lambda: self.line == wanted)
        assert area.text.startswith(text)
        for _ in range(2):
            await self.pilot.press("escape")
        stored = EditStore(self.app.session.database)
        await self.comes(
            f"{text!r} in the store", lambda: any(edit.text.body.startswith(text) for edit in stored.all())
        )

    async def fills_in_a_form(self) -> None:
        await self.goes_to("mailboxes")
        text, more = self.words(), self.words()
        way = self.chance.choice("nc")
        await self.type(way + text)
        await self.comes(f"{text!r} in the first line", lambda: self.line == text)
        if way == "n":
            await self.type("\n" + more)
            await self.comes(f"{more!r} in the second line", lambda: self.line == more)
            values = [one.value for one in self.app.screen.query(Input)]
            assert values == [text, more, ""], "words are in another line than they were typed for"

    async def names_an_export(self) -> None:
        await self.goes_to("audit")
        text = self.words()
        await self.type("w" + text)
        await self.comes(f"{text!r} in the name of the file", lambda: self.line.endswith(text))

    async def looks_for_an_act(self) -> None:
        await self.goes_to(self.chance.choice(("pending", "inbox", "audit", "mailboxes")))
        text = self.words()
        await self.type("\x10" + text)
        await self.comes(f"{text!r} in the palette", lambda: self.line == text)

    async def goes_to(self, mode: str) -> None:
        self.app.action_go(mode)
        await self.comes(mode, lambda: self.app.current_mode == mode and not self.app.screen.is_modal)
        # Letters are keys again a moment after another screen has come.
        await asyncio.sleep(0.3)

    @property
    def line(self) -> str:
        """What stands in the line that has the focus; empty without one."""
        focused = self.app.focused
        return focused.value if isinstance(focused, Input) else ""

    async def opens_a_dialog(self) -> None:
        """One that takes no text, and types at it."""
        await self.type(self.chance.choice("fiKo?") + self.words().lstrip("aAxXbD"))

    async def approves(self) -> None:
        """The key, and words behind it."""
        current = self.screen.current
        if current is not None and self.screen.gate.has_seen(current):
            self.chosen.add(current.item.id)
        await self.type("a" + self.words())

    async def types_at_the_queue(self) -> None:
        # A first letter that decides would be a key like any other.
        await self.type(self.words().lstrip("aAxXbDe/ ") or "nothing")

    async def acts(self) -> None:
        """Something of all that, once; each has its turn."""
        if not self.ways:
            self.ways = [
                self.writes_a_reason, self.edits, self.searches, self.replies, self.opens_a_dialog, self.approves,
                self.types_at_the_queue, self.asks_for_a_redraft, self.fills_in_a_form, self.names_an_export,
                self.looks_for_an_act,
            ]  # fmt: skip
            self.chance.shuffle(self.ways)
        way = self.ways.pop()
        self.rounds.append(way.__name__)
        self.chosen.clear()
        await way()
        await asyncio.sleep(self.chance.uniform(0, 0.3))
        await self.back_to_the_queue()
        await self.rest()


async def others(sandbox: Sandbox, chance: random.Random) -> None:
    """A colleague and an agent, at random moments."""
    number = 0
    while True:
        await asyncio.sleep(chance.uniform(0.1, 1.5))
        waiting = await asyncio.to_thread(sandbox.pending)
        if len(waiting) > 3 and chance.random() < 0.6:
            act, chosen = chance.choice(("approve", "reject")), str(chance.choice(waiting)["id"])
            with suppress(httpx.HTTPStatusError):  # somebody was quicker
                await asyncio.to_thread(sandbox.decide, chosen, act)
        elif len(waiting) < 9:
            number += 1
            await asyncio.to_thread(sandbox.draft, f"From the agent, {number}.")


@pytest.mark.timeout(ROUNDS.seconds + 150)
async def test_no_typing_decides_what_was_not_chosen_and_no_text_is_lost(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keyboard, "QUIET_SECONDS", DWELL_SECONDS)
    monkeypatch.setattr(keyboard, "PAUSE_SECONDS", 0.8)
    chance = random.Random(SEED)
    mail = sandbox.inbound(subject="Where is my order", body="It has not come.")
    for number in range(6):
        sandbox.draft(f"Number {number}.")
    quick = settings_for(sandbox, review=Review(hold_seconds=1), sync=SyncSettings(active_seconds=1, idle_seconds=1))
    model = {"ai21_key": Secret(sandbox.ai21_key), "ai21_host": sandbox.ai21_url}
    quick = msgspec.structs.replace(quick, profile=msgspec.structs.replace(quick.profile, **model))
    async with running_queue(quick, 6) as (app, pilot, screen):
        hand = Hand(app, pilot, screen, chance, sandbox.look(mail["id"]))
        hand.watch(monkeypatch)
        beside = [asyncio.create_task(hand.look()), asyncio.create_task(others(sandbox, random.Random(SEED + 1)))]
        try:
            ends = time.monotonic() + ROUNDS.seconds
            while time.monotonic() < ends:
                await hand.acts()
                for task in beside:
                    assert not task.done(), task.exception()
        except BaseException:
            with capsys.disabled():
                print(f"\n{ROUNDS.again(SEED)}; {len(hand.rounds)} rounds: {hand.rounds[-5:]}")
            raise
        finally:
            for task in beside:
                task.cancel()


def test_news_for_a_dialog_that_is_being_closed_is_dropped() -> None:
    ReasonScreen("Why?", OneLine("Re: x"), []).show_trouble("decided by somebody else")
