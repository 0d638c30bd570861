"""Switches to another profile while the app runs: asks what must be asked, and checks the new profile first.

The new profile's settings, keys and store are read while the old one is still open, so if anything is wrong with them,
the user stays where they are. Then the app ends as usual and `launch.run` starts the next one, so nothing of one
account can reach the other.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from textual.app import App

from mm_tui.messages import Said, session_of
from mm_tui.screens.dialogs.dialog import ConfirmScreen
from mm_tui.screens.dialogs.leave import LeaveScreen, on_the_way
from mm_tui.screens.dialogs.profiles import ProfilesScreen
from mm_tui.session import Session
from mm_tui.settings.keys import with_keys
from mm_tui.settings.profiles import Profiles, as_open, fetches_keys, kind_of, overriding
from mm_tui.settings.sections import ConfigError, Settings
from mm_tui.store.opening import StoreUnusable
from mm_tui.terminal.hangup import interrupts_left_to_others
from mm_tui.text import OneLine


async def choose(app: App[Any], profiles: Profiles) -> Session | None:
    """Lets the user choose a profile and opens it. Runs in a worker of the app. Returns the other profile, with its
    store open and no services built yet; None if the user stays, by choice or because the profile cannot be used, which
    they have been shown."""
    opened = session_of(app).settings.profile
    here = opened.name
    try:
        listed = [as_open(one, opened) if one.key == here else one for one in profiles.listed()]
        screen = ProfilesScreen(listed, here, overriding())
    except ConfigError as error:
        app.post_message(Said(OneLine(str(error)), "error"))
        return None
    key = await app.push_screen_wait(screen)
    if key is None:
        return None
    if key == here:
        app.post_message(Said(f"the profile {here} is already open"))
        return None
    agreed = await _agreed(app, frozenset())
    if agreed is None:
        return None
    try:
        settings = _with_keys(app, profiles.settings(key))
        if not await _fits(app, settings):
            return None
        session = await asyncio.to_thread(Session.open, settings)
    except (ConfigError, StoreUnusable) as error:
        app.post_message(Said(f"still on {here}: {error}", "error"))
        return None
    # Meanwhile a key may have started a decision.
    if await _agreed(app, agreed) is None:
        session.database.close()
        return None
    return session


def welcome(settings: Settings) -> tuple[OneLine, str]:
    """The first message after a switch of profiles, and its severity."""
    kind = kind_of(settings.profile)
    severity = "warning" if settings.profile.is_live else "information"
    return OneLine(f"now on the profile {settings.profile.name}, {kind.words}"), severity


async def _agreed(app: App[Any], before: frozenset[str]) -> frozenset[str] | None:
    """Asks about decisions that leaving affects, unless the user has already agreed to all of them (`before`). Returns
    the decisions agreed on; None if the user stays."""
    decisions = on_the_way(session_of(app))
    if decisions.all <= before:
        return before
    leaves: bool = await app.push_screen_wait(LeaveScreen(decisions, title="Leave this profile now?"))
    return decisions.all if leaves else None


async def _fits(app: App[Any], settings: Settings) -> bool:
    """Whether the profile may be opened with these keys; asks about an unexpected kind. Raises ConfigError."""
    profile = settings.profile
    if not profile.gateway_keys():
        raise ConfigError(
            f"profile {profile.name}",
            "has no gateway key",
            f"`mm-tui init --profile {profile.name} --replace` sets it up.",
        )
    if not profile.mismatch:
        return True
    title = f"The keys do not match the profile {profile.name}. Open it anyway?"
    words = f"{profile.mismatch}. With these keys it is {kind_of(profile).words}."
    opens: bool = await app.push_screen_wait(ConfirmScreen(title, words, yes="open it", no="stay"))
    return opens


def _with_keys(app: App[Any], settings: Settings) -> Settings:
    """The settings with the keys from key commands or the keyring, which may use the terminal meanwhile. Raises
    ConfigError if a key could not be read."""
    driver = app._driver
    if not fetches_keys(settings.profile) or driver is None or not driver.can_suspend:
        return with_keys(settings)
    failed: ConfigError | None = None
    with app.suspend(), interrupts_left_to_others():
        sys.stderr.write(f"mm-tui: asking for the keys of the profile {OneLine(settings.profile.name)}\n")
        # No exception may escape here: the app would never resume.
        try:
            settings = with_keys(settings)
        except ConfigError as error:
            failed = error
        except Exception as error:  # noqa: BLE001 - a keyring's backend may raise anything
            failed = ConfigError(
                f"profile {settings.profile.name}", f"its keys cannot be read ({type(error).__name__})", "Try doctor."
            )
    if failed is not None:
        raise failed
    return settings
