"""Rules about files: named but missing, fewer than named, and others than the text speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span, is_within, span_of
from mm_tui.review.known import SHORTEST_WORD
from mm_tui.review.lookalike import one_slip_apart, reordered
from mm_tui.review.risk.phrases import has_words, ordered, pattern, word_set
from mm_tui.review.risk.rule import Reading, flag, quoted, rule

_NO = r"no|not|without|isn't|aren't|didn't|couldn't|can't|cannot|missing"
_NOT_ATTACHED = re.compile(rf"\b(?:{_NO})\b[^.!?\n]{{0,30}}\Z", re.I)
_NOT_OURS = re.compile(rf"\b(?:you|your|you've|{_NO})\b[^.!?\n]{{0,30}}\Z", re.I)
_OURS = re.compile(r"(?:is|are|find|see|please|here|i|we|pdf|file|document|form|invoice|copy|quote|contract|manual)\b")
"""The beginning of a phrase about our attachment: "your contract is attached", but not "your attached photos"."""
_FILE = re.compile(
    r"(?<![\w/@.:-])[\w][\w()-]{0,80}\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|csv|zip|png|jpe?g|ics|eml|txt)\b(?!/)", re.I
)
_ASKED_FOR = re.compile(r"(?:して|の上|のうえ)?(?:ください|下さい|いただ|頂|お送り|ご返送)")
_IN_PARCEL = re.compile(r"\s+(?:return |prepaid |shipping )?(?:label|slip|sticker|note)s?\b")
"""What is enclosed in a parcel: "with the enclosed label"."""
_RECEIVED_NEAR = 120
_PARCEL_NEAR = 40


def _is_theirs(reading: Reading, match: re.Match[str]) -> bool:
    """Whether words are about something that arrived or comes with goods, or ask the reader for an attachment."""
    low, (start, end) = reading.low, match.span()
    first, last = reading.sentence(start)
    first = max(first, start - _RECEIVED_NEAR)
    if _ASKED_FOR.match(low, end) or (match[0].endswith("enclosed") and _IN_PARCEL.match(low, end)):
        return True
    if pattern("with_goods").search(low, first, min(last, end + _PARCEL_NEAR)):
        return True
    return pattern("arrived").search(low, first, start) is not None


def _spoken_of(reading: Reading) -> tuple[Span, ...]:
    """The places where the text says that something is attached."""
    return tuple(
        span_of(match)
        for match in pattern("attached").finditer(reading.low)
        if not _is_theirs(reading, match)
        and not (_NOT_ATTACHED if _OURS.match(match[0]) else _NOT_OURS).search(
            reading.body, max(0, match.start() - 60), match.start()
        )
    )


@rule("attachments_untold", "undisclosed attachments", inbound=True)
def attachments_untold(reading: Reading) -> Iterator[Finding]:
    """The gateway does not say which files the email has, or says that it has some and names none. High: you cannot
    approve what you cannot see. An edit is sent without the files that are not disclosed."""
    if "attachments" in reading.draft.undisclosed:
        what = "your edit is sent without them" if reading.draft.replaces else "files may be sent"
        yield flag("attachments_untold", f"attachments not disclosed by the gateway: {what}", level=Level.HIGH)


@rule("missing_attachment", "named but missing attachment", reminder=True)
def missing_attachment(reading: Reading) -> Iterator[Finding]:
    """The text mentions an attachment and there is none, or it names a file that is neither attached nor mentioned in
    the thread, or it mentions more files than are attached ("both documents", "the plan and the menu" with one of
    them). Medium. Attachments from the other side ("your attachment") do not count."""
    draft = reading.draft
    if not draft.complete or "attachments" in draft.undisclosed:
        return
    spans = _spoken_of(reading)
    if not draft.attachments:
        if spans:
            yield flag("missing_attachment", f"says {reading.quoted(spans[0])} but nothing is attached", *spans)
        return
    attached = {attachment.name.lower() for attachment in draft.attachments}
    links = [link.span for link in reading.links]
    for match in _FILE.finditer(reading.body):
        name = match[0].lower()
        if name not in attached and name not in reading.thread_low and not is_within(match.start(), links):
            yield flag("missing_attachment", f"names {quoted(match[0])}, which is not attached", match)
            return
    for span in spans:
        if short := _fewer(reading, span):
            yield short
            return


def _fewer(reading: Reading, span: Span) -> Finding | None:
    """The items in a sentence beyond the number of attached files."""
    number = len(reading.draft.attachments)
    first, last = reading.sentence(span.start)
    sentence = reading.low[first:last]
    both = pattern("both").search(sentence) if number == 1 else None
    if both and has_words(sentence, "documents"):
        place = Span(first + both.start(), first + both.end())
        return flag("missing_attachment", f"speaks of two files ({reading.quoted(place)}) but one is attached", place)
    roots = _roots(" ".join(str(file.name) for file in reading.draft.attachments))
    named = [one for one in pattern("documents").finditer(sentence) if one[0] not in word_set("any_files")]
    there = [one for one in named if _roots(one[0]) & roots]
    for one in named if len(named) > number else ():
        if one not in there and any(_is_joined(sentence, one, other) for other in there):
            place = Span(first + one.start(), first + one.end())
            words = f"speaks of {reading.quoted(place)}, which is not among what is attached"
            return flag("missing_attachment", words, place)
    return None


_WORDS_BETWEEN = 6


def _is_joined(sentence: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether two names are joined: "the plan of the room and the autumn menu"."""
    early, late = sorted((one, other), key=lambda match: match.start())
    between = sentence[early.end() : late.start()]
    return len(between.split()) <= _WORDS_BETWEEN and has_words(between, "joins")


