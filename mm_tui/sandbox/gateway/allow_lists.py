"""Allowlists: each mailbox's recipients that need no approval in `gated_send`."""

from __future__ import annotations

import json
import sqlite3

from mm_tui.sandbox.gateway.insert import bare
from mm_tui.sandbox.gateway.state import State


def bypasses(state: State, row: sqlite3.Row) -> bool:
    """Whether all recipients of this email are on its mailbox's list."""
    allowed = {found["pattern"].lower().removeprefix("*") for found in rows_of(state, row["mailbox_id"])}
    if not allowed:
        return False
    everyone = [bare(address) for field in ("recipients", "cc", "bcc") for address in json.loads(row[field])]
    return all(address in allowed or address[address.rfind("@") :] in allowed for address in everyone)


def replace_for_all(state: State, patterns: list[str]) -> None:
    """Sets the entries for all mailboxes, without a code."""
    with state.write() as db:
        db.execute("DELETE FROM allow_list WHERE mailbox_id IS NULL")
        db.executemany(
            "INSERT INTO allow_list VALUES (?, NULL, ?, NULL, ?, NULL)",
            [(state.new_id(), pattern, state.now_ms()) for pattern in patterns],
        )


def rows_of(state: State, mailbox_id: str) -> list[sqlite3.Row]:
    """The entries of a mailbox, including those for all mailboxes."""
    return state.db.execute(
        "SELECT * FROM allow_list WHERE mailbox_id IS NULL OR mailbox_id = ? ORDER BY id", (mailbox_id,)
    ).fetchall()
