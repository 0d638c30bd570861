"""Makes untrusted text safe. The only module that knows the rules.

Every string that did not come from our own source passes through `OneLine` or `ManyLine` before anything may
show, log or print it: headers, bodies, file names, tags, errors of the gateway, model output, names in the settings.

What is removed, and counted:

1. Control sequences, whole: CSI, the strings OSC, DCS, APC, PM and SOS, escapes of one character, each also in its
   8-bit form. An unterminated CSI ends where its grammar ends; an unterminated string ends with its line, so that one
   stray introducer cannot make a whole body vanish. As in a terminal, a string is also ended by any other control
   character that begins something new.
2. C0 but line feed and tab, DEL, C1, bidirectional controls, zero-width and other invisible format characters, tag
   characters, line and paragraph separators, fillers, lone surrogates. CR LF and CR become LF, uncounted.
3. Zero-width joiners but between two emoji and beside an Indic virama, where spelling needs them; variation selectors
   but directly after a character that has variants (emoji, Han ideographs, Myanmar letters).
4. Combining marks after the fourth in a cell, and marks with nothing to stand on.

Cleaning is total, idempotent, linear in time and never makes a text longer. It leaves ordinary text of every script
unchanged, with two known exceptions that follow from the list above: U+200C in Persian and Indic text, and the tag
characters in the flags of England, Scotland and Wales.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple, Self

MARKS_A_CELL = 4

# The patterns are texts, which `re` compiles when they are first used: that takes a hundredth of the time to the first
# frame, and most text is ASCII, which needs none of them.
# A string contains no control character that could begin or end another sequence. So no two match attempts scan the
# same characters, and the time is linear for any input.
_STRING = "[^\x07\x18\x1a\x1b\x80-\x9f]*+"
_STRING_IN_LINE = "[^\n\x07\x18\x1a\x1b\x80-\x9f]*+"
_SEQUENCE = (
    "(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    f"|(?:\x1b[\\]P_^X]|[\x90\x98\x9d-\x9f])(?:{_STRING}(?:\x07|\x1b\\\\|\x9c)|{_STRING_IN_LINE})"
    "|\x1b[ -/]*+[0-~]?"
)
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE = (
    "\xad\u034f\u180e\u200b\u200c\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
_HIDDEN = f"[{_CONTROL}{_BIDI}{_INVISIBLE}]+"
_REMOVED = f"(?:{_SEQUENCE}|{_HIDDEN})++"
_ACTIVE = f"[{_CONTROL}{_BIDI}]"
_BREAKS = "\r\n?"

_JOINER = "\u200d"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_CONTEXTUAL = f"[{_JOINER}{_SELECTORS}]"
_FIRST_MARK = "\u0300"
"""The lowest mark, joiner or selector; no character below it is one."""
# The only hidden characters that `str.isprintable`, the fast test for clean text, lets pass.
_PRINTABLE_YET_HIDDEN = "[\u034f\u2065\u3164\uffa0\ufff0-\ufff8]"
_EMOJI = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001faff]"
)
_MYANMAR = "[\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f]"
_INDIC = "[\u0900-\u0dff]"


_SETTLED_KINDS = frozenset({"Mn", "Me", "Cf"})
"""The characters that `_settle` may remove: marks and selectors, marks around a character, the joiner."""
_SHORT = 4000
_RARE_SCRIPTS = "[\U00010000-\U0001efff]"


@cache
def _marks(last: int) -> str:
    """All combining marks without a cell of their own (Mn, Me) up to `last`, as the inside of a character class."""
    ranges: list[list[int]] = []
    for code in range(0x300, last + 1):
        if unicodedata.category(chr(code)) in ("Mn", "Me") and not 0xFE00 <= code <= 0xFE0F:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


@cache
def _combining(last: int) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Too many marks in a row; a mark at the start of a line; a mark; all marks on one base. The first is written
    out, not counted with braces: so the engine can skip to its first character."""
    mark = f"[{_marks(last)}]"
    stack = f"[{_marks(last)}{_JOINER}{_SELECTORS}]++"
    return re.compile(mark * (MARKS_A_CELL + 1)), re.compile(f"[\n\t]{mark}"), re.compile(mark), re.compile(stack)


