"""Pictures of the queue, of what can be happening to a mail, and of the dialogs that decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.snapshots.test_reading import LARGE, MIDDLE, SMALL, Compare, after, size_id
from tests.snapshots.waiting import ITEMS, app

ORDER = [name for name, _ in sorted(ITEMS.items(), key=lambda item: item[1].received_at or 0)]


def at(name: str, *keys: str) -> Callable[..., object]:
    """Goes to one of the waiting mails and presses keys there."""
    return after("2", *["j"] * ORDER.index(name), *keys)


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 20)], ids=size_id)
def test_queue(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at("d-refund"))


@pytest.mark.parametrize("theme", ["mm-light", "terminal", "high-contrast"])
def test_queue_in_other_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(app(ui={"theme": theme}), terminal_size=MIDDLE, run_before=at("d-refund"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE, (60, 20)], ids=size_id)
@pytest.mark.parametrize("name", ["d-refund", "d-calm", "d-long"])
def test_reading(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at(name, "enter"))


@pytest.mark.parametrize("name", ["d-held", "d-asks", "d-changed", "d-elsewhere", "i-first"])
@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_what_is_happening(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at(name, "enter"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
def test_changed_since_looked_at(snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("enter", "tab") if size == MIDDLE else ("enter", "tab", "tab")
    assert snap_compare(app(), terminal_size=size, run_before=at("d-changed", *keys))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
@pytest.mark.parametrize("tabs", [0, 1, 2])
def test_edited(snap_compare: Compare, tabs: int, size: tuple[int, int]) -> None:
    assert snap_compare(app(edited=True), terminal_size=size, run_before=at("d-refund", "enter", *["tab"] * tabs))


@pytest.mark.parametrize("size", [SMALL, MIDDLE, LARGE], ids=size_id)
def test_editor(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at("d-refund", "e"))


@pytest.mark.parametrize("size", [SMALL, MIDDLE], ids=size_id)
@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("d-calm", "x"),
        ("d-refund", "i"),
        ("d-asks", "y"),
        ("d-calm", "f"),
        ("d-calm", "question_mark"),
        ("d-calm", "K"),
    ],
)
def test_dialog(snap_compare: Compare, name: str, key: str, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=at(name, key))


@pytest.mark.parametrize("theme", ["mm-light", "terminal"])
def test_dialog_in_other_themes(snap_compare: Compare, theme: str) -> None:
    assert snap_compare(app(ui={"theme": theme}), terminal_size=MIDDLE, run_before=at("d-calm", "x"))


def test_nothing_waits(snap_compare: Compare) -> None:
    assert snap_compare(app(waiting=False), terminal_size=SMALL, run_before=after("2"))
