"""Converts an email saved by Outlook (.msg), a compound file of properties, back to an email."""

from __future__ import annotations

import struct
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser, HeaderParser
from email.policy import SMTP, compat32
from email.utils import format_datetime
from io import BytesIO
from typing import TYPE_CHECKING

from mm_tui.addresses import header_form
from mm_tui.sandbox.mail_in.charset_names import codec_of_page
from mm_tui.sandbox.mail_in.charsets import decode
from mm_tui.sandbox.mail_in.parts import html_charset
from mm_tui.sandbox.mail_in.rtf import text_of_rtf, unpacked

if TYPE_CHECKING:
    from olefile import OleFileIO

COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The signature of a compound file."""

_SUBJECT, _HEADERS, _BODY, _HTML, _RTF = 0x0037, 0x007D, 0x1000, 0x1013, 0x1009
_SENDER_NAME, _SENDER_EMAIL, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_FROM_NAME, _FROM_EMAIL, _FROM_SMTP = 0x0042, 0x0065, 0x5D02
_MESSAGE_ID, _IN_REPLY_TO, _REFERENCES = 0x1035, 0x1042, 0x1039
_SUBMITTED, _DELIVERED = 0x0039, 0x0E06
_CODE_PAGE, _MESSAGE_CODE_PAGE = 0x3FDE, 0x3FFD
_NAME, _EMAIL, _SMTP, _KIND = 0x3001, 0x3003, 0x39FE, 0x0C15
_FILE_NAME, _LONG_NAME, _DATA, _MIME = 0x3704, 0x3707, 0x3701, 0x370E
_ATTACHED_MAIL = "__substg1.0_3701000D"
_DEEPEST = 8
"""The deepest path of names, for an email in an email in an email."""
_KEPT = ("reply-to", "list-id", "auto-submitted", "precedence", "received", "sender", "organization", "user-agent")


class UnreadableOutlookFile(Exception):
    """A compound file that is damaged or has no email."""


def mail_of_outlook_file(data: bytes) -> bytes:
    """The email in a .msg file, as in an .eml file. Raises UnreadableOutlookFile if there is none."""
    # Imported late: few emails are stored in this format.
    import olefile

    try:
        with olefile.OleFileIO(BytesIO(data)) as file:
            if not file.exists("__properties_version1.0"):
                raise UnreadableOutlookFile("a Microsoft file that holds no mail")
            return _mail(file)
    except UnreadableOutlookFile:
        raise
    except Exception as error:
        raise UnreadableOutlookFile("an Outlook file (.msg) that is damaged") from error


class _Properties:
    """The properties of a message, a recipient or an attachment."""

    def __init__(self, file: OleFileIO, folder: tuple[str, ...], header: int, code_page: str = "cp1252") -> None:
        self._file = file
        self._folder = folder
        self._streams = {
            entry[-1][12:16].upper(): entry[-1][16:20].upper()
            for entry in file.listdir(streams=True, storages=True)
            if tuple(entry[:-1]) == folder and entry[-1].startswith("__substg1.0_")
        }
        self._fixed: dict[int, bytes] = {}
        with suppress(OSError):
            table = file.openstream([*folder, "__properties_version1.0"]).read()[header:]
            for at in range(0, len(table) - 15, 16):
                (tag,) = struct.unpack_from("<I", table, at)
                self._fixed[tag >> 16] = table[at + 8 : at + 16]
        self.code_page = code_page
        for tag in (_CODE_PAGE, _MESSAGE_CODE_PAGE):
            if page := self.number(tag):
                self.code_page = codec_of_page(page)
                break

    def number(self, tag: int) -> int:
        """An integer; 0 if there is none."""
        return int(struct.unpack("<i", self._fixed[tag][:4])[0]) if tag in self._fixed else 0

    def moment(self, tag: int) -> datetime | None:
        """A time; None if there is none."""
        if tag not in self._fixed:
            return None
        (ticks,) = struct.unpack("<Q", self._fixed[tag])
        try:
            return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
        except OverflowError:
            return None

    def data(self, tag: int) -> bytes:
        """A value's bytes."""
        kind = self._streams.get(f"{tag:04X}")
        if kind is None or kind == "000D":
            return b""
        stream: bytes = self._file.openstream([*self._folder, f"__substg1.0_{tag:04X}{kind}"]).read()
        return stream

    def is_unicode(self, tag: int) -> bool:
        """Whether a text is stored as UTF-16."""
        return self._streams.get(f"{tag:04X}") == "001F"

    def text(self, tag: int) -> str:
        """A text; empty if there is none."""
        kind = self._streams.get(f"{tag:04X}")
        if self.is_unicode(tag):
            return self.data(tag).decode("utf-16-le", "replace").rstrip("\x00")
        if kind not in ("001E", "0102"):
            return ""
        return decode(self.data(tag), self.code_page).rstrip("\x00")


