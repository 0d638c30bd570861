"""Addresses in header form, as mail and its readers write them: `Ann <ann@x.example>`."""

from __future__ import annotations

import re
from email.utils import parseaddr

_PLAIN_PARTY = re.compile(r"(?:(\w+(?: \w+)*) <)?([\w+-]+(?:\.[\w+-]+)*@[\w-]+(?:\.[\w-]+)*)(>)?", re.ASCII)
_ANGLED = re.compile(r"([^<>]*)<([^<>\s@]+@[^<>\s@]+)>\s*", re.ASCII)
_QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\.)*+)"')
_SPECIAL = re.compile(r'[][\\()<>@,:;".]')
"""A name with one of these is quoted (RFC 5322, 3.2.3)."""
_RECIPIENT = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^",])++')
_QUOTED_WELL = re.compile(r'(?:"(?:[^"\\]|\\.)*+"|[^"])*+')


def recipients(line: str) -> tuple[str, ...]:
    """The recipients in a line in header form, separated by commas outside quotes."""
    parts = _RECIPIENT.findall(line) if _QUOTED_WELL.fullmatch(line) else line.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def name_and_address(raw: str) -> tuple[str, str]:
    """The name and address in header form, never dropping what could be a further recipient."""
    # Simple forms are matched by a pattern, because `parseaddr` is slow.
    plain = _PLAIN_PARTY.fullmatch(raw)
    if plain is not None and (plain[1] is None) == (plain[3] is None):
        return plain[1] or "", plain[2]
    if angled := _ANGLED.fullmatch(raw):
        # An unquoted comma or colon in the name: RFC 5322 requires quotes, but real mail lacks them.
        name = angled[1].strip()
        quoted = _QUOTED_NAME.fullmatch(name)
        return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name.strip('"'), angled[2]
    if raw.count("@") != 1:
        return "", ""
    try:
        return parseaddr(raw)
    except RecursionError:
        # Hundreds of nested comments: no address that a reader could recognise.
        return "", ""


def header_form(name: str, address: str) -> str:
    """A name and an address in header form, with every script unencoded because a human edits it too."""
    if not name:
        return address
    shown = re.sub(r'(["\\])', r"\\\1", name)
    return f'"{shown}" <{address}>' if _SPECIAL.search(name) else f"{shown} <{address}>"
