"""Backends for the real package keyring: one that stores passwords in a file, and some that fail like real ones.

Chosen with `PYTHON_KEYRING_BACKEND=tests.support.file_keyring.FileKeyring`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Stores passwords in the file named by `FILE_KEYRING`."""

    priority = 1

    def _kept(self) -> dict[str, str]:
        path = Path(os.environ["FILE_KEYRING"])
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return kept

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        kept = {**self._kept(), f"{service} {username}": password}
        Path(os.environ["FILE_KEYRING"]).write_text(json.dumps(kept))


class WrongPassword(FileKeyring):
    """Cannot be unlocked, and raises like an encrypted file: not an error of the package."""

    def get_password(self, service: str, username: str) -> str | None:
        raise ValueError(f"Incorrect Password for {self._kept()}")
