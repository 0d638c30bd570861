"""Asks the second reader about the draft under the cursor: by key, or automatically if the settings say so."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from textual.worker import Worker

from mm_tui.services.assistant.cards import CardPhase
from mm_tui.widgets.background import Later

if TYPE_CHECKING:
    from mm_tui.screens.pending.host import QueueHost
    from mm_tui.services.assistant.second_reader import SecondReader
    from mm_tui.services.queue.entry import QueueEntry

REST_SECONDS = 0.8
"""Seconds that the cursor must rest on a draft before its second reading is looked up or requested."""


ASKED, LOOKING = "second-reader", "second-reader-looking"
"""The groups of the workers: what was asked for goes on while others are looked at."""


class SecondReaderActions:
    """Runs the second reader for the pending screen."""

    def __init__(self, screen: QueueHost) -> None:
        self._screen = screen
        self._looking = Later(screen, REST_SECONDS, self._look)
        self._near: tuple[str, ...] = ()
        """The versions of the emails that were looked at last."""
        self._look_worker: Worker[None] | None = None

    def ask(self) -> None:
        """Has the draft under the cursor read; the same key stops a reading in progress, or asks again afterwards."""
        entry, session = self._screen.current, self._screen.session
        if entry is None:
            return
        reader = session.second_reader
        if reader is None:
            self._screen.say(session.trouble or "still starting: the second reader is not ready yet", "warning")
            return
        state = reader.state(entry)
        if state is not None and state.phase is CardPhase.WORKING:
            for group in (ASKED, LOOKING):
                self._screen.workers.cancel_group(self._screen, group)
            self._screen.say("the second reader was stopped")
            return
        again = state is not None and state.phase is CardPhase.DONE
        self._screen.say("the second reader is at work; {pending.second_reader} stops it")
        self._run(self._ask(reader, entry, again), ASKED)

    async def _ask(self, reader: SecondReader, entry: QueueEntry, again: bool) -> None:
        state = await reader.read(entry, self._address(entry), again=again)
        if self._screen.is_under_cursor(entry.item.id):
            # There is no room for it above a draft with many findings.
            more = ", {pending.findings} shows them" if state.remarks else ""
            self._screen.say(f"{state.summary}{more}")

    def look_soon(self) -> None:
        """Once the cursor has rested, shows the stored remarks on the draft, or requests them in automatic mode."""
        self._looking.after_pause()

    def _look(self) -> None:
        reader = self._screen.session.second_reader
        if reader is None:
            return
        near = self._screen.near
        wanted = [one for one in near if not one.ended and one.is_checked and reader.state(one) is None]
        looked, self._near = self._near, tuple(one.version for one in near)
        is_looking = self._look_worker is not None and not self._look_worker.is_finished
        if wanted and not (is_looking and looked == self._near):
            self._look_worker = self._run(self._read_all(wanted), LOOKING)

    def _run(self, work: Coroutine[Any, Any, None], group: str) -> Worker[None]:
        # Exclusive: asking about another draft ends the wait for this one, and so does looking at others.
        return self._screen.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    async def _read_all(self, entries: Sequence[QueueEntry]) -> None:
        from mm_tui.services.assistant.second_reader import why_not

        reader = self._screen.session.second_reader
        assert reader is not None, "the services stay once they are there"
        for entry in entries:
            known = await reader.recall(entry, self._address(entry))
            if known is None and reader.automatic and not why_not(entry):
                await reader.read(entry, self._address(entry), automatic=True)

    def _address(self, entry: QueueEntry) -> str:
        box = self._screen.session.mail.mailbox(entry.item.mailbox_id)
        return str(box.address) if box is not None else ""
