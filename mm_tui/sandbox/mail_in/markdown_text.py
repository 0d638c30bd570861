"""Escapes text of HTML for Markdown, only where a character would otherwise be markup."""

from __future__ import annotations

import re

_PUNCTUATION = r"!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~"
_ADDRESS = r"(?:https?|ftp)://[^\s<>\"]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_SPECIAL = re.compile(
    rf"(?P<address><(?:{_ADDRESS})>|{_ADDRESS})|\\(?=[{_PUNCTUATION}]|$)|`|&(?=#?\w{{1,31}};)|<(?=[A-Za-z/!?])|~~"
    r"|\[(?=[^\[\]\n]{0,500}\][(\[:])|[*_]"
)
_EMPHASIS = re.compile(r"[*_]")
_BEGINNING = re.compile(r"(\s*)(?:(?:#{1,6}|[-+])(?=\s|$)|>|[=-]{2,}(?=\s*$)|~{3})|(\s*\d{1,9})[.)](?=\s|$)")


def escaped(text: str, *, begins: bool = False) -> str:
    """Escapes text so that Markdown shows it unchanged.

    Args:
        text: the content of a text node.
        begins: whether it is at the beginning of a line, where more characters are special.
    """
    if begins and (match := _BEGINNING.match(text)):
        at = len(match[1] if match[1] is not None else match[2])
        # The character there is not escaped anywhere else.
        return _within(text[:at]) + "\\" + text[at] + _within(text[at + 1 :])
    return _within(text)


def _within(text: str) -> str:
    def sign(match: re.Match[str]) -> str:
        if match["address"]:
            start = match.start()
            return _EMPHASIS.sub(lambda one: _marked(text, start + one.start()), match[0])
        if match[0] in "*_":
            return _marked(text, match.start())
        return r"\~\~" if match[0] == "~~" else "\\" + match[0]

    return _SPECIAL.sub(sign, text)


def _marked(text: str, at: int) -> str:
    """The asterisk or underscore, escaped if it could open or close emphasis."""
    sign = text[at]
    before = text[:at].rstrip(sign)[-1:]
    after = text[at:].lstrip(sign)[:1]
    if sign == "_" and before.isalnum() and after.isalnum():
        return sign
    return sign if before.isspace() and after.isspace() else "\\" + sign
