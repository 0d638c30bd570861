"""What all tests share: an environment of their own, and clean snapshot reports."""

from __future__ import annotations

import gc
import importlib.metadata
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot
from hypothesis import HealthCheck, settings

from mm_tui.store.database import Database
from tests.support.cli import Home
from tests.support.desk import Desk, at_desk
from tests.support.logs import Logs
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.signals import stop_ignoring

SNAPSHOT_VERSIONS = {"textual": "8.2.8", "pytest-textual-snapshot": "1.1.0", "rich": "15.0.0"}
"""Snapshots are only comparable when made with these."""
_finished = itertools.count(1)
"""Counts the tests of this process."""
KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
)
"""The caller's variables that tests, and the programs that they start, see; all others might change what they do."""
KEPT_PREFIXES = ("PIP_", "PYTEST_", "SSL_CERT_", "TEXTUAL_SNAPSHOT_")
OURS = ("MM_TUI_CORPUS", "MM_TUI_DEEP", "MM_TUI_PROXY_", "MM_TUI_TEST_", "MM_TUI_TYPING_", "TEST_MAIL")
"""Those that say what tests do. They are read when a test file is loaded."""


class _ReportEntry(pytest_textual_snapshot.SvgSnapshotDiff):  # type: ignore[misc] # the plugin has no types
    """A line of the failure report, without the environment: it may hold keys."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**{**fields, "environment": {}})


pytest_textual_snapshot.SvgSnapshotDiff = _ReportEntry


def pytest_configure(config: pytest.Config) -> None:
    """Refuses to write snapshots that others could not compare with theirs; programs begin with ordinary signals, and
    generated examples are steady."""
    stop_ignoring()
    use_plain_environment()
    # The same examples on every run, and as much time as a busy machine needs.
    settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("steady")
    if config.getoption("update_snapshots", default=False):
        for name, wanted in SNAPSHOT_VERSIONS.items():
            if (found := importlib.metadata.version(name)) != wanted:
                raise pytest.UsageError(f"snapshots are made with {name} {wanted}, not {found}: see constraints.txt")


def use_plain_environment() -> None:
    """Forgets who runs the tests: their settings, keys, terminal, language, proxies and time zone."""
    for name in set(os.environ) - set(KEPT):
        if not name.startswith((*KEPT_PREFIXES, *OURS)):
            del os.environ[name]
    os.environ.update(LANG="C.UTF-8", TZ="UTC", TERM="xterm-256color", COLORTERM="truecolor")
    time.tzset()


def pytest_runtest_logfinish() -> None:
    """Frees the files of stores from time to time: a connection of a thread that has ended is closed by the garbage
    collector, which rarely looks at everything, and a process may have few files open."""
    if next(_finished) % 50 == 0:
        gc.collect()


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own config and data folder."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path / "data"))


@pytest.fixture(autouse=True)
def quick_fingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests press keys faster than any hand: the pauses that the keyboard asks for are left out."""
    from mm_tui.keyboard import dispatch as keyboard

    for name in ("QUIET_SECONDS", "PAUSE_SECONDS"):
        monkeypatch.setattr(keyboard, name, 0.0)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """An empty sandbox with three mailboxes at gated_send."""
    with running_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox) -> Home:
    """The home folder of rita, who has all keys of the sandbox."""
    made = Home(tmp_path)
    made.write_profile(sandbox.url, sandbox.keys, reviewer="rita")
    return made


@pytest.fixture
async def desk(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Desk]:
    """The desk of a reviewer at the sandbox."""
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as opened:
        yield opened


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty store."""
    with Database.open(tmp_path / "store.db") as opened:
        yield opened


@pytest.fixture
def logs(database: Database) -> Logs:
    """The two logs, with nothing in them."""
    return Logs(database)
