"""`mm-tui init`: asks for keys, finds out what they may do, and writes a profile."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    import msgspec

    from mm_tui.commands.key_probe import KeyReport
    from mm_tui.settings.secret import Secret

GATEWAY_KEYS = ("oversight", "send", "admin")
_WHY = """\
The gateway gives out keys with scopes. No key may both send and approve, so that
nobody approves what they wrote:
  oversight  read + oversight  sees the queue and decides: the one you need
  send       read + send       submits your edits of a draft, replies and tags
  admin      read + admin      the audit log, mailboxes and webhooks
Leave a key empty to do without it. What you type is not shown. In place of a key you
can give a command that prints it, after a "!": !pass show multimail/oversight
"""


def add(commands: Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Describes the command."""
    parser = commands.add_parser(
        "init",
        parents=[shared],
        help="set up a profile: keys, gateway, mailbox",
        description="Sets up a profile and writes it to the settings file (mode 0600). Asks for the keys on a "
        "terminal, unless options or the environment give them. Each key is tried with calls that change nothing. A "
        "KEY is the key itself, @FILE to read it from a file, or - for standard input: other users of this machine can "
        "see the arguments of a command.",
    )
    parser.add_argument("--url", help="the gateway's address; default: MultiMail's own")
    for name in GATEWAY_KEYS:
        parser.add_argument(f"--{name}-key", metavar="KEY", help=f"the {name} key")
        parser.add_argument(f"--{name}-key-command", metavar="COMMAND", help=f"a command that prints the {name} key")
    parser.add_argument("--ai21-key", metavar="KEY", help="the key of AI21 Studio")
    parser.add_argument("--ai21-key-command", metavar="COMMAND", help="a command that prints it")
    parser.add_argument("--ai21-host", metavar="URL", help="the address of the AI21 API; default: AI21's own")
    parser.add_argument("--mailbox", metavar="ADDRESS", help="the mailbox to show first")
    parser.add_argument("--reviewer", metavar="NAME", help="the name under which decisions are recorded")
    parser.add_argument("--keyring", action="store_true", help="keep the keys in the system's keyring, not in the file")
    parser.add_argument("--replace", action="store_true", help="replace the profile if it exists")
    parser.add_argument("--default", action="store_true", help="make this the default profile")
    parser.add_argument("--no-check", action="store_true", help="write without checking the keys")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Sets up the profile."""
    import asyncio

    import msgspec

    from mm_tui.commands import config_writer
    from mm_tui.settings import file as config_file
    from mm_tui.settings import paths
    from mm_tui.settings import sections as config
    from mm_tui.settings.keys import with_keys
    from mm_tui.settings.sections import Profile

    path = arguments.config or paths.config_path()
    name = arguments.profile or os.environ.get("MM_TUI_PROFILE") or "default"
    if config_writer.has_profile(path, name) and not arguments.replace:
        raise CommandError(
            Exit.CONFIG, f"{path} has a profile {name!r} already", "Add --replace, or choose another --profile NAME."
        )
    fields = _given(arguments)
    asks = sys.stdin.isatty() and not any(
        f"{key}_key" in fields or f"{key}_key_command" in fields for key in GATEWAY_KEYS
    )
    if asks:
        _ask(fields, tries=not arguments.no_check)
        typed = any(f"{key}_key" in fields for key in (*GATEWAY_KEYS, "ai21"))
        arguments.keyring = arguments.keyring or (typed and _wants_keyring())
    if not any(f"{key}_key" in fields or f"{key}_key_command" in fields for key in GATEWAY_KEYS):
        raise CommandError(
            Exit.USAGE, "no key was given, and there is no terminal to ask on", "See `mm-tui init --help`."
        )
    try:
        profile = Profile.of({**fields, "name": name})
    except msgspec.ValidationError as error:
        raise _explained(error) from None
    profile = with_keys(config.Settings(profile=profile)).profile
    warnings = [profile.mismatch] if profile.mismatch else []
    reports: dict[str, KeyReport] = {}
    if not arguments.no_check:
        reports = asyncio.run(_probe_all(profile.url, profile.gateway_keys()))
        problems = _problems(reports)
        if problems:
            raise CommandError(Exit.AUTH, "; ".join(problems), "Nothing was written. Add --no-check to write anyway.")
        if arguments.mailbox and not _has_mailbox(reports, arguments.mailbox):
            raise CommandError(Exit.NOT_FOUND, f"there is no mailbox {arguments.mailbox}", "Nothing was written.")
    stored: dict[str, str | bool] = {**fields, "live": profile.is_live}
    if arguments.keyring:
        _into_keyring(name, stored)
    config_writer.write_profile(path, name, stored, default=arguments.default)
    config_file.load(path, profile=name)
    if not profile.oversight_key:
        warnings.append("without an oversight key nothing can be approved or rejected")
    if not profile.send_key:
        warnings.append("without a send key a draft cannot be edited before it is approved, only sent back")
    _tell(arguments, path, name, profile.gateway_keys(), reports, warnings)
    return Exit.OK


def _given(arguments: argparse.Namespace) -> dict[str, str]:
    """The profile's fields from options and environment."""
    from mm_tui.settings.file import ENVIRONMENT

    fields = {field: os.environ[name] for name, field in ENVIRONMENT.items() if os.environ.get(name)}
    for field in ("url", "ai21_host", "mailbox", "reviewer"):
        if value := getattr(arguments, field):
            fields[field] = value
    stdin_taken = False
    for name in (*GATEWAY_KEYS, "ai21"):
        if command := getattr(arguments, f"{name}_key_command"):
            fields[f"{name}_key_command"] = command
            fields.pop(f"{name}_key", None)
        if text := getattr(arguments, f"{name}_key"):
            if text == "-" and stdin_taken:
                raise CommandError(Exit.USAGE, "only one key can come from standard input")
            stdin_taken = stdin_taken or text == "-"
            fields[f"{name}_key"] = _key(text, f"--{name}-key")
    return fields


