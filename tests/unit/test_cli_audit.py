"""The journal and the audit log on the command line: exported, verified, and left alone if they are not ours."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

from mm_tui.commands.output.exits import Exit
from tests.support.cli import Home
from tests.support.cli_review import approve, digest_of
from tests.support.sandbox import Sandbox


def test_the_audit_is_exported_whole(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    draft_id = sandbox.draft()
    home.run("pending", "reject", draft_id, "--digest", digest_of(home, draft_id), "--reason", "=cmd()")
    target = tmp_path / "out.csv"
    assert home.run("audit", "export", str(target)).status == 0
    assert target.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert {"journal", "gateway"} == {row["source"] for row in rows}
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    assert home.run("audit", "export", "--output", str(tmp_path / "named as before.jsonl")).status == 0
    assert home.run("audit", "export", str(target)).status == Exit.USAGE
    assert home.run("audit", "export", str(target), "--output", str(target)).status == Exit.USAGE
    assert home.run("audit", "export", "--format", "jsonl", str(tmp_path / "b.csv")).status == Exit.USAGE
    assert home.run("audit", "export", "--format", "csv").out.splitlines() == target.read_text().splitlines()
    lines = home.run("audit", "export").out.splitlines()
    assert len(lines) == len(rows) and all(json.loads(line)["at"] for line in lines)
    assert len(home.run("audit", "list", "--limit", "2").out.splitlines()) == 2
    lines = home.run("audit", "list", "--json").json["entries"]
    who, action = lines[-1]["who"], lines[-1]["action"]
    assert home.run("audit", "list", "--json", "--by", who, "--action", action).json["entries"]
    assert "No line matches." in home.run("audit", "list", "--by", "nobody").err


def test_without_an_admin_key_the_journal_is_shown_and_said(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, {"oversight": sandbox.keys["oversight"]})
    done = home.run("audit", "list")
    assert done.status == 0 and "needs an admin_key" in done.err
    assert home.run("audit", "list", "--source", "gateway").status == Exit.AUTH


def test_a_changed_journal_exits_6(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    approve(home, draft_id, digest_of(home, draft_id))
    whole = home.run("audit", "verify", "--json").json
    assert whole["ok"] and whole["entries"] > 0
    with sqlite3.connect(home.data / "store-default.sqlite3") as connection:
        connection.execute("DROP TRIGGER journal_is_never_shortened")
        connection.execute("DELETE FROM journal WHERE number = (SELECT max(number) FROM journal)")
    assert home.run("audit", "verify").status == Exit.CHANGED, "the head beside the store tells of the cut end"
    (home.data / "store-default.sqlite3.head").unlink()
    assert home.run("audit", "verify").status == 0, "without any head a cut end is not found"
    cut = home.run("audit", "verify", "--head", whole["head"], "--json")
    assert cut.status == Exit.CHANGED and cut.json["first_bad"] == whole["entries"]
    assert home.run("audit", "verify", "--head", "nonsense").status == Exit.USAGE


def copy_of(store: Path, target: Path) -> Path:
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def test_an_older_store_decides_nothing_until_a_human_accepts_it(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, third = sandbox.draft(), sandbox.draft(), sandbox.draft()
    approve(home, first, digest_of(home, first))
    store = home.data / "store-default.sqlite3"
    backup = copy_of(store, tmp_path / "backup")
    approve(home, second, digest_of(home, second))
    for ending in ("-wal", "-shm"):
        Path(f"{store}{ending}").unlink(missing_ok=True)
    backup.replace(store)
    digest = digest_of(home, third)
    refused = home.run("pending", "approve", third, "--digest", digest, status=Exit.CONFIG)
    assert "not the one that was used last" in refused.err and "mm-tui audit accept" in refused.err
    assert len(sandbox.outbox()) == 2
    assert home.run("doctor").out.count("not the one that was used last") == 1
    assert home.run("audit", "verify").status == Exit.CHANGED
    assert home.run("audit", "accept").status == 0
    assert home.run("audit", "accept").out.startswith("the journal is the one")
    approve(home, third, digest)
    assert len(sandbox.outbox()) == 3
    assert home.run("audit", "verify").status == 0


def test_verify_reads_a_copy_that_nobody_can_write_to(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    draft_id = sandbox.draft()
    approve(home, draft_id, digest_of(home, draft_id))
    copy = tmp_path / "evidence" / "copy.sqlite3"
    copy.parent.mkdir()
    copy_of(home.data / "store-default.sqlite3", copy)
    copy.chmod(0o400)
    copy.parent.chmod(0o500)
    try:
        done = home.run("audit", "verify", "--store", str(copy), "--json")
        assert done.status == 0 and done.json["entries"] > 0
        assert [path.name for path in copy.parent.iterdir()] == ["copy.sqlite3"]
    finally:
        copy.parent.chmod(0o700)
    assert home.run("audit", "verify", "--store", str(tmp_path / "none")).status == Exit.NOT_FOUND


def test_what_verify_cannot_read_has_the_name_that_the_user_gave(home: Home, tmp_path: Path) -> None:
    home.run("pending", "list", status=0)
    copy = copy_of(home.data / "store-default.sqlite3", tmp_path / "copy.sqlite3")
    for sql in ("CREATE TABLE later (x); PRAGMA user_version = 9999", "DROP TABLE later", "DROP TABLE edits"):
        with closing(sqlite3.connect(copy)) as store:
            store.executescript(sql)
        done = home.run("audit", "verify", "--store", str(copy), status=Exit.CONFIG)
        assert f"{copy} " in done.err and "/mm-tui-" not in done.err
