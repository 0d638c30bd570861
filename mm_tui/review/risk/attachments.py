"""Rules about files: named but missing, fewer than named, and others than the text speaks of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.known import SHORTEST_WORD
from mm_tui.review.lookalike import one_slip_apart
from mm_tui.review.risk.phrases import ordered, pattern, word_set
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.text import OneLine

_NO = r"no|not|without|isn't|aren't|didn't|couldn't|can't|cannot|missing"
_NOT_ATTACHED = re.compile(rf"\b(?:{_NO})\b[^.!?\n]{{0,30}}\Z", re.I)
_NOT_OURS = re.compile(rf"\b(?:you|your|you've|{_NO})\b[^.!?\n]{{0,30}}\Z", re.I)
_OURS = re.compile(r"(?:is|are|find|see|please|here|i|we|pdf|file|document|form|invoice|copy|quote|contract|manual)\b")
"""The beginning of a phrase about our attachment: "your contract is attached", but not "your attached photos"."""
_FILE = re.compile(
    r"(?<![\w/@.:-])[\w][\w()-]{0,80}\.(?:pdf|docx?|xlsx?|pptx?|odt|ods|csv|zip|png|jpe?g|ics|eml|txt)\b(?!/)", re.I
)


_RECEIVED = re.compile(
    r"\b(?:received?|reçu\w*|erhalten|eingegangen|recibi\w+|recebe\w+|recebi\w*|ricevut\w+|ontvangen|otrzyma\w+)\b"
    r"|受け取|拝受|拝見|收到|[箱包盒][内里中]"
)
_ASKED_FOR = re.compile(r"(?:して|の上|のうえ)?(?:ください|下さい|いただ|頂|お送り|ご返送)")
_IN_PARCEL = re.compile(r"\s+(?:return |prepaid |shipping )?(?:label|slip|sticker|note)s?\b")
"""What is enclosed in a parcel: "with the enclosed label"."""
_PARCEL = re.compile(
    r"\b(?:(?:with|in|inside|to) (?:the|your|each|every) (?:parcel|box|package|goods|delivery|shipment|consignment)"
    r"|(?:der|ihrer|jeder) (?:lieferung|sendung|ware)|(?:im|dem|ins) (?:paket|karton)"
    r"|(?:au|dans le|votre) (?:colis|carton)|(?:en el|al|con el) paquete|(?:na|à|com a) encomenda"
    r"|(?:al|nel) pacco|(?:alla|con la) merce|(?:bij|in) (?:het pakket|de doos|de zending)"
    r"|(?:w|do) (?:paczce|paczki|przesyłce|przesyłki))\b"
    r"|随(?:货|箱|包裹|样品|车)|包裹|(?:商品|製品|荷物|お品)に(?:同封|添付)"
)
"""Where what is enclosed with goods is, which is no file."""
_RECEIVED_NEAR = 120
_PARCEL_NEAR = 40


def _is_theirs(reading: Reading, match: re.Match[str]) -> bool:
    """Whether words about an attachment are about one of an earlier email, or ask the reader for one."""
    first, last = reading.sentence(match.start())
    asked = _ASKED_FOR.match(reading.low, match.end()) is not None
    asked = asked or (match[0].endswith("enclosed") and _IN_PARCEL.match(reading.low, match.end()) is not None)
    near = max(first, match.start() - _RECEIVED_NEAR), min(last, match.end() + _PARCEL_NEAR)
    asked = asked or _PARCEL.search(reading.low, *near) is not None
    asked = asked or reading.sentence_has(match.start(), "earlier_mail")
    return asked or _RECEIVED.search(reading.low, max(first, match.start() - _RECEIVED_NEAR), match.start()) is not None


def _spoken_of(reading: Reading) -> tuple[Span, ...]:
    """The places where the text says that something is attached."""
    return tuple(
        Span(*match.span())
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
    if "attachments" in reading.draft.untold:
        what = "your edit is sent without them" if reading.draft.replaces else "files may be sent"
        words = f"attachments not disclosed by the gateway: {what}"
        yield Finding("attachments_untold", Level.HIGH, OneLine(words))


@rule("missing_attachment", "named but missing attachment")
def missing_attachment(reading: Reading) -> Iterator[Finding]:
    """The text mentions an attachment and there is none, or it names a file that is neither attached nor mentioned in
    the thread, or it mentions more files than are attached ("both documents", "the plan and the menu" with one of
    them). Medium. Attachments from the other side ("your attachment") do not count."""
    draft = reading.draft
    if not draft.complete or "attachments" in draft.untold:
        return
    spans = _spoken_of(reading)
    if not draft.attachments:
        if spans:
            words = f"says {quoted(reading.body[slice(*spans[0])])} but nothing is attached"
            yield Finding("missing_attachment", Level.MEDIUM, OneLine(words), spans)
        return
    attached = {attachment.name.lower() for attachment in draft.attachments}
    thread = reading.thread_text.lower()
    links = [link.span for link in reading.links]
    for match in _FILE.finditer(reading.body):
        name = match[0].lower()
        in_link = any(span.start <= match.start() < span.end for span in links)
        if name not in attached and name not in thread and not in_link:
            words = f"names {quoted(match[0])}, which is not attached"
            yield Finding("missing_attachment", Level.MEDIUM, OneLine(words), (Span(*match.span()),))
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
    if both and pattern("documents").search(sentence) and not _of_something_else(sentence[both.end() :]):
        place = Span(first + both.start(), first + both.end())
        words = f"speaks of two files ({quoted(reading.body[slice(*place)])}) but one is attached"
        return Finding("missing_attachment", Level.MEDIUM, OneLine(words), (place,))
    roots = _roots(" ".join(str(file.name) for file in reading.draft.attachments))
    named = [
        (match, bool(_roots(match[0]) & roots))
        for match in pattern("documents").finditer(sentence)
        if match[0] not in word_set("any_files")
    ]
    without = [match for match, there in named if not there]
    joined = [match for match in without if any(there and _is_joined(sentence, match, other) for other, there in named)]
    if len(named) > number and joined:
        place = Span(first + joined[0].start(), first + joined[0].end())
        words = f"speaks of {quoted(reading.body[slice(*place)])}, which is not among what is attached"
        return Finding("missing_attachment", Level.MEDIUM, OneLine(words), (place,))
    return None


def _of_something_else(rest: str) -> bool:
    """Whether "both" belongs to a word that is no document: "with both signatures on the last page", "i due piatti"."""
    first = re.match(r"\s+(?:the |our |of |of the |the two )?(?!liegen|finden|zitten)([^\W\d_]{3,}(?:s|en|i))\b", rest)
    return first is not None and pattern("documents").match(first[1]) is None


_WORDS_BETWEEN = 6


def _is_joined(sentence: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether two names are joined: "the plan of the room and the autumn menu"."""
    early, late = sorted((one, other), key=lambda match: match.start())
    between = sentence[early.end() : late.start()]
    return len(between.split()) <= _WORDS_BETWEEN and pattern("joins").search(between) is not None


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
    if all(reading.is_ours(party.address) for party in reading.draft.recipients):
        return
    for file in reading.draft.attachments:
        name = str(file.name)
        if pattern("internal_file").search(re.sub(r"[\W_]+", " ", name).lower()) and name not in reading.seen_text:
            yield Finding(
                "internal_file", Level.MEDIUM, OneLine(f"attaches {quoted(name)}, which may be for colleagues")
            )


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
        yield Finding("attachment_other", Level.MEDIUM, OneLine(why), said_so)


