"""Decodes bytes of mail: as declared, or as they really are.

Mail often names no charset, or a wrong one, so a declaration is only one sign among others. `decode` goes by the first
of these that says what the text is:

1. a byte order mark; escapes, which only seven-bit charsets have; nothing but ASCII; the zero bytes of UTF-16;
2. valid UTF-8: no other text of some length is;
3. the declared charset, unless the letters speak for another one (`charset_guess`);
4. the charsets that the email declares elsewhere;
5. the letters.

Every function returns a result for any input, and reports irregularities through `odd`.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mm_tui.sandbox.mail_in import charset_guess, chinese, japanese
from mm_tui.sandbox.mail_in.charset_names import BAD_BYTES, codec_of, is_multibyte, meant_by

Odd = Callable[[str], None]
"""Called with a short description of each irregularity of the email."""


def silent(_what: str) -> None:
    """Reports nothing."""


OTHER_CHARSET = "charset other than declared"
_HZ = re.compile(rb"~\{(?:[!-w][!-~]){2,}~\}")
"""Chinese in pairs of ASCII characters."""
_CHINESE_OR_NONE = ("", "ascii", "gb2312", "gbk", "gb18030")
_OTHER_SEVEN_BITS = ("utf-16", "utf-32", "utf-7", "iso2022", "hz")
"""Charsets that may write other characters in bytes of ASCII."""
_LOOKED_AT = 2000
"""The characters that are looked at to see whether they are text."""


def decode(data: bytes, declared: str | None, odd: Odd = silent, hints: Iterable[str] = ()) -> str:
    """The text of `data`, without its transfer encoding. Bytes that are not part of its charset are replaced, and the
    rest is kept. `odd` is called with a description of anything that differs from the declaration. `hints`: charsets
    declared elsewhere in the email, tried if this one fails."""
    codec = codec_of(declared)
    text = _by_its_form(data, codec, odd)
    if text is None and codec:
        text = _as_declared(data, codec, odd)
    if text is None:
        if not codec:
            odd("unknown charset" if (declared or "").strip() else "no charset declared")
        text = _as_it_is(data, codec, odd, hints)
    # UTF-7 and some others allow lone surrogates.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


# By marks, escapes and zero bytes


def _by_its_form(data: bytes, codec: str, odd: Odd) -> str | None:
    """The text if its charset can be seen without looking at letters."""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace")
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)) and len(data) % 4 == 0:
        return data.decode("utf-32", "replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and (b"\x00" in data or len(data) % 2 == 0):
        marked = data.decode("utf-16", "replace")
        if _is_text(marked):
            return marked
    if (switched := _by_escapes(data, codec, odd)) is not None:
        return switched
    if data.isascii() and b"\x00" not in data and not codec.startswith(_OTHER_SEVEN_BITS):
        if japanese.selects_a_set(data):
            odd("no charset declared")
            return japanese.iso_2022_jp(data, odd)
        return data.decode("ascii")
    return _wide(data, codec)


def _by_escapes(data: bytes, codec: str, odd: Odd) -> str | None:
    """Decodes text that declares such escapes, or has Korean or Chinese ones."""
    if codec.startswith("iso2022_jp") and b"\x1b" in data:
        utf8 = None if data.isascii() else _as_utf8(data)
        if utf8 is not None and utf8.good >= utf8.bad:
            odd(OTHER_CHARSET)
            return utf8.text
        return japanese.iso_2022_jp(data, odd)
    if not data.isascii():
        return None
    if chinese.is_iso_2022_cn(data):
        return chinese.iso_2022_cn(data, odd)
    if b"\x1b$)C" in data:
        return data.decode("iso2022_kr", "replace")
    if codec in _CHINESE_OR_NONE and _HZ.search(data):
        try:
            return data.decode("hz")
        except UnicodeDecodeError:
            return None
    return None


def _wide(data: bytes, codec: str) -> str | None:
    """Decodes UTF-16 and UTF-32 without a mark: declared, or recognized by the zero bytes of ASCII characters."""
    if codec.startswith("utf-32"):
        return data.decode(codec, "replace") if b"\x00" in data else None
    at_even, at_odd = data[0::2].count(0), data[1::2].count(0)
    if not codec.startswith("utf-16"):
        if len(data) < 4 or max(at_even, at_odd) <= max(len(data) // 10, 1):
            return None
    elif not at_even + at_odd and (utf8 := _as_utf8(data)) and not utf8.bad:
        return utf8.text
    if at_even != at_odd:
        return data.decode("utf-16-be" if at_even > at_odd else "utf-16-le", "replace")
    readings = [data.decode(name, "replace") for name in ("utf-16-be", "utf-16-le")]
    if codec in ("utf-16-le", "utf-16-be"):
        readings.insert(0, data.decode(codec, "replace"))
    else:
        # In the right byte order the text uses few blocks of characters, in the wrong one many.
        readings.sort(key=lambda text: len({ord(character) >> 8 for character in text}))
    return next((text for text in readings if _is_text(text)), None)


def _is_text(text: str) -> bool:
    """Whether most characters are assigned, and not private or unpaired."""
    begun = text[:_LOOKED_AT]
    strange = sum(unicodedata.category(one) in ("Cn", "Co", "Cs") or one == "\ufffd" for one in begun)
    return bool(text) and strange * 20 <= len(begun)


# As UTF-8


class _Utf8(NamedTuple):
    """Bytes decoded as UTF-8, and how far they are it."""

    text: str
    good: int
    """The characters beyond ASCII."""
    bad: int
    """The bytes that are not UTF-8, as far as they were replaced."""


def _as_utf8(data: bytes) -> _Utf8:
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd") - data.count("\ufffd".encode())
    return _Utf8(text, sum(character > "\x7f" for character in text) - bad, bad)


def _is_certainly_utf8(utf8: _Utf8, codec: str) -> bool:
    """Whether text is UTF-8 although it declares another charset. Of most other charsets, hardly any text is valid
    UTF-8; a short text of a charset with pairs of bytes may be."""
    if not utf8.good or utf8.good < 5 * utf8.bad:
        return False
    return utf8.good > 3 or any(character >= "\u0800" for character in utf8.text) or not is_multibyte(codec)


# As declared, or not


def _as_declared(data: bytes, codec: str, odd: Odd) -> str | None:
    """The text in its declared charset; None if that cannot be right."""
    if codec.startswith("utf-16") or codec == "ascii" or (codec == "utf-7" and not data.isascii()):
        return None
    utf8 = _as_utf8(data)
    if codec == "utf-8":
        if utf8.good < utf8.bad:
            return None
    elif _is_certainly_utf8(utf8, codec):
        odd(OTHER_CHARSET)
    elif other := charset_guess.other_than(data, meant_by(codec)[0]):
        odd(OTHER_CHARSET)
        return _in(other, data)
    else:
        return _strictly_as(codec, data, odd)
    if utf8.bad:
        odd(BAD_BYTES)
    return utf8.text


def _strictly_as(codec: str, data: bytes, odd: Odd) -> str | None:
    """The text in what a declaration means; None if it has other bytes than that."""
    for name in meant_by(codec):
        try:
            return data.decode(name)
        except (UnicodeError, ValueError):
            continue
    if codec == "euc_jp":
        text = japanese.euc_jp(data, odd)
        bad = text.count("\ufffd")
        return text if sum(character > "\x7f" for character in text) - bad >= 5 * bad else None
    return None


def _as_it_is(data: bytes, codec: str, odd: Odd, hints: Iterable[str]) -> str:
    """The text in the charset that its bytes suggest, where none is declared or the declared one fails."""
    utf8 = _as_utf8(data)
    if utf8.good >= utf8.bad:
        if codec:
            odd(OTHER_CHARSET)
        if utf8.bad:
            odd(BAD_BYTES)
        return utf8.text
    if codec:
        odd(BAD_BYTES)
    if (text := _with_bad_bytes(data, codec)) is not None:
        return text
    for name in map(codec_of, hints):
        if name and name not in (codec, "ascii", "utf-8"):
            text = _as_declared(data, name, silent)
            if text is not None:
                return text
    return _in(charset_guess.likeliest(data), data)


def _with_bad_bytes(data: bytes, codec: str) -> str | None:
    """The text in its declared charset, with the wrong bytes replaced; None if the charset must be another."""
    if not codec or codec in ("ascii", "utf-8") or codec.startswith(("utf-16", "utf-7", "iso2022", "hz")):
        return None
    text = data.decode(meant_by(codec)[0], "replace")
    # In text of another charset few pairs of bytes fit.
    fits = text.count("\ufffd") * 10 <= sum(character > "\x7f" for character in text)
    return text if fits or not is_multibyte(codec) else None


def _in(name: str, data: bytes) -> str:
    """The text in a charset that was guessed."""
    return japanese.euc_jp(data, silent) if codec_of(name) == "euc_jp" else data.decode(name, "replace")
