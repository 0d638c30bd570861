"""Rules about the people in a draft: who signs, who else is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple, Self

from mm_tui.review.findings import Finding, Level, Span, line_span, span_of
from mm_tui.review.lookalike import domain_of, plain_name, registrable
from mm_tui.review.risk.greetings import NAME, greeting, is_known_name, spells_name
from mm_tui.review.risk.phrases import is_common, lowered, ordered, pattern, word_set
from mm_tui.review.risk.rule import MOST_MAILS, Reading, flag, quoted, rule
from mm_tui.text import unquoted

_COMPANY = re.compile(
    r"\b(?:Inc|LLC|Ltd|Limited|GmbH|AG|SE|KG|S\.?A|S\.?r\.?l|S\.?p\.?A|SARL|SAS|B\.?V|N\.?V|Corp|Co"
    r"|PLC|plc|Sp\. z o\.o|A/S|AB|Oy|AS)\b\.?|株式会社|有限公司|有限会社"
)
_NAME_AND_ROLE = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+){0,2}, [^\W\dA-ZÀ-Þ]+(?: [^\W\dA-ZÀ-Þ]+){0,2}")
_LONGEST_SIGNATURE = 5
_SHORTEST = 3
_ELIDED = re.compile(r"\A[LlDd]['’](?=\w)")
_MOST_READ = 20_000
"""How many of a thread's newest emails, and characters of each, are searched for names."""


def _names_in(text: str) -> frozenset[str]:
    return frozenset(map(plain_name, set(NAME.findall(text))))


_FROM = re.compile(r"\s(?:from|aus|vom|von|uit|van|depuis|de|du|desde|da|do|dal|dalla|z|ze)\s\S")
"""What may follow closing words: "Best wishes from the lake"."""
_ENDS = (".", "!", "?")


def signature(reading: Reading) -> Span | None:
    """The range of the signature: after the closing words, or the last short lines."""
    text = reading.body[: reading.written].rstrip() or reading.body.rstrip()
    lines = [(match.start(), match[0].strip()) for match in re.finditer(r"[^\n]+", text) if match[0].strip()]
    closing = pattern("closings")
    for number, (_, line) in enumerate(lines):
        low = line.lower().rstrip(" ,.!")
        found = closing.match(low) if 0 < number < len(lines) - 1 <= number + _LONGEST_SIGNATURE else None
        if found and (found.end() == len(low) or (_FROM.match(low, found.end()) and not line.endswith(_ENDS))):
            return Span(lines[number + 1][0], len(text))
    if len(lines) > 1 and len(lines[-1][1]) <= 50 and not lines[-1][1].endswith((*_ENDS, ":", "。")):
        gap = text.rfind("\n\n")
        block = text[gap + 2 :].split("\n")
        short = all(len(line) <= 45 and line[:1] == line[:1].upper() and line[-1:] not in ",.!?:" for line in block)
        if 0 <= gap < lines[-1][0] and len(block) <= 3 and short:
            return Span(gap + 2, len(text))
    return None


_STREET = re.compile(
    r"\d[a-z]? \Z|\b(?:street|st|road|rd|lane|avenue|ave|close|square|drive|way|court|place|hill|row|terrace|crescent"
    r"|gardens|park|house|building|station|bridge|quay|mews|green|walk)\Z",
    re.IGNORECASE,
)
"""What stands before the name of a street, or how it ends."""


@cache
def _plain_words(key: str) -> frozenset[str]:
    return frozenset(map(plain_name, word_set(key)))


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")[:120]


_DEPARTMENT = re.compile(
    r"(?:dział|biuro|referat|abteilung|afdeling|ufficio|reparto|département|direction d\w+|departamento|área de"
    r"|department|(?:office|bureau|division) of)(?!\w)[^,|·]*",
    re.IGNORECASE,
)
"""A line that begins as the name of a department does."""
_TWO_TASKS = re.compile(r"(?P<one>[^\W\d_]+) (?:&|and|und|et|y|e|en|i) (?P<other>[^\W\d_]+)")


def _is_department(line: str) -> bool:
    """Whether a line names a department: "Abteilung Schäden", "Permits and Inspections"."""
    two = _TWO_TASKS.fullmatch(line)
    tasks = {plain_name(two["one"]), plain_name(two["other"])} if two else set()
    return _DEPARTMENT.fullmatch(line) is not None or not tasks.isdisjoint(_plain_words("roles"))


