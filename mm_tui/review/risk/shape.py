"""Rules about the shape of a draft: empty, cut off, broken markup, said before, another subject."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import combinations

from mm_tui.review.findings import Finding, Level, Span, line_span
from mm_tui.review.risk.phrase_patterns import EASTERN
from mm_tui.review.risk.phrases import is_words, pattern, phrases, word_set
from mm_tui.review.risk.rule import ABBREVIATIONS, LONGEST_DRAFT, MOST_MAILS, Reading, flag, quoted, rule
from mm_tui.review.risk.wording import similarity
from mm_tui.review.subject import unmarked
from mm_tui.text import unquoted

_WORD = re.compile(r"[^\W_]+")
_PARAGRAPH = re.compile(r"[^\n]+(?:\n[^\n]+)*")


@rule("repeats_itself", "the same paragraph twice")
def repeats_itself(reading: Reading) -> Iterator[Finding]:
    """Two paragraphs of the draft are nearly the same, as when two versions were left in, or a sentence is repeated
    immediately. Medium."""
    end = min(reading.written, LONGEST_DRAFT)
    if match := _TWICE.search(reading.body, 0, end) or _LOOP.search(reading.body.replace("\n", " "), 0, end):
        yield flag("repeats_itself", f"says the same twice: {quoted(match[1])}", match)
        return
    parts = [
        match
        for match in _PARAGRAPH.finditer(reading.body[:end])
        if len(match[0]) >= 50 and match[0][0].isalpha() and re.search(r"[.!?。！？]\s*\Z", match[0])
    ]
    for first, second in combinations(parts[:_MOST_PARAGRAPHS], 2):
        if similarity(first[0], second[0]) >= _ALIKE_PARAGRAPHS:
            yield flag("repeats_itself", f"says the same twice: {quoted(second[0])}", first, second)
            return


_TWICE = re.compile(r"(?:(?<=[.!?。！？\n])|\A)\s*+([^\s.!?。！？][^.!?。！？\n]{5,200}[.!?。！？])(?:\s*\1)+")
_LOOP = re.compile(r"\b([^\W\d_]+(?:[,;]? [^\W\d_]+){3,9})(?:[,;]? \1\b){2,}")
"""The same words three times."""
_MOST_PARAGRAPHS = 15
_ALIKE_PARAGRAPHS = 0.55


@rule("empty_body", "empty text")
def empty_body(reading: Reading) -> Iterator[Finding]:
    """The body is empty, a single word such as "Thanks" (in Chinese and Japanese up to eleven characters), or only a
    greeting and a closing. Medium."""
    words = _WORD.findall(reading.body)
    is_eastern = EASTERN.search(reading.body) is not None
    if not reading.body.strip():
        yield flag("empty_body", "the body is empty")
    elif len(words) <= 1 and len(reading.draft.body.strip()) < (12 if is_eastern else 20):
        said = f"the body is {'a few characters' if is_eastern else 'one word'}: {quoted(reading.body)}"
        yield flag("empty_body", said, Span(0, len(reading.body)))
    elif len(words) <= _MOST_WORDS_OF_FRAME and _is_frame(reading):
        span = Span(0, len(reading.body.rstrip()))
        yield flag("empty_body", "says nothing between greeting and closing", span)


_MOST_WORDS_OF_FRAME = 25


def _is_frame(reading: Reading) -> bool:
    """Whether a body has only a greeting in its first line, a closing and a signature."""
    lines = [line.strip() for line in reading.low.split("\n") if line.strip()]
    if len(lines) > _MOST_LINES_OF_FRAME or not pattern("greetings").match(lines[0]) or len(lines[0].split()) > 6:
        return False
    if re.search(r"[.!?。！？]\s*\S", _SHORTENED.sub("", lines[0])):
        return False
    return len(lines) == 1 or is_words(lines[1].rstrip(" ,.!"), "closings")


_MOST_LINES_OF_FRAME = 6
_SHORTENED = re.compile(rf"\b(?:{'|'.join(ABBREVIATIONS.split())})\.")
_FEWEST_WORDS = 8
_SHORTEST_EASTERN = 8
_ENDED = re.compile(r"[^\w,\s]\s*\Z")


def _open_end(text: str) -> Span | None:
    """The end of the last paragraph before the closing, if it alone of all long ones has no full stop."""
    paragraphs = list(_PARAGRAPH.finditer(text))
    at = next((at for at, one in enumerate(paragraphs) if at > 1 and pattern("closings").match(one[0].lower())), 0)
    long = [one for one in paragraphs[:at] if len(one[0].split()) >= _FEWEST_WORDS]
    ended = [_ENDED.search(one[0]) is not None for one in long]
    last = long[-1] if len(long) > 1 and all(ended[:-1]) and not ended[-1] else None
    if last is None or last is not paragraphs[at - 1] or not last[0].rstrip()[-1:].islower():
        return None
    return _end_of(text, last.end()) if "://" not in last[0] else None


_LONGEST_END = 40


def _end_of(text: str, end: int) -> Span:
    """The end of the line that ends at `end`."""
    return Span(max(text.rfind("\n", 0, end) + 1, end - _LONGEST_END), end)


_EASTERN_END = re.compile("[、，][^。！？、，]*[\u3040-\u309f]\\Z")
"""A last line with a comma in it that ends in hiragana, where names end in other characters."""
_FOOTER = re.compile(r" [|·•] |\d ?(?:am|pm|uhr|h)\Z", re.IGNORECASE)
"""Parts of an address side by side, or hours at the end."""


@cache
def _unfinished_eastern() -> tuple[str, ...]:
    return tuple(word for word in phrases("unfinished") if re.match("[\u3001-\u9fff\uff0c]", word))


def _breaks_off(reading: Reading, line: str, *, long: bool, begin: int) -> bool:
    """Whether the last line ends with what needs more after it, or is long and has no full stop."""
    last = line.split()[-1].lower()
    if re.search("[\u3040-\u9fff]", line[-1:]) and len(line) >= _SHORTEST_EASTERN:
        if begin and _EASTERN_END.search(line) and reading.body[:begin].rstrip()[-1:] in "。！？":
            return True
        return line.endswith(_unfinished_eastern())
    if long and (last in word_set("unfinished") or last.endswith((",", "(", "、", "，", " -", "，"))):
        return True
    if len(line.split()) < _FEWEST_WORDS or not re.search(r"[a-zà-ž]\Z", line) or "://" in line or "@" in line:
        return False
    if _FOOTER.search(line):
        return False
    starts_within = len(line) >= 60 or line[0].islower()
    return reading.asked is not None and begin > 0 and starts_within and not line.startswith((">", "-", "*"))


@rule("cut_off", "ends in the middle of a sentence")
def cut_off(reading: Reading) -> Iterator[Finding]:
    """The last line breaks off: it ends with a word that needs another after it ("to have the"), a comma after more
    than a few words, an open bracket, an empty item of a list, or with no full stop after a long line and without a
    signature. Or the last paragraph before the closing is the only long one without a full stop, or an earlier one ends
    with such a word. Medium."""
    text = reading.body[: reading.written].rstrip()
    begin = text.rfind("\n") + 1
    line = text[begin:].strip()
    words = line.split()
    if not words:
        return
    if begin and re.fullmatch(r"\d{1,2}[.)]|[-*•]", line):
        yield flag("cut_off", f"ends with an empty item of a list: {quoted(line)}", Span(begin, len(text)))
        return
    before = text[:begin].rstrip("\n").rpartition("\n")[2]
    long = len(words) >= 4 or (len(words) > 1 and len(before) > _LONG_LINE)
    if pattern("closings").match(line.lower()) is None and _breaks_off(reading, line, long=long, begin=begin):
        place: Span | None = _end_of(text, len(text))
    else:
        place = _open_end(text) or _broken_paragraph(reading)
    if place:
        words_said = f"ends in the middle of a sentence: {quoted('…' + text[slice(*place)])}"
        yield flag("cut_off", words_said, place)


def _broken_paragraph(reading: Reading) -> Span | None:
    """The end of a long paragraph before others whose last word needs another after it: "it is about a"."""
    for match in _PARAGRAPH.finditer(reading.body, 0, reading.written):
        last = match[0].rpartition(" ")[2]
        if (
            len(match[0]) > _LONG_PARAGRAPH
            and len(match[0].rpartition("\n")[2]) > _TABLE_ROW
            and last in word_set("unfinished")
            and re.match(r"\n\n\s*(?!https?:|www\.)[^\W\d_]", reading.body[match.end() :][:20])
        ):
            return Span(max(match.start(), match.end() - _LONGEST_END), match.end())
    return None


_LONG_LINE = 60
_LONG_PARAGRAPH = 80
_TABLE_ROW = 20
"""The most characters of the last row of a table: "Fri 15 you"."""
_TAGS = "div|span|p|br|table|tr|td|html|body|head|style|script|ul|li|strong|b|i"
_BROKEN = (
    (
        "a line break as it is written in code",
        re.compile(r"(?<=[\w.,:;!?*)])\\n(?=\s|[\w*-]|\\n|\Z)|\\r\\n|\\n\\n"),
    ),
    (
        "a link whose bracket does not close",
        re.compile(r"\[[^\[\]\n]{1,200}\]\(https?://[^\s()<>]{1,500}(?=\s|\Z)(?![^\n]{0,80}\))"),
    ),
    ("tags of a web page", re.compile(rf"</?(?:{_TAGS})(?![\w.@-])[^<>@\n]{{0,200}}/?>", re.IGNORECASE)),
    ("signs of a web page", re.compile(r"&(?:nbsp|amp|lt|gt|quot|#39|#x27|apos);")),
    ("letters in a wrong encoding", re.compile(r"Ã[\x80-\xbf©¨¤¶¼±³­«ªŸœ§¢¡]|â€[™œ\x9d“”˜]|Â[ £€°»«]|\ufffd")),
    (
        "a value of a program",
        re.compile(
            r"\[object Object\]|\bundefined\b(?=[,.!\s]*(?:\n|\Z))|\bNaN\b|\bNone,|Traceback \(most recent"
            r"|\bnull\b(?=[,.!])"
        ),
    ),
)
_HEADING = re.compile(
    r"\A\s*(?:```\w*\s*)?(?:\*\*)?(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp|temat|件名|主题|body|to)"
    r"(?:\*\*)?[ ]?[:：][^\n]*(?:\n\s*(?:body|text|message)\s*:)?",
    re.IGNORECASE,
)
_JSON = re.compile(r"\A\s*(?:```(?:json)?\s*)?[\[{]\s*(?:\"|\{|\[)")
_FIELD = re.compile(r"^[ \t]*\"[\w ]{1,40}\"\s*:\s*(?:[\"\[{\d]|true|false|null)", re.MULTILINE)


@rule("broken_form", "raw data or broken markup")
def broken_form(reading: Reading) -> Iterator[Finding]:
    """The reader would see what a program should have turned into text: JSON, a code fence that does not close or
    holds the whole text, a heading such as "Subject:", a written-out line break, bold type or a link that does not
    close, tags of a web page, a wrong encoding. Medium."""
    body = reading.body
    if _JSON.match(body) or len(_FIELD.findall(body)) >= 2:
        start = next((at for at in (body.find("{"), body.find("[")) if at >= 0), 0)
        kind = "data instead of a text"
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            kind = "what looks like data of a program"
        yield flag("broken_form", f"holds {kind}", Span(start, len(body.rstrip())))
        return
    if match := _HEADING.match(body):
        yield flag("broken_form", f"begins with an email header: {quoted(match[0])}", match)
    for what, sought in _BROKEN:
        if found := list(sought.finditer(body)):
            yield flag("broken_form", f"holds {what}: {quoted(found[0][0])}", *found)
    yield from _code(body)
    for match in _PARAGRAPH.finditer(body):
        # Bold type may continue on the next line of the same paragraph.
        lines = [line for line in match[0].split("\n") if line.count("**") % 2 and _BOLD.search(line)]
        if match[0].count("**") % 2 and lines:
            start = body.index(lines[0], match.start())
            words = f"holds bold type that does not close: {quoted(lines[0])}"
            yield flag("broken_form", words, Span(start, start + len(lines[0])))
            break


_BOLD = re.compile(r"\*\*\w|\w\*\*")
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)


def _code(body: str) -> Iterator[Finding]:
    """Code fences around all of the text, or that do not close."""
    fences = list(_FENCE.finditer(body))
    if fences and not body[: fences[0].start()].strip():
        # A text that begins as code is raw output of a tool.
        span = line_span(body, *fences[0].span())
        yield flag("broken_form", "the text itself is marked as code", Span(span.start, min(span.end + 1, len(body))))
    elif len(fences) % 2:
        yield flag(
            "broken_form", "holds a code fence that does not close", Span(fences[-1].start(), len(body.rstrip()))
        )


_ALIKE = 0.8
_FEWEST = 8


@rule("said_before", "said before in this thread", needs_thread=True)
def said_before(reading: Reading) -> Iterator[Finding]:
    """The draft is nearly the same as an earlier email of ours in this thread, or repeats the email that it answers.
    Compares neighbouring pairs of words in texts of at least eight words. Medium."""
    body = reading.body[: reading.written]
    if len(_WORD.findall(body)) < _FEWEST:
        return
    mails = [mail for mail in reading.context.messages[-MOST_MAILS:] if mail.body is not None]
    for mail in reversed(mails):
        text = unquoted(str(mail.body)[:LONGEST_DRAFT])
        if not 0.4 < len(text) / max(1, len(body)) < 2.5:
            continue
        ours = reading.is_sent(mail)
        share = similarity(body, text)
        if share >= _ALIKE or (not ours and share >= 0.7):
            what = "was said before in this thread" if ours else "repeats the email that it answers"
            yield flag("said_before", f"{share:.0%} of it {what}", Span(0, len(body.rstrip())))
            return


@rule("other_subject", "the subject of another thread", needs_thread=True)
def other_subject(reading: Reading) -> Iterator[Finding]:
    """The draft is an answer, but its subject has no word in common with the subjects and the text of its thread.
    Medium; low when only the subjects differ."""
    topic = unmarked(str(reading.draft.subject))
    words = {word.lower() for word in _WORD.findall(topic) if len(word) > 2 or word.isdigit()}
    words = words - word_set("unfinished") or words
    subjects = " ".join(str(mail.subject) for mail in reading.context.messages).lower()
    if not words or not subjects.strip() or topic.lower() in subjects:
        return
    shared = words & set(_WORD.findall(subjects))
    same = words & reading.thread_words
    if shared and len(shared) * 2 >= len(words):
        return
    level = Level.LOW if len(same) * 2 >= len(words) or shared else Level.MEDIUM
    said = f"the subject is not that of the thread: {quoted(reading.draft.subject)}"
    yield flag("other_subject", said, level=level)
