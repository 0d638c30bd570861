"""Sorts the parts of an email into text and files, without losing text."""

from __future__ import annotations

import email
import mimetypes
import re
from collections.abc import Sequence
from email.message import Message
from email.policy import Compat32, compat32

from mm_tui.sandbox.gateway.mail import MailAttachment
from mm_tui.sandbox.mail_in import notices
from mm_tui.sandbox.mail_in.charset_names import codec_of
from mm_tui.sandbox.mail_in.charsets import Odd, decode
from mm_tui.sandbox.mail_in.content import (
    READ_AS_TEXT,
    RICH,
    PartContent,
    best_of,
    is_readable,
    kind_of,
    shortened_name,
)
from mm_tui.sandbox.mail_in.encoded_words import header_text
from mm_tui.sandbox.mail_in.headers import PARSER_FAULTS, Headers, charset_of, mended
from mm_tui.sandbox.mail_in.html import html_to_markdown
from mm_tui.sandbox.mail_in.plain import unflowed, without_tabs
from mm_tui.sandbox.mail_in.rtf import text_of_rtf
from mm_tui.sandbox.mail_in.tnef import open_winmail
from mm_tui.sandbox.mail_in.transfer import bytes_of, files_in_text, undecoded

_DEEPEST_MULTIPART = 60
_DEEPEST_FORWARD = 4
_MOST_DATA = 50_000_000
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]+)|<\?xml[^>]{0,100}encoding=[\"']([\w.-]+)", re.I
)
_KIND = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_BOUNDARY = re.compile(r"^--([^\s\"]{1,70})[ \t]*\n(?=Content-[A-Za-z-]+:)", re.M | re.I)
_MIME_NOTICE = re.compile(r"this is a (?:multi-?part|mime)|this message is in mime|this is a cryptographically", re.I)
_FILE_NAME = re.compile(r'name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.I)
_MARKUP = re.compile(r"<(?:html|head|body|table|div|style|p|br|span)\b[^>]*>", re.I)
_SMIME = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_RTF = ("text/rtf", "application/rtf", "application/x-rtf")
_FILES = ("text/calendar", "text/x-vcard", "text/vcard", "text/csv", "text/x-vcalendar", "text/directory")
DEFECTS = {
    "NoBoundaryInMultipartDefect": "broken multipart", "StartBoundaryNotFoundDefect": "broken multipart",
    "CloseBoundaryNotFoundDefect": "broken multipart", "MultipartInvariantViolationDefect": "broken multipart",
    "InvalidMultipartContentTransferEncodingDefect": "broken multipart",
    "MissingHeaderBodySeparatorDefect": "broken header", "FirstHeaderLineIsContinuationDefect": "broken header",
    "MisplacedEnvelopeHeaderDefect": "broken header", "MalformedHeaderDefect": "broken header",
    "InvalidBase64PaddingDefect": "broken base64", "InvalidBase64CharactersDefect": "broken base64",
    "InvalidBase64LengthDefect": "broken base64", "UndecodableBytesDefect": "8-bit header",
}  # fmt: skip


def defect(found: object) -> str:
    """A defect found by the parser, in a few words."""
    name = type(found).__name__
    return DEFECTS.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Defect")).lower())


def content_of(message: Message, odd: Odd, hints: Sequence[str] = ()) -> PartContent:
    """The text and the files of an email. `hints`: charsets declared in the email, for parts without one."""
    reader = _PartReader(odd, hints)
    content = reader.read(message, 0)
    open_winmail(content, odd)
    preamble = str(message.preamble or "").strip()
    if not content.texts and not content.notes and not _MIME_NOTICE.match(preamble) and is_readable(preamble):
        content.texts = [preamble]
    if not content.texts and not content.notes and reader.passed_over:
        # An email whose only text is marked as a file, or as one to skip.
        texts = [text.strip("\n") for text in map(reader.text_of, reader.passed_over)]
        content.texts = [text for text in texts if is_readable(text)][:5]
    if not content.body.strip() and (
        events := [file for file in content.files if file.content_type == "text/calendar"]
    ):
        content.texts = [notices.invitation(decode(events[0].data, "utf-8", odd))]
    if not content.body.strip() and reader.shows_images:
        content.notes = [notices.IMAGES_ONLY]
    return content


class _PartReader:
    def __init__(self, odd: Odd, hints: Sequence[str], forwards: int = 0) -> None:
        self._odd = odd
        self._hints = hints
        self._forwards = forwards
        self._number = 0
        self.passed_over: list[Message] = []
        """Text parts that were taken as files."""
        self.shows_images = False
        """An HTML part has images and no text."""

    def read(self, part: Message, depth: int) -> PartContent:
        for found in part.defects:
            self._odd(defect(found))
        kind = part.get_content_type()
        declared = part.get("content-type")
        if (bare := _KIND.match(kind)) and bare[0] != kind and isinstance(declared, str):
            # A comment behind the type.
            kind = bare[0]
            part.replace_header("content-type", "".join((kind, *declared.partition(";")[1:])))
        # With `get_payload` an 8-bit body of an odd charset raises.
        children = part.get_payload() if part.is_multipart() else None
        if kind.startswith("message/"):
            return self._message(part, kind)
        if not isinstance(children, list):
            return self._leaf(part, kind, alone=depth == 0)
        if depth >= _DEEPEST_MULTIPART:
            self._odd("nested too deep")
            return PartContent(files=[self._file(part, _written_out(part, self._odd))])
        parts = [child for child in children if isinstance(child, Message)]
        made = self._parts(part, kind, parts, depth)
        # Mailing lists and scanners add text after the last part, and broken programs add whole parts.
        boundary = f"--{part.get_boundary()}"
        behind = str(part.epilogue or "").split("\n")
        if boundary in (line.rstrip() for line in behind):
            self._odd("parts behind the last one")
            head = f'Content-Type: multipart/mixed; boundary="{part.get_boundary()}"\n\n'
            made.add(self.read(email.message_from_string(head + "\n".join(behind), policy=compat32), depth + 1))
            return made
        epilogue = "\n".join(line for line in behind if not line.startswith(boundary))
        raw = epilogue.encode("utf-8", "surrogateescape")
        if raw.strip() and is_readable(text := decode(raw, None, self._odd, self._hints)):
            self._odd("text behind the last part")
            made.texts.append(text.strip("\n"))
        return made

    def _parts(self, part: Message, kind: str, parts: list[Message], depth: int) -> PartContent:
        if kind == "multipart/alternative":
            return self._alternative(parts, depth)
        made = PartContent()
        for child in _root_first(part, parts) if kind == "multipart/related" else parts:
            made.add(self.read(child, depth + 1))
        if kind == "multipart/encrypted":
            protocol = str(part.get_param("protocol") or "pgp").lower()
            made.notes.insert(0, notices.PGP if "pgp" in protocol else notices.ENCRYPTED)
        if kind == "multipart/report" and not made.notes and not made.texts:
            self._odd("empty report")
        return made

    def _alternative(self, parts: list[Message], depth: int) -> PartContent:
        """The most readable of the alternatives, and all files."""
        read = [self.read(child, depth + 1) for child in parts]
        chosen = best_of([(kind_of(child), content) for child, content in zip(parts, read, strict=True)])
        made = PartContent()
        for content in read:
            if content is chosen:
                made.texts, made.notes = content.texts, content.notes + made.notes
            made.files += content.files
        return made

    def _message(self, part: Message, kind: str) -> PartContent:
        if kind in ("message/delivery-status", "message/global-delivery-status"):
            said, details = notices.delivery_report(self._inner(part))
            return PartContent(notes=[said] if said else [], texts=[details] if details else [])
        if kind in ("message/disposition-notification", "message/global-disposition-notification"):
            return PartContent(notes=[notices.receipt(self._inner(part))])
        if kind == "message/feedback-report":
            return PartContent(notes=[notices.abuse_report(self._inner(part))])
        if kind == "message/external-body":
            return PartContent(texts=[notices.external_body(part)])
        data = self._inner(part)
        if kind == "message/partial":
            return PartContent(
                notes=[notices.partial(part)], texts=[decode(data, None, self._odd, self._hints).strip("\n")]
            )
        if kind == "message/rfc822-headers" or not data.strip():
            return PartContent(texts=[decode(data, None, self._odd, self._hints).strip()] if data.strip() else [])
        content = PartContent(files=[self._file(part, data)])
        if self._forwards < _DEEPEST_FORWARD and len(data) < _MOST_DATA:
            content.texts.append(self._forwarded(data))
        return content

    def _inner(self, part: Message) -> bytes:
        """The message in a part, whose transfer encoding the parser does not decode."""
        payload = part.get_payload() if part.is_multipart() else None
        encoding = str(part.get("content-transfer-encoding") or "").lower()
        if not isinstance(payload, list):
            return bytes_of(part, self._odd)
        whole = b"\n".join(_written_out(child, self._odd) for child in payload if isinstance(child, Message))
        if not any(word in encoding for word in ("base64", "quoted", "uue")):
            return whole
        flat = Message()
        flat["Content-Transfer-Encoding"] = encoding
        flat.set_payload(whole.decode("ascii", "surrogateescape"))
        decoded = bytes_of(flat, self._odd)
        # Some programs declare an encoding that they did not use.
        return decoded if re.match(rb"\s*[!-9;-~]+[ \t]*:", decoded) else whole

    def _forwarded(self, data: bytes) -> str:
        """An embedded email as text: the important headers, then its text."""
        message = email.message_from_bytes(mended(data, self._odd), policy=compat32)
        headers = Headers(message, self._odd, self._hints)
        inner = _PartReader(self._odd, self._hints, self._forwards + 1)
        content = inner.read(message, 0)
        lines = [notices.FORWARDED]
        lines += [
            f"{name}: {value}"
            for name in ("From", "Reply-To", "Date", "Subject", "To", "Cc")
            if (value := headers.text(name.lower()))
        ]
        lines += [f"Attachment: {file.name}" for file in content.files]
        return "\n".join(lines) + "\n\n" + (content.body.strip("\n") or "(no text)")

    def _leaf(self, part: Message, kind: str, *, alone: bool) -> PartContent:
        if kind in _SMIME or self._name(part).lower() == "smime.p7m":
            return self._smime(part)
        if kind.startswith("multipart/") and (found := _with_found_boundary(part)) is not None:
            return self.read(found, 1)
        if kind.startswith("multipart/"):
            # Its parts could not be separated.
            kind = "text/plain"
        if kind == "text/rfc822-headers":
            return PartContent(texts=["Headers of the email:\n\n" + self.text_of(part).strip("\n")])
        if kind in _RTF and not alone and self._name(part):
            return PartContent(files=[self._file(part, bytes_of(part, self._odd))])
        if kind not in (*READ_AS_TEXT, *_RTF) and not (kind.startswith("text/") and kind not in _FILES):
            return PartContent(files=[self._file(part, bytes_of(part, self._odd))])
        if _is_file(part) and not alone:
            self.passed_over.append(part)
            return PartContent(files=[self._file(part, bytes_of(part, self._odd))])
        text = self.text_of(part)
        if not is_readable(text):
            self.shows_images = self.shows_images or (kind in RICH and b"<img" in bytes_of(part, self._odd).lower())
            return PartContent()
        text, files = files_in_text(text, self._odd) if kind == "text/plain" else (text, [])
        notes = [notices.PGP_INLINE] if "-----BEGIN PGP MESSAGE-----" in text else []
        notes += [notices.YENC] if notices.holds_yenc(text) else []
        return PartContent([text.strip("\n")], notes, files)

    def _smime(self, part: Message) -> PartContent:
        data = bytes_of(part, self._odd)
        file = self._file(part, data)
        if notices.is_encrypted_smime(part, data):
            return PartContent(notes=[notices.SMIME_ENCRYPTED], files=[file])
        inner = notices.signed_content(data)
        if not inner.strip():
            return PartContent(notes=[notices.SMIME_SIGNED], files=[file])
        content = self.read(email.message_from_bytes(inner, policy=compat32), 1)
        content.notes.append(notices.SMIME_UNCHECKED)
        content.files.append(file)
        return content

    def text_of(self, part: Message) -> str:
        """A text part as Markdown or plain text."""
        data = bytes_of(part, self._odd)
        kind = part.get_content_type()
        declared = charset_of(part)
        if kind in RICH:
            declared = html_charset(data, declared)
        text = decode(data, declared, self._odd, self._hints).replace("\r\n", "\n").replace("\r", "\n")
        if kind in RICH or (kind == "text/plain" and _is_markup(text)):
            return html_to_markdown(text, self._odd)
        if kind in ("text/enriched", "text/richtext"):
            return _without_enriched(text)
        if kind in _RTF and data.lstrip().startswith(b"{\\rtf"):
            text, is_html = text_of_rtf(data.lstrip())
            return html_to_markdown(text, self._odd) if is_html else without_tabs(text)
        if str(part.get_param("format") or "").strip().lower() == "flowed":
            text = unflowed(text, delete_space=str(part.get_param("delsp") or "").strip().lower() == "yes")
        return without_tabs(text)

    def _name(self, part: Message) -> str:
        raw = {name.lower(): str(value) for name, value in part.raw_items()}
        try:
            name = self._name_in(part, "content-disposition", "filename") or self._name_in(part, "content-type", "name")
        except PARSER_FAULTS:
            self._odd("unreadable file name")
            name = ""
        for header in ("content-disposition", "content-type"):
            # The parser replaces raw bytes, so read them from the raw header.
            if not raw.get(header, "").isascii() and (match := _FILE_NAME.search(raw[header])):
                name = (match[1] or match[2] or "").replace('\\"', '"')
                break
        return header_text(name, self._odd, self._hints).replace("\x00", "")

    def _name_in(self, part: Message, header: str, name: str) -> str:
        """The name in a header's parameters; the one that names its charset (RFC 2231) before another."""
        found = part.get_params([], header)
        values = [value for key, value in found or [] if key.lower().split()[-1:] == [name]]
        for value in sorted(values, key=lambda one: isinstance(one, str)):
            if isinstance(value, str):
                text = value
            else:
                charset, _language, quoted = value
                text = decode(quoted.encode("latin-1", "replace"), charset, self._odd, self._hints)
            text = text.strip()
            if text := text[1:] if text.startswith('"') and text.count('"') == 1 else text:
                return text
        return ""

    def _file(self, part: Message, data: bytes) -> MailAttachment:
        self._number += 1
        kind = part.get_content_type()
        name = shortened_name(self._name(part))
        if not name:
            ending = ".eml" if kind == "message/rfc822" else mimetypes.guess_extension(kind) or ".bin"
            name = f"{'message' if kind == 'message/rfc822' else 'attachment'}-{self._number}{ending}"
        return MailAttachment(name, kind, data)


def _root_first(part: Message, parts: list[Message]) -> list[Message]:
    """The parts of a multipart/related, the one that shows the others first."""
    start = str(part.get_param("start") or "").strip("<>")
    named = (child for child in parts if start and str(child.get("content-id") or "").strip("<> ") == start)
    root = next(named, None)
    return sorted(parts, key=lambda child: child is not root)


def _with_found_boundary(part: Message) -> Message | None:
    """A multipart parsed with its real boundary, if it declares a different one."""
    payload = undecoded(part).decode("ascii", "surrogateescape")
    match = _BOUNDARY.search(payload)
    if match is None or match[1].strip() == part.get_boundary():
        return None
    head = f'Content-Type: {part.get_content_type()}; boundary="{match[1].strip()}"\n\n'
    found = email.message_from_bytes((head + payload).encode("utf-8", "surrogateescape"), policy=compat32)
    return found if found.is_multipart() else None


def _is_file(part: Message) -> bool:
    """Whether a text part is a file: declared as one, or with a name."""
    disposition = str(part.get("content-disposition") or "").lower().lstrip()
    return disposition.startswith("attachment") or "filename" in disposition


def html_charset(data: bytes, declared: str | None) -> str | None:
    """The charset of HTML: the email's, or the document's own if the email's is missing or fits anything."""
    match = _META_CHARSET.search(data[:4096])
    own = (match[1] or match[2]).decode("ascii", "replace") if match else ""
    if not own or not codec_of(own) or codec_of(own).startswith(("utf-16", "utf-32")):
        return declared
    if declared and codec_of(declared) not in ("", "ascii", "iso8859-1", "cp1252"):
        return declared
    if codec_of(declared) in ("iso8859-1", "cp1252"):
        try:
            data.decode(codec_of(own))
        except UnicodeError:
            return declared
    return own


def _is_markup(text: str) -> bool:
    """Whether plain text is really HTML."""
    return bool(re.match(r"\s*(?:<!DOCTYPE html|<html)\b", text, re.I)) and len(_MARKUP.findall(text)) > 2


def _without_enriched(text: str) -> str:
    text = re.sub(r"<param>[^<>]{0,500}</param>", "", text, flags=re.I)
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", text)
    text = re.sub(r"\n(\n+)", r"\1", text)
    return re.sub(r"</?[A-Za-z][^<>]{0,60}>", "", text.replace("<<", "\x00")).replace("\x00", "<").strip()


class _AsReceived(Compat32):
    """Writes headers as they were read. The parser's own way fails if a value has a vertical tab or another character
    that is taken for the end of a line."""

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}{self.linesep}".encode("utf-8", "surrogateescape")


_AS_RECEIVED = _AsReceived()


def _written_out(part: Message, odd: Odd) -> bytes:
    try:
        return part.as_bytes(policy=_AS_RECEIVED)
    except PARSER_FAULTS:
        odd("attached mail that cannot be written out")
        lines = [f"{name}: {value}" for name, value in part.raw_items()]
        return "\n".join(lines).encode("utf-8", "surrogateescape")
