"""Shell completion, loaded into the real shells where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mm_tui.commands.completion import SHELLS
from mm_tui.commands.parser import build
from mm_tui.models import Mailbox
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.processes import MM_TUI

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
    done = subprocess.run([*MM_TUI, "completion", shell], capture_output=True, text=True, check=True)
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


NAMES = (
    r"""
mm-tui() { "$PYTHON" -m mm_tui "$@"; }
"""
    + BASH
)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["--profile", ""], {"acme", "beta"}),
        (["--profile", "b"], {"beta"}),
        (["pending", "list", "--filter", "mi"], {"mine"}),
        (["pending", "list", "--mailbox", "su"], {"support@acme.example"}),
        (["--config", "a-fi"], {"a-file.toml"}),
        (["sandbox", "serve", "--data", "a-f"], {"a-folder"}),
        (["docs", "sa"], {"safety", "sandbox"}),
    ],
)
def test_bash_completes_names_and_files(tmp_path: Path, typed: list[str], offered: set[str]) -> None:
    (tmp_path / "a-file.toml").touch()
    (tmp_path / "a-folder").mkdir()
    bad = "$(touch owned)@acme.example"
    (tmp_path / "config.toml").write_text(
        'version = 1\ndefault_profile = "acme"\n[profiles.acme]\n[profiles.beta]\n[profiles."$(touch owned)"]\n'
        '[filters.queue]\nmine = "subject:mine"\n',
        "utf-8",
    )
    env = {**os.environ, "MM_TUI_CONFIG": str(tmp_path / "config.toml"), "MM_TUI_DATA": str(tmp_path / "data")}
    env["PYTHON"] = sys.executable
    (tmp_path / "data").mkdir()
    with Database.open(tmp_path / "data" / "store-acme.sqlite3") as database:
        MailStore(database).save_mailboxes(
            [Mailbox(id="1", address=OneLine("support@acme.example")), Mailbox(id="2", address=OneLine(bad))]
        )
    done = subprocess.run(
        ["bash", "--norc", "-c", NAMES, "bash", str(script(tmp_path, "bash")), "mm-tui", *typed],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=env,
    )  # fmt: skip
    assert (set(done.stdout.split()), done.stderr) == (offered, "")
    assert not (tmp_path / "owned").exists(), "no name is run by the shell"


FISH = r"""
function mm-tui; $PYTHON -m mm_tui $argv; end
source $argv[1]
complete -C 'mm-tui pend'; complete -C 'mm-tui docs sa'
"""


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_commands_and_names(tmp_path: Path) -> None:
    done = subprocess.run(
        ["fish", "-c", FISH, str(script(tmp_path, "fish"))],
        capture_output=True, text=True, env={**os.environ, "PYTHON": sys.executable}, check=False,
    )  # fmt: skip
    assert {line.partition("\t")[0] for line in done.stdout.splitlines()} == {"pending", "safety", "sandbox"}, (
        done.stderr
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_asks_the_program_for_names(tmp_path: Path, shell: str) -> None:
    text = script(tmp_path, shell).read_text("utf-8")
    assert all(f"mm-tui completion {names} " in text for names in ("profiles", "filters", "mailboxes", "topics"))


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
