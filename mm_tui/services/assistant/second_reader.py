"""The second reader: what a model finds in a draft that its thread contradicts, does not hold, or asked.

Advice only. It reads what is opened on this machine, opens nothing, and changes no level, no order and no gate.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mm_tui.assist.errors import AssistError, NoKey, OverBudget
from mm_tui.models import Direction
from mm_tui.services.assistant.cards import STAND_IN_MODEL, Phase
from mm_tui.services.assistant.conversation import letter
from mm_tui.services.events import AssistChanged
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from mm_tui.assist.second_reader import Line, Reading, SecondReading
    from mm_tui.assist.tasks import Answered
    from mm_tui.models import EmailSummary
    from mm_tui.services.assistant.service import Assistant
    from mm_tui.services.events import Notify
    from mm_tui.services.facts import Facts, HouseFacts
    from mm_tui.services.queue.entry import QueueEntry

__all__ = ["Remark", "SecondReader", "SecondReaderState"]

MOST_KEPT = 200
LONGEST_THREAD = 30
"""The newest so many emails of a thread are read."""
READING = OneLine("the second reader is reading the draft …")
UNREADABLE = OneLine("the second reader's answer could not be read")
NOTHING_NAMED = "no remarks, which does not prove that all is well"
STAND_IN_WORDS = "plain rules that compare numbers, dates and questions only"
INBOUND = OneLine("the second reader reads drafts, not incoming mail")
NO_THREAD = OneLine("no email of the thread has been opened here: nothing to compare the draft with")
_WORDS = {
    "contradicted": ("contradicted", "thread"),
    "not_found": ("not found", "nearest"),
    "unanswered": ("asked, not answered", "asked"),
}


@dataclass(frozen=True)
class Remark:
    """One thing that the second reader points at: words of the draft, and words of its thread or the house facts."""

    kind: str
    """`contradicted`, `not_found` or `unanswered`."""
    draft: OneLine
    draft_span: tuple[int, int]
    """Where they stand in the body."""
    source: OneLine
    source_span: tuple[int, int]
    source_id: str
    """The email's id, or the name of the file of house facts."""
    source_name: OneLine
    """Whose mail it is, or the file's name."""

    @property
    def words(self) -> OneLine:
        """The kind in words."""
        return OneLine(_WORDS[self.kind][0])

    @property
    def line(self) -> OneLine:
        """All of it on one line."""
        kind, label = _WORDS[self.kind]
        if self.kind == "unanswered":
            return OneLine(f"{kind}: “{self.source}” ({self.source_name}); the draft says “{self.draft}”")
        return OneLine(f"{kind}: “{self.draft}”; {label}: “{self.source}” ({self.source_name})")


@dataclass(frozen=True)
class SecondReaderState:
    """What the second reader says of one version of a draft."""

    phase: Phase
    words: OneLine = OneLine("")
    """One quiet line: that it reads, what failed, what was left out."""
    remarks: tuple[Remark, ...] = ()
    model: OneLine = OneLine("")
    dropped: int = 0
    """Lines that were not shown because their quotes do not stand there."""

    @property
    def stand_in(self) -> bool:
        """True when it was the sandbox's plain rules that read."""
        return self.model.startswith(STAND_IN_MODEL)

    @property
    def badge(self) -> OneLine:
        """Who read; empty before anybody has."""
        return OneLine(f"{self.model} (local stand-in, not Jamba)" if self.stand_in else self.model)

    @property
    def summary(self) -> OneLine:
        """One line: what it is at, or what was found and by whom."""
        if self.phase is not Phase.DONE:
            return self.words
        number = len(self.remarks)
        found = NOTHING_NAMED if not number else f"{number} {'line' if number == 1 else 'lines'}"
        said = [f"second reader {self.badge}: {found}"]
        if self.stand_in:
            said.append(STAND_IN_WORDS)
        if self.dropped:
            said.append(f"{self.dropped} dropped: {'its' if self.dropped == 1 else 'their'} quotes stand nowhere")
        return OneLine("; ".join((*said, *([self.words] if self.words else ()))))


