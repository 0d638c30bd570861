"""The names that mailers give to charsets, and Python's codecs for them."""

from __future__ import annotations

import codecs
import re

BAD_BYTES = "bytes outside of the declared charset"
"""The irregularity of text with such bytes."""

_ALIASES = {
    "gb_2312-80": "gbk", "x-gbk": "gbk", "cp936": "gbk", "windows-936": "gbk", "euc-cn": "gbk", "x-x-big5": "big5",
    "cn-big5": "big5", "windows-950": "big5", "big5-hkscs": "big5hkscs", "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "x-windows-949": "cp949",
    "windows-949": "cp949", "x-sjis": "cp932", "sjis": "cp932", "shift-jis": "cp932", "windows-31j": "cp932",
    "x-ms-cp932": "cp932", "x-euc-jp": "euc_jp", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "utf8mb4": "utf-8",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "windows-874": "cp874", "dos-874": "cp874",
    "ansi_x3.4-1968": "ascii", "x-cp1252": "cp1252", "ansi": "cp1252", "unicode": "utf-16", "ucs-2": "utf-16",
    "hz-gb-2312": "hz", "iso-10646-ucs-2": "utf-16", "x-mac-ce": "mac_latin2", "x-mac-centraleurroman": "mac_latin2",
}  # fmt: skip
"""Names that Python does not know, or takes for a smaller charset than mailers do."""
_CODE_PAGE = re.compile(r"(?:x-)?(?:cp|dos|ibm|oem|ms|win|windows)[-_]?(\d{3,5})")
_NO_TEXT = {"undefined", "idna", "punycode", "unicode_escape", "raw-unicode-escape", "mbcs", "oem"}
"""Codecs that Python lists with the charsets, but that no text is written in."""
_MEANT = {
    "iso8859-1": ("cp1252",), "iso8859-9": ("cp1254",), "iso8859-11": ("cp874",), "tis-620": ("cp874",),
    "gb2312": ("gb18030",), "gbk": ("gb18030",), "big5": ("cp950", "big5hkscs"), "cp950": ("cp950", "big5hkscs"),
    "big5hkscs": ("big5hkscs", "cp950"), "euc_kr": ("cp949",), "shift_jis": ("cp932", "shift_jis_2004"),
    "cp932": ("cp932", "shift_jis_2004"),
}  # fmt: skip
"""The codecs for what a declaration means in mail, likeliest first: often a superset."""
_MULTIBYTE = frozenset({"gb18030", "cp950", "big5hkscs", "cp949", "johab", "cp932", "euc_jp", "hz"})


def codec_of(declared: str | None) -> str:
    """Python's name of the codec for a declared charset; empty if no text codec has that name."""
    name = (declared or "").strip().strip("\"'; ").lower()
    page = _CODE_PAGE.fullmatch(name)
    try:
        found = codecs.lookup(_ALIASES.get(name) or (f"cp{page[1]}" if page else name))
    except (LookupError, ValueError, UnicodeError):
        return ""
    is_text = getattr(found, "_is_text_encoding", True) and found.name not in _NO_TEXT
    return found.name if is_text else ""


def codec_of_page(number: int) -> str:
    """Python's codec for a code page of Windows; cp1252 for one that it does not know."""
    name = "utf-8" if number == 65001 else f"cp{number}"
    return name if codec_of(name) else "cp1252"


def meant_by(codec: str) -> tuple[str, ...]:
    """The codecs to try for a declared charset, likeliest first."""
    return _MEANT.get(codec, (codec,))


def is_multibyte(codec: str) -> bool:
    """Whether most characters of the charset take several bytes, all or some of them above 127."""
    return meant_by(codec)[0] in _MULTIBYTE
