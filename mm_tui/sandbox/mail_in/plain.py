"""Formats plain text: joins flowed lines and expands tabs."""

from __future__ import annotations

import re
import unicodedata

TAB_STOP = 8
_QUOTE = re.compile(r"^(>*)( ?)")
_SIGNATURE = "-- "


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Text in format=flowed (RFC 3676), in which a line that ends in a space goes on, with its paragraphs on one line
    each; quote levels are kept. `delete_space` (the parameter delsp): that space is not part of the text."""
    made: list[str] = []
    held: str | None = None
    held_depth = 0
    for line in text.split("\n"):
        depth, content = _unquoted(line)
        if held is not None and (depth != held_depth or content in ("", _SIGNATURE)):
            made.append(_quoted(held_depth, held.rstrip(" ")))
            held = None
        flows = content.endswith(" ") and content != _SIGNATURE
        joined = (held or "") + content
        if flows:
            held, held_depth = joined[:-1] if delete_space else joined, depth
        else:
            made.append(_quoted(depth, joined))
            held = None
    if held is not None:
        made.append(_quoted(held_depth, held.rstrip(" ")))
    return "\n".join(made)


def _unquoted(line: str) -> tuple[int, str]:
    """The quote depth, and the content without its stuffed space."""
    marks = _QUOTE.match(line)
    assert marks is not None
    return len(marks[1]), line[marks.end() :]


def _quoted(depth: int, content: str) -> str:
    return f"{'>' * depth} {content}" if depth and content else ">" * depth + content


def without_tabs(text: str) -> str:
    """Text with every tab replaced by the spaces up to the next stop; wide signs count as two."""
    if "\t" not in text:
        return text
    return "\n".join(_expanded(line) if "\t" in line else line for line in text.split("\n"))


def _expanded(line: str) -> str:
    if line.isascii():
        return line.expandtabs(TAB_STOP)
    made: list[str] = []
    column = 0
    for sign in line:
        if sign == "\t":
            spaces = TAB_STOP - column % TAB_STOP
            made.append(" " * spaces)
            column += spaces
            continue
        made.append(sign)
        if not unicodedata.combining(sign) and unicodedata.category(sign) not in ("Mn", "Me", "Cf"):
            column += 2 if unicodedata.east_asian_width(sign) in "WF" else 1
    return "".join(made)
