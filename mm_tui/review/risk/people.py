"""Rules about the people in a draft: who signs, who else is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import domain_of, plain_name, registrable
from mm_tui.review.risk.greetings import NAME, greeting, is_known_name, spells_name
from mm_tui.review.risk.phrases import is_common, lowered, ordered, pattern, word_set
from mm_tui.review.risk.rule import MOST_MAILS, Reading, quoted, rule
from mm_tui.text import OneLine, unquoted

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


def signature(reading: Reading) -> tuple[int, int] | None:
    """The range of the signature: after the closing words, or the last short lines."""
    text = reading.body[: reading.written].rstrip() or reading.body.rstrip()
    lines = [(match.start(), match[0].strip()) for match in re.finditer(r"[^\n]+", text) if match[0].strip()]
    closing = pattern("closings")
    for number, (start, line) in enumerate(lines):
        low = line.lower().rstrip(" ,.!")
        if (
            number
            and (found := closing.match(low))
            and (found.end() == len(low) or (_FROM.match(low, found.end()) and not line.endswith((".", "!", "?"))))
            and 0 < len(lines) - 1 - number <= _LONGEST_SIGNATURE
        ):
            begins = lines[number + 1][0]
            return begins, len(text)
        del start
    if len(lines) > 1 and len(lines[-1][1]) <= 50 and not lines[-1][1].endswith((".", "!", "?", ":", "。")):
        gap = text.rfind("\n\n")
        block = text[gap + 2 :].split("\n")
        short = all(len(line) <= 45 and line[:1] == line[:1].upper() and line[-1:] not in ",.!?:" for line in block)
        if 0 <= gap < lines[-1][0] and len(block) <= 3 and short:
            return gap + 2, len(text)
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


def _their_signature(reading: Reading, place: tuple[int, int]) -> Span | None:
    """The signature if it has the full name of the other side, or two lines that end their email."""
    asked = reading.asked
    if asked is None or reading.is_ours(asked.sender.address):
        return None
    tail = [" ".join(line.split()) for line in unquoted(str(asked.body or "")).strip().split("\n")[-_TAIL_LINES:]]
    lines = [" ".join(line.split()) for line in reading.body[slice(*place)].strip().split("\n")]
    named = " ".join(str(asked.sender.name).split())
    shared = [line for line in lines if line and line in tail]
    if (" " in named and named in lines) or len(shared) > 1:
        return Span(*place)
    return None


@rule("signature_not_ours", "signed by somebody else")
def signature_not_ours(reading: Reading) -> Iterator[Finding]:
    """The signature names another company or team than ours, the recipient, or another person than the one whose name
    the mailbox's address spells. Ours are the names of the mailbox, of our domains, of our earlier emails in the
    thread, and whom the other side greets. Mail among ourselves may be signed by any of us. Medium."""
    place = signature(reading)
    mails = [mail for mail in reading.context.messages if mail.body is not None]
    sent = [mail for mail in mails if mail.direction != Direction.INBOUND or reading.is_ours(mail.sender.address)]
    domains = {
        registrable(domain).partition(".")[0]
        for domain in (*reading.known.own_domains, domain_of(reading.draft.sender.address))
    }
    parties = reading.draft.recipients
    if place is None or (parties and all(reading.is_ours(party.address) for party in parties)):
        # Among ourselves every team may sign.
        return
    text = reading.body[slice(*place)]
    if theirs := _their_signature(reading, place):
        words_said = f"signed as the email it answers: {quoted(reading.body[slice(*theirs)])}"
        yield Finding("signature_not_ours", Level.MEDIUM, OneLine(words_said), (theirs,))
        return
    joined = re.sub(r"[\W_]", "", plain_name(text))
    if any(
        len(label) > 2 and (re.sub(r"\W", "", label) in joined or (joined[:6] and joined in label)) for label in domains
    ):
        return
    ours = _names_in(
        " ".join(f"{mail.sender.name} {mail.body}" for mail in sent[-MOST_MAILS:])
        + f" {reading.draft.sender.name} {reading.draft.sender.address} {' '.join(domains)}"
    )
    received = [str(mail.body)[:_MOST_READ] for mail in mails[-MOST_MAILS:] if mail not in sent]
    # Whom they greet is one of us.
    ours |= _names_in("\n".join(line for line in map(_first_line, received) if greeting().match(lowered(line))))
    inbound = _names_in("\n".join(received))
    roles, jobs, organisations = map(_plain_words, ("roles", "jobs", "organisations"))
    departments = _plain_words("departments")
    foreign: list[Span] = []
    recipients = {
        plain_name(word)
        for party in reading.draft.recipients
        if not reading.is_ours(party.address)
        for word in NAME.findall(str(party.name))
        if len(word) > 2
    }
    person = spells_name(str(reading.draft.sender.address))
    box = plain_name(str(reading.draft.sender.address).partition("@")[0])
    for number, match in enumerate(re.finditer(r"[^\n]+", text)):
        line = match[0].strip()
        if line.endswith((":", "：")):
            # Who wrote what is quoted below.
            continue
        words = [_ELIDED.sub("", word) for word in NAME.findall(line)]
        plain = [plain_name(word) for word in words]
        span = Span(place[0] + match.start(), place[0] + match.end())
        names = [
            word
            for word, one in zip(words, plain, strict=True)
            if word[0].isupper() and not {one, one.rstrip("s")} & (roles | organisations | jobs | departments)
        ]
        unknown = [
            name
            for name in names
            if plain_name(name) not in ours and not any(plain_name(name) in label for label in domains)
        ]
        named = _COMPANY.search(line) is not None
        # "Night Desk", "Le secrétariat", "Registrar's Office" name a department of anybody's.
        anybodys = not named and (
            _is_department(line)
            or (len(plain) == _TEAM and plain[-1] in roles)
            or all(len(name) < _SHORTEST or is_common(name.lower()) for name in unknown)
        )
        # "Admissions Officer" says what somebody does, "Member FDIC." what the company is.
        job = bool(jobs.intersection(plain)) or line.endswith(".") or _NAME_AND_ROLE.fullmatch(line) is not None
        organised = line[-1:] not in ",!?" and (
            named
            or (
                not job
                and any(
                    (len(one) > 3 and one in roles) or (one in organisations and not word[0].islower())
                    for word, one in zip(words, plain, strict=True)
                )
            )
        )
        alike = any(
            plain_name(name)[:5] in one or one[:5] in plain_name(name)
            for name in unknown
            for one in domains
            if len(one) > 3
        )
        third = (
            number > 0
            and bool(names)
            and len(unknown) == len(names)
            and any(plain_name(name) in inbound for name in names)
        )
        if len(words) > 8 or alike or "".join(plain) == box:
            continue
        if (
            (
                unknown
                and organised
                and not anybodys
                and len(unknown) == len(names)
                and not all(plain_name(name) in inbound for name in unknown)
            )
            or (len(unknown) == len(names) == 2 and person and not number)
            or (third or (unknown and recipients and all(plain_name(name) in recipients for name in names)))
        ):
            foreign.append(span)
    if foreign:
        whole = Span(place[0], place[1])
        words_said = f"signed by somebody who is not us: {quoted(reading.body[slice(*foreign[-1])])}"
        yield Finding("signature_not_ours", Level.MEDIUM, OneLine(words_said), (whole,))


_LONGEST_CALL = 12


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
            words_said = f"names a correspondent who is not in the thread: {quoted(reading.body[slice(*span)])}"
            if pattern("contact").search(reading.low, max(0, span.start - _LONGEST_CALL), span.start):
                # "I will ring Ian Frost."
                continue
            private = reading.sentence_has(span.start, "private_facts")
            private = private or any(map(str.isdigit, reading.body[slice(*reading.sentence(span.start))]))
            yield Finding("names_other_contact", Level.MEDIUM if private else Level.LOW, OneLine(words_said), (span,))


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
    does something for the reader ("Dr. Feldman will tell you") or meets the reader does not count."""
    known = reading.known_names
    place = signature(reading)
    body = reading.body[: place[0] if place else reading.written]
    for match in _TITLED.finditer(body):
        name = match["name"] or match["full"] or match["eastern"]
        if body[: match.start()].endswith(_CREDITS):
            continue
        if match["full"] and (_is_heading(body, match.start()) or _is_place(body, match)):
            continue
        if match["full"] and is_common(name.split()[0].lower()):
            # "Ihrer Karte" names nobody.
            continue
        if match["eastern"]:
            if name in reading.thread_text or name[:2] in reading.thread_text or match.start() < 12:
                continue
        elif any(is_known_name(word, known) for word in NAME.findall(name)):
            continue
        named = Span(*match.span())
        if not _is_staff(reading, named) and (found := _private(reading, named)):
            words = f"tells something of a person who is not in the thread: {quoted(body[slice(*found)])}"
            yield Finding("names_third_person", Level.MEDIUM, OneLine(words), (found,))
            return


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
_WITH = re.compile(r"\b(?:with|bei|mit|chez|avec|con|com|met|bij|z|u|dal|dalla)\s\Z")
_MEETING = re.compile(
    r"\b(?:lessons?|appointments?|class(?:es)?|sessions?|courses?|interviews?|meetings?|termine?s?|stunde|unterricht|kurs"
    r"|gespräch|cours|rendez-vous|séance|leçon|entretien|clases?|citas?|sesión|curso|reunión|aulas?|consulta|sessão"
    r"|reunião|lezion[ei]|appuntamento|corso|seduta|colloquio|les(?:sen)?|afspraak|gesprek|lekcj\w+|zaję\w+|wizyt\w+"
    r"|spotkani\w+)\b"
)


