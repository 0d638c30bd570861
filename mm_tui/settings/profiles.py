"""The profiles of a settings file: lists them, says what each is for, and loads one with its keys. Nothing here uses a
screen or the network. Listing profiles runs no key command and reads no keyring; loading one does."""

from __future__ import annotations

import getpass
import os
from enum import StrEnum
from pathlib import Path

import msgspec

from mm_tui.settings import file as config_file
from mm_tui.settings import paths
from mm_tui.settings.keys import KEY_NAMES
from mm_tui.settings.sections import ConfigError, Profile, Settings
from mm_tui.text import OneLine


class ProfileKind(StrEnum):
    """Whether a profile's keys send real mail, as far as this is known without fetching them."""

    LIVE = "LIVE"
    TEST = "TEST"
    UNKNOWN = "?"

    @property
    def words(self) -> OneLine:
        """What this kind of profile means for the user."""
        return OneLine(_KIND_WORDS[self])


_KIND_WORDS = {
    ProfileKind.LIVE: "LIVE: real mail is sent",
    ProfileKind.TEST: "TEST: nothing is delivered",
    ProfileKind.UNKNOWN: "LIVE or TEST: depends on its keys",
}


class ListedProfile(msgspec.Struct, frozen=True):
    """A profile in a list. `trouble` says why it cannot be used; empty if nothing is wrong."""

    key: str
    """The name as in the file, for loading. Not cleaned for display."""
    kind: ProfileKind = ProfileKind.UNKNOWN
    url: OneLine = OneLine("")
    mailbox: OneLine = OneLine("")
    trouble: OneLine = OneLine("")
    is_default: bool = False

    @property
    def name(self) -> OneLine:
        """The name, cleaned for display."""
        return OneLine(self.key)


CHANGED = OneLine("its settings have changed since it was opened: start mm-tui again to use them")


def as_open(listed: ListedProfile, opened: Profile) -> ListedProfile:
    """The open profile as the program uses it, whatever the file says meanwhile."""
    used = msgspec.structs.replace(
        listed, kind=kind_of(opened), url=OneLine(opened.url), mailbox=OneLine(opened.mailbox or "")
    )
    return used if used == listed else msgspec.structs.replace(used, trouble=CHANGED)


class Profiles:
    """The profiles of one settings file. It is read again on each call, because it may be edited while the app runs.
    `path`: the file; by default the user's own, which need not exist."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @property
    def file(self) -> Path:
        return self._path or paths.config_path()

    def listed(self) -> tuple[ListedProfile, ...]:
        """All profiles, in the file's order. If there are none, the one from defaults and environment. Raises
        ConfigError if the file cannot be read or parsed."""
        table = config_file.parse(config_file.read(self.file, must_exist=self._path is not None), self.file)
        profiles = table.get("profiles", {})
        if not isinstance(profiles, dict):
            raise ConfigError(str(self.file), "profiles is not a table of tables", "Write [profiles.NAME].")
        names = [str(name) for name in profiles]
        default = table.get("default_profile", names[0] if names else None)
        return tuple(self._listed(name, is_default=name == default) for name in names) or (
            self._listed(None, is_default=True),
        )

    def _listed(self, name: str | None, *, is_default: bool) -> ListedProfile:
        try:
            profile = config_file.load(self._path, profile=name).profile
        except ConfigError as error:
            return ListedProfile(name or "default", trouble=OneLine(str(error)), is_default=is_default)
        return ListedProfile(
            profile.name,
            kind_of(profile),
            OneLine(profile.url),
            OneLine(profile.mailbox or ""),
            OneLine(profile.mismatch),
            is_default,
        )

    def settings(self, key: str) -> Settings:
        """The settings with this profile, with keys from the file and the environment only. Raises ConfigError if there
        is no such profile, or the settings cannot be used."""
        return config_file.load(self._path, profile=key)


def kind_of(profile: Profile) -> ProfileKind:
    """LIVE or TEST, from the known keys or otherwise from what the profile is meant for."""
    if profile.gateway_keys():
        return ProfileKind.LIVE if profile.is_live else ProfileKind.TEST
    if profile.live is None:
        return ProfileKind.UNKNOWN
    return ProfileKind.LIVE if profile.live else ProfileKind.TEST


def fetches_keys(profile: Profile) -> bool:
    """Whether a key command or the keyring is needed, which may ask the user something."""
    missing = [name for name in KEY_NAMES if getattr(profile, f"{name}_key") is None]
    return bool(missing) and (profile.keyring or any(getattr(profile, f"{name}_key_command") for name in missing))


def overriding() -> tuple[str, ...]:
    """The environment variables that override every profile's settings."""
    return tuple(name for name in config_file.ENVIRONMENT if os.environ.get(name))


def reviewer(settings: Settings) -> str:
    """The name under which decisions are recorded."""
    if settings.profile.reviewer:
        return settings.profile.reviewer
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
