"""What can happen to a decision on its way. An event that does not fit the state is ignored."""

from __future__ import annotations

from dataclasses import dataclass

from mm_tui.decision.state import Choice, Snapshot


@dataclass(frozen=True, slots=True)
class Undo:
    """The human takes it back."""


@dataclass(frozen=True, slots=True)
class Quit:
    """The program is being closed: from now on no call begins."""


@dataclass(frozen=True, slots=True)
class NotMade:
    """The journaled call was not begun: it was taken back, or the program was closed, while the journal was written."""

    undone: bool
    """Whether the human took it back; else the program is being closed."""


@dataclass(frozen=True, slots=True)
class Slept:
    """The program or the machine was stopped during the hold, so that nobody could undo."""


@dataclass(frozen=True, slots=True)
class MayHaveMoved:
    """The gateway's queue, as it was listed last, holds the item no more, or with another text."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The program was started again; the state is the one that was last journaled."""


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
    """Reading did not succeed."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A submitted edit was looked for by its content; no id means that it is not there."""

    email_id: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The gateway took the edit and named it."""

    email_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The gateway did what was asked: decide, cancel or reschedule."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class CallRefused:
    """The call surely had no effect: no connection, no permission, too many requests, not accepted."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class CallConflict:
    """404 or 409: this call had no effect because something else had come first."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """The call may or may not have had its effect: time-out, cut connection, 5xx, unreadable answer."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class KeyExpired:
    """The submission was not repeated: its idempotency key is older than the gateway remembers (24 h)."""


Event = (
    Undo
    | Quit
    | NotMade
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
