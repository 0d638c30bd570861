"""Opens winmail.dat (TNEF, MS-OXTNEF), in which Outlook wraps an email's text and files."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mm_tui.sandbox.gateway.mail import MailAttachment
from mm_tui.sandbox.mail_in import notices
from mm_tui.sandbox.mail_in.charset_names import codec_of_page
from mm_tui.sandbox.mail_in.charsets import Odd, decode
from mm_tui.sandbox.mail_in.content import PartContent, is_readable, shortened_name
from mm_tui.sandbox.mail_in.html import html_to_markdown
from mm_tui.sandbox.mail_in.plain import without_tabs
from mm_tui.sandbox.mail_in.rtf import text_of_rtf, unpacked

_SIGNATURE = 0x223E9F78
_SUBJECT, _BODY, _PROPERTIES, _CODE_PAGE = 0x8004, 0x800C, 0x9003, 0x9007
_NEW_FILE, _FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_SUBJECT_PROPERTY, _TEXT, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_LONG_NAME, _NAME, _DATA, _MIME = 0x3707, 0x3704, 0x3701, 0x370E
_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
"""The size in bytes of each type, padded to four."""
_TEXT_8, _TEXT_16, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_DEEPEST = 4
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")


@dataclass(slots=True)
class _Wrapped:
    """The content of a winmail.dat, its own text apart."""

    subject: str = ""
    text: str = ""
    is_html: bool = False
    content: PartContent = field(default_factory=PartContent)
    """The files, and the emails that it forwards."""

    def whole(self, odd: Odd) -> PartContent:
        """All of it, with its own text first."""
        text = html_to_markdown(self.text, odd) if self.is_html else without_tabs(self.text.replace("\r\n", "\n"))
        own = [text.strip("\n")] if is_readable(text) else []
        return PartContent(texts=own + self.content.texts, files=self.content.files)


def read_tnef(data: bytes, odd: Odd) -> PartContent | None:
    """The text and the files in a winmail.dat; None if it is something else, or damaged at its beginning."""
    found = _read(data, odd, 0)
    return None if found is None else found.whole(odd)


def _read(data: bytes, odd: Odd, depth: int) -> _Wrapped | None:
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return None
    made = _Wrapped()
    page = "cp1252"
    files: list[dict[int, bytes]] = []
    try:
        for name, value in _attributes(data):
            if name == _CODE_PAGE and len(value) >= 4:
                page = codec_of_page(struct.unpack_from("<I", value)[0])
            elif name == _SUBJECT:
                made.subject = _decoded(value, page)
            elif name == _BODY:
                made.text, made.is_html = _decoded(value, page), False
            elif name == _PROPERTIES:
                _take_text(made, _properties(value, page))
            elif name == _NEW_FILE:
                files.append({})
            elif files and name in (_FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES):
                files[-1][name] = value
    except (struct.error, IndexError):
        # Cut off: what stands before is kept.
        pass
    for number, file in enumerate(files, 1):
        made.content.add(_file(file, number, page, odd, depth))
    return made


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        _level, name, _kind, length = struct.unpack_from("<BHHI", data, at)
        yield name, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _decoded(value: bytes, page: str) -> str:
    return decode(value.split(b"\x00")[0], page)


def _properties(data: bytes, page: str) -> Mapping[int, bytes | str]:
    """The values by number; the first of several."""
    made: dict[int, bytes | str] = {}
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _number in range(min(count, 10_000)):
        try:
            kind, number = struct.unpack_from("<HH", data, at)
            at += 4
            if number >= 0x8000:
                at = _behind_name(data, at)
            several, kind = kind & 0x1000, kind & 0xFFF
            values = 1
            if several or kind in (_TEXT_8, _TEXT_16, _OBJECT, _BINARY):
                (values,) = struct.unpack_from("<I", data, at)
                at += 4
            for _value in range(min(values, 10_000)):
                if kind in _SIZES:
                    length = _SIZES[kind]
                elif kind in (_TEXT_8, _TEXT_16, _OBJECT, _BINARY):
                    (length,) = struct.unpack_from("<I", data, at)
                    at += 4
                else:
                    return made
                value = data[at : at + length]
                at += length + -length % 4
                if kind == _TEXT_16:
                    made.setdefault(number, value.decode("utf-16-le", "replace").split("\x00")[0])
                elif kind == _TEXT_8:
                    made.setdefault(number, _decoded(value, page))
                else:
                    made.setdefault(number, value[16:] if kind == _OBJECT else value)
        except struct.error:
            break
    return made


def _behind_name(data: bytes, at: int) -> int:
    """The position after a property's name, if it has one."""
    named = bool(struct.unpack_from("<I", data, at + 16)[0])
    at += 20
    if not named:
        return at + 4
    length = int(struct.unpack_from("<I", data, at)[0])
    return at + 4 + length + -length % 4


def _take_text(made: _Wrapped, found: Mapping[int, bytes | str]) -> None:
    subject, text, html, rich = (found.get(tag) for tag in (_SUBJECT_PROPERTY, _TEXT, _HTML, _RTF))
    if isinstance(subject, str):
        made.subject = subject
    if html:
        made.text, made.is_html = html if isinstance(html, str) else decode(html, None), True
    elif isinstance(rich, bytes) and (unwrapped := text_of_rtf(unpacked(rich)))[0].strip():
        made.text, made.is_html = unwrapped
    elif isinstance(text, str) and text.strip():
        made.text, made.is_html = text, False


def _file(found: Mapping[int, bytes], number: int, page: str, odd: Odd, depth: int) -> PartContent:
    """A file as it is; an email by its text and its files."""
    properties: Mapping[int, bytes | str] = {}
    if len(found.get(_FILE_PROPERTIES, b"")) >= 4:
        properties = _properties(found[_FILE_PROPERTIES], page)
    title = _decoded(found.get(_FILE_TITLE, b""), page)
    name = next((str(name) for tag in (_LONG_NAME, _NAME) if (name := properties.get(tag))), "") or title
    data = found.get(_FILE_DATA) or properties.get(_DATA) or b""
    bare = data if isinstance(data, bytes) else data.encode()
    mail = _read(bare, odd, depth + 1) if depth < _DEEPEST else None
    if mail is None:
        kind = str(properties.get(_MIME) or "application/octet-stream")
        return PartContent(files=[MailAttachment(shortened_name(name) or f"file-{number}.bin", kind, bare)])
    inner = mail.whole(odd)
    if inner.texts:
        inner.texts = ["\n\n".join([f"{notices.FORWARDED}\nSubject: {mail.subject or name}", *inner.texts])]
    return inner


def open_winmail(content: PartContent, odd: Odd) -> None:
    """Adds the files of a winmail.dat, and its text if the email has no other."""
    for winmail in list(content.files):
        if winmail.content_type not in _TNEF and winmail.name.lower() != "winmail.dat":
            continue
        found = read_tnef(winmail.data, odd) or PartContent()
        content.files += found.files
        if not content.texts and not content.notes:
            content.texts = found.texts
            content.notes = [] if found.texts else [notices.WINMAIL_FILES if found.files else notices.WINMAIL]
