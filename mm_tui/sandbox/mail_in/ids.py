"""Parses Message-IDs as mailers write them: in brackets or bare, folded, encoded, within phrases."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from mm_tui.sandbox.mail_in.encoded_words import header_text

_BRACKETED = re.compile(r"<([^<>]{1,900})>")
_BARE = re.compile(r"[^\s<>,;\"'()]{1,450}@[^\s<>,;\"'()]{1,450}")
_COMMENT = re.compile(r"\([^()<>]*\)")


def message_ids(values: Iterable[str], *, last_of_a_phrase: bool = False) -> tuple[str, ...]:
    """The ids in a header's values, in order, in angle brackets, without white space, each once.

    Args:
        values: the header's values as the parser gives them.
        last_of_a_phrase: between words ("Your message of … <ann@x.example> … <1@x.example>") only an id at the very
            end counts; there may be an address before it.
    """
    found: dict[str, None] = {}
    for value in values:
        line = header_text(value, lambda _what: None)
        if "&lt;" in line:
            line = html.unescape(line)
        found.update(dict.fromkeys(_ids_of(line, last_of_a_phrase=last_of_a_phrase)))
    return tuple(found)


def _ids_of(line: str, *, last_of_a_phrase: bool) -> list[str]:
    inner = ["".join(match.split()) for match in _BRACKETED.findall(line)]
    between = _BRACKETED.sub(" ", _COMMENT.sub(" ", line)).strip(" ,;<>\"'\t")
    if inner:
        bare = between.replace(",", " ").split()
        if not between or all(_BARE.fullmatch(word) for word in bare):
            ids = [*inner, *bare]
        elif not last_of_a_phrase:
            ids = inner
        else:
            ids = inner[-1:] if line.rstrip(" .;,\t").endswith(">") else []
        return [f"<{name}>" for name in ids if name]
    words = between.replace(",", " ").replace(";", " ").split()
    if words and all(_BARE.fullmatch(word.strip("\"'<>")) for word in words):
        return [f"<{word.strip(chr(34) + chr(39) + '<>')}>" for word in words]
    return [f"<{words[0]}>"] if len(words) == 1 and len(words[0]) <= 900 else []