def _key(text: str, option: str) -> str:
    """A key from an option: itself, from @FILE, or from standard input."""
    if text == "-":
        return sys.stdin.readline().strip()
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise CommandError(Exit.USAGE, f"{option}: the file {text[1:]} cannot be read") from None


def _ask(fields: dict[str, str], *, tries: bool) -> None:
    """Asks for what is not given, keys hidden; with `tries` each key is tried at the gateway as it is given."""
    from mm_tui.settings.sections import DEFAULT_URL

    emit.line(ManyLine(_WHY))
    if "url" not in fields:
        answer = input(f"Gateway [{DEFAULT_URL}]: ").strip()
        if answer:
            fields["url"] = answer
    for name in GATEWAY_KEYS:
        while fault := _ask_key(fields, name, f"{name} key: ", tries=tries):
            emit.note(
                OneLine(f"{fault}. Give another, or leave it empty to do without it; your other answers are kept.")
            )
    if "ai21_key" not in fields and "ai21_key_command" not in fields:
        _ask_key(fields, "ai21", "AI21 key (for the assistant): ")


def _ask_key(fields: dict[str, str], name: str, prompt: str, *, tries: bool = False) -> str:
    """Asks for a key, or the command that prints it. Returns what is wrong with the key; empty when it is taken."""
    answer = getpass.getpass(prompt).strip()
    if answer.startswith("!"):
        fields[f"{name}_key_command"] = answer[1:].strip()
    elif answer:
        if tries and (fault := _fault(name, answer, fields.get("url"))):
            return fault
        fields[f"{name}_key"] = answer
    return ""


def _fault(name: str, answer: str, url: str | None) -> str:
    """What is wrong with a key that was typed; empty when nothing is, or the gateway cannot be asked now."""
    import asyncio

    import msgspec

    from mm_tui.commands.key_probe import faults, probe
    from mm_tui.gateway.errors import GatewayError
    from mm_tui.settings.sections import Profile

    try:
        profile = Profile.of({"name": "new", f"{name}_key": answer, **({"url": url} if url else {})})
        report = asyncio.run(probe(profile.url, profile.gateway_keys()[name]))
    except msgspec.ValidationError as error:
        return _explained(error).what
    except GatewayError as error:
        # All keys are tried once more before anything is written, and there it is an error.
        emit.note(OneLine(f"the {name} key could not be tried: {error.message}"))
        return ""
    return "; ".join(faults(name, report))


def _wants_keyring() -> bool:
    """Asks where the keys shall be kept, where there is a choice."""
    from importlib.util import find_spec

    if find_spec("keyring") is None:
        return False
    return input("Keep the keys in the system's keyring instead of the settings file? [y/N]: ").strip().lower() == "y"


def _explained(error: msgspec.ValidationError) -> CommandError:
    from mm_tui.settings.file import fault_of

    place, what = fault_of(error)
    return CommandError(Exit.USAGE, ": ".join([*place, what]))


async def _probe_all(url: str, keys: dict[str, Secret]) -> dict[str, KeyReport]:
    from mm_tui.commands.key_probe import probe

    return {scope: await probe(url, key) for scope, key in keys.items()}


def _problems(reports: dict[str, KeyReport]) -> list[str]:
    from mm_tui.commands.key_probe import faults

    return [fault for scope, report in reports.items() for fault in faults(scope, report)]


def _has_mailbox(reports: dict[str, KeyReport], wanted: str) -> bool:
    return any(wanted in (box.address, box.id) for report in reports.values() for box in report.mailboxes)


def _into_keyring(profile: str, stored: dict[str, str | bool]) -> None:
    """Moves the keys out of what is written into the file."""
    from mm_tui.settings.keys import KEY_NAMES, into_keyring
    from mm_tui.settings.secret import Secret

    for name in KEY_NAMES:
        key = stored.pop(f"{name}_key", None)
        if isinstance(key, str):
            into_keyring(profile, name, Secret(key))
    stored["keyring"] = True


def _tell(
    arguments: argparse.Namespace,
    path: Path,
    name: str,
    keys: dict[str, Secret],
    reports: dict[str, KeyReport],
    warnings: list[str],
) -> None:
    from mm_tui.settings.sections import is_test_key

    kinds = {scope: "test" if is_test_key(key) else "live" for scope, key in keys.items()}
    boxes = next((report.mailboxes for report in reports.values() if report.mailboxes), ())
    if arguments.json:
        emit.data(
            {
                "profile": name,
                "config": str(path),
                "keys": {
                    scope: {"kind": kind, "scopes": reports[scope].scopes if scope in reports else None}
                    for scope, kind in kinds.items()
                },
                "mailboxes": [
                    {"id": box.id, "address": box.address, "oversight_mode": box.oversight_mode} for box in boxes
                ],
                "warnings": warnings,
            }
        )
        return
    for scope, kind in kinds.items():
        can = ", ".join(reports[scope].scopes) if scope in reports else "not tried"
        emit.line(OneLine(f"{scope} key ({kind.upper()}): {can}"))
    for box in boxes:
        emit.line(OneLine(f"mailbox {box.address} ({box.oversight_mode})"))
    for warning in warnings:
        emit.note(OneLine(f"warning: {warning}"))
    emit.line(OneLine(f"Profile {name} written to {path}. Next: `mm-tui doctor`, then `mm-tui`."))
