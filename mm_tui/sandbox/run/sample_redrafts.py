"""Other drafts in place of sample drafts, for reviewers who ask for one.

The demo's agent writes others only in place of drafts that it has submitted. The sample drafts were there before it.
"""

from __future__ import annotations

import json
import sqlite3

from mm_tui.sandbox.gateway import messages, sending
from mm_tui.sandbox.gateway.state import ApiError, State
from mm_tui.sandbox.gateway.statuses import Status
from mm_tui.sandbox.model import replies
from mm_tui.sandbox.model.text import PromptMail

ASKED, REASON, SUGGESTION = "review.redraft", "review.reason", "review.suggestion"
"""Tags of a reviewer's program on a rejected draft; the suggested text goes on in `review.suggestion.2` and so on."""
FOLLOWS, ROUND = "assist.follows", "assist.round"
"""Tags on the other draft: which one it replaces, and how many were written for the email."""
MOST_ROUNDS = 2

_ASKED_SQL = """
SELECT emails.* FROM emails JOIN tags ON tags.email_id = emails.id AND tags.name = ? WHERE emails.status = ?
 AND EXISTS (SELECT 1 FROM audit WHERE resource_id = emails.id AND action = 'email.reply_submitted'
  AND actor_key_id IS NULL)
 AND NOT EXISTS (SELECT 1 FROM tags AS other WHERE other.name = ? AND other.value = emails.id)
"""
"""Rejected drafts with a reviewer's request that no key has submitted."""


def redraft(state: State) -> int:
    """Submits another draft for each rejected sample draft for which a reviewer asks for one; returns how many."""
    number = 0
    for row in state.db.execute(_ASKED_SQL, (ASKED, Status.REJECTED, FOLLOWS)).fetchall():
        tags = messages.tags(state, row["id"])
        answered = state.db.execute(
            "SELECT * FROM emails WHERE mailbox_id = ? AND message_id = ?", (row["mailbox_id"], row["in_reply_to"])
        ).fetchone()
        round_ = tags.get(ROUND, "0")
        # Anybody with a send key can set tags.
        at = int(round_) + 1 if round_.isdecimal() and len(round_) < 9 else MOST_ROUNDS + 1
        if answered is None or at > MOST_ROUNDS:
            continue
        mail = sending.Submission((), "", other_text(state, row, answered, tags))
        try:
            with state.write() as db:
                made = sending.reply(state, None, row["mailbox_id"], answered["id"], mail)
                follows = [(made.body["id"], FOLLOWS, row["id"]), (made.body["id"], ROUND, str(at))]
                db.executemany("INSERT INTO tags VALUES (?, ?, ?)", follows)
        except ApiError:
            # The mailbox may not send now.
            continue
        number += 1
    return number


def other_text(state: State, draft: sqlite3.Row, answered: sqlite3.Row, tags: dict[str, str]) -> str:
    """The reviewer's own text, or the draft changed for the reviewer's reason, or else a new reply."""
    if suggested := _suggestion(tags):
        return suggested
    before, reason = messages.body(state, draft["id"]), tags.get(REASON, "")
    text = replies.redraft(before, reason)
    if text.split() != before.split():
        return text
    mail = PromptMail(answered["sender"], "", answered["subject"], messages.body(state, answered["id"]))
    return replies.draft([mail], reason)


def _suggestion(tags: dict[str, str]) -> str:
    names = [SUGGESTION, *(f"{SUGGESTION}.{number}" for number in range(2, len(tags) + 1))]
    text = "".join(tags.get(name, "") for name in names)
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return text
    return str(found)
