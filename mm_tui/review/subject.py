"""The prefixes of a subject, "Re:" and "Fwd:" in the languages of mail programs."""

from __future__ import annotations

import re

_REPLY = "re|r|aw|antw|antwort|sv|vs|odp|rv|res|rif|ynt|vá|atb|bls|απ|σχετ|отв|ответ|回复|答复|回覆|返信|회신"
_FORWARD = "fwd?|wg|tr|vl|vb|i|enc|ilt|továbbítás|doorst|pd|πρθ|转发|轉寄|転送|전달"
_END = r"\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:：]\s*"
"""A prefix may have a counter: "Re[2]:", "Re(2):", "Re^2:"."""
MARK = rf"(?:{_REPLY}|{_FORWARD}){_END}"
"""One prefix, as part of a pattern that ignores case."""
_REPLY_MARKS = re.compile(rf"\s*(?:(?:{_REPLY}){_END})*", re.IGNORECASE)
_MARKS = re.compile(rf"\s*(?:{MARK})*", re.IGNORECASE)


def topic(subject: str) -> str:
    """A subject without reply prefixes and outer white space. Forwarding prefixes stay, because they start a thread."""
    return _without(_REPLY_MARKS, subject)


def unmarked(subject: str) -> str:
    """A subject without any prefixes and outer white space."""
    return _without(_MARKS, subject)


def same_subject(one: str, other: str) -> bool:
    """Whether two subjects are equal, ignoring prefixes and case."""
    return unmarked(one).casefold() == unmarked(other).casefold()


def _without(marks: re.Pattern[str], subject: str) -> str:
    found = marks.match(subject)
    return (subject[found.end() :] if found else subject).strip()
