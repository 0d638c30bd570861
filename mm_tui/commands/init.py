"""`mm-tui init`: asks for keys, checks what they may do, and writes a profile."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mm_tui.commands.common import GATEWAY_KEYS, Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit, of_failure
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.commands.key_probe import KeyReport
    from mm_tui.settings.secret import Secret
    from mm_tui.settings.sections import Profile


def add(commands: Commands) -> None:
    parser = commands.action(
        "init",
        help="set up a profile: keys, gateway, mailbox",
        description="Sets up a profile and writes it to the settings file (mode 0600). Asks for the keys on a "
        "terminal, unless options or the environment give them. Addresses and keys are tried with calls that change "
        "nothing. A KEY is the key itself, @FILE to read it from a file, or - for standard input: other users of this "
        "machine can see the arguments of a command.",
        run=run,
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


def run(arguments: argparse.Namespace) -> int:
    from mm_tui.commands import config_writer
    from mm_tui.commands.init_questions import Questions, has_key
    from mm_tui.commands.key_probe import ai21_fault, faults
    from mm_tui.settings import file as config_file
    from mm_tui.settings import paths
    from mm_tui.settings import sections as config
    from mm_tui.settings.keys import with_keys
    from mm_tui.system import lookups

    path = arguments.config or paths.config_path()
    name = arguments.profile or os.environ.get("MM_TUI_PROFILE") or "default"
    if config_writer.has_profile(path, name) and not arguments.replace:
        raise CommandError(
            Exit.CONFIG, f"{path} has a profile {name!r} already", "Add --replace, or choose another --profile NAME."
        )
    config_writer.check_writable(path)
    fields = _given(arguments)
    _checked(name, fields)
    questions = None
    if sys.stdin.isatty() and not any(has_key(fields, key) for key in GATEWAY_KEYS):
        questions = Questions(fields, tries=not arguments.no_check)
        try:
            questions.ask()
            arguments.keyring = arguments.keyring or questions.wants_keyring()
        except EOFError:
            raise CommandError(
                Exit.USAGE, "the input ended before everything was answered", "Nothing was written; start again."
            ) from None
    elif not any(has_key(fields, key) for key in GATEWAY_KEYS):
        raise CommandError(
            Exit.USAGE, "no key was given, and there is no terminal to ask on", "See `mm-tui init --help`."
        )
    profile = _checked(name, fields).replaced(**(questions.found if questions else {}))
    profile = with_keys(config.Settings(profile=profile)).profile
    warnings = [profile.mismatch] if profile.mismatch else []
    reports = questions.reports if questions else {}
    if not questions and not arguments.no_check:
        reports = lookups.run(_probe_all(profile.url, profile.gateway_keys()))
        problems = [fault for scope, report in reports.items() for fault in faults(scope, report)]
        if profile.ai21_key:
            refused, doubt = lookups.run(ai21_fault(profile.ai21_key, profile.ai21_host))
            problems += [refused] if refused else []
            warnings += [f"the AI21 key could not be tried: {doubt}"] if doubt else []
        if problems:
            raise CommandError(Exit.AUTH, "; ".join(problems), "Nothing was written. Add --no-check to write anyway.")
        boxes = [box for report in reports.values() for box in report.mailboxes]
        if arguments.mailbox and not any(arguments.mailbox in (box.address, box.id) for box in boxes):
            raise CommandError(Exit.NOT_FOUND, f"there is no mailbox {arguments.mailbox}", "Nothing was written.")
    stored: dict[str, str | bool] = {**fields, "live": profile.is_live}
    if arguments.keyring:
        stored = _in_keyring(name, stored, asks=questions is not None)
    config_writer.write_profile(path, name, stored, default=arguments.default)
    config_file.load(path, profile=name)
    if not profile.oversight_key:
        warnings.append("without an oversight key nothing can be approved or rejected")
    if not profile.send_key:
        warnings.append("without a send key a draft cannot be edited before it is approved, only sent back")
    _report(arguments, path, name, profile.gateway_keys(), reports, warnings)
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


def _checked(name: str, fields: dict[str, str]) -> Profile:
    """Builds the profile from these settings. Raises CommandError if one of them cannot be used."""
    import msgspec

    from mm_tui.settings.file import fault_of
    from mm_tui.settings.sections import Profile

    try:
        return Profile.of({**fields, "name": name})
    except msgspec.ValidationError as error:
        place, what = fault_of(error)
        raise CommandError(Exit.USAGE, ": ".join([*place, what]), "See `mm-tui init --help`.") from None


async def _probe_all(url: str, keys: dict[str, Secret]) -> dict[str, KeyReport]:
    from mm_tui.commands.key_probe import probe
    from mm_tui.gateway.errors import GatewayError

    reports = {}
    for scope, key in keys.items():
        try:
            reports[scope] = await probe(url, key)
        except GatewayError as error:
            status, what, cure = of_failure(error) or (Exit.GATEWAY, str(error.message), "")
            raise CommandError(status, f"the {scope} key could not be tried: {what}", cure) from None
    return reports


def _in_keyring(profile: str, stored: dict[str, str | bool], *, asks: bool) -> dict[str, str | bool]:
    """Stores the keys in the keyring; returns the rest for the file. With `asks`, an error becomes a question."""
    from mm_tui.commands.init_questions import yes
    from mm_tui.settings.keys import KEY_NAMES, into_keyring
    from mm_tui.settings.secret import Secret
    from mm_tui.settings.sections import ConfigError

    try:
        for name in KEY_NAMES:
            key = stored.get(f"{name}_key")
            if isinstance(key, str):
                into_keyring(profile, name, Secret(key))
    except ConfigError as error:
        if not asks:
            raise
        emit.note(OneLine(f"{error.where}: {error.what}"))
        if yes("Keep the keys in the settings file (mode 0600) after all?"):
            return stored
        raise
    return {**{name: value for name, value in stored.items() if name.removesuffix("_key") not in KEY_NAMES},
            "keyring": True}  # fmt: skip


def _report(
    arguments: argparse.Namespace,
    path: Path,
    name: str,
    keys: dict[str, Secret],
    reports: dict[str, KeyReport],
    warnings: list[str],
) -> None:
    from mm_tui.settings.checks import is_test_key

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
        emit.wrapped_note(f"warning: {warning}")
    emit.line(OneLine(f"Profile {name} written to {path}."))
    emit.line(OneLine("Next: `mm-tui doctor`, then `mm-tui`."))
