"""Decodes transfer encodings, even misspelled or broken ones."""

from __future__ import annotations

import base64
import binascii
import copy
import itertools
import mimetypes
import quopri
import re
from collections.abc import Iterable
from contextlib import suppress
from email.message import Message

from mm_tui.sandbox.gateway.mail import MailAttachment
from mm_tui.sandbox.mail_in.charsets import Odd

_PADDED_BREAK = re.compile(rb"=[ \t]+\r?\n")
_CHUNK = re.compile(rb"([^=]+)(=*)")
"""A run of base64 and its padding. Some programs write several, one after the other."""
_URL_SAFE = re.compile(rb"(?![-_]+$)[A-Za-z0-9_-]+={0,2}")
"""A line of base64 with the letters for addresses, and not a line of dashes."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_SHORTEST_LINE = 40
"""Programs that break base64 into lines make none shorter, except the last."""
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def undecoded(part: Message) -> bytes:
    """A part's bytes as they are in the email; none for a group."""
    bare = copy.copy(part)
    del bare["content-transfer-encoding"]
    # Without an encoding the parser returns the raw bytes; with a declared charset it would decode them itself.
    payload = bare.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def bytes_of(part: Message, odd: Odd) -> bytes:
    """A part's decoded bytes, however the encoding is spelled."""
    raw = undecoded(part)
    encoding = re.sub(r"\([^()]*\)", "", str(part.get("content-transfer-encoding") or ""))
    encoding = re.sub(r"[\s\"';.,]", "", encoding).lower().split(":")[-1]
    if encoding in ("base64", "b64", "base-64"):
        return _from_base64(raw, odd, is_text=part.get_content_maintype() in ("text", "message"))
    if encoding in ("quoted-printable", "quotedprintable", "quoted_printable", "qp", "quoted-printible"):
        return quopri.decodestring(_PADDED_BREAK.sub(b"=\n", raw))
    looks_uuencoded = not part.get_content_type().startswith("text/") and raw.lstrip().startswith(b"begin 6")
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue") or looks_uuencoded:
        return _from_uuencode(raw, odd)
    if encoding not in ("", "7bit", "8bit", "binary", "7-bit", "8-bit", "none"):
        odd("unknown transfer encoding")
    return raw


def _from_url_safe(raw: bytes) -> bytes:
    """Base64 with the letters for addresses (`-` and `_`) in the usual ones; any other unchanged."""
    if b"-" not in raw and b"_" not in raw:
        return raw
    lines = raw.split(b"\n")
    run = list(itertools.takewhile(lambda line: _URL_SAFE.fullmatch(line.strip()), lines))
    ends = next((at for at, line in enumerate(run, start=1) if b"=" in line), len(run))
    run = [line.strip() for line in run[:ends]]
    widths = {len(line) for line in run[:-1]}
    is_last_alone = len(run) > 1 and not re.search(rb"[-_]", b"".join(run[:-1]))
    if len(widths) > 1 or not re.search(rb"[-_]", b"".join(run)) or len(run[-1]) > min(widths, default=len(run[-1])):
        return raw
    if is_last_alone and (len(run[-1]) % 4 == 1 or len(run[0]) < _SHORTEST_LINE):
        # It may be a word below the base64.
        return raw
    return b"\n".join([b"".join(run).translate(_TO_STANDARD), *lines[ends:]])


def _from_base64(raw: bytes, odd: Odd, *, is_text: bool) -> bytes:
    raw = _from_url_safe(raw.replace(b"\r\n", b"\n"))
    # Text after the encoding (footers of mailing lists) is not part of it.
    encoded, *behind = re.split(rb"\n(?=[^\n]*[^A-Za-z0-9+/=\s])", raw, maxsplit=1)
    data, rest = b"", b"".join(behind)
    for match in _CHUNK.finditer(encoded):
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", match[1])
        left = len(kept) % 4
        if match.start() and kept and (len(kept) + len(match[2])) % 4:
            rest = encoded[match.start() :].strip() + b"\n" + rest
            break
        if left == 1 or (left and not match[2]):
            odd("broken base64")
        kept = kept[:-1] if left == 1 else kept
        data += base64.b64decode(kept + b"=" * (-len(kept) % 4))
    is_plain = is_text and b" " in raw.strip().partition(b"\n")[0] and _CONTROL.search(data) is not None
    if raw.strip() and (is_plain or not data):
        odd("broken base64")
        return raw
    if rest.strip():
        odd("text behind base64")
        return data + b"\n\n" + rest if is_text else data
    return data


def _from_uuencode(raw: bytes, odd: Odd) -> bytes:
    lines = itertools.takewhile(lambda line: line.strip() not in (b"end", b"`"), raw.splitlines())
    try:
        return _uudecoded((line for line in lines if not line.startswith(b"begin ")), cut=True) or raw
    except binascii.Error:
        odd("broken uuencode")
        return raw


_BEGIN = re.compile(r"^begin(-base64)? [0-7]{3,4} (\S[^\n]{0,200})\n", re.MULTILINE)
_END = re.compile(r"^end[ \t]*$", re.MULTILINE)
_END_OF_BASE64 = re.compile(r"^====[ \t]*$", re.MULTILINE)


def files_in_text(text: str, odd: Odd) -> tuple[str, list[MailAttachment]]:
    """Plain text without its uuencoded files, whose places are marked, and the files. A damaged block stays text."""
    if "begin" not in text:
        return text, []
    made: list[str] = []
    files: list[MailAttachment] = []
    at = 0
    found = list(_BEGIN.finditer(text))
    for match, following in itertools.zip_longest(found, found[1:]):
        # No block holds the beginning of another.
        limit = following.start() if following else len(text)
        end = (_END_OF_BASE64 if match[1] else _END).search(text, match.end(), limit)
        data = None
        if end is not None:
            block = text[match.end() : end.start()]
            with suppress(binascii.Error, ValueError):
                data = base64.b64decode(block) if match[1] else _uudecoded(block.encode("ascii").split(b"\n"))
        if end is None or data is None:
            made.append(text[at : match.end()])
            at = match.end()
            continue
        name = match[2].strip().strip('"')
        files.append(MailAttachment(name, mimetypes.guess_type(name)[0] or "application/octet-stream", data))
        made.append(f"{text[at : match.start()]}(file: {name})")
        at = end.end()
    if files:
        odd("uuencoded file in the text")
    return "".join(made) + text[at:], files


def _uudecoded(lines: Iterable[bytes], *, cut: bool = False) -> bytes:
    return b"".join(_uu_line(line, cut=cut) for line in lines if line.strip() not in (b"", b"`"))


def _uu_line(line: bytes, *, cut: bool) -> bytes:
    """Decodes a line of uuencode, which may have lost trailing spaces or gained a character; with `cut` also more."""
    size = (((line[0] - 32) & 63) * 4 + 5) // 3
    needed = -(-((line[0] - 32) & 63) // 3) * 4 + 1
    if len(line) > needed + 2 and not cut:
        raise binascii.Error("too long for its count")
    return binascii.a2b_uu(line[:size].ljust(needed))
