"""Works off a backlog with the agent, and says how long it took and how much memory it held.

`python -m bench.backlog [N]`: a sandbox with N unread mails (default 10,000), the agent as a process of its own with
`--once`, its resident memory sampled, and every mail asked of the sandbox at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx

from mm_tui.sandbox.run.child import Ready, SandboxChild

DELIVER_AT_ONCE = 200
BODY = "Hello,\n\nthe app closes by itself since Monday. Please help me to fix this problem by Friday.\n\nAnna"


class Worked(NamedTuple):
    """What a run showed. Seconds, MiB."""

    mails: int
    seconds: float
    start_mib: float
    peak_mib: float
    one_reply: int
    tagged: int
    status: int


def deliver(ready: Ready, count: int) -> list[str]:
    """Fills the first mailbox; returns the mails' ids."""
    with httpx.Client(base_url=ready.url, trust_env=False, timeout=60) as http:
        return [
            http.post(
                "/sandbox/inbound",
                json={
                    "mailbox": ready.mailboxes[0][0],
                    "from": f"Anna <anna{number}@customer.example>",
                    "subject": f"The app does not work, case {number}",
                    "body": BODY,
                },
            ).json()["id"]
            for number in range(count)
        ]


def resident_mib(pid: int) -> float:
    """Resident memory of a process; 0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    except FileNotFoundError:
        return 0.0
    return 0.0


def work_off(ready: Ready, folder: Path, ids: list[str], say: Callable[[str], None]) -> Worked:
    """Runs the agent once over the backlog and asks the sandbox what became of each mail."""
    environ = {
        **{
            name: value for name, value in os.environ.items() if not name.startswith(("MULTIMAIL_", "AI21_", "MM_TUI_"))
        },
        **ready.environment(),
        "MM_TUI_DATA": str(folder / "agent"),
        "MM_TUI_CONFIG": str(folder / "none.toml"),
    }
    began = time.monotonic()
    with (folder / "agent.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mm_tui", "agent", "run", "--once", "--json"], env=environ, stdout=log, stderr=log
        )
        start = peak = 0.0
        while process.poll() is None:
            now = resident_mib(process.pid)
            peak = max(peak, now)
            if not start and time.monotonic() - began > 5:
                start = now
            if int(time.monotonic() - began) % 60 == 0:
                say(f"{time.monotonic() - began:.0f} s: {now:.0f} MiB")
                time.sleep(1)
            time.sleep(0.2)
    seconds = time.monotonic() - began
    one_reply = tagged = 0
    with httpx.Client(base_url=ready.url, trust_env=False, timeout=60) as http:
        headers = {"Authorization": f"Bearer {ready.keys['send']}"}
        for mail_id in ids:
            mail = http.get(f"/sandbox/emails/{mail_id}").json()
            thread = http.get(f"/v1/mailboxes/{mail['mailbox_id']}/threads/{mail['thread_id']}", headers=headers).json()
            one_reply += sum(one["direction"] == "outbound" for one in thread["emails"]) == 1
            tagged += {"label", "summary", "intent", "urgency"} <= mail["tags"].keys()
    return Worked(len(ids), seconds, start, peak, one_reply, tagged, process.returncode)


def main() -> None:
    """Prints the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments = ("--no-samples", "--data", str(folder / "sandbox"), "--scan-delay", "0")
        with SandboxChild(*arguments, log=Path(tempfile.gettempdir()) / "backlog-sandbox.log") as sandbox:
            ids = deliver(sandbox.ready, count)
            print(f"{count} unread mails delivered", flush=True)
            worked = work_off(sandbox.ready, folder, ids, lambda line: print(line, flush=True))
    print(
        f"{worked.mails} mails in {worked.seconds:.0f} s ({worked.mails / worked.seconds:.1f} a second), "
        f"exit status {worked.status}; memory {worked.start_mib:.0f} MiB after 5 s, {worked.peak_mib:.0f} MiB at most; "
        f"{worked.one_reply} with exactly one reply, {worked.tagged} with all tags"
    )


if __name__ == "__main__":
    main()
