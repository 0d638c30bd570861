"""One raw mail into an `IncomingMail`: headers, the text to read, attachments. Nothing in it can make this fail."""

from __future__ import annotations

import email
import email.errors
import mimetypes
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import getaddresses, parsedate_to_datetime

from mm_tui.sandbox.mail import IncomingMail, MailAttachment
from mm_tui.sandbox.mail_text import Odd, decode, header_text, html_to_markdown

UNKNOWN_SENDER = "unknown-sender@invalid"
_MOST_ADDRESSES = 500
_MOST_REFERENCES = 200
_DEEPEST_MULTIPART = 60
_KEPT_HEADERS = ("list-id", "user-agent", "x-mailer", "precedence", "auto-submitted", "organization")
_ID = re.compile(r"<[^<>\s]{1,900}>")
_SPECIAL = re.compile(r'[()<>\[\]:;@\\,."]')
_DEFECTS = {
    "NoBoundaryInMultipartDefect": "broken multipart", "StartBoundaryNotFoundDefect": "broken multipart",
    "CloseBoundaryNotFoundDefect": "broken multipart", "MultipartInvariantViolationDefect": "broken multipart",
    "InvalidMultipartContentTransferEncodingDefect": "broken multipart",
    "MissingHeaderBodySeparatorDefect": "broken header", "FirstHeaderLineIsContinuationDefect": "broken header",
    "MisplacedEnvelopeHeaderDefect": "broken header", "MalformedHeaderDefect": "broken header",
    "InvalidBase64PaddingDefect": "broken base64", "InvalidBase64CharactersDefect": "broken base64",
    "InvalidBase64LengthDefect": "broken base64", "UndecodableBytesDefect": "8-bit header",
}  # fmt: skip

Mail = Message


class _Headers:
    """The headers of a mail, decoded when asked for. The first of a name counts."""

    def __init__(self, message: Mail, odd: Odd) -> None:
        self._raw: dict[str, list[str]] = {}
        self._odd = odd
        for name, value in message.raw_items():
            self._raw.setdefault(name.lower(), []).append(str(value))

    def raw(self, name: str) -> str:
        return self._raw.get(name, [""])[0]

    def every(self, name: str) -> list[str]:
        return self._raw.get(name, [])

    def text(self, name: str) -> str:
        return header_text(self.raw(name), self._odd)

    def addresses(self, name: str) -> tuple[str, ...]:
        """Addresses in header form. Names are decoded after the list is parsed: a decoded one may hold a comma."""
        values = [" ".join(value.split()) for value in self.every(name)]
        if not any(values):
            return ()
        try:
            pairs = getaddresses(values)[:_MOST_ADDRESSES]
        except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
            pairs = []
        found = [_address(header_text(shown, self._odd), header_text(address, self._odd)) for shown, address in pairs]
        kept = tuple(dict.fromkeys(item for item in found if item))
        whole = self.text(name)
        if "@" in whole or len(kept) > 1:
            return kept or (whole,)
        if not re.fullmatch(r'[\w "\'.-]*:\s*;?\s*', whole):
            self._odd("unreadable address")
            return (whole,)
        return ()


def _address(name: str, address: str) -> str:
    if not address:
        return ""
    if not name:
        return address
    if _SPECIAL.search(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{name} <{address}>"


def _date(headers: _Headers, envelope: str, odd: Odd) -> datetime | None:
    """The mail's date; where that is missing or unreadable, the newest Received header's or the envelope's."""
    given = headers.raw("date").strip()
    if given and (found := _read_date(given)):
        return found
    odd("unreadable date" if given else "no date")
    for received in headers.every("received")[:1]:
        if found := _read_date(received.rpartition(";")[2]):
            return found
    return _read_date(envelope.partition(" ")[2]) if envelope else None


def _read_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(" ".join(text.split())[:200])
        made = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return made if 1971 <= made.year <= 9000 else None


def _leaves(message: Mail, odd: Odd) -> Iterator[tuple[Mail, bool]]:
    """The parts that hold something, in order: of alternatives one text, but every file. True: a wrapped message."""
    waiting: list[tuple[Mail, int, bool]] = [(message, 0, False)]
    while waiting:
        part, depth, files_only = waiting.pop()
        kind = part.get_content_type()
        children = part.get_payload()
        if kind == "message/rfc822" or (kind.startswith("message/") and part.is_multipart()):
            yield part, True
        elif isinstance(children, list) and depth < _DEEPEST_MULTIPART:
            parts: list[Mail] = [child for child in children if isinstance(child, Message)]
            best = _best(parts) if kind == "multipart/alternative" else None
            waiting.extend(
                (child, depth + 1, files_only or (best is not None and child is not best)) for child in reversed(parts)
            )
        elif isinstance(children, list):
            odd("nested too deep")
            yield part, True
        elif not files_only or _is_attachment(part):
            yield part, False


def _best(parts: list[Mail]) -> Mail | None:
    """Plain text if it says anything, else the last alternative, which is meant to be the richest."""
    for part in parts:
        if part.get_content_type() == "text/plain" and str(part.get_payload() or "").strip():
            return part
    return parts[-1] if parts else None


def _bytes_of(part: Mail, odd: Odd) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError, TypeError):
        odd("broken transfer encoding")
        data = None
    if isinstance(data, bytes):
        return data
    payload = part.get_payload()
    return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


