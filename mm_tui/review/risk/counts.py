"""The rule about counts and measures that differ from the thread, and its number parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import NamedTuple

import msgspec

from mm_tui.review.alike import grouped
from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import one_slip_apart, reordered
from mm_tui.review.risk.phrases import is_words, lowered, ordered, word_set
from mm_tui.review.risk.pieces import find_all
from mm_tui.review.risk.rule import Reading, flag, quoted, rule
from mm_tui.review.risk.sentences import agrees

_SHORT = 20_000
_UNITS = (
    {"kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"},
    {"kbit", "mbit", "gbit", "kbit/s", "mbit/s", "gbit/s", "kbps", "mbps", "gbps"},
    {"mg", "g", "kg", "t", "lb", "oz"},
    {"mm", "cm", "m", "km", "inch", "ft", "mile"},
    {"ml", "cl", "dl", "l", "gallon"},
    {"w", "kw", "mw", "kwh", "wh", "mwh", "therm", "therms", "btu", "mj", "gj"},
    {"v", "mv", "kv"},
    {"bar", "mbar", "psi", "kpa", "mpa"},
    {"°c", "°f", "c", "f"},
    word_set("spans_of_time"),
    {"m²", "km²", "ha"},
    {"m³", "cm³"},
)
_NAMES = {
    "g": "克 グラム gram grams gramm gramme grammes gramos gramas grammi",
    "kg": "公斤 千克 キロ kilo kilos kilogram kilograms kilogramm kilogrammes",
    "t": "吨 トン ton tons tonne tonnes tonnen toneladas tonnellate",
    "lb": "lbs libras libbre livres pfund funtów",
    "inch": "inches",
    "ft": "foot feet",
    "mile": "miles",
    "mm": "毫米 ミリ millimetres millimeters millimeter",
    "cm": "厘米 公分 センチ centimetres centimeters centimeter zentimeter",
    "m": "米 メートル metre metres meter meters mètres metros metri",
    "km": "公里 千米 kilometres kilometers kilometer",
    "l": "升 リットル litre litres liter liters litros litri",
    "gallon": "gallons",
}
"""Other names of units."""
_SHORT_NAMES = {name: unit for unit, names in _NAMES.items() for name in names.split()}
DIMENSION = {unit: number for number, units in enumerate(_UNITS) for unit in units}
DIMENSION |= {name: DIMENSION[unit] for name, unit in _SHORT_NAMES.items()}


_WORKING = frozenset({"business", "working", "werktage", "werktagen"})
"""Working days may be called days."""


def _same_unit(first: str, second: str) -> bool:
    """Whether two words are the same unit: `m` and `metres`, `Jahre` and `Jahren`, but not `m` and `mm`."""
    short, long = sorted((first, second), key=len)
    return first == second or (len(long) > 3 and (long.startswith(short) or first[:3] == second[:3]))


class Count(NamedTuple):
    """A number with the words around it."""

    number: float
    noun: str
    """The word after it, lower case, without its ending."""
    unit: str
    before: str
    span: Span
    after: str = ""
    """The root of the word after the noun or unit."""

    @property
    def size(self) -> float | None:
        return self.number * _SIZE[self.unit] if self.unit in _SIZE else None


@cache
def _counted() -> re.Pattern[str]:
    # By first letter, so that few are tried at each word.
    by_letter: dict[str, list[str]] = {}
    for word in sorted((word for word in ordered("numbers") if word.isalpha()), key=len, reverse=True):
        by_letter.setdefault(word[0], []).append(re.escape(word[1:]))
    words = "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in by_letter.items())
    return re.compile(
        rf"(?<![\w.,/:$€£¥-])(?P<number>\d{{1,3}}(?:[ ,.']\d{{3}})+(?!\d)"
        rf"|\d{{1,7}}(?:[.,]\d{{1,2}})?|(?:{words})(?!\w))"
        r"(?:[ \u00a0-]?(?P<noun>毫米|厘米|公分|公斤|千克|公里|千米|ミリ|センチ|キロ|グラム|トン|メートル|リットル"
        r"|[\u3400-\u9fff]|°?[^\W\d_]+(?:[²³](?!\w)|/[^\W\d_]+)?))(?:\s(?P<next>[^\W\d_]+))?"
    )


_LONGEST_WORD = 30
_WORD_BEFORE = re.compile(r"[^\W\d_]+[ \t]*\Z")


def _stem(word: str) -> str:
    return word[: max(3, len(word) - 2)] if len(word) > 4 else word.rstrip("s")


def find_counts(text: str) -> list[Count]:
    """The counted things and measures of a text in lower case."""
    found = []
    places = ordered("numbers")
    for match in find_all(_counted(), text):
        number = match["number"]
        digits = re.sub(r"[ ,.'](?=\d{3}(?!\d))", "", number).replace(",", ".")
        value = float(places[number]) if number in places else float(digits)
        noun = _SHORT_NAMES.get(match["noun"], match["noun"])
        if match["next"] and noun not in DIMENSION and is_words(match["next"], "partly"):
            continue
        before = _WORD_BEFORE.search(text, max(0, match.start() - _LONGEST_WORD), match.start())
        word = before[0].rstrip(" \t") if before else ""
        span = Span(match.start("number"), match.end("noun"))
        after = _stem(match["next"]) if match["next"] and len(match["next"]) > 2 else ""
        found.append(Count(value, _stem(noun), noun if noun in DIMENSION else "", word, span, after))
        linked = noun not in DIMENSION and noun not in word_set("unlinked") and not is_words(noun, "partly")
        if linked and match["next"] and len(match["next"]) > 3:
            span = Span(match.start("number"), match.end("next"))
            found.append(Count(value, _stem(match["next"]), "", word, span))
    return found


def _lines_about(text: str, counts: list[Count]) -> str:
    """The lines of `text` with one of the same counted things or numbers."""
    nouns = {count.noun for count in counts}
    nouns |= {unit for count in counts if count.unit for unit in _UNITS[DIMENSION[count.unit]] if _SIZE.get(unit)}
    nouns |= {f"{count.number:g}"[:3] for count in counts if count.unit}
    return "\n".join(line for line in text.split("\n") if any(noun in line for noun in nouns))


_SIZE = (
    {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
    | {"mg": 1e-3, "g": 1, "kg": 1e3, "t": 1e6}
    | {"mm": 1, "cm": 10, "m": 1e3, "km": 1e6}
    | {"ml": 1, "cl": 10, "dl": 100, "l": 1e3}
    | {"w": 1, "kw": 1e3, "mw": 1e6, "wh": 1, "kwh": 1e3, "mwh": 1e6}
)
"""The relative sizes of the units of a dimension."""
_LIMIT = re.compile(
    r"(?:\b(?:under|below|less than|at most|not above|stay under|unter|unterhalb|weniger als|moins de|sous|bajo"
    r"|menos de|por debajo de|abaixo de|sotto|meno di|onder|minder dan|poniżej|mniej niż"
    r"|from|over|above|more than|at least|starting at|upwards of|ab|über|mehr als|mindestens|à partir de|dès|plus de"
    r"|au moins|a partir de|desde|más de|al menos|mais de|pelo menos|a partire da|più di|almeno|vanaf|meer dan|minstens"
    r"|od|powyżej|co najmniej)"
    r"(?: (?:the|den|die|les|los|as|os|i|le))?)\s*\Z"
)
"""Words before a limit, which need not be the thread's number."""
_WHOLE = re.compile(r"(?<![\d.,])\d{1,6}(?![\d.,]\d)")
_FEW_WORDS = 600
_FEWEST_UNITS = 5
_BEFORE_HOURS = frozenset({"om", "tot", "van", "vanaf", "rond", "tussen", "en", "voor", "na"})
"""Dutch words between which and "uur" a time of day stands."""
_MOST_REPORTED = 100
"""The most findings: a draft that differs more often is about something else."""


