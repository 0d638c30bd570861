"""Cached answers of the models, keyed by the exact question, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from mm_tui import typed_json
from mm_tui.store.damaged import UNREADABLE
from mm_tui.store.database import Database
from mm_tui.store.sort_keys import from_ms, to_ms


class ResultKey(NamedTuple):
    """The question that a result answers. An equal key is answered from the cache, so nothing is paid for twice."""

    task: str
    subject_id: str
    """The email or thread it is about."""
    model: str
    prompt_version: str
    content_hash: str
    """Hash of the text that was shown to the model."""


class StoredResult(NamedTuple):
    """A cached answer of a model."""

    key: ResultKey
    result: dict[str, Any]
    made_at: datetime | None


class DaySpend(NamedTuple):
    usd: float
    tokens_in: int
    tokens_out: int
    calls: int


class AssistStore:
    """Results and spend of the assistant for one profile."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, key: ResultKey, result: Mapping[str, Any], at: datetime) -> None:
        """Caches an answer; `result` must be plain JSON values."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO assist_results"
                " (task, subject_id, model, prompt_version, content_hash, result, made_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, json.dumps(dict(result)), to_ms(at)),
            )

    def get(self, key: ResultKey) -> StoredResult | None:
        """The cached answer to exactly this question, or None."""
        return self._first(
            "SELECT * FROM assist_results WHERE task = ? AND subject_id = ? AND model = ? AND prompt_version = ?"
            " AND content_hash = ?",
            key,
        )

    def latest(self, task: str, subject_id: str) -> StoredResult | None:
        """The newest answer of a task about an email or thread, whatever was asked; it may be out of date."""
        return self._first(
            "SELECT * FROM assist_results WHERE task = ? AND subject_id = ? ORDER BY made_at DESC LIMIT 1",
            (task, subject_id),
        )

    def _first(self, sql: str, values: tuple[str, ...]) -> StoredResult | None:
        rows = self._database.rows(sql, values)
        return self._stored(rows[0]) if rows else None

    def about(self, subject_ids: Iterable[str]) -> list[StoredResult]:
        """Every answer about these emails or threads, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM assist_results WHERE subject_id IN (SELECT value FROM json_each(?)) ORDER BY made_at",
            (json.dumps(list(subject_ids)),),
        )
        return [found for row in rows if (found := self._stored(row)) is not None]

    def add_spend(self, day: date, model: str, *, usd: float, tokens_in: int = 0, tokens_out: int = 0) -> None:
        """Adds the cost of one call. Several processes may call it at once."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO spend (day, model, tokens_in, tokens_out, micro_usd, calls) VALUES (?, ?, ?, ?, ?, 1)"
                " ON CONFLICT (day, model) DO UPDATE SET tokens_in = tokens_in + excluded.tokens_in,"
                " tokens_out = tokens_out + excluded.tokens_out, micro_usd = micro_usd + excluded.micro_usd,"
                " calls = calls + 1",
                (day.isoformat(), model, tokens_in, tokens_out, round(usd * 1_000_000)),
            )

    def spend(self, day: date) -> DaySpend:
        """The cost of a day over all models."""
        row = self._database.one(
            "SELECT coalesce(sum(micro_usd), 0), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0),"
            " coalesce(sum(calls), 0) FROM spend WHERE day = ?",
            (day.isoformat(),),
        )
        return DaySpend(row[0] / 1_000_000, row[1], row[2], row[3])

    def _stored(self, row: Any) -> StoredResult | None:
        """None, as if nothing had been answered, if it is damaged."""
        key = ResultKey(row["task"], row["subject_id"], row["model"], row["prompt_version"], row["content_hash"])
        try:
            typed_json.read(_SHAPES.get(key.task, dict[str, Any]), row["result"])
            return StoredResult(key, json.loads(row["result"]), from_ms(row["made_at"]))
        except UNREADABLE:
            self._database.damaged.found(
                f"what a model or a colleague said about {key.subject_id} ({key.task})", "it can be asked again"
            )
            return None


class _StoredText(msgspec.Struct):
    """A stored answer of one text."""

    value: str
    model: str = ""
    cut: bool = False


class _Facts(msgspec.Struct):
    """A stored answer of several texts."""

    value: dict[str, str | list[str]]
    model: str = ""
    cut: bool = False


class _Tags(msgspec.Struct):
    """A result of an agent, as the gateway's tags have it."""

    label: str = ""
    label_by: str = ""
    summary: str = ""
    model: str = ""
    extract: dict[str, str | list[str]] = msgspec.field(default_factory=dict)


class _StoredReading(msgspec.Struct):
    """A stored answer of the second reader."""

    value: dict[str, Any]
    model: str
    cut: bool


_SHAPES: Mapping[str, type[msgspec.Struct]] = {
    "summarise": _StoredText,
    "classify": _StoredText,
    "human_label": _StoredText,
    "extract": _Facts,
    "tags": _Tags,
    "second_reader": _StoredReading,
}
"""What the stored results of a task must be like."""
