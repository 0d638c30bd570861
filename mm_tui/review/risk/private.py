"""Rules about what must not be sent: secrets and personal data."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from mm_tui.review.findings import Finding, Level, Span, is_within, span_of
from mm_tui.review.risk.phrases import has_words, pattern
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, listed, rule

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
_VALUE = re.compile(r"[\"'`*«“„「『(（:：=]{0,4}(?P<value>[^\s\"'`<>«»“”„「」『』()（）,;。，、\u3040-\u9fff]{3,100}+)")
_LETTERED = re.compile(r"(?=.*[^\W\d_])(?=.*[\d#$%&^*+=!?_@])|(?=.*[a-z])(?=.*[A-Z].*[A-Z])(?=.*[a-z].*[A-Z])")
_CODE_NAMES = re.compile(
    r"\b(?:pin|otp|code\w*|\w*code|\w*alarm\w*|keypad|combin\w+|geheimzahl|tan|digicode|c[oó]digo\b.*|codice\b.*|kod\b.*|szyfr|sleutel\w*|allarme|\w*(?:zahl|nummer))\Z|警報|アラーム|解錠番号|キーボックス|警报|报警器|门禁|钥匙盒|保险柜|暗証番号|验证码|認証コード|驗證碼|口令"
)
_TOKEN = re.compile(r"(?<![\w@/.=&?%#-])[A-Za-z0-9_+-]{20,200}={0,2}(?![\w@/]|\.\w)")
_PASSWORD = re.compile(
    r"(?<![^\s(\"'“„«])(?=[^\s]{0,39}[a-z])(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}\d)"
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,37}[!$&*^~][A-Za-z0-9!$&*^~._-]{0,37}[A-Za-z0-9]"
)
"""Small and capital letters, a digit and a sign in one word."""
_SHORTEST_PASSWORD = 8
_CARD = re.compile(r"(?<![\w.-])(?:\d[ -]?){12,18}\d(?![\w-])")
_IN_FOURS = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}")
_VALID = re.compile(
    r"\b(?:valid|exp|cvv|cvc|code|gültig|valable|válid|valid[ao]|geldig|ważna|caduc|scad|vencim|verloop|ablauf|läuft|expir)\w*|有効|有效",
    re.IGNORECASE,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_US_NUMBER = re.compile(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_BORN = re.compile(
    r"\b(?:date of birth|born on|dob|geburtsdatum|geboren am|né(?:e)? le"
    r"|fecha de nacimiento)\b[^\n]{0,20}?(?P<value>\d{1,4}[./ -]\w{1,9}[./ -]\d{2,4})",
    re.IGNORECASE,
)
_DOCUMENT = re.compile(
    r"\b(?:passport|driver'?s licen[cs]e|national id|social security|id card|tax id|steuer-?id|dni|nie|nif|cpf|cnpj"
    r"|pesel|bsn|codice fiscale|reisepass|personalausweis|ausweis|passeport|pasaporte|passaporte|passaporto|paspoort"
    r"|paszport|(?:nhs|medicare|insurance) (?=number))\s*(?:number|nummer"
    r"|no\.?|nr\.?|#)?\s*(?:is|:|=)?\s*"
    r"(?P<value>(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{5,14})\b",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.,/-])(?:\+|00)\d{1,3}[ ./-]?(?:\(?\d{1,4}\)?[ ./-]?){2,5}\d{2,4}(?![\w-])")
_REACH = 40
_PUBLIC_BEFORE = re.compile(
    r"\b(?:sort|bank|swift|bic|branch|routing|clearing|post(?:al)?|zip|area|dial(?:l?ing)?|country|promo(?:tion(?:al)?)?"
    r"|discount|voucher|coupon|product|item|article|part|model|colou?r|tax|error|fault|status|bar|qr|dress)[ -]?\Z"
)
_PUBLIC_AFTER = re.compile(
    r"[ -](?:(?:de |do |del |des |du |d')?(?:postal|promo\w*|article|artículo|artigo|articolo|produ\w+|prodotto|couleur"
    r"|banque|banco|guichet|bic|swift|erro?r?|erreur|errore|bar\w*|remise|réduction|descuento|desconto|sconto|país|qr))\b"
)


def _is_public(reading: Reading, name: re.Match[str]) -> bool:
    """Whether the name of a code is that of a bank, a place, an article or a discount, which everybody may know."""
    before = reading.low[max(0, name.start() - _REACH) : name.start()]
    return _PUBLIC_BEFORE.search(before) is not None or _PUBLIC_AFTER.match(reading.low, name.end()) is not None


def _value_after(reading: Reading, named: int, start: int) -> Span | None:
    """The secret after its name in the same sentence: a token with digits or signs."""
    code = _CODE_NAMES.search(reading.low, named, start) is not None
    _, end = reading.sentence(start)
    for match in _VALUE.finditer(
        reading.body, start, min(max(end + 1, start), start + _REACH + 100, len(reading.body))
    ):
        begin = match.start("value")
        value = match["value"].rstrip(".,;:!?)*")
        if begin - start > _REACH or _ASIDE.search(reading.body, start, begin):
            break
        if value.startswith(("http", "www.")) or ("@" in value[1:] and "." in value.partition("@")[2]):
            continue
        parts = re.match(r"\d{3,4}[ -]\d{3,4}(?!\d)|\d{4,8}#", reading.body[begin : begin + 10])
        if code and parts and parts[0] not in reading.seen_text:
            return Span(begin, begin + parts.end())
        if value.isdigit():
            if code and 4 <= len(value) <= 10 and value not in reading.seen_text:
                return Span(begin, begin + len(value))
            continue
        strong = match["value"] if match["value"].endswith("!") else value
        odd = re.search(r"\d", value) or re.search(r"[#$%&^*+=!_@]", strong) or re.search("[a-z][A-Z]", value)
        if code and reading.body[named - 1 : named] == "(" and _ARTICLE.fullmatch(value):
            continue
        if len(value) >= 5 and odd and _LETTERED.match(strong) and not _HYPHENED.fullmatch(value):
            return None if value in reading.seen_text else Span(begin, begin + len(value))
    return None


_ASIDE = re.compile(r"\w \((?=[^\W\d_]+\s)")
"""The start of an aside after which no value of the name follows: "your code (call 3179 for it)"."""
_ARTICLE = re.compile(r"[A-Z]{1,5}-[A-Z0-9]{1,8}")
"""An article's code, such as `KP-G150S`."""
_HYPHENED = re.compile(
    r"(?:[A-Za-zÀ-ž]+[-/'’])+[A-Za-zÀ-ž]+|\d+(?:st|nd|rd|th|h|am|pm|min|cm|mm|gb|mb)|[A-Z]{1,4}-?\d{1,2}|\d{1,4}-?\w{1,12}",
    re.I,
)
_WORDS_AND_NUMBERS = re.compile(r"(?:[A-Za-z]?[a-z]+|[A-Z]+|\d+)(?:[_-](?:[A-Za-z]?[a-z]+|[A-Z]+|\d+))+")
"""A name such as `filter_sets_of-2026`."""


