"""Reads `config.toml` and the environment, with precise errors. Order of precedence: command-line flags, environment,
file, defaults."""

from __future__ import annotations

import os
import re
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from mm_tui.settings.checks import FieldError
from mm_tui.settings.paths import config_path
from mm_tui.settings.sections import (
    FORMAT,
    Agent,
    Assist,
    ConfigError,
    Filters,
    Notice,
    Profile,
    Review,
    Risk,
    Section,
    Settings,
    SyncSettings,
    Ui,
)
from mm_tui.text import OneLine, system_words

ENVIRONMENT: Mapping[str, str] = {
    "MULTIMAIL_API_URL": "url",
    "MULTIMAIL_MAILBOX_ID": "mailbox",
    "MULTIMAIL_API_KEY": "oversight_key",
    "MULTIMAIL_SEND_API_KEY": "send_key",
    "MULTIMAIL_ADMIN_API_KEY": "admin_key",
    "AI21_API_KEY": "ai21_key",
    "AI21_API_HOST": "ai21_host",
    "MM_TUI_REVIEWER": "reviewer",
}
"""Environment variables and the profile field that each sets."""

SECTIONS: Mapping[str, type[Section]] = {
    "assist": Assist,
    "agent": Agent,
    "review": Review,
    "risk": Risk,
    "sync": SyncSettings,
    "notice": Notice,
    "ui": Ui,
    "filters": Filters,
}
"""The tables of the file other than profiles."""

_SCALARS = frozenset({int, float, bool, str, type(None)})


def load(path: Path | None = None, *, profile: str | None = None) -> Settings:
    """Reads the settings from a file, by default `config_path()`, which need not exist. `profile` is by default
    `MM_TUI_PROFILE`, then the file's `default_profile`, then its first profile. Raises ConfigError if the file is
    unreadable, not TOML or of a newer version, or it or the environment has an invalid name or value."""
    file = path or config_path()
    text = read(file, must_exist=path is not None)
    table = parse(text, file)
    profiles = table.pop("profiles", {})
    named = table.pop("default_profile", None)
    if not isinstance(profiles, dict) or not all(isinstance(one, dict) for one in profiles.values()):
        raise ConfigError(str(file), "profiles is not a table of tables", "Write [profiles.NAME].")
    chosen = profile or os.environ.get("MM_TUI_PROFILE") or named or next(iter(profiles), "default")
    if not isinstance(chosen, str):
        raise ConfigError(str(file), "default_profile is not a string", 'Write default_profile = "NAME".')
    if (profiles or profile) and chosen not in profiles:
        has = f"It has: {', '.join(profiles)}." if profiles else "It has none yet: `mm-tui init` writes one."
        raise ConfigError(str(file), f"has no profile {chosen!r}", has)
    _merge_environment(table)
    fields: dict[str, Any] = dict(profiles.get(chosen, {}), name=chosen)
    from_environment = {field: name for name, field in ENVIRONMENT.items() if os.environ.get(name)}
    for field, name in from_environment.items():
        fields[field] = os.environ[name]
    try:
        settings = Settings.of({**table, "profile": fields})
    except msgspec.ValidationError as error:
        raise _explained(error, table, file, text, chosen, from_environment) from None
    check_filters(settings.filters, file, text)
    return settings


def check_filters(filters: Filters, file: Path, text: str) -> None:
    """Raises ConfigError for the first invalid saved filter, with its line in the file's `text`."""
    if not (filters.queue or filters.inbox):
        return
    from mm_tui import query

    for field, own, language in (("queue", filters.queue, query.QUEUE), ("inbox", filters.inbox, query.MAIL)):
        if wrong := query.check_saved(own, language):
            name, words, cure = wrong
            where = f"{file}{_line(text, ['filters', field, name])}"
            raise ConfigError(where, f"filters.{field}.{OneLine(name)}: {words}", cure)


def read(file: Path, *, must_exist: bool) -> str:
    """The file's text; empty if it does not exist and need not. Raises ConfigError."""
    try:
        return file.read_text("utf-8-sig")  # Windows editors begin it with a mark
    except FileNotFoundError:
        if not must_exist:
            return ""
        raise ConfigError(str(file), "there is no such file", "`mm-tui init` writes one.") from None
    except UnicodeDecodeError:
        raise ConfigError(str(file), "is not UTF-8 text", "Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(str(file), system_words(error), "Check the path and its mode.") from None


def parse(text: str, file: Path) -> dict[str, Any]:
    """Parses the file's tables, without `version`. Raises ConfigError if it is not TOML, or of a newer version."""
    if not text:
        return {}
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), f"is not TOML: {error}", "Fix that line.") from None
    except RecursionError:
        raise ConfigError(str(file), "is nested too deeply", "Remove the brackets that are too many.") from None
    if "profile" in table:
        where = f"{file}{_line(text, ['profile'])}"
        raise ConfigError(where, "there is no table [profile]", "Write [profiles.NAME].")
    version = table.pop("version", FORMAT)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ConfigError(str(file), "version is not a number", f"Write version = {FORMAT}.")
    if version > FORMAT:
        raise ConfigError(
            str(file),
            f"was written for a newer mm-tui (version {version}; this one knows {FORMAT})",
            "Upgrade mm-tui, or use another file with --config.",
        )
    return table


