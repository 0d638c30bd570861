"""Rules about what must not leave: secrets and personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.rule import Reading, rule
from mm_tui.text import OneLine

_SECRETS = (
    ("a private key", re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----")),
    ("a key of the mail gateway", re.compile(r"\bmm_(?:live|test)_[\w-]{8,200}+|\bwhsec_[\w+/=-]{8,200}+")),
    ("an access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b")),
    (
        "an access token",
        re.compile(r"\b(?:gh[pousr]_\w{30,200}+|github_pat_\w{22,200}+|glpat-[\w-]{20,100}+|npm_\w{36}\b)"),
    ),
    (
        "an access token",
        re.compile(r"\b(?:xox[abeoprs]-[\w-]{10,200}+|sk-[\w-]{20,200}+|[sr]k_(?:live|test)_\w{16,200}+)"),
    ),
    ("a signed token", re.compile(r"\beyJ[\w-]{8,2000}+\.[\w-]{8,4000}+\.[\w-]{8,1000}+")),
    ("an access token", re.compile(r"\bBearer\s{1,3}(?=[\w.~+/-]*\d)[\w.~+/-]{16,2000}+=*")),
    (
        "a password in an address",
        re.compile(r"\b[a-z][a-z0-9+.-]{1,20}+://[^\s/:@]{1,60}+:[^\s/@]{1,100}+@[\w.-]+", re.IGNORECASE),
    ),
)
_NAMED_SECRET = re.compile(
    r"(?P<name>pass(?:word|wort|code|phrase)|passwd|pwd|kennwort|mot de passe|contraseña|senha|api[ _-]?key"
    r"|secret(?:[ _-]key)?"
    r"|access[ _-](?:key|token|code)|auth[ _-]?token|one-time code|otp|pin(?: code)?|recovery code)\b"
    r"\s{0,3}(?:is|are|ist|lautet|est|es|:|=|->|→)\s{0,3}[\"'`*]{0,3}(?P<value>[^\s\"'`<>]{4,100}+)",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_US_NUMBER = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_BORN = re.compile(
    r"\b(?:date of birth|born on|dob|geburtsdatum|geboren am|né(?:e)? le"
    r"|fecha de nacimiento)\b[^\n]{0,20}?\d{1,4}[./ -]\w{1,9}[./ -]\d{2,4}",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"\b(?:passport|driver'?s licen[cs]e|national id|social security|id card|tax id|steuer-?id)\s*(?:number"
    r"|no\.?|nr\.?|#)?\s*(?:is|:|=)?\s*"
    r"(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{5,14}\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+|00)\d{1,3}[ ./-]?(?:\(?\d{1,4}\)?[ ./-]?){2,5}\d{2,4}(?![\w-])")


@rule("secret", "secrets in the draft")
def secret(reading: Reading) -> Iterator[Finding]:
    """The body holds what looks like a key, a token, a private key, or a password with its name. High. The words never
    repeat the secret."""
    found: dict[str, list[Span]] = {}
    for kind, pattern in _SECRETS:
        for match in pattern.finditer(reading.body):
            found.setdefault(kind, []).append(Span(*match.span()))
    for match in _NAMED_SECRET.finditer(reading.body):
        value = match["value"].rstrip(".,;!?)")
        # "Your password is wrong" names no password: one has digits or signs in it.
        if len(value) >= 4 and re.search(r"[\d!#$%&@^*+=]", value) and not value.startswith(("http", "www.")):
            start = match.start("value")
            found.setdefault(f"a secret ({match['name'].lower()})", []).append(Span(start, start + len(value)))
    for kind, spans in found.items():
        yield Finding("secret", Level.HIGH, OneLine(f"holds what looks like {kind}"), tuple(spans))


def _is_card(digits: str) -> bool:
    """The Luhn check of ISO/IEC 7812, on numbers of a length and first digit that cards have."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456" or len(set(digits)) < 2:
        return False
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check of ISO 13616: letters as numbers from 10, four characters moved to the end, rest of division by 97."""
    if not 15 <= len(text) <= 34:
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


@rule("personal_data", "personal data in the draft")
def personal_data(reading: Reading) -> Iterator[Finding]:
    """The body holds a payment card number, an IBAN, a social security number, an identity document's number (high), a
    date of birth (medium), or a phone number that stands nowhere in the thread (low). Card and IBAN are checked by
    their check digits. An IBAN that stands in the thread is medium."""
    body = reading.body
    found: dict[tuple[str, Level], list[Span]] = {}

    def add(what: str, level: Level, match: re.Match[str]) -> None:
        found.setdefault((what, level), []).append(Span(*match.span()))

    for match in _CARD.finditer(body):
        if _is_card(re.sub(r"\D", "", match[0])):
            add("a payment card number", Level.HIGH, match)
    thread = re.sub(r"[\s()./-]", "", reading.thread_text)
    for match in _IBAN.finditer(body):
        number = match[0].replace(" ", "")
        if _is_iban(number):
            add("an IBAN", Level.MEDIUM if number in thread else Level.HIGH, match)
    for match in _US_NUMBER.finditer(body):
        add("a social security number", Level.HIGH, match)
    for match in _DOCUMENT.finditer(body):
        add("the number of an identity document", Level.HIGH, match)
    for match in _BORN.finditer(body):
        add("a date of birth", Level.MEDIUM, match)
    taken = [span for spans in found.values() for span in spans]
    for match in _PHONE.finditer(body):
        digits = re.sub(r"\D", "", match[0])
        inside = any(span.start <= match.start() < span.end for span in taken)
        if 8 <= len(digits) <= 15 and digits not in thread and not inside:
            add("a phone number that is not in the thread", Level.LOW, match)
    for (what, level), spans in found.items():
        yield Finding("personal_data", level, OneLine(f"holds {what}"), tuple(spans))


PRIVATE_RULES = (secret, personal_data)
