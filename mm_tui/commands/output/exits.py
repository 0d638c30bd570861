"""Exit statuses, and their failures."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a script can rely on. docs/cli.md lists them from here."""

    OK = 0
    """Done. Also if the email is as you wanted it but it is not known by whose call; the output says so."""
    CRASH = 1
    """An internal error; a report was written."""
    USAGE = 2
    """The arguments are invalid, or the terminal cannot show the app."""
    NOT_FOUND = 3
    """There is no such item, mailbox or email."""
    AUTH = 4
    """A key is missing, wrong, or lacks a scope; or the settings require another reviewer to approve the email."""
    GATEWAY = 5
    """The gateway cannot be reached, failed, or gave an unreadable answer; also if the outcome is unknown."""
    CHANGED = 6
    """The email changed since it was shown, or was decided elsewhere. Also if the journal does not verify."""
    RATE_LIMITED = 7
    """Too many requests, the quota is used up, or the warm-up limit is reached."""
    RISK = 8
    """The email has a high risk that nobody was shown or accepted: read it with `pending show` first."""
    CONFIG = 10
    """The configuration or the local store cannot be used."""
    HANGUP = 129
    """The app's terminal was closed."""
    INTERRUPTED = 130
    """Ctrl-C."""
    PIPE = 141
    """The program that read the output stopped reading."""
    TERMINATED = 143
    """The app was ended by SIGTERM."""


IN_SHORT = {
    Exit.OK: "done",
    Exit.CRASH: "an internal error",
    Exit.USAGE: "wrong arguments",
    Exit.NOT_FOUND: "no such item",
    Exit.AUTH: "a key is missing, wrong or lacks a scope",
    Exit.GATEWAY: "the gateway failed, or the outcome is unknown",
    Exit.CHANGED: "changed, or decided elsewhere",
    Exit.RATE_LIMITED: "too many requests",
    Exit.RISK: "a high risk that was not accepted",
    Exit.CONFIG: "settings or store cannot be used",
    Exit.HANGUP: "the terminal was closed",
    Exit.INTERRUPTED: "interrupted",
    Exit.PIPE: "the reader of the output stopped reading",
    Exit.TERMINATED: "ended by SIGTERM",
}
"""For the help of each command."""


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
        return Exit.CONFIG, f"{where}{error.strerror or 'the system refused'}", "Check space, path and permissions."
    return None