def _same_thing(count: Count, other: Count, reading: Reading) -> bool:
    """Whether two measures are of the same thing: the same word before or after them, or one zero more or less."""
    telling = count.unit in word_set("spans_of_time") or count.before not in _weak()
    if telling and count.before and count.before == other.before:
        return True
    if count.after and count.after == other.after and count.after not in _weak():
        return True
    first, second = f"{count.number:g}", f"{other.number:g}"
    # A lost zero: 4 GB for 40 GB.
    return count.unit in _SIZE and first.strip("0") == second.strip("0") and _is_sure(reading, count)


def _is_sure(reading: Reading, count: Count) -> bool:
    """Whether the draft agrees to a number, or the thread is too short to be about something else."""
    return len(reading.thread_text) <= _FEW_WORDS or agrees(reading, count.span)


_ORDINALS = frozenset({"th", "st", "nd", "rd", "er", "ème", "ª", "º"})


def _mixed_up(count: Count, other: Count) -> bool:
    """Whether one number may be a slip for the other: digits in another order, one too many or too few, or, in a
    measure or a span of time, one wrong."""
    first, second = f"{count.number:g}", f"{other.number:g}"
    may_be_wrong = len(first) != len(second) or (count.unit != "" and len(first) > 1)
    return reordered(first, second) or (may_be_wrong and one_slip_apart(first, second))


