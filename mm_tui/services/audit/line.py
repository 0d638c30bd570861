"""The merged audit log for people: what each entry of the gateway's log and of the local journal says, and who did
it."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from mm_tui.query import moment_named, time_fault
from mm_tui.services.audit.change_journal import FAILED, IN_DOUBT, KINDS
from mm_tui.services.audit.key_names import key_names, key_words
from mm_tui.store.audit.actions import Meaning, meaning
from mm_tui.store.audit.journaled import JournaledDecision, JournaledDecisions
from mm_tui.store.audit.timeline import LineFilter, LogLine, Source, Timeline
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine

GATEWAY_WORDS = {
    "email.received": "arrived",
    "email.read": "opened, now read",
    "email.scanned": "passed the scan",
    "email.scan_blocked": "blocked by the scan",
    "email.send_submitted": "draft submitted",
    "email.reply_submitted": "reply submitted",
    "email.scheduled": "scheduled",
    "email.schedule_edited": "schedule changed",
    "email.sent": "sent",
    "email.delivered": "delivered",
    "email.bounced": "bounced",
    "email.cancelled": "cancelled",
    "email.tags_set": "tagged",
    "email.tag_deleted": "tag removed",
    "email.spam_reported": "reported as spam",
    "email.not_spam": "reported as not spam",
    "oversight.pending": "waits for approval",
    "oversight.approved": "approved",
    "oversight.rejected": "rejected",
    "mailbox.created": "mailbox created",
    "mailbox.updated": "mailbox changed",
    "mailbox.deleted": "mailbox switched off",
    "mailbox.imported": "mail imported",
    "mailbox.upgrade_requested": "upgrade requested",
    "mailbox.upgraded": "mailbox moved up",
    "webhook.created": "webhook created",
    "webhook.deleted": "webhook removed",
    "api_key.created": "key created",
    "api_key.updated": "key changed",
    "api_key.revoked": "key revoked",
    "allowlist.added": "allowlist: added",
    "allowlist.removed": "allowlist: removed",
    "account.updated": "account changed",
    "account.exported": "account exported",
    "account.deletion_requested": "account deletion asked",
    "contact.created": "contact created",
    "domain.created": "domain added",
    "domain.verified": "domain verified",
}
"""Our words for the gateway's known actions. Others are shown unchanged."""

ACT_WORDS = {
    "approve": "approve",
    "approve_first": "first approval",
    "reject": "reject",
    "release_edit": "edit",
    "reschedule": "reschedule",
}
CALL_KINDS = {call.name: kind for call, kind in KINDS.items()}
"""The journal's word for each action, by the name of its call."""
JOURNAL_WORDS = {
    "undone": "undone",
    "fell_back": "fell back, undecided",
    "submitting": "submits the edit",
    "submitted": "edit submitted",
    "retiring": "retires the original",
    "retired": "original retired",
    "withdrawing": "withdraws the edit",
    "rescheduling": "changes the schedule",
    "refused": "was refused",
    "in_doubt": "outcome unknown",
    "resumed": "resumed",
    "recording_approval": "records the first approval",
    "approval_recorded": "first approval recorded",
    "taking_back_approval": "takes the approval back",
    "sending": "sends an email",
    "replying": "sends a reply",
    "cancelling": "cancels",
    "changing_schedule": "changes the schedule",
    "tagging": "sets tags",
    "untagging": "removes a tag",
    "snoozing": "snoozes",
    "unsnoozing": "ends a snooze",
    "noting": "leaves a note for colleagues",
    "clearing_note": "removes the note",
    "assigning": "assigns",
    "unassigning": "assigns to nobody",
    "reporting_spam": "reports as spam",
    "clearing_spam": "reports as not spam",
    "adding_contact": "adds a contact",
    "deleting_contact": "removes a contact",
    "requesting_upgrade": "asks for an upgrade",
    "upgrading": "moves a mailbox up",
    "creating_mailbox": "creates a mailbox",
    "changing_mailbox": "changes a mailbox",
    "allowing": "adds to the allowlist",
    "disallowing": "removes from the allowlist",
    "deleting_mailbox": "switches a mailbox off",
    "creating_webhook": "creates a webhook",
    "deleting_webhook": "removes a webhook",
    "removing_suppression": "allows an address again",
    "act_failed": "was refused",
    "act_in_doubt": "outcome unknown",
    "store_accepted": "accepts another store",
    "reply_submitting": "submits a reply",
    "reply_submitted": "own reply submitted",
    "reply_refused": "reply not accepted",
    "reply_in_doubt": "reply: outcome unknown",
}
OUTCOME_WORDS = {
    "approved": "approved",
    "rejected": "rejected",
    "decided": "decided, unknown by whom",
    "not_as_seen": "INCIDENT: other text",
    "edit_released": "approved, edited",
    "rescheduled": "rescheduled",
    "first_approved": "waits for a second",
    "not_seconded": "not decided: no second",
    "too_late": "not decided: too late",
    "undone": "undone",
    "fell_back": "fell back, undecided",
    "unreachable": "not decided: no answer",
    "changed": "not decided: it changed",
    "denied": "not decided: refused",
    "unclear": "not decided: unclear",
    "elsewhere": "decided elsewhere",
    "sibling_released": "not decided: other sent",
    "sibling_waiting": "not decided: other waits",
    "doubtful": "not decided: in doubt",
    "not_submitted": "edit not accepted",
    "edit_failed": "edit failed",
    "edit_closed": "edit closed elsewhere",
    "withdrawn": "edit withdrawn",
    "taken_back": "edit taken back",
    "left": "left as it stands",
    "incident": "INCIDENT: both sent",
}
"""Our words for how a decision ended, by the outcome in the journal."""

