"""What changes while nobody presses keys, or while nothing is assessed."""

from __future__ import annotations

import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from mm_tui.app import MmTui
from mm_tui.app_parts.attendance import IDLE_AFTER_SECONDS, LOOK_SECONDS
from mm_tui.review.language import RECOGNISER, Recogniser
from mm_tui.review.risk import phrases
from mm_tui.services.events import MailChanged, SyncChanged, SyncState
from tests.support.app import running_app, until
from tests.support.clock import FakeClock
from tests.support.pictured_mail import StillSync
from tests.support.seat import NOW, idle_session

GERMAN = "Vielen Dank, die Rechnung ist heute bei uns angekommen."


def test_after_a_minute_without_a_key_nobody_reads_the_lists() -> None:
    clock = FakeClock(NOW)
    app = MmTui(idle_session(clock=clock))
    assert app.is_attended
    clock.advance(IDLE_AFTER_SECONDS + 1)
    assert not app.is_attended
    app.attendance.note_input()
    assert app.is_attended


async def test_each_key_pauses_the_initial_sync() -> None:
    noted: list[str] = []

    class NotingSync(StillSync):
        def note_input(self) -> None:
            noted.append("key")

    session = idle_session()
    async with running_app(session) as (_, pilot):
        session.sync = cast(Any, NotingSync(SyncState()))
        await pilot.press("j", "k")
        assert len(noted) >= 2
        session.sync = None


def test_the_model_of_languages_is_let_go_when_it_was_not_asked_between_two_looks() -> None:
    recogniser = Recogniser()
    assert not recogniser.is_unused(), "not loaded yet"
    before = recogniser.predict(GERMAN, 3)
    assert before[0][0] == "de"
    assert not recogniser.is_unused()
    assert recogniser.is_unused()
    recogniser.predict(GERMAN, 1)
    recogniser.unload()
    assert not recogniser.is_unused(), "asked since"
    assert recogniser.is_unused(), "so it is still there"
    recogniser.unload()
    assert not recogniser.is_unused()
    assert recogniser.predict(GERMAN, 3) == before


def test_threads_ask_the_model_while_it_is_let_go() -> None:
    recogniser = Recogniser()
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(recogniser.predict, GERMAN, 1) for _ in range(200)]
        while not all(answer.done() for answer in answers):
            recogniser.is_unused()
            recogniser.unload()
    assert {answer.result()[0][0] for answer in answers} == {"de"}


async def test_the_app_lets_the_model_and_the_phrases_go() -> None:
    RECOGNISER.predict(GERMAN, 1)
    known = phrases.phrases("months")
    assert phrases.is_loaded()
    async with running_app(idle_session()) as (app, pilot):
        # The first look may come after somebody asked.
        RECOGNISER.is_unused()
        app.attendance.look()
        await until(pilot, lambda: not RECOGNISER.is_unused(), "the model to be let go")
        await until(pilot, lambda: not phrases.is_loaded(), "the phrases to be let go")
    assert phrases.phrases("months") == known


PROGRAM = """
from mm_tui.review.language import Recogniser
from mm_tui.startup import give_back_memory

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:"))

recogniser = Recogniser()
recogniser.predict("x", 1)
before = resident()
recogniser.is_unused()
recogniser.is_unused()
recogniser.unload()
give_back_memory()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries give memory back themselves, or never")
def test_the_system_gets_the_memory_of_the_model() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 2000, "kilobytes"


@pytest.mark.parametrize("key", [True, False], ids=["a key", "new mail"])
async def test_what_reading_again_has_freed_is_given_back_once_it_is_quiet(
    key: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[None] = []
    monkeypatch.setattr("mm_tui.startup.give_back_memory", lambda: given.append(None))
    clock = FakeClock(NOW)
    async with running_app(idle_session(clock=clock)) as (app, pilot):
        attendance = app.attendance

        def look_later() -> None:
            clock.advance(LOOK_SECONDS)
            attendance.look()

        look_later()
        await until(pilot, lambda: given, "what the start has freed")
        while RECOGNISER.is_unused():
            RECOGNISER.unload()
        given.clear()
        attendance.note_event(SyncChanged(SyncState()))
        look_later()
        await pilot.pause(0.1)
        assert not given, "a poll reads no list again"
        if key:
            attendance.note_input()
        else:
            attendance.note_event(MailChanged())
        attendance.look()
        await pilot.pause(0.1)
        assert not given, "more may be read at once"
        look_later()
        await until(pilot, lambda: given, "what was freed")
