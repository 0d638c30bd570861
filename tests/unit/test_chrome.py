"""The words of the lines around the screens, and saving attachments."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from mm_tui.screens.dialogs.dialog import keys_words
from mm_tui.screens.dialogs.offers import OFFER, choosing_keys
from mm_tui.screens.pending.head import STARTS
from mm_tui.screens.status import FRESH_SECONDS, UNKNOWN, counts, data_age, gateway_words, looks_the_same
from mm_tui.services.events import PartState, SyncPart, SyncPhase, SyncState
from mm_tui.services.mail.attachments import safe_name, save
from mm_tui.text import OneLine
from mm_tui.widgets.hanging import hanging, unbroken, with_hints
from mm_tui.widgets.words import LinePart, age, fit, is_typed, joined, key_name, size
from tests.support.seat import idle_session, summary

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_pieces_of_the_highest_rank_leave_first() -> None:
    parts = [LinePart(1, Content("gateway")), LinePart(3, Content("model")), LinePart(0, Content("held"))]
    assert fit(parts, 40).plain == "gateway · model · held"
    assert fit(parts, 20).plain == "gateway · held"
    assert fit(parts, 8).plain == "held"
    assert fit(parts, 3).plain == "he…"
    offline = LinePart(1, Content("offline: no answer"), LinePart(1, Content("offline")))
    assert fit([offline, *parts[1:]], 27).plain == "offline: no answer · held"
    assert fit([offline, *parts[1:]], 20).plain == "offline · held"
    assert fit([offline, *parts[1:]], 8).plain == "held"
    assert fit([offline], 10).plain == "offline: …"


def test_words_about_a_finding_continue_below_themselves() -> None:
    assert hanging(Content("!! one two\n   three four"), 9).plain == "!! one\n   two\n   three\n   four"
    for row in ("from ", "to   ", "cc   ", "bcc  ", "when ", "came "):
        assert hanging(Content(f"{row}one two"), 9, STARTS).plain == f"{row}one\n     two"
    assert hanging(Content("  f2  one two"), 11, OFFER).plain == "  f2  one\n      two"


def test_a_key_hint_is_not_broken() -> None:
    keys = Content("↑↓ enter choose   ^t choose and redraft   esc back")
    assert unbroken(keys, 40).plain == "↑↓ enter choose   ^t choose and redraft\nesc back"
    assert unbroken(keys, 30).plain == "↑↓ enter choose\n^t choose and redraft\nesc back"
    text, hints = Content("▲ sent, perhaps: ask?"), ["(y answer)", "", "(n next)"]
    assert with_hints(text, hints, 50).plain == "▲ sent, perhaps: ask?  (y answer)  (n next)"
    assert with_hints(text, hints, 30).plain == "▲ sent, perhaps: ask?\n(y answer)  (n next)"
    assert with_hints(text, hints, 19).plain == "▲ sent, perhaps: ask?  (y answer)\n(n next)", "after the last word"


def test_joined_counts_its_cells_also_when_the_parts_have_been_counted() -> None:
    parts = [Content("a"), Content("bc")]
    assert all(part.cell_length for part in parts)
    assert joined(parts, " · ").cell_length == len("a · bc")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (SyncState(SyncPhase.LIVE, NOW - timedelta(seconds=3)), "● in sync"),
        (SyncState(SyncPhase.LIVE, NOW - timedelta(minutes=3)), "● in sync, data from 3 min ago"),
        (SyncState(SyncPhase.INITIAL, progress=1200), "◐ initial sync, 1,200 emails so far"),
        (SyncState(SyncPhase.CONNECTING), "◌ connecting"),
        (
            SyncState(
                SyncPhase.OFFLINE, NOW - timedelta(hours=2), OneLine("cannot connect"), NOW + timedelta(seconds=8)
            ),
            "✕ offline · cannot connect · next try in 8 s ",
        ),
        (
            SyncState(SyncPhase.OFFLINE, error=OneLine("cannot connect"), retry_at=NOW + timedelta(seconds=0.4)),
            "✕ offline · cannot connect · trying again    ",
        ),
        (
            SyncState(SyncPhase.KEY_REFUSED, error=OneLine("pending: Missing or invalid API key")),
            "✕ key refused: see mm-tui doctor · pending: Missing or invalid API key",
        ),
        (
            SyncState(SyncPhase.OFFLINE, error=OneLine("the key is not known")),
            "✕ offline · the key is not known",
        ),
    ],
)
def test_gateway_state_is_described_in_words(state: SyncState, words: str) -> None:
    assert gateway_words(state, NOW).plain == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [(timedelta(seconds=2), ""), (timedelta(minutes=3), "data from 3 min ago"), (None, "never synced")],
)
def test_beside_offline_only_an_age_that_matters_is_shown(ago: timedelta | None, words: str) -> None:
    session = idle_session()
    state = SyncState(SyncPhase.OFFLINE, None if ago is None else NOW - ago, OneLine("no answer"))
    session.sync = cast(Any, SimpleNamespace(state=state))
    assert data_age(session).plain == words


def test_a_count_that_nobody_has_read_is_not_zero() -> None:
    session = idle_session()
    assert counts(session) == (UNKNOWN, UNKNOWN)
    session.sync = cast(Any, SimpleNamespace(state=SyncState(SyncPhase.OFFLINE, parts=(PartState(SyncPart.PENDING),))))
    session.mail.upsert([summary(1, status=OneLine("read"))])
    assert counts(session) == ("", UNKNOWN), "stored mail is known, a queue is not"
    session.sync = cast(
        Any, SimpleNamespace(state=SyncState(SyncPhase.LIVE, parts=(PartState(SyncPart.PENDING, NOW),)))
    )
    assert counts(session) == ("", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (60, "1m"),
        (3599, "59m"),
        (7200, "2h"),
        (86400 * 13, "13d"),
        (86400 * 20, "2w"),
        (10**10, "99y"),
        (-30, "now"),
        (-86400 * 2 - 1, "+2d"),
        (-86400 * 365 * 12, "+9y"),
    ],
)
def test_ages_take_at_most_three_cells(seconds: int, words: str) -> None:
    assert age(seconds * 1000) == words
    assert len(words) <= 3


def test_keys_are_named_as_people_write_them() -> None:
    assert [key_name(key) for key in ("question_mark", "ctrl+s", "slash", "a", "escape")] == [
        "?",
        "^s",
        "/",
        "a",
        "esc",
    ]
    assert is_typed("a")
    assert is_typed("question_mark")
    assert not is_typed("ctrl+s")
    assert not is_typed("escape")
    assert not is_typed("f1")


def test_sizes_have_units() -> None:
    assert [size(count) for count in (0, 999, 1000, 14_200, 3_200_000)] == ["0 B", "999 B", "1.0 kB", "14 kB", "3.2 MB"]


@given(st.text(max_size=300))
def test_file_names_stay_in_their_folder(name: str) -> None:
    clean = safe_name(name)
    assert clean
    assert not set(clean) & set('/\\:*?"<>|\0\n\x1b')
    assert clean not in (".", "..")
    assert not clean.startswith(".")
    assert len(clean.encode()) < 255


def test_saving_never_writes_over_a_file(tmp_path: Path) -> None:
    first = save(tmp_path, "a.txt", b"one")
    second = save(tmp_path, "a.txt", b"two")
    assert (first.read_bytes(), second.read_bytes(), second.name) == (b"one", b"two", "a (1).txt")


def test_saving_does_not_follow_a_link(tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "a.txt").symlink_to(target)
    assert save(tmp_path, "a.txt", b"one").name == "a (1).txt"
    assert not target.exists()


def test_a_file_for_which_there_is_no_room_is_not_left_cut_off(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files is as near to a full disk as any user can come.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            save(tmp_path, "a.txt", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("offered", "keys"), [(0, "enter choose"), (1, "enter f2 choose"), (3, "↑↓ enter choose   f2-f4 at once")]
)
def test_a_dialog_of_offers_names_no_key_without_an_offer(offered: int, keys: str) -> None:
    assert keys_words(*choosing_keys(["f2", "f3", "f4"][:offered])).plain == keys


def test_a_poll_with_nothing_new_looks_the_same_and_nothing_else_does() -> None:
    def polled(at: datetime, **fields: Any) -> SyncState:
        return SyncState(SyncPhase.LIVE, at, parts=(PartState(SyncPart.MAIL, last_ok_at=at, **fields),))

    later, much_later = NOW + timedelta(seconds=15), NOW + timedelta(seconds=FRESH_SECONDS)
    assert looks_the_same(polled(NOW), polled(later))
    assert not looks_the_same(polled(NOW), polled(much_later)), "an age was shown"
    assert not looks_the_same(polled(NOW), polled(later, error=OneLine("mail: no answer")))
    assert not looks_the_same(SyncState(SyncPhase.LIVE), polled(later)), "read for the first time"
    unread = SyncState(SyncPhase.LIVE, NOW, parts=(PartState(SyncPart.MAIL),))
    assert not looks_the_same(unread, polled(later))
