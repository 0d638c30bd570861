"""Rules about whom a draft greets, and about names that are nearly those of the thread."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from mm_tui.models import Party
from mm_tui.review.findings import Finding, Level, Span
from mm_tui.review.lookalike import one_slip_apart, plain_name
from mm_tui.review.risk.phrases import is_common, lowered, phrases, word_set
from mm_tui.review.risk.rule import LONGEST_DRAFT, MOST_MAILS, Reading, flag, listed, quoted, rule

NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_]))+")
"""A word that may be a name."""
_FORMS = str.maketrans(
    "黃陳張劉楊趙吳孫馬羅鄭謝許韓馮鄧蕭葉蔣盧蘇鍾鐘譚陸賈龍萬錢湯賴顧龔嚴鄒齋斉齊邊邉澤濱廣髙﨑國櫻嶋嶌眞實寬曾邱歐陽闕藍魯遲連關聶閻鄔盧溫榮",
    "黄陈张刘杨赵吴孙马罗郑谢许韩冯邓萧叶蒋卢苏钟钟谭陆贾龙万钱汤赖顾龚严邹斎斎斎辺辺沢浜広高崎国桜島島真实宽曾邱欧阳阙蓝鲁迟连关聂阎邬卢温荣",
)
"""Other forms of characters in names: traditional, simplified, and old ones of Japan."""
_SUFFIX = r"(?:様|さま|さん|氏|先生|女士|小姐|殿|老师|总|经理)"
_SCRIPT = r"[\u3040-\u30ff\u3400-\u9fff]"
_EASTERN = re.compile(
    rf"\A\s*(?:尊敬的|亲爱的)?(?P<name>{_SCRIPT}{{1,6}}?(?:[ \u3000]{_SCRIPT}{{1,4}})?)[ \u3000]?{_SUFFIX}"
)
_SPELT = re.compile("[\u30a0-\u30ff\u3000 ]+")
_OF_EAST = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_HONOURED = ("お", "ご", "御")
"""What no name begins with: お子様, ご家族様."""
_ADDRESS_LINES = 4
_LONGEST_ADDRESS = 200
_SHORTEST_CALLED = 5


def is_known_name(name: str, known: frozenset[str]) -> bool:
    """Whether a name, a short form of it or one of its parts is among `known`, which `plain_name` normalized."""
    plain = plain_name(name)
    parts = [part for part in re.split(r"['’-]", plain) if len(part) > 1] or [plain]
    if any(part in known for part in parts) or plain in known:
        return True
    if plain[-1:] in "ou" and f"{plain[:-1]}a" in known:
        # "Pani Ewo" calls Ewa.
        return True
    if (
        plain[-1:] in "eu"
        and len(plain) >= _SHORTEST_CALLED
        and any(
            one[:3] == plain[:3] and len(one) >= _SHORTEST_CALLED and abs(len(one) - len(plain)) <= 1 for one in known
        )
    ):
        # "Panie Pawle" calls Paweł.
        return True
    # Short forms ("Matt" for "Matthew") and joined names in an address ("annaberg@").
    return any(
        len(one) >= 3 and (one.startswith(plain[:4]) or (plain.startswith(one[:4]) and len(one) <= 6))
        if len(plain) >= 4
        else one.startswith(plain)
        for one in known
        if one and one[0] == plain[0]
    ) or any(len(plain) >= 4 and plain in one for one in known if len(one) > len(plain) + 2)


@cache
def greeting() -> re.Pattern[str]:
    """Greeting words at the beginning of a line in lower case."""
    every = sorted(phrases("greetings"), key=len, reverse=True)
    return re.compile(rf"\s*(?:{'|'.join(map(re.escape, every))})(?!\w)")


def _eastern_names(reading: Reading, begin: int) -> list[Span]:
    """Who is addressed in the first lines, in Japanese or Chinese."""
    found, at = [], begin
    for line in reading.body[begin : begin + _LONGEST_ADDRESS].split("\n")[:_ADDRESS_LINES]:
        if (match := _EASTERN.match(line)) and not match["name"].startswith(_HONOURED):
            found.append(Span(at + match.start("name"), at + match.end("name")))
        at += len(line) + 1
    return found


def _eastern_strangers(reading: Reading, addressed: list[Span]) -> list[Span]:
    """Those of `addressed` of whom neither thread nor recipients have the name or its first two characters."""
    parties = [*reading.draft.recipients, *(mail.sender for mail in reading.context.messages)]
    text = "\n".join((reading.thread_text, *(re.sub(r"\s", "", str(party.name)) for party in parties)))
    known = text.translate(_FORMS)
    if _OF_EAST.search(known) is None:
        # The names there are in Latin letters.
        return []
    found = []
    for span in addressed:
        name = reading.body[slice(*span)].translate(_FORMS)
        if _SPELT.fullmatch(name) and not _SPELT.search(known):
            # A name in Latin letters as it is spoken.
            continue
        family, _, given = name.replace("\u3000", " ").partition(" ")
        name = family + given
        parts = (family,) if given else (name, name[:2], name[-2:]) if len(name) > 2 else (name,)
        if name not in word_set("everybody") and not any(part in known for part in parts):
            found.append(span)
    return found


_ABBREVIATED = re.compile(
    r"\b(?:[MD]r|[MD]rs|Dra|Ms|Sr|Sra|Sig|Dott|Prof|Dhr|Mevr|Mw|M|Exmo|Exma|Eng|Ing|Avv|ssa|ra)\."
)
_TITLES = frozenset(
    {"mr", "mrs", "ms", "dr", "dra", "prof", "sr", "sra", "sig", "dott", "m", "dhr", "mevr", "mw", "ra", "eng"}
    | {"ing", "ssa", "exmo", "exma", "avv"}
)
_MOST_WORDS = 6
_MOST_BEFORE = 3
"""The most words between a greeting and the name."""
_LONGEST_LINE = 120


def _greeted(reading: Reading, line: str, begin: int) -> list[Span]:
    """The names in a greeting line, which begins at `begin`."""
    hello = greeting().match(lowered(line))
    if hello is None:
        return []
    rest = line[hello.end() :]
    offset = begin + hello.end() + len(rest) - len(rest.lstrip(" ,"))
    rest = _ABBREVIATED.sub(lambda match: match[0][:-1] + " ", rest.lstrip(" ,"))
    rest = re.split(r"[,!.:;—–(]|\s-\s", rest)[0]
    if len(rest.split()) > _MOST_WORDS:
        return []
    skip = word_set("everybody", "titles", "greetings") | _TITLES
    found = [match for match in NAME.finditer(rest) if match[0][0].isupper() and match[0].lower() not in skip]
    if found and len(rest[: found[0].start()].split()) > _MOST_BEFORE:
        # "Hello, it is 250 on KM-71890."
        return []
    return [Span(offset + match.start(), offset + match.end()) for match in found]


def spells_name(address: str) -> bool:
    """Whether an address spells one person's name, such as `ann.lee@`."""
    parts = re.split(r"[._]", address.lower().partition("@")[0])
    return len(parts) == 2 and all(
        len(part) > 2 and part.isalpha() and part not in word_set("roles", "organisations") for part in parts
    )