@cache
def _weak() -> frozenset[str]:
    return frozenset(map(_stem, [*ordered("months"), *ordered("weekdays"), *word_set("uncounted")]))


class _Thread(msgspec.Struct, frozen=True, dict=True):
    """What a draft and its thread count."""

    reading: Reading
    mine: list[Count]

    @cached_property
    def theirs(self) -> list[Count]:
        """The thread's counts of what the draft counts."""
        text = self.reading.thread_text
        return find_counts(_lines_about(lowered(text if len(text) < _SHORT else self.reading.figures), self.mine))

    @cached_property
    def by_noun(self) -> dict[str, tuple[Count, ...]]:
        """The thread's counts by what they count."""
        return grouped((count.noun, count) for count in self.theirs)

    @cached_property
    def units(self) -> dict[float, tuple[str, ...]]:
        """The units of the thread by number."""
        return grouped((count.number, count.unit) for count in self.theirs if count.unit)

    @cached_property
    def sized(self) -> dict[int, tuple[Count, ...]]:
        """The thread's counts with a size, by dimension."""
        return grouped((DIMENSION[count.unit], count) for count in self.theirs if count.size)

    @cached_property
    def named(self) -> set[tuple[float, str]]:
        """The numbers of the draft, each with what it counts."""
        return {(count.number, count.noun) for count in self.mine}

    @cached_property
    def alone(self) -> set[float]:
        """The whole numbers of the draft, whatever they count."""
        return {float(number) for number in _WHOLE.findall(self.reading.low, 0, self.reading.written)}

    @cached_property
    def asked(self) -> frozenset[str]:
        """The whole numbers of the other side's newest email: "and for 500?", "12 instead of 10"."""
        return frozenset(_WHOLE.findall(self.reading.asked_text))

    def other_unit(self, count: Count) -> str | None:
        """The unit of the same kind that the thread gives to the same number."""
        units = self.units.get(count.number, ()) if count.unit else ()
        if any(_same_unit(unit, count.unit) for unit in units):
            return None
        # "Two hours" and "two weeks" are rarely the same thing.
        few = count.unit in word_set("spans_of_time") and count.number < _FEWEST_UNITS
        if few and not agrees(self.reading, count.span):
            return None
        alike = {unit for unit in units if DIMENSION[unit] == DIMENSION[count.unit]}
        return min(alike, default=None) if _WORKING.isdisjoint((*alike, count.unit)) else None

    def other_size(self, count: Count) -> Count | None:
        """The thread's value in another unit of the same kind, if no value there is equal and the draft has it not."""
        size = count.size
        alike = self.sized.get(DIMENSION[count.unit], ()) if size else ()
        of_file = self.reading.draft.attachments and count.unit in _UNITS[0]
        if not size or not alike or of_file or any(other.unit == count.unit for other in self.theirs):
            return None
        if any(abs((other.size or 0) - size) <= size / 100 for other in alike):
            return None
        # Beside the thread's own value it is reckoned from that.
        has_it = any((one.number, one.unit) == (alike[0].number, alike[0].unit) for one in self.mine)
        return None if has_it else alike[0]

    def other_numbers(self, count: Count) -> list[Count]:
        """What the thread counts of the same thing, if it never gives that number."""
        there = list(self.by_noun.get(count.noun, ()))
        if any(other.number == count.number for other in there) or f"{count.number:g}" in self.asked:
            return []
        if count.unit:
            return [other for other in there if _same_thing(count, other, self.reading)]
        return there if len(count.noun) > 1 or count.noun >= "\u3400" else []

    def is_slip(self, count: Count, there: list[Count]) -> bool:
        """Whether a number may be a slip for one of `there`."""
        reading = self.reading
        if _LIMIT.search(reading.low, max(0, count.span.start - _LONGEST_WORD), count.span.start):
            return False
        if any((other.number, other.noun) in self.named for other in there):
            return False
        if not count.unit and any(other.number in self.alone for other in there):
            return False
        return any(_mixed_up(count, other) for other in there) or self._is_same_item(count, there)

    def _is_same_item(self, count: Count, there: list[Count]) -> bool:
        """Whether the only number of the thread stands before the same two words: "12 docking stations"."""
        return (
            not count.unit
            and count.after not in {"", *_weak()}
            and {other.after for other in there} == {count.after}
            and len({other.number for other in there}) == 1
            and sum(one.noun == count.noun for one in self.mine) == 1
            # "5 today and 7 tomorrow" of 12.
            and there[0].number - count.number not in self.alone
            and len(self.reading.thread_text) <= _FEW_WORDS
        )


