"""The events of a decision. An event that does not fit the state is ignored."""

from __future__ import annotations

import msgspec

from mm_tui.decision.state import Choice, Snapshot


class Undo(msgspec.Struct, frozen=True):
    """The human undoes the decision."""


class Quit(msgspec.Struct, frozen=True):
    """The program is closing: no call starts from now on."""


class NotMade(msgspec.Struct, frozen=True):
    """The journaled call was not started: it was undone, or the program was closed, during the journal write."""

    undone: bool
    """Whether the human undid it; otherwise the program is closing."""


class CheckOutdated(msgspec.Struct, frozen=True):
    """The journaled call was not started: the program or the machine was stopped since the check."""


class Slept(msgspec.Struct, frozen=True):
    """The program or the machine was stopped during the hold, so that nobody could undo."""


class MayHaveMoved(msgspec.Struct, frozen=True):
    """The last listing of the queue no longer has the email, or has it with another text."""


class Restarted(msgspec.Struct, frozen=True):
    """The program was restarted; the state is the last journaled one."""


class Answer(msgspec.Struct, frozen=True):
    """The human answers the question."""

    choice: Choice


class Elapsed(msgspec.Struct, frozen=True):
    """The hold or the pause is over."""


class Observed(msgspec.Struct, frozen=True):
    """An email was read; the snapshot has what the gateway said."""

    email_id: str
    snapshot: Snapshot


class ReadFailed(msgspec.Struct, frozen=True):
    """The email could not be read."""

    words: str = ""


class Found(msgspec.Struct, frozen=True):
    """The result of the search for a submitted edit by its content; no id means that it was not found."""

    email_id: str = ""


class Submitted(msgspec.Struct, frozen=True):
    """The gateway accepted the edit and gave it an id."""

    email_id: str


class Done(msgspec.Struct, frozen=True):
    """The gateway did what was asked: decide, cancel or reschedule."""

    words: str = ""


class CallRefused(msgspec.Struct, frozen=True):
    """The call certainly had no effect: no connection, no permission, too many requests, not accepted."""

    words: str = ""


class CallConflict(msgspec.Struct, frozen=True):
    """404 or 409: the call had no effect because something else happened first."""

    words: str = ""


class OutcomeUnknown(msgspec.Struct, frozen=True):
    """It is not known whether the call took effect: time-out, broken connection, 5xx, unreadable answer."""

    words: str = ""


class KeyExpired(msgspec.Struct, frozen=True):
    """The submission was not repeated: its idempotency key is older than the gateway remembers (24 h)."""


Event = (
    Undo
    | Quit
    | NotMade
    | CheckOutdated
    | Slept
    | MayHaveMoved
    | Restarted
    | Answer
    | Elapsed
    | Observed
    | ReadFailed
    | Found
    | Submitted
    | Done
    | CallRefused
    | CallConflict
    | OutcomeUnknown
    | KeyExpired
)