def _takes_selector(base: str, selector: str) -> bool:
    if selector in "\ufe0e\ufe0f":
        return base in "#*0123456789" or re.match(_EMOJI, base) is not None
    if selector == "\ufe00" and re.match(_MYANMAR, base):
        return True
    return (selector <= "\ufe02" or selector > "\uffff") and _han().match(base) is not None


@cache
def _han() -> re.Pattern[str]:
    return re.compile("[\u2e80-\u2fdf\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def _kept(base: str, stack: str, after: str) -> str:
    """The part of `stack` that may stay: the marks, joiners and selectors between the characters `base` and `after`.
    Each choice depends only on what was kept before it and what is certain to stay after it, so a second pass makes the
    same choices. `base` and `after` are empty at the ends of a line."""
    if not base:
        return ""
    kept = ""
    marks = 0
    for index, char in enumerate(stack):
        if char == _JOINER:
            follows = stack[index + 1 : index + 2]
            between_emoji = (
                not follows
                and kept in ("", "\ufe0f")
                and re.match(_EMOJI, base) is not None
                and re.match(_EMOJI, after) is not None
            )
            after_virama = (
                kept != "" and unicodedata.combining(kept[-1]) == 9 and re.match(_INDIC, kept[-1]) is not None
            )
            before_virama = (
                kept == ""
                and follows != ""
                and unicodedata.combining(follows) == 9
                and re.match(_INDIC, base) is not None
                and re.match(_INDIC, follows) is not None
            )
            if between_emoji or after_virama or before_virama:
                kept += char
        elif re.match(_CONTEXTUAL, char):
            if not kept and _takes_selector(base, char):
                kept += char
        elif marks < MARKS_A_CELL:
            marks += 1
            kept += char
    return kept


_SHORT_STACK = 8
_kept_short = lru_cache(1024)(_kept)
"""A text in a script with marks, or of many emoji, has the same few stacks again and again."""


def _settle(text: str) -> str:
    """Removes superfluous marks, joiners and selectors; all other hidden characters are already removed from `text`."""
    if len(text) < _SHORT and _SETTLED_KINDS.isdisjoint(map(unicodedata.category, set(text))):
        # The patterns below take 50 ms to make; a list of emails in Latin, Greek, Cyrillic or Han needs none of them.
        return text
    # A class within the first plane is matched many times faster than one that reaches beyond it.
    too_many, at_start, mark, stack = _combining(0x1EFFF if re.search(_RARE_SCRIPTS, text) else 0xFFFF)
    if not (re.search(_CONTEXTUAL, text) or too_many.search(text) or at_start.search(text) or mark.match(text)):
        return text

    def settled(match: re.Match[str]) -> str:
        start, end = match.span()
        base = text[start - 1 : start] if start else ""
        kept = _kept_short if end - start <= _SHORT_STACK else _kept
        return kept("" if base in "\n\t" else base, match.group(), text[end : end + 1])

    return stack.sub(settled, text)


MOST_PLACES = 100
"""The most places of hidden characters that a text remembers."""
_PIECE = 4096


class Hidden(NamedTuple):
    """What cleaning removed from a text."""

    removed: int = 0
    active: int = 0
    places: tuple[int, ...] = ()


_NOTHING = Hidden()


def _clean(raw: str) -> tuple[str, Hidden]:
    """The cleaned text and what was removed."""
    if raw.isascii() and raw.isprintable():
        # Most texts take this path; a list of 100,000 emails has a million texts.
        return raw, _NOTHING
    whole = text = re.sub(_BREAKS, "\n", raw) if "\r" in raw else raw
    active = 0
    printable = text.replace("\n", " ").replace("\t", " ").isprintable()
    if not printable or re.search(_PRINTABLE_YET_HIDDEN, text) is not None:
        text = re.sub(_SEQUENCE, "", text)
        active = len(whole) - len(text) + len(re.findall(_ACTIVE, text))
        text = re.sub(_HIDDEN, "", text)
    if not text.isascii() and max(text) >= _FIRST_MARK:
        text = _settle(text)
    removed = len(whole) - len(text)
    return text, Hidden(removed, active, _places(whole, text)) if removed else _NOTHING


def _places(whole: str, text: str) -> tuple[int, ...]:
    """Where in the cleaned `text` something of the `whole` is missing, the first `MOST_PLACES`."""
    places: list[int] = []
    at = place = 0
    while len(places) < MOST_PLACES:
        step = _PIECE
        while step and at < len(whole):
            if whole[at : at + step] == text[place : place + step]:
                at, place = at + step, place + step
            else:
                step //= 2
        if at >= len(whole):
            break
        places.append(place)
        while at < len(whole) and whole[at] != text[place : place + 1]:
            run = None if whole[at].isprintable() else re.compile(_REMOVED).match(whole, at)
            at = run.end() if run else at + 1
    return tuple(places)


_BLANK = "[\\s\u115f\u1160\u2800\U0001d159]*+"
"""Space, and letters and signs whose picture is empty: they are part of real words, so they are not taken out."""


def is_blank(text: str) -> bool:
    """Whether a reader sees nothing of a clean text."""
    return re.fullmatch(_BLANK, text) is not None


def folded_name(name: str) -> str:
    """A name for comparing: people write theirs with other capitals and blanks."""
    return " ".join(name.split()).casefold()


def subject_words(subject: str) -> OneLine:
    """A subject to show; if a reader would see nothing of it, the words for that."""
    return OneLine("(no subject)" if is_blank(subject) else subject)


class CleanText(str):
    """A string that may be shown. Building one cleans it, so the type is the guarantee. What `str`'s own methods return
    is plain `str`: clean, but no longer vouched for by its type."""

    __slots__ = ("hidden",)

    hidden: Hidden

    def __new__(cls, raw: str = "") -> Self:
        if type(raw) is cls:
            return raw
        text, hidden = cls._rule(raw)
        made = super().__new__(cls, text)
        # Of a clean text nothing is removed.
        made.hidden = raw.hidden if isinstance(raw, CleanText) else hidden
        return made

    @property
    def removed(self) -> int:
        """The number of characters that cleaning removed."""
        return self.hidden.removed

    @property
    def active(self) -> int:
        """How many of these could have had an effect: control sequences, control characters, bidirectional controls."""
        return self.hidden.active

    @property
    def places(self) -> tuple[int, ...]:
        """Where in the text they were, the first `MOST_PLACES`."""
        return self.hidden.places

    @staticmethod
    def _rule(raw: str) -> tuple[str, Hidden]:
        raise NotImplementedError


class OneLine(CleanText):
    """Cleaned text on one line: every line break and tab becomes one space."""

    __slots__ = ()

    @staticmethod
    def _rule(raw: str) -> tuple[str, Hidden]:
        text, hidden = _clean(raw)
        return text.replace("\n", " ").replace("\t", " "), hidden


class ManyLine(CleanText):
    """Cleaned text that keeps its line breaks and tabs."""

    __slots__ = ()

    @staticmethod
    def _rule(raw: str) -> tuple[str, Hidden]:
        return _clean(raw)


_PADDING = r"\s{2,}|_{6,}|\.{4,}|-{6,}"


def file_label(name: str, most: int = 60) -> OneLine:
    """A file's name, shortened to `most` characters, at least 24, so that its ending is visible: padding, and the
    middle of a long name, become ` … `."""
    label = OneLine(re.sub(_PADDING, " … ", OneLine(name).strip()))
    if len(label) > most:
        end = label[-18:]
        label = OneLine(f"{label[: most - len(end) - 3]} … {end}")
    return label or OneLine("(no name)")


def system_words(error: Exception) -> OneLine:
    """What the system says of an error, without its number and the path; never empty. Of an error without a number
    `strerror` is None."""
    return OneLine(getattr(error, "strerror", None) or str(error) or "the system refused")


def hidden_notice(removed: int) -> str:
    """The notice to show beside a text from which `removed` characters were removed; empty for none."""
    if removed <= 0:
        return ""
    return f"⚠ {removed} hidden character{'' if removed == 1 else 's'} removed"


def escaped(raw: str) -> str:
    """The raw text, with everything except printable ASCII and line breaks as backslash escapes, for "view raw"."""
    return "\n".join(line.encode("unicode_escape").decode("ascii") for line in re.sub(_BREAKS, "\n", raw).split("\n"))


def encodable(raw: str) -> str:
    """The raw text with lone surrogates, which no file or socket can carry, as backslash escapes."""
    return raw.encode("utf-8", "backslashreplace").decode("utf-8")


def unquoted(text: str) -> str:
    """An email's text without the lines that it quotes."""
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
