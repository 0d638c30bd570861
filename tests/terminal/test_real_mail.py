"""Odd but real mail opens without a crash: the samples of Python's own e-mail package, and any mail named for it.

`TEST_MAIL` names further mail to open: an mbox, a Maildir, an .eml file or a folder of these.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from mm_tui.models import Party
from mm_tui.review.known import Acquaintances, Known
from mm_tui.review.links import inspect_links
from mm_tui.review.risk.engine import assess
from mm_tui.review.risk.model import Draft, ThreadContext
from mm_tui.sandbox.mail_in.importer import read_mail
from mm_tui.sandbox.mail_in.sources import ImportReport
from mm_tui.text import ManyLine, OneLine
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal, plain_environment
from tests.support.sandbox import running_sandbox_process
from tests.support.terminal_output import strange_in_screen

OPENED = 20
"""How many mails are opened on the screen."""


def real_mail(folder: Path) -> list[Path]:
    """What there is to open: copies of the e-mail package's samples, and what the environment names."""
    found = [Path(named)] if (named := os.environ.get("TEST_MAIL")) else []
    spec = importlib.util.find_spec("test.test_email") if importlib.util.find_spec("test") else None
    if spec is not None and spec.origin:
        copies = folder / "samples"
        copies.mkdir()
        for path in sorted((Path(spec.origin).parent / "data").glob("msg_*.txt")):
            (copies / f"{path.stem}.eml").write_bytes(path.read_bytes())
        found.append(copies)
    if not found:
        pytest.skip("this Python comes without the samples of its e-mail package, and TEST_MAIL is not set")
    return found


def test_real_mail_can_be_read_and_inspected(tmp_path: Path) -> None:
    report = ImportReport()
    mails = list(read_mail(real_mail(tmp_path), report))
    assert mails
    known = Known(frozenset({"example.com"}), Acquaintances.of(["barry@python.org"]))
    for mail in mails:
        body = ManyLine(mail.body)
        inspect_links(body, known)
        draft = Draft(
            sender=Party.parse(mail.sender),
            to=tuple(map(Party.parse, mail.to)),
            cc=tuple(map(Party.parse, mail.cc)),
            subject=OneLine(mail.subject),
            body=body,
        )
        assert assess(draft, ThreadContext()).unchecked
        assert ManyLine(body) == body


@pytest.mark.slow
def test_real_mail_opens_on_the_screen(tmp_path: Path) -> None:
    arguments = [part for path in real_mail(tmp_path) for part in ("--mail", str(path))]
    with running_sandbox_process(tmp_path, *arguments) as sandbox:
        env = plain_environment(tmp_path, sandbox)
        with Terminal(MM_TUI, env=env, cols=100, rows=30) as terminal:
            terminal.wait_for(r"[1-9][0-9]+ (?:emails|threads)", timeout=60)
            terminal.wait_for("▌", timeout=60)
            for _ in range(OPENED):
                terminal.press("enter")
                terminal.wait_for("r reply", timeout=60)
                terminal.press("G")
                terminal.wait_quiet(0.05)
                terminal.press("escape")
                terminal.wait_for("/ search")
                terminal.wait_quiet(0.12)
                terminal.press("j")
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
            assert strange_in_screen(terminal.raw, 100, 30) == []
        assert list((tmp_path / "data" / "reports").glob("*")) == []
