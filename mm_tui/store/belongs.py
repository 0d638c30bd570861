"""Binds a store to one gateway and account: the mail, journal and edits of two must never mix (R17)."""

from __future__ import annotations

from typing import NamedTuple, Self
from urllib.parse import urlsplit

from mm_tui.settings.sections import Profile
from mm_tui.store.connecting import delete_mail
from mm_tui.store.database import Database
from mm_tui.store.seal import StoreError
from mm_tui.text import OneLine

_PORTS = {"https": 443, "http": 80}
_KINDS = {True: "live", False: "test"}


class OtherGateway(StoreError):
    """The store belongs to another gateway, account or kind of key than in the settings. It is left unchanged."""


class Gateway(NamedTuple):
    """The gateway and the kind of keys in the settings."""

    profile: str
    url: str
    live: bool | None
    """Whether the keys are live keys; None if no key says."""

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The gateway of a profile with these keys."""
        return cls(profile.name, profile.url, profile.is_live if profile.gateway_keys() else None)

    @property
    def address(self) -> str:
        """The base address, normalized so that two spellings of it count as one gateway."""
        parts = urlsplit(self.url.strip())
        host = (parts.hostname or "").rstrip(".")
        host = "127.0.0.1" if host == "localhost" else f"[{host}]" if ":" in host else host
        port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def bind(database: Database, gateway: Gateway, *, note: bool = True) -> None:
    """Records which gateway and keys this store belongs to, or compares them with what is recorded; without `note` only
    compares. Raises OtherGateway if it is another's."""
    here = {"gateway": gateway.address}
    if gateway.live is not None:
        here["keys"] = _KINDS[gateway.live]
    there = _noted(database)
    # Recorded by a version that did not remove `/v1` at the end.
    if there.get("gateway", here["gateway"]).removesuffix("/v1") != here["gateway"]:
        raise _refusal(database, gateway, f"the gateway {there['gateway']}", here["gateway"])
    if "keys" in here and there.get("keys", here["keys"]) != here["keys"]:
        raise _refusal(database, gateway, f"{there['keys']} keys of {here['gateway']}", f"{here['keys']} keys")
    missing = {name: value for name, value in here.items() if name not in there}
    if missing and note:
        _note(database, missing)


def bind_account(database: Database, profile: str, account: str) -> None:
    """Does the same for the account. An empty name is ignored. Raises OtherGateway if it is another's."""
    there = _noted(database).get("account")
    if not account or account == there:
        return
    if there is not None:
        raise _refusal(database, Gateway(profile, "", None), f"the account {there}", f"the account {account}")
    _note(database, {"account": account})


def rebind(database: Database, gateway: Gateway) -> str:
    """Records, at a human's request, that the store belongs to this gateway and to whichever account its keys are of.
    Mail in it may be of another account, so it is deleted, and fetched again. Returns what was recorded before."""
    before = ", ".join(f"{name} {value}" for name, value in sorted(_noted(database).items()))
    with database.write(durable=True) as connection:
        connection.execute("DELETE FROM belongs")
        if not database.memory:
            delete_mail(connection)
    bind(database, gateway)
    return before


def has_nothing(database: Database) -> bool:
    """Whether nothing has come from a gateway yet, and nothing was done with the store."""
    connection = database.reader()
    tables = [
        f"{schema}.{name}"
        for (_, schema, _) in connection.execute("PRAGMA database_list").fetchall()
        for (name,) in connection.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'").fetchall()
        if name not in ("belongs", "state") and not name.startswith(("mail_words", "sqlite_"))
    ]
    return not any(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)


def _noted(database: Database) -> dict[str, str]:
    rows = database.reader().execute("SELECT name, value FROM belongs")
    return {str(row["name"]): str(row["value"]) for row in rows}


def _note(database: Database, facts: dict[str, str]) -> None:
    with database.write(durable=True) as connection:
        connection.executemany("INSERT OR IGNORE INTO belongs (name, value) VALUES (?, ?)", list(facts.items()))


def _refusal(database: Database, gateway: Gateway, theirs: str, ours: str) -> OtherGateway:
    return OtherGateway(
        OneLine(
            f"the store of the profile {gateway.profile} ({database.path or 'in memory'}) belongs to {theirs}, and "
            f"settings and environment now name {ours}. It was left as it is. Give each a profile of its own in "
            "config.toml, or a folder of its own with MM_TUI_DATA. If this store is to be used with it: mm-tui audit "
            "accept --gateway URL --store FILE"
        )
    )