def _is_shared(party: Party, *, ours: bool) -> bool:
    """Whether an address is that of a team: it spells no name, and that of somebody else bears the company's name."""
    box, _, domain = str(party.address).lower().partition("@")
    if spells_name(str(party.address)):
        return False
    words = [word for word in map(plain_name, NAME.findall(str(party.name))) if len(word) > _SHORTEST_BOX]
    return ours or (any(word in domain for word in words) and not any(word in box or box in word for word in words))


_SHORTEST_BOX = 2
_TEXT_LINE = re.compile(r"^[^\S\n]*+\S[^\n]*", re.MULTILINE)


@rule("greets_stranger", "greets somebody else", needs_thread=True)
def greets_stranger(reading: Reading) -> Iterator[Finding]:
    """The greeting names somebody who neither takes part in the thread nor is named in it. Medium. Greetings to
    everybody or to a team do not count. Low if it goes only to shared addresses, such as workshop@ of ours or
    "Brockwell HR <hr@brockwell.com>"."""
    first = _TEXT_LINE.search(reading.body)
    names = list[Span]()
    if first is None:
        return
    if eastern := _eastern_names(reading, first.start()):
        names = _eastern_strangers(reading, eastern)
    elif found := _greeted(reading, first[0][:_LONGEST_LINE], first.start()):
        called = [reading.body[slice(*span)] for span in found]
        known = [is_known_name(name, reading.known_names) for name in called]
        if not any(known):
            names = found
        elif not known[-1]:
            # "Dear Anna Schmitt" to Anna Schmidt: the last name counts.
            names = found[-1:]
    if names:
        words = f"greets somebody who is not in the thread: {listed(list(map(reading.quoted, names)))}"
        recipients = reading.draft.recipients
        shared = bool(recipients) and all(_is_shared(one, ours=reading.is_ours(one.address)) for one in recipients)
        yield flag("greets_stranger", words, *names, level=Level.LOW if shared else Level.MEDIUM)


