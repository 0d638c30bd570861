"""The checks of `mm-tui doctor`."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import msgspec

from mm_tui import keymap
from mm_tui.commands import common, key_probe
from mm_tui.commands.output.exits import Exit
from mm_tui.crash import UnsafeEnvironment, refuse_unsafe_environment
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError, NotMultiMail, ServerFault, TooMany
from mm_tui.settings import paths
from mm_tui.settings.checks import LOOPBACK_HOSTS
from mm_tui.settings.file import load as load_settings
from mm_tui.settings.keys import with_keys
from mm_tui.settings.sections import ConfigError, Settings
from mm_tui.text import OneLine, system_words

SLOW_MS = 2000
SKEW_SECONDS = 60
"""The clock difference above which ages and deadlines on the screen are misleading."""
AI21_SECONDS = 5
LOW_SPACE = 100 * 1024 * 1024
"""Free bytes below which the disk is nearly full."""
SMALLEST = (80, 24)
"""The smallest columns and lines that every screen fits in."""


class Result(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Check(msgspec.Struct, frozen=True):
    """The finding of one check. `status` is the exit status if it is the first problem."""

    name: str
    result: Result
    words: OneLine
    cure: OneLine = OneLine("")
    status: Exit = Exit.CONFIG


def ok(name: str, words: str) -> Check:
    return Check(name, Result.OK, OneLine(words))


def warning(name: str, words: str, cure: str) -> Check:
    """It works, but not as it should."""
    return Check(name, Result.WARNING, OneLine(words), OneLine(cure))


def problem(name: str, words: str, cure: str, status: Exit = Exit.CONFIG) -> Check:
    """The result of a check: it cannot work until `cure` is done."""
    return Check(name, Result.PROBLEM, OneLine(words), OneLine(cure), status)


def configuration(path: Path | None, profile: str | None) -> tuple[list[Check], Settings | None]:
    """Checks the file, its mode, the profile and its keys; returns the settings with keys if they are valid."""
    file = path or paths.config_path()
    try:
        settings = load_settings(path, profile=profile)
    except ConfigError as error:
        return [problem("config", f"{error.where}: {error.what}", error.cure)], None
    named = settings.profile.name
    found = [ok("config", f"{file}, profile {named}" if file.exists() else f"no file; profile {named} from defaults")]
    found += _modes(file)
    try:
        settings = with_keys(settings)
    except ConfigError as error:
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
    cure = " && ".join(f"chmod {wanted} {shlex.quote(str(place))}" for place, wanted in open_to_others)
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
        return [problem("data", f"{folder}: {system_words(error)}", cure)]
    if not os.access(folder, os.W_OK | os.X_OK):
        return [problem("data", f"{folder} cannot be written", cure)]
    found = []
    if os.name != "nt" and folder.stat().st_mode & 0o077:
        found.append(warning("data.mode", f"{folder} is open to others", f"chmod 700 {shlex.quote(str(folder))}"))
    if free < LOW_SPACE:
        words = f"{folder}: {free // 1024 // 1024} MiB are free"
        found.append(warning("data", words, "Make room: what is being edited is saved there."))
    else:
        found.append(ok("data", str(folder)))
    return found


async def gateway(settings: Settings) -> list[Check]:
    """Checks health, latency, clocks, and what each key may do."""
    profile = settings.profile
    found: list[Check] = []
    try:
        async with GatewayClient(profile.url, common.keys_of(settings)) as client:
            if (fault := await key_probe.no_gateway(client)) is not None:
                return [problem("gateway", f"{profile.url}: {fault}", NotMultiMail.what_to_do, Exit.GATEWAY)]
            begun = time.monotonic()
            word = await client.health()
            took = round((time.monotonic() - begun) * 1000)
            skew = client.caller.clock_skew
    except ConfigError as error:
        return [problem("keys", f"{error.where}: {error.what}", error.cure, Exit.AUTH)]
    except ServerFault as error:
        word, took, skew = "degraded", 0, None
        found.append(problem("gateway", f"{profile.url}: {error.message}", error.what_to_do, Exit.GATEWAY))
    except NotMultiMail:
        # Its mailboxes can be read, so it is a gateway.
        word, took, skew = "", 0, client.caller.clock_skew
        found.append(ok("gateway", f"{profile.url} answers, but does not report its health"))
    except GatewayError as error:
        return [problem("gateway", f"{profile.url}: {error.message}", error.what_to_do, Exit.GATEWAY)]
    else:
        found.append(_health(profile.url, word, took))
    found.append(_clocks(skew))
    for scope, key in profile.gateway_keys().items():
        try:
            report = await key_probe.probe(profile.url, key)
        except TooMany as error:
            found.append(warning(f"keys.{scope}", str(error.message), "Wait a little and run doctor again."))
            continue
        except GatewayError as error:
            found.append(problem(f"keys.{scope}", str(error.message), error.what_to_do, Exit.GATEWAY))
            continue
        faults = key_probe.faults(scope, report)
        if faults:
            cure = "Make a key with the right scopes in your MultiMail account, and run `mm-tui init --replace`."
            found.append(problem(f"keys.{scope}", "; ".join(faults), cure, Exit.AUTH))
            continue
        found.append(ok(f"keys.{scope}", ", ".join(report.scopes)))
        if profile.mailbox and not any(profile.mailbox in (box.id, box.address) for box in report.mailboxes):
            has = ", ".join(box.address for box in report.mailboxes)
            found.append(warning("mailbox", f"there is no mailbox {profile.mailbox}", f"The account has: {has}."))
            profile = profile.replaced(mailbox=None)
    for scope, loss in (("oversight", "nothing can be decided"), ("send", "drafts cannot be edited, only sent back")):
        if scope not in profile.gateway_keys():
            found.append(warning(f"keys.{scope}", f"not set: {loss}", "Add it with `mm-tui init --replace`."))
    if "admin" not in profile.gateway_keys():
        loss = "without it the gateway's audit log cannot be read, nor mailboxes and webhooks be changed"
        found.append(ok("keys.admin", f"not set, and optional: {loss}"))
    return found


def _health(url: str, word: str, took: int) -> Check:
    if word != "ok":
        return warning("gateway", f"{url} reports its health as {word}", "Wait, or check MultiMail's status page.")
    if took > SLOW_MS:
        return warning("gateway", f"{url} answers, but takes {took} ms", "Check the network.")
    return ok("gateway", f"{url} answers in {took} ms")


def _clocks(skew: float | None) -> Check:
    if skew is None:
        return ok("clock", "not compared: the gateway does not send its time")
    if abs(skew) <= SKEW_SECONDS:
        return ok("clock", "agrees with the gateway's")
    way = "behind" if skew > 0 else "ahead of"
    amount = f"{abs(skew) / 60:.0f} min" if abs(skew) >= 120 else f"{abs(skew):.0f} s"
    words = f"this machine's clock is {amount} {way} the gateway's: ages shown are wrong by that much"
    return warning("clock", words, "Set the clock (timedatectl set-ntp true).")


async def assistant(settings: Settings) -> list[Check]:
    """Checks that AI21 can be reached, without sending a key or spending anything."""
    from urllib.parse import urlsplit

    import httpx

    profile = settings.profile
    if profile.ai21_key is None:
        cure = "Set ai21_key, or AI21_API_KEY, for summaries, labels and drafts."
        return [warning("assistant", "no AI21 key is set: everything else works", cure)]
    local = urlsplit(profile.ai21_host).hostname in LOOPBACK_HOSTS
    try:
        async with httpx.AsyncClient(timeout=AI21_SECONDS, trust_env=not local) as client:
            begun = time.monotonic()
            answer = await client.get(profile.ai21_host)
            took = round((time.monotonic() - begun) * 1000)
    except (httpx.HTTPError, OSError) as error:
        words = f"{profile.ai21_host} cannot be reached ({type(error).__name__})"
        return [warning("assistant", words, "Check the network and ai21_host; everything else works.")]
    if answer.status_code >= 500:
        words = f"{profile.ai21_host} answers with {answer.status_code}"
        return [warning("assistant", words, "Wait; everything else works.")]
    return [ok("assistant", f"{profile.ai21_host} answers in {took} ms")]
