"""Files of mode 0600 that are written whole, through no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mm_tui.system.private_files import private, replace_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_private_whatever_the_mask_and_the_file_before(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "text"
        path.write_text("old")
        path.chmod(0o666)
        replace_private(path, "new é")
        with open(tmp_path / "other", "x", opener=private):
            pass
    finally:
        os.umask(before)
    assert path.read_text("utf-8") == "new é"
    assert (mode(path), mode(tmp_path / "other")) == (0o600, 0o600)


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    link = tmp_path / "link"
    link.symlink_to(victim)
    with pytest.raises(OSError), open(link, "w", opener=private):
        pass
    replace_private(link, "new")
    assert victim.read_text() == "kept"
    assert not link.is_symlink()


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "text"
    replace_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        replace_private(path, "a lone surrogate: \ud800")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["text"]
