"""The decision log: what the store holds of each decision. Each change of it is one transaction with the
journal's entries. A decision does not begin if the store knows of something that forbids it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from mm_tui.clock import short_time
from mm_tui.decision.effects import WriteEntry
from mm_tui.decision.events import Restarted
from mm_tui.decision.machine import begin, step
from mm_tui.decision.relatives import PREFIX, editor_in, is_edit, relatives_in
from mm_tui.decision.state import INCIDENTS, MOST_RELATIVES, Act, Case, Outcome, State, Step
from mm_tui.models import Direction, EmailDetail
from mm_tui.review.draft import edited, fingerprint
from mm_tui.review.findings import codes
from mm_tui.services.decisions.family import Family, root_of
from mm_tui.services.decisions.record import (
    ActiveDecision,
    DecisionMeta,
    DecisionTexts,
    UnreadableDecision,
    details_of,
    restored,
    state_of,
)
from mm_tui.services.decisions.remembered import (
    FELL_BACK_UNASKED,
    REDRAFTS_TO_ASK,
    UNSEEN_INCIDENTS,
    RememberedDecisions,
)
from mm_tui.services.decisions.request import DecisionRequest, OwnReply, Refused, refuse_released
from mm_tui.services.decisions.view import Seen
from mm_tui.services.knowledge.examples import USED
from mm_tui.services.presence.approvals import SecondApproval
from mm_tui.services.queue.authors import Authors
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.decisions.locks import DecisionLock, LockStore
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.seal import STORE_FAULTS, fault_of_journal
from mm_tui.text import OneLine

TOGETHER = 100
"""How many decisions of a large batch are written in one transaction."""


class DecisionLog:
    """Writes decisions to the store: lock, journal entries, state, edited text."""

    def __init__(
        self,
        database: Database,
        reviewer: str,
        own_replies: str,
        *,
        by_command: bool,
        second: SecondApproval,
        can_tag: bool,
    ) -> None:
        """`own_replies`: who approves own texts, `self` or `another`, as in the settings. `by_command`: the decisions
        are made on the command line. `second` determines which emails need two approvals. `can_tag`: whether a key may
        set tags."""
        self.database = database
        self.reviewer = reviewer
        self._second = second
        self._can_tag = can_tag
        self._by_command = by_command
        self.journal = Journal(database)
        self.locks = LockStore(database)
        self.rows = DecisionStore(database)
        self.edits = EditStore(database)
        self.pending = PendingStore(database)
        self._mail = MailStore(database)
        self.incidents = RememberedDecisions(database, UNSEEN_INCIDENTS)
        self.fell_back = RememberedDecisions(database, FELL_BACK_UNASKED)
        self.redrafts = RememberedDecisions(database, REDRAFTS_TO_ASK)
        self._authors = Authors(database)
        self._own_replies = own_replies

    def begin_all(
        self, requests: Sequence[DecisionRequest], at: datetime, batch: str | None = None
    ) -> list[ActiveDecision]:
        """Begins all of these decisions or none. They are on the disk when it returns. `batch`: the name of decisions
        that are undone together; None puts several requests into a new batch. Raises Refused if one of them cannot
        begin."""
        batch = batch or (secrets.token_hex(4) if len(requests) > 1 else None)
        try:
            with self.database.write(durable=True) as connection:
                return [self._begin(connection, request, at, batch) for request in requests]
        except UnreadableDecision as damage:
            raise Refused(str(damage), "Nothing was decided; `mm-tui doctor` names what is damaged.") from damage

    def begin_each(
        self, requests: Sequence[DecisionRequest], at: datetime
    ) -> tuple[list[ActiveDecision], dict[str, OneLine]]:
        """Begins those that can begin, as one batch, and says why the others cannot. They are on the disk when it
        returns. If the journal fails in between, decisions that have begun continue, and the rest is among the others.
        Raises STORE_FAULTS if the journal cannot be written at all."""
        batch, begun, refused = secrets.token_hex(4), list[ActiveDecision](), dict[str, OneLine]()
        try:
            for start in range(0, len(requests), TOGETHER):
                together = requests[start : start + TOGETHER]
                try:
                    begun += self.begin_all(together, at, batch)
                except Refused:
                    # One of them: each is tried alone.
                    for request in together:
                        try:
                            begun += self.begin_all([request], at, batch)
                        except Refused as why:
                            refused[request.item.id] = why.message
        except STORE_FAULTS as error:
            if not begun:
                raise
            known = {decision.email_id for decision in begun} | refused.keys()
            words = fault_of_journal(error)
            refused |= {request.item.id: words for request in requests if request.item.id not in known}
        return begun, refused

    def _begin(
        self, connection: sqlite3.Connection, request: DecisionRequest, at: datetime, batch: str | None
    ) -> ActiveDecision:
        item = request.item
        author = self._authors.of(item)
        is_own = author is not None and author.is_same(self.reviewer)
        if is_own and self._own_replies == "another" and request.act is not Act.REJECT:
            raise OwnReply
        tags = self._tags(item)
        request = request.by_two(self._second, tags, can_tag=self._can_tag)
        decision_id = f"{int(at.timestamp() * 1000):013d}-{secrets.token_hex(4)}"
        family = self._locked_family(connection, request, decision_id, at)
        mine = edited(item.raw, request.edit) if request.edit is not None else None
        submits = request.act is Act.RELEASE_EDIT
        key, key_since = family.key_of(mine, at) if mine is not None and submits else ("", at)
        case = Case(
            item=item.id,
            act=request.act,
            digest=request.digest,
            fingerprint=fingerprint(mine) if mine is not None and request.act is not Act.REJECT else "",
            siblings=family.siblings,
            named=self._named(item) if submits or request.act is Act.APPROVE else (),
            needs_second=request.needs_second,
            sends_late=request.sends_late(at),
            doubtful=family.is_doubtful(request.act, key, at),
        )
        state, effects = begin(case)
        decision = ActiveDecision(
            decision_id=decision_id,
            state=state,
            meta=DecisionMeta(
                mailbox_id=item.mailbox_id,
                direction=item.direction,
                key_since=key_since,
                received_at=item.received_at,
                thread_id=item.thread_id,
                key=key,
                batch=batch,
                author=author.name if author is not None else editor_in(tags) if is_edit(tags) else "",
                author_proven=author is not None and author.proven,
                found=codes(request.found),
                reviewer=self.reviewer,
                by_command=self._by_command,
                with_examples=OneLine(USED) in tags,
                # Inbound emails and colleagues' replies are not written by an agent.
                asks_redraft=request.asks_redraft and author is None and str(item.direction) != Direction.INBOUND,
            ),
            content=DecisionTexts(base=item.raw, edit=request.edit, reason=request.reason),
        )
        if request.edit is not None:
            # Another window or the command line may have changed the text since it was shown: that change is kept (R4).
            edit = SavedEdit(item.id, item.mailbox_id, request.digest, item.raw, request.edit, at)
            self.edits.put(edit, over=None, durable=True)
        entries = [effect for effect in effects if isinstance(effect, WriteEntry)]
        self.write(connection, decision, decision.state, entries, at)
        return decision

    def _locked_family(
        self, connection: sqlite3.Connection, request: DecisionRequest, decision_id: str, at: datetime
    ) -> Family:
        """Locks the email with all its versions for this decision, unless an earlier one forbids it."""
        item = request.item
        family = Family.of(item, self.rows)
        if lock := self.locks.take(connection, family.root, decision_id, self.reviewer, at):
            raise _locked(lock, at)
        family = replace(family, rows=tuple(self._fallen(connection, row, at) for row in family.rows))
        if request.act is not Act.REJECT:
            refuse_released(item.id, family.rows, self.reviewer, at)
        if any(not row.ended for row in family.rows):
            raise Refused("an earlier decision about this email is not finished", "Answer its question first.")
        return family

    def _fallen(self, connection: sqlite3.Connection, row: SavedDecision, at: datetime) -> SavedDecision:
        """Cancels a decision that an ended process had on hold; leaves any other as it is."""
        if row.ended or state_of(row).step is not Step.HOLD:
            return row
        decision = restored(row)
        state, effects = step(decision.state, Restarted())
        entries = [effect for effect in effects if isinstance(effect, WriteEntry)]
        self.write(connection, decision, state, entries, at, is_ours=False)
        return decision.saved(state, at)

    def write(
        self,
        connection: sqlite3.Connection,
        decision: ActiveDecision,
        state: State,
        entries: Sequence[WriteEntry],
        at: datetime,
        *,
        is_ours: bool = True,
    ) -> None:
        """Appends the entries and saves the state, inside the caller's durable transaction. Raises TakenOver if another
        process took the decision over meanwhile. Nothing may be written or done. `is_ours`: this process has it
        locked."""
        if is_ours:
            self.locks.confirm(connection, decision.decision_id, at)
        for entry in entries:
            self.journal.append(
                connection, entry.entry, self.reviewer, state.case.item, at, details_of(decision, state, entry)
            )
        self.rows.put(connection, decision.saved(state, at))
        if state.ended:
            self.locks.release(connection, decision.decision_id)
        if state.outcome in INCIDENTS:
            self.incidents.note(decision.decision_id)
        if decision.falls_back_unasked(state):
            self.fell_back.note(decision.decision_id)
        if decision.must_ask_redraft(state):
            self.redrafts.note(decision.decision_id)

    def resume(self, row: SavedDecision, at: datetime) -> ActiveDecision | None:
        """The decision of a process that is gone, locked for this one; None while another process handles it."""
        with self.database.write(durable=True) as connection:
            fresh = self.rows.get(row.decision_id)
            if fresh is None or fresh.ended:
                return None
            root = root_of(fresh.item_id, tuple(self.rows.family(fresh.item_id)))
            if self.locks.take(connection, root, fresh.decision_id, self.reviewer, at) is not None:
                return None
            return restored(fresh)

    def drop_text(self, decision: ActiveDecision) -> None:
        """Deletes the local copy of the edit, unless the human has changed it since."""
        if decision.content is not None and decision.content.edit is not None:
            self.edits.discard(decision.email_id, decision.content.edit)

    def drop_seconded(self) -> None:
        """Deletes the local copies of edits that waited for a second approval and were sent with it since."""
        for edit in self.edits.all():
            for row in self.rows.family(edit.item_id):
                try:
                    state = state_of(row)
                except UnreadableDecision:
                    continue
                if state.outcome is not Outcome.FIRST_APPROVED or row.item_id != edit.item_id:
                    continue
                sent = self._mail.summary(state.replacement)
                is_same = fingerprint(edited(edit.base, edit.text)) == state.case.fingerprint
                if sent is not None and sent.is_exchanged and is_same:
                    self.edits.discard(edit.item_id, edit.text)

    def _tags(self, item: Seen) -> Mapping[OneLine, OneLine]:
        """The email's tags, as last read."""
        detail = item if isinstance(item, EmailDetail) else self._mail.detail(item.id)
        return detail.tags if detail is not None else {}

    def _named(self, item: Seen) -> tuple[str, ...]:
        """Other versions of this email that tags name: its own tags, and those of all waiting emails."""
        own = relatives_in(item.tags, item.id) if isinstance(item, EmailDetail) else ()
        found = dict.fromkeys(own)
        for email_id, tags in self.pending.tagged(PREFIX).items():
            named = relatives_in({OneLine(name): OneLine(value) for name, value in tags.items()}, email_id)
            if email_id == item.id:
                found.update(dict.fromkeys(named))
            elif item.id in named:
                found[email_id] = None
        return tuple(found)[:MOST_RELATIVES]


def _locked(lock: DecisionLock, now: datetime) -> Refused:
    since = short_time(lock.locked_at, now.astimezone().date())
    return Refused(
        OneLine(f"{lock.reviewer} has been deciding about this email since {since}"),
        "Wait until it is done, or finish it where it was started; if that program has ended, you can decide soon.",
    )
