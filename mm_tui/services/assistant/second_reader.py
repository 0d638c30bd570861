"""The second reader: a model points out what in a draft contradicts its thread, is missing from it, or leaves a
question unanswered.

It only advises. It reads emails already opened on this machine, opens none, and affects neither levels, order nor
approval.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from mm_tui.assist.errors import AssistError, NoKey, OverBudget
from mm_tui.models import Direction, EmailSummary
from mm_tui.services.assistant.cards import STAND_IN_MODEL, CardPhase, badge_of
from mm_tui.services.assistant.conversation import prompt_email
from mm_tui.services.events import AssistChanged, Notify
from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from mm_tui.assist.second_reader import DraftReading, RemarkLine, SecondReading
    from mm_tui.assist.tasks import Answered
    from mm_tui.services.assistant.service import Assistant
    from mm_tui.services.knowledge.facts import Facts, HouseFacts
    from mm_tui.services.queue.entry import QueueEntry


MOST_KEPT = 200
LONGEST_THREAD = 30
"""How many of a thread's newest emails are read."""
READING = OneLine("the second reader is reading the draft …")
UNREADABLE = OneLine("the second reader's answer could not be read")
NOTHING_NAMED = "no remarks; this does not mean that all is well"
STAND_IN = "second reader (stand-in, not Jamba)"
STAND_IN_READS = "on numbers or questions"
"""All that the stand-in compares."""
INBOUND = OneLine("the second reader reads drafts, not incoming mail")
NO_THREAD = OneLine("no email of the thread has been opened here: nothing to compare the draft with")
_WORDS = {
    "contradicted": ("contradicted", "thread"),
    "not_found": ("not found", "nearest"),
    "unanswered": ("asked, not answered", "asked"),
}


class Remark(msgspec.Struct, frozen=True):
    """One remark of the second reader: a quote from the draft, and one from its thread or the house facts."""

    kind: str
    """`contradicted`, `not_found` or `unanswered`."""
    draft: OneLine
    draft_span: tuple[int, int]
    """The position of the quote in the body."""
    source: OneLine
    source_span: tuple[int, int]
    source_id: str
    """The email's id, or the name of the file with house facts."""
    source_name: OneLine
    """The email's sender, or the file's name."""

    @property
    def line(self) -> OneLine:
        kind, label = _WORDS[self.kind]
        if self.kind == "unanswered":
            return OneLine(f"{kind}: “{self.source}” ({self.source_name}); the draft says “{self.draft}”")
        return OneLine(f"{kind}: “{self.draft}”; {label}: “{self.source}” ({self.source_name})")


class SecondReaderState(msgspec.Struct, frozen=True):
    """What the second reader says about one version of a draft."""

    phase: CardPhase
    words: OneLine = OneLine("")
    """One line about progress, a failure, or what was left out."""
    remarks: tuple[Remark, ...] = ()
    model: OneLine = OneLine("")
    dropped: int = 0
    """The number of remarks dropped because their quotes do not occur in the text."""

    @property
    def stand_in(self) -> bool:
        """Whether the reader was the sandbox's simple rules."""
        return self.model.startswith(STAND_IN_MODEL)

    @property
    def badge(self) -> OneLine:
        """The model that read it; empty before that."""
        return badge_of(self.model)

    @property
    def summary(self) -> OneLine:
        """One line: the progress, or what was found and by which model."""
        if self.phase is not CardPhase.DONE:
            return self.words
        number = len(self.remarks)
        found = f"{number or 'no'} {'remark' if number == 1 else 'remarks'}"
        if self.stand_in:
            said = [f"{STAND_IN}: {found} {STAND_IN_READS}"]
        else:
            said = [f"second reader {self.model}: {found if number else NOTHING_NAMED}"]
        if self.dropped:
            said.append(f"{self.dropped} dropped: {'its' if self.dropped == 1 else 'their'} quotes were not found")
        return OneLine("; ".join((*said, *([self.words] if self.words else ()))))


