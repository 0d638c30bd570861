"""The second reader's remarks on a draft, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from mm_tui.models import Mailbox
from mm_tui.services.assistant.cards import CardPhase
from mm_tui.services.assistant.second_reader import SecondReader, SecondReaderState
from mm_tui.services.events import ignore
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.session import Session
from mm_tui.text import OneLine


async def second_reading(session: Session, entry: QueueEntry, box: Mailbox | None) -> SecondReaderState:
    """Has a draft read, unless the answer is cached. Failures are reported in the state."""
    reader = SecondReader(session.build_assistant(), session.house_facts, ignore)
    return await reader.read(entry, box.address if box is not None else "")


def second_reader_text(read: SecondReaderState) -> Iterator[OneLine]:
    """The remarks as lines of text."""
    yield OneLine(f"reader   {read.summary}")
    for remark in read.remarks:
        yield OneLine(f"reader   {remark.line}")


def second_reader_data(read: SecondReaderState) -> dict[str, object]:
    """The remarks as JSON. `lines` is None if the draft was not read; an empty list is not an all-clear."""
    lines = [
        {
            "kind": remark.kind,
            "draft": remark.draft,
            "thread": remark.source,
            "source": remark.source_id,
            "from": remark.source_name,
        }
        for remark in read.remarks
    ]
    return {
        "phase": str(read.phase),
        "words": read.summary,
        "model": read.model or None,
        "stand_in": read.stand_in,
        "dropped": read.dropped,
        "lines": lines if read.phase is CardPhase.DONE else None,
    }
