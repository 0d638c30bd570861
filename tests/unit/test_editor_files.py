"""A text that `$EDITOR` has outlives the program, the editor and the machine, and is found at the next start."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from mm_tui.screens.pending import external_editor
from mm_tui.screens.pending.external_editor import EditorError, EditorReturned, run_editor
from mm_tui.services.saved_texts.edits import KEPT_OPEN, Edits
from mm_tui.services.saved_texts.left_behind import recovered
from mm_tui.store.database import Database
from mm_tui.store.decisions.editor_files import EditorFile, editing_folder, left_behind
from mm_tui.store.decisions.edits import EditStore
from mm_tui.store.decisions.locks import Process, token_of
from mm_tui.text import ManyLine
from tests.support.other_program import AT, ROOT, edit, other_program
from tests.support.seat import idle_session

GIVEN = edit("d1", "Given.")


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever had the text is gone."""
    monkeypatch.setattr(Process, "is_alive", lambda _self: False)


def wait_for(path: Path) -> None:
    ends = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < ends, f"{path} never came"
        time.sleep(0.01)


def edits(database: Database) -> list[str]:
    return [edit.text.body for edit in EditStore(database).all()]


def test_a_killed_program_and_a_killed_editor_lose_nothing(tmp_path: Path) -> None:
    parent, script = tmp_path / "editing", tmp_path / "editor"
    wrote, goes_on = tmp_path / "wrote", tmp_path / "editor.pid"
    script.write_text(
        f'#!/bin/sh\necho $$ > {goes_on}.new; mv {goes_on}.new {goes_on}\nprintf "From my editor.\\n" > "$1"\n'
        f"touch {wrote}\nexec sleep 600\n"
    )
    script.chmod(0o700)
    program = subprocess.Popen(other_program("run_editor_on", parent, script, "Given."), cwd=ROOT)
    try:
        wait_for(wrote)
        editor = int(goes_on.read_text())
        wait_until_told(parent, editor)
        assert list(left_behind(parent)) == [], "the program has it"
        program.kill()
        program.wait()
        assert list(left_behind(parent)) == [], "the editor still has it"
        os.kill(editor, signal.SIGKILL)
        ends = time.monotonic() + 20
        while Process(editor, token_of(editor)).token:
            assert time.monotonic() < ends
            time.sleep(0.01)
        database = Database.open(None)
        assert "your editor's text of a draft was loaded" in Edits(database).recover(parent, AT)
        assert edits(database) == ["From my editor."]
        assert list(parent.iterdir()) == []
        assert Edits(database).recover(parent, AT) == ""
    finally:
        program.kill()
        program.wait()


def wait_until_told(parent: Path, editor: int) -> None:
    """Until the file says which editor has it."""
    ends = time.monotonic() + 20
    while not any(f"[{editor}," in path.read_text() for path in parent.glob("*/about.json")):
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_the_file_is_private_and_gone_when_its_text_is_safe(tmp_path: Path) -> None:
    file = EditorFile.made(tmp_path / "editing" / "acme", GIVEN)
    assert stat.S_IMODE(file.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.folder.iterdir()} == {0o600}
    file.remove()
    assert not file.folder.exists()


@pytest.mark.usefixtures("dead")
def test_an_edit_continued_elsewhere_keeps_its_text_and_the_editors_is_saved_beside_it(tmp_path: Path) -> None:
    database = Database.open(None)
    store = EditStore(database)
    store.save(edit("d1", "Another."))
    file = EditorFile.made(tmp_path, GIVEN)
    file.path.write_text("From my editor.\n")
    Edits(database).recover(tmp_path, AT)
    kept = store.get("d1")
    assert kept is not None and kept.text.body == "Another."
    assert sorted(edits(database)) == ["Another.", "From my editor."]
    assert "From my editor." in [edit.text.body for edit in Edits(database).left_over()]


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize("body", ["Given.", "Given.\n", "\n\n", ""])
def test_an_untouched_text_becomes_no_edit_but_its_file_is_kept_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """However late the editor ends: it may have taken long to open its window, and have left it open."""
    database = Database.open(None)
    file = EditorFile.made(tmp_path, replace(GIVEN, text=replace(GIVEN.text, body=body)))
    assert file.read() == body
    monkeypatch.setattr(external_editor, "RETURNED_SECONDS", 0)
    with pytest.raises(EditorReturned, match=r"^true saved nothing\. If its window is still open") as caught:
        run_editor(file, {"EDITOR": "true"})
    assert str(file.path) in str(caught.value) and file.path.exists()
    assert Edits(database).recover(tmp_path, AT) == ""
    assert edits(database) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dead")
def test_an_editor_that_was_stopped_before_it_wrote_its_text_replaces_nothing(tmp_path: Path) -> None:
    database = Database.open(None)
    EditStore(database).save(GIVEN)
    EditorFile.made(tmp_path, GIVEN).path.write_text("\n")
    assert Edits(database).recover(tmp_path, AT) == ""
    assert edits(database) == ["Given."]


