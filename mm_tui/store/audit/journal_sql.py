"""SQL for the values inside an entry of the journal. Each is NULL if the entry is broken."""

from __future__ import annotations

from datetime import datetime

from mm_tui.store.sort_keys import to_ms


def inner(path: str) -> str:
    """SQL for the value at a path inside an entry."""
    return f"CASE WHEN json_valid(entry) THEN json_extract(entry, '$.{path}') END"


AT, WHO, KIND, EMAIL, DETAILS = (inner(name) for name in ("at", "who", "kind", "email_id", "details"))
ACT, ABOUT, MAILBOX, NOTE = (inner(f"details.{name}") for name in ("act", "about", "mailbox", "note"))
IS_DECISION = """(instr(entry, '"kind":"done"') > 0 OR instr(entry, '"kind":"retired"') > 0)"""
"""Inside a value the quotes would be escaped, so this text can only be the entry's own kind."""


def parsed_ms(moment: object, otherwise: int) -> int:
    """An entry's time in milliseconds since 1970, or `otherwise` if it has none."""
    try:
        return to_ms(datetime.fromisoformat(str(moment))) or 0
    except ValueError:
        return otherwise
