"""Crashes end in a private report and one line; unsafe environments are refused."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.crash import KEPT_REPORTS, UnsafeEnvironment, describe, refuse_unsafe_environment, report, write_report

KEY = "mm_test_made_up_for_this_test_only"
MAIL = "the subject of a private mail"
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def broken(depth: int = 3) -> Exception:
    """An exception with a key and mail in its message, its locals, its cause and its notes."""

    def fall(subject: str, key: str, left: int) -> None:
        if left:
            fall(subject, key, left - 1)
        try:
            raise KeyError(f"{subject} {key}")
        except KeyError as error:
            error.add_note(key)
            raise ValueError(f"cannot read {subject!r} with {key}") from error

    try:
        fall(MAIL, KEY, depth)
    except ValueError as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_report_names_places_and_kinds_and_no_values() -> None:
    text = describe(broken(), NOW)
    assert "raised ValueError" in text
    assert "caused by KeyError" in text
    assert f"{__file__}:" in text
    assert "in fall" in text
    assert "2026-03-04T05:06:07+00:00" in text
    for secret in (KEY, MAIL, "cannot read"):
        assert secret not in text


def test_groups_and_system_errors_are_named() -> None:
    group = ExceptionGroup(MAIL, [OSError(2, KEY), ValueError(MAIL)])
    text = describe(group, NOW)
    assert "part: FileNotFoundError, errno 2" in text
    assert "part: ValueError" in text
    assert KEY not in text
    assert MAIL not in text


def test_a_chain_without_end_is_cut() -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert describe(first, NOW).count("caused by") == 1


def test_the_file_is_private_new_and_pruned(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    paths = [write_report(broken(0), folder, now=NOW) for _ in range(KEPT_REPORTS + 3)]
    assert len(set(paths)) == len(paths)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    left = list(folder.iterdir())
    assert len(left) == KEPT_REPORTS
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in left)


def test_the_one_line(tmp_path: Path) -> None:
    line = report(broken(), tmp_path)
    (path,) = tmp_path.iterdir()
    assert line == f"mm-tui stopped because of an internal error (ValueError). A report without mail or keys: {path}"
    blocked = tmp_path / "a file"
    blocked.write_text("")
    assert "No report could be written" in report(broken(), blocked)
    assert MAIL not in report(broken(), blocked)


def test_a_hostile_class_name_cannot_touch_the_terminal(tmp_path: Path) -> None:
    hostile = type("Bad\x1b[2J\nName", (Exception,), {})
    assert "\x1b" not in report(hostile(), tmp_path)
    assert "\n" not in report(hostile(), tmp_path)
    assert "\x1b" not in describe(hostile(), NOW)


PROGRAM = """
import sys, threading
from pathlib import Path
from mm_tui.crash import install_hooks
install_hooks(Path(sys.argv[1]))
key = "mm_test_made_up_for_this_test_only"
class Dies:
    def __del__(self):
        raise RuntimeError(key)
if sys.argv[2] == "main":
    raise ValueError(key)
elif sys.argv[2] == "thread":
    thread = threading.Thread(target=lambda: [][int(bool(key))])
    thread.start(); thread.join()
elif sys.argv[2] == "finaliser":
    one = Dies(); del one
elif sys.argv[2] == "interrupt":
    raise KeyboardInterrupt(key)
"""


@pytest.mark.parametrize(
    ("where", "status", "reports", "lines"),
    [("main", 1, 1, 1), ("thread", 0, 1, 0), ("finaliser", 0, 1, 0), ("interrupt", -2, 0, 0)],
)
def test_hooks_of_a_process(tmp_path: Path, where: str, status: int, reports: int, lines: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), where], capture_output=True, text=True, check=False
    )
    assert done.returncode in (status, 130 if where == "interrupt" else status)
    files = list(tmp_path.iterdir())
    assert len(files) == reports
    assert len(done.stderr.splitlines()) == lines
    for text in (done.stdout, done.stderr, *(file.read_text() for file in files)):
        assert KEY not in text
        assert "Traceback" not in text


@pytest.mark.parametrize(
    "environ",
    [
        *({"TERM": name} for name in ("dumb", "DUMB", "unknown")),
        *({name: "a"} for name in ("TEXTUAL_PRESS", "TEXTUAL_DRIVER", "TEXTUAL_LOG", "TEXTUAL_SCREENSHOT")),
        {"TEXTUAL": "debug,devtools"},
    ],
)
def test_unsafe_environments_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(UnsafeEnvironment, match=next(iter(environ))):
        refuse_unsafe_environment({"TERM": "xterm-256color", **environ})


def test_ordinary_environments_pass() -> None:
    refuse_unsafe_environment({"TERM": "xterm-256color", "TEXTUAL_PRESS": "", "TEXTUAL_FPS": "30"})