@pytest.mark.usefixtures("dead")
def test_a_file_that_a_window_may_have_open_stays_for_a_day_whatever_ends_meanwhile(tmp_path: Path) -> None:
    database = Database.open(None)
    file = EditorFile.made(tmp_path, GIVEN)
    file.keep()
    for number, text in enumerate(("Given.", "Saved late.", "Saved again.")):
        file.path.write_text(f"{text}\n")
        again = Edits(database)
        assert ("was loaded" in again.recover(tmp_path, AT)) == (number > 0)
        assert [(one.item_id, one.given) for one in again.in_editors] == [("d1", text)]
    assert edits(database) == ["Saved again."]
    assert Edits(database).recover(tmp_path, AT + KEPT_OPEN) == "" and list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dead")
def test_a_text_that_was_taken_already_is_not_taken_again_for_the_way_the_editor_wrote_it(tmp_path: Path) -> None:
    database = Database.open(None)
    file = EditorFile.made(tmp_path, GIVEN)
    file.path.write_bytes(b"\xef\xbb\xbfOne.\r\n\tTwo\xc2\xad.\r\n")
    file.keep(str(file.read()))
    assert Edits(database).recover(tmp_path, AT) == ""
    assert edits(database) == []


@pytest.mark.usefixtures("dead")
def test_an_editors_own_swap_file_is_left_and_reported(tmp_path: Path) -> None:
    database = Database.open(None)
    file = EditorFile.made(tmp_path, GIVEN)
    swap = file.folder / ".draft.md.swp"
    swap.write_bytes(b"what was not written")
    assert f"its own files in {file.folder}" in Edits(database).recover(tmp_path, AT)
    assert swap.exists()
    assert Edits(database).recover(tmp_path, AT) == ""


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize("about", ["", "[]", "{}", '{"owners": 3}', "\x00"])
def test_what_cannot_be_read_is_passed_over_and_stays(tmp_path: Path, about: str) -> None:
    file = EditorFile.made(tmp_path, GIVEN)
    (file.folder / "about.json").write_text(about)
    assert Edits(Database.open(None)).recover(tmp_path, AT) == ""
    assert file.path.read_text() == "Given.\n"


def test_a_start_recovers_what_lies_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path))
    session = idle_session()
    assert recovered(session.edits, "acme", AT) == ""
    assert editing_folder("acme").parent == tmp_path / "editing"
    file = EditorFile.made(editing_folder("acme"), GIVEN)
    file.path.write_bytes(b"Gr\xfc\xdfe\n")
    monkeypatch.setattr(Process, "is_alive", lambda _self: False)
    assert "was loaded" in recovered(session.edits, "acme", AT)
    assert edits(session.database) == ["Gr\ufffd\ufffde"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "the editor exited with status 3"),
        ("kill -9 $$", "the editor was ended by SIGKILL"),
        (': > "$1"', "left an empty file; your text is unchanged"),
        ('printf "\\377" > "$1"', "not UTF-8"),
        ('yes | head -c 5000000 > "$1"', "left 5 MB, too much for an email"),
        ('rm "$1"', "cannot be read"),
        ('rm "$1"; mkdir "$1"', "cannot be read"),
        ('rm "$1"; mkfifo "$1"', "cannot be read: it is not a file"),
    ],
)
def test_an_editor_that_fails_says_so(tmp_path: Path, script: str, words: str) -> None:
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o700)
    file = EditorFile.made(tmp_path / "editing", GIVEN)
    with pytest.raises(EditorError, match=words) as caught:
        run_editor(file, {"EDITOR": str(editor)})
    assert isinstance(caught.value, EditorReturned) is ("empty" in words), "its window may still be writing"
    file.remove()
    assert not list(left_behind(tmp_path / "editing"))


def test_an_interrupt_for_the_editor_does_not_end_the_program(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ntrap "" INT\nkill -INT $PPID\nprintf "Went on." > "$1"\n')
    editor.chmod(0o700)
    before = signal.getsignal(signal.SIGINT)
    assert run_editor(EditorFile.made(tmp_path / "editing", GIVEN), {"EDITOR": str(editor)}) == ManyLine("Went on.")
    # Without a setting a usual editor is looked for.
    blank = {"PATH": str(tmp_path), "VISUAL": " ", "EDITOR": ""}
    assert run_editor(EditorFile.made(tmp_path / "editing", GIVEN), blank) == ManyLine("Went on.")
    with pytest.raises(EditorError, match="nowhere is not installed: set VISUAL or EDITOR to another editor"):
        run_editor(EditorFile.made(tmp_path / "editing", GIVEN), {"EDITOR": "nowhere -w"})
    with pytest.raises(EditorError, match="no editor was found: set VISUAL or EDITOR"):
        run_editor(EditorFile.made(tmp_path / "editing", GIVEN), {"PATH": str(tmp_path / "empty")})
    assert signal.getsignal(signal.SIGINT) is before