def _is_staff(reading: Reading, name: Span) -> bool:
    """Whether somebody does something for the reader, or meets them: "your lesson with Mrs Oduya"."""
    if _ACTS.match(reading.low, name.end):
        return True
    met = _WITH.search(reading.low, max(0, name.start - _LONGEST_WITH), name.start)
    return met is not None and reading.sentence_matches(name.start, _MEETING)


_LONGEST_WITH = 8
_FARTHEST = 400
"""Characters to either side that belong to a name: a huge line is not read again for each of its names."""


def _line_around(body: str, at: int) -> Span:
    """The line with the position, or what of it is near."""
    first, last = max(0, at - _FARTHEST), min(len(body), at + _FARTHEST)
    begin, end = body.rfind("\n", first, at), body.find("\n", at, last)
    return Span(first if begin < 0 else begin + 1, last if end < 0 else end)


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
    words = NAME.findall(body[slice(*_line_around(body, at))])
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
        and not (one[0][-1].isdigit() and one[0] in lowered(reading.thread_text))
        for one in facts
    )
    beside = _REACHED.match(reading.body, name.end)
    private = private or (beside is not None and beside["what"] not in reading.seen_text)
    told = private and pattern("denies", "colleagues").search(reading.low, first, last) is None
    return Span(first, last) if told else None


PEOPLE_RULES = (signature_not_ours, names_other_contact, names_third_person)
