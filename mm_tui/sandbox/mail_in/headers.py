"""The header block of an email: repaired, with decoded values, parsed addresses and Message-IDs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from email.errors import MessageError
from email.message import Message

from mm_tui.addresses import header_form
from mm_tui.sandbox.mail_in.charset_names import codec_of
from mm_tui.sandbox.mail_in.charsets import Odd
from mm_tui.sandbox.mail_in.encoded_words import header_text

PARSER_FAULTS = (MessageError, RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
"""What Python's email parser and generator raise for malformed emails."""
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_KNOWN = frozenset(
    b"from to cc subject date message-id received return-path mime-version content-type delivered-to sender reply-to"
    b" content-transfer-encoding in-reply-to references x-mailer user-agent bcc status x-status x-mozilla-status"
    b" x-uidl x-originating-ip x-priority list-id dkim-signature x-gm-thrid x-gmail-labels content-length lines"
    b" thread-topic thread-index importance auto-submitted precedence resent-from envelope-to x-spam-status".split()
)
_TELLING = frozenset(b"from to subject date message-id received return-path".split())
_BLANK = re.compile(rb"\n[ \t]*\n")
_MOST_ADDRESSES = 20_000
_TELLING_ENOUGH = frozenset((b"from", b"subject"))
_TOKEN = re.compile(
    r'"(?:[^"\\]|\\.){0,2000}"|<[^<>]{0,1000}>|=\?[^?\s]{1,60}\?[bBqQ]\?[^?]{0,2000}\?=|[,;:]|\s+|[^\s",;:<]+|.',
    re.DOTALL,
)
_BRACKETED = re.compile(r"<([^<>]{1,900})>")
_BARE = re.compile(r"[^\s<>,;\"'()]{1,450}@[^\s<>,;\"'()]{1,450}")
_SCHEME = re.compile(r"^(?:mailto|smtp):", re.IGNORECASE)
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\]|\\.)+"@\S+')
_COMMENT = re.compile(r"\([^()<>]*\)")
_FEW_PIECES = 10
"""The most pieces of a header that can be an address without a name."""


