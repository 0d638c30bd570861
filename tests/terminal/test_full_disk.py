"""Told to end while no file can grow: what was written is kept where there is room, or it is said that it is not."""

from __future__ import annotations

import re
import resource
import signal
from pathlib import Path

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.reviewer import environment
from tests.support.sandbox import Sandbox

WORDS = "nobody may lose this sentence"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limit can be set for another process here")
@pytest.mark.parametrize("room", [2048, 0])
def test_sigterm_while_the_store_takes_nothing(sandbox: Sandbox, tmp_path: Path, room: int) -> None:
    sandbox.draft("Draft number 0.")
    with Terminal(MM_TUI, env=environment(sandbox, tmp_path)) as terminal:
        terminal.wait_for("Inbox")
        terminal.press("2")
        terminal.wait_for("1 waiting")
        terminal.wait_quiet(1.0)
        terminal.press("e")
        terminal.wait_for("^ ?subj")
        terminal.wait_quiet()
        # A limit on the size of files is as near to a full disk as any user can come.
        resource.prlimit(terminal.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        terminal.send(WORDS)
        terminal.wait_for("not saved")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_exit() == 128 + signal.SIGTERM
        said = " ".join(re.sub(rb"\x1b\[[0-?]*[ -/]*[@-~]", b"", terminal.raw).decode().split())
    if room:
        kept = re.search(r"could not be saved in the local store; it is in (\S+)\.( |$)", said)
        assert kept is not None, said[-600:]
        assert WORDS in Path(kept[1]).read_text()
    else:
        assert "cannot be saved anywhere" in said, said[-600:]
    assert not sandbox.calls("POST", "/decide")