def _merge_environment(table: dict[str, Any]) -> None:
    """Overrides the file's tables with `MM_TUI_SECTION_FIELD`, for fields with a single value."""
    for section, model in SECTIONS.items():
        for field in model.__struct_fields__:
            value = os.environ.get(variable(section, field))
            if value and is_scalar(model, field) and isinstance(table.setdefault(section, {}), dict):
                table[section][field] = value


def is_scalar(model: type[Section], field: str) -> bool:
    """Whether a field has a single value, so that a variable can set it."""
    kind = typing.get_type_hints(model)[field]
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (types.UnionType, typing.Union) else (kind,)
    return all(one in _SCALARS or typing.get_origin(one) is typing.Literal for one in kinds)


def variable(section: str, field: str) -> str:
    """The environment variable that sets a field of a section."""
    return f"MM_TUI_{section}_{field}".upper()


_AT = r" - at (?:`key` in )?`\$(?P<path>[^`]*)`$"
_UNKNOWN = r"Object contains unknown field `(.*)`"


def _explained(
    error: msgspec.ValidationError,
    table: Mapping[str, Any],
    file: Path,
    text: str,
    chosen: str,
    from_environment: Mapping[str, str],
) -> ConfigError:
    """The error with its place: the variable, or the file with line and key."""
    place, what = fault_of(error)
    unknown = re.fullmatch(_UNKNOWN, what)
    place += [unknown[1]] if unknown else _wrong_key(table, place)
    if place[0] == "profile":
        if len(place) > 1 and place[1] in from_environment:
            return ConfigError(f"environment variable {from_environment[place[1]]}", what, "Fix it.")
        model: type[Section] = Profile
        place[:1] = ["profiles", chosen]
    else:
        model = SECTIONS.get(place[0], Settings) if len(place) > 1 else Settings
        if len(place) == 2 and os.environ.get(variable(*place)):
            return ConfigError(f"environment variable {variable(*place)}", what, "Fix it.")
    where = f"{file}{_line(text, place)}"
    name = ".".join(place)
    if not unknown:
        return ConfigError(where, f"{name}: {what}", _cure(model, place))
    known = [
        *model.__struct_fields__, *([] if model is not Settings else ["profiles", "default_profile", "version"]),
    ]  # fmt: skip
    # Only needed here, and not small.
    import difflib

    near = difflib.get_close_matches(place[-1], known, n=1)
    cure = f"Did you mean {near[0]}?" if near else "`mm-tui docs configuration` lists all settings."
    return ConfigError(where, f"{name} is not a setting", cure)


def _cure(model: type[Section], place: Sequence[str]) -> str:
    """What to write there: the allowed values, if there are only some."""
    kind = typing.get_type_hints(model).get(place[1]) if len(place) == 2 else None
    if typing.get_origin(kind) is typing.Literal:
        return f"It takes {' or '.join(map(repr, typing.get_args(kind)))}, see `mm-tui docs configuration`."
    return "`mm-tui docs configuration` says what it takes."


def fault_of(error: msgspec.ValidationError) -> tuple[list[str], str]:
    """The place of an error in the settings, as names from the outermost in, and its message."""
    message = str(error)
    found = re.search(_AT, message)
    place = [part for part in re.split(r"[.\[\]]+", found["path"]) if part and part != "..."] if found else []
    what = message[: found.start()] if found else message
    if isinstance(error.__cause__, FieldError):
        field, _, what = what.partition(": ")
        place.append(field)
    return place, _plain(what)


def _wrong_key(table: Mapping[str, Any], place: Sequence[str]) -> list[str]:
    """The key with the invalid value in a table of free names, which the library does not report."""
    inner: Any = table
    for name in place:
        inner = inner.get(name) if isinstance(inner, dict) else None
    for key, value in inner.items() if isinstance(inner, dict) else ():
        alone: Any = {key: value}
        for name in reversed(place):
            alone = {name: alone}
        try:
            Settings.of(alone)
        except msgspec.ValidationError:
            return [str(key)]
    return []


_EXPECTED = r"Expected `(?P<kind>[^`]*)`(?: (?P<sign>[<>]=) (?P<limit>[\d.]+))?(?:, got `(?P<got>[^`]*)`)?"
_KINDS = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}


def _plain(what: str) -> str:
    """Rewords the library's message on a wrong type or size."""
    if expected := re.fullmatch(_EXPECTED, what):
        kinds = [kind for kind in expected["kind"].split(" | ") if kind != "null"]
        words = f"must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}"
        if expected["sign"]:
            bound = "least" if expected["sign"] == ">=" else "most"
            words += f" of at {bound} {expected['limit'].removesuffix('.0')}"
        return f"{words}, not {_KINDS.get(expected['got'], expected['got'])}" if expected["got"] else words
    return what.replace("Invalid enum value", "cannot be")


def _line(text: str, place: list[str]) -> str:
    """ ", line N" of the key at this place, if it can be found in the text; otherwise empty."""
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.fullmatch(r"\s*\[\s*([^\]]+?)\s*\]\s*(?:#.*)?", line):
            section = header.group(1).replace('"', "").replace(" ", "")
            if section == ".".join(place):
                return f", line {number}"
        elif found := re.match(r"""\s*(?:([\w.-]+)|"([^"]*)"|'([^']*)')\s*=""", line):
            key = found.group(1) or found.group(2) or found.group(3) or ""
            name = f"{section}.{key}" if section else key
            if name == ".".join(place) or ".".join(place).startswith(name + "."):
                return f", line {number}"
    return ""