def mended(raw: bytes, odd: Odd) -> bytes:
    """The email with its header block repaired for the parser, with line feeds only. Drops byte order marks, blank
    lines and banners before the first header, and invalid lines among the headers."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        odd("file in UTF-16")
        raw = raw.decode("utf-16", "replace").encode("utf-8", "surrogatepass")
    if raw.startswith(b"\xef\xbb\xbf"):
        odd("byte order mark before the headers")
        raw = raw[3:]
    raw = raw.replace(b"\r\n", b"\n")
    if b"\n" not in raw or raw.count(b"\r") > 3 * raw.count(b"\n"):
        raw = raw.replace(b"\r", b"\n")
    started = raw.lstrip(b"\n \t\r\x0b\x0c") if not raw[:1].strip() else raw
    if started is not raw and is_header_block(started[:4000]):
        odd("blank lines before the headers")
        raw = started
    raw = _without_banner(raw, odd)
    head, blank, body = _split(raw)
    mended_head = _mended_lines(head, odd)
    # A blank line among the headers: only headers follow, and the mandatory ones are still missing.
    while blank and not _names(mended_head) >= _TELLING_ENOUGH:
        more, next_blank, rest = _split(body)
        new = _names(more)
        if not new or not is_header_block(more, whole=True) or new & _names(mended_head) & _TELLING:
            break
        odd("blank line amid the headers")
        mended_head, blank, body = mended_head + b"\n" + _mended_lines(more, odd), next_blank, rest
    return mended_head + b"\n\n" + body if blank else mended_head


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    if raw.startswith(b"\n"):
        return b"", b"\n", raw[1:]
    # A line of white space is a part of the header before it if headers follow.
    blanks = (
        found
        for found in _BLANK.finditer(raw)
        if not (found[0].strip(b"\n") and _goes_on(raw[found.end() : found.end() + 4000]))
    )
    match = next(blanks, None)
    return (raw[: match.start()], b"\n", raw[match.end() :]) if match else (raw, b"", b"")


def _goes_on(rest: bytes) -> bool:
    """Whether headers follow, perhaps behind lines that continue the one before."""
    return _is_known(next((line for line in rest.split(b"\n") if not line[:1].isspace()), b""))


def _names(head: bytes) -> set[bytes]:
    return {match[1].lower() for line in head.split(b"\n") if (match := _FIELD.match(line))}


def is_header_block(raw: bytes, *, whole: bool = False) -> bool:
    """Whether bytes begin with the headers of an email. `whole`: require every line up to the first blank one to be
    part of a header."""
    head = _split(raw.replace(b"\r\n", b"\n"))[0]
    lines = head.split(b"\n")
    fields = [match for line in lines if (match := _FIELD.match(line))]
    known = {match[1].lower() for match in fields} & _KNOWN
    if whole and any(not _FIELD.match(line) and not line[:1].isspace() for line in lines):
        return False
    return len(known) >= 2 and bool(known & _TELLING)


def _without_banner(raw: bytes, odd: Odd) -> bytes:
    """Removes the lines that a program wrote before the headers."""
    first = _FIELD.match(raw)
    if first and (b"\n" not in raw or first[1].lower() in _KNOWN or is_header_block(raw)):
        return raw
    at = 0
    for _line in range(12):
        end = raw.find(b"\n", at)
        if end < 0:
            break
        at = end + 1
        match = _FIELD.match(raw, at)
        if match and match[1].lower() in _KNOWN and is_header_block(raw[at : at + 20_000]):
            odd("text before the headers")
            return raw[at:]
    return raw


def _mended_lines(head: bytes, odd: Odd) -> bytes:
    kept: list[bytes] = []
    lines = head.split(b"\n")
    for number, line in enumerate(lines):
        if match := _FIELD.match(line):
            if match.end() > len(match[1]) + 1:
                odd("space before a header's colon")
                line = match[1] + line[match.end() - 1 :]
            kept.append(line)
        elif line[:1] in (b" ", b"\t") and kept:
            kept.append(line)
        elif kept and line.strip() and (kept[-1].rstrip().endswith(b",") or line.startswith(b"=?")):
            odd("continued header without its indent")
            kept.append(b" " + line)
        elif line.startswith((b"From ", b">From ")):
            odd("envelope line amid the headers")
        elif kept and any(_is_known(other) for other in lines[number + 1 :]):
            odd("line amid the headers that is none")
        elif not kept and any(_is_known(other) for other in lines[number + 1 :]):
            odd("text before the headers")
        else:
            # Text begins without a blank line before it.
            if kept and line.strip():
                odd("no blank line behind the headers")
                return b"\n".join(kept) + b"\n\n" + b"\n".join(lines[number:])
            kept.append(line)
    return b"\n".join(kept)


def _is_known(line: bytes) -> bool:
    match = _FIELD.match(line)
    return match is not None and match[1].lower() in _KNOWN


class Headers:
    """The headers of an email, decoded on demand. The first of a name counts."""

    def __init__(self, message: Message, odd: Odd, hints: Sequence[str] = ()) -> None:
        self._raw: dict[str, list[str]] = {}
        self._odd = odd
        self._hints = hints
        for name, value in message.raw_items():
            self._raw.setdefault(name.strip().lower(), []).append(str(value))

    def raw(self, name: str) -> str:
        """The first non-blank value, as in the email."""
        return next((value for value in self._raw.get(name, ()) if value.strip()), "")

    def every(self, name: str) -> list[str]:
        """All values, as in the email."""
        return self._raw.get(name, [])

    def text(self, name: str) -> str:
        """The first value, decoded."""
        return header_text(self.raw(name), self._odd, self._hints)

    def addresses(self, name: str) -> tuple[str, ...]:
        """The addresses in header form, decoded, each once; `name` in lower case."""
        values = [" ".join(value.split()) for value in self.every(name) if value.strip()]
        if not values:
            return ()
        if len(values) > 1:
            self._odd(f"several {name.title()} headers")
        found: dict[str, None] = {}
        for value in values:
            found.update(dict.fromkeys(self._address(shown, address) for shown, address in addresses_in(value)))
        found.pop("", None)
        if len(found) > _MOST_ADDRESSES:
            self._odd(f"more than {_MOST_ADDRESSES} addresses")
        if found:
            return tuple(found)[:_MOST_ADDRESSES]
        whole = self.text(name)
        if not whole.strip("<> ") or re.fullmatch(r'[\w "\'.-]*:\s*;?\s*', whole):
            return ()
        self._odd("unreadable address")
        return (whole,)

    def _address(self, shown: str, address: str) -> str:
        name = " ".join(header_text(shown, self._odd, self._hints).split())
        bare = header_text(address, self._odd, self._hints).strip()
        return header_form("" if name == bare else name, bare) if bare else ""


def addresses_in(value: str) -> list[tuple[str, str]]:
    """Name and address of each mailbox in a header's value, still encoded. Commas and semicolons separate them, but not
    within an unquoted name ("Lind, Nora <nora@x.example>")."""
    found: list[tuple[str, str]] = []
    held: list[str] = []
    has_angle = has_at = False
    value, comments = _without_comments(value)
    for piece in _TOKEN.findall(value):
        is_angle, is_quoted = piece.startswith("<") and len(piece) > 1, piece.startswith('"') and len(piece) > 1
        if piece in ",;" and not (has_angle or has_at):
            held += [piece] if held else []
            continue
        is_mailto = piece == ":" and len(held) <= _FEW_PIECES and "".join(held).strip().lower() == "mailto"
        if piece == ":" and held and not has_at and not is_mailto:
            # The name of a group.
            held, has_angle = [], False
            continue
        # A bare address before one in brackets is the name of its sender.
        if piece in ",;" or (is_angle and has_angle) or ("@" in piece and not is_angle and _is_bare(held)):
            found.append(_pair(held, comments))
            held, has_angle, has_at = [], False, False
        if piece not in ",;":
            held.append(piece)
            has_angle = has_angle or is_angle
            has_at = has_at or ("@" in piece and not is_quoted)
    if "".join(held).strip():
        found.append(_pair(held, comments))
    return [(name, address) for name, address in found if address]


def _without_comments(value: str) -> tuple[str, list[str]]:
    """The value with comments outside of quotes replaced by a mark, and their texts."""
    if "(" not in value:
        return value, []
    made: list[str] = []
    comments: list[str] = []
    depth, quoted, start, at = 0, False, 0, 0
    while at < len(value):
        sign = value[at]
        if sign == "\\":
            made.append(value[at : at + 2] if not depth else "")
            at += 2
            continue
        if sign == '"' and not depth:
            quoted = not quoted
        if sign == "(" and not quoted:
            if not depth:
                start = at + 1
            depth += 1
        elif sign == ")" and not quoted and depth:
            depth -= 1
            if not depth:
                made.append(f" \x01{len(comments)}\x02 ")
                comments.append(value[start:at])
        elif not depth:
            made.append(sign)
        at += 1
    if depth:
        made.append(value[start - 1 :])
    return "".join(made), comments


def _is_bare(held: list[str]) -> bool:
    """Whether an address without a name precedes."""
    text = "".join(held).strip() if len(held) <= _FEW_PIECES else ""
    return "@" in text and len(text.split()) == 1 and not text.startswith('"')


def _pair(held: list[str], comments: list[str]) -> tuple[str, str]:
    said = [comments[int(number)] for number in re.findall(r"\x01(\d+)\x02", "".join(held))]
    held = [re.sub(r"\x01\d+\x02", "", piece) for piece in held]
    angle = next((piece for piece in held if piece.startswith("<") and len(piece) > 1), "")
    if angle:
        before = "".join(held[: held.index(angle)]).strip(" ,;")
        after = "".join(held[held.index(angle) + 1 :]).strip(" ,;>")
        name = _unquoted(before) or _unquoted(after) or " ".join(said)
        address = angle[1:-1].strip()
        return name, _routed(address if address.startswith('"') else "".join(address.split()))
    text = re.sub(r"\s*@\s*", "@", "".join(held).strip(" ,;"))
    if unclosed := re.fullmatch(r"(.*?)<([^<>]*@[^<>\s]*)", text):
        return _unquoted(unclosed[1].strip()) or " ".join(said), unclosed[2]
    text = text.strip("<> ")
    text = _SCHEME.sub("", text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    if _QUOTED_LOCAL.fullmatch(text):
        return " ".join(said), text
    if " " in text and "@" in text:
        # A name and an address without brackets.
        words = text.split()
        address = next(word for word in words if "@" in word)
        name = " ".join(word for word in words if word is not address)
        return _unquoted(name), address.strip("<>[]()\"'")
    return " ".join(said), _unquoted(text) if "@" in text else ""


def _routed(address: str) -> str:
    """The address without a route or scheme before it."""
    return address.rpartition(":")[2] if address.startswith("@") else _SCHEME.sub("", address)


def _unquoted(name: str) -> str:
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: re.sub(r"\\(.)", r"\1", match[1]), name).strip("\"'")


def charset_of(part: Message) -> str | None:
    """The charset that a part declares."""
    try:
        return part.get_content_charset()
    except PARSER_FAULTS:
        return None


def charsets_named(message: Message) -> tuple[str, ...]:
    """The charsets declared by an email's parts and encoded words, as hints for undeclared text."""
    found: dict[str, None] = {}
    for part in message.walk():
        if (name := charset_of(part)) and codec_of(name):
            found[name] = None
    for _name, value in message.raw_items():
        for match in re.findall(r"=\?([^?\s*]{1,60})(?:\*[^?]*)?\?[bBqQ]\?", str(value)):
            found[match.lower()] = None
    return tuple(found)


