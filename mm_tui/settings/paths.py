"""Where settings, stores, reports and logs are."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import platformdirs

APP_NAME = "mm-tui"


def config_path() -> Path:
    """The path of `config.toml`: `MM_TUI_CONFIG`, or in the user's config folder."""
    if named := os.environ.get("MM_TUI_CONFIG"):
        return Path(named)
    return Path(platformdirs.user_config_dir(APP_NAME)) / "config.toml"


def data_dir() -> Path:
    """The folder for stores, reports and logs: `MM_TUI_DATA`, or the user's data folder."""
    if named := os.environ.get("MM_TUI_DATA"):
        return Path(named)
    return Path(platformdirs.user_data_dir(APP_NAME))


def store_path(profile: str) -> Path:
    """The file of a profile's local store."""
    return data_dir() / f"store-{quote(profile, safe='')}.sqlite3"


def agent_store_path(profile: str) -> Path:
    """The file of the agent's own store."""
    store = store_path(profile)
    return store.with_name(f"agent-{store.name}")


def examples_path(profile: str) -> Path:
    """The file of a profile's examples of wording."""
    return data_dir() / f"examples-{quote(profile, safe='')}.sqlite3"


def editing_dir() -> Path:
    """The folder for texts that are open in an editor."""
    return data_dir() / "editing"


def reports_dir() -> Path:
    """The folder of the reports on crashes."""
    return data_dir() / "reports"
