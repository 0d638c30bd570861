"""The events of a decision. An event that does not fit the state is ignored."""

from __future__ import annotations

from dataclasses import dataclass

from mm_tui.decision.state import Choice, Snapshot


@dataclass(frozen=True, slots=True)
class Undo:
    """The human undoes the decision."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The program is closing: no call starts from now on."""


@dataclass(frozen=True, slots=True)
class NotMade:
    """The journaled call was not started: it was undone, or the program was closed, during the journal write."""

    undone: bool
    """Whether the human undid it; otherwise the program is closing."""


@dataclass(frozen=True, slots=True)
class CheckOutdated:
    """The journaled call was not started: the program or the machine was stopped since the check."""


@dataclass(frozen=True, slots=True)
class Slept:
    """The program or the machine was stopped during the hold, so that nobody could undo."""


@dataclass(frozen=True, slots=True)
class MayHaveMoved:
    """The last listing of the queue no longer has the email, or has it with another text."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The program was restarted; the state is the last journaled one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The human answers the question."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class Elapsed:
    """The hold or the pause is over."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An email was read."""

    email_id: str
    sighting: Snapshot


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """The email could not be read."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of the search for a submitted edit by its content; no id means that it was not found."""

    email_id: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The gateway accepted the edit and gave it an id."""

    email_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The gateway did what was asked: decide, cancel or reschedule."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class CallRefused:
    """The call certainly had no effect: no connection, no permission, too many requests, not accepted."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class CallConflict:
    """404 or 409: the call had no effect because something else happened first."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """It is not known whether the call took effect: time-out, broken connection, 5xx, unreadable answer."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class KeyExpired:
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
