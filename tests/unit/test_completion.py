"""Shell completion, loaded into the real shells where they are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mm_tui.commands.parser import build

BASH = r"""
source "$1"; shift
command=$(complete -p mm-tui | sed -n 's/.*-F \([^ ]*\).*/\1/p')
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=()
$command
printf '%s\n' "${COMPREPLY[@]}"
"""
COMMANDS = {name for action in build()._actions if isinstance(action.choices, dict) for name in action.choices}
ZSH = r"""
autoload -Uz compinit && compinit -u -D && source "$1" && print -r -- $_comps[mm-tui] && whence -w _shtab_mm_tui
"""


def script(folder: Path, shell: str) -> Path:
    path = folder / f"completion.{shell}"
    done = subprocess.run(
        [sys.executable, "-m", "mm_tui", "completion", shell], capture_output=True, text=True, check=True
    )
    path.write_text(done.stdout, "utf-8")
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ([""], COMMANDS),
        (["pend"], {"pending"}),
        (["pending", "a"], {"approve", "answer", "assign"}),
        (["pending", "approve", "--dig"], {"--digest"}),
        (["pending", "list", "--order", ""], {"oldest", "riskiest"}),
        (["--profile", "acme", "doc"], {"doctor", "docs"}),
    ],
)
def test_bash_completes_commands_and_options(tmp_path: Path, typed: list[str], offered: set[str]) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", str(script(tmp_path, "bash")), "mm-tui", *typed],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (set(done.stdout.split()), done.stderr) == (offered, "")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_it(tmp_path: Path) -> None:
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "zsh", str(script(tmp_path, "zsh"))],
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert "_shtab_mm_tui: function" in done.stdout, done.stderr