def _other_number(names: list[str], said: str) -> tuple[str, str] | None:
    """Why a number in a file's name is wrong, and the one that is spoken of."""
    spoken = {number for number in _LONG_NUMBER.findall(said) if not _YEAR.fullmatch(number)}
    held = [(name, number) for name in names for number in _LONG_NUMBER.findall(_YEAR.sub("", name))]
    for name, number in held:
        near = [
            other
            for other in spoken
            if one_slip_apart(number, other) or (len(other) == len(number) and sorted(other) == sorted(number))
        ]
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
    others = [one for one in _LONG_NUMBER.findall(parts) if one != number and not _YEAR.fullmatch(one)]
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


def _other_time(names: list[str], reading: Reading, span: Span) -> str:
    first, last = reading.sentence(span.start)
    sentence = reading.body[first:last]
    asked = str(reading.asked.body) if reading.asked else ""
    for what, of in (("year", lambda text: {int(year) for year in _YEAR.findall(text)}), ("month", _months)):
        spoken = of(sentence) or (of(asked) if what == "month" else set())
        held = [(name, times) for name in names if (times := of(name))]
        if (
            spoken
            and len(held) == len(names)
            and not any(times & {*spoken, *of(str(reading.draft.subject))} for _, times in held)
        ):
            return f"attaches {quoted(held[0][0])}, which names another {what} than the text"
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


ATTACHMENT_RULES = (attachments_untold, missing_attachment, internal_file, attachment_other)
