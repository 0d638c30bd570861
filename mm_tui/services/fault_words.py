"""What a failed call means to the reader."""

from __future__ import annotations

from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import OneLine


def expected_faults() -> tuple[type[Exception], ...]:
    """The errors of calls and saves that are shown to the reader, for an `except`. Any other is a fault of ours."""
    from mm_tui.assist.errors import AssistError
    from mm_tui.gateway.errors import GatewayError
    from mm_tui.services.assistant.drafts import AlreadySubmitted, ReplyNotJournaled
    from mm_tui.services.mail.scheduled import NotCancelled
    from mm_tui.services.mail.spam import NotMarked
    from mm_tui.services.presence.notes import NotSet
    from mm_tui.services.saved_texts.edits import NotSaved
    from mm_tui.services.tags import TagsDiffer

    own = AssistError, AlreadySubmitted, ReplyNotJournaled, NotSaved, NotMarked, NotSet, NotCancelled, TagsDiffer
    return GatewayError, *STORE_FAULTS, *own


def fault_words(error: Exception) -> OneLine:
    """What one of them means to the reader."""
    from mm_tui.gateway.errors import GatewayError

    if isinstance(error, GatewayError):
        return OneLine(f"{error.message}. {error.what_to_do}" if error.what_to_do else error.message)
    return fault_of_store(error) if isinstance(error, STORE_FAULTS) else OneLine(str(error))
