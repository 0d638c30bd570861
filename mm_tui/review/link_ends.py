"""Finds where a bare link in running text begins and ends, if text is attached to it without a space.

Programs that detect links disagree here. Nothing that could lead a browser elsewhere is cut off: only letters of
scripts without spaces between words, full stops and brackets, where no address can contain them.
"""

from __future__ import annotations

import re

from mm_tui.review.lookalike import is_public_suffix, same_site

# Characters that end a bare link: brackets, quotes, and full stops of scripts without spaces after them.
STOPS = "「」『』【】〈〉《》〔〕〖〗（）［］｛｝｟｠“”„‟«»‹›、，．。！？；：…‥・"
_SECOND = re.compile(r"(?<=[^\x00-\x7f)\]}])https?:[/\\]{2}", re.IGNORECASE)
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\](?::\d+)?", re.IGNORECASE)
# Letters of scripts without spaces between words, and Korean, whose particles follow a name without a space.
_LETTERS = (
    r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    r"\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{_LETTERS}]+")
_LEAD = re.compile(f"[_{_LETTERS}]+(?=[a-z0-9])", re.IGNORECASE)
_GLUED_TO_PATH = re.compile(f"(?<=[a-z0-9])[{_LETTERS}]", re.IGNORECASE)
_DOT = re.compile(r"[.。．｡]")
_NO_HOST = re.compile(rf"[()\[\]{{}}'`*,;!|^~+=$&’‘{''.join(sorted(set(STOPS) - set('。．')))}]")
_MORE_HOST = re.compile(r"[.。．｡][\w-]*[a-z0-9]", re.IGNORECASE)
_ASCII_END = re.compile(r"[a-z]{2,24}(?![a-z0-9-])", re.IGNORECASE)
_TRAILING = ".,;:!?*_'’‘`~|\\^"
_PAIRS = {")": "(", "]": "[", "}": "{"}


def without_tail(target: str) -> str:
    """The target without the sentence's punctuation, and without brackets that are not opened in it."""
    while target:
        last = target[-1]
        closes = last in _PAIRS and target.count(last) > target.count(_PAIRS[last])
        if not closes and last not in _TRAILING:
            break
        target = target[:-1]
    return target


def authority_size(authority: str) -> int:
    """How many characters after the slashes belong to the address; the rest is attached text."""
    before, sign, host = authority.rpartition("@")
    if sign:
        # A program may take anything before the sign for a user name, unless it is text after the address followed by
        # an email address at the same site.
        size = authority_size(before)
        if size < len(before) and same_site(before[:size].lower(), host[: host_size(host)].lower()):
            return size
        return len(before) + 1 + host_size(host)
    if match := _IPV6.match(authority):
        return match.end()
    return host_size(authority)


def host_size(host: str) -> int:
    """How many characters of `host` are a host name. A name never ends in a label that mixes ASCII with a script
    without spaces."""
    # Browsers accept strange signs in a host; they are certainly text only if no further label follows.
    if (stop := _NO_HOST.search(host)) is not None and _MORE_HOST.search(host, stop.end()) is None:
        host = host[: stop.start()]
    name, colon, port = host.partition(":")
    if colon and (digits := re.match(r"\d*", port)) is not None and name.isascii():
        return len(name) + 1 + digits.end()
    if name.isascii():
        return len(host)
    ends = [dot.start() for dot in _DOT.finditer(name)] + [len(name)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    last = next((name[start:end] for start, end in reversed(list(zip(starts, ends, strict=True))) if end > start), "")
    if last.isascii() or _UNSPACED.search(last) is None or is_public_suffix(last):
        return len(name)
    for start, end in reversed(list(zip(starts[1:], ends[1:], strict=True))):
        if (label := _ASCII_END.match(name, start, end)) is not None:
            return label.end()
    return len(name)


def glued(host: str) -> int:
    """How many letters at the beginning of `host`, in a script without spaces, are preceding text."""
    lead = _LEAD.match(host)
    return lead.end() if lead is not None else 0


def address_of(target: str, begin: int) -> str:
    """The part of a bare target that is the link. `target`: from its scheme on, as far as no space or quote ends it.
    `begin`: the index of the host or the user name in it."""
    if (second := _SECOND.search(target, 1)) is not None:
        target = target[: second.start()]
    authority = re.split(r"[/\\?#]", target[begin:], maxsplit=1)[0]
    size = authority_size(authority)
    if size < len(authority):
        return target[: begin + size]
    text = _GLUED_TO_PATH.search(target, begin + size)
    return target[: text.start()] if text is not None else target
