"""The effects: what the driver must do, in this order. A `WriteEntry` effect is on disk, with the state, before the
effects after it are performed."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class EntryKind(StrEnum):
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
    REFUSED = "refused"
    """The gateway refused the call journaled just before this; a human is asked."""
    IN_DOUBT = "in_doubt"
    STOPPED = "stopped"
    """The call journaled just before this was never started."""
    RESUMED = "resumed"
    ANSWERED = "answered"
    DONE = "done"
    ENDED = "ended"


class WriteEntry(msgspec.Struct, frozen=True):
    """Append this entry and save the state on the disk, in one transaction. `about` is an id, `note` an outcome,
    an answer or a digest."""

    entry: EntryKind
    about: str = ""
    note: str = ""


class Hold(msgspec.Struct, frozen=True):
    """Wait until the human's deadline, then `Elapsed`."""

    restarts: bool = True
    """Wait the whole time; otherwise only what is left of it."""


class Pause(msgspec.Struct, frozen=True):
    """Wait, longer each time in a row (1, 2, 4 ... 60 s), then `Elapsed`."""


class Look(msgspec.Struct, frozen=True):
    """Read this email: `Observed` or `ReadFailed`."""

    email_id: str


class Find(msgspec.Struct, frozen=True):
    """Search for the submitted edit by its content: `Found` or `ReadFailed`."""


class Decide(msgspec.Struct, frozen=True):
    """Approve or reject, once: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str
    approve: bool
    superseded_by: str = ""
    """The edit's id, if an original is retired; the reason names it."""


class RecordApproval(msgspec.Struct, frozen=True):
    """Tag the email with this reviewer's first approval: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str
    digest: str
    """The digest of the approved content."""


class Submit(msgspec.Struct, frozen=True):
    """Send the edit, always under the same idempotency key. Answered by `Submitted`, `CallRefused`, `CallConflict`,
    `OutcomeUnknown` or `KeyExpired`."""


class Cancel(msgspec.Struct, frozen=True):
    """Withdraw the edit: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str


class Reschedule(msgspec.Struct, frozen=True):
    """Change the scheduled email in place: `Done`, `CallRefused`, `CallConflict` or `OutcomeUnknown`."""

    email_id: str


class DropText(msgspec.Struct, frozen=True):
    """The edited text has been released: delete the local copy."""


Call = Decide | RecordApproval | Submit | Cancel | Reschedule
"""Effects that change something at the gateway. A step has at most one, after its journal entries."""

Traffic = Look | Find | Call
"""Effects that call the gateway. The number of decisions that do so at once is limited."""

Effect = WriteEntry | Hold | Pause | Look | Find | Call | DropText
