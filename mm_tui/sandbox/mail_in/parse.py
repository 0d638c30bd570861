"""One raw mail into an `IncomingMail`: headers, the text to read, attachments. Nothing in it can make this fail."""

from __future__ import annotations

import email
import email.errors
import re
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32

from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in import notices
from mm_tui.sandbox.mail_in.bounces import plain_report
from mm_tui.sandbox.mail_in.charsets import Odd, decode
from mm_tui.sandbox.mail_in.content import Content
from mm_tui.sandbox.mail_in.dates import read_date
from mm_tui.sandbox.mail_in.encoded_words import header_text
from mm_tui.sandbox.mail_in.headers import Headers, charsets_named, mended
from mm_tui.sandbox.mail_in.ids import message_ids
from mm_tui.sandbox.mail_in.parts import content_of, defect

UNKNOWN_SENDER = "unknown-sender@invalid"
_MOST_REFERENCES = 200
_KEPT_HEADERS = (
    "list-id", "list-unsubscribe", "user-agent", "x-mailer", "precedence", "auto-submitted", "organization",
    "x-auto-response-suppress", "x-autoreply", "x-autorespond", "return-path",
)  # fmt: skip


def parse_mail(raw: bytes, odd: Odd, *, envelope: str = "") -> IncomingMail:
    """Parses one mail.

    Args:
        raw: the mail as it was stored, without an mbox separator line.
        odd: is told what is odd about it, once for each oddity.
        envelope: sender and date of the mbox separator line, for mails that lack them.
    """
    message, flat_body = _parsed(mended(raw, odd), odd)
    hints = charsets_named(message)
    headers = Headers(message, odd, hints)
    for found in message.defects:
        odd(defect(found))
    content = content_of(message, odd, hints) if flat_body is None else Content(texts=[flat_body])
    date, about_date = _date(headers, envelope, odd)
    sender, about_sender = _sender(headers, envelope, odd)
    recipients = headers.addresses("to")
    if not recipients:
        odd("no recipient")
    if not headers.raw("subject").strip():
        odd("no subject")
    ids = message_ids(headers.every("message-id"))
    if not ids:
        odd("no message-id")
    answered = message_ids(headers.every("in-reply-to"), last_of_a_phrase=True)
    references = message_ids([*headers.every("references"), *(f"<{name[1:-1]}>" for name in answered[1:])])
    if not content.notes:
        failed = headers.text("x-failed-recipients")
        told = plain_report(sender, headers.text("subject"), failed, content.body, recipients)
        content.notes = ["\n".join(told)] if told else []
    body = _body(content)
    if not body.strip() and not content.files:
        odd("no content")
    return IncomingMail(
        sender=sender,
        to=recipients,
        cc=headers.addresses("cc"),
        subject=headers.text("subject"),
        body="\n\n".join(part for part in (*about_sender, *about_date, body) if part),
        date=date,
        message_id=ids[0] if ids else "",
        in_reply_to=answered[0] if answered else "",
        references=references[:1] + references[1:][-_MOST_REFERENCES:],
        reply_to=next(iter(headers.addresses("reply-to")), ""),
        attachments=tuple(content.files),
        headers={name: headers.text(name) for name in _KEPT_HEADERS if headers.raw(name)},
    )


def _parsed(raw: bytes, odd: Odd) -> tuple[Message, str | None]:
    """The message, and its body as text where the parser cannot follow its structure."""
    try:
        return email.message_from_bytes(raw, policy=compat32), None
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        odd("structure that cannot be parsed")
    head, _, body = raw.partition(b"\n\n")
    message = BytesHeaderParser(policy=compat32).parsebytes(head + b"\n\n")
    return message, decode(body, None, odd)


def _body(content: Content) -> str:
    body = content.body
    if not content.notes and content.texts and all(text.startswith(notices.FORWARDED) for text in content.texts):
        only = notices.FORWARDED_ONLY if len(content.texts) == 1 else notices.FORWARDED_SEVERAL
        return f"{only}\n\n{body}"
    return body


def _sender(headers: Headers, envelope: str, odd: Odd) -> tuple[str, tuple[str, ...]]:
    """The sender, and what is to be said about it: other authors, and who sent it for them."""
    if not headers.raw("from").strip():
        odd("no sender")
    authors = headers.addresses("from")
    if len(authors) > 1:
        odd("several senders")
        sent_by = next((f"; sent by {one}" for one in headers.addresses("sender")), "")
        return authors[0], (f"(This mail is from {len(authors)} people: {', '.join(authors)}{sent_by}.)",)
    found = authors or headers.addresses("sender") or headers.addresses("return-path")
    if found and found[0].strip("<> "):
        return found[0], ()
    address = envelope.partition(" ")[0]
    return (address if "@" in address else UNKNOWN_SENDER), ()


def _date(headers: Headers, envelope: str, odd: Odd) -> tuple[datetime | None, tuple[str, ...]]:
    """The mail's date; where that is missing or unreadable, the newest Received header's or the envelope's.

    Also what is to be said about it in the mail: a date that nobody can read is shown as it stands.
    """
    given = next((value for value in headers.every("date") if value.strip()), "")
    if given:
        for value in headers.every("date"):
            if found := read_date(header_text(value, lambda _what: None)):
                return found, ()
    odd("unreadable date" if given else "no date")
    said = (
        (f'(The date of this mail cannot be read: "{" ".join(headers.text("date").split())[:100]}".)',) if given else ()
    )
    others = [received.rpartition(";")[2] for received in headers.every("received")[:1]]
    others += [*headers.every("delivery-date"), *headers.every("resent-date"), *headers.every("x-received-date")]
    if re.search(r" \S", envelope):
        others.append(envelope.partition(" ")[2])
    return next((found for other in others if (found := read_date(other))), None), said
