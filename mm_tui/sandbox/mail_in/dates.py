"""Parses dates of mail in every format used by mailers. Ambiguous dates are not guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EARLIEST, _LATEST = 1971, 2100
_MONTHS = (
    "jan ene gen sty янв ιαν led oca tammi ינו",
    "feb fév fev lut fév фев φεβ úno unor şub helmi פבר",
    "mar mär mrz maa мар μαρ bře bre maalis מרץ",
    "apr avr abr kwi апр απρ dub nis huhti אפר",
    "may mai mei maj mag мая май μαι μάι kvě kve touko מאי",
    "jun juin giu cze июн ιουν čer cerv haz kesä יונ",
    "jul juil lug lip июл ιουλ červenec tem heinä יול",
    "aug aoû aou ago sie авг αυγ srp ağu elo אוג",
    "sep set wrz сен σεπ zář zar eyl syys ספט",
    "oct okt out ott paź paz окт οκτ říj rij eki loka אוק",
    "nov lis ноя νοε kas marras נוב",
    "dec dez dic déc grud gru дек δεκ pro ara joulu דצמ",
)
_MONTH_OF = sorted(
    ((word, number) for number, words in enumerate(_MONTHS, 1) for word in words.split()),
    key=lambda item: -len(item[0]),
)
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "met": 60, "mez": 60, "cest": 120,
    "mest": 120, "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300,
    "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "akst": -540, "hst": -600, "jst": 540, "kst": 540, "hkt": 480,
    "sgt": 480, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780, "ist": 330, "brt": -180, "art": -180, "clt": -240,
    "cot": -300, "wib": 420, "pht": 480, "sast": 120, "trt": 180, "acst": 570, "awst": 480, "akdt": -480, "hdt": -540,
}  # fmt: skip
_TIME = re.compile(
    r"(?<![\d:.])([01]?\d|2[0-4])(?:[:.]|h|時|时)([0-5]\d)(?:(?:[:.]|分)([0-5]\d|60)(?:[.,]\d+)?秒?)?(?:分)?"
    r"\s*([ap]\.?m\b\.?)?",
    re.I,
)
_OFFSET = re.compile(r"(?:\b(?:GMT|UTC|UT)\s*)?([+-])(\d{1,2}):?(\d{2})?(?!\d|-\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})(?:[-/.]|年|년)\s*(\d{1,2})(?:[-/.]|月|월)\s*(\d{1,2})(?!\d)[日일]?")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d{2})(?![\d:])")
_COMPACT = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})T?(\d{2})(\d{2})(\d{2})?(?!\d)")
_HALF_DAY = re.compile(r"\d\s*[AP]M\b")
"""With a 12-hour clock the month comes first."""
_COMMENT = re.compile(r"\([^()]*\)")


def read_date(text: str) -> datetime | None:
    """The UTC time in a date header, UTC without a zone; None if there is none or it is ambiguous."""
    line = " ".join(text.split())[:200].strip("\"' ")
    line = re.sub(r"(?<=\d) ?: ?(?=\d)", ":", line).replace(" ,", ",")
    try:
        found = _moment_in(line)
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return None
    return found if found is not None and _EARLIEST <= found.year <= _LATEST else None


def _moment_in(line: str) -> datetime | None:
    """Parses the parts: a day, a time of day, a zone, in any order and language."""
    if re.fullmatch(r"\d{9,10}(?:\.\d+)?|\d{13}", line):
        seconds = float(line)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    plain = _COMMENT.sub(" ", line)
    if compact := _COMPACT.search(plain):
        year, month, day, hour, minute, second = (int(part or 0) for part in compact.groups())
        offset, _rest = _offset(plain[compact.end() :])
        return _moment(year, month, day, hour, minute, second, offset)
    day_found = _day(plain)
    if day_found is None:
        return None
    year, month, day, rest = day_found
    hour, minute, second = 0, 0, 0
    if time := _TIME.search(rest):
        hour, minute, second = int(time[1]), int(time[2]), int(time[3] or 0)
        half = (time[4] or "").lower()[:1] or ("p" if re.search("下午|午後|오후", rest) else "")
        half = half or ("a" if re.search("上午|午前|오전", rest) else "")
        if half and 1 <= hour <= 12:
            hour = hour % 12 + (12 if half == "p" else 0)
        rest = rest[time.end() :] + " " + rest[: time.start()]
    elif re.search(r"\b\d{1,2}:\d", rest):
        return None
    offset, rest = _offset(rest)
    if (place := re.search(r"\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?\b", rest)) is not None:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=ZoneInfo(place[0])).astimezone(UTC)
    if not offset and not re.search(r"[+-]\d|\b(?:gmt|utc?|z|wet)\b", rest, re.I):
        # Some programs put the zone only in a comment.
        offset, _rest = _offset(" ".join(_COMMENT.findall(line)))
    return _moment(year, month, day, hour, minute, second, offset)


def _offset(rest: str) -> tuple[int, str]:
    """Minutes east of Greenwich, and the remaining text."""
    if match := _OFFSET.search(rest):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            return (minutes if match[1] == "+" else -minutes), rest
    for word in re.findall(r"[A-Za-z]+", rest):
        if word.lower() in _ZONES:
            return _ZONES[word.lower()], rest
    return 0, rest


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int) -> datetime:
    # 24:00 is the end of the day; a leap second counts as the last second of its minute.
    base = datetime(year, month, day, tzinfo=UTC)
    if hour == 24 and (minute or second):
        raise ValueError("no such hour")
    return base + timedelta(hours=hour, minutes=minute - offset, seconds=min(second, 59))


def _day(line: str) -> tuple[int, int, int, str] | None:
    """Year, month and day, and the rest of the line."""
    if match := _YEAR_FIRST.search(line):
        year, month, day = map(int, match.groups())
        return year, month, day, line[: match.start()] + " " + line[match.end() :].lstrip("T")
    if named := _named_day(line):
        return named
    if match := _DAY_FIRST.search(line):
        first, second, year = int(match[1]), int(match[3]), _full_year(match[4])
        rest = line[: match.start()] + " " + line[match.end() :]
        if match[2] == "." or first > 12:
            return year, second, first, rest
        if second > 12 or first == second or _HALF_DAY.search(rest):
            return year, first, second, rest
    # Day and month are ambiguous or missing.
    return None


def _named_day(line: str) -> tuple[int, int, int, str] | None:
    for match in re.finditer(r"[^\W\d_]{3,}", line):
        month = _month(match[0])
        if month is None:
            continue
        before, after = line[: match.start()], line[match.end() :]
        if (
            (day := re.search(r"(?<![\d:])(\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s.-]*(?:de\s+|of\s+|ב)?$", before))
            and (year := re.match(r"[\s.,'-]*(?:de\s+|del\s+)?(\d{4}|1\d{2}|\d{2})(?![\d:])\s*(?:г\.?)?", after))
        ):  # fmt: skip
            return _full_year(year[1]), month, int(day[1]), before[: day.start()] + " " + after[year.end() :]
        if day := re.match(r"[\s.-]*(\d{1,2})(?:st|nd|rd|th)?(?![\d:])", after):
            rest = after[day.end() :]
            if year := re.search(r"(?<![\d:+-])(\d{4})(?![\d:])", rest):
                return int(year[1]), month, int(day[1]), before + rest[: year.start()] + " " + rest[year.end() :]
    return None


def _month(word: str) -> int | None:
    lower = word.lower()
    return next((number for begin, number in _MONTH_OF if lower.startswith(begin)), None)


def _full_year(text: str) -> int:
    # Three digits count from 1900, as in some programming interfaces.
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 69 else 1900)
