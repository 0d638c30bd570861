"""Finds deadlines in mail by a cue word and a date, a weekday, or a day such as tomorrow."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

from mm_tui.sandbox.model.words import MONTHS, TODAY, TOMORROW, WEEKDAYS, any_of, pattern

_MONTH = any_of(MONTHS)
_CUE = re.compile(pattern("deadline"), re.IGNORECASE)
_ISO = re.compile(r"\b(20\d\d)-(\d{1,2})-(\d{1,2})\b")
_DOTTED = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(20\d\d)?(?!\d)")
_CJK = re.compile(r"(?:(20\d\d)年)?(\d{1,2})月(\d{1,2})[日号]")
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.|er|º)?\s(?:of |de |d')?({_MONTH})\b\.?(?:\s(?:de )?(20\d\d))?", re.IGNORECASE
)
_MONTH_DAY = re.compile(rf"\b({_MONTH})\.?\s(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(20\d\d))?", re.IGNORECASE)
_NAMED = re.compile(rf"\b(?:({any_of(WEEKDAYS)})|({any_of(TOMORROW)})|({any_of(TODAY)}))\b", re.IGNORECASE)
_NAMED_WIDE = re.compile("(明日|明天|غدا|מחר)|(今日|今天|本日|اليوم|היום)")
_LOOSE = re.compile(rf"\b{pattern('loose_deadline')}\b", re.IGNORECASE)


def _sent_on(header: str) -> date | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(header.strip()).date()
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return None


def _made(year: str | None, month: int, day: int, sent: date | None) -> str | None:
    if year is None and sent is None:
        return None
    try:
        made = date(int(year) if year else sent.year, month, day)  # type: ignore[union-attr]  # one of both is there
        if year is None and sent is not None and made < sent - timedelta(days=60):
            made = made.replace(year=made.year + 1)
    except ValueError:
        return None
    return made.isoformat()


def _exact(text: str, sent: date | None) -> str | None:
    """The first date of a text in ISO format, or its words if the year is unknown."""
    found: list[tuple[int, str | None, str]] = []
    if match := _ISO.search(text):
        found.append((match.start(), _made(match[1], int(match[2]), int(match[3]), sent), match.group()))
    if match := _DOTTED.search(text):
        found.append((match.start(), _made(match[3], int(match[2]), int(match[1]), sent), match.group()))
    if match := _CJK.search(text):
        found.append((match.start(), _made(match[1], int(match[2]), int(match[3]), sent), match.group()))
    if match := _DAY_MONTH.search(text):
        found.append((match.start(), _made(match[3], MONTHS[match[2].lower()], int(match[1]), sent), match.group()))
    if match := _MONTH_DAY.search(text):
        found.append((match.start(), _made(match[3], MONTHS[match[1].lower()], int(match[2]), sent), match.group()))
    if match := _NAMED.search(text) or _NAMED_WIDE.search(text):
        found.append((match.start(), _near(match, sent), match.group()))
    if not found:
        return None
    _at, iso, words = min(found, key=lambda item: item[0])
    return iso or words.strip(" .,")


def _near(match: re.Match[str], sent: date | None) -> str | None:
    if sent is None:
        return None
    if match.re is _NAMED and match[1]:
        ahead = (WEEKDAYS[match[1].lower()] - sent.weekday()) % 7 or 7
        return (sent + timedelta(days=ahead)).isoformat()
    tomorrow = match[2] if match.re is _NAMED else match[1]
    return (sent + timedelta(days=1 if tomorrow else 0)).isoformat()


def find_deadline(sentence: str, sent: str) -> str | None:
    """The deadline in a sentence: an ISO date if the words and the date of sending determine one, otherwise the words.
    `sent`: the email's Date header, RFC 5322 or ISO 8601; anything else counts as unknown."""
    line = sentence[:1000]
    cue = _CUE.search(line)
    if cue is None:
        return None
    day = _sent_on(sent) if sent else None
    # Japanese and Chinese put the cue after the date.
    behind = cue.group() in ("までに", "まで", "之前", "前")
    window = line[max(0, cue.start() - 24) : cue.start()] if behind else line[cue.start() : cue.end() + 40]
    if exact := _exact(window, day):
        return exact
    loose = _LOOSE.search(window)
    return loose.group() if loose else None