def _is_random(token: str) -> bool:
    """Whether a long token looks random: mixed letters and digits, no word, many different characters."""
    if not (re.search(r"\d", token) and re.search("[A-Za-z]", token)) or re.search(r"[A-Za-z]{9,}", token):
        return False
    counts = Counter(token)
    bits = -sum(count / len(token) * math.log2(count / len(token)) for count in counts.values())
    if _WORDS_AND_NUMBERS.fullmatch(token):
        return False
    return bits >= (3.0 if re.fullmatch("[0-9a-f-]+", token) else 3.5) and not re.fullmatch(r"[\d-]+\w?", token)


@rule("secret", "secrets in the draft")
def secret(reading: Reading) -> Iterator[Finding]:
    """The body has what looks like a key, a token, a private key, a long random run of letters and digits, a word of
    small and capital letters, digits and signs, or a password or code after its name, unless it is in an email of the
    thread that somebody else wrote or received. The codes of banks, places, articles and discounts are no secrets.
    High. The finding never repeats the secret."""
    taken = [one.span for one in reading.links]
    for kind, span in _named_secrets(reading):
        taken.append(span)
        yield flag("secret", f"holds what looks like {kind}", span, level=Level.HIGH)
    for kind, sought, is_secret in (("a key", _TOKEN, _is_random), ("a password", _PASSWORD, _is_long)):
        for match in find_all(sought, reading.body, end=reading.written):
            if not is_within(match.start(), taken) and is_secret(match[0]) and match[0] not in reading.seen_text:
                yield flag("secret", f"holds what looks like {kind}", match, level=Level.HIGH)