_TEAM = 2
"""The words of a team's name such as "Conference Office"."""
_TAIL_LINES = 5


def _is_theirs(reading: Reading, place: Span) -> bool:
    """Whether a signature has the full name of the other side, or two lines that end their email."""
    if reading.asked is None:
        return False
    text = unquoted(str(reading.asked.body))
    tail = [" ".join(line.split()) for line in text.strip().split("\n")[-_TAIL_LINES:]]
    lines = [" ".join(line.split()) for line in reading.body[slice(*place)].strip().split("\n")]
    named = " ".join(str(reading.asked.sender.name).split())
    return (" " in named and named in lines) or sum(line in tail for line in lines if line) > 1


class _Names(NamedTuple):
    """The names of those who may and may not sign, normalized by `plain_name`."""

    labels: set[str]
    """The registered names of our domains."""
    ours: frozenset[str]
    """In our emails, our address, and whom the other side greets."""
    theirs: frozenset[str]
    """In the other side's emails."""
    readers: frozenset[str]
    """Of the recipients."""

    @classmethod
    def of(cls, reading: Reading, labels: set[str]) -> Self:
        mails = [mail for mail in reading.context.messages if mail.body is not None]
        sent = " ".join(f"{mail.sender.name} {mail.body}" for mail in [*filter(reading.is_sent, mails)][-MOST_MAILS:])
        me = reading.draft.sender
        received = [str(mail.body)[:_MOST_READ] for mail in mails[-MOST_MAILS:] if not reading.is_sent(mail)]
        greeted = [line for line in map(_first_line, received) if greeting().match(lowered(line))]
        outside = (str(party.name) for party in reading.draft.recipients if not reading.is_ours(party.address))
        return cls(
            labels,
            _names_in(" ".join((sent, str(me.name), str(me.address), *labels, *greeted))),
            _names_in("\n".join(received)),
            frozenset(name for name in _names_in(" ".join(outside)) if len(name) > 2),
        )


@rule("signature_not_ours", "signed by somebody else")
def signature_not_ours(reading: Reading) -> Iterator[Finding]:
    """The signature names another company or team than ours, the recipient, or another person than the one whose name
    the mailbox's address spells. Ours are the names of the mailbox, of our domains, of our earlier emails in the
    thread, and whom the other side greets. Mail among ourselves may be signed by any of us. Medium."""
    place = signature(reading)
    if place is None or reading.among_us:
        return
    if _is_theirs(reading, place):
        yield flag("signature_not_ours", f"signed as the email it answers: {reading.quoted(place)}", place)
        return
    text = reading.body[slice(*place)]
    address = str(reading.draft.sender.address)
    labels = {registrable(domain).partition(".")[0] for domain in (*reading.known.own_domains, domain_of(address))}
    joined = re.sub(r"[\W_]", "", plain_name(text))
    if any(
        len(label) > 2 and (re.sub(r"\W", "", label) in joined or (joined[:6] and joined in label)) for label in labels
    ):
        return
    names = _Names.of(reading, labels)
    foreign = [
        match
        for number, match in enumerate(re.finditer(r"[^\n]+", text))
        if _is_foreign(match[0].strip(), names, address, first=not number)
    ]
    if foreign:
        yield flag("signature_not_ours", f"signed by somebody who is not us: {quoted(foreign[-1][0])}", place)


def _is_foreign(line: str, known: _Names, address: str, *, first: bool) -> bool:
    """Whether a line of a signature names somebody who is not us."""
    words = [_ELIDED.sub("", word) for word in NAME.findall(line)]
    plain = [plain_name(word) for word in words]
    # A line that ends with a colon says who wrote what is quoted below.
    if line.endswith((":", "：")) or len(words) > 8 or "".join(plain) == plain_name(address.partition("@")[0]):
        return False
    kinds = _plain_words("roles") | _plain_words("organisations") | _plain_words("jobs") | _plain_words("departments")
    names = [
        word
        for word, one in zip(words, plain, strict=True)
        if word[0].isupper() and kinds.isdisjoint((one, one.rstrip("s")))
    ]
    named = [plain_name(name) for name in names]
    unknown = [
        name
        for name, one in zip(names, named, strict=True)
        if one not in known.ours and not any(one in label for label in known.labels)
    ]
    if not unknown or any(
        plain_name(name)[:5] in label for name in unknown for label in known.labels if len(label) > 3
    ):
        return False
    if all(name in known.readers for name in named):
        return True
    if len(unknown) < len(names):
        return False
    in_thread = [name in known.theirs for name in named]
    if (not first and any(in_thread)) or (first and len(names) == 2 and spells_name(address)):
        return True
    return _is_organised(line, words, plain) and not _is_anybodys(line, plain, unknown) and not all(in_thread)


