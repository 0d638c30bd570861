"""Rules about drafts that grant risky requests of the other side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.risk.phrases import lowered, pattern, phrases, weekday_names, weekday_number
from mm_tui.review.risk.rule import Reading, quoted, rule
from mm_tui.text import OneLine

_SENTENCE = re.compile(r"[^\n.!?。！？]+(?:[.](?=\w)[^\n.!?。！？]*)*[.!?。！？]*")
_NUMBER = re.compile(r"\d(?:[\d \-/.]{2,30})\d")
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3400-\u9fff]{2}")
_ROOT = 4
_LONGEST_SENTENCE = 600


def _sentences(reading: Reading) -> Iterator[Span]:
    for match in _SENTENCE.finditer(reading.low, 0, reading.written):
        lead = len(match[0]) - len(match[0].lstrip())
        if 8 <= len(match[0].strip()) <= _LONGEST_SENTENCE:
            yield Span(match.start() + lead, match.end())


def _without_pleas(sentence: str) -> str:
    """A sentence without what follows "please": "please do not" refuses nothing."""
    plea = pattern("please").search(sentence)
    return sentence[: plea.start()] + sentence[plea.end() + _PLEA :] if plea else sentence


_PLEA = 20


def _with_list(reading: Reading, span: Span) -> Span:
    """A sentence with the lines that it leads to: "Here you are:"."""
    if not reading.low[slice(*span)].rstrip().endswith((":", "：")):
        return span
    end = reading.low.find("\n\n", span.end + 2, reading.written)
    return Span(span.start, end if end > 0 else reading.written)


_NO_PROBLEM = re.compile(
    r"\b(?:no (?:problem|worries|bother)|kein(?:e)? (?:problem|thema|sorge)|(?:pas de|aucun) (?:problème|souci)"
    r"|(?:sin|ningún|no hay) problemas?|(?:sem|não há) problemas?|nessun problema|geen (?:probleem|punt)"
    r"|nie ma (?:problemu|sprawy))\b|問題(?:あり|ござい)ません|没问题"
)
"""A no that agrees."""


def _says_no(sentence: str) -> bool:
    return pattern("denies", "negations").search(_without_pleas(sentence)) is not None


def _digits(text: str) -> set[str]:
    found = (re.sub(r"\D", "", match[0]) for match in _NUMBER.finditer(text))
    return {digits for digits in found if 4 <= len(digits) <= 30}


@rule("bait_taken", "grants what fraudulent emails ask for", needs_thread=True)
def bait_taken(reading: Reading) -> Iterator[Finding]:
    """Somebody we have never corresponded with asks for what fraudulent emails ask for (a new bank account, a code, a
    password, a transfer in a hurry, gift cards, a list of people, to sign in somewhere), and the draft says that it is
    done or will be, hands over a number that is not in the thread, or repeats a number from that email, and nowhere
    refuses. Medium; high when a number is handed over."""
    asked = reading.asked
    if asked is None or reading.known.is_established(asked.sender.address):
        return
    if any(mail.direction != Direction.INBOUND for mail in reading.context.messages):
        return
    bait = pattern("baits").search(f"{lowered(str(asked.subject))}\n{reading.asked_text}")
    if bait is None:
        return
    granted: list[Span] = []
    given = False
    theirs = _digits(reading.asked_text)
    for span in _sentences(reading):
        said = _without_pleas(reading.low[slice(*span)])
        sentence = _NO_PROBLEM.sub(" ", said)
        if pattern("checking").search(sentence):
            return
        if pattern("denies", "negations").search(sentence):
            continue
        here = _digits(sentence)
        code = bool(here - theirs) and re.search(r"\d{3}[ -]?\d{3}|\d{4,8}", sentence) is not None
        code = code and pattern("baits").search(sentence) is not None
        if code or here & theirs or pattern("grants").search(said):
            granted.append(_with_list(reading, span))
            given = given or code
    if granted:
        words = f"grants what fraudulent emails ask for ({quoted(bait[0])}): {quoted(reading.body[slice(*granted[0])])}"
        yield Finding("bait_taken", Level.HIGH if given else Level.MEDIUM, OneLine(words), tuple(granted))


@cache
def _hollow() -> frozenset[str]:
    words = [*phrases("unfinished"), *phrases("negations"), *phrases("please"), "send", "mail", "more", "some", "them"]
    return frozenset(word[:_ROOT] for word in [*words, "they", "there", "then", "than", "what", "about", "you"])


_AFTER = re.compile(r"[^,.;:!?\n。！？、，；]{2,60}")


@rule("asked_not_to", "does what it was asked not to do", needs_thread=True)
def asked_not_to(reading: Reading) -> Iterator[Finding]:
    """The other side's newest email asks us not to do something ("please don't ring me", "do not cancel my order"), and
    the draft does, announces or offers it. Medium."""
    for match in pattern("please_not").finditer(reading.asked_text):
        after = _AFTER.match(reading.asked_text, match.end())
        words = [word for word in _WORD.findall(after[0] if after else "") if word[:_ROOT] not in _hollow()][:2]
        if not words:
            continue
        verb = words[0]
        for span in _sentences(reading):
            sentence = reading.low[slice(*span)]
            roots = {word[: max(_ROOT, min(len(word), len(verb)))] for word in _WORD.findall(sentence)}
            does = any(root.startswith(verb[: max(_ROOT, len(verb) - 2)]) for root in roots)
            if (
                not does
                or "?" in sentence
                or _says_no(sentence)
                or pattern("commits", "future").search(sentence) is None
            ):
                continue
            request = quoted(reading.asked_text[match.start() : after.end() if after else match.end()].strip())
            said = f"says {quoted(reading.body[slice(*span)])}, while the last mail says {request}"
            yield Finding("asked_not_to", Level.MEDIUM, OneLine(said), (span,))
            return


_MOST_SOURCES = 10


_CLAUSE = re.compile(r"(?:(?!\s(?:but|aber|mais|pero|mas|ma|maar|ale)\s)[^.,;:!?\n。！？、，；])+")
_OUT = re.compile(r"\b(?:out\Z|(?:is|are|i'm|i’m|am) out\b(?! on)|except|außer|sauf|salvo|behalve|oprócz)\b|以外|除了")
_HOUR = re.compile(r"\d")
_TERM = re.compile(
    r"\b(?:before|until|till|later|earlier|after|since|last|next|this|vor|bis|nach|seit|letzten?|nächsten?|avant|après|jusqu"
    r"|dernier|prochain|antes|hasta|después|depois|até|prima|dopo|fino|voor|tot|na|przed|po|do|później)\b|まで|前|后|以降"
)
_PAST = re.compile(
    r"\b(?:was|were|did|didn['’]t|had|came|war|waren|hatten?|kam|kamen|konnten?|wurden?|ging|gingen|était|étaient|avait"
    r"|avons|estuvo|era|fue|pudimos|llegó|esteve|estava|foi|conseguimos|erano|siamo|abbiamo|kon|konden|kwam|kwamen|był"
    r"|była|było|byli|mogliśmy)\b|ました|でした|なかった"
)
"""What happened on one such day rules out no other."""
_INSTEAD = re.compile(
    r"\b(?:instead|rather than|statt|anstatt|stattdessen|au lieu|en vez|em vez|invece|in plaats|zamiast)\b"
    r"|代わり|而不是"
)
_TITLED = re.compile(
    r"\b(?:mr|mrs|ms|miss|dr|herrn?|frau|mme|monsieur|madame|señora?|sra?|sig(?:nora?)?|pani?)\.? [^\W\d_]{3,}"
)


_CORRECTS = re.compile(r"""["'”»]\s*(?:not|nicht|pas|no|non|não|niet|nie)\s*["'“„«]""")
"""A spelling that is put right: "Mr Adeyemi" not "Adeyami"."""


def _refused(reading: Reading, named: re.Pattern[str]) -> dict[str, str]:
    """What the other side's newest email names only in clauses that say no, with one of these."""
    wanted: dict[str, str] = {}
    welcome: set[str] = set()
    for clause in _CLAUSE.finditer(reading.asked_text):
        words = named.findall(clause[0])
        if named is not _TITLED and any(sign.search(clause[0]) for sign in (_HOUR, _TERM, _PAST)):
            # A single day or hour or a term, not every such weekday.
            continue
        no = pattern("plain_not", "denies").search(clause[0]) or _OUT.search(clause[0]) if words else None
        if no and _CORRECTS.search(clause[0]):
            no = None
        for word in words:
            if no:
                wanted.setdefault(_kind_of(word), clause[0].strip())
            else:
                welcome.add(_kind_of(word))
    return {word: clause for word, clause in wanted.items() if word not in welcome}


def _kind_of(word: str) -> str:
    """A weekday as its number, so that "Tuesdays" is "Tuesday" in every language; other words as they are."""
    number = weekday_number(word)
    return str(number) if number else word


@rule("refused_choice", "offers what was ruled out", needs_thread=True)
def refused_choice(reading: Reading) -> Iterator[Finding]:
    """The other side's newest email rules out a weekday or a person ("Tuesdays are out", "not with Mr Hanley"), and the
    draft names that day with a time, or that person, without saying no. Medium."""
    for named, needs_hour in ((weekday_names(), True), (_TITLED, False)):
        refused = _refused(reading, named) if named.search(reading.asked_text) else {}
        for match in named.finditer(reading.low, 0, reading.written) if refused else ():
            clause = refused.get(_kind_of(match[0]))
            first, last = reading.sentence(match.start())
            off = pattern("calls_off").search(reading.low, first, last) or _INSTEAD.search(reading.low, first, last)
            if clause is None or off or reading.is_question(match.start()):
                continue
            if any(_kind_of(one) not in refused for one in named.findall(reading.low, first, last)):
                continue
            if _says_no(reading.low[first:last]) or (needs_hour and not _HOUR.search(reading.low, first, last)):
                continue
            words = f"names {quoted(reading.body[slice(*match.span())])}, while the last mail says {quoted(clause)}"
            yield Finding("refused_choice", Level.MEDIUM, OneLine(words), (Span(*match.span()),))
            return


@rule("source_not_in_thread", "a clause or standard that is not in the thread", needs_thread=True)
def source_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """The draft refers to an article, a section, a clause or a standard by its number ("§ 14", "clause 9b", "EN 71"),
    and neither the thread nor the house facts name it. Low: models invent such sources, but a company
    cites its own contracts in the same way. A draft with a file attached may refer to that."""
    if reading.draft.attachments:
        # The clauses may be those of the attached document.
        return
    known = f"{reading.thread_text}\n{reading.house_text}".lower()
    seen: set[str] = set()
    for match in pattern("sources").finditer(reading.low[: reading.written]):
        if match[0] in seen or len(seen) >= _MOST_SOURCES:
            continue
        seen.add(match[0])
        number = re.search(r"\d[\d.]*|[一二三四五六七八九十]+", match[0])
        source = " ".join(match[0].split())
        if source in known or (number and re.search(rf"(?<!\d){re.escape(number[0].rstrip('.'))}(?!\d)", known)):
            continue
        first, last = reading.sentence(match.start())
        words = f"refers to {quoted(reading.body[slice(*match.span())])}, which the thread does not name"
        yield Finding("source_not_in_thread", Level.LOW, OneLine(words), (Span(first, last),))


@rule("talk_not_in_thread", "a talk that the thread does not know of", needs_thread=True)
def talk_not_in_thread(reading: Reading) -> Iterator[Finding]:
    """The draft refers to an earlier call or meeting ("as we discussed on the phone yesterday"), and the thread
    mentions none. Medium: models invent such talks."""
    match = pattern("earlier_talk").search(reading.low, 0, reading.written)
    if match and pattern("talks").search(reading.thread_text.lower()) is None:
        words = f"refers to {quoted(reading.body[slice(*match.span())])}, and the thread mentions no call or meeting"
        yield Finding("talk_not_in_thread", Level.MEDIUM, OneLine(words), (Span(*match.span()),))


REQUEST_RULES = (bait_taken, asked_not_to, refused_choice, source_not_in_thread, talk_not_in_thread)