def _named_secrets(reading: Reading) -> Iterator[tuple[str, Span]]:
    """What is a secret by its form or by the name before it, with its kind."""
    for kind, sought in _SECRETS:
        for match in find_all(sought, reading.body):
            yield kind, span_of(match)
    for name in pattern("secret_names").finditer(reading.low):
        if not _is_public(reading, name) and (value := _value_after(reading, *name.span())):
            yield f"a secret ({name[0]})", value


def _is_long(word: str) -> bool:
    return len(word) >= _SHORTEST_PASSWORD


@rule("asks_secret", "asks for what nobody should send")
def asks_secret(reading: Reading) -> Iterator[Finding]:
    """The draft asks the reader to send a password, a PIN, a code or the data of a payment card, in one sentence and
    without a "not", and says nowhere that we never ask for them. Medium. The last digits of a card may be asked for,
    and what has the secret removed."""
    if pattern("never_asked").search(reading.low, 0, reading.written):
        return

    @cache
    def asks(first: int, last: int) -> bool:
        sentence = reading.low[first:last]
        refuses = has_words(sentence, "negations", "plain_not") or has_words(sentence, "taken_out")
        return has_words(sentence, "send_us") and not refuses

    secrets = pattern("asked_secrets").finditer(reading.low, 0, reading.written)
    asked = [match for match in secrets if asks(*reading.sentence(match.start()))]
    if asked:
        yield flag("asks_secret", f"asks the reader to send {listed(list(map(reading.quoted, asked)))}", *asked)


def _is_card(digits: str) -> bool:
    """The Luhn check of ISO/IEC 7812, for numbers with a card's length and first digit."""
    if not 13 <= len(digits) <= 19 or digits[0] not in "23456" or len(set(digits)) < 2:
        return False
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _is_iban(text: str) -> bool:
    """The check of ISO 13616: letters as numbers from 10, four characters moved to the end, modulo 97."""
    if not 15 <= len(text) <= 34:
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


@rule("personal_data", "personal data in the draft")
def personal_data(reading: Reading) -> Iterator[Finding]:
    """The body has a payment card number, an IBAN, a social security number or an identity document's number (high), a
    date of birth (medium), or a phone number that is not in the thread (low). Card numbers and IBANs are recognized by
    their check digits. An IBAN that is in the thread or the house facts is low, and so is a document's number or a date
    of birth that somebody else wrote or received in the thread."""
    taken: list[Span] = []
    for what, level, match in _personal(reading):
        taken.append(span_of(match))
        yield flag("personal_data", f"holds {what}", match, level=level)
    for match in find_all(_PHONE, reading.body):
        digits = re.sub(r"\D", "", match[0])
        if 8 <= len(digits) <= 15 and not is_within(match.start(), taken) and digits not in reading.thread_digits:
            yield flag("personal_data", "holds a phone number that is not in the thread", match, level=Level.LOW)


