"""Runs commands in this process, with their own home folder."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from mm_tui import cli
from tests.support.sandbox import Sandbox

_OURS = ("MULTIMAIL_", "AI21_", "MM_TUI_", "NO_COLOR", "TMUX", "STY", "TEXTUAL")


@dataclass(frozen=True)
class Done:
    """The result of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output as JSON."""
        return json.loads(self.out)


class Home:
    """A settings file and a data folder under `folder`, isolated from the environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config" / "config.toml"
        self.data = folder / "data"

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a command."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return {**kept, "MM_TUI_CONFIG": str(self.config), "MM_TUI_DATA": str(self.data), **(more or {})}

    def run(
        self, *arguments: str, stdin: str | bytes = "", env: Mapping[str, str] | None = None, status: int | None = None
    ) -> Done:
        """Runs `mm-tui` with these arguments, and checks its exit status if one is given. Not from within a running
        event loop."""
        out, err = io.StringIO(), io.StringIO()
        given = stdin.encode() if isinstance(stdin, str) else stdin
        with (
            mock.patch.dict(os.environ, self.environment(env), clear=True),
            mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8", errors="surrogateescape")),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                left_with = int(cli.run(arguments))
            except SystemExit as leaving:
                left_with = int(leaving.code or 0)
        assert status in (None, left_with), (left_with, out.getvalue(), err.getvalue())
        return Done(left_with, out.getvalue(), err.getvalue())

    def write_config(self, text: str) -> None:
        """Writes the settings file, mode 0600 in a folder of mode 0700."""
        self.config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config.write_text(text, "utf-8")
        self.config.chmod(0o600)

    def write_profile(self, url: str, keys: Mapping[str, str], **more: str) -> None:
        """Writes a settings file with one profile."""
        lines = ["version = 1", "[profiles.default]", f'url = "{url}"']
        lines += [f'{scope}_key = "{key}"' for scope, key in keys.items()]
        lines += [f'{name} = "{value}"' for name, value in more.items()]
        self.write_config("\n".join(lines) + "\n")


def key_options(sandbox: Sandbox) -> list[str]:
    """The options of `mm-tui init` that name a sandbox and its keys."""
    given = ["--url", sandbox.url, "--ai21-host", sandbox.ai21_url, "--ai21-key", sandbox.ai21_key]
    for scope, key in sandbox.keys.items():
        given += [f"--{scope}-key", key]
    return given
