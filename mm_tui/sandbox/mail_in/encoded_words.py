"""Decodes header values: unfolds them, decodes even broken encoded words, and detects raw bytes."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable

from mm_tui.sandbox.mail_in.charsets import Odd, decode, silent

_START = r"=\?[^?\s]{1,60}\?[bBqQ]\?"
# A word ends at "?=" only before a character that can follow one, because careless mailers put "?=" into the text.
_WORD = re.compile(
    rf"=\?([^?\s]{{1,60}})\?([bBqQ])\?(?:((?:(?!{_START}).){{0,20000}}?)\?=(?=[\s\"'(),;:<>\[\].]|=\?|$)"
    rf"|((?:(?!{_START})[^?]|\?(?!=)){{0,20000}})\?="
    # A word that was cut off before its end.
    rf"|([^?\s]{{1,20000}})\??$)",
    re.DOTALL,
)
_FOLD = re.compile(r"\r?\n[ \t]+|[\r\n]+")


def header_text(raw: str, odd: Odd = silent, hints: Iterable[str] = ()) -> str:
    """A header's decoded value. `raw`: from the parser, with bytes above 127 as surrogate escapes. `hints`: charsets
    declared elsewhere in the email, for raw bytes."""
    line = _FOLD.sub(" ", raw).strip()
    if not line.isascii():
        odd("8-bit header")
    if "=?" not in line:
        return _FOLD.sub(" ", _raw_text(line, hints))
    made: list[str] = []
    held, held_charset = b"", ""
    at = 0
    for match in _WORD.finditer(line):
        between = line[at : match.start()]
        charset = match[1].split("*")[0].lower()
        # White space between encoded words is dropped, and a character may be split over two words of one charset.
        if between.strip() or charset != held_charset:
            made.append(decode(held, held_charset, odd, hints) if held else "")
            held = b""
        if between.strip() or at == 0:
            made.append(_raw_text(between, hints))
        text = next(part for part in match.groups()[2:] if part is not None)
        held += _word_bytes(match[2], text, charset, odd)
        held_charset = charset
        at = match.end()
    made.append(decode(held, held_charset, odd, hints) if held else "")
    made.append(_raw_text(line[at:], hints))
    return _FOLD.sub(" ", "".join(made)).strip()


def _raw_text(text: str, hints: Iterable[str]) -> str:
    if text.isascii() and "\x1b" not in text:
        return text
    return decode(text.encode("utf-8", "surrogateescape"), None, silent, hints)


def _word_bytes(kind: str, text: str, charset: str, odd: Odd) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    bare = re.sub(rb"\s", b"", raw)
    if kind in "qQ":
        if swapped := _base64_named_q(bare, charset):
            odd("encoded word of another encoding than it names")
            return swapped
        return _from_q(raw)
    if re.search(rb"=[0-9A-Fa-f]{2}", bare) and re.search(rb"[^A-Za-z0-9+/]", bare.rstrip(b"=")):
        odd("encoded word of another encoding than it names")
        return _from_q(raw)
    if re.fullmatch(rb"[A-Za-z0-9_-]+=*", bare):
        # The letters for addresses.
        bare = bare.replace(b"-", b"+").replace(b"_", b"/")
    try:
        data = base64.b64decode(bare + b"=" * (-len(bare) % 4), validate=False)
    except (binascii.Error, ValueError):
        data = _from_cut_base64(bare)
    if bare and not data:
        odd("broken base64")
        return raw
    return data


def _from_q(raw: bytes) -> bytes:
    return quopri.decodestring(raw.replace(b"_", b" "), header=False)


def _from_cut_base64(raw: bytes) -> bytes:
    """Decodes base64 that lacks its last characters."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return base64.b64decode(kept[: len(kept) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _base64_named_q(raw: bytes, charset: str) -> bytes:
    """The bytes of base64 in a word that declares the other encoding; empty if this is not certain."""
    if len(raw) < (8 if raw.endswith(b"=") else 16) or len(raw) % 4 or not re.fullmatch(rb"[A-Za-z0-9+/]+={0,2}", raw):
        return b""
    data = base64.b64decode(raw)
    try:
        text = data.decode(charset)
    except (UnicodeError, LookupError):
        return b""
    plain = sum(sign.isascii() and (sign.isalnum() or sign == " ") for sign in text)
    return data if text.isprintable() and (plain * 2 > len(text) or charset in ("utf-8", "utf8")) else b""
