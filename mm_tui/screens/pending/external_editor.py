"""Edits a draft in the user's own `$EDITOR`. If something fails, the text can be found again."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Protocol

from msgspec.structs import replace
from textual.app import App
from textual.timer import Timer

from mm_tui.services.saved_texts.edits import NotSaved
from mm_tui.session import Session
from mm_tui.store.decisions.editor_files import EditorFile, editing_folder
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.terminal.hangup import interrupts_left_to_others
from mm_tui.text import ManyLine, system_words
from mm_tui.widgets.draft_area import DraftArea

if TYPE_CHECKING:
    from mm_tui.models import EditedDraft


Editor = Callable[["EditorFile"], ManyLine]
"""Lets the user edit a file and returns its text; raises EditorError. The file stays until its text is stored."""


class EditorError(Exception):
    """The editor could not be run, or its text could not be read; the message says why. The text is unchanged.

    Attributes:
        left: the text that the editor left in the file, cleaned, if it differs from the original.
    """

    def __init__(self, words: str, left: ManyLine | None = None) -> None:
        super().__init__(words)
        self.left = left


class EditorReturned(EditorError):
    """The editor saved nothing: it may have passed the file to a window that is still open."""


RETURNED_SECONDS = 3.0
"""Seconds: an editor that exits sooner without saving has probably not waited for its window."""


LONGEST = 3_000_000
"""The most characters that are taken from an editor. More is no email, and would hold up the screen for seconds."""


FALLBACKS = ("editor", "nano", "vi")
"""The editors to look for if none is set, in this order."""


def _found(path: str | None) -> str | None:
    """The first of the usual editors that is installed."""
    return next((shlex.quote(found) for name in FALLBACKS if (found := shutil.which(name, path=path or ""))), None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def run_editor(file: EditorFile, environ: Mapping[str, str] = os.environ) -> ManyLine:
    """Opens `$VISUAL` or `$EDITOR`, else a usual editor, on the file and waits. Returns the text as saved, cleaned.
    Call it while the app is suspended.

    Raises EditorReturned if it exited with the file unchanged or empty: the file must stay. Raises EditorError if none
    is set or installed, or it cannot be started, failed, or left something that is not text.
    """
    wanted = environ.get("VISUAL", "").strip() or environ.get("EDITOR", "").strip()
    command = wanted or _found(environ.get("PATH"))
    if not command:
        raise EditorError("no editor was found: set VISUAL or EDITOR")
    try:
        given = file.read_bytes()
        began = monotonic()
        with (
            interrupts_left_to_others(),
            subprocess.Popen([*shlex.split(command), str(file.path)]) as running,  # noqa: S603 - the reader's choice
        ):
            file.started(running.pid)
            status = running.wait()
    except (OSError, ValueError) as error:
        name = command.split()[0]
        if isinstance(error, FileNotFoundError) and error.filename != str(file.path):
            raise EditorError(f"{name} is not installed: set VISUAL or EDITOR to another editor") from error
        raise EditorError(f"{name} cannot be started: {system_words(error)}") from error
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise EditorError(f"the edited text cannot be read: {system_words(error)}") from error
    left = ManyLine(raw.decode("utf-8", errors="replace").removesuffix("\n"))
    if status != 0:
        ended = f"exited with status {status}" if status > 0 else f"was ended by {_signal_name(-status)}"
        raise EditorError(f"the editor {ended}; your text is unchanged", left if raw != given else None)
    if not left.strip() and given.strip():
        # Also what a full disk leaves, or a window that is still writing. Whoever wants no text can delete it here.
        raise EditorReturned("the editor left an empty file; your text is unchanged")
    if len(left) > LONGEST:
        raise EditorError(
            f"the editor left {len(raw) // 1_000_000} MB, too much for an email; yours is unchanged", left
        )
    if raw == given:
        at_once = monotonic() - began < RETURNED_SECONDS
        better = "Better: an EDITOR that waits (code --wait). " if at_once else ""
        raise EditorReturned(
            f"{shlex.split(command)[0]} {'exited at once and ' if at_once else ''}saved nothing. "
            f"If its window is still open, save there: the text is loaded. {better}File: {file.path}"
        )
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EditorError("the editor saved something that is not UTF-8 text", left) from error
    return left


WHERE_SAVED = "({pending.kept} in the queue)"
"""Where unsent texts are found."""
LOOK_SECONDS = 1.0
"""Seconds between checks of the file of an editor that may still be open."""


class EditHost(Protocol):
    """The screen on which a text is edited."""

    @property
    def app(self) -> App[object]: ...
    @property
    def session(self) -> Session: ...
    @property
    def area(self) -> DraftArea: ...
    @property
    def draft(self) -> EditedDraft: ...
    @property
    def item_id(self) -> str: ...
    def as_edit(self, draft: EditedDraft) -> SavedEdit: ...
    def keep_beside(self, draft: EditedDraft) -> None: ...
    def save_text(self, *, durable: bool = False, anyway: bool = False) -> bool: ...
    def say(self, text: str, severity: str = "information") -> None: ...
    def set_interval(self, interval: float, callback: Callable[[], None]) -> Timer: ...


class ExternalEditing:
    """Passes the text of an editing screen to the user's own editor."""

    editor: ClassVar[Editor] = staticmethod(run_editor)

    def __init__(self, screen: EditHost) -> None:
        self._screen = screen
        self._watches = False

    def run(self) -> None:
        """Runs the editor on the text and loads the result; if the editor failed, keeps the result as a copy."""
        area = self._screen.area
        if area.is_model_writing:
            self._screen.say("the model is writing: {edit.stop} stops it", "warning")
            return
        self._screen.save_text(durable=True)
        try:
            folder = editing_folder(self._screen.session.settings.profile.name)
            edit = self._screen.as_edit(replace(self._screen.draft, body=str(ManyLine(area.text))))
            file = EditorFile.made(folder, edit)
        except OSError as error:
            self._screen.say(f"cannot write a file for the editor: {system_words(error)}", "warning")
            return
        said, edited, left, may_be_open = "", None, None, False
        with self._screen.app.suspend():
            # No exception may escape from here, or the app would never resume.
            try:
                edited = type(self).editor(file)
            except EditorError as error:
                said, left, may_be_open = str(error), error.left, isinstance(error, EditorReturned)
            except OSError as error:
                said = f"the editor's file cannot be used: {system_words(error)}"
        if edited is None and not may_be_open:
            if self._load(area, edited, left):
                file.remove()
        elif self._load(area, edited, None):
            # Even now a window may be open that the editor has not waited for.
            self._keep(file, edited)
        if left is not None:
            said += f"; the text it left is saved beside {WHERE_SAVED}"
        if said:
            self._screen.say(said, "warning")

    def _keep(self, file: EditorFile, taken: ManyLine | None) -> None:
        """Keeps the file of an editor that may still have it open. Text that is saved when no screen watches it is
        loaded at the next start of the program."""
        with suppress(OSError):
            file.keep(None if taken is None else str(taken))
        self._screen.session.edits.in_editors.append(file)
        self.watch()

    def watch(self) -> None:
        """Watches, while this screen is open, the files of its email that an editor may still have open."""
        if self._files() and not self._watches:
            self._watches = True
            self._screen.set_interval(LOOK_SECONDS, self._look)

    def _files(self) -> list[EditorFile]:
        item_id = self._screen.item_id
        return [file for file in self._screen.session.edits.in_editors if file.item_id == item_id]

    def _look(self) -> None:
        for file in self._files():
            with suppress(OSError):
                self._take(file, file.read())

    def _take(self, file: EditorFile, saved: ManyLine) -> None:
        """Loads what an editor saved, or keeps it as a copy if the text was changed here too."""
        area = self._screen.area
        if saved in (file.given, ""):
            return
        if area.is_model_writing or area.text != file.given:
            taken = self._load(area, None, saved)
            self._screen.say(
                f"your editor saved its text, but it was changed here too, so it is saved beside {WHERE_SAVED}"
            )
        else:
            taken = self._load(area, saved, None)
            self._screen.say("the text from your editor was loaded")
        if taken:
            file.keep(str(saved))
        else:
            self._screen.session.edits.in_editors.remove(file)

    def _load(self, area: DraftArea, edited: ManyLine | None, left: ManyLine | None) -> bool:
        """Loads the text. Returns whether it is stored; otherwise its file is loaded at the next start."""
        try:
            if left is not None:
                self._screen.keep_beside(replace(self._screen.draft, body=str(left)))
            if edited is not None and edited != area.text:
                area.change_to(edited)
                return self._screen.save_text(durable=True)
        except NotSaved:
            self._screen.say(
                "the local store cannot be written now; the editor's text will be loaded at the next start", "error"
            )
            return False
        return True