def _folders(file: OleFileIO, within: tuple[str, ...], beginning: str) -> list[tuple[str, ...]]:
    depth = len(within)
    found = {
        tuple(entry[: depth + 1])
        for entry in file.listdir(streams=True, storages=True)
        if len(entry) > depth and tuple(entry[:depth]) == within and entry[depth].startswith(beginning)
    }
    return sorted(found)


def _mail(file: OleFileIO, within: tuple[str, ...] = ()) -> bytes:
    found = _Properties(file, within, 24 if within else 32)
    given = HeaderParser(policy=compat32).parsestr(found.text(_HEADERS).lstrip("\r\n"))
    mail = EmailMessage(policy=SMTP)
    written: dict[str, str] = {"Subject": found.text(_SUBJECT)}
    written["From"] = str(given["from"] or "") or _party(
        found, (_FROM_SMTP, _SENDER_SMTP, _FROM_EMAIL, _SENDER_EMAIL), (_FROM_NAME, _SENDER_NAME)
    )
    written |= _recipients(file, found, within)
    moment = found.moment(_SUBMITTED) or found.moment(_DELIVERED)
    written["Date"] = str(given["date"] or "") or (format_datetime(moment) if moment else "")
    for name, tag in (("Message-ID", _MESSAGE_ID), ("In-Reply-To", _IN_REPLY_TO), ("References", _REFERENCES)):
        written[name] = found.text(tag) or str(given[name.lower()] or "")
    written |= {name.title(): str(given[name]) for name in _KEPT if given[name]}
    head = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in written.items() if value.strip())
    _write_text(mail, found)
    for folder in _folders(file, within, "__attach_version1.0_"):
        inner = (*folder, _ATTACHED_MAIL)
        if file.exists([*inner, "__properties_version1.0"]) and len(within) < _DEEPEST:
            mail.add_attachment(BytesParser(policy=SMTP).parsebytes(_mail(file, inner)))
        else:
            _attach(mail, _Properties(file, folder, 8, found.code_page))
    return head.encode("utf-8", "replace") + mail.as_bytes()


def _party(found: _Properties, addresses: tuple[int, ...], names: tuple[int, ...]) -> str:
    texts = [text for tag in addresses if (text := found.text(tag).strip())]
    # Exchange's internal addresses ("/O=…") mean nothing outside of it.
    address = next((text for text in texts if "@" in text), "")
    name = next((text for tag in names if (text := found.text(tag).strip())), "")
    return header_form("" if name == address else name, address) if address else name or (texts[0] if texts else "")


def _recipients(file: OleFileIO, found: _Properties, within: tuple[str, ...]) -> dict[str, str]:
    kinds: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for folder in _folders(file, within, "__recip_version1.0_"):
        one = _Properties(file, folder, 8, found.code_page)
        if shown := _party(one, (_SMTP, _EMAIL), (_NAME,)):
            kinds.get(one.number(_KIND) or 1, kinds[1]).append(shown)
    return {"To": ", ".join(kinds[1]), "Cc": ", ".join(kinds[2])}


def _write_text(mail: EmailMessage, found: _Properties) -> None:
    text = found.text(_BODY)
    data = found.data(_HTML)
    html = found.text(_HTML) if found.is_unicode(_HTML) else decode(data, html_charset(data, None) or found.code_page)
    rich = b"" if html.strip() else found.data(_RTF)
    if rich:
        unwrapped, is_html = text_of_rtf(unpacked(rich))
        text, html = (text, unwrapped) if is_html else (text if text.strip() else unwrapped, "")
    if text.strip():
        mail.set_content(text, charset="utf-8")
    if html.strip() and text.strip():
        mail.add_alternative(html, subtype="html", charset="utf-8")
    elif html.strip():
        mail.set_content(html, subtype="html", charset="utf-8")
    elif not text.strip() and rich:
        mail.set_content("(The text of this email is in Outlook's rich text alone, and cannot be shown here.)")
        mail.add_attachment(rich, maintype="application", subtype="octet-stream", filename="text.rtf.compressed")
    elif not text.strip():
        mail.set_content("")


def _attach(mail: EmailMessage, found: _Properties) -> None:
    name = found.text(_LONG_NAME) or found.text(_FILE_NAME) or found.text(_NAME)
    data = found.data(_DATA)
    if not data and not name:
        return
    main, _, sub = (found.text(_MIME).strip() or "application/octet-stream").partition("/")
    if main not in ("text", "message", "multipart") and sub:
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name or None)
    else:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name or None)
