"""The effects: what the driver must do, in this order. A `WriteEntry` effect is on disk, with the state, before the
effects after it are performed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Entry(StrEnum):
    """Kinds of journal entries about a decision."""

    HELD = "held"
    UNDONE = "undone"
    FELL_BACK = "fell_back"
    DECIDING = "deciding"
    RECORDING_APPROVAL = "recording_approval"
    APPROVAL_RECORDED = "approval_recorded"
    SUBMITTING = "submitting"
    SUBMITTED = "submitted"
    RETIRING = "retiring"
    RETIRED = "retired"
    WITHDRAWING = "withdrawing"
    RESCHEDULING = "rescheduling"
    IN_DOUBT = "in_doubt"
    STOPPED = "stopped"
    """The call journaled just before this was never started."""
    RESUMED = "resumed"
    ANSWERED = "answered"
    DONE = "done"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class WriteEntry:
    """Append this entry and save the state on the disk, in one transaction. `about` is an id, `note` an outcome,
    an answer or a digest."""

    entry: Entry
    about: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait until the human's deadline, then `Elapsed`."""

    anew: bool = True
    """Wait the whole time; otherwise only what is left of it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, longer each time in a row (1, 2, 4 ... 60 s), then `Elapsed`."""


@dataclass(frozen=True, slots=True)
class Look:
    """Read this email: `Observed` or `ReadFailed`."""

    email_id: str


@dataclass(frozen=True, slots=True)
class Find:
    """Search for the submitted edit by its content: `Found` or `ReadFailed`."""


@dataclass(frozen=True, slots=True)
class Decide:
    """Approve or reject, once: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str
    approve: bool
    superseded_by: str = ""
    """The edit's id, if an original is retired; the reason names it."""


@dataclass(frozen=True, slots=True)
class RecordApproval:
    """Tag the email with this reviewer's first approval: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str
    digest: str
    """The digest of the approved content."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Send the edit, always under the same idempotency key.

    Answered by `Submitted`, `CallRefused`, `CallConflict`, `OutcomeUnknown` or `KeyExpired`.
    """


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw the edit: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str


@dataclass(frozen=True, slots=True)
class Reschedule:
    """Change the scheduled email in place: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str


@dataclass(frozen=True, slots=True)
class DropText:
    """The edited text has been released: delete the local copy."""


Call = Decide | RecordApproval | Submit | Cancel | Reschedule
"""Effects that change something at the gateway. A step has at most one, after its journal entries."""

Traffic = Look | Find | Call
"""Effects that call the gateway. The number of decisions that do so at once is limited."""

Effect = WriteEntry | Hold | Pause | Look | Find | Call | DropText
