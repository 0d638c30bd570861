"""Exported lines: whole or not at all, for their owner alone, over no other file."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mm_tui.models import AuditEntry
from mm_tui.services.audit.export import ExportError, NotWritten, export, target_of
from mm_tui.services.audit.line import AuditLines
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.audit.journal import Journal
from mm_tui.store.audit.timeline import LineFilter, Source
from mm_tui.store.database import Database
from mm_tui.text import OneLine
from tests.support.seat import NOW


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[AuditLines]:
    with Database.open(tmp_path / "store.db") as database:
        entries = [
            AuditEntry(
                id=f"G{number:05}",
                action=OneLine("oversight.rejected" if number == 0 else "email.read"),
                resource_type=OneLine("email"),
                resource_id=OneLine("M1"),
                actor_key_id=OneLine(" =KEY"),
                metadata={OneLine("reason"): OneLine('=SUM(1), "quoted"; \uff1dSUM(2)')},
                created_at=NOW - timedelta(seconds=number),
            )
            for number in range(1200)
        ]
        AuditStore(database).add(entries)
        Journal(database).write("done", "robin", "M1", NOW, {"act": "reject", "about": "M1"})
        yield AuditLines(database)


def test_all_lines_are_written_oldest_first(lines: AuditLines, tmp_path: Path) -> None:
    path = target_of("log.jsonl", tmp_path)
    reported: list[tuple[int, int]] = []
    assert export(lines, LineFilter(), path, progress=lambda done, total: reported.append((done, total))) == 1201
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(records) == 1201
    assert [record["at"] for record in records] == sorted(record["at"] for record in records)
    rejected = next(record for record in records if record["action"] == "oversight.rejected")
    assert rejected["who"] == "robin"
    assert rejected["details"] == {"reason": '=SUM(1), "quoted"; \uff1dSUM(2)'}
    assert next(record for record in records if record["source"] == "journal")["hash"]
    assert reported == [(500, 1201), (1000, 1201), (1201, 1201)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.glob(".mm-tui-export-*")] == []


def test_csv_can_be_read_back_and_contains_no_formula(lines: AuditLines, tmp_path: Path) -> None:
    path = target_of("log.csv", tmp_path)
    assert export(lines, LineFilter(source=Source.GATEWAY), path) == 1200
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 1200
    assert all(row["source"] == "gateway" for row in rows)
    # A spreadsheet may split it at semicolons instead.
    cells = [value for row in rows for cell in row.values() for value in cell.split(";")]
    assert not any(value.lstrip().startswith(("=", "+", "-", "@", "\uff1d")) for value in cells)


def test_no_file_is_overwritten(lines: AuditLines, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("precious")
    with pytest.raises(ExportError, match="already exists"):
        target_of("log.jsonl", tmp_path)
    # Made by somebody else after it was asked for.
    with pytest.raises(ExportError):
        export(lines, LineFilter(), path)
    assert path.read_text() == "precious"
    dangling = tmp_path / "link.jsonl"
    dangling.symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(ExportError, match="already exists"):
        target_of("link.jsonl", tmp_path)


def test_a_stopped_export_leaves_no_file(lines: AuditLines, tmp_path: Path) -> None:
    path = target_of("log.jsonl", tmp_path)
    done: list[int] = []
    assert export(lines, LineFilter(), path, progress=lambda at, _: done.append(at), stop=lambda: bool(done)) is None
    assert done
    assert not path.exists()
    assert list(tmp_path.glob(".mm-tui-export-*")) == []


@pytest.mark.parametrize("typed", ["", "  ", "log", "log.txt", "nowhere/log.jsonl", "a\0b.csv"])
def test_what_names_no_usable_file_is_refused(typed: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError):
        target_of(typed, tmp_path)


def test_a_folder_that_cannot_be_written_to_is_reported(lines: AuditLines, tmp_path: Path) -> None:
    path = tmp_path / "gone" / "log.jsonl"
    with pytest.raises(NotWritten, match="cannot be written"):
        export(lines, LineFilter(), path)


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert target_of("~/log.csv", Path("/")) == tmp_path / "log.csv"
