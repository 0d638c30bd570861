"""The top line's word on the profile's keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from mm_tui.app import MmTui
from mm_tui.session import Session
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from mm_tui.widgets.chrome import TopLine

TEST_KEY, LIVE_KEY = Secret("mm_test_made_up"), Secret("mm_live_made_up")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (Profile(oversight_key=TEST_KEY), "TEST"),
        (Profile(oversight_key=LIVE_KEY), "LIVE"),
        (Profile(oversight_key=TEST_KEY, send_key=LIVE_KEY), "LIVE ▲ keys do not fit"),
        (Profile(oversight_key=TEST_KEY, live=True), "TEST ▲ keys do not fit"),
    ],
)
async def test_keys_that_do_not_fit_are_said_on_every_screen(
    profile: Profile, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path))
    profile = profile.replaced(url="http://127.0.0.1:9")
    app = MmTui(Session.open(Settings(profile=profile)))
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        shown = str(app.screen.query_one(TopLine).render())
    assert shown.rstrip().endswith(f"default · {words}")


@pytest.mark.parametrize(("size", "words"), [((80, 24), "TEST ▲ keys"), ((60, 20), "TEST ▲ keys")])
async def test_in_a_small_window_the_warning_is_shortened_and_not_cut(
    size: tuple[int, int], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path))
    profile = Profile(name="a-name-of-some-length", url="http://127.0.0.1:9", oversight_key=TEST_KEY, live=True)
    app = MmTui(Session.open(Settings(profile=profile)))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        shown = str(app.screen.query_one(TopLine).render())
    assert words in shown and len(shown) == size[0]
