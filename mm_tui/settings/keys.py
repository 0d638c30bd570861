"""Reads keys from commands that print them (such as a password manager's) or from the system's keyring."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

from mm_tui.settings import key_command
from mm_tui.settings.checks import FieldError, checked_key
from mm_tui.settings.paths import APP_NAME
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import ConfigError, Settings

KeyName = Literal["oversight", "send", "admin", "ai21"]
KEY_NAMES: tuple[KeyName, ...] = get_args(KeyName)

COMMAND_SECONDS = 60
"""Seconds that a key command may take; a password manager may ask for a passphrase meanwhile."""


def with_keys(settings: Settings) -> Settings:
    """The settings, completed with keys from commands and the keyring. A key in the file or the environment takes
    precedence over its command, and the command over the keyring. Raises ConfigError if a command fails or prints
    nothing that can be a key, or the keyring cannot be used. The command's output is never quoted."""
    profile = settings.profile
    found: dict[str, Secret] = {}
    for name in KEY_NAMES:
        field = f"{name}_key"
        if getattr(profile, field) is not None:
            continue
        command: str | None = getattr(profile, f"{field}_command")
        if command:
            where = f"profiles.{profile.name}.{field}_command"
            fault = ConfigError(where, "did not print a key", "It must print the key alone on its first line.")
            found[field] = _checked(field, run_command(command, where), fault)
        elif profile.keyring and (kept := from_keyring(profile.name, name)):
            cure = f"Set it again with `mm-tui init --keyring --replace --profile {profile.name}`."
            fault = ConfigError("system keyring", f"has no usable {name} key for the profile {profile.name}", cure)
            found[field] = _checked(field, kept, fault)
    if not found:
        return settings
    return settings.replaced(profile=profile.replaced(**found))


def _checked(field: str, text: str, fault: ConfigError) -> Secret:
    try:
        return checked_key(field, Secret(text))
    except FieldError:
        raise fault from None


def run_command(command: str, where: str) -> str:
    """Runs a command without a shell and returns the first line that it prints. It can ask on the terminal only while
    it runs. Raises ConfigError if it cannot be run, fails, takes longer than `COMMAND_SECONDS`, or prints nothing."""
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError
    except ValueError:
        raise ConfigError(where, "cannot be split into words", "Check its quotes.") from None
    try:
        status, printed = key_command.run(words, COMMAND_SECONDS)
    except FileNotFoundError:
        # Not named: it may be the key itself, given where a command belongs.
        raise ConfigError(where, "there is no such program", "Install it, or give its full path.") from None
    except OSError as error:
        raise ConfigError(where, f"cannot be run: {error.strerror}", "Check the program.") from None
    except subprocess.TimeoutExpired:
        cure = "Run it by hand: it may wait for an answer."
        raise ConfigError(where, f"gave no key within {COMMAND_SECONDS} s", cure) from None
    if status != 0:
        raise ConfigError(where, f"failed with exit status {status}", "Run it by hand to see why.")
    lines = printed.decode("utf-8", "replace").split("\n")
    if not lines[0].strip():
        raise ConfigError(where, "printed no key on its first line", "Run it by hand.")
    return lines[0].strip()


def keyring_service(profile: str) -> str:
    """The service name of a profile's keys in the system's keyring."""
    return f"{APP_NAME}/{profile}"


def from_keyring(profile: str, name: str) -> str | None:
    """A key from the system's keyring; None if it has none. Raises ConfigError if the keyring cannot be used."""
    with _keyring(profile, "read") as keyring:
        kept: str | None = keyring.get_password(keyring_service(profile), name)
    return kept


def into_keyring(profile: str, name: str, key: Secret) -> None:
    """Stores a key in the system's keyring. Raises ConfigError if the keyring cannot be used."""
    with _keyring(profile, "written") as keyring:
        keyring.set_password(keyring_service(profile), name, key.get_secret_value())


@contextmanager
def _keyring(profile: str, done: str) -> Iterator[Any]:
    try:
        import keyring
    except ImportError:
        raise _no_keyring(profile) from None
    try:
        yield keyring
    except Exception as error:  # noqa: BLE001 - a backend may raise anything, and quote the key in it
        raise _unusable(error, done) from None


def _unusable(error: Exception, done: str) -> ConfigError:
    kind = type(error).__name__
    cure = "Unlock it, or use a key command instead (`*_key_command`)."
    if kind == "NoKeyringError":
        cure = "No keyring is running on this machine: install one, or use a key command instead (`*_key_command`)."
    return ConfigError("system keyring", f"cannot be {done} ({kind})", cure)


def _no_keyring(profile: str) -> ConfigError:
    return ConfigError(
        f"profiles.{profile}.keyring",
        "is on, but the keyring package is not installed",
        "Install mm-tui with its extra: 'mm-tui[keyring]'.",
    )
