"""A slow link: a key decides only about what had been on the far screen, whole, for the dwell time."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.processes import MM_TUI
from tests.support.pty import FarTerminal
from tests.support.reviewer import environment
from tests.support.sandbox import Sandbox


def _body(name: str) -> str:
    """Eight lines that differ from draft to draft: what stands there already is not sent again."""
    return f"{name}\n\n" + "\n".join(f"{line:02} Parcel {name[::-1] * 4} has left our house." for line in range(8))


def test_a_key_typed_ahead_of_the_picture_decides_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    drafts = {sandbox.draft(_body(name)) for name in ("First", "Second")}
    with FarTerminal(MM_TUI, env=environment(sandbox, tmp_path)) as far:
        far.wait_for("Inbox")
        far.press("2")
        far.wait_for("2 waiting")
        far.press("enter")
        far.wait_for("07 Parcel")
        far.wait_quiet(1.5)
        before, key_at = far.text, time.monotonic()
        far.slow_down(bytes_per_second=240, round_trip=0.3)
        far.press("n")
        # Other keys were pressed long ago, the program has painted the next draft, and not all of it is there.
        far.wait_until(lambda: far.text != before and time.monotonic() - key_at > 1, "the first of the next draft")
        assert not far.is_drawn
        far.press("a")
        far.wait_for("your terminal has not shown all of this yet", timeout=60)
        far.wait_quiet(1.5, timeout=60)
        assert far.is_drawn
        assert not sandbox.calls("POST", "/decide")
        far.press("a")
        far.wait_until(lambda: bool(sandbox.calls("POST", "/decide")), "the decision")
        assert {mail["id"] for mail in sandbox.outbox()} < drafts


def test_a_click_ahead_of_the_picture_decides_nothing_either(sandbox: Sandbox, tmp_path: Path) -> None:
    for name in ("First", "Second"):
        sandbox.draft(_body(name))
    with FarTerminal(MM_TUI, env=environment(sandbox, tmp_path)) as far:
        far.wait_for("Inbox")
        far.press("2")
        far.wait_for("2 waiting")
        for key, name in (("enter", "First"), ("n", "Second"), ("p", "First")):
            far.press(key)
            far.wait_for(f"07 Parcel {name[::-1]}")
            far.wait_quiet(1.5)
        before, key_at = far.text, time.monotonic()
        row = next(at for at, line in enumerate(before.split("\n"), start=1) if "a approve" in line)
        far.slow_down(bytes_per_second=240, round_trip=0.3)
        far.press("n")
        far.wait_until(lambda: far.text != before and time.monotonic() - key_at > 1, "the first of the next draft")
        assert not far.is_drawn
        # Both drafts have been read, and what stands there is still the first.
        far.send(f"\x1b[<0;3;{row}M\x1b[<0;3;{row}m")
        far.wait_for("your terminal has not shown all of this yet", timeout=60)
        far.wait_quiet(1.5, timeout=60)
        assert not sandbox.calls("POST", "/decide")