@rule("count_differs", "a number or unit that contradicts the thread", needs_thread=True)
def count_differs(reading: Reading) -> Iterator[Finding]:
    """The draft counts the same thing as the thread but gives another number ("52 seats" for "25 seats"), or gives the
    same number in another unit of the same kind ("500 MB" for "500 GB"). Measures and spans of time count only after
    the same word ("for 90 days" for "for 30 days"). Medium if the digits are in another order, if one is too many, too
    few or, in a measure, wrong, or if a short thread gives its only number to the same two words ("20 docking stations"
    for "12 docking stations"); otherwise low, as it is if the draft also names the thread's number."""
    mine = find_counts(reading.low[: reading.written])
    if not mine:
        return
    thread = _Thread(reading, mine)
    reported: set[int] = set()
    for count in mine:
        if len(reported) >= _MOST_REPORTED:
            return
        if count.unit == "uur" and (count.before in _BEFORE_HOURS or count.number != int(count.number)):
            continue
        if count.noun in _weak() or count.noun in _ORDINALS or count.span.start in reported:
            continue
        if unit := thread.other_unit(count):
            level, there_said = Level.MEDIUM, quoted(unit)
        elif size := thread.other_size(count):
            level = Level.MEDIUM if agrees(reading, count.span) else Level.LOW
            there_said = f"{size.number:g} {size.unit}"
        elif there := thread.other_numbers(count):
            level = Level.MEDIUM if thread.is_slip(count, there) else Level.LOW
            there_said = f"{there[0].number:g}"
        else:
            continue
        reported.add(count.span.start)
        words = f"says {reading.quoted(count.span)}, while the thread says {there_said}"
        yield flag("count_differs", words, count.span, level=level)
