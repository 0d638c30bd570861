"""Reads keys from commands that print them (such as a password manager's) or from the system's keyring.

A command may ask something on the terminal. Its standard error reaches the terminal only until it ends: a process that
it leaves running (such as a password manager's agent) must not write over the screen that is drawn afterwards.
"""

from __future__ import annotations

import codecs
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, Literal, get_args

from mm_tui.settings.checks import FieldError, checked_key
from mm_tui.settings.paths import APP_NAME
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import ConfigError, Settings
from mm_tui.text import ManyLine, system_words

KeyName = Literal["oversight", "send", "admin", "ai21"]
KEY_NAMES: tuple[KeyName, ...] = get_args(KeyName)

COMMAND_SECONDS = 60
"""Seconds that a key command may take; a password manager may ask for a passphrase meanwhile."""
LONGEST_OUTPUT = 64 * 1024
"""The most bytes of output to keep; the key is on the first line."""
GRACE_SECONDS = 1.0
"""Seconds to wait for the first line after the command has ended."""


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
        status, printed = printed_by(words, COMMAND_SECONDS)
    except FileNotFoundError:
        # Not named: it may be the key itself, given where a command belongs.
        raise ConfigError(where, "there is no such program", "Install it, or give its full path.") from None
    except OSError as error:
        raise ConfigError(where, f"cannot be run: {system_words(error)}", "Check the program.") from None
    except subprocess.TimeoutExpired:
        cure = "Run it by hand: it may wait for an answer."
        raise ConfigError(where, f"gave no key within {COMMAND_SECONDS} s", cure) from None
    if status != 0:
        raise ConfigError(where, f"failed with exit status {status}", "Run it by hand to see why.")
    lines = printed.decode("utf-8", "replace").split("\n")
    if not lines[0].strip():
        raise ConfigError(where, "printed no key on its first line", "Run it by hand.")
    return lines[0].strip()


class _Printed:
    """The command's output, read to its end by a thread; `first_line` is set once there is one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.first_line = threading.Event()
        self.bytes = bytearray()
        threading.Thread(target=self._read, args=(stream,), name="key-command-output", daemon=True).start()

    def _read(self, stream: IO[bytes]) -> None:
        for piece in _pieces(stream):
            if len(self.bytes) < LONGEST_OUTPUT:
                self.bytes += piece
            if b"\n" in piece:
                self.first_line.set()
        self.first_line.set()


class _Said:
    """The command's messages, shown cleaned until `hush`; reading continues after that, so that no process blocks."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lock = threading.Lock()
        self._hushed = False
        self.thread = threading.Thread(target=self._relay, args=(stream,), name="key-command-words", daemon=True)
        self.thread.start()

    def _relay(self, stream: IO[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for piece in _pieces(stream):
            with self._lock:
                if not self._hushed:
                    sys.stderr.write(str(ManyLine(decoder.decode(piece))))
                    sys.stderr.flush()

    def hush(self) -> None:
        """Stops passing on what the command prints."""
        self.thread.join(GRACE_SECONDS / 10)
        with self._lock:
            self._hushed = True


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while piece := os.read(stream.fileno(), 4096):
            yield piece


def printed_by(words: Sequence[str], seconds: float) -> tuple[int, bytes]:
    """Runs a command without a shell and waits for it; after `seconds` seconds it is killed. Its standard
    input is ours, so that it can ask. Returns its exit status, and its output, at most `LONGEST_OUTPUT`; later output
    of processes that it left running is ignored. Raises OSError if it cannot be started, subprocess.TimeoutExpired if
    it took too long."""
    process = subprocess.Popen(list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - the user's own command, without a shell
    assert process.stdout is not None and process.stderr is not None
    printed, said = _Printed(process.stdout), _Said(process.stderr)
    try:
        status = process.wait(seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        said.hush()
    printed.first_line.wait(GRACE_SECONDS)
    return status, bytes(printed.bytes)


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
        where, what = f"profiles.{profile}.keyring", "is on, but the keyring package is not installed"
        raise ConfigError(where, what, "Install mm-tui with its extra: 'mm-tui[keyring]'.") from None
    try:
        yield keyring
    except Exception as error:  # noqa: BLE001 - a backend may raise anything, and quote the key in it
        kind = type(error).__name__
        cure = "Unlock it, or use a key command instead (`*_key_command`)."
        if kind == "NoKeyringError":
            cure = "No keyring is running on this machine: install one, or use a key command instead (`*_key_command`)."
        raise ConfigError("system keyring", f"cannot be {done} ({kind})", cure) from None