STEP_WORDS = {"held": "held", "deciding": "in progress", "done": "accepted"}
_SHOWN = (*GATEWAY_WORDS.items(), *JOURNAL_WORDS.items(), *STEP_WORDS.items(), *OUTCOME_WORDS.items())
"""The actions and outcomes with the words that are shown for them."""

_FAILURES = frozenset(
    {
        "email.scan_blocked",
        "email.bounced",
        "email.send_failed",
        "in_doubt",
        "incident",
        "not_as_seen",
        "reply_in_doubt",
    }
)
_DECISIVE = frozenset({"approved", "rejected", "decided", "edit_released", "rescheduled", "email.sent"})

SAME_ACT = timedelta(minutes=2)
"""Seconds: an unknown action by our own key is matched with our decision if it was written this close to it."""


class Tone(StrEnum):
    """How loud a line is."""

    PLAIN = "plain"
    DECISION = "decision"
    FAILURE = "failure"


class AuditLine(msgspec.Struct, frozen=True):
    """A line of the log in words."""

    line: LogLine
    words: OneLine
    """What happened."""
    who: OneLine
    """A reviewer, or `key …` with the end of its id; empty for what the gateway did on its own."""
    made_here: int
    """For a gateway's line, the journal's entry about the same decision; 0 if unknown."""
    what: OneLine
    """The email's subject, or whatever else the line is about."""
    mailbox: OneLine
    """Its address; empty when unknown."""
    tone: Tone = Tone.PLAIN
    folded: int = 0
    """How many further lines it represents."""
    replaced: OneLine = OneLine("")
    """If an edit was released: which draft it replaced."""
    original: OneLine = OneLine("")
    """The id of that draft."""