_TITLED = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herrn?|Frau|Mme|Monsieur|Madame|Sra?|Señora?|Sig|Signora?|Pani?|mevrouw|meneer)\.? "
    r"(?P<name>[^\W\d_]{4,20})(?P<more>(?: [^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_]))+){0,2})"
)
_SHORTEST_NAME = 5
_ENDING = 2
"""The last letters of a name that other cases may change."""


def _is_slip(name: str, other: str) -> bool:
    """Whether two names differ by a letter before their endings."""
    begin = min(len(name), len(other)) - _ENDING
    return name[:begin] != other[:begin] and one_slip_apart(name, other)


@rule("name_differs", "a name nearly the same as in the thread", needs_thread=True)
def name_differs(reading: Reading) -> Iterator[Finding]:
    """The draft names somebody by a name that is not in the thread but nearly that of somebody there ("Mr Marlow" for
    "Mr Barlow"), or gives somebody there another last name, and nowhere the right one.
    Medium."""
    body = reading.body[: reading.written]
    mails = reading.context.messages[-MOST_MAILS:]
    parties = [party for mail in mails for party in (mail.sender, *mail.to, *mail.cc)]
    text = "\n".join(str(mail.body or "")[:LONGEST_DRAFT] for mail in mails)
    theirs = {plain_name(word) for party in parties for word in NAME.findall(str(party.name))}
    theirs |= {
        plain_name(word)
        for match in _TITLED.finditer(text)
        for word in (match["name"], *match["more"].split())
        if word[0].isupper()
    }
    theirs = {name for name in theirs if len(name) >= _SHORTEST_NAME}
    if other := _other_last_name(reading, parties, text):
        span, right = other
        yield flag("name_differs", f"names {quoted(body[slice(*span)])}, while the thread names {quoted(right)}", span)
        return
    words = [match for match in NAME.finditer(body) if match[0][0].isupper() and len(match[0]) >= _SHORTEST_NAME]
    mine = {plain_name(match[0]) for match in words}
    for match in words if theirs else ():
        name = plain_name(match[0])
        near = next((one for one in theirs if one[0] == name[0] and _is_slip(name, one)), None)
        near = near or next((one for one in theirs if one[1:] == name[1:] and one != name), None)
        if near and near not in mine and name not in reading.known_names:
            words_said = f"names {quoted(match[0])}, while the thread names {quoted(near.capitalize())}"
            yield flag("name_differs", words_said, match)
            return


_LAST_NAME = re.compile(r"[ ](?P<last>[^\W\d_](?:[^\W\d_]|['’-](?=[^\W\d_]))+)")


def _other_last_name(reading: Reading, parties: list[Party], text: str) -> tuple[Span, str] | None:
    """The place of a person's first name with a last name that nobody has in the thread, and the right name."""
    full = [NAME.findall(str(party.name)) for party in parties]
    full += [[match["name"], *match["more"].split()] for match in _TITLED.finditer(text)]
    lasts = {plain_name(names[0]): names[-1] for names in full if len(names) > 1 and len(names[0]) > _ENDING}
    for match in NAME.finditer(reading.body, 0, reading.last_lines) if lasts else ():
        right = lasts.get(plain_name(match[0]))
        after = _LAST_NAME.match(reading.body, match.end()) if right and match[0][0].isupper() else None
        if after is None or right is None or not after["last"][0].isupper() or plain_name(right) in reading.low:
            continue
        last = plain_name(after["last"])
        if last not in reading.known_names and not is_common(after["last"].lower()) and len(last) > _ENDING:
            return Span(match.start(), after.end()), f"{match[0]} {right}"
    return None
