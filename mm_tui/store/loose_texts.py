"""Human-written texts that can no longer be saved to the store, each in its own file (R4)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from mm_tui.system.private_files import replace_private


class LooseTexts:
    """A folder beside the store's place, created with the first text; elsewhere if that is impossible."""

    def __init__(self, store: Path) -> None:
        self._beside = store.with_name(f"{store.stem}.texts")
        self._folder: Path | None = None

    def keep(self, texts: Mapping[str, str]) -> Path:
        """Writes the texts, which are on disk when it returns. A later text of the same email replaces the earlier one.
        Returns the folder that they are in. Raises OSError if they can be written nowhere."""
        if self._folder is None:
            self._folder = self._made()
        for item_id, text in texts.items():
            # Named by a hash, because an id from outside must not choose the path.
            name = sha256(item_id.encode()).hexdigest()[:16]
            replace_private(self._folder / f"{name}.txt", text, errors="surrogatepass")
        return self._folder

    def _made(self) -> Path:
        number = 0
        while True:
            folder = self._beside.with_name(f"{self._beside.name}-{number}") if number else self._beside
            try:
                folder.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
                folder.mkdir(mode=0o700)
            except FileExistsError:
                number += 1
            except OSError:
                return Path(tempfile.mkdtemp(prefix="mm-tui-texts-"))
            else:
                return folder


def keep_text(text: str, store: Path | None) -> Path:
    """Writes a text to a new file, beside the store or where there is room. Raises OSError if nowhere."""
    folders = [Path(tempfile.gettempdir()), Path.home()]
    if store is not None:
        folders.insert(0, store.parent)
    failed = OSError("there is no folder to write to")
    for folder in folders:
        try:
            descriptor, name = tempfile.mkstemp(prefix="mm-tui-text-", suffix=".txt", dir=folder)
        except OSError as error:
            failed = error
            continue
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            failed = error
            Path(name).unlink(missing_ok=True)
        else:
            return Path(name)
    raise failed
