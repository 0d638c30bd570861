"""Allowlists: each mailbox's recipients that need no approval in `gated_send`."""

from __future__ import annotations

import json
import sqlite3

from mm_tui.sandbox.gateway import mailboxes
from mm_tui.sandbox.gateway.ids import iso
from mm_tui.sandbox.gateway.insert import bare
from mm_tui.sandbox.gateway.state import ApiError, Caller, State

KIND = "allowlist"


def entries(state: State, mailbox_id: str) -> list[dict[str, object]]:
    """The entries of a mailbox, including those for all mailboxes."""
    mailboxes.find(state, mailbox_id)
    return [_wire(row) for row in _rows(state, mailbox_id)]


def add(
    state: State, caller: Caller, mailbox_id: str, pattern: str, note: str | None, code: str | None
) -> dict[str, object]:
    """Adds an address or a domain (`@partner.example`, `*@partner.example`), with the operator's code."""
    mailboxes.find(state, mailbox_id)
    if any(row["pattern"].lower() == pattern.lower() for row in _rows(state, mailbox_id)):
        raise ApiError(409, "Pattern is already on the allowlist")
    title = f"Let mail to {pattern} leave unasked"
    mailboxes.require_code(state, KIND, f"{mailbox_id} {pattern}", code, title, mailbox_id)
    entry_id = state.new_id()
    with state.write() as db:
        db.execute(
            "INSERT INTO allow_list VALUES (?, ?, ?, ?, ?, ?)",
            (entry_id, mailbox_id, pattern, caller.key_id, state.now_ms(), note),
        )
        state.audit("allowlist.added", KIND, entry_id, caller, {"mailbox_id": mailbox_id, "pattern": pattern})
    row = state.db.execute("SELECT * FROM allow_list WHERE id = ?", (entry_id,)).fetchone()
    return {name: value for name, value in _wire(row).items() if name != "added_by"}


def remove(state: State, caller: Caller, mailbox_id: str, entry_id: str, code: str | None) -> None:
    """Removes an entry, with the operator's code."""
    row = next((row for row in _rows(state, mailbox_id) if row["id"] == entry_id), None)
    if row is None:
        raise ApiError(404, "No such allowlist entry")
    mailboxes.require_code(state, KIND, entry_id, code, f"Ask again before {row['pattern']}", mailbox_id)
    with state.write() as db:
        db.execute("DELETE FROM allow_list WHERE id = ?", (entry_id,))
        state.audit("allowlist.removed", KIND, entry_id, caller, {"mailbox_id": mailbox_id, "pattern": row["pattern"]})


def bypasses(state: State, row: sqlite3.Row) -> bool:
    """Whether all recipients of this email are on its mailbox's list."""
    allowed = {found["pattern"].lower().removeprefix("*") for found in _rows(state, row["mailbox_id"])}
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


def _rows(state: State, mailbox_id: str) -> list[sqlite3.Row]:
    return state.db.execute(
        "SELECT * FROM allow_list WHERE mailbox_id IS NULL OR mailbox_id = ? ORDER BY id", (mailbox_id,)
    ).fetchall()


def _wire(row: sqlite3.Row) -> dict[str, object]:
    entry = {name: row[name] for name in ("id", "pattern", "added_by")} | {"added_at": iso(row["added_at"])}
    return entry | ({"note": row["note"]} if row["note"] is not None else {})
