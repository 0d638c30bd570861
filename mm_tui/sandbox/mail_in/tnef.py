"""Opens winmail.dat (TNEF, MS-OXTNEF), in which Outlook wraps an email's text and files."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mm_tui.sandbox.gateway.mail import MailAttachment
from mm_tui.sandbox.mail_in import notices
from mm_tui.sandbox.mail_in.charsets import Odd, codec_of, decode
from mm_tui.sandbox.mail_in.content import Content, is_readable, shortened_name
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


@dataclass(frozen=True, slots=True)
class WrappedFile:
    """A file in winmail.dat."""

    name: str
    content_type: str
    data: bytes
    mail: WrappedMail | None = None
    """Its content if it is an email itself."""


@dataclass(slots=True)
class WrappedMail:
    """The content of a winmail.dat."""

    subject: str = ""
    text: str = ""
    is_html: bool = False
    files: list[WrappedFile] = field(default_factory=list)


def read_tnef(data: bytes, *, depth: int = 0) -> WrappedMail | None:
    """The email in a winmail.dat; None if it is something else, or damaged at its beginning.

    Args:
        data: the file's bytes.
        depth: how deeply it is nested in emails.
    """
    if len(data) < 6 or struct.unpack_from("<I", data)[0] != _SIGNATURE:
        return None
    made = WrappedMail()
    page = "cp1252"
    files: list[dict[str, bytes]] = []
    try:
        for name, value in _attributes(data):
            if name == _CODE_PAGE and len(value) >= 4:
                page = _page(struct.unpack_from("<I", value)[0])
            elif name == _SUBJECT:
                made.subject = _decoded(value, page)
            elif name == _BODY:
                made.text, made.is_html = _decoded(value, page), False
            elif name == _PROPERTIES:
                _take_text(made, _properties(value, page))
            elif name == _NEW_FILE:
                files.append({})
            elif files and name in (_FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES):
                files[-1][{_FILE_TITLE: "title", _FILE_DATA: "data", _FILE_PROPERTIES: "properties"}[name]] = value
    except (struct.error, IndexError):
        # Cut off: what stands before is kept.
        pass
    made.files = [_file(one, page, depth) for one in files]
    return made


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 6
    while at + 9 <= len(data):
        _level, name, _kind, length = struct.unpack_from("<BHHI", data, at)
        yield name, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _page(number: int) -> str:
    name = "utf-8" if number == 65001 else f"cp{number}"
    return name if codec_of(name) else "cp1252"


def _decoded(value: bytes, page: str) -> str:
    return decode(value.split(b"\x00")[0], page, lambda _what: None)


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


def _take_text(made: WrappedMail, found: Mapping[int, bytes | str]) -> None:
    subject, text, html, rich = (found.get(tag) for tag in (_SUBJECT_PROPERTY, _TEXT, _HTML, _RTF))
    if isinstance(subject, str):
        made.subject = subject
    if html:
        made.text, made.is_html = html if isinstance(html, str) else decode(html, None, lambda _what: None), True
    elif isinstance(rich, bytes) and (unwrapped := text_of_rtf(unpacked(rich)))[0].strip():
        made.text, made.is_html = unwrapped
    elif isinstance(text, str) and text.strip():
        made.text, made.is_html = text, False


def _file(found: Mapping[str, bytes], page: str, depth: int) -> WrappedFile:
    properties: Mapping[int, bytes | str] = {}
    if len(found.get("properties", b"")) >= 4:
        properties = _properties(found["properties"], page)
    title = _decoded(found.get("title", b""), page)
    name = next((str(name) for tag in (_LONG_NAME, _NAME) if (name := properties.get(tag))), "") or title
    data = found.get("data") or properties.get(_DATA) or b""
    bare = data if isinstance(data, bytes) else data.encode()
    mail = read_tnef(bare, depth=depth + 1) if depth < _DEEPEST else None
    return WrappedFile(name, str(properties.get(_MIME) or "application/octet-stream"), bare, mail)


def _is_winmail(file: MailAttachment) -> bool:
    return file.content_type in _TNEF or file.name.lower() == "winmail.dat"


def open_winmail(content: Content, odd: Odd) -> None:
    """Adds the files of a winmail.dat, and its text if the email has no other."""
    for winmail in [file for file in content.files if _is_winmail(file)]:
        found = read_tnef(winmail.data)
        texts = [] if found is None else _texts_of(found, odd)
        content.files += [] if found is None else _files_of(found)
        if content.texts or content.notes:
            continue
        if texts:
            content.texts = texts
        else:
            content.notes = [notices.WINMAIL if found is None or not found.files else notices.WINMAIL_FILES]


def _texts_of(mail: WrappedMail, odd: Odd) -> list[str]:
    text = html_to_markdown(mail.text, odd) if mail.is_html else without_tabs(mail.text.replace("\r\n", "\n"))
    made = [text.strip("\n")] if is_readable(text) else []
    for file in mail.files:
        if file.mail is not None and (inner := _texts_of(file.mail, odd)):
            made.append("\n\n".join([f"{notices.FORWARDED}\nSubject: {file.mail.subject or file.name}", *inner]))
    return made


def _files_of(mail: WrappedMail) -> list[MailAttachment]:
    made = []
    for number, file in enumerate(mail.files, 1):
        if file.mail is None:
            made.append(MailAttachment(shortened_name(file.name) or f"file-{number}.bin", file.content_type, file.data))
        else:
            made += _files_of(file.mail)
    return made
