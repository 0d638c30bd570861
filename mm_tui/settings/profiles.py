"""The profiles of a settings file: which there are, what each is for, and one of them with its keys.

Nothing here knows a screen or the network. Naming a profile runs no key command and asks no keyring; loading one does.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

import msgspec

from mm_tui.settings import file as config_file
from mm_tui.settings import sections as config
from mm_tui.settings.keys import KEY_NAMES
from mm_tui.settings.sections import ConfigError, Profile, Settings
from mm_tui.text import OneLine


class Kind(StrEnum):
    """What a profile's keys do with mail, as far as it can be told without fetching them."""

    LIVE = "LIVE"
    TEST = "TEST"
    UNKNOWN = "?"

    @property
    def words(self) -> OneLine:
        """What that means."""
        return OneLine(_KIND_WORDS[self])


_KIND_WORDS = {
    Kind.LIVE: "LIVE: real mail is sent",
    Kind.TEST: "TEST: nothing is delivered",
    Kind.UNKNOWN: "LIVE or TEST: depends on its keys",
}


class Listed(msgspec.Struct, frozen=True):
    """A profile as a list shows it. `trouble` says why it cannot be used; empty when nothing is known against it."""

    key: str
    """The name as the file has it, to load it by. Not to be shown."""
    kind: Kind = Kind.UNKNOWN
    url: OneLine = OneLine("")
    mailbox: OneLine = OneLine("")
    trouble: OneLine = OneLine("")
    is_default: bool = False

    @property
    def name(self) -> OneLine:
        """The name, to be shown."""
        return OneLine(self.key)


class Profiles:
    """The profiles of one settings file. It is read anew on each call, since it may be edited while the app runs.

    Args:
        path: the file; none takes the user's own, which need not exist.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    @property
    def file(self) -> Path:
        """The settings file."""
        return self._path or config.config_path()

    def listed(self) -> tuple[Listed, ...]:
        """All profiles, in the file's order. Without any, the one that defaults and environment make.

        Raises:
            ConfigError: the file cannot be read or understood.
        """
        table = config_file.parse(config_file.read(self.file, must_exist=self._path is not None), self.file)
        profiles = table.get("profiles", {})
        if not isinstance(profiles, dict):
            raise ConfigError(str(self.file), "profiles is not a table of tables", "Write [profiles.NAME].")
        names = [str(name) for name in profiles]
        default = table.get("default_profile", names[0] if names else None)
        return tuple(self._listed(name, is_default=name == default) for name in names) or (
            self._listed(None, is_default=True),
        )

    def _listed(self, name: str | None, *, is_default: bool) -> Listed:
        try:
            profile = config_file.load(self._path, profile=name).profile
        except ConfigError as error:
            return Listed(name or "default", trouble=OneLine(str(error)), is_default=is_default)
        return Listed(
            profile.name,
            kind_of(profile),
            OneLine(profile.url),
            OneLine(profile.mailbox or ""),
            OneLine(profile.mismatch),
            is_default,
        )

    def settings(self, key: str) -> Settings:
        """The settings with this profile, its keys as far as the file and the environment give them.

        Raises:
            ConfigError: there is no such profile, or the settings cannot be used.
        """
        return config_file.load(self._path, profile=key)


def kind_of(profile: Profile) -> Kind:
    """LIVE or TEST by the keys that are known, else by what the profile says it is meant for."""
    if profile.gateway_keys():
        return Kind.LIVE if profile.is_live else Kind.TEST
    if profile.live is None:
        return Kind.UNKNOWN
    return Kind.LIVE if profile.live else Kind.TEST


def fetches_keys(profile: Profile) -> bool:
    """Whether a key command or the keyring has to be asked, which may ask the reader in turn."""
    missing = [name for name in KEY_NAMES if getattr(profile, f"{name}_key") is None]
    return bool(missing) and (profile.keyring or any(getattr(profile, f"{name}_key_command") for name in missing))


def overriding() -> tuple[str, ...]:
    """The variables of the environment that stand in for every profile's own settings."""
    return tuple(name for name in config_file.ENVIRONMENT if os.environ.get(name))
