"""The definition of a risk rule, and the input of every rule."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property

import msgspec

from mm_tui.models import Direction
from mm_tui.review.findings import Finding, Level, Place, line_span, span_of
from mm_tui.review.known import Known
from mm_tui.review.links import Link, find_links
from mm_tui.review.lookalike import domain_of, plain_name
from mm_tui.review.risk.model import NOT_READ, Draft, EarlierEmail, ThreadContext
from mm_tui.review.risk.phrases import lowered, ordered, pattern, tree
from mm_tui.settings.sections import Risk
from mm_tui.text import OneLine, unquoted

WRAP = re.compile(r"(?<=[^\n]{45})\n(?![ \t]*(?:\n|[-*•>#|–]|\d{1,3}[.)]|[^\W\d_]{2,20}:[ ]|\Z))")
"""A line break inserted by mail programs: it ends no sentence, unless a list, a label ("Total: ") or nothing
follows."""
ABBREVIATIONS = (
    "mr mrs ms dr prof st nr ca sr sra dra sig m mme bzw inkl zzgl ggf evtl incl excl approx dott ing max min tel art"
)
_NO_END = "".join(rf"(?<!\b{one}.)" for one in ABBREVIATIONS.split())
_MONTHS = tree(ordered("months"))
_ENDS = re.compile(rf"[!?] |\.{_NO_END}(?:(?<!\d.)|(?! (?:{_MONTHS})(?!\w))) |[\n。！？]")
"""The ends of sentences, but not the dots of "Dr. Ross" and "4. Dezember"."""
LONGEST_ASKED = 30_000
"""The most characters of the last email to read for its requests."""
LONGEST_END = 30_000
"""Characters at either end of a huge email to search for orders to an AI."""
MOST_MAILS = 20
"""How many of a thread's newest emails are searched for names and earlier statements."""
LONGEST_DRAFT = 20_000
"""The most characters of a draft to compare by sentence, within itself and with earlier emails."""
_QUOTED = re.compile(r"^[ \t]*+(?:>[ \t]*+)++([^\n]*+)", re.MULTILINE)
_HEADER = re.compile(
    r"^(?=(?:[^\n]+\n){0,7}[^\n]*@)(?:[ \t*]*[^\W\d_]{2,12}[ \t*]{0,3}[:：][^\n]+\n){3,}", re.MULTILINE
)
"""The header of an email that is quoted below an answer without marks, in any language: one of its lines has an
address."""
_LINE = re.compile(r"^[ \t]*+([^\n]++)", re.MULTILINE)
_SET_OFF = re.compile(r"^--[ \t]*$", re.MULTILINE)
_FOOTER = re.compile(
    r"^[ \t]*(?:[_=~]{16,}|-{16,}|[-=~_]{5,}[^\n]{1,60}[-=~_]{5,}[->~]*|[_-]{2,}[ \w]{3,40}[_-]{2,})[ \t]*$",
    re.MULTILINE,
)
_LONGEST_FOOTER = 20
_LAST_LINES = 4
_QUOTES_LOOKED_FOR = 400
_SHORTEST_QUOTE = 12
_SENTENCE_END = re.compile(r"(?<=\.) (?=[A-Z])")
_DIGIT = re.compile(r"\d")
_BETWEEN_DIGITS = re.compile(r"[\s()./-]")
MOST_FIGURES = 40_000
"""The most characters of the thread's newest lines with digits to compare a draft's numbers with."""


