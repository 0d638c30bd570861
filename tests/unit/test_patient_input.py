"""The thread that reads keys sleeps while there are none, and loses none."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from mm_tui.keyboard import pasting
from mm_tui.terminal import patient_input
from mm_tui.terminal.patient_input import WakingEvent, patient
from tests.support.sandbox import wait_until


class Reading:
    """A driver whose thread reads the keys of a terminal of its own."""

    def __init__(self, terminal: int) -> None:
        self.messages: list[Message] = []
        self.driver: Any = asyncio.run(self._made())
        self.driver.fileno = terminal
        self.driver.process_message = self.messages.append
        self.waits: list[float | None] = []
        self.thread = threading.Thread(target=self.driver.run_input_thread)

    async def _made(self) -> Any:
        return patient(LinuxDriver)(App(), size=(80, 24))

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.messages if isinstance(message, events.Key)]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Reading, Callable[[bytes], int]]]:
    outer, inner = pty.openpty()
    tty.setraw(inner)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr(linux_driver, "XTermParser", linux_driver.XTermParser)  # type: ignore[attr-defined]
    monkeypatch.setattr(pasting, "SILENCE_SECONDS", 0.05)
    pasting.install()
    reading = Reading(inner)
    wait = select.select

    def noting(*arguments: Any) -> Any:
        reading.waits.append(arguments[3])
        return wait(*arguments)

    monkeypatch.setattr(select, "select", noting)
    monkeypatch.setattr(patient_input, "TICK_SECONDS", 0.02)
    monkeypatch.setattr(patient_input, "LISTENING_SECONDS", 0.1)
    reading.thread.start()
    yield reading, lambda data: os.write(outer, data)
    reading.driver.exit_event.set()
    reading.thread.join(10)
    assert not reading.thread.is_alive(), "it did not notice that the program ends"
    # Textual stops the input once more when nothing reads any more.
    reading.driver.exit_event.set()
    for descriptor in (outer, inner):
        os.close(descriptor)


def test_it_sleeps_without_an_end_until_a_key_comes(typed: tuple[Reading, Callable[[bytes], int]]) -> None:
    reading, write = typed
    for key in ("j", "k"):
        # Such a wait has no time after which it ends.
        wait_until(lambda: reading.waits[-1:] == [None])
        write(key.encode())
        wait_until(lambda key=key: reading.keys[-1:] == [key])  # type: ignore[misc]  # the loop's key


def test_a_sequence_that_is_cut_off_becomes_the_escape_key(typed: tuple[Reading, Callable[[bytes], int]]) -> None:
    reading, write = typed
    write(b"\x1b")
    wait_until(lambda: reading.keys == ["escape"])
    write("ü".encode()[:1])
    write("ü".encode()[1:])
    wait_until(lambda: len(reading.keys) == 2)
    assert [message.character for message in reading.messages if isinstance(message, events.Key)][1] == "ü"


def test_pasted_text_whose_end_is_cut_or_lost_is_still_text(typed: tuple[Reading, Callable[[bytes], int]]) -> None:
    reading, write = typed
    write(f"{pasting.START}Dear Anna,\x1b".encode())
    wait_until(lambda: len(reading.messages) == 1)
    write(f"[201~{pasting.START}again".encode())
    wait_until(lambda: len(reading.messages) == 2)
    assert [message.text for message in reading.messages if isinstance(message, events.Paste)] == [
        "Dear Anna,",
        "again",
    ]


def test_bytes_that_are_no_utf_8_do_not_end_the_keyboard(typed: tuple[Reading, Callable[[bytes], int]]) -> None:
    reading, write = typed
    write(b"\xff\xc3j")
    wait_until(lambda: reading.keys[-1:] == ["j"])


def test_a_driver_without_such_a_thread_stays_as_it_is() -> None:
    assert patient(HeadlessDriver) is HeadlessDriver


def test_the_event_wakes_a_select_each_time_it_is_set() -> None:
    event = WakingEvent()
    for _ in range(2):
        with event.descriptor() as ending:
            assert not select.select([ending], [], [], 0)[0]
            event.set()
            assert select.select([ending], [], [], 5)[0] == [ending]
        event.set()
        event.clear()
