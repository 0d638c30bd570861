"""Rules about what must not be sent: secrets and personal data."""

from __future__ import annotations

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.phrases import pattern
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, listed, quoted, rule
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
    found: dict[str, list[Span]] = {}
    for kind, sought in _SECRETS:
        for match in find_all(sought, reading.body):
            found.setdefault(kind, []).append(Span(*match.span()))
    for match in pattern("secret_names").finditer(reading.low):
        if _is_public(reading, match):
            continue
        if value := _value_after(reading, match.start(), match.end()):
            found.setdefault(f"a secret ({match[0]})", []).append(value)
    taken = [span for spans in found.values() for span in spans]
    links = [one.span for one in reading.links]
    for match in find_all(_TOKEN, reading.body, end=reading.written):
        inside = any(span.start <= match.start() < span.end for span in (*taken, *links))
        if not inside and _is_random(match[0]) and match[0] not in reading.seen_text:
            found.setdefault("a key", []).append(Span(*match.span()))
    for match in find_all(_PASSWORD, reading.body, end=reading.written):
        inside = any(span.start <= match.start() < span.end for span in (*taken, *links))
        if len(match[0]) >= _SHORTEST_PASSWORD and not inside and match[0] not in reading.seen_text:
            found.setdefault("a password", []).append(Span(*match.span()))
    for kind, spans in found.items():
        yield Finding("secret", Level.HIGH, OneLine(f"holds what looks like {kind}"), tuple(spans))


_HARMLESS = re.compile(
    r"\b(?:last|final|letzten?|dernier(?:s|ères?)|últimos|últimas|ultime|laatste|ostatni\w*) (?:\w+ )?"
    r"(?:digits|numbers|stellen|ziffern|chiffres|dígitos|cifras|algarismos|cifre|cijfers|cyfr\w*)|下4桁|末尾|后四位|尾号"
    r"|\b(?:remov|redact|mask|black|cover|hid|obscur|entfern|schwärz|masqu|supprim|ocult|tach|oscur|verwijder|zwart|usun|zamaz)\w*"
    r"|削除|伏せ|隐去|删除"
)
"""A few digits of a number, or a text with the secret taken out, may be asked for."""


@rule("asks_secret", "asks for what nobody should send")
def asks_secret(reading: Reading) -> Iterator[Finding]:
    """The draft asks the reader to send a password, a PIN, a code or the data of a payment card, in one sentence and
    without a "not", and says nowhere that we never ask for them. Medium. The last digits of a card may be asked for,
    and what has the secret removed."""
    spans: dict[Span, str] = {}
    asks: dict[tuple[int, int], bool] = {}
    if pattern("never_asked").search(reading.low, 0, reading.written):
        return
    for match in pattern("asked_secrets").finditer(reading.low, 0, reading.written):
        where = first, last = reading.sentence(match.start())
        if where not in asks:
            sentence = reading.low[first:last]
            asks[where] = (
                pattern("send_us").search(sentence) is not None
                and not pattern("negations", "plain_not").search(sentence)
                and not _HARMLESS.search(sentence)
            )
        if asks[where]:
            spans[Span(*match.span())] = reading.body[slice(*match.span())]
    if spans:
        words = f"asks the reader to send {listed(list(map(quoted, spans.values())))}"
        yield Finding("asks_secret", Level.MEDIUM, OneLine(words), tuple(spans))


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
    body = reading.body
    found: dict[tuple[str, Level], list[Span]] = {}

    def add(what: str, level: Level, match: re.Match[str]) -> None:
        found.setdefault((what, level), []).append(Span(*match.span()))

    def is_known(match: re.Match[str]) -> bool:
        """Whether an email that somebody else wrote or received has it, too."""
        return match["value"] in reading.seen_text

    for match in find_all(_CARD, body):
        if _is_card(re.sub(r"\D", "", match[0])):
            add("a payment card number", Level.HIGH, match)
        elif re.fullmatch(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}", match[0]) and _VALID.search(
            body, match.end(), match.end() + 40
        ):
            add("what looks like a payment card number", Level.MEDIUM, match)
    for match in find_all(_IBAN, body):
        number = match[0].replace(" ", "")
        if _is_iban(number):
            known = number in reading.thread_digits or number in re.sub(r"\s", "", reading.house_text)
            add("an IBAN", Level.LOW if known else Level.HIGH, match)
    for match in find_all(_US_NUMBER, body):
        add("a social security number", Level.HIGH, match)
    for match in find_all(_DOCUMENT, body):
        add("the number of an identity document", Level.LOW if is_known(match) else Level.HIGH, match)
    for match in find_all(_BORN, body):
        add("a date of birth", Level.LOW if is_known(match) else Level.MEDIUM, match)
    taken = [span for spans in found.values() for span in spans]
    for match in find_all(_PHONE, body):
        digits = re.sub(r"\D", "", match[0])
        inside = any(span.start <= match.start() < span.end for span in taken)
        if 8 <= len(digits) <= 15 and not inside and digits not in reading.thread_digits:
            add("a phone number that is not in the thread", Level.LOW, match)
    for (what, level), spans in found.items():
        yield Finding("personal_data", level, OneLine(f"holds {what}"), tuple(spans))