def _personal(reading: Reading) -> Iterator[tuple[str, Level, re.Match[str]]]:
    """Numbers of cards, accounts and documents, and dates of birth: what each is, its level and place."""
    for match in find_all(_CARD, reading.body):
        if _is_card(re.sub(r"\D", "", match[0])):
            yield "a payment card number", Level.HIGH, match
        elif _IN_FOURS.fullmatch(match[0]) and _VALID.search(reading.body, match.end(), match.end() + _REACH):
            yield "what looks like a payment card number", Level.MEDIUM, match
    for match in find_all(_IBAN, reading.body):
        number = match[0].replace(" ", "")
        if _is_iban(number):
            known = number in reading.thread_digits or number in re.sub(r"\s", "", reading.house_text)
            yield "an IBAN", Level.LOW if known else Level.HIGH, match
    for match in find_all(_US_NUMBER, reading.body):
        yield "a social security number", Level.HIGH, match
    for what, level, sought in (
        ("the number of an identity document", Level.HIGH, _DOCUMENT),
        ("a date of birth", Level.MEDIUM, _BORN),
    ):
        for match in find_all(sought, reading.body):
            yield what, Level.LOW if match["value"] in reading.seen_text else level, match


_INNER_HOST = re.compile(
    r"\.(?:local|internal|intranet|corp|lan|home\.arpa|localdomain)\Z|\Alocalhost\Z"
    r"|(?:\A|[.-])(?:staging|intranet|internal)(?=[.-].+\.)|(?:\A|\.)(?:intranet|internal|intern|corp|wiki|confluence|jira|gitlab|jenkins|grafana|kibana|staging|stage|dev|test"
    r"|admin|backoffice|vpn|ci|erp|crm|sharepoint|nas)\.(?=.+\.)"
)
_HOST = re.compile(r"(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,6}(?:local|internal|intranet|corp|lan)(?::\d{2,5})?\b", re.I)
_IP = re.compile(r"(?<![\w.-])(?P<address>\d{1,3}(?:\.\d{1,3}){3})(?P<port>:\d{2,5}|/\w+)?(?![\w.])")
_SHARE = re.compile(r"(?<![\w\\])\\\\[\w.-]{2,40}\\[\w$.\\-]{2,200}|\b(?:smb|file|ssh)://[\w.-]+\S*")


@rule("inner_address", "addresses of our own network")
def inner_address(reading: Reading) -> Iterator[Finding]:
    """The body names something that only our own people can reach: a host such as wiki.corp or staging of our domains,
    a name that ends in .local or .internal, a private IP address, a file share. Medium, unless the thread names it
    too or the draft stays among ourselves; low for a private IP address without port or path, which may be the reader's
    own router."""
    if reading.among_us:
        return
    spans: dict[Level, list[Span]] = {Level.MEDIUM: [], Level.LOW: []}
    spans[Level.MEDIUM] += [one.span for one in reading.links if _is_inner(reading, str(one.host))]
    for sought in (_HOST, _SHARE, _IP):
        for match in find_all(sought, reading.body):
            if match[0] in reading.thread_text or is_within(match.start(), spans[Level.MEDIUM]):
                continue
            if sought is not _IP or _is_private(match["address"]):
                is_bare = sought is _IP and match["port"] is None
                spans[Level.LOW if is_bare else Level.MEDIUM].append(span_of(match))
    for level, places in spans.items():
        if places:
            words = f"names an address of our own network: {listed([reading.body[slice(*span)] for span in places])}"
            yield flag("inner_address", words, *places, level=level)


def _is_inner(reading: Reading, host: str) -> bool:
    """Whether the host of a link can only be reached by our own people."""
    ours = "." not in host or host.endswith((".local", ".internal", ".corp", ".lan"))
    ours = ours or any(host == own or host.endswith(f".{own}") for own in reading.known.own_domains)
    return ours and _INNER_HOST.search(host) is not None and host not in reading.thread_low


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