_ROOT = 4
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MONTH_OF_YEAR = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d[-_.](?P<after>0[1-9]|1[0-2])|(?P<before>0[1-9]|1[0-2])[-_.]20\d\d)(?!\d)"
)
_LONG_NUMBER = re.compile(r"\d{3,}")


def _words_of(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", re.sub(r"\.\w{2,4}\Z", "", name.lower()))


def _roots(text: str) -> set[str]:
    """The roots of the words of a text: `invoices` and `invoice` have the same."""
    return {word[:_ROOT] for word in re.findall(r"[^\W\d_]+|[a-z]\d+", text.lower()) if len(word) > 1}


@rule("internal_file", "a file for colleagues")
def internal_file(reading: Reading) -> Iterator[Finding]:
    """The name of an attached file says that it is internal or confidential, it is in no email that others have, and
    the draft goes to somebody else. Medium."""
    if reading.among_us:
        return
    for file in reading.draft.attachments:
        name = str(file.name)
        if pattern("internal_file").search(re.sub(r"[\W_]+", " ", name).lower()) and name not in reading.seen_text:
            yield flag("internal_file", f"attaches {quoted(name)}, which may be for colleagues")


@rule("attachment_other", "another file than the text mentions")
def attachment_other(reading: Reading) -> Iterator[Finding]:
    """The attachment does not match the text: the file's name has a number that is nearly one of the thread's, or
    another after the same letters ("UP40" for "UP 60") or of the same series ("4500193" for "4500207"); another year or
    month than the sentence that mentions it; or
    the name of a correspondent who is not in the thread. Medium."""
    if not reading.draft.complete or not reading.draft.attachments:
        return
    spans = _spoken_of(reading)
    names = [str(file.name) for file in reading.draft.attachments]
    said = f"{reading.draft.subject}\n{reading.body}\n{reading.thread_text}\n{' '.join(reading.participants)}"
    why, number = _other_number(names, said) or _other_model(names, said) or ("", "")
    why = why or _of_a_series(names, said, f"{reading.draft.subject}\n{reading.body}")
    if spans and not why:
        why = _other_time(names, reading, spans[0]) or _other_party(names, reading)
    at = reading.body.find(number) if number else -1
    if why:
        places = [span.start for span in spans] + ([at] if at >= 0 else [])
        said_so = tuple(dict.fromkeys(Span(*reading.sentence(place)) for place in places))
        yield flag("attachment_other", why, *said_so)


def _other_number(names: list[str], said: str) -> tuple[str, str] | None:
    """Why a number in a file's name is wrong, and the one that is spoken of."""
    spoken = {number for number in _LONG_NUMBER.findall(said) if not _YEAR.fullmatch(number)}
    held = [(name, number) for name in names for number in _LONG_NUMBER.findall(_YEAR.sub("", name))]
    for name, number in held:
        near = [other for other in spoken if one_slip_apart(number, other) or reordered(number, other)]
        if _joined_to_another(name, number, spoken):
            continue
        if number not in spoken and near and not any(other in near for _, other in held):
            return f"attaches {quoted(name)}, while {quoted(min(near))} is spoken of", min(near)
    return None


_SHORTEST_SERIES = 5


def _of_a_series(names: list[str], said: str, body: str) -> str:
    """Why a number in a file's name is wrong that begins like one of the draft's and is not spoken of."""
    for name in names:
        for number in _LONG_NUMBER.findall(_YEAR.sub("", name)):
            half = number[: (len(number) + 1) // 2]
            others = [one for one in _LONG_NUMBER.findall(body) if len(one) == len(number) and one.startswith(half)]
            if len(number) >= _SHORTEST_SERIES and number not in said and others:
                return f"attaches {quoted(name)}, while {quoted(others[0])} is spoken of"
    return ""


def _joined_to_another(name: str, number: str, spoken: set[str]) -> bool:
    """Whether a number is part of a longer one that is not spoken of either: `0526` in `KP-0526-7940`."""
    parts = next((match[0] for match in _JOINED.finditer(name) if number in match[0]), "")
    others = [one for one in _LONG_NUMBER.findall(parts) if one != number]
    return bool(others) and not any(one in spoken for one in others)


_JOINED = re.compile(r"\d+(?:[-/.]\d+)+")
_MODEL = re.compile(
    r"(?<![A-Za-z])(?:(?P<letters>[A-Z]{2,4})[-_ ]?(?P<number>\d{1,3})|(?P<letter>[A-Z])(?P<digits>\d{2,3}))"
    r"(?![A-Za-z\d])"
)


def _other_model(names: list[str], said: str) -> tuple[str, str] | None:
    """Why a number after some capital letters in a file's name is wrong, and the one that is spoken of."""
    spoken: dict[str, dict[str, str]] = {}
    for match in _MODEL.finditer(said):
        spoken.setdefault(match["letters"] or match["letter"], {})[match["number"] or match["digits"]] = match[0]
    for name in names:
        for match in _MODEL.finditer(name.replace("_", " ")):
            others = spoken.get(match["letters"] or match["letter"], {})
            if others and (match["number"] or match["digits"]) not in others:
                other = next(iter(others.values()))
                return f"attaches {quoted(name)}, while {quoted(other)} is spoken of", other
    return None


def _months(text: str) -> set[int]:
    """The months in a text; "may" only with a capital inside a sentence or beside a year."""
    found = {int(match["after"] or match["before"]) for match in _MONTH_OF_YEAR.finditer(text)}
    months = ordered("months")
    for match in re.finditer(r"[^\W\d_]{3,}", text):
        word = match[0]
        small = word.lower()
        if small in months and not (word.islower() and small in ("may", "mars", "mar", "dec", "sun", "set", "out")):
            found.add(months[small])
    return found


def _years(text: str) -> set[int]:
    return {int(year) for year in _YEAR.findall(text)}


def _other_time(names: list[str], reading: Reading, span: Span) -> str:
    """Why the files are those of another year or month than the sentence, or the subject, says."""
    sentence, subject = reading.body[slice(*reading.sentence(span.start))], str(reading.draft.subject)
    asked = str(reading.asked.body) if reading.asked else ""
    for what, of, more in (("year", _years, ""), ("month", _months, asked)):
        spoken, held = of(sentence) or of(more), [of(name) for name in names]
        if spoken and all(held) and not any(times & (spoken | of(subject)) for times in held):
            return f"attaches {quoted(names[0])}, which names another {what} than the text"
    return ""


def _other_party(names: list[str], reading: Reading) -> str:
    """A file named after a correspondent who is not in the thread."""
    for name in names:
        for word in _words_of(name):
            if len(word) < SHORTEST_WORD or word in reading.thread_words or word in reading.low:
                continue
            if any(not reading.is_ours(address) for address in reading.known.with_word(word)):
                return f"attaches {quoted(name)}, which bears the name of a correspondent who is not in the thread"
    return ""
