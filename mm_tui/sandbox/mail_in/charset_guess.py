"""Guesses the charset of bytes from their letters, for text that declares none, or one that cannot be right.

`chardet` compares the letters with those of many languages. It is asked only about charsets that mail is written in,
and not believed about a few letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from mm_tui.sandbox.mail_in.charset_names import codec_of

LATIN = ("cp1252", "cp1250", "iso8859-2", "cp1254", "cp1257")
CYRILLIC = ("koi8-r", "koi8-u", "cp1251", "iso8859-5", "cp866")
EAST_ASIAN = ("gb18030", "big5", "big5hkscs", "cp949", "cp932", "euc_jp")
NOT_LATIN = (*EAST_ASIAN, *CYRILLIC[:-1], "cp1253", "cp1255", "cp1256", "cp1258", "cp874")
"""The charsets of texts in which runs of bytes above 127 are words. cp866 is too rare to be guessed."""
_LIKE_LATIN = (*LATIN, "iso8859-15", "iso8859-1")
_SAME = ({"koi8-r", "koi8-u"}, {"cp932", "shift_jis"}, {"big5", "big5hkscs", "cp950"}, {"gb18030", "gbk", "gb2312"})
"""Charsets that are not told apart here: the declared one is kept."""
_RUN = re.compile(rb"[\x80-\xff]+")
_C1 = re.compile(rb"[\x80-\x9f]")
_TAG = re.compile(rb"<[!/a-zA-Z][^<>]{0,2000}>")
_LOOKED_AT = 20_000
"""The bytes of a text that are looked at."""
_WORD = 3
"""A run of this many bytes above 127 is no accented letter."""
ENOUGH = 12
"""The bytes above 127 that can speak against a declaration; half as many among Latin charsets."""


def likeliest(data: bytes) -> str:
    """The most likely charset of text that is not UTF-8."""
    has_words = any(len(run) >= _WORD for run in _RUN.findall(data))
    charset, _sure = _best(data, (*NOT_LATIN, *LATIN) if has_words else LATIN)
    return _told_apart(charset or "cp1252", data)


def other_than(data: bytes, declared: str) -> str:
    """The real charset of text that is not UTF-8 and declares another (Python's name); empty if that is plausible."""
    runs = [len(run) for run in _RUN.findall(data)]
    if declared in _LIKE_LATIN:
        if runs and sum(length for length in runs if length >= _WORD) * 10 >= sum(runs) * 6:
            other, sure = _best(data, NOT_LATIN)
            found = other if sure >= 0.2 and _fits(other, data) else ""
        elif sum(runs) >= ENOUGH // 2:
            other, sure = _best(data, LATIN)
            found = other if sure >= 0.1 and not _is_same(other, declared) else ""
        else:
            found = ""
    else:
        family = next((family for family in (CYRILLIC, EAST_ASIAN) if declared in family), ())
        found = _other_of(family, data, declared) if family and sum(runs) >= ENOUGH else ""
    return _told_apart(found, data) if found else ""


def _other_of(family: tuple[str, ...], data: bytes, declared: str) -> str:
    """The charset of a family that is clearly likelier than the declared one; empty if none is."""
    found = dict(_asked(data, family))
    best = max(found, key=lambda name: found[name], default="")
    declared_sure = max((sure for name, sure in found.items() if _is_same(name, declared)), default=0.0)
    if not best or _is_same(best, declared) or found[best] < max(0.2, declared_sure * 1.3):
        return ""
    return best if _fits(best, data) else ""


def _best(data: bytes, among: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest of these charsets, and how sure that is; empty if it is none of them."""
    found = _asked(data, among)
    if not found:
        return "", 0.0
    best, sure = found[0]
    # A few letters are little evidence: Western text is the most common, unless another charset is clearly likelier.
    western = next((sure for name, sure in found if name == "cp1252"), 0.0)
    return ("cp1252", western) if best in LATIN and western * 1.3 >= sure else (best, sure)


def _asked(data: bytes, among: tuple[str, ...]) -> list[tuple[str, float]]:
    """These charsets with their likelihood, likeliest first. HTML tags say nothing about the language."""
    return _asked_once(_TAG.sub(b" ", data[: 5 * _LOOKED_AT])[:_LOOKED_AT], among)


@lru_cache(maxsize=64)
def _asked_once(data: bytes, among: tuple[str, ...]) -> list[tuple[str, float]]:
    # Imported late: most mail declares what it is.
    import chardet

    # Its name for one of them is not Python's. Western text always competes, or rare charsets would seem likely.
    asked = [name.replace("euc_jp", "euc-jp") for name in (*among, "cp1252")]
    found = chardet.detect_all(data, include_encodings=asked, prefer_superset=True)
    named = [(codec_of(str(one["encoding"])), one["confidence"]) for one in found if one["encoding"]]
    return [(name, sure) for name, sure in named if name in among]


def _is_same(one: str, other: str) -> bool:
    return one == other or any({one, other} <= group for group in _SAME)


def _fits(charset: str, data: bytes) -> bool:
    try:
        data.decode(charset)
    except (UnicodeError, LookupError):
        return False
    return True


def _told_apart(charset: str, data: bytes) -> str:
    """Of two charsets with nearly the same letters, the one whose own characters occur in the text."""
    if _C1.search(data):
        # Only the charsets of Windows have characters there.
        return charset
    if charset == "cp1252" and re.search(rb"[\d ]\xa4|\xa4[\d ]", data):
        # The euro sign beside an amount.
        return "iso8859-15"
    if charset == "cp1250" and re.search(rb"(?i)[a-z\xe0-\xff][\xb1\xb6\xbc\xa6\xac\xa1]|[\xb1\xb6\xbc][a-z]", data):
        # Letters of Polish, which are signs in the other charset.
        return "iso8859-2"
    if charset == "cp1251" and _share(data, 0xF0, 0x100) * 10 < _share(data, 0xD0, 0xE0):
        # Small letters are at other places.
        return "iso8859-5"
    if charset == "cp1256" and b"\xed" not in data and _share(data, 0xE0, 0xEB) and _fits("iso8859-6", data):
        return "iso8859-6"
    return charset


def _share(data: Iterable[int], start: int, end: int) -> int:
    return sum(start <= byte < end for byte in data)
