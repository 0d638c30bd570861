"""What a sandbox is filled with: samples, a mailbox file, synthetic mail, and a reader's own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.sandbox.run import seed
from mm_tui.sandbox.run.serve import fill
from mm_tui.sandbox.run.synthetic import fill_synthetic
from tests.support.processes import MM_TUI
from tests.support.sandbox import Sandbox, running_sandbox, running_sandbox_process, wait_until

MBOX = """\
From anna Fri Mar  1 10:00:00 2024
From: Anna <anna@customer.example>
To: support@acme.multimail.example
Subject: Weather
Date: Fri, 1 Mar 2024 10:00:00 +0000
Message-ID: <w1@customer.example>

It rains.

From tom Sat Mar  2 10:00:00 2024
From: Tom <tom@customer.example>
To: support@acme.multimail.example
Subject: Re: Weather
Date: Sat, 2 Mar 2024 10:00:00 +0000
Message-ID: <w2@customer.example>
In-Reply-To: <w1@customer.example>

It does.
"""


def fill_with(count: int) -> Callable[[SandboxState], None]:
    def fill(state: SandboxState) -> None:
        assert fill_synthetic(state, count) == count

    return fill


def test_samples_are_filled_in_once(tmp_path: Path) -> None:
    counts = []
    for _ in range(2):
        with running_sandbox_process(tmp_path) as sandbox:
            pages = [
                sandbox.call("GET", f"/v1/mailboxes/{box['id']}/emails", key="send", limit=100)["emails"]
                for box in sandbox.mailboxes
            ]
            assert sandbox.pending()
            counts.append([len(page) for page in pages])
    assert counts[0] == counts[1]
    assert all(counts[0])


def test_a_folder_of_a_reader_s_own_mail_is_not_filled_with_samples_later(tmp_path: Path) -> None:
    (tmp_path / "own.mbox").write_text(MBOX)
    state = SandboxState(tmp_path / "sandbox")
    try:
        fill(state, [tmp_path / "own.mbox"], 0, None)
        held = state.db.execute("SELECT count(*) FROM emails").fetchone()[0]
        fill(state, [], 0, None)
        assert state.db.execute("SELECT count(*) FROM emails").fetchone()[0] == held
        assert not seed.was_done(state, "samples")
        fill(state, [], 0, True)
        assert state.db.execute("SELECT count(*) FROM emails").fetchone()[0] > held
        assert seed.was_done(state, "samples")
    finally:
        state.close()


def test_mail_is_filled_into_the_first_mailbox_once(tmp_path: Path) -> None:
    mbox = tmp_path / "own.mbox"
    mbox.write_text(MBOX)
    for _ in range(2):
        with running_sandbox_process(tmp_path, "--mail", str(mbox)) as sandbox:
            page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send")
            found = [(item["subject"], item["received_at"][:10], item["status"]) for item in page["emails"]]
            assert found == [("Re: Weather", "2024-03-02", "unread"), ("Weather", "2024-03-01", "unread")]
            assert len({item["thread_id"] for item in page["emails"]}) == 1
            assert sandbox.pending() == []


def test_a_hundred_thousand_synthetic_mails_are_there_in_seconds(tmp_path: Path) -> None:
    # The processor's time, which other work on the machine does not stretch.
    started = time.process_time()
    with running_sandbox(tmp_path, fill=fill_with(100_000)) as sandbox:
        assert time.process_time() - started < 40
        page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", limit=100)
        assert len(page["emails"]) == 100
        assert len(sandbox.pending()) > 5
        unread = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", status="unread", limit=100)
        assert len(unread["emails"]) == 100


def test_synthetic_mail_is_all_there_page_by_page(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, fill=fill_with(2_345)) as sandbox:
        assert count_of(sandbox) == 2_345


def count_of(sandbox: Sandbox) -> int:
    """How many mails a walk over all pages finds, by id."""
    seen: set[str] = set()
    cursor: str | None = None
    while True:
        params = {"cursor": cursor} if cursor else {}
        page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", limit=100, **params)
        seen.update(item["id"] for item in page["emails"])
        cursor = page["cursor"]
        if cursor is None:
            return len(seen)


def test_synthetic_mail_is_the_same_every_time(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        with running_sandbox(tmp_path / name, fill=fill_with(200)) as sandbox:
            page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send", limit=100)
            seen.append([(item["from"], item["subject"], item["status"]) for item in page["emails"]])
    assert seen[0] == seen[1]


def test_stopping_while_it_is_still_filling_leaves_nothing_behind(tmp_path: Path) -> None:
    arguments = [*MM_TUI, "sandbox", "serve", "--synthetic", "2000000"]
    with subprocess.Popen(arguments, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        wait_until(lambda: list(tmp_path.glob("*/sandbox.sqlite3")))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []
