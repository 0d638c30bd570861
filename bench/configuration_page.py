"""The page docs/configuration.md, written from the settings' sections."""

from __future__ import annotations

import ast
import inspect
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec

from mm_tui import query
from mm_tui.settings import file as config_file
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import FORMAT, Profile, Section, Settings


def field_docs(section: type[Section]) -> dict[str, str]:
    """The docstring under each field of a section, by the field's name: its documentation."""
    docs: dict[str, str] = {}
    body = ast.parse(inspect.getsource(section)).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            value = below.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                docs[field.target.id] = inspect.cleandoc(value.value)
    return docs


def configuration_page(generated: str) -> list[str]:
    """Every setting with its docstring, default and variable. `generated`: the line that says what wrote the page."""
    lines = [
        "# Configuration",
        generated,
        "Settings are read from `config.toml` in the user's configuration folder (on Linux "
        "`~/.config/mm-tui/config.toml`), or from the file that `--config` or `MM_TUI_CONFIG` names. Environment "
        "variables override the file, and command-line options override both. `mm-tui init` writes a profile, `mm-tui "
        "doctor` checks everything. An unknown setting is refused, with file, line and the nearest name.",
        "",
        "Mail, journal and log are kept in the user's data folder (on Linux `~/.local/share/mm-tui`), or in the one "
        "that `MM_TUI_DATA` names. Files have mode 0600, folders 0700.",
        "",
        "```toml",
        f"version = {FORMAT}",
        'default_profile = "acme"',
        "",
        "[profiles.acme]",
        'mailbox = "support@acme.example"',
        'oversight_key_command = "pass show multimail/oversight"',
        'send_key_command = "pass show multimail/send"',
        'ai21_key_command = "pass show ai21"',
        "",
        "[review]",
        "hold_seconds = 10",
        "```",
        "",
        "## Top level",
        "| setting | | default |",
        "|---|---|---|",
        f"| `version` | The version of the file format. | `{FORMAT}` |",
        "| `default_profile` | The profile that is used when `--profile` and `MM_TUI_PROFILE` name none. "
        "| the first one |",
        "",
        "## [profiles.NAME]",
        "One reviewer's access to one gateway account. No key may both send and approve, so there are two. A reviewer "
        "who has both can approve what they wrote themselves (see `own_replies` below). A key in the file is used "
        "before its command, and the command before the keyring.",
        "",
        *_settings(Profile, {field: name for name, field in config_file.ENVIRONMENT.items()}, skip={"name"}),
        "A key command runs without a shell; the first line that it prints is the key. Until then it may ask questions "
        "on the terminal; afterwards, programs that it leaves running cannot write over the screen.",
        "",
        "A file may hold any number of profiles; each has its own store. `mm-tui profiles` lists them with LIVE or "
        "TEST. `--profile` and `MM_TUI_PROFILE` choose one, and in the app `P` (or a click on its name) switches to "
        "another: its settings, keys and store are read first, and if something is wrong with them you stay where you "
        "are. Environment variables override the settings of every profile; the list says so.",
        "",
    ]
    for section, model in config_file.SECTIONS.items():
        variables = {
            field: config_file.variable(section, field)
            for field in model.__struct_fields__
            if config_file.is_scalar(model, field)
        }
        lines += [f"## [{section}]", inspect.getdoc(model) or "", "", *_settings(model, variables)]
    lines += [
        *_filters(),
        "## [keys]",
        field_docs(Settings)["keys"],
        "",
        "## [snippets]",
        field_docs(Settings)["snippets"],
        "",
        "```toml",
        "[snippets]",
        'hours = "We are here on weekdays from 9 to 17."',
        "```",
        "",
        "## Further variables",
        "| variable | |",
        "|---|---|",
        "| `MM_TUI_CONFIG` | The settings file. |",
        "| `MM_TUI_DATA` | The folder for mail, journal, log and reports. |",
        "| `MM_TUI_PROFILE` | The profile to use. |",
        "| `NO_COLOR` | No colour. |",
    ]
    return lines


def _filters() -> Iterator[str]:
    """The built-in filters and the query language, below the table of `[filters]`."""
    given = (("queue", query.QUEUE_FILTERS, query.QUEUE), ("inbox", query.MAIL_FILTERS, query.MAIL))
    yield from ("```toml", "[filters.queue]", '"money, mine" = "flag:promise_money in:support -is:claimed"')
    yield from ('drafts = ""          # removes the built-in one', "```", "")
    yield (
        "A query consists of words and operators, and an email must match all of them. `-` excludes a term, and quotes "
        "mark a phrase. A word also matches the beginning of a longer word, and any position in scripts without "
        "spaces between words. A query that is not valid is refused when the settings are read, with file, line and "
        "what to do. On the screen, `f` lists the filters with their queries, `l` and `h` move to the next and the "
        "previous filter, and the palette finds them by name; the queue also has a filter for each mailbox. `/` and "
        "`mm-tui pending list --filter` use the same language."
    )
    yield ""
    for field, filters, language in given:
        yield from (f"### filters.{field}", "| built-in filter | query |", "|---|---|")
        yield from (f"| {name} | `{text}` |" for name, text in filters.items())
        yield from ("", "| operator | takes |", "|---|---|")
        yield from (f"| `{name}:` | {cell(words)} |" for name, words in language.operators.items())
        yield ""


def _settings(model: type[Section], variables: dict[str, str], skip: set[str] | None = None) -> Iterator[str]:
    yield "| setting | | type | default | variable |"
    yield "|---|---|---|---|---|"
    docs = field_docs(model)
    for info in msgspec.structs.fields(model):
        name = info.name
        if name in (skip or set()):
            continue
        default = info.default if info.default_factory is msgspec.NODEFAULT else info.default_factory()
        words = cell(" ".join(docs.get(name, "").split()))
        variable = f"`{variables[name]}`" if name in variables else ""
        yield f"| `{name}` | {words} | {cell(_type(info.type))} | {cell(_value(default))} | {variable} |"
    yield ""


def _type(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _type(typing.get_args(annotation)[0])
    inner = typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_type(one) for one in inner if one is not type(None))
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Secret: "key"}
    return names.get(annotation, str(annotation))


def _value(default: object) -> str:
    if default is None or default is msgspec.NODEFAULT:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, str):
        return f"`{default}`" if default else "empty"
    if isinstance(default, tuple):
        return ", ".join(f"`{one}`" for one in default) or "none"
    if isinstance(default, dict):
        return ", ".join(f"`{key} = {value}`" for key, value in default.items()) or "none"
    return f"`{default}`"


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
