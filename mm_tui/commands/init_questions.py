"""The questions of `mm-tui init`. Each answer is tried at once, and only a wrong one is asked again."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import msgspec

from mm_tui.commands import key_probe
from mm_tui.commands.common import GATEWAY_KEYS
from mm_tui.commands.key_probe import KeyReport
from mm_tui.commands.output import printing as emit
from mm_tui.gateway.errors import GatewayError
from mm_tui.settings.file import fault_of
from mm_tui.settings.keys import with_keys
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import DEFAULT_URL, ConfigError, Profile, Settings
from mm_tui.system import lookups
from mm_tui.text import ManyLine, OneLine

_WHY = """\
The gateway issues keys with scopes. No key may both send and approve, so that
nobody approves what they wrote:
  oversight  read + oversight  sees the queue and decides: the one you need
  send       read + send       submits your edits of a draft, replies and tags
  admin      read + admin      the audit log, mailboxes and webhooks
Leave a key empty to do without it. A key is not shown as you type it. Instead
of a key you can give a command that prints it: !pass show multimail/oversight
"""


class Questions:
    """Asks for missing values, hiding keys; the answers are added to `fields`. `tries`: try addresses and keys at once;
    otherwise only their format is checked."""

    def __init__(self, fields: dict[str, str], *, tries: bool) -> None:
        self.fields = fields
        self._tries = tries
        self.reports: dict[str, KeyReport] = {}
        """What each tried gateway key may do."""
        self.found: dict[str, Secret] = {}
        """The keys printed by commands, so that none runs twice."""

    def ask(self) -> None:
        """Asks all of them. Raises EOFError if the input ended."""
        emit.line(ManyLine(_WHY))
        self._ask_url()
        while True:
            for name in GATEWAY_KEYS:
                self._ask_key(name, f"{name} key: ")
            if any(has_key(self.fields, name) for name in GATEWAY_KEYS):
                break
            emit.wrapped_note("A profile needs at least one of these keys (ctrl+c ends and writes nothing).")
        if not has_key(self.fields, "ai21"):
            self._ask_key("ai21", "AI21 key (for the assistant): ")
        if "mailbox" in self.fields and self.reports:
            self._ask_mailbox(self.fields["mailbox"])

    def wants_keyring(self) -> bool:
        """Asks where to store the keys, if there is a choice."""
        typed = any(f"{name}_key" in self.fields for name in (*GATEWAY_KEYS, "ai21"))
        if not typed or find_spec("keyring") is None:
            return False
        return yes("Keep the keys in the system's keyring instead of the settings file?")

    def _ask_url(self) -> None:
        given = self.fields.pop("url", "")
        while True:
            url = given or input(f"Gateway [{DEFAULT_URL}]: ").strip() or DEFAULT_URL
            fault = self._tried(partial(self._url_fault, url), "the address")
            if not fault:
                break
            given = ""
            self._again(fault, "Give another address (ctrl+c ends; --no-check asks no gateway)")
        if url != DEFAULT_URL:
            self.fields["url"] = url

    def _url_fault(self, url: str) -> str:
        address = self._profile(url=url).url
        return lookups.run(key_probe.address_fault(address)) if self._tries else ""

    def _ask_key(self, name: str, prompt: str) -> None:
        while answer := getpass.getpass(prompt).strip():
            field, value = f"{name}_key", answer
            if answer.startswith("!"):
                field, value = f"{name}_key_command", answer[1:].strip()
            about = "AI21" if name == "ai21" else name
            fault = self._tried(partial(self._key_fault, name, field, value), f"the {about} key")
            if not fault:
                self.fields[field] = value
                return
            self._again(fault, "Give another, or leave it empty to do without it")

    def _key_fault(self, name: str, field: str, value: str) -> str:
        profile = self._profile(**{field: value})
        if not self._tries:
            return ""
        emit.note(OneLine(f"trying the {'AI21' if name == 'ai21' else name} key …"))
        profile = with_keys(Settings(profile=profile)).profile
        key: Secret = getattr(profile, f"{name}_key")
        if name == "ai21":
            refused, doubt = lookups.run(key_probe.ai21_fault(key, profile.ai21_host))
            if doubt:
                emit.wrapped_note(f"The AI21 key could not be tried and is kept: {doubt}")
            fault = refused
        else:
            report = lookups.run(key_probe.probe(profile.url, key))
            fault = "; ".join(key_probe.faults(name, report))
            if not fault:
                self.reports[name] = report
        if not fault:
            self.found[f"{name}_key"] = key
        return fault

    def _ask_mailbox(self, wanted: str) -> None:
        boxes = {text for report in self.reports.values() for box in report.mailboxes for text in (box.address, box.id)}
        addresses = sorted({box.address for report in self.reports.values() for box in report.mailboxes})
        while wanted and wanted not in boxes:
            self._again(f"there is no mailbox {wanted}", f"The account has: {', '.join(addresses) or 'none'}")
            wanted = input("Mailbox to show first [all]: ").strip()
        self.fields.pop("mailbox")
        if wanted:
            self.fields["mailbox"] = wanted

    def _profile(self, **more: str) -> Profile:
        given: dict[str, str] = {name: text for name, text in self.fields.items() if name in ("url", "ai21_host")}
        return Profile.of({"name": "new", **given, **more})

    def _tried(self, attempt: Callable[[], str], what: str) -> str:
        """What is wrong with an answer; empty if nothing is. A key's text is never quoted."""
        try:
            return attempt()
        except msgspec.ValidationError as error:
            place, what = fault_of(error)
            return ": ".join([*place, what])
        except ConfigError as error:
            return f"{error.where.removeprefix('profiles.new.')}: {error.what}"
        except GatewayError as error:
            return f"{what} could not be tried: {error.message}"

    def _again(self, fault: str, what_to_do: str) -> None:
        emit.wrapped_note(f"{fault.rstrip('.')}. {what_to_do}; your other answers are kept.")


def has_key(fields: dict[str, str], name: str) -> bool:
    """Whether this key, or a command that prints it, is given."""
    return f"{name}_key" in fields or f"{name}_key_command" in fields


def yes(question: str) -> bool:
    """Asks on the terminal; anything but y or yes means no."""
    return input(f"{question} [y/N]: ").strip().lower() in ("y", "yes")
