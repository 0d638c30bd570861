"""Decodes bytes of mail: as declared, or as they really are.

Every function returns a result for any input, and reports irregularities through `odd`.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable

from mm_tui.sandbox.mail_in import charset_guess

Odd = Callable[[str], None]
"""Called with a short description of each irregularity of the email."""

# What a charset name means in mail: often a superset.
_LADDERS: dict[str, tuple[str, ...]] = {
    "iso-8859-1": ("cp1252",), "iso-8859-9": ("cp1254",), "iso-8859-11": ("cp874",), "tis-620": ("cp874",),
    "gb2312": ("gb18030",), "gbk": ("gb18030",), "big5": ("cp950", "big5hkscs"), "cp950": ("cp950", "big5hkscs"),
    "big5hkscs": ("big5hkscs", "cp950"), "euc_kr": ("cp949",), "cp949": ("cp949",), "johab": ("johab",),
    "shift_jis": ("cp932", "shift_jis_2004"), "cp932": ("cp932", "shift_jis_2004"),
}  # fmt: skip
_ALIASES = {
    "gb_2312-80": "gbk", "x-gbk": "gbk", "cp936": "gbk", "windows-936": "gbk", "euc-cn": "gbk", "x-x-big5": "big5",
    "cn-big5": "big5", "windows-950": "big5", "big5-hkscs": "big5hkscs", "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "x-windows-949": "cp949",
    "windows-949": "cp949", "x-sjis": "cp932", "sjis": "cp932", "shift-jis": "cp932", "windows-31j": "cp932",
    "x-ms-cp932": "cp932", "x-euc-jp": "euc_jp", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "utf8mb4": "utf-8",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "windows-874": "cp874", "dos-874": "cp874",
    "ansi_x3.4-1968": "ascii", "x-cp1252": "cp1252", "ansi": "cp1252", "unicode": "utf-16", "ucs-2": "utf-16",
    "hz-gb-2312": "hz", "iso-10646-ucs-2": "utf-16",
}  # fmt: skip
_NO_TEXT = {"undefined", "idna", "punycode", "unicode_escape", "raw-unicode-escape", "mbcs", "oem"}
_MULTIBYTE = {"gb18030", "cp950", "big5hkscs", "cp949", "johab", "cp932", "shift_jis_2004", "euc_jp", "hz"}
_JIS_ESCAPE = re.compile(rb"\x1b(\$\([A-Z]|\$[@AB]|\([A-Z])")


def codec_of(declared: str | None) -> str:
    """Python's codec name for a declared charset; empty if no text codec matches."""
    name = (declared or "").strip().strip("\"'; ").lower()
    name = _ALIASES.get(name, name)
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return ""
    is_text = getattr(found, "_is_text_encoding", True) and found.name not in _NO_TEXT
    return "iso-8859-1" if found.name == "iso8859-1" else found.name.replace("iso8859-", "iso-8859-") if is_text else ""


def codec_of_page(number: int) -> str:
    """Python's codec for a code page of Windows; cp1252 for one that it does not know."""
    name = "utf-8" if number == 65001 else f"cp{number}"
    return name if codec_of(name) else "cp1252"


def decode(data: bytes, declared: str | None, odd: Odd, hints: Iterable[str] = ()) -> str:
    """The text of `data`.

    Invalid bytes are replaced and the rest is kept. If the declared charset cannot be right, the text is decoded as
    UTF-8, as declared elsewhere in the email, or as the bytes suggest.

    Args:
        data: the bytes, without their transfer encoding.
        declared: the charset that the email names for them.
        odd: called with a description of anything that differs from the declaration.
        hints: charsets declared elsewhere in the email, tried if this one fails.
    """
    if marked := _by_mark(data):
        return _clean(marked)
    codec = codec_of(declared)
    if codec.startswith("iso2022_jp") and b"\x1b" in data:
        return _iso_2022_jp(data, odd)
    if b"\x1b$)C" in data and data.isascii():
        return data.decode("iso2022_kr", "replace")
    if codec in ("", "gbk", "gb2312", "gb18030", "ascii") and (pairs := _hz(data)):
        return pairs
    if data.isascii() and not codec.startswith(("utf-16", "utf-32", "utf-7", "iso2022", "hz")) and b"\x00" not in data:
        if _JIS_ESCAPE.search(data) and b"\x1b$" in data:
            odd("no charset declared")
            return _iso_2022_jp(data, odd)
        return data.decode("ascii")
    if wide := _wide(data, codec):
        return _clean(wide)
    if codec and (found := _as_declared(data, codec, odd)) is not None:
        return _clean(found)
    if not codec:
        odd("unknown charset" if (declared or "").strip() else "no charset declared")
    return _clean(_as_it_is(data, codec, odd, hints))


