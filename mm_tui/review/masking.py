"""Masks personal data in a text, so that it can be stored as an example of wording.

Patterns find addresses, links, numbers, secrets, and names in greetings, closings and titles; the names of a thread's
people are passed in. Data that matches no pattern stays: masking reduces what is stored, but proves nothing about the
rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from mm_tui.review.risk.phrases import lowered, pattern
from mm_tui.text import ManyLine

NAME, NUMBER, ADDRESS, LINK, SECRET = "[name]", "[number]", "[address]", "[link]", "[secret]"
MOST_NAMES = 50
_FEWEST_LETTERS = 2
_LINK = re.compile(r"(?:https?|ftp)://[^\s<>\"')\]]+|\bwww\.[^\s<>\"')\]]+", re.IGNORECASE)
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"']{1,64}@[^\s@<>()\[\],;:\"']{1,253}")
_STREET = re.compile(
    r"\b\d{1,5}[a-z]?,? (?:[A-Z][\w.'’-]{0,30} ){1,4}"
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Square|Boulevard|Way)\b\.?"
    r"|\b[A-ZÄÖÜ][\w.-]{0,40}(?:straße|strasse|str\.|weg|platz|gasse|allee) \d{1,4}[a-z]?\b"
    r"|\b\d{1,4}(?: ?bis)?,? (?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace) (?:de |du |des |la |le |l')*"
    r"[A-ZÀ-Þ][\w'’-]{0,30}"
    r"|\b(?:[Cc]alle|[Vv]ia|[Rr]ua|[Aa]venida) (?:de |del |la |da |do )*[A-ZÀ-Þ][\w'’-]{0,30},? (?:n\.?º? ?)?\d{1,4}\b"
)
_CODE = re.compile(r"\b(?=[\w-]*\d[\w-]*\d[\w-]*\d)[A-Za-z]{0,6}[-#]?\d[\w-]{2,40}\b")
"""Order numbers, account numbers and so on: at least three digits in one word."""
_NUMBER = re.compile(r"\+?\(?\d(?:[\d ().,/:'’\u00a0-]{0,40}\d)?")
_TOKEN = re.compile(r"(?<![\w/])(?=[\w+/=.-]*\d)(?=[\w+/=.-]*[A-Za-z])[\w+/=-]{14,200}")
"""Keys and other words that nobody types."""
_SECRET = re.compile(
    r"[\s\"'`*_]{0,4}(?:(?:is|ist|lautet|es|est|è|é|to|jest|は|是)(?!\w)|[:=：]){1,2}[\s\"'`*_]{0,4}([^\s\"'`*]{2,100})"
)
"""The text after the name of a secret: "password: hunter2"."""
_FEWEST_DIGITS = 3
"""`within 2 days` is a matter of style, 0171 2345678 is not."""
_GREETING = re.compile(
    r"^([ \t>]*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|hallo|liebe[rs]?|guten (?:tag|morgen|abend)"
    r"|sehr geehrte[rs]?|moin|servus|bonjour|bonsoir|salut|ch(?:er|ère)s?|hola|estimad[oa]s?|querid[oa]s?|buenos días"
    r"|ciao|gentile|buongiorno|caro|cara|egregi[oa]|olá|prezad[oa]s?|caro|hej|hei|beste|geachte|dzień dobry|szanown[ya]"
    r"|привет|здравствуйте|уважаем(?:ый|ая)|добрый день)\b[ \t,]*)([^\n,!:，！]{1,80})",
    re.IGNORECASE | re.MULTILINE,
)
_NAMED_AFTER = re.compile(r"([\u3040-\u30ff\u4e00-\u9fff々]{1,12})(様|さん|先生|女士|님)")
_TITLED = re.compile(
    r"\b((?:Mr|Mrs|Ms|Mx|Dr|Prof|Herrn?|Frau|Mme|Mlle|Sra?|Srta|Sig|Signora?|Don|Doña)\.?[ \u00a0])"
    r"((?:[A-ZÀ-ÖØ-Þ][\w'’-]{0,40})(?:[ \u00a0][A-ZÀ-ÖØ-Þ][\w'’-]{0,40}){0,2})"
)
_CLOSING = re.compile(
    r"^([ \t]*(?:(?:kind|best|warm|many) )?(?:regards|wishes|thanks|cheers|sincerely|yours\b[^\n]{0,20}|best|grüße|gruß"
    r"|(?:viele|liebe|freundliche|beste|herzliche|mit freundlichen|mit besten) gr(?:ü|ue)(?:ß|ss)en?|cordialement"
    r"|bien à vous|saludos|atentamente|un saludo|cordiali saluti|distinti saluti|atenciosamente|abraços"
    r"|met vriendelijke groet|с уважением)[ \t,.!]*\n+)((?:[^\n.!?]{1,50}\n?){1,3})\s*\Z",
    re.IGNORECASE | re.MULTILINE,
)
_NO_NAMES = frozenset(
    {"name", "number", "address", "link", "the", "and", "of", "for", "von", "van", "de", "no", "reply", "noreply"}
    | {"info", "mail", "email", "office", "contact", "hello", "team", "sales", "support", "service", "services"}
    | {"orders", "order", "billing", "accounts", "account", "admin", "help", "desk", "customer", "care", "company"}
    | {"gmbh", "ltd", "inc"}
)
"""Words in role addresses and company names, which do not identify a person."""
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_RUN = re.compile(rf"{re.escape(NAME)}(?:[ .-]{{1,2}}{re.escape(NAME)})+")


def masked(text: str, names: Iterable[str] = ()) -> ManyLine:
    """The text with `[name]`, `[number]`, `[address]`, `[link]` and `[secret]` in place of personal data and secrets.
    Masking twice changes nothing. `names`: of people in the thread, and the local parts of their addresses."""
    found = _LINK.sub(LINK, ManyLine(text))
    found = _EMAIL.sub(ADDRESS, found)
    found = _TOKEN.sub(SECRET, _without_secrets(found))
    found = _STREET.sub(ADDRESS, found)
    found = _NUMBER.sub(_number, found)
    found = _CODE.sub(NUMBER, found)
    found = _GREETING.sub(_greeted, found)
    found = _TITLED.sub(lambda match: match[1] + NAME, found)
    found = _NAMED_AFTER.sub(lambda match: NAME + match[2], found)
    found = _CLOSING.sub(lambda match: match[1] + NAME, found)
    known = {word.casefold() for name in list(names)[:MOST_NAMES] for word in _WORD.findall(name)}
    words = sorted(word for word in known - _NO_NAMES if len(word) >= _FEWEST_LETTERS)
    if words:
        alone = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
        found = alone.sub(NAME, found)
    return ManyLine(_RUN.sub(NAME, found))


def _without_secrets(text: str) -> str:
    """Masks the text after the name of a secret, in any language known to the rules."""
    parts, at = [], 0
    for name in pattern("secret_names").finditer(lowered(text)):
        value = _SECRET.match(text, name.end()) if name.end() >= at else None
        if value is not None:
            parts += [text[at : value.start(1)], SECRET]
            at = value.end(1)
    return "".join((*parts, text[at:]))


def _number(match: re.Match[str]) -> str:
    return NUMBER if sum(map(str.isdigit, match[0])) >= _FEWEST_DIGITS else match[0]


def _greeted(match: re.Match[str]) -> str:
    """Keeps a greeting without a name: lower-case words after it continue the sentence."""
    named = match[2].strip()
    if not named or NAME in named or (named[0].islower() and " " in named):
        return match[0]
    return match[1] + NAME