def _is_organised(line: str, words: list[str], plain: list[str]) -> bool:
    """Whether a line of a signature names a company or a team, and not what somebody does."""
    if line[-1:] in ",!?" or _COMPANY.search(line):
        return line[-1:] not in ",!?"
    # "Admissions Officer" says what somebody does, "Member FDIC." what the company is.
    if not _plain_words("jobs").isdisjoint(plain) or line.endswith(".") or _NAME_AND_ROLE.fullmatch(line):
        return False
    roles, organisations = _plain_words("roles"), _plain_words("organisations")
    return any(
        (len(one) > 3 and one in roles) or (one in organisations and not word[0].islower())
        for word, one in zip(words, plain, strict=True)
    )


def _is_anybodys(line: str, plain: list[str], unknown: list[str]) -> bool:
    """Whether it names a department of anybody's: "Night Desk", "Le secrétariat", "Registrar's Office"."""
    return _COMPANY.search(line) is None and (
        _is_department(line)
        or (len(plain) == _TEAM and plain[-1] in _plain_words("roles"))
        or all(len(name) < _SHORTEST or is_common(name.lower()) for name in unknown)
    )


@rule("names_other_contact", "names another correspondent", needs_thread=True)
def names_other_contact(reading: Reading) -> Iterator[Finding]:
    """The draft names, by first and last name, a correspondent of ours who is not mentioned in this thread: one
    customer's affairs may reach another. Medium if the sentence has private facts or a number, else low."""
    words = list(NAME.finditer(reading.body))
    known = reading.known_names
    for first, second in pairwise(words):
        if second.start() - first.end() != 1 or first[0][0].islower() or second[0][0].islower():
            continue
        pair = (plain_name(first[0]), plain_name(second[0]))
        if reading.known.names(*pair) and not (pair[0] in known and pair[1] in known):
            span = Span(first.start(), second.end())
            words_said = f"names a correspondent who is not in the thread: {reading.quoted(span)}"
            private = reading.sentence_has(span.start, "private_facts")
            private = private or any(map(str.isdigit, reading.body[slice(*reading.sentence(span.start))]))
            yield flag("names_other_contact", words_said, span, level=Level.MEDIUM if private else Level.LOW)


_TITLED = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Herrn?|Frau|M|Mme|Mlle|Monsieur|Madame|Sr|Sra|Señora?|Senhora?|Dona|Sig|Sig\.ra|Signora?|Dhr|Mevr|Mevrouw"
    r"|Meneer|Pana?|Pani|Familie|Family|Familia|Família|Famiglia)\b\.?[ ]"
    r"(?P<name>[^\W\d_a-zà-ž][\w'’-]+(?:[ ][^\W\d_a-zà-ž][\w'’-]+)?)"
    r"|(?<![.!?][ ])(?<!\n)(?<!^)\b(?P<full>[^\W\d_a-zà-ž][a-zà-ž'’-]+[ ][^\W\d_a-zà-ž][a-zà-ž'’-]+)\b"
    r"|(?P<eastern>[\u3400-\u9fff\u30a0-\u30ff]{1,6})(?:様|さん|女士|先生|小姐)"
)


@rule("names_third_person", "reveals something about a third person", needs_thread=True)
def names_third_person(reading: Reading) -> Iterator[Finding]:
    """A sentence names a person who is not mentioned in the thread and does not belong to us, and reveals something
    private: an illness, a debt, where they live or stay, who complained, what they ordered. Medium. Somebody who
    does something for the reader ("Dr. Feldman will tell you") does not count."""
    place = signature(reading)
    body = reading.body[: place.start if place else reading.written]
    for match in _TITLED.finditer(body):
        if not _is_stranger(reading, body, match) or _ACTS.match(reading.low, match.end()):
            continue
        if found := _private(reading, span_of(match)):
            words = f"tells something of a person who is not in the thread: {quoted(body[slice(*found)])}"
            yield flag("names_third_person", words, found)
            return


