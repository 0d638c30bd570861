"""Splits an mbox file of any variant into its emails.

A separator is a line "From " with a sender and a date, or one followed by email headers. Other such lines are unquoted
text. A Content-Length that leads to the next separator is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mm_tui.sandbox.mail_in.headers import is_header_block

_FROM_LINE = re.compile(rb"^From (?![ \t]*:)[^\n]*\n", re.MULTILINE)
_ENVELOPE = re.compile(
    rb"From +(?:\S+|\"[^\"]*\"@\S+|-)? *(?:remote from \S+ *)?(?:\S+ +)?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b"
    rb".*\d\d:\d\d.*\d{4}.*|From - \S.*\d{4}.*"
)
_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,10})[ \t]*$", re.MULTILINE | re.IGNORECASE)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADER_LINE = re.compile(rb"(?:[!-9;-~]{1,200}[ \t]*:|>From )")


@dataclass(frozen=True, slots=True)
class RawMail:
    """An email as it was stored."""

    raw: bytes
    place: str
    """The file, and the number of the mail in it."""
    envelope: str = ""
    """The sender and date of its mbox separator line."""
    end: int = 0
    """The bytes of the file read up to the end of this email."""
    oddities: tuple[str, ...] = ()


def mails_of_mbox(data: bytes, name: str) -> Iterator[RawMail]:
    """Splits an mbox that begins with a separator. `data`: the file with line feeds as line ends."""
    start = 0
    number = 0
    while start < len(data):
        number += 1
        line_end = data.find(b"\n", start) + 1 or len(data)
        envelope = data[start + 5 : min(line_end, start + 200)].decode("latin-1").strip()
        counted = _end_by_length(data, line_end)
        end, oddities = (counted, _unquoted_in(data, line_end, counted)) if counted else _end_of_mail(data, line_end)
        # With Content-Length a quoted line may be real text; otherwise it was quoted for the mbox.
        raw = data[line_end:end] if oddities and counted else _QUOTED_FROM.sub(rb"\1", data[line_end:end])
        yield RawMail(raw, f"{name} #{number}", envelope, end, tuple(oddities))
        start = end


def begins_with_separator(data: bytes) -> bool:
    """Whether the first line begins an mbox: not a header `From :` with a space before its colon, and no text."""
    match = _FROM_LINE.match(data)
    if match is None:
        return data.startswith(b"From ") and b"\n" not in data
    return _ENVELOPE.fullmatch(match[0].rstrip(b"\n")) is not None or _HEADER_LINE.match(data, match.end()) is not None


def first_separator(data: bytes) -> int | None:
    """The index of the first line that certainly begins an email of an mbox; None if there is none."""
    for match in _FROM_LINE.finditer(data):
        line = data[match.start() : match.end() - 1]
        if _ENVELOPE.fullmatch(line) and is_header_block(data[match.end() : match.end() + 20_000]):
            return match.start()
    return None


def _end_of_mail(data: bytes, start: int) -> tuple[int, list[str]]:
    """The end of the email that starts there, and any irregularities."""
    oddities: list[str] = []
    for match in _FROM_LINE.finditer(data, start):
        if _separates(data, match.start()):
            return match.start(), oddities
        if _is_behind_blank(data, match.start()):
            oddities.append('unquoted "From " line')
    return len(data), oddities


def _unquoted_in(data: bytes, start: int, end: int) -> list[str]:
    found = any(_separates(data, match.start()) for match in _FROM_LINE.finditer(data, start, end))
    return ['unquoted "From " line'] if found else []


def _end_by_length(data: bytes, start: int) -> int | None:
    """The end according to Content-Length, if a separator or the end of the file is there."""
    head_end = data.find(b"\n\n", start)
    if head_end < 0:
        return None
    match = _LENGTH.search(data, start, head_end + 1)
    if match is None:
        return None
    end = head_end + 2 + int(match[1])
    if end > len(data):
        return None
    # The count may or may not include the blank line before the separator.
    for blank in (b"", b"\n", b"\n\n"):
        at = end + len(blank)
        if data[end:at] == blank and (
            at == len(data) or (data.startswith(b"From ", at) and data[at - 1 : at] == b"\n")
        ):
            return at
    return None


def _is_behind_blank(data: bytes, at: int) -> bool:
    line = data[data.rfind(b"\n", 0, max(at - 1, 0)) + 1 : at]
    return not line.strip()


def _separates(data: bytes, at: int) -> bool:
    line_end = data.find(b"\n", at) + 1
    if not line_end:
        return False
    line = data[at : line_end - 1]
    following = data[line_end : line_end + 20_000]
    well_formed = _ENVELOPE.fullmatch(line) is not None
    if well_formed and _is_behind_blank(data, at):
        return _HEADER_LINE.match(following) is not None or not following.strip() or following.startswith(b"\n")
    # Without a date, or without a blank line before it, it counts only if an email certainly begins.
    return (well_formed or _is_behind_blank(data, at)) and is_header_block(following) and _begins_a_mail(following)


_FIRST = re.compile(
    rb"(?:From|Return-Path|Received|Delivered-To|Date|Message-ID|MIME-Version|Subject|To|X-[\w-]+|Status|Envelope-To)"
    rb"[ \t]*:",
    re.IGNORECASE,
)


def _begins_a_mail(following: bytes) -> bool:
    head = following.split(b"\n\n", 1)[0].lower()
    named = sum(
        re.search(rb"^" + name + rb"[ \t]*:", head, re.MULTILINE) is not None
        for name in (b"from", b"date", b"subject", b"message-id", b"received", b"to")
    )
    return _FIRST.match(following) is not None and named >= 2