_INNER_HOST = re.compile(
    r"\.(?:local|internal|intranet|corp|lan|home\.arpa|localdomain)\Z|\Alocalhost\Z"
    r"|(?:\A|[.-])(?:staging|intranet|internal)(?=[.-].+\.)|(?:\A|\.)(?:intranet|internal|intern|corp|wiki|confluence|jira|gitlab|jenkins|grafana|kibana|staging|stage|dev|test"
    r"|admin|backoffice|vpn|ci|erp|crm|sharepoint|nas)\.(?=.+\.)"
)
_HOST = re.compile(r"(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,6}(?:local|internal|intranet|corp|lan)(?::\d{2,5})?\b", re.I)
_IP = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?P<port>:\d{2,5}|/\w+)?(?![\w.])")
_SHARE = re.compile(r"(?<![\w\\])\\\\[\w.-]{2,40}\\[\w$.\\-]{2,200}|\b(?:smb|file|ssh)://[\w.-]+\S*")


@rule("inner_address", "addresses of our own network")
def inner_address(reading: Reading) -> Iterator[Finding]:
    """The body names something that only our own people can reach: a host such as wiki.corp or staging of our domains,
    a name that ends in .local or .internal, a private IP address, a file share. Medium, unless the thread names it
    too or the draft stays among ourselves; low for a private IP address without port or path, which may be the reader's
    own router."""
    recipients = reading.draft.recipients
    if recipients and all(reading.is_ours(party.address) for party in recipients):
        return
    spans: dict[Level, list[Span]] = {}
    for one in reading.links:
        host = str(one.host)
        ours = any(host == own or host.endswith(f".{own}") for own in reading.known.own_domains)
        ours = ours or "." not in host or host.endswith((".local", ".internal", ".corp", ".lan"))
        if host and ours and _INNER_HOST.search(host) and host not in reading.thread_text.lower():
            spans.setdefault(Level.MEDIUM, []).append(one.span)
    for sought in (_HOST, _SHARE, _IP):
        for match in find_all(sought, reading.body):
            taken = spans.get(Level.MEDIUM, ())
            if match[0] in reading.thread_text or any(span.start <= match.start() < span.end for span in taken):
                continue
            level = Level.MEDIUM
            if sought is _IP:
                try:
                    address = ipaddress.ip_address(re.split("[:/]", match[0])[0])
                except ValueError:
                    continue
                if not address.is_private:
                    continue
                level = Level.MEDIUM if match["port"] else Level.LOW
            spans.setdefault(level, []).append(Span(*match.span()))
    for level, places in spans.items():
        words = f"names an address of our own network: {listed([reading.body[slice(*span)] for span in places])}"
        yield Finding("inner_address", level, OneLine(words), tuple(places))


PRIVATE_RULES = (secret, asks_secret, personal_data, inner_address)
