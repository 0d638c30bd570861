"""The log file: private, bounded, and without anything of a mail or a key."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from mm_tui.commands.output import logs

log = logging.getLogger("mm_tui.test")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path / "data"))
    yield
    root = logging.getLogger("mm_tui")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.propagate = True
    root.setLevel(logging.NOTSET)


def lines() -> list[dict[str, object]]:
    return [json.loads(line) for line in logs.log_path().read_text().splitlines()]


def test_a_record_is_one_json_object_with_known_fields_only() -> None:
    logs.set_up()
    log.info("call", extra={"call": "GET /x", "status": 200, "body": "private"})
    (entry,) = lines()
    assert (entry["event"], entry["call"], entry["status"], entry["level"]) == ("call", "GET /x", 200, "info")
    assert "private" not in json.dumps(entry)


def test_keys_addresses_and_control_characters_are_masked() -> None:
    logs.set_up()
    log.warning("sent to %s with %s\x1b[2J\nand more", "Anna <anna@customer.example>", "mm_live_abc123")
    log.error("Authorization: Bearer abc.def", extra={"fault": "whsec_123 of a@b.example"})
    text = logs.log_path().read_text()
    for private in ("anna@", "mm_live_abc123", "abc.def", "whsec_123", "a@b", "\x1b"):
        assert private not in text
    assert len(lines()) == 2


def test_an_exception_is_named_and_not_quoted() -> None:
    logs.set_up()
    try:
        raise ValueError("a private sentence")
    except ValueError:
        log.exception("failed")
    assert lines()[0]["error"] == "ValueError"
    assert "private" not in logs.log_path().read_text()


def test_the_file_is_private_and_rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    logs.set_up()
    for number in range(200):
        log.info("event %d", number)
    folder = logs.log_path().parent
    files = list(folder.iterdir())
    assert len(files) == 1 + logs.KEPT_FILES
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(file.stat().st_size <= 2000 for file in files)


def test_debug_is_logged_only_when_asked_for() -> None:
    logs.set_up()
    log.debug("one")
    logs.set_up(debug=True)
    log.debug("two")
    assert [entry["event"] for entry in lines()] == ["two"]


def test_nothing_reaches_other_handlers(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    logs.set_up()
    log.error("quiet")
    assert capsys.readouterr() == ("", "")
    assert caplog.records == []


def test_without_a_place_to_write_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path / "file"))
    logs.set_up()
    log.error("lost")
    err = capsys.readouterr().err
    assert "no log is written" in err and len(err.splitlines()) == 1


def test_a_full_disk_costs_lines_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up()
    (handler,) = logging.getLogger("mm_tui").handlers
    assert isinstance(handler, logs.PrivateRotatingFile)

    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handler.stream, "write", full, raising=False)
    log.error("lost")
    assert capsys.readouterr().err == ""