class Reading(msgspec.Struct, frozen=True, dict=True):
    """A draft and its context, with values that several rules need computed once."""

    draft: Draft
    context: ThreadContext
    settings: Risk

    @cached_property
    def known(self) -> Known:
        """Our domains, and everybody that mail was exchanged with before or who is in the thread."""
        own = frozenset({*self.context.domains, *map(str.lower, self.settings.own_domains)})
        taking_part = tuple(address for address in self._in_order if domain_of(address) not in own)
        return Known(own, recent=taking_part, others=self.context.contacts.without(own))

    @cached_property
    def participants(self) -> frozenset[str]:
        """Everybody who sent or received an email of the thread, lower case."""
        return frozenset(self._in_order)

    @cached_property
    def _in_order(self) -> tuple[str, ...]:
        mails = self.context.messages
        parties = (str(party.address).lower() for mail in mails for party in (mail.sender, *mail.to, *mail.cc))
        return tuple(dict.fromkeys(parties))

    @cached_property
    def has_thread(self) -> bool:
        """Whether the draft answers a known email, even if only its summary is known."""
        return bool(self.context.messages)

    @cached_property
    def has_thread_text(self) -> bool:
        """Whether the text of at least one email of the thread is known."""
        return any(mail.body is not None for mail in self.context.messages)

    @cached_property
    def thread_text(self) -> str:
        """Subjects and known bodies of the thread, one after the other."""
        return "\n".join(part for mail in self.context.messages for part in (mail.subject, mail.body or ""))

    @cached_property
    def thread_low(self) -> str:
        """`thread_text` in lower case."""
        return self.thread_text.lower()

    @cached_property
    def between_us(self) -> tuple[EarlierEmail, ...]:
        """The emails that only our own people sent and received."""
        return tuple(
            mail
            for mail in self.context.messages
            if (mail.to or mail.cc) and all(self.is_ours(one.address) for one in (mail.sender, *mail.to, *mail.cc))
        )

    @cached_property
    def seen_text(self) -> str:
        """Subjects and known bodies of the emails that somebody else wrote or received."""
        mails = [mail for mail in self.context.messages if mail not in self.between_us]
        return "\n".join(part for mail in mails for part in (mail.subject, mail.body or ""))

    @cached_property
    def figures(self) -> str:
        """The lines of the thread with a digit, the only ones that can have an amount, a date or a number.

        For a long thread, the newest forty thousand characters of them.
        """
        return self._all_figures[-MOST_FIGURES:]

    @cached_property
    def _all_figures(self) -> str:
        return "\n".join(line for line in self.thread_text.split("\n") if _DIGIT.search(line))

    @property
    def not_read(self) -> Iterator[str]:
        """What was not read because thread or draft are very long, one sentence each."""
        if len(self._all_figures) > MOST_FIGURES:
            yield f"{NOT_READ}numbers in the older emails of this long thread, past {MOST_FIGURES:,} characters of them"
        asked = str(self.asked.body) if self.asked else ""
        if len(asked) > LONGEST_ASKED:
            yield f"{NOT_READ}what the last email asks for after its first {LONGEST_ASKED:,} characters"
        if len(asked) > 2 * LONGEST_END:
            yield f"{NOT_READ}orders to an AI in the last email beyond its first and last {LONGEST_END:,} characters"
        if len(self.draft.body) > LONGEST_DRAFT:
            yield f"{NOT_READ}repetitions after the first {LONGEST_DRAFT:,} characters of the draft"
        if len(self.context.messages) > MOST_MAILS:
            yield f"{NOT_READ}names and earlier wording in all but the newest {MOST_MAILS} emails of the thread"

    @cached_property
    def house_text(self) -> str:
        """The house facts, one file after the other."""
        return "\n".join(file.text for file in self.context.house)

    @cached_property
    def thread_digits(self) -> str:
        """`figures` without separators between the digits of long numbers."""
        return _BETWEEN_DIGITS.sub("", self.figures)

    def lines_with(self, numbers: str) -> str:
        """The lines of `figures` with a number that fully matches `numbers`, the inside of a pattern."""
        matches = re.finditer(rf"(?<!\d)(?:{numbers})(?!\d)", self.figures)
        lines = dict.fromkeys(line_span(self.figures, *match.span()) for match in matches)
        return "\n".join(self.figures[slice(*line)] for line in lines)

    @cached_property
    def body(self) -> str:
        """The body with quoted lines blanked if the thread has the same words; spans stay valid.

        A quoted line that is not in the thread is read like any other, so that nothing can hide in quotes. The lines
        below the header of an email count as quoted.
        """
        if not self.has_thread_text:
            return str(self.draft.body)
        header = _HEADER.search(self.draft.body)
        if header is None and _QUOTED.search(self.draft.body) is None:
            return str(self.draft.body)
        lines = {" ".join(line.lstrip("> \t").split()) for line in self.thread_text.split("\n")}
        flowing = " ".join(line.lstrip("> \t") for line in self.thread_text.split("\n"))
        flowing = " ".join(flowing.split())
        looked_for = 0

        def blanked(match: re.Match[str]) -> str:
            nonlocal looked_for
            words = " ".join(match[1].split())
            if words in lines:
                return " " * len(match[0])
            looked_for += 1
            # Mail programs rewrap long lines when they quote. Bounded, so that a huge draft stays fast.
            known = looked_for <= _QUOTES_LOOKED_FOR and len(words) >= _SHORTEST_QUOTE and words in flowing
            return " " * len(match[0]) if known else match[0]

        written = str(self.draft.body)
        below = header.end() if header else len(written)
        own = _QUOTED.sub(blanked, written[:below]) + _LINE.sub(blanked, written[below:])
        # A whole thread quoted below the answer is not searched by every rule.
        return own if own == written else own.rstrip()

    def quoted(self, place: Place) -> str:
        """The words of `body` at a place, in quotation marks."""
        return quoted(self.body[slice(*span_of(place))])

    @cached_property
    def low(self) -> str:
        """`body` in lower case with the breaks of wrapped lines as spaces, every character in its place."""
        return WRAP.sub(" ", lowered(self.body))

    def sentence(self, at: int) -> tuple[int, int]:
        """The start and end of the sentence of `low` with the character `at`."""
        starts, ends = self._breaks
        before, after = bisect_right(ends, at), bisect_left(starts, at)
        return ends[before - 1] if before else 0, starts[after] if after < len(starts) else len(self.low)

    def sentence_has(self, at: int, *keys: str, before: int = 0) -> bool:
        """Whether the sentence with the character `at`, or the `before` characters before it, has words under `keys`.

        Each sentence is searched once, as a long one may have thousands of dates.
        """
        first, last = self.sentence(at)
        question = (max(0, first - before), last, keys)
        if question not in self._searched:
            self._searched[question] = pattern(*keys).search(self.low, *question[:2]) is not None
        return self._searched[question]

    def sentence_matches(self, at: int, *sought: re.Pattern[str]) -> bool:
        """Whether one of `sought` is in the sentence with the character `at`. Each sentence is searched once."""
        first, last = self.sentence(at)
        question = (first, last, sought)
        if question not in self._searched:
            self._searched[question] = any(one.search(self.low, first, last) for one in sought)
        return self._searched[question]

    def is_question(self, at: int) -> bool:
        """Whether the sentence with the character `at` asks."""
        first, last = self.sentence(at)
        question = (first, last, ("?",))
        if question not in self._searched:
            self._searched[question] = self.low.find("?", first, last + 1) >= 0
        return self._searched[question]

    @cached_property
    def _searched(self) -> dict[tuple[int, int, tuple[str | re.Pattern[str], ...]], bool]:
        return {}

    @cached_property
    def _breaks(self) -> tuple[list[int], list[int]]:
        """Where what ends a sentence begins and ends."""
        found = [match.span() for match in _ENDS.finditer(self.low)]
        return [start for start, _ in found], [end for _, end in found]

    @cached_property
    def asked(self) -> EarlierEmail | None:
        """The newest email of the other side whose text is known."""
        mails = self.context.messages
        return next((m for m in reversed(mails) if m.body is not None and not self.is_ours(m.sender.address)), None)

    @cached_property
    def asked_text(self) -> str:
        """The other side's latest text, without quotes, in lower case."""
        body = str(self.asked.body) if self.asked else ""
        return lowered(unquoted(body[:LONGEST_ASKED]))

    @cached_property
    def thread_words(self) -> frozenset[str]:
        """The words of the thread and the names of all participants, in lower case."""
        mails = self.context.messages
        parties = [party for mail in mails for party in (mail.sender, *mail.to, *mail.cc)]
        parties += [self.draft.sender, *self.draft.recipients]
        names = " ".join(f"{party.name} {party.address}" for party in parties)
        # Most words of a long thread are repeated.
        apart = set(f"{self.thread_text} {names}".lower().split())
        words = set(re.findall(r"\w+", "\n".join(apart)))
        joined = [word for word in words if "_" in word]
        return frozenset(words.difference(joined).union(part for word in joined for part in word.split("_") if part))

    @cached_property
    def all_words(self) -> frozenset[str]:
        """The words of draft and thread, in lower case."""
        return self.thread_words.union(re.findall(r"\w+", self.low))

    @cached_property
    def known_names(self) -> frozenset[str]:
        """`thread_words`, normalized by `plain_name`."""
        plain = {word for word in self.thread_words if word.isascii()}
        return frozenset(plain.union(map(plain_name, self.thread_words - plain)))

    @cached_property
    def written(self) -> int:
        """Where the text of `body` ends, before a signature after "-- " or a footer under a line."""
        ends = [match.start() for match in _SET_OFF.finditer(self.body)]
        ends += [match.start() for match in _FOOTER.finditer(self.body)]
        # A line may also divide an email in two: only a short part is a footer.
        short = [end for end in ends if self.body.count("\n", end) <= _LONGEST_FOOTER]
        return min(short, default=len(self.body))

    @cached_property
    def last_lines(self) -> int:
        """Where the last four lines of `body`, or the blank space at its end, begin."""
        at = len(self.body)
        for _ in range(_LAST_LINES):
            at = self.body.rfind("\n", 0, at)
            if at < 0:
                return 0
        return min(at + 1, len(self.body.rstrip()))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The links of `body`."""
        return find_links(self.body)

    @cached_property
    def among_us(self) -> bool:
        """Whether the draft goes only to our own people."""
        recipients = self.draft.recipients
        return bool(recipients) and all(self.is_ours(party.address) for party in recipients)

    def is_sent(self, mail: EarlierEmail) -> bool:
        """Whether one of us wrote an email."""
        return mail.direction != Direction.INBOUND or self.is_ours(mail.sender.address)

    def is_ours(self, address: str) -> bool:
        """Whether the address is one of our mailboxes or in one of our domains."""
        address = address.lower()
        domain = domain_of(address)
        return address in self.context.own_addresses or any(
            domain == own or domain.endswith(f".{own}") for own in self.known.own_domains
        )


class Rule(msgspec.Struct, frozen=True):
    """A rule: a function of a reading, with its description."""

    code: str
    """Its name in the settings. Its findings have this code or one in its description."""
    title: str
    """A short title."""
    find: Callable[[Reading], Iterator[Finding]]
    needs_thread: bool
    """Whether it compares with the text of the thread."""
    inbound: bool
    """Whether it also applies to inbound mail."""
    reminder: bool
    """Whether it is about something that is easily forgotten while writing: the editor shows it first."""

    @property
    def codes(self) -> frozenset[str]:
        """Its own code and those of its findings, in backticks in its description."""
        return frozenset({self.code, *re.findall(r"`([a-z_]+)`", self.text)})

    @property
    def text(self) -> str:
        """Its description: the docstring of its function, as one paragraph."""
        return " ".join((self.find.__doc__ or "").split())

    @property
    def explanation(self) -> str:
        """The first sentence of its description, without its list of codes; its title if that is all it says."""
        first = _SENTENCE_END.split(self.text, maxsplit=1)[0]
        if "`" in first:
            first = first.partition(":")[0] + "."
        return first if " " in first else f"{self.title[:1].upper()}{self.title[1:]}."


def rule(
    code: str, title: str, *, needs_thread: bool = False, inbound: bool = False, reminder: bool = False
) -> Callable[[Callable[[Reading], Iterator[Finding]]], Rule]:
    """Turns a function into a rule; its docstring is the rule's description in docs/risk.md."""

    def made(find: Callable[[Reading], Iterator[Finding]]) -> Rule:
        return Rule(code, title, find, needs_thread, inbound, reminder)

    return made


def flag(code: str, words: str, *places: Place, level: Level = Level.MEDIUM) -> Finding:
    """A finding that marks these places of the body."""
    return Finding(code, level, OneLine(words), tuple(map(span_of, places)))


def quoted(text: str, longest: int = 60) -> str:
    """`text` in quotation marks on one line, cut to `longest` characters."""
    flat = " ".join(text.split())
    return f'"{flat[: longest - 1]}…"' if len(flat) > longest else f'"{flat}"'


def listed(words: list[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