class AuditLines:
    """Reads the merged log of one profile. Call `keys` and `learn` in a thread; `lines` is fast."""

    def __init__(self, database: Database) -> None:
        self.timeline = Timeline(database)
        self.journaled = JournaledDecisions(database)
        self._mail = MailStore(database)
        self._addresses: Mapping[str, OneLine] = {}
        self._state = StateStore(database)
        self.names: Mapping[str, str] = {}
        """The names of keys, by their ids."""
        self.folded: Mapping[int, int] = {}
        """How many lines each folded key represents; see `Folder.folded`."""

    def keys(
        self, wanted: LineFilter, *, stop: Callable[[], bool] = lambda: False, first: int = 200
    ) -> Iterator[array[int]]:
        """The keys of the lines to list, in chunks, newest first."""
        return self.timeline.stream(wanted, stop=stop, first=first)

    def learn(self) -> None:
        """Reads mailboxes and names of keys, and the decisions journaled since the last call."""
        self.names = key_names(self._state)
        self._addresses = self._mail.addresses()
        self.journaled.learn()

    def lines(self, keys: Sequence[int]) -> list[AuditLine]:
        """The lines of these keys, in their order."""
        return [self._line(line) for line in self.timeline.lines(keys)]

    def _line(self, line: LogLine) -> AuditLine:
        who, made_here = self._who(line)
        outcome = dict(line.details).get(OneLine("note"), OneLine("")) if line.action == "ended" else line.action
        tone = Tone.PLAIN
        if line.at is None or outcome in _FAILURES:
            tone = Tone.FAILURE
        elif outcome in _DECISIVE or decided(line) is not None:
            tone = Tone.DECISION
        return AuditLine(
            line=line,
            words=self._edit_words(line) or words_of(line),
            who=who,
            made_here=made_here,
            what=self._what(line),
            mailbox=self._addresses.get(line.mailbox_id, OneLine("")),
            tone=tone,
            folded=self.folded.get(line.key, 0),
            replaced=self._replaced_words(line),
            original=OneLine(self._original_of(line)),
        )

    def _who(self, line: LogLine) -> tuple[OneLine, int]:
        if line.source is Source.JOURNAL:
            return line.actor or OneLine("–"), 0
        for decision in self.journaled.about(line.about):
            if self._is_about(line, decision):
                return decision.who, decision.number
        return (key_words(line.actor, self.names) if line.actor else OneLine("")), 0

    def _is_about(self, line: LogLine, decision: JournaledDecision) -> bool:
        """Whether an entry of the gateway's log is about this decision of ours on the same email."""
        if (approved := decided(line)) is not None:
            return approved == decision.approved
        if line.action in GATEWAY_WORDS or line.actor not in self.journaled.own_keys:
            return False
        return line.at is not None and decision.at is not None and abs(line.at - decision.at) <= SAME_ACT

    def _edit_words(self, line: LogLine) -> OneLine:
        """The words for the gateway's line about an edit that was released here, or about its original."""
        approved = decided(line)
        if approved and line.about in self.journaled.originals:
            return OneLine("approved, edited")
        if approved is False and line.about in self.journaled.originals.values():
            return OneLine("replaced by an edit")
        return OneLine("")

    def _original_of(self, line: LogLine) -> str:
        """The id of the draft that an edit replaced, if the line says that the edit was released; otherwise empty."""
        if line.source is Source.JOURNAL:
            outcome = dict(line.details).get(OneLine("note"), "") if line.action == "ended" else ""
            return str(line.about) if outcome == "edit_released" else ""
        return self.journaled.originals.get(line.about, "") if decided(line) else ""

    def _replaced_words(self, line: LogLine) -> OneLine:
        """Which draft an edit replaced, by when it was written."""
        original = self._original_of(line)
        if not original:
            return OneLine("")
        mail = self._mail.summary(original)
        at = mail.received_at.astimezone() if mail is not None and mail.received_at is not None else None
        day = (
            f"{at:%d %b} "
            if at is not None and line.at is not None and at.date() != line.at.astimezone().date()
            else ""
        )
        return OneLine(f"replaces the draft of {day}{at:%H:%M}" if at is not None else "replaces a draft")

    def _what(self, line: LogLine) -> OneLine:
        if line.subject.strip():
            return line.subject
        if line.source is Source.JOURNAL and not line.about:
            return self._addresses.get(line.mailbox_id, line.mailbox_id)
        if line.about_type == "mailbox":
            return self._addresses.get(line.about, line.about)
        kind = f"{line.about_type} " if line.about_type and line.about_type != "email" else ""
        return OneLine(f"{kind}{line.about}")


def decided(line: LogLine) -> bool | None:
    """True if a line of the gateway's log says that an email was approved, False if rejected, None if neither."""
    if line.source is not Source.GATEWAY:
        return None
    found = meaning(line.action, dict(line.details))
    return found is Meaning.APPROVED if found in (Meaning.APPROVED, Meaning.REJECTED) else None


def words_of(line: LogLine) -> OneLine:
    """What happened according to a line, in our words if we have any."""
    if line.source is Source.GATEWAY:
        known = GATEWAY_WORDS.get(line.action) or meaning(line.action, dict(line.details))
        return OneLine(known or line.action or "(no name given)")
    details = dict(line.details)
    note = details.get(OneLine("note"), OneLine(""))
    act = ACT_WORDS.get(details.get(OneLine("act"), OneLine("")), "decision")
    if line.action in STEP_WORDS:
        return OneLine(f"{act}: {STEP_WORDS[line.action]}")
    if line.action == "answered":
        return OneLine(f"answers: {note.replace('_', ' ')}")
    if line.action == "ended":
        return OneLine(OUTCOME_WORDS.get(note, f"ended: {note}"))
    said = JOURNAL_WORDS.get(line.action, str(line.action))
    if line.action in (FAILED, IN_DOUBT):
        call = details.get(OneLine("call"), OneLine(""))
        said = f"{JOURNAL_WORDS.get(CALL_KINDS.get(call, ''), str(call))}: {said}{f', {note}' if note else ''}"
    mode = details.get(OneLine("oversight_mode")) or details.get(OneLine("target_mode"))
    return OneLine(f"{said} to {mode.replace('_', ' ')}" if mode else said)


def narrowed(wanted: LineFilter, typed: str, now: datetime) -> tuple[LineFilter, OneLine]:
    """Narrows a filter by typed text: words, and `after:` and `before:` with a day, month, year or age. Returns the
    filter, and a message about ignored parts of the text; empty if there are none."""
    words: list[str] = []
    complaint = OneLine("")
    for word in typed.split():
        name, colon, value = word.partition(":")
        if not colon or name not in ("after", "before"):
            words.append(word)
            continue
        moment = moment_named(value, now)
        if moment is None:
            complaint = OneLine(time_fault(name, value, now))
        elif name == "after":
            wanted = replace(wanted, since=moment)
        else:
            wanted = replace(wanted, until=moment)
    meant = tuple((word, name) for word in words for name, shown in _SHOWN if word.lower() in shown)
    return replace(wanted, text=" ".join(words), meant=meant), complaint