def _hz(data: bytes) -> str:
    """Decodes Chinese in pairs of ASCII characters (HZ); empty if it is not HZ."""
    if not data.isascii() or not re.search(rb"~\{(?:[!-w][!-~]){2,}~\}", data):
        return ""
    try:
        return data.decode("hz")
    except UnicodeDecodeError:
        return ""


def _by_mark(data: bytes) -> str:
    """Decodes text with a byte order mark."""
    if data.startswith(codecs.BOM_UTF8):
        return data[3:].decode("utf-8", "replace")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and (b"\x00" in data or len(data) % 2 == 0):
        text = data.decode("utf-16", "replace")
        if _is_text(text):
            return text
    return ""


def _wide(data: bytes, codec: str) -> str:
    """Decodes UTF-16 and UTF-32 without a mark: declared, or recognized by the zero bytes of ASCII characters."""
    if codec.startswith("utf-32"):
        return data.decode(codec, "replace") if b"\x00" in data else ""
    even, odd_places = data[0::2].count(0), data[1::2].count(0)
    few = len(data) // 10
    if not codec.startswith("utf-16") and (len(data) < 4 or max(even, odd_places) <= max(few, 1)):
        return ""
    if codec.startswith("utf-16") and not even + odd_places and (text := _strict_utf8(data)):
        return text
    if even != odd_places:
        return data.decode("utf-16-be" if even > odd_places else "utf-16-le", "replace")
    readings = [data.decode(name, "replace") for name in ("utf-16-be", "utf-16-le")]
    if codec in ("utf-16-le", "utf-16-be"):
        readings.insert(0, data.decode(codec, "replace"))
    else:
        # In the right byte order the text uses few blocks of characters, in the wrong one many.
        readings.sort(key=lambda text: len({ord(sign) >> 8 for sign in text}))
    return next((text for text in readings if _is_text(text)), "")


def _is_text(text: str) -> bool:
    """Whether most characters are assigned, and not private or unpaired."""
    strange = sum(unicodedata.category(sign) in ("Cn", "Co", "Cs") or sign == "�" for sign in text[:2000])
    return bool(text) and strange * 20 <= len(text[:2000])


def _as_declared(data: bytes, codec: str, odd: Odd) -> str | None:
    """The text in its declared charset; None if that cannot be right."""
    if codec == "utf-8":
        return _as_utf8(data, odd)
    if codec.startswith("utf-16") or codec == "ascii" or (codec == "utf-7" and not data.isascii()):
        return None
    ladder = _LADDERS.get(codec, (codec,))
    utf8 = _strict_utf8(data) or _mostly_utf8(data)
    # Only very short text of another charset is valid UTF-8 by chance.
    if utf8 and not utf8.isascii():
        certain = any(sign >= "\u0800" for sign in utf8) or sum(sign > "\x7f" for sign in utf8) > 3
        if certain or ladder[0] not in _MULTIBYTE:
            odd("charset other than declared")
            if "\ufffd" in utf8:
                odd("bytes outside of the declared charset")
            return utf8
    if other := charset_guess.other_than(data, ladder[0]):
        odd("charset other than declared")
        return _read_as(other, data)
    for name in ladder:
        try:
            return data.decode(name)
        except (UnicodeError, ValueError):
            continue
    if codec == "euc_jp":
        text = _euc_jp(data, odd)
        bad = text.count("\ufffd")
        return text if sum(sign > "\x7f" for sign in text) - bad >= 5 * bad else None
    return None


def _read_as(name: str, data: bytes) -> str:
    return _euc_jp(data, lambda _what: None) if codec_of(name) == "euc_jp" else data.decode(name, "replace")


