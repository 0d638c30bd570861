"""Sample mail for the demo: three mailboxes of a fictional maker of weather stations, and drafts of its mail agent.

The emails are in TOML files beside this one, one for each mailbox and part; all names and domains are fictional.
Ages are counted back from the start of the demo. Some drafts are wrong on purpose: `flaws` names what a reviewer
should find.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from mm_tui.sandbox.gateway.mail import IncomingMail, MailAttachment, SampleDraft, SampleMailbox
from mm_tui.sandbox.gateway.state import DOMAIN
from mm_tui.sandbox.model.answers import MODEL_ID

_FILES: Mapping[str, tuple[str, ...]] = {
    "support": ("support.toml", "support_world.toml", "hostile.toml"),
    "billing": ("billing.toml", "billing_world.toml"),
    "partnerships": ("partnerships.toml",),
}
_AGE = re.compile(r"(\d+)([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True, slots=True)
class SampleThread:
    """A thread from the files, with known properties."""

    key: str
    mailbox: str
    language: str
    label: str
    mails: tuple[IncomingMail, ...]
    drafts: tuple[SampleDraft, ...]
    flaws: tuple[tuple[str, ...], ...]
    """For each draft, what is wrong with it; empty if nothing is."""


@dataclass(frozen=True, slots=True)
class SampleSet:
    mailboxes: tuple[SampleMailbox, ...]
    threads: tuple[SampleThread, ...]


def age_of(text: str) -> timedelta:
    """Parses an age such as "2d 3h 10m"; raises ValueError if it is invalid."""
    if not re.fullmatch(r"(\d+[dhm] ?)+", text):
        raise ValueError(f"not an age: {text!r}")
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in _AGE.findall(text)), timedelta())


def attachment_of(entry: Mapping[str, Any]) -> MailAttachment:
    """An attachment from its entry: `text` unchanged, or `pdf` as a page."""
    data = small_pdf(entry["pdf"]) if "pdf" in entry else str(entry["text"]).encode("utf-8")
    return MailAttachment(entry["name"], entry["type"], data)


def _mails(thread: Mapping[str, Any], own: str, now: datetime) -> tuple[IncomingMail, ...]:
    made: list[IncomingMail] = []
    for number, entry in enumerate(thread["mail"], start=1):
        sender = own if entry["from"] == "us" else entry["from"]
        other = next((mail["from"] for mail in thread["mail"] if mail["from"] != "us"), own)
        subject = entry.get("subject") or (thread["subject"] if number == 1 else f"Re: {thread['subject']}")
        made.append(
            IncomingMail(
                sender=sender,
                to=tuple(entry.get("to", ())) or ((other,) if sender == own else (own,)),
                cc=tuple(entry.get("cc", ())),
                subject=subject,
                body=entry["text"].strip("\n"),
                date=now - age_of(entry["age"]),
                message_id=f"<{thread['key']}.{number}@samples.example>",
                in_reply_to=made[-1].message_id if made else "",
                references=tuple(mail.message_id for mail in made),
                reply_to=entry.get("reply_to", ""),
                attachments=tuple(attachment_of(item) for item in entry.get("attachment", ())),
                spam_score=entry.get("spam_score"),
            )
        )
    return tuple(made)


def _draft(entry: Mapping[str, Any], answered: IncomingMail) -> SampleDraft:
    return SampleDraft(
        in_reply_to=answered.message_id,
        body=entry["text"].strip("\n"),
        to=tuple(entry.get("to", ())),
        cc=tuple(entry.get("cc", ())),
        bcc=tuple(entry.get("bcc", ())),
        subject=entry.get("subject", ""),
        attachments=tuple(attachment_of(item) for item in entry.get("attachment", ())),
        leaves_after=age_of(entry["leaves_after"]) if "leaves_after" in entry else None,
    )


def _thread(entry: Mapping[str, Any], mailbox: str, own: str, now: datetime) -> SampleThread:
    mails = _mails(entry, own, now)
    answered = next((mail for mail in reversed(mails) if mail.sender != own), mails[-1])
    drafts = entry.get("draft", ())
    return SampleThread(
        key=entry["key"],
        mailbox=mailbox,
        language=entry.get("language", "en"),
        label=entry["label"],
        mails=mails,
        drafts=tuple(_draft(draft, answered) for draft in drafts),
        flaws=tuple(tuple(draft.get("flaws", ())) for draft in drafts),
    )


def _tags(thread: SampleThread) -> dict[str, str]:
    """The agent's tags on an email that it answered. It should not answer spam: there it was fooled."""
    usual = {"support": "support", "billing": "billing", "partnerships": "partnership"}[thread.mailbox]
    label = usual if thread.label == "spam" else thread.label
    return {"label": label, "label.by": "model", "assist.model": MODEL_ID}


def load_samples(now: datetime | None = None) -> SampleSet:
    """Reads the sample mail, dated relative to `now` (by default the present)."""
    moment = now or datetime.now(UTC)
    threads: list[SampleThread] = []
    mailboxes: list[SampleMailbox] = []
    for local, names in _FILES.items():
        tables = [tomllib.loads(resources.files(__package__).joinpath(name).read_text("utf-8")) for name in names]
        own = f"{tables[0]['display_name']} <{local}@{DOMAIN}>"
        entries = [entry for table in tables for entry in table["thread"]]
        mine = [_thread(entry, local, own, moment) for entry in entries]
        threads += mine
        mails = [mail for thread in mine for mail in thread.mails]
        answered = {draft.in_reply_to: thread for thread in mine for draft in thread.drafts}
        read = {
            mail.message_id
            for entry, thread in zip(entries, mine, strict=True)
            for item, mail in zip(entry["mail"], thread.mails, strict=True)
            if item.get("read") or mail is not thread.mails[-1] or mail.message_id in answered
        }
        mailboxes.append(
            SampleMailbox(
                local=local,
                display_name=tables[0]["display_name"],
                oversight_mode=tables[0]["oversight_mode"],
                mails=tuple(sorted(mails, key=lambda mail: mail.date or moment)),
                drafts=tuple(draft for thread in mine for draft in thread.drafts),
                read=frozenset(read),
                tags={message_id: _tags(thread) for message_id, thread in answered.items()},
            )
        )
    return SampleSet(tuple(mailboxes), tuple(threads))


def small_pdf(text: str) -> bytes:
    """A one-page PDF (1.4, Helvetica, A4) that shows `text` line by line; signs outside Latin-1 become "?"."""
    shown = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.strip().split("\n")]
    page = "BT /F1 11 Tf 15 TL 60 780 Td " + " ".join(f"({line}) Tj T*" for line in shown) + " ET"
    stream = page.encode("latin-1", "replace")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    made = bytearray(b"%PDF-1.4\n")
    starts = []
    for number, part in enumerate(parts, start=1):
        starts.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    made += b"".join(b"%010d 00000 n \n" % start for start in starts)
    made += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, table)
    return bytes(made)
