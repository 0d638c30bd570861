"""The commands of a reviewer, as tests give them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.support.cli import Done, Home


def digest_of(home: Home, email_id: str) -> str:
    shown = home.run("pending", "show", email_id, "--json", status=0)
    return str(shown.json["digest"])


def approve(home: Home, email_id: str, digest: str, *more: str) -> Done:
    return home.run("pending", "approve", email_id, "--digest", digest, *more)


def rows_of(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as connection:
        # The table of words gives no rows itself; those that keep it are among the others.
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        ).fetchall()
        return [f"{name}: {row}" for (name,) in tables for row in connection.execute(f"SELECT * FROM {name}")]
