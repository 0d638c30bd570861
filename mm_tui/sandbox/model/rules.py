"""Labels, summaries and extraction of the stand-in model: keyword rules and patterns in several languages. They make no
claim to quality: they make a demo readable and a test repeatable."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime

from mm_tui.sandbox.model.text import (
    ACTION_CUES,
    HIGH_URGENCY,
    INTENTS,
    LABEL_WORDS,
    LOW_URGENCY,
    MONTHS,
    SPAM_SIGNS,
    TODAY,
    TOMORROW,
    WEEKDAYS,
    PromptMail,
    any_of,
    own_words,
    pattern,
    sentences,
)

_MONTH = any_of(MONTHS)
_CUE = re.compile(pattern("deadline"), re.IGNORECASE)
_YEAR, _DAY = r"(?P<year>20\d\d)", r"(?P<day>\d{1,2})"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b{_YEAR}-(?P<month>\d{{1,2}})-{_DAY}\b",
        rf"\b{_DAY}\.(?P<month>\d{{1,2}})\.{_YEAR}?(?!\d)",
        rf"(?:{_YEAR}年)?(?P<month>\d{{1,2}})月{_DAY}[日号]",
        rf"\b{_DAY}(?:st|nd|rd|th|\.|er|º)?\s(?:of |de |d')?(?P<month>{_MONTH})\b\.?(?:\s(?:de )?{_YEAR})?",
        rf"\b(?P<month>{_MONTH})\.?\s{_DAY}(?:st|nd|rd|th)?\b(?:,?\s{_YEAR})?",
    )
)
"""How dates are written: likeliest to be meant first, where two begin at the same place."""
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


def _made(found: Mapping[str, str | None], sent: date | None) -> str | None:
    year, month, day = found["year"], found["month"] or "", found["day"] or ""
    if year is None and sent is None:
        return None
    try:
        number = int(month) if month.isdigit() else MONTHS[month.lower()]
        made = date(int(year) if year else sent.year, number, int(day))  # type: ignore[union-attr]  # one of both is there
        if year is None and sent is not None and made < sent - timedelta(days=60):
            made = made.replace(year=made.year + 1)
    except ValueError:
        return None
    return made.isoformat()


def _exact(text: str, sent: date | None) -> str | None:
    """The first date of a text in ISO format, or its words if the year is unknown."""
    found = [match for form in _FORMS if (match := form.search(text))]
    if named := _NAMED.search(text) or _NAMED_WIDE.search(text):
        found.append(named)
    if not found:
        return None
    first = min(found, key=re.Match.start)
    iso = _near(first, sent) if first is named else _made(first.groupdict(), sent)
    return iso or first.group().strip(" .,")


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


_AMOUNT = re.compile(
    r"(?:(?:US|CA|AU)?[$€£¥₹₪₽]|\b(?:USD|EUR|GBP|CHF|JPY|BRL|R\$))\s?\d[\d.,' \u00a0]{0,14}\d?(?:\s?(?:k|m|million)\b)?"
    r"|\b\d[\d.,'\u00a0]{0,14}\s?(?:[€£₽₪¥]|(?:USD|EUR|euros?|dollars?|GBP|CHF|PLN|zł|kr|BRL|reais|руб\w*)\b|円|元|ريال|درهم|دولار|يورو)",
    re.IGNORECASE,
)
_LINK = re.compile(r"https?://[^\s<>()\"']{1,500}")
_IP_LINK = re.compile(r"https?://\d{1,3}(?:\.\d{1,3}){3}")
_UNSPACED = 0x0590
"""The first character of scripts (Hebrew, Arabic, kana, han) whose words have prefixes or no spaces, so that they are
matched anywhere."""
_BULLET = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")
_ASKS = re.compile(r"[?？؟]$")
_LONGEST_SUMMARY_SENTENCE = 220


def _has(text: str, word: str) -> bool:
    """Whether lower-case `text` has `word`: at the start of a word for alphabets, anywhere for other scripts."""
    if ord(word[0]) >= _UNSPACED:
        return word in text
    at = text.find(word)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum():
            return True
        at = text.find(word, at + 1)
    return False


def _count(text: str, words: Sequence[str]) -> int:
    return sum(_has(text, word) for word in words)


def spam_signs(mail: PromptMail) -> int:
    """How many signs of spam or phishing an email shows; three or more are taken as spam."""
    text = f"{mail.subject}\n{mail.body}"[:20_000]
    lower = text.lower()
    signs = sum(weight for phrase, weight in SPAM_SIGNS if _has(lower, phrase))
    signs += 2 * bool(_IP_LINK.search(text))
    signs += len(_LINK.findall(text)) > 8
    letters = [sign for sign in mail.subject if sign.isalpha()]
    signs += len(letters) > 12 and sum(sign.isupper() for sign in letters) > 0.8 * len(letters)
    signs += mail.subject.count("!") >= 3
    return signs


def classify(mails: Sequence[PromptMail], labels: Sequence[str]) -> str:
    """The label of `labels` whose words occur most in a thread; "other", or the last one, if none does."""
    choice = list(labels) or ["support", "billing", "partnership", "spam", "other"]
    fallback = next((label for label in choice if label.lower() == "other"), choice[-1])
    if not mails:
        return fallback
    mail = mails[0] if len(mails) == 1 else _loudest(mails)
    spam = next((label for label in choice if label.lower() in ("spam", "junk", "phishing")), None)
    if spam is not None and max(spam_signs(item) for item in mails) >= 3:
        return spam
    subject, body = mail.subject.lower(), own_words(mail.body)[:20_000].lower()
    best, best_score = fallback, 0
    for label in choice:
        key = label.lower().strip()
        words = LABEL_WORDS.get(key) or LABEL_WORDS.get(key.rstrip("s")) or (key.replace("_", " ").replace("-", " "),)
        if label in (fallback, spam):
            continue
        score = 2 * _count(subject, words) + _count(body, words)
        if score > best_score:
            best, best_score = label, score
    return best


def _loudest(mails: Sequence[PromptMail]) -> PromptMail:
    """The whole thread as one email, with the first subject: a label belongs to the thread."""
    body = "\n\n".join(own_words(mail.body)[:5000] for mail in mails[-6:])
    return PromptMail(mails[-1].sender, mails[-1].date, mails[0].subject, body)


def _score(sentence: str, position: int, newest: bool) -> float:
    lower = sentence.lower()
    score = 2.0 * min(_count(lower, ACTION_CUES), 3)
    score += 1.5 * bool(_ASKS.search(sentence))
    score += 1.0 * bool(_AMOUNT.search(sentence)) + 1.0 * (find_deadline(sentence, "") is not None)
    score += 1.0 * newest + (0.6 if position == 0 else 0.0)
    wide = sum(ord(sign) > 0x2E80 for sign in sentence)
    length = len(sentence) + wide
    if length < 15 or length > _LONGEST_SUMMARY_SENTENCE:
        score -= 2.0
    return score


def _shortened(sentence: str) -> str:
    line = _BULLET.sub("", sentence)
    line = line[:1].upper() + line[1:]
    if len(line) <= _LONGEST_SUMMARY_SENTENCE:
        return line
    cut = line[:_LONGEST_SUMMARY_SENTENCE]
    return (cut.rsplit(" ", 1)[0] if " " in cut[100:] else cut) + "…"


def summarise(mails: Sequence[PromptMail]) -> str:
    """At most two sentences of the newest email's writer, as written but for a capital at the beginning, requests
    first. What others asked in the thread is not what the writer wants."""
    rated: list[tuple[float, int, str]] = []
    theirs = [mail for mail in mails[-12:] if mail.sender == mails[-1].sender]
    for mail in theirs:
        newest = mail is theirs[-1]
        for position, sentence in enumerate(sentences(own_words(mail.body))[:80]):
            rated.append((_score(sentence, position, newest), len(rated), sentence))
    if not rated:
        subject = " ".join(mails[-1].subject.split()) if mails else ""
        return _shortened(subject) if subject else "The email holds no text."
    chosen = sorted(rated, key=lambda item: (-item[0], -item[1]))[:1]
    for item in sorted(rated, key=lambda item: (-item[0], -item[1])):
        if item[2] != chosen[0][2] and item[0] > -1:
            chosen.append(item)
            break
    return " ".join(_shortened(item[2]) for item in chosen)


def _intent(mail: PromptMail) -> str:
    subject, body = mail.subject.lower(), own_words(mail.body)[:20_000].lower()
    best, best_score = "other", 0
    for intent, words in INTENTS:
        score = 2 * _count(subject, words) + _count(body, words)
        if score > best_score:
            best, best_score = intent, score
    if best == "other" and any(_ASKS.search(sentence) for sentence in sentences(own_words(mail.body))[:60]):
        return "question"
    return best


def extract(mails: Sequence[PromptMail]) -> dict[str, object]:
    """Intent, requested action, urgency, deadline and amounts of a thread, mostly from its newest email. The deadline
    is an ISO date if the words determine one, otherwise the words."""
    newest = mails[-1] if mails else PromptMail("", "", "", "")
    if spam_signs(newest) >= 3:
        intent = "spam"
    else:
        intent = _intent(newest)
        if intent in ("other", "thanks") and len(mails) > 1:
            earlier = _intent(mails[0])
            intent = earlier if intent == "other" else intent
    own = own_words(newest.body)
    lines = sentences(own)[:80]
    asked = [
        (min(_count(line.lower(), ACTION_CUES), 3) + 1.2 * bool(_ASKS.search(line)), -at, line)
        for at, line in enumerate(lines)
    ]
    best = max(asked, default=(0.0, 0, ""))
    lower = f"{newest.subject}\n{own}"[:20_000].lower()
    urgency = "high" if _count(lower, HIGH_URGENCY) else "low" if _count(lower, LOW_URGENCY) else "normal"
    deadline = next((found for line in lines if (found := find_deadline(line, newest.date)) is not None), None)
    amounts = list(dict.fromkeys(match.group().strip(" .,'\u00a0") for match in _AMOUNT.finditer(own[:20_000])))
    action = _shortened(best[2]) if best[0] > 0 else None
    return {
        "intent": intent,
        "requested_action": action,
        "urgency": urgency,
        "deadline": deadline,
        "amounts": amounts[:10],
    }