def _is_stranger(reading: Reading, body: str, match: re.Match[str]) -> bool:
    """Whether what looks like a name is that of somebody who is not in the thread."""
    if body.endswith(_CREDITS, 0, match.start()):
        return False
    if match["eastern"]:
        return match["eastern"][:2] not in reading.thread_text and match.start() >= _LONGEST_EASTERN_GREETING
    # "Ihrer Karte" names nobody.
    if match["full"] and (
        _is_heading(body, match.start()) or _is_place(body, match) or is_common(match["full"].split()[0].lower())
    ):
        return False
    return not any(is_known_name(word, reading.known_names) for word in NAME.findall(match["name"] or match["full"]))


_LONGEST_EASTERN_GREETING = 12
_CREDITS = ("©", "© ")
_ACTS = re.compile(
    r"(?:\s(?:will|can|could|would|is going to)|['’]ll)(?!n['’]t"
    r"|\s(?:not|have|undergo|need|stay|live|move|lose|owe|be(?! (?:with|there|glad|happy|in touch)))\b)"
    r"\b|\s(?:has|have)\s(?:kept|set aside|reserved|checked|looked|confirmed|agreed|offered)\b"
    r"|\s(?:signs|handles|covers|deals with|looks after|takes over|takes care|answers)\b"
    r"|\s(?:hat|a|ha|heeft)\s(?:(?:ihnen|vous|le|u)\s)?(?:geprüft|vérifié|revisado|verificado|controllato|gecontroleerd)\b"
    r"|\s(?:kann|könnte|möchte|kümmert sich|va|peut|pourra|vous|puede|podrá|vai|pode|poderá|può|potrà|kan|zal|wil"
    r"|może|chętnie)(?!\s(?:nicht|pas|no|não|non|niet|nie))\b"
)
"""What follows the name of somebody who does something for the reader: "Dr. Feldman will tell you"."""
_FARTHEST = 400
"""Characters to either side that belong to a name: a huge line is not read again for each of its names."""


def _is_place(body: str, match: re.Match[str]) -> bool:
    """Whether two capitalized words name an office, a firm, a street or a day: "Post Office", "Good Friday"."""
    name = match["full"]
    if _STREET.search(name) or _STREET.search(body, max(0, match.start("full") - 3), match.start("full")):
        return True
    words = name.lower().split()
    return not word_set("roles", "organisations").isdisjoint(words) or any(
        word in ordered("weekdays") or word in ordered("months") for word in words
    )


def _is_heading(body: str, at: int) -> bool:
    """Whether most words of a line are capitalized."""
    words = NAME.findall(body[slice(*line_span(body, at, at, _FARTHEST))])
    return 2 * sum(str(word)[0].isupper() for word in words) > len(words)


_REACHED = re.compile(
    r"[ ,(]{1,3}(?:[^\W\d_]{2,10}[.:]? )?(?P<what>\d{1,4}[A-Za-z]? [A-Z][a-z]+|\+?\d[\d ]{7,20}\d|#?[A-Z]{0,4}-?\d{4,}"
    r"|[\w.+-]{1,64}@[\w.-]{3,60})"
)
"""What tells where somebody lives or how to reach them, right after the name: ", 14 Mill Street", "(07700 900318)"."""


def _private(reading: Reading, name: Span) -> Span | None:
    """The sentence around a name, if it reveals something private beside it and does not refuse to."""
    first, last = reading.sentence(name.start)
    first, last = max(first, name.start - _FARTHEST), min(last + 1, name.end + _FARTHEST)
    facts = pattern("private_facts").finditer(reading.low, first, last)
    private = any(
        (one.start() >= name.end or one.end() <= name.start)
        and not (one[0][-1].isdigit() and one[0] in reading.thread_low)
        for one in facts
    )
    beside = _REACHED.match(reading.body, name.end)
    private = private or (beside is not None and beside["what"] not in reading.seen_text)
    discloses = private and pattern("denies", "colleagues").search(reading.low, first, last) is None
    return Span(first, last) if discloses else None
