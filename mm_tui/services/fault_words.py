"""What a failed call means to the reader."""

from __future__ import annotations

from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import OneLine


def system_words(error: Exception) -> OneLine:
    """What the system says of an error, without its number and the path."""
    return OneLine(getattr(error, "strerror", None) or str(error))


def fault_words(error: Exception) -> OneLine | None:
    """What a failed call or save means to the reader; None for an error that nobody expected, to be raised again."""
    from mm_tui.gateway.errors import GatewayError
    from mm_tui.services.assistant.drafts import AlreadySubmitted, ReplyNotJournaled
    from mm_tui.services.assistant.service import AssistError
    from mm_tui.services.edits import NotSaved
    from mm_tui.services.spam import NotMarked

    if isinstance(error, GatewayError):
        return OneLine(f"{error.message}. {error.what_to_do}" if error.what_to_do else error.message)
    if isinstance(error, STORE_FAULTS):
        return fault_of_store(error)
    if isinstance(error, AssistError | AlreadySubmitted | NotMarked | ReplyNotJournaled | NotSaved):
        return OneLine(str(error))
    return None
