"""Pictures are taken in UTC, without a blinking cursor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input, TextArea

from tests.snapshots.pictures import Gallery


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch, own_environment: None) -> Iterator[None]:
    """Nothing in a picture depends on the machine."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("MM_TUI_CONFIG", "/home/anna/.config/mm-tui/config.toml")
    time.tzset()
    monkeypatch.setattr(Input.cursor_blink, "_default", False)
    for kind in (Input, TextArea):
        monkeypatch.setattr(kind, "_toggle_cursor", lambda _self: None, raising=False)
        monkeypatch.setattr(kind, "_toggle_cursor_blink_visible", lambda _self: None, raising=False)
    # There is no gateway to read details from, however long the cursor rests.
    monkeypatch.setattr("mm_tui.screens.pending.reading.OPEN_SECONDS", 3600)
    monkeypatch.setattr("platformdirs.user_downloads_path", lambda: Path("/home/anna/Downloads"))
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def gallery(snapshot: SnapshotAssertion, request: pytest.FixtureRequest) -> Gallery:
    """Compares the states of the app with their pictures."""
    return Gallery(snapshot, request)
