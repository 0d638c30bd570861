"""Private files for the external editor, which are found again after a crash (R4)."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from msgspec.structs import replace

from mm_tui import typed_json
from mm_tui.settings.paths import editing_dir
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.store.decisions.locks import Process, token_of
from mm_tui.system.private_files import replace_private
from mm_tui.text import ManyLine

TEXT, ABOUT = "draft.md", "about.json"


def editing_folder(profile: str) -> Path:
    """The folder of a profile's files for the external editor."""
    return editing_dir() / quote(profile, safe="")


class EditorFile:
    """One text in its own folder, readable only by its owner."""

    def __init__(self, folder: Path, edit: SavedEdit) -> None:
        self.folder = folder
        self.path = folder / TEXT
        self._edit = edit
        self._may_be_open = False

    @classmethod
    def made(cls, parent: Path, edit: SavedEdit) -> EditorFile:
        """Writes the text to a new file. Raises OSError."""
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = cls(Path(tempfile.mkdtemp(dir=parent)), edit)
        # The description is written last: without it the file is ignored, and the text is still in the store.
        # Editors end the last line, so the file has one line break more than the text.
        replace_private(file.path, f"{edit.text.body}\n")
        file._about([Process.this()])
        return file

    @classmethod
    def found(cls, left: LeftBehind) -> EditorFile:
        """The file of an earlier run, which a window may still have open. Raises OSError."""
        # A file without text was not taken: an editor may have been stopped while it saved.
        file = cls(left.folder, left.edit if left.edit.text.body.strip() else left.given)
        file.keep()
        return file

    @property
    def item_id(self) -> str:
        """The id of the email whose text it is."""
        return self._edit.item_id

    @property
    def given(self) -> str:
        """The text given to the editor, or taken from it last."""
        return self._edit.text.body

    def started(self, pid: int) -> None:
        """Records the editor's process, which may outlive ours."""
        self._about([Process.this(), Process(pid, token_of(pid))])

    def read_bytes(self) -> bytes:
        """Returns what the editor last saved. Raises OSError, also if something else than a file is there."""
        return _content(self.path)

    def read(self) -> ManyLine:
        """Returns the text as last saved by the editor, cleaned. Raises OSError."""
        return _text(self.path)

    def keep(self, body: str | None = None) -> None:
        """Records that a window may still save another text than `body`, which has been stored. Raises OSError."""
        self._may_be_open = True
        if body is not None:
            self._edit = _with_body(self._edit, body)
        self._about([Process.this()])

    def remove(self) -> None:
        """Deletes the files, once the text is stored elsewhere."""
        _clear(self.folder)

    def _about(self, owners: list[Process]) -> None:
        edit = self._edit
        about = {
            "item_id": edit.item_id, "mailbox_id": edit.mailbox_id, "base_digest": edit.base_digest,
            "base": typed_json.values_of(edit.base), "to": list(edit.text.to), "subject": edit.text.subject,
            "body": edit.text.body,
            "saved_at": edit.saved_at.isoformat(), "owners": [[owner.pid, owner.token] for owner in owners],
            "may_be_open": self._may_be_open,
        }  # fmt: skip
        replace_private(self.folder / ABOUT, json.dumps(about))


class LeftBehind(NamedTuple):
    """A text that was open in an editor when the program or the machine stopped."""

    folder: Path
    given: SavedEdit
    """The text given to the editor."""
    edit: SavedEdit
    """The text last saved by the editor."""
    may_be_open: bool = False
    """Whether a window that the editor did not wait for may still have it open."""

    def remove(self) -> None:
        """Deletes the text, once it is stored elsewhere. The editor's other files, such as a swap file, stay."""
        _clear(self.folder)

    @property
    def has_more(self) -> bool:
        """Whether the editor left other files, such as a swap file with unsaved text."""
        return any(path.name not in (TEXT, ABOUT) for path in self.folder.iterdir())


def left_behind(parent: Path) -> Iterator[LeftBehind]:
    """The texts whose program and editor have both ended. Unreadable ones are skipped and kept."""
    try:
        folders = sorted(parent.iterdir())
    except OSError:
        return
    for folder in folders:
        try:
            about = json.loads((folder / ABOUT).read_text("utf-8"))
            body = _text(folder / TEXT)
            owners = [Process(int(pid), str(token)) for pid, token in about["owners"]]
            given = _given(about)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not any(owner.is_alive() for owner in owners):
            yield LeftBehind(folder, given, _with_body(given, str(body)), about.get("may_be_open") is True)


def _content(path: Path) -> bytes:
    # An editor may leave anything there. Opening a pipe would wait for ever.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("it is not a file")
        return file.read()


def _text(path: Path) -> ManyLine:
    return ManyLine(_content(path).decode("utf-8", errors="replace").removesuffix("\n"))


def _given(about: dict[str, object]) -> SavedEdit:
    from mm_tui.models import EditedDraft, RawContent

    to = about["to"]
    to = tuple(map(str, to)) if isinstance(to, list) else ()
    return SavedEdit(
        item_id=str(about["item_id"]),
        mailbox_id=str(about["mailbox_id"]),
        base_digest=str(about["base_digest"]),
        base=typed_json.from_values(RawContent, about["base"]),
        text=EditedDraft(to, str(about["subject"]), str(about["body"])),
        saved_at=datetime.fromisoformat(str(about["saved_at"])),
    )


def _with_body(edit: SavedEdit, body: str) -> SavedEdit:
    return replace(edit, text=replace(edit.text, body=body))


def _clear(folder: Path) -> None:
    # What the editor left there besides its text stays.
    for delete in ((folder / ABOUT).unlink, (folder / TEXT).unlink, folder.rmdir):
        with suppress(OSError):
            delete()
