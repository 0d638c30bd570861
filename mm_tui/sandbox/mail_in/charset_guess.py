"""Guesses the charset of bytes, for text that declares none, or one that cannot be right."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from functools import lru_cache

_LATIN = ("windows-1252", "windows-1250", "iso-8859-2", "windows-1254", "windows-1257")
_CYRILLIC = ("koi8-r", "koi8-u", "windows-1251", "iso-8859-5", "cp866")
_OTHERS = (
    "gb18030", "big5", "big5hkscs", "cp949", "cp932", "euc-jp", *_CYRILLIC[:-1], "windows-1253", "windows-1255",
    "windows-1256", "windows-1258", "cp874",
)  # fmt: skip
# Families of charsets that are confused; the real one may be another in the declared one's family.
_FAMILIES = (_CYRILLIC, ("gb18030", "big5", "big5hkscs", "cp949", "cp932", "euc-jp"))
_WESTERN = ("cp1252", "iso8859-15", "iso8859-1")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_C1 = re.compile(rb"[\x80-\x9f]")
_TAG = re.compile(rb"<[!/a-zA-Z][^<>]{0,2000}>")
_LOOKED_AT = 20_000
_ENOUGH = 12
"""Bytes above 127 in a text that can speak against what it declares."""


def likeliest(data: bytes) -> str:
    """The most likely charset of text that is not UTF-8."""
    # Western text has single accented letters; then the other charsets are not considered.
    longest = max((len(run) for run in _HIGH_RUN.findall(data)), default=0)
    return _refined(_best(data, _LATIN if longest < 3 else (*_OTHERS, *_LATIN))[0] or "cp1252", data)


def other_than(data: bytes, declared: str) -> str:
    """The real charset of text that declares another; empty if the declared one is plausible.

    Args:
        data: text that is not UTF-8.
        declared: Python's name of a charset.
    """
    runs = [len(run) for run in _HIGH_RUN.findall(data)]
    if not runs:
        return ""
    name = _name(declared)
    if name in _WESTERN or name in map(_name, _LATIN):
        if sum(length for length in runs if length >= 3) * 10 >= sum(runs) * 6:
            # Latin text does not have runs of accented letters.
            other, sure = _best(data, _OTHERS)
            return _refined(other, data) if sure >= 0.2 and _fits(other, data) else ""
        if sum(runs) < _ENOUGH // 2:
            return ""
        other, sure = _best(data, _LATIN)
        return _refined(other, data) if sure >= 0.1 and not _is_akin(other, name) else ""
    family = next((family for family in _FAMILIES if name in map(_name, family)), ())
    if not family or sum(runs) < _ENOUGH:
        return ""
    found = dict(_asked(data, family))
    best = max(found, key=lambda one: found[one], default="")
    # One charset has several names and supersets.
    same = max((sure for one, sure in found.items() if _is_akin(one, name)), default=0.0)
    if not best or _is_akin(best, name) or found[best] < max(0.2, same * 1.3):
        return ""
    return _refined(best, data) if _fits(best, data) else ""


def _name(charset: str) -> str:
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return ""


def _is_akin(one: str, other: str) -> bool:
    groups = (
        {"koi8-r", "koi8-u"},
        {"cp932", "shift_jis"},
        {"big5", "big5hkscs", "cp950"},
        {"gb18030", "gbk", "gb2312"},
    )
    names = {_name(one), _name(other)}
    return len(names) == 1 or any(names <= group for group in groups)


def _fits(charset: str, data: bytes) -> bool:
    try:
        data.decode(charset)
    except (UnicodeError, LookupError):
        return False
    return True


def _asked(data: bytes, among: Iterable[str]) -> list[tuple[str, float]]:
    # HTML tags say nothing about the language.
    return _asked_once(_TAG.sub(b" ", data[: 5 * _LOOKED_AT])[:_LOOKED_AT], tuple(among))


@lru_cache(maxsize=64)
def _asked_once(data: bytes, among: tuple[str, ...]) -> list[tuple[str, float]]:
    # Imported late: most mail declares what it is.
    import chardet

    allowed = set(map(_name, among))

    found = chardet.detect_all(data, include_encodings=(*among, "windows-1252"), prefer_superset=True)
    return [
        (str(one["encoding"]), one["confidence"])
        for one in found
        if one["encoding"] and _name(one["encoding"]) in allowed
    ]


def _best(data: bytes, among: Iterable[str]) -> tuple[str, float]:
    names = _asked(data, among)
    if not names:
        return "", 0.0
    # A few letters are little evidence: prefer the common Western charset, unless another is clearly likelier.
    western = next((sure for name, sure in names if _name(name) == "cp1252"), 0.0)
    best, sure = names[0]
    is_latin = _name(best) in map(_name, _LATIN)
    return ("cp1252", western) if is_latin and western * 1.3 >= sure else (best, sure)


def _refined(charset: str, data: bytes) -> str:
    """Of two charsets with nearly the same letters, the one whose distinctive characters occur."""
    name = _name(charset)
    bare = not _C1.search(data)
    if name == "cp1252" and bare and re.search(rb"[\d ]\xa4|\xa4[\d ]", data):
        return "iso-8859-15"
    if (
        name == "cp1250"
        and bare
        and re.search(rb"(?i)[a-z\xe0-\xff][\xb1\xb6\xbc\xa6\xac\xa1]|[\xb1\xb6\xbc][a-z]", data)
    ):
        return "iso-8859-2"
    if name == "cp1251" and bare and _share(data, 0xF0, 0x100) * 10 < _share(data, 0xD0, 0xE0):
        return "iso-8859-5"
    if name == "cp1256" and bare and b"\xed" not in data and _share(data, 0xE0, 0xEB) and _fits("iso-8859-6", data):
        return "iso-8859-6"
    return charset


def _share(data: bytes, start: int, end: int) -> int:
    return sum(start <= byte < end for byte in data)
