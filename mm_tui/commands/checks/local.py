"""Checks that need no network: configuration, terminal, folders, store, journal."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mm_tui import keymap
from mm_tui.commands.checks.check import Check, ok, problem, warning
from mm_tui.commands.output.exits import Exit
from mm_tui.crash import UnsafeEnvironment, refuse_unsafe_environment
from mm_tui.services.fault_words import system_words
from mm_tui.settings import paths
from mm_tui.settings import sections as config
from mm_tui.settings.file import load as load_settings
from mm_tui.settings.keys import with_keys
from mm_tui.settings.sections import Settings

LOW_SPACE = 100 * 1024 * 1024
"""Free bytes below which the disk is nearly full."""
SMALLEST = (80, 24)
"""The smallest columns and lines that every screen fits in."""


def configuration(path: Path | None, profile: str | None) -> tuple[list[Check], Settings | None]:
    """Checks the file, its mode, the profile and its keys; returns the settings with keys if they are valid."""
    file = path or paths.config_path()
    try:
        settings = load_settings(path, profile=profile)
    except config.ConfigError as error:
        return [problem("config", f"{error.where}: {error.what}", error.cure)], None
    named = settings.profile.name
    found = [ok("config", f"{file}, profile {named}" if file.exists() else f"no file; profile {named} from defaults")]
    found += _modes(file)
    try:
        settings = with_keys(settings)
    except config.ConfigError as error:
        return [*found, problem("keys", f"{error.where}: {error.what}", error.cure, Exit.AUTH)], None
    keys = settings.profile.gateway_keys()
    if not keys:
        cure = "Run `mm-tui init`, or set MULTIMAIL_API_KEY."
        return [*found, problem("keys", "no gateway key is set", cure, Exit.AUTH)], settings
    if settings.profile.mismatch:
        cure = "Use keys of one kind in a profile; make one profile for tests and one for live mail."
        found.append(warning("keys.kind", settings.profile.mismatch, cure))
    else:
        kind = "LIVE: real mail is sent" if settings.profile.is_live else "TEST: nothing is delivered"
        found.append(ok("keys.kind", kind))
    return found, settings


def choices(settings: Settings) -> list[Check]:
    """Checks settings that are valid but cannot have the effect that is meant."""
    found = [
        warning("keys.bindings", str(wrong), "`mm-tui docs keys` lists the ids.")
        for wrong in keymap.check(settings.keys)[1]
    ]
    unknown = [label for label in settings.agent.reply_labels if label not in settings.assist.labels]
    if unknown:
        words = f"[agent] reply_labels: no email gets the label {' or '.join(unknown)}"
        cure = f"Name labels of [assist]: {', '.join(settings.assist.labels)}."
        found.append(warning("agent.reply_labels", words, cure))
    return found


def _modes(file: Path) -> list[Check]:
    if not file.exists() or os.name == "nt":
        return []
    open_to_others = []
    for place, wanted in ((file, "600"), (file.parent, "700")):
        if place.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO) & (0o077 if place is file else 0o022):
            open_to_others.append((place, wanted))
    if not open_to_others:
        return [ok("config.mode", "only you can read the file")]
    words = ", ".join(f"{place} is open to others" for place, _ in open_to_others)
    cure = " && ".join(f"chmod {wanted} {place}" for place, wanted in open_to_others)
    return [warning("config.mode", words, cure)]


def terminal(environ: Mapping[str, str] | None = None) -> list[Check]:
    """Checks size, colours, encoding, clipboard and tmux."""
    env = os.environ if environ is None else environ
    found: list[Check] = []
    try:
        refuse_unsafe_environment(env)
    except UnsafeEnvironment as error:
        found.append(problem("terminal.environment", str(error), "Commands work without one.", Exit.USAGE))
    if not sys.stdout.isatty():
        return [*found, ok("terminal", "the output is not a terminal: commands work, but the app needs one")]
    size = shutil.get_terminal_size()
    if size.columns < SMALLEST[0] or size.lines < SMALLEST[1]:
        cure = f"Make the window at least {SMALLEST[0]}×{SMALLEST[1]}."
        found.append(warning("terminal.size", f"{size.columns}×{size.lines} is small", cure))
    else:
        found.append(ok("terminal.size", f"{size.columns}×{size.lines}"))
    found.append(_colours(env))
    encoding = (sys.stdout.encoding or "").lower()
    if encoding.replace("-", "") == "utf8":
        found.append(ok("terminal.text", "UTF-8"))
    else:
        cure = "Set a UTF-8 locale, such as LANG=C.UTF-8."
        found.append(warning("terminal.text", f"the encoding is {encoding}: not all text can be shown", cure))
    if env.get("TMUX"):
        found.append(_tmux())
    elif env.get("STY"):
        cure = "Use tmux, or copy with the mouse."
        found.append(warning("terminal.clipboard", "GNU screen does not pass on the clipboard", cure))
    else:
        found.append(ok("terminal.clipboard", "copies go to the terminal's clipboard (OSC 52), if it allows that"))
    return found


def _colours(env: Mapping[str, str]) -> Check:
    term = env.get("TERM", "")
    if env.get("NO_COLOR"):
        return ok("terminal.colours", "none: NO_COLOR is set")
    if env.get("COLORTERM") in ("truecolor", "24bit"):
        return ok("terminal.colours", "millions")
    if "256color" in term:
        return ok("terminal.colours", "256")
    cure = "Set TERM to what your terminal is, such as xterm-256color (in tmux: tmux-256color)."
    return warning("terminal.colours", f"only 16, according to TERM={term}", cure)


def _tmux() -> Check:
    try:
        done = subprocess.run(
            ["tmux", "show-options", "-gv", "set-clipboard"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
        value = done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        value = ""
    if value == "on":
        return ok("terminal.clipboard", "tmux passes on the clipboard")
    cure = "tmux set -g set-clipboard on"
    return warning("terminal.clipboard", f"tmux does not pass on copies (set-clipboard {value or 'unknown'})", cure)


def data_folder() -> list[Check]:
    """Checks that the folder for store, log and reports exists and has room."""
    folder = paths.data_dir()
    cure = "Check the permissions, or name another folder with MM_TUI_DATA."
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [problem("data", f"{folder}: {error.strerror}", cure)]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [problem("data", f"{folder} cannot be written", cure)]
    found = []
    if os.name != "nt" and folder.stat().st_mode & 0o077:
        found.append(warning("data.mode", f"{folder} is open to others", f"chmod 700 {folder}"))
    if free < LOW_SPACE:
        words = f"{folder}: {free // 1024 // 1024} MiB are free"
        found.append(warning("data", words, "Make room: what is being edited is saved there."))
    else:
        found.append(ok("data", str(folder)))
    return found


def store(settings: Settings) -> list[Check]:
    """Checks that the profile's store opens and is undamaged, and that its journal is intact."""
    from mm_tui.store.audit.journal import Journal
    from mm_tui.store.belongs import Gateway, OtherGateway, bind
    from mm_tui.store.connecting import NewerStore
    from mm_tui.store.database import Database
    from mm_tui.store.decisions.edits import EditStore
    from mm_tui.store.decisions.records import DecisionStore
    from mm_tui.store.seal import StoreError

    path = paths.store_path(settings.profile.name)
    if not path.exists():
        return [ok("store", "none yet: created on first use")]
    try:
        with Database.open(path, memory=settings.sync.memory) as database:
            bind(database, Gateway.of(settings.profile), note=False)
            faults, trouble = database.check(), database.trouble
            verdict = Journal(database).verify()
            edits = len(EditStore(database).all())
            undecided = [row.item_id for row in DecisionStore(database).open()]
    except NewerStore as error:
        return [problem("store", str(error), "Update mm-tui, or name another profile.")]
    except OtherGateway as error:
        return [problem("store", str(error), "Nothing is read from it or written to it until then.")]
    except StoreError as error:
        return [problem("store", str(error), "Mail is fetched again automatically; unsent edits are in the old file.")]
    except (OSError, sqlite3.Error) as error:
        return [problem("store", f"{path}: {system_words(error)}", "Check the space on the disk and the file's mode.")]
    found: list[Check] = []
    if faults:
        cure = "Start the app: it sets the file aside and builds a new one."
        found.append(problem("store", f"{path} is damaged: {faults[0]}", cure))
    else:
        found.append(ok("store", str(path)))
    if trouble is not None:
        found.append(problem("store.head", str(trouble), "Run `mm-tui audit verify` for details.", Exit.CHANGED))
    if verdict.ok:
        found.append(ok("journal", verdict.words))
    else:
        cure = "Somebody or something changed it: keep the file, and compare with the gateway's audit log."
        found.append(problem("journal", verdict.words, cure, Exit.CHANGED))
    if undecided:
        cure = "Open the app, or `mm-tui pending answer ID`: the gateway is read and you are asked."
        found.append(warning("decisions", f"not finished: {', '.join(undecided)}", cure))
    if edits:
        found.append(ok("edits", f"{edits} unsent {'edit is' if edits == 1 else 'edits are'} saved"))
    return found
