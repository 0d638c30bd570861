"""Earlier decisions about an email and its versions, and what they mean for a new one (R3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self

import msgspec

from mm_tui.decision.relatives import is_doubtful
from mm_tui.decision.state import SUBMISSION, Act
from mm_tui.models import RawContent
from mm_tui.review.digest import canonical, digest_of
from mm_tui.review.draft import fingerprint
from mm_tui.services.decisions.record import UnreadableDecision, meta_of, state_of
from mm_tui.services.decisions.view import Seen
from mm_tui.store.decisions.records import DecisionStore, SavedDecision

DOUBT_LIFETIME = timedelta(hours=24)
"""How long a call without an answer may still take effect."""


class Family(msgspec.Struct, frozen=True):
    """All decisions about an email, its originals and its edits."""

    item: Seen
    """The email that is to be decided."""
    rows: tuple[SavedDecision, ...]
    """The oldest first."""

    @classmethod
    def of(cls, item: Seen, store: DecisionStore) -> Self:
        """The family of an email. An edit whose id was never received belongs to it by its content."""
        rows = {row.decision_id: row for row in store.family(item.id)}
        for lost in store.doubtful():
            if _is_lost_edit(lost, item.raw):
                rows.update((row.decision_id, row) for row in store.family(lost.item_id))
        return cls(item, tuple(rows[decision_id] for decision_id in sorted(rows)))

    @property
    def root(self) -> str:
        """The first original; the lock on it covers all versions."""
        return root_of(self.item.id, self.rows)

    @property
    def siblings(self) -> tuple[str, ...]:
        """The ids of all other versions."""
        members: set[str] = set()
        for row in self.rows:
            members.update({row.item_id, row.replacement_id or row.item_id}, state_of(row).case.siblings)
        return tuple(sorted(members - {self.item.id}))

    def is_doubtful(self, act: Act, key: str, at: datetime) -> bool:
        """Whether a call without an answer could release a second version beside this act. `key`: the idempotency key
        under which the act would submit an edit; empty if it submits none."""
        recent = [row for row in self.rows if row.ended and row.doubts and at - row.updated_at < DOUBT_LIFETIME]
        doubted = [row for row in recent if not _is_lost_edit(row, self.item.raw)]
        same = all(meta_of(row).key == key for row in doubted if row.doubts == SUBMISSION)
        return is_doubtful(act, self.item.id, (row.doubts for row in doubted), same_submission=same)

    def key_of(self, edit: RawContent, at: datetime) -> tuple[str, datetime]:
        """The idempotency key for submitting an edit, and when it may first have been used. The key hashes the
        original's id, the revision and the edit. The revision counts submissions with a known outcome: after those, the
        same text is a new email, while a submission without an answer must be repeated under the same key."""
        item = self.item
        before = [row for row in self.rows if row.item_id == item.id and state_of(row).case.act is Act.RELEASE_EDIT]
        revision = 1 + sum(row.doubts != SUBMISSION for row in before)
        content = digest_of(item.id, item.mailbox_id, "outbound", edit)
        key = "mm-tui-" + sha256(canonical([item.id, revision, content])).hexdigest()[:40]
        return key, min((meta_of(row).key_since for row in before if meta_of(row).key == key), default=at)


def root_of(item_id: str, rows: tuple[SavedDecision, ...]) -> str:
    """The first original of an email with these decisions."""
    edits = {row.replacement_id for row in rows}
    return min((row.item_id for row in rows if row.item_id not in edits), default=item_id)


def _is_lost_edit(row: SavedDecision, raw: RawContent) -> bool:
    """Whether an email is a decision's edit whose id the gateway never returned."""
    try:
        return row.doubts == SUBMISSION and state_of(row).case.fingerprint == fingerprint(raw)
    except UnreadableDecision:
        # The email whose edit it was cannot be decided: of the two, only this one can leave.
        return False