def _wrapped_bytes(part: Mail, odd: Odd) -> bytes:
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else part
    try:
        return inner.as_bytes() if isinstance(inner, Message) else str(payload).encode("utf-8", "surrogateescape")
    except (ValueError, LookupError, TypeError, AttributeError, KeyError, RecursionError):
        odd("attached mail that cannot be written out")
        lines = [f"{name}: {value}" for name, value in part.raw_items()]
        return "\n".join(lines).encode("utf-8", "surrogateescape")


def _name_of(part: Mail, number: int, odd: Odd) -> str:
    try:
        name = part.get_filename() or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        odd("unreadable file name")
        name = ""
    if name:
        return header_text(name, odd).replace("\x00", "")[:255] or f"attachment-{number}"
    kind = part.get_content_type()
    if kind == "message/rfc822":
        return f"message-{number}.eml"
    return f"attachment-{number}{mimetypes.guess_extension(kind) or '.bin'}"


def _charset_of(part: Mail) -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


def _is_attachment(part: Mail) -> bool:
    disposition = str(part.get("content-disposition") or "").lower().lstrip()
    if disposition.startswith("attachment"):
        return True
    kind = part.get_content_type()
    readable = kind.startswith(("text/", "multipart/")) or kind == "message/delivery-status"
    if not readable or kind in ("text/calendar", "text/x-vcard", "text/vcard", "text/csv"):
        return True
    return "filename" in disposition


def _content(message: Mail, odd: Odd) -> tuple[str, tuple[MailAttachment, ...]]:
    texts: list[str] = []
    attachments: list[MailAttachment] = []
    for part, wrapped in _leaves(message, odd):
        for defect in part.defects:
            odd(_defect(defect))
        kind = part.get_content_type()
        if wrapped or (_is_attachment(part) and not (part is message and kind.startswith("text/"))):
            data = _wrapped_bytes(part, odd) if wrapped else _bytes_of(part, odd)
            attachments.append(MailAttachment(_name_of(part, len(attachments) + 1, odd), kind, data))
            continue
        before = len(part.defects)
        text = decode(_bytes_of(part, odd), _charset_of(part), odd).replace("\r\n", "\n").replace("\r", "\n")
        for defect in part.defects[before:]:
            odd(_defect(defect))
        text = html_to_markdown(text, odd) if kind == "text/html" else text
        if text.strip():
            texts.append(text.strip("\n"))
    return "\n\n".join(texts), tuple(attachments)


def _defect(defect: object) -> str:
    name = type(defect).__name__
    return _DEFECTS.get(name, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Defect")).lower())


def _parsed(raw: bytes, odd: Odd) -> tuple[Mail, str | None]:
    """The message, and its body as text where the parser cannot follow its structure."""
    try:
        return email.message_from_bytes(raw, policy=compat32), None
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        odd("structure that cannot be parsed")
    head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    message = BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n")
    return message, decode(body, None, odd)


def parse_mail(raw: bytes, odd: Odd, *, envelope: str = "") -> IncomingMail:
    """Parses one mail.

    Args:
        raw: the mail as it was stored, without an mbox separator line.
        odd: is told what is odd about it, once for each oddity.
        envelope: sender and date of the mbox separator line, for mails that lack them.
    """
    message, flat_body = _parsed(raw, odd)
    headers = _Headers(message, odd)
    for defect in message.defects:
        odd(_defect(defect))
    senders = headers.addresses("from") or headers.addresses("sender") or headers.addresses("return-path")
    if not headers.raw("from").strip():
        odd("no sender")
    if not senders and "@" in envelope.partition(" ")[0]:
        senders = (envelope.partition(" ")[0],)
    recipients = headers.addresses("to")
    if not recipients:
        odd("no recipient")
    if not headers.raw("subject").strip():
        odd("no subject")
    ids = _ID.findall(headers.raw("message-id"))
    if not ids:
        odd("no message-id")
    references = tuple(dict.fromkeys(_ID.findall(" ".join(headers.every("references")))))
    answered = _ID.findall(headers.raw("in-reply-to"))
    body, attachments = _content(message, odd) if flat_body is None else (flat_body, ())
    if not body.strip() and not attachments:
        odd("no content")
    return IncomingMail(
        sender=senders[0] if senders else UNKNOWN_SENDER,
        to=recipients,
        cc=headers.addresses("cc"),
        subject=headers.text("subject"),
        body=body,
        date=_date(headers, envelope, odd),
        message_id=ids[0] if ids else "",
        in_reply_to=answered[0] if answered else "",
        references=references[:1] + references[1:][-_MOST_REFERENCES:],
        reply_to=next(iter(headers.addresses("reply-to")), ""),
        attachments=attachments,
        headers={name: headers.text(name) for name in _KEPT_HEADERS if headers.raw(name)},
    )