def _strict_utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def _mostly_utf8(data: bytes) -> str:
    """UTF-8 with some invalid bytes; empty if it is not certainly UTF-8."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return text if sum(sign > "\x7f" for sign in text) - bad >= 5 * bad else ""


def _as_utf8(data: bytes, odd: Odd) -> str | None:
    """UTF-8 with invalid bytes replaced; None if most of it is invalid."""
    text = data.decode("utf-8", "replace")
    bad = text.count("�") - data.count("�".encode())
    if bad == 0:
        return text
    good = sum(sign > "\x7f" for sign in text) - bad
    if good < bad:
        return None
    odd("bytes outside of the declared charset")
    return text


def _as_it_is(data: bytes, codec: str, odd: Odd, hints: Iterable[str]) -> str:
    silent: Odd = lambda _what: None  # noqa: E731
    if (text := _as_utf8(data, silent)) is not None:
        if codec:
            odd("charset other than declared")
        if "�" in text:
            odd("bytes outside of the declared charset")
        return text
    if codec in _MULTIBYTE or _LADDERS.get(codec, ("",))[0] in _MULTIBYTE:
        # The charset may be right with a wrong byte: then most of it can be read.
        text = data.decode(_LADDERS.get(codec, (codec,))[0], "replace")
        if text.count("�") * 10 <= sum(sign > "\x7f" for sign in text):
            odd("bytes outside of the declared charset")
            return text
    elif codec and codec not in ("ascii", "utf-8") and not codec.startswith(("utf-16", "utf-7", "iso2022", "hz")):
        odd("bytes outside of the declared charset")
        return data.decode(_LADDERS.get(codec, (codec,))[0], "replace")
    if codec:
        odd("bytes outside of the declared charset")
    for hint in hints:
        name = codec_of(hint)
        if name and name not in (codec, "ascii", "utf-8"):
            text = _as_declared(data, name, silent)
            if text is not None:
                return text
    return _read_as(charset_guess.likeliest(data), data)


def _clean(text: str) -> str:
    # UTF-7 and some others allow lone surrogates.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _iso_2022_jp(data: bytes, odd: Odd) -> str:
    """ISO-2022-JP with the extensions used by mailers: NEC's and IBM's signs, JIS X 0212 and 0213, half-width kana."""
    if not data.isascii():
        if (text := _as_utf8(data, lambda _what: None)) is not None:
            odd("charset other than declared")
            return text
        odd("bytes outside of the declared charset")
    made: list[str] = []
    kind = b"(B"
    at = 0
    for match in (*_JIS_ESCAPE.finditer(data), None):
        run = data[at : match.start()] if match else data[at:]
        # A line ends every set.
        for number, line in enumerate(run.split(b"\n")):
            if number:
                made.append("\n")
                kind = b"(B"
            made.append(_jis_run(line.removesuffix(b"\r"), kind, odd))
        if match:
            kind, at = match[1], match.end()
    return "".join(made)


def _jis_run(run: bytes, kind: bytes, odd: Odd) -> str:
    if not run or kind in (b"(B", b"(H"):
        return run.decode("cp932" if not run.isascii() else "ascii", "replace")
    if kind == b"(J":
        return run.decode("ascii", "replace").replace("\\", "¥")
    if kind == b"(I":
        return bytes(byte | 0x80 for byte in run).decode("cp932", "replace")
    if kind == b"$A":
        return bytes(byte | 0x80 for byte in run).decode("gb2312", "replace")
    if kind == b"$(C":
        return bytes(byte | 0x80 for byte in run).decode("euc_kr", "replace")
    if kind in (b"$(D", b"$(P"):
        high = b"".join(bytes((0x8F, run[at] | 0x80, run[at + 1] | 0x80)) for at in range(0, len(run) - 1, 2))
        return high.decode("euc_jp" if kind == b"$(D" else "euc_jis_2004", "replace")
    if kind in (b"$(Q", b"$(O"):
        return bytes(byte | 0x80 for byte in run).decode("euc_jis_2004", "replace")
    return _euc_jp(bytes(byte | 0x80 if byte > 0x20 else byte for byte in run), odd)


def _shifted(row: int, cell: int) -> bytes:
    """A JIS pair as Shift_JIS, which has the vendors' characters."""
    lead = ((row - 0x21) >> 1) + (0x81 if row < 0x5F else 0xC1)
    if row % 2:
        return bytes((lead, cell + (0x1F if cell < 0x60 else 0x20)))
    return bytes((lead, cell + 0x7E))


def _vendors_sign(error: UnicodeError) -> tuple[str, int]:
    """What follows in EUC-JP that is no JIS X 0208: a vendor's character, or one of JIS X 0213."""
    assert isinstance(error, UnicodeDecodeError)
    pair = error.object[error.start : error.start + 2]
    if len(pair) < 2 or min(pair) < 0xA1:
        return "\ufffd", error.start + 1
    if max(pair) > 0xFE:
        return "\ufffd", error.start + 2
    for data, name in ((_shifted(pair[0] & 0x7F, pair[1] & 0x7F), "cp932"), (pair, "euc_jis_2004")):
        try:
            return data.decode(name), error.start + 2
        except UnicodeDecodeError:
            continue
    return "\ufffd", error.start + 2


codecs.register_error("vendors", _vendors_sign)


def _euc_jp(data: bytes, odd: Odd) -> str:
    """Decodes EUC-JP with the vendors' characters."""
    text = data.decode("euc_jp", "vendors")
    if "\ufffd" in text:
        odd("bytes outside of the declared charset")
    return text
