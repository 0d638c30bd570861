"""Begins decisions: checks all conditions and writes the first state in one transaction."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

from mm_tui.clock import short_time
from mm_tui.decision.effects import WriteEntry as Entry
from mm_tui.decision.events import Restarted
from mm_tui.decision.machine import begin, step
from mm_tui.decision.relatives import PREFIX, editor_in, is_doubtful, is_edit, relatives_in
from mm_tui.decision.state import INCIDENTS, MOST_RELATIVES, SUBMISSION, Act, Case, Outcome, State, Step
from mm_tui.models import Direction, EmailDetail, RawContent
from mm_tui.review.digest import canonical, digest_of
from mm_tui.review.draft import edited, fingerprint
from mm_tui.review.findings import codes
from mm_tui.services.decisions.record import (
    ActiveDecision,
    Content,
    DecisionMeta,
    details_of,
    meta_of,
    restored,
    state_of,
)
from mm_tui.services.decisions.remembered import REDRAFTS_TO_ASK, UNSEEN_INCIDENTS, RememberedDecisions
from mm_tui.services.decisions.request import DecisionRequest, OwnReply, Refused, WaitsForSecond, refuse_released
from mm_tui.services.decisions.view import Seen
from mm_tui.services.edits import put, remove
from mm_tui.services.examples import USED
from mm_tui.services.presence.approvals import SecondApproval
from mm_tui.services.queue.authors import Author, Authors
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.decisions.locks import DecisionLock, LockStore
from mm_tui.store.decisions.records import DecisionStore, SavedDecision
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.store.seal import STORE_FAULTS
from mm_tui.text import OneLine

DOUBT_LIFE = timedelta(hours=24)
"""How long a call without an answer may still take effect."""
TOGETHER = 100
"""How many decisions of a large batch are written in one transaction."""


class DecisionLog:
    """Opens decisions in the store: lock, journal entry, first state, edited text."""

    def __init__(
        self,
        database: Database,
        reviewer: str,
        own_replies: str = "self",
        *,
        by_command: bool = False,
        second: SecondApproval | None = None,
        can_tag: bool = True,
    ) -> None:
        """Creates the log.

        Args:
            own_replies: who approves own texts, `self` or `another`, as in the settings.
            by_command: the decisions are made on the command line.
            second: determines which emails need two approvals; None for none.
            can_tag: whether a key may set tags.
        """
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
        self.redrafts = RememberedDecisions(database, REDRAFTS_TO_ASK)
        self._authors = Authors(database)
        self._own_replies = own_replies

    def begin_all(
        self, requests: Sequence[DecisionRequest], at: datetime, batch: str | None = None
    ) -> list[ActiveDecision]:
        """Begins all of these decisions or none. They are on the disk when it returns.

        Args:
            at: now.
            batch: the name of decisions that are undone together; None puts several requests into a new batch.

        Raises:
            Refused: one of them cannot begin.
        """
        batch = batch or (secrets.token_hex(4) if len(requests) > 1 else None)
        with self.database.write(durable=True) as connection:
            return [self._begin(connection, request, at, batch) for request in requests]

    def begin_each(
        self, requests: Sequence[DecisionRequest], at: datetime
    ) -> tuple[list[ActiveDecision], dict[str, OneLine]]:
        """Begins those that can begin, as one batch, and says why the others cannot. They are on the disk when it
        returns.

        If the journal fails in between, decisions that have begun continue, and the rest is among the others.

        Raises:
            STORE_FAULTS: the journal cannot be written at all.
        """
        batch, begun, refused = secrets.token_hex(4), list[ActiveDecision](), dict[str, OneLine]()
        try:
            for start in range(0, len(requests), TOGETHER):
                self._begin_some(requests[start : start + TOGETHER], at, batch, begun, refused)
        except STORE_FAULTS as error:
            if not begun:
                raise
            known = {decision.email_id for decision in begun} | refused.keys()
            words = OneLine(f"the journal cannot be written: {error}")
            refused |= {request.item.id: words for request in requests if request.item.id not in known}
        return begun, refused

    def _begin_some(
        self,
        requests: Sequence[DecisionRequest],
        at: datetime,
        batch: str,
        begun: list[ActiveDecision],
        refused: dict[str, OneLine],
    ) -> None:
        """Begins these together, or one by one if one of them cannot begin."""
        try:
            begun += self.begin_all(requests, at, batch)
        except Refused as why:
            if len(requests) == 1:
                refused[requests[0].item.id] = why.message
                return
            for request in requests:
                self._begin_some([request], at, batch, begun, refused)

    def _begin(
        self, connection: sqlite3.Connection, request: DecisionRequest, at: datetime, batch: str | None
    ) -> ActiveDecision:
        item = request.item
        author = self._authors.of(item)
        if author is not None and request.act is not Act.REJECT:
            self._refuse_own(author)
        if self._second is not None:
            request = self._by_two(request, self._second)
        release_id = f"{int(at.timestamp() * 1000):013d}-{secrets.token_hex(4)}"
        family = self._family(request)
        if lock := self.locks.take(connection, _root(item.id, family), release_id, self.reviewer, at):
            raise _locked(lock, at)
        family = [self._fallen(connection, row, at) for row in family]
        if request.act is not Act.REJECT:
            refuse_released(item.id, family, self.reviewer, at)
        if any(not row.ended for row in family):
            raise Refused("an earlier decision about this email is not finished", "Answer its question first.")
        mine = edited(item.raw, request.edit) if request.edit is not None else None
        key, key_since = self._key(request, mine, family, at)
        doubts = [row for row in family if row.ended and row.doubts and at - row.updated_at < DOUBT_LIFE]
        doubts = [row for row in doubts if not _is_lost_edit(row, item.raw)]
        same = all(meta_of(row).key == key for row in doubts if row.doubts == SUBMISSION)
        case = Case(
            item=item.id,
            act=request.act,
            digest=request.digest,
            fingerprint=fingerprint(mine) if mine is not None and request.act is not Act.REJECT else "",
            siblings=tuple(sorted(_members(family) - {item.id})),
            named=self._named(item) if request.act in (Act.APPROVE, Act.RELEASE_EDIT) else (),
            needs_second=request.needs_second,
            doubtful=is_doubtful(request.act, item.id, (row.doubts for row in doubts), same_submission=same),
        )
        state, effects = begin(case)
        decision = ActiveDecision(
            release_id=release_id,
            state=state,
            meta=DecisionMeta(
                mailbox_id=item.mailbox_id,
                direction=item.direction,
                key_since=key_since,
                received_at=item.received_at,
                thread_id=item.thread_id,
                key=key,
                batch=batch,
                author=author.name if author is not None else self._editor(item),
                author_proven=author is not None and author.proven,
                found=codes(request.found),
                reviewer=self.reviewer,
                by_command=self._by_command,
                with_examples=self._has_tag(item, USED),
                # Inbound emails and colleagues' replies are not written by an agent.
                asks_redraft=request.asks_redraft and author is None and str(item.direction) != Direction.INBOUND,
            ),
            content=Content(base=item.raw, edit=request.edit, reason=request.reason),
        )
        if request.edit is not None:
            # Another window or the command line may have changed the text since it was shown: that change is kept (R4).
            edit = SavedEdit(item.id, item.mailbox_id, request.digest, item.raw, request.edit, at)
            put(self.edits, edit, over=None, durable=True)
        self.write(
            connection, decision, decision.state, [effect for effect in effects if isinstance(effect, Entry)], at
        )
        return decision

    def _by_two(self, request: DecisionRequest, second: SecondApproval) -> DecisionRequest:
        """The request under two-person approval: the first approval of an email is only recorded."""
        if request.act not in (Act.APPROVE, Act.RELEASE_EDIT):
            return request
        item = request.item
        approvals = second.of(item.mailbox_id, self._tags(item), request.digest, request.found)
        shown = request.shown if request.act is Act.APPROVE and request.shown is not None else approvals
        if shown != approvals and (shown.needed or approvals.needed):
            raise Refused(
                f"who has approved it changed meanwhile: {approvals.words or 'one approval is enough now'}",
                "Look again, and decide once more.",
            )
        if not approvals.needed:
            return request
        if request.act is Act.RELEASE_EDIT and (why := second.why_ungated(request.item, request.edit)):
            raise Refused(
                f"two reviewers must approve this, but your edit would be sent as soon as it is submitted: {why}",
                "Send it back to the agent with your text, or approve the draft as it is.",
            )
        if request.act is Act.APPROVE and approvals.waits_for_other:
            raise WaitsForSecond(approvals.words)
        if approvals.is_first and not self._can_tag:
            raise Refused(
                "two reviewers must approve this, and the first approval is a tag, which needs a send key",
                "Set send_key in the profile.",
            )
        first = request.act is Act.APPROVE and approvals.is_first
        return replace(request, act=Act.APPROVE_FIRST if first else request.act, needs_second=True)

    def _refuse_own(self, author: Author) -> None:
        if self._own_replies == "another" and author.is_same(self.reviewer):
            raise OwnReply

    def _fallen(self, connection: sqlite3.Connection, row: SavedDecision, at: datetime) -> SavedDecision:
        """Cancels a decision that an ended process had on hold; leaves any other as it is."""
        if row.ended or state_of(row).step is not Step.HOLD:
            return row
        decision = restored(row)
        state, effects = step(decision.state, Restarted())
        self._append(connection, decision, state, [effect for effect in effects if isinstance(effect, Entry)], at)
        return decision.saved(state, at)

    def write(
        self,
        connection: sqlite3.Connection,
        decision: ActiveDecision,
        state: State,
        entries: Sequence[Entry],
        at: datetime,
    ) -> None:
        """Appends the entries and saves the state, inside the caller's durable transaction.

        Raises:
            TakenOver: another process took the decision over meanwhile. Nothing may be written or done.
        """
        self.locks.confirm(connection, decision.release_id, at)
        self._append(connection, decision, state, entries, at)

    def _append(
        self,
        connection: sqlite3.Connection,
        decision: ActiveDecision,
        state: State,
        entries: Sequence[Entry],
        at: datetime,
    ) -> None:
        for entry in entries:
            self.journal.append(
                connection, entry.entry, self.reviewer, state.case.item, at, details_of(decision, state, entry)
            )
        self.rows.put(connection, decision.saved(state, at))
        if state.ended:
            self.locks.release(connection, decision.release_id)
        if state.outcome in INCIDENTS:
            self.incidents.note(decision.release_id)
        if decision.must_ask_redraft(state):
            self.redrafts.note(decision.release_id)

    def resume(self, row: SavedDecision, at: datetime) -> ActiveDecision | None:
        """The decision of a process that is gone, locked for this one; None while another process handles it."""
        with self.database.write(durable=True) as connection:
            fresh = self.rows.get(row.release_id)
            if fresh is None or fresh.ended:
                return None
            root = _root(fresh.item_id, self.rows.family(fresh.item_id))
            if self.locks.take(connection, root, fresh.release_id, self.reviewer, at) is not None:
                return None
            return restored(fresh)

    def drop_text(self, decision: ActiveDecision) -> None:
        """Deletes the local copy of the edit, unless the human has changed it since."""
        if decision.content is not None and decision.content.edit is not None:
            remove(self.edits, decision.email_id, decision.content.edit)

    def drop_seconded(self) -> None:
        """Deletes the local copies of edits that waited for a second approval and were sent with it since."""
        for edit in self.edits.all():
            for row in self.rows.family(edit.item_id):
                state = state_of(row)
                if state.outcome is not Outcome.FIRST_APPROVED or row.item_id != edit.item_id:
                    continue
                sent = self._mail.summary(state.replacement)
                is_same = fingerprint(edited(edit.base, edit.text)) == state.case.fingerprint
                if sent is not None and sent.is_exchanged and is_same:
                    remove(self.edits, edit.item_id, edit.text)

    def _family(self, request: DecisionRequest) -> list[SavedDecision]:
        """All earlier decisions about this email and its versions, including edits whose id was never received and that
        have its content."""
        rows = {row.release_id: row for row in self.rows.family(request.item.id)}
        for lost in self.rows.doubtful():
            if _is_lost_edit(lost, request.item.raw):
                rows.update((row.release_id, row) for row in self.rows.family(lost.item_id))
        return [rows[release_id] for release_id in sorted(rows)]

    def _tags(self, item: Seen) -> Mapping[OneLine, OneLine]:
        """The email's tags, as last read."""
        detail = item if isinstance(item, EmailDetail) else self._mail.detail(item.id)
        return detail.tags if detail is not None else {}

    def _has_tag(self, item: Seen, name: str) -> bool:
        return OneLine(name) in self._tags(item)

    def _editor(self, item: Seen) -> str:
        """The reviewer whose edit this email is, as its tags say; empty if it is not an edit."""
        return editor_in(tags) if is_edit(tags := self._tags(item)) else ""

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

    def _key(
        self, request: DecisionRequest, mine: RawContent | None, family: Sequence[SavedDecision], at: datetime
    ) -> tuple[str, datetime]:
        """The idempotency key of a submission, and when it may first have been used.

        The key hashes the original's id, the revision and the edit. The revision counts submissions with a known
        outcome: after those, the same text is a new email, while a submission without an answer must be repeated under
        the same key.
        """
        if mine is None or request.act is not Act.RELEASE_EDIT:
            return "", at
        item = request.item
        before = [row for row in family if row.item_id == item.id and state_of(row).case.act is Act.RELEASE_EDIT]
        revision = 1 + sum(row.doubts != SUBMISSION for row in before)
        content = digest_of(item.id, item.mailbox_id, "outbound", mine)
        key = "mm-tui-" + sha256(canonical([item.id, revision, content])).hexdigest()[:40]
        used = [meta_of(row).key_since for row in before if meta_of(row).key == key]
        return key, min(used, default=at)


def _members(family: Sequence[SavedDecision]) -> set[str]:
    members: set[str] = set()
    for row in family:
        members.update(
            {row.item_id, row.replacement_id} if row.replacement_id else {row.item_id}, state_of(row).case.siblings
        )
    return members


def _root(item: str, family: Sequence[SavedDecision]) -> str:
    """The first original of the family; the lock on it covers all of them."""
    edits = {row.replacement_id for row in family}
    return min((row.item_id for row in family if row.item_id not in edits), default=item)


def _is_lost_edit(row: SavedDecision, raw: RawContent) -> bool:
    """Whether an email is a decision's edit whose id the gateway never returned."""
    return row.doubts == SUBMISSION and state_of(row).case.fingerprint == fingerprint(raw)


def _locked(lock: DecisionLock, now: datetime) -> Refused:
    since = short_time(lock.locked_at, now.astimezone().date())
    return Refused(
        OneLine(f"{lock.reviewer} has been deciding about this email since {since}"),
        "Wait until it is done, or finish it where it was started; if that program has ended, you can decide soon.",
    )
