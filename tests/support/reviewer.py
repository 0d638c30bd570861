"""The environment of a reviewer's program."""

from __future__ import annotations

from pathlib import Path

from tests.support.pty import plain_environment
from tests.support.sandbox import Sandbox


def environment(sandbox: Sandbox, home: Path, *, reviewer: str = "robin", hold_seconds: int = 1) -> dict[str, str]:
    """The program's environment: the sandbox's keys, and a short hold."""
    home.mkdir(exist_ok=True)
    config = home / "config.toml"
    config.write_text(
        f"[review]\nhold_seconds = {hold_seconds}\n[sync]\nactive_seconds = 1\n[assist]\nautomatic = false\n"
    )
    return plain_environment(
        home,
        sandbox,
        MULTIMAIL_SEND_API_KEY=sandbox.keys["send"],
        MULTIMAIL_ADMIN_API_KEY=sandbox.keys["admin"],
        MM_TUI_CONFIG=str(config),
        MM_TUI_REVIEWER=reviewer,
    )