def message_ids(values: Iterable[str], *, last_of_a_phrase: bool = False) -> tuple[str, ...]:
    """The ids in a header's raw values, in order, in angle brackets, without white space, each once.
    `last_of_a_phrase`: between words ("Your message of … <ann@x.example> … <1@x.example>") only an id at the very end
    counts; there may be an address before it."""
    found: dict[str, None] = {}
    for value in values:
        line = header_text(value)
        if "&lt;" in line:
            line = html.unescape(line)
        found.update(dict.fromkeys(_ids_of(line, last_of_a_phrase=last_of_a_phrase)))
    return tuple(found)


def _ids_of(line: str, *, last_of_a_phrase: bool) -> list[str]:
    inner = ["".join(match.split()) for match in _BRACKETED.findall(line)]
    between = _BRACKETED.sub(" ", _COMMENT.sub(" ", line)).strip(" ,;<>\"'\t")
    if inner:
        bare = between.replace(",", " ").split()
        if not between or all(_BARE.fullmatch(word) for word in bare):
            ids = [*inner, *bare]
        elif not last_of_a_phrase:
            ids = inner
        else:
            ids = inner[-1:] if line.rstrip(" .;,\t").endswith(">") else []
        return [f"<{name}>" for name in ids if name]
    words = between.replace(",", " ").replace(";", " ").split()
    if words and all(_BARE.fullmatch(word.strip("\"'<>")) for word in words):
        return [f"<{word.strip(chr(34) + chr(39) + '<>')}>" for word in words]
    return [f"<{words[0]}>"] if len(words) == 1 and len(words[0]) <= 900 else []