class SecondReader:
    """Reads drafts on request, and caches the remarks on each version."""

    def __init__(self, assistant: Assistant, facts: HouseFacts, notify: Notify) -> None:
        """`notify` receives `AssistChanged` for the draft."""
        self._assistant = assistant
        self._facts = facts
        self._notify = notify
        settings = assistant.settings
        profile = settings.profile.second_reader
        self._automatic = settings.assist.second_reader if profile is None else profile
        self._states: OrderedDict[object, SecondReaderState] = OrderedDict()

    @property
    def automatic(self) -> bool:
        """Whether drafts are read automatically."""
        return self._automatic and self._assistant.has_key

    def state(self, entry: QueueEntry) -> SecondReaderState | None:
        """The result for this version of the draft and its thread; None if it was not read."""
        return self._states.get(_key(entry))

    async def read(
        self, entry: QueueEntry, own_address: str, *, automatic: bool = False, again: bool = False
    ) -> SecondReaderState:
        """Has a draft read, unless the answer is cached. Failures are reported in the state, not raised. Cancel the
        task to stop. `own_address`, the mailbox's, selects the house facts. `automatic`: nobody asked: refuse over the
        budget. `again`: ask the model even if the answer is cached."""
        if (why := why_not(entry)) or not self._assistant.has_key:
            return self._put(entry, SecondReaderState(CardPhase.FAILED, why or NoKey().words))
        facts = await asyncio.to_thread(self._facts.of, own_address)
        reading, names, left_out = _reading(entry, facts)
        known = None if again else await self._assistant.known_second_reading(entry.item.id, reading, facts)
        if known is None:
            self._put(entry, SecondReaderState(CardPhase.WORKING, READING))
            try:
                known = await self._assistant.second_reading(entry.item.id, reading, facts, automatic=automatic)
            except AssistError as error:
                phase = CardPhase.OVER_BUDGET if isinstance(error, OverBudget) else CardPhase.FAILED
                return self._put(entry, SecondReaderState(phase, OneLine(f"second reader: {error}")))
            except STORE_FAULTS as error:
                return self._put(entry, SecondReaderState(CardPhase.FAILED, fault_of_store(error)))
            except BaseException:
                self._states.pop(_key(entry), None)
                self._report(entry)
                raise
        return self._put(entry, _state(known, names, left_out))

    async def recall(self, entry: QueueEntry, own_address: str) -> SecondReaderState | None:
        """The cached result for a draft; calls no model."""
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
            self._report(entry)
        return state

    def _report(self, entry: QueueEntry) -> None:
        self._notify(AssistChanged(entry.item.id, entry.item.thread_id))


def why_not(entry: QueueEntry) -> OneLine:
    """Why the draft cannot be read; empty if it can."""
    if entry.is_inbound:
        return INBOUND
    return OneLine("") if _opened(entry) else NO_THREAD


def _opened(entry: QueueEntry) -> list[EmailSummary]:
    """The emails of the thread that arrived or were sent and were opened here, oldest first."""
    return [mail.detail for mail in entry.thread if mail.detail is not None and mail.detail.is_exchanged]


def _key(entry: QueueEntry) -> object:
    return entry.version, tuple(mail.id for mail in _opened(entry))


def _body(entry: QueueEntry) -> ManyLine:
    return ManyLine(entry.text.body)


def _reading(entry: QueueEntry, facts: Facts) -> tuple[DraftReading, dict[str, OneLine], OneLine]:
    """The text to read, the names of its sources, and a message about what was left out."""
    from mm_tui.assist.second_reader import DraftReading, QuotedSource

    exchanged = [mail for mail in entry.thread if mail.mail.is_exchanged]
    opened = [mail.detail for mail in exchanged if mail.detail is not None]
    mails = opened[-LONGEST_THREAD:]
    house = [QuotedSource(str(file.name), file.text) for file in facts.files]
    thread = [QuotedSource(mail.id, mail.body, theirs=str(mail.direction) == Direction.INBOUND) for mail in mails]
    names = {mail.id: OneLine(f"{mail.sender.name or mail.sender.address}") for mail in mails}
    left_out = [f"{unread} of the thread not opened, so not read"] if (unread := len(exchanged) - len(opened)) else []
    left_out += list(map(str, facts.problems))
    reading = DraftReading(_body(entry), tuple(map(prompt_email, mails)), (*house, *thread))
    return reading, names, OneLine("; ".join(left_out))


def _state(answer: Answered[SecondReading], names: dict[str, OneLine], left_out: OneLine) -> SecondReaderState:
    found = answer.value
    if not found.readable:
        return SecondReaderState(CardPhase.FAILED, UNREADABLE, model=answer.model, dropped=found.dropped)
    said = [*([str(left_out)] if left_out else []), *(["the thread was cut for it"] if answer.cut else [])]
    return SecondReaderState(
        CardPhase.DONE, OneLine("; ".join(said)), tuple(_remarks(found.lines, names)), answer.model, found.dropped
    )


def _remarks(lines: Iterable[RemarkLine], names: dict[str, OneLine]) -> Iterable[Remark]:
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
