"""The top line's word on the profile's keys."""

from __future__ import annotations

import pytest

from mm_tui.screens.lines import TopLine
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Profile, Settings
from tests.support.app import running_app

TEST_KEY, LIVE_KEY = Secret("mm_test_made_up"), Secret("mm_live_made_up")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (Profile(), "no key"),
        (Profile(oversight_key=TEST_KEY), "TEST"),
        (Profile(oversight_key=LIVE_KEY), "LIVE"),
        (Profile(oversight_key=TEST_KEY, send_key=LIVE_KEY), "LIVE ▲ keys do not match"),
        (Profile(oversight_key=TEST_KEY, live=True), "TEST ▲ keys do not match"),
    ],
)
async def test_unsuitable_keys_are_reported_on_every_screen(profile: Profile, words: str) -> None:
    profile = profile.replaced(url="http://127.0.0.1:9")
    async with running_app(Settings(profile=profile), size=(120, 30)) as (app, _):
        shown = str(app.screen.query_one(TopLine).render())
    assert shown.rstrip().endswith(f"default · {words}")


@pytest.mark.parametrize(("size", "words"), [((80, 24), "TEST ▲ keys"), ((60, 20), "TEST ▲ keys")])
async def test_in_a_small_window_the_warning_is_shortened_and_not_cut(size: tuple[int, int], words: str) -> None:
    profile = Profile(name="a-name-of-some-length", url="http://127.0.0.1:9", oversight_key=TEST_KEY, live=True)
    async with running_app(Settings(profile=profile), size=size) as (app, _):
        shown = str(app.screen.query_one(TopLine).render())
    assert words in shown and len(shown) == size[0]
