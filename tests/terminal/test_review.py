"""The whole loop on a real terminal: mail imported, a draft opened, edited, approved, released once and audited."""

from __future__ import annotations

import mailbox
import os
import sqlite3
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.reviewer import environment
from tests.support.sandbox import Sandbox, running_sandbox_process, wait_until

DRAFT = "Dear Jules,\n\nyou will get everything back, we promise.\n\nKind regards\nAcme"


def small_mbox(folder: Path) -> Path:
    """An mbox as mail programs write it: a thread of two, an encoded subject, a quoted From line."""
    path = folder / "archive.mbox"
    box = mailbox.mbox(path)
    for number, (subject, body) in enumerate(
        [
            ("Kündigung meines Vertrags", "Guten Tag,\n\nich möchte kündigen.\n\nFrom Monday on, please.\n"),
            ("Order 88", "Hello,\n\nmy order never came. I want my money back.\n\nJules\n"),
            ("Newsletter", "This week: nothing.\n"),
        ]
    ):
        message = EmailMessage()
        message["From"] = f"Jules Verne <jules{number}@submarine.example>"
        message["To"] = "support@acme.example"
        message["Subject"] = subject
        message["Date"] = f"Mon, 0{number + 1} Jun 2026 10:00:00 +0000"
        message["Message-ID"] = f"<{number}@submarine.example>"
        message.set_content(body)
        box.add(message)
    box.close()
    return path


def saved_text(data: Path) -> str:
    """The edit that lies in the program's store."""
    (store,) = data.glob("store-*.sqlite3")
    with closing(sqlite3.connect(store)) as connection:
        return "".join(row[0] for row in connection.execute("SELECT body FROM edits"))


def open_editor(terminal: Terminal) -> None:
    """Edits the draft that is shown, once it has been read in full."""
    terminal.wait_for("you will get everything back")
    terminal.press("e")
    while terminal.wait_for("^ subj|still being read").group() != " subj":
        terminal.wait_gone("still being loaded")
        terminal.press("e")


def mail_of(sandbox: Sandbox, subject: str) -> dict[str, Any]:
    """The imported mail with this subject."""
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails"
    found = sandbox.call("GET", path, key="oversight", subject_contains=subject)["emails"]
    assert len(found) == 1
    return dict(found[0])


CORPUS = os.environ.get("MM_TUI_CORPUS")
"""A real mailbox, imported beside the small one where it is named."""


@pytest.mark.parametrize(("cols", "rows"), [(80, 24), (120, 40)])
def test_an_edited_draft_is_released_once_and_audited(tmp_path: Path, cols: int, rows: int) -> None:
    mail = small_mbox(tmp_path)
    more = ("--mail", CORPUS) if CORPUS else ()
    with running_sandbox_process(tmp_path, "--mail", str(mail), *more, "--no-agent") as sandbox:
        original = sandbox.reply(mail_of(sandbox, "Order 88")["id"], DRAFT)["id"]
        sandbox.wait_for(original, "pending_send_approval")
        env = environment(sandbox, tmp_path)
        with Terminal(MM_TUI, env=env, cols=cols, rows=rows) as terminal:
            terminal.wait_for("Order 88")
            terminal.press("2")
            terminal.wait_for("1 waiting")
            terminal.press("enter")
            open_editor(terminal)
            terminal.send("(looked at by a human) ")
            terminal.wait_for("looked at by a human")
            terminal.press("ctrl+s")
            terminal.wait_for("edited by you")

            def begun() -> bool:
                return "held for" in terminal.text or bool(sandbox.outbox())

            if cols == 80:
                # Pressed until it is taken: the end of the page must have been on screen for a moment first.
                terminal.press_until("a", begun, "a decision")
            else:
                terminal.wait_quiet(1.5)
                terminal.press("ctrl+p")
                terminal.wait_for("Undo|Reject|Approve")
                terminal.send("approve")
                terminal.wait_quiet(1.0)
                terminal.press("enter")
                terminal.wait_until(begun, "a decision from the palette")
            wait_until(lambda: len(sandbox.outbox()) == 1, seconds=30)
            terminal.press("3")
            # The email has left before its decision has ended: leaving would ask.
            terminal.wait_for("approved, edited")
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
        released = sandbox.outbox()
        # The editor opens at the promise.
        edited = DRAFT.replace("get everything", "(looked at by a human) get everything")
        assert [message["body"].strip() for message in released] == [edited]
        assert released[0]["in_reply_to"] == "<1@submarine.example>"
        assert sandbox.status(original) == "rejected"
        assert sandbox.status(released[0]["id"]) in ("sent", "delivered")
        story = [(entry["action"], entry["resource_id"]) for entry in reversed(sandbox.audit())]
        about = [action for action, resource in story if resource in (original, released[0]["id"])]
        rejected = next(at for at, action in enumerate(about) if "reject" in action)
        approved = next(at for at, action in enumerate(about) if "approve" in action)
        assert rejected < approved, "the original is retired before its edit is released"
        reasons = [entry["metadata"].get("reason", "") for entry in sandbox.audit() if "reject" in entry["action"]]
        assert reasons == [f"superseded by {released[0]['id']}, edited by robin"]


def test_a_killed_program_keeps_the_edit_and_releases_nothing(tmp_path: Path) -> None:
    with running_sandbox_process(tmp_path, "--mail", str(small_mbox(tmp_path)), "--no-agent") as sandbox:
        original = sandbox.reply(mail_of(sandbox, "Order 88")["id"], DRAFT)["id"]
        sandbox.wait_for(original, "pending_send_approval")
        env = environment(sandbox, tmp_path)
        with Terminal(MM_TUI, env=env, cols=80, rows=24) as terminal:
            terminal.wait_for("Order 88")
            terminal.press("2")
            terminal.wait_for("1 waiting")
            terminal.press("enter")
            open_editor(terminal)
            terminal.send("KEPT ")
            terminal.wait_for("KEPT")
            wait_until(lambda: "KEPT" in saved_text(tmp_path / "data"), seconds=5)
            terminal.close()
        with Terminal(MM_TUI, env=env, cols=80, rows=24) as terminal:
            terminal.wait_for("Order 88")
            terminal.press("2")
            terminal.wait_for("edited")
            terminal.press("enter")
            terminal.wait_for("KEPT get everything")
            terminal.press("ctrl+q")
            assert terminal.wait_exit() == 0
        assert sandbox.outbox() == []
        assert sandbox.status(original) == "pending_send_approval"
