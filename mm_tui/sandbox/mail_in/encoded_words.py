"""Header values for people: unfolded, encoded words decoded however broken, raw bytes read as what they are."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable

from mm_tui.sandbox.mail_in.charsets import Odd, decode

_START = r"=\?[^?\s]{1,60}\?[bBqQ]\?"
# A word ends at "?=" before a sign that can follow one; a "?=" within the text of a careless mailer does not end it.
_WORD = re.compile(
    rf"=\?([^?\s]{{1,60}})\?([bBqQ])\?(?:((?:(?!{_START}).){{0,5000}}?)\?=(?=[\s\"'(),;:<>\[\].]|=\?|$)"
    rf"|((?:(?!{_START})[^?]|\?(?!=)){{0,5000}})\?=)",
    re.DOTALL,
)
_FOLD = re.compile(r"\r?\n[ \t]+|[\r\n]+")


def header_text(raw: str, odd: Odd, hints: Iterable[str] = ()) -> str:
    """A header's value for people.

    Args:
        raw: as the parser gives it, with bytes above 127 as surrogate escapes.
        odd: is told what could not be read as declared.
        hints: charsets that the mail names elsewhere, for raw bytes.
    """
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
        # White space between encoded words goes away, and one sign may be split over two words of one charset.
        if between.strip() or charset != held_charset:
            made.append(decode(held, held_charset, odd, hints) if held else "")
            held = b""
        if between.strip() or at == 0:
            made.append(_raw_text(between, hints))
        text = match[3] if match[3] is not None else match[4]
        held += _word_bytes(match[2], text, odd)
        held_charset = charset
        at = match.end()
    made.append(decode(held, held_charset, odd, hints) if held else "")
    made.append(_raw_text(line[at:], hints))
    return _FOLD.sub(" ", "".join(made)).strip()


def _raw_text(text: str, hints: Iterable[str]) -> str:
    if text.isascii() and "\x1b" not in text:
        return text
    return decode(text.encode("utf-8", "surrogateescape"), None, lambda _what: None, hints)


def _word_bytes(kind: str, text: str, odd: Odd) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if kind in "qQ":
        return quopri.decodestring(raw.replace(b"_", b" "), header=False)
    raw = re.sub(rb"\s", b"", raw)
    try:
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=False)
    except (binascii.Error, ValueError):
        data = b""
    if raw and not data:
        odd("broken base64")
        return raw
    return data
