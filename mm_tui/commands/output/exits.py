"""Exit statuses, and their failures."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Exit(IntEnum):
    """What a script can rely on, each with a few words for the help of commands. docs/cli.md lists them from here."""

    in_short: str

    def __new__(cls, value: int, in_short: str) -> Self:
        made = int.__new__(cls, value)
        made._value_, made.in_short = value, in_short
        return made

    OK = 0, "done"
    """Done. Also if the email is as you wanted it but it is not known by whose call; the output says so."""
    CRASH = 1, "an internal error"
    """An internal error; a report was written."""
    USAGE = 2, "wrong arguments"
    """The arguments are invalid, or the terminal cannot show the app."""
    NOT_FOUND = 3, "no such item"
    """There is no such item, mailbox or email."""
    AUTH = 4, "a key is missing, wrong or lacks a scope"
    """A key is missing, wrong, or lacks a scope; or the settings require another reviewer to approve the email."""
    GATEWAY = 5, "the gateway failed, or the outcome is unknown"
    """The gateway cannot be reached, failed, or gave an unreadable answer; also if the outcome is unknown."""
    CHANGED = 6, "changed, or decided elsewhere"
    """The email changed since it was shown, or was decided elsewhere. Also if the journal does not verify."""
    RATE_LIMITED = 7, "too many requests"
    """Too many requests, the quota is used up, or the warm-up limit is reached."""
    RISK = 8, "a high risk that was not accepted"
    """The email has a high risk that nobody was shown or accepted: read it with `pending show` first."""
    OUTPUT = 9, "the output cannot be written"
    """Standard output, or the file for the result, cannot be written, as on a full disk. What the command did before,
    it did."""
    CONFIG = 10, "settings or store cannot be used"
    """The configuration or the local store cannot be used."""
    HANGUP = 129, "the terminal was closed"
    """The app's terminal was closed."""
    INTERRUPTED = 130, "interrupted"
    """Ctrl-C."""
    PIPE = 141, "the reader of the output stopped reading"
    """The program that read the output stopped reading."""
    TERMINATED = 143, "ended by SIGTERM"
    """The app was ended by SIGTERM."""


class CommandError(Exception):
    """A command cannot continue: what went wrong, what to do, and the exit status."""

    def __init__(self, status: Exit, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.what = what
        self.cure = cure


_STORE_FAULTS = frozenset({5, 6, 8, 10, 11, 13, 14, 26})
"""SQLite's BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN and NOTADB. Any other is a bug."""


def of_failure(error: BaseException) -> tuple[Exit, str, str] | None:
    """The status, message and cure of an expected failure; None for a bug."""
    import sqlite3

    from mm_tui.gateway import errors
    from mm_tui.settings.sections import ConfigError
    from mm_tui.store.opening import StoreUnusable
    from mm_tui.store.seal import StoreError
    from mm_tui.text import system_words

    if isinstance(error, CommandError):
        return error.status, error.what, error.cure
    if isinstance(error, ConfigError):
        return Exit.CONFIG, f"{error.where}: {error.what}", error.cure
    if isinstance(error, errors.GatewayError):
        statuses: tuple[tuple[type[errors.GatewayError], Exit], ...] = (
            (errors.MissingKey, Exit.AUTH),
            (errors.Unauthorized, Exit.AUTH),
            (errors.Forbidden, Exit.AUTH),
            (errors.NotFound, Exit.NOT_FOUND),
            (errors.Conflict, Exit.CHANGED),
            (errors.TooMany, Exit.RATE_LIMITED),
        )
        status = next((code for kind, code in statuses if isinstance(error, kind)), Exit.GATEWAY)
        return status, f"{error.where}: {error.message}" if error.where else str(error.message), error.what_to_do
    if isinstance(error, StoreUnusable):
        return Exit.CONFIG, str(error), error.cure
    if isinstance(error, StoreError):
        return Exit.CONFIG, str(error), "`mm-tui doctor` says more."
    if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _STORE_FAULTS:
        cure = "Check the space on the disk and the file's mode; `mm-tui doctor` says more."
        return Exit.CONFIG, f"the store on this machine cannot be used: {error}", cure
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return Exit.CONFIG, f"{where}{system_words(error)}", "Check space, path and permissions."
    return None