class SecondReader:
    """Reads drafts when asked, and keeps what was said of each version."""

    def __init__(self, assistant: Assistant, facts: HouseFacts, notify: Notify) -> None:
        """Takes what it works with; `notify` is told `AssistChanged` about the draft."""
        self._assistant = assistant
        self._facts = facts
        self._notify = notify
        settings = assistant.settings
        profile = settings.profile.second_reader
        self._automatic = settings.assist.second_reader if profile is None else profile
        self._states: OrderedDict[object, SecondReaderState] = OrderedDict()

    @property
    def automatic(self) -> bool:
        """Whether drafts are read without being asked."""
        return self._automatic and self._assistant.has_key

    def state(self, entry: QueueEntry) -> SecondReaderState | None:
        """What is known of this version of the draft beside this thread; None when it was not read."""
        return self._states.get(_key(entry))

    async def read(
        self, entry: QueueEntry, own_address: str, *, automatic: bool = False, again: bool = False
    ) -> SecondReaderState:
        """Has a draft read, unless the answer is known. What fails is said in the state, not raised.

        Cancel the task to stop.

        Args:
            entry: the draft with its thread.
            own_address: the mailbox's, for its house facts.
            automatic: nobody asked: refuse over the budget.
            again: ask the model anew.
        """
        if (why := why_not(entry)) or not self._assistant.has_key:
            return self._put(entry, SecondReaderState(Phase.FAILED, why or NoKey().words))
        facts = await asyncio.to_thread(self._facts.of, own_address)
        reading, names, left_out = _reading(entry, facts)
        known = None if again else await self._assistant.known_second_reading(entry.item.id, reading, facts)
        if known is None:
            self._put(entry, SecondReaderState(Phase.WORKING, READING))
            try:
                known = await self._assistant.second_reading(entry.item.id, reading, facts, automatic=automatic)
            except AssistError as error:
                phase = Phase.OVER_BUDGET if isinstance(error, OverBudget) else Phase.FAILED
                return self._put(entry, SecondReaderState(phase, OneLine(f"second reader: {error}")))
            except asyncio.CancelledError:
                self._states.pop(_key(entry), None)
                self._tell(entry)
                raise
        return self._put(entry, _state(known, names, left_out))

    async def recall(self, entry: QueueEntry, own_address: str) -> SecondReaderState | None:
        """What is kept about a draft from before; asks nobody."""
        if (found := self.state(entry)) is not None or why_not(entry):
            return found
        facts = await asyncio.to_thread(self._facts.of, own_address)
        reading, names, left_out = _reading(entry, facts)
        known = await self._assistant.known_second_reading(entry.item.id, reading, facts)
        return self._put(entry, _state(known, names, left_out)) if known is not None else None

    def _put(self, entry: QueueEntry, state: SecondReaderState) -> SecondReaderState:
        key = _key(entry)
        if self._states.get(key) != state:
            self._states[key] = state
            self._states.move_to_end(key)
            while len(self._states) > MOST_KEPT:
                self._states.popitem(last=False)
            self._tell(entry)
        return state

    def _tell(self, entry: QueueEntry) -> None:
        self._notify(AssistChanged(entry.item.id, entry.item.thread_id))


def why_not(entry: QueueEntry) -> OneLine:
    """Why there is nothing to read; empty when there is."""
    if entry.is_inbound:
        return INBOUND
    return OneLine("") if _opened(entry) else NO_THREAD


def _opened(entry: QueueEntry) -> list[EmailSummary]:
    """The emails of the thread that arrived or left and are opened here, oldest first."""
    return [mail.detail for mail in entry.thread if mail.detail is not None and mail.detail.is_exchanged]


def _key(entry: QueueEntry) -> object:
    return entry.version, tuple(mail.id for mail in _opened(entry))


def _body(entry: QueueEntry) -> ManyLine:
    return ManyLine(entry.edit.text.body) if entry.edit is not None else entry.item.body


def _reading(entry: QueueEntry, facts: Facts) -> tuple[Reading, dict[str, OneLine], OneLine]:
    """What is read, how its sources are called, and what was left out, in words."""
    from mm_tui.assist.second_reader import Reading, Source

    exchanged = [mail for mail in entry.thread if mail.mail.is_exchanged]
    opened = [mail.detail for mail in exchanged if mail.detail is not None]
    mails = opened[-LONGEST_THREAD:]
    house = [Source(str(file.name), file.text) for file in facts.files]
    thread = [Source(mail.id, mail.body, theirs=str(mail.direction) == Direction.INBOUND) for mail in mails]
    names = {mail.id: OneLine(f"{mail.sender.name or mail.sender.address}") for mail in mails}
    left_out = [f"{unread} of the thread not opened, so not read"] if (unread := len(exchanged) - len(opened)) else []
    left_out += list(map(str, facts.problems))
    reading = Reading(_body(entry), tuple(map(letter, mails)), (*house, *thread))
    return reading, names, OneLine("; ".join(left_out))


def _state(answer: Answered[SecondReading], names: dict[str, OneLine], left_out: OneLine) -> SecondReaderState:
    found = answer.value
    if not found.readable:
        return SecondReaderState(Phase.FAILED, UNREADABLE, model=answer.model, dropped=found.dropped)
    said = [*([str(left_out)] if left_out else []), *(["the thread was cut for it"] if answer.cut else [])]
    return SecondReaderState(
        Phase.DONE,
        OneLine("; ".join(said)),
        tuple(_remarks(found.lines, names)),
        answer.model,
        found.dropped,
    )


def _remarks(lines: Iterable[Line], names: dict[str, OneLine]) -> Iterable[Remark]:
    for line in lines:
        yield Remark(
            kind=str(line.kind),
            draft=OneLine(line.draft.text),
            draft_span=(line.draft.start, line.draft.end),
            source=OneLine(line.source.text),
            source_span=(line.source.start, line.source.end),
            source_id=line.source_id,
            source_name=names.get(line.source_id) or OneLine(line.source_id),
        )
