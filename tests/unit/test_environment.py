"""A time zone that cannot be used, and a terminal that cannot show every character."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
from rich.cells import cell_len

from mm_tui.system import environment
from tests.support.cli import Home


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as own:
        own.setattr(environment, "time_zone_fault", "")
        yield
    time.tzset()


@pytest.mark.parametrize(
    "named", ["UTC+25", "ABC-24:59", "ABC1DEF-25", "Nowhere/Land", "/etc/passwd", "B\udcff5", "::"]
)
def test_an_invalid_time_zone_is_reported_and_not_used(named: str, home: Home) -> None:
    done = home.run("audit", "verify", env={"TZ": named})
    assert done.status == 0
    assert "is no time zone" in done.err
    assert datetime(2026, 1, 1).astimezone() and datetime(2026, 7, 1).astimezone()


@pytest.mark.parametrize(
    "named", ["", "UTC", "GMT", "Etc/UTC", ":Europe/Berlin", "Africa/Abidjan", "CET-1CEST", "<+14>-14"]
)
def test_a_valid_time_zone_is_used(named: str, home: Home) -> None:
    done = home.run("audit", "verify", env={"TZ": named})
    assert (done.status, done.err) == (0, "")


def test_signs_that_a_terminal_cannot_show_are_drawn_as_others_of_the_same_width() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, "latin-1")
    assert "iso8859-1" in environment.draw_signs_in(stream)
    stream.write("┌─┐ ▶ é 日本 👩\u200d🌾.")
    stream.flush()
    assert written.getvalue().decode("latin-1") == "+-+ > é ???? ??."
    assert not environment.draw_signs_in(io.TextIOWrapper(io.BytesIO(), "utf-8"))
    assert {cell_len(sign) for sign in environment._ASCII} == {1}
