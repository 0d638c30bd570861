"""Bad and good drafts with their threads, and what the rules say of each.

Each draft takes the program's own way: the gateway's JSON is read into a store, and the queue assesses what waits
there. A case is a JSON file: `thread` (oldest first), `draft` as submitted, `wrong` (the very words that are wrong),
`twin` (the same draft, corrected), `own` (the company's addresses), `known` (people written with before), `kind` and
`lang`. A good draft is such a file without `wrong` and `twin`, or a mail of an mbox that answers what it quotes.
"""

from __future__ import annotations

import json
import mailbox
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, NamedTuple

from mm_tui.gateway import account_wire, wire
from mm_tui.review.findings import Finding, Level
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.details import completed
from mm_tui.settings.sections import Risk
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore

BOX = "box"
THREAD = "thread"
DRAFT = "draft"

Case = dict[str, Any]
Mail = dict[str, Any]


class Verdict(NamedTuple):
    """What the rules said of one draft."""

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def loud(self) -> tuple[Finding, ...]:
        """The findings at medium or high."""
        return tuple(finding for finding in self.findings if finding.level >= Level.MEDIUM)

    @property
    def high(self) -> bool:
        """Whether the draft asks again."""
        return any(finding.level is Level.HIGH for finding in self.findings)


@dataclass(frozen=True)
class FixedClock:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


def gateway_json(mail: Mail, email_id: str, *, thread_id: str, status: str, direction: str) -> Mail:
    """A mail of a case as the gateway's detail has it."""
    return {
        "id": email_id,
        "mailbox_id": BOX,
        "direction": direction,
        "status": status,
        "from": mail["sender"],
        "to": mail.get("to", []),
        "cc": mail.get("cc", []),
        "subject": mail.get("subject", ""),
        "markdown": mail["body"],
        "body_markdown": mail["body"],
        "attachments": [
            {"name": name, "size": 1000, "content_type": "application/octet-stream"}
            for name in map(_file_name, mail.get("attachments", []))
        ],
        "received_at": mail["at"],
        "thread_id": thread_id,
    }


def _file_name(attachment: str | Mail) -> str:
    if isinstance(attachment, str):
        return attachment
    return str(attachment.get("filename") or attachment.get("name", "file"))


def judged(case: Case, draft: Mail) -> Verdict:
    """What the rules say of `draft` in the place of the case's draft."""
    entry, seconds = queued(case, draft)
    return Verdict(entry.assessment.findings, seconds)


def queued(case: Case, draft: Mail) -> tuple[QueueEntry, float]:
    """`draft` as it waits in the queue in the place of the case's draft, and the seconds that its assessment took."""
    submitted = datetime.fromisoformat(draft["at"])
    database = Database.open(None)
    try:
        mails, pending = MailStore(database), PendingStore(database)
        own = [str(address) for address in case["own"]]
        mails.save_mailboxes(
            [
                account_wire.mailbox(
                    {"id": f"{BOX}{at}" if at else BOX, "address": address, "oversight_mode": "gated_send"}
                )
                for at, address in enumerate(sorted(own, key=lambda address: address != draft["sender"]))
            ]
        )
        for at, address in enumerate(case.get("known", [])):
            # Written with before: one mail each way, in a thread of its own, a month earlier.
            before = {"subject": "Earlier", "body": "", "at": (submitted - timedelta(days=30)).isoformat()}
            for way, sender, to in (("inbound", address, own[:1]), ("outbound", own[0], [address])):
                reported = gateway_json(
                    {**before, "sender": sender, "to": to},
                    f"known-{at}-{way}",
                    thread_id=f"known-{at}",
                    status="read" if way == "inbound" else "sent",
                    direction=way,
                )
                mails.upsert([wire.email_summary(reported, BOX)])
        for at, mail in enumerate(case["thread"]):
            outbound = mail["direction"] == "outbound"
            reported = gateway_json(
                mail,
                f"mail-{at:03}",
                thread_id=THREAD,
                status="sent" if outbound else "read",
                direction=mail["direction"],
            )
            mails.upsert([wire.email_summary(reported, BOX)])
            mails.save_detail(wire.email_detail(reported, BOX), at=submitted)
        reported = gateway_json(draft, DRAFT, thread_id=THREAD, status="pending_send_approval", direction="outbound")
        item = wire.pending_item(reported)
        pending.replace([item], submitted)
        pending.save_detail(completed(item, wire.email_detail(reported, BOX)))
        queue = ReviewQueue(database, FixedClock(submitted + timedelta(minutes=5)), Risk())
        # Processor time: what else the machine does is not counted.
        began = time.thread_time()
        entry = queue.entry(DRAFT)
        seconds = time.thread_time() - began
        assert entry is not None, "it waits"
        return entry, seconds
    finally:
        database.close()


def for_the_right_reason(case: Case, verdict: Verdict) -> bool:
    """Whether a loud finding marks some of the words that are wrong; where no words are, any loud finding counts."""
    return bool(useful(case, verdict))


def wrong_places(case: Case) -> list[tuple[int, int]]:
    """Where the wrong words stand in the body: from and to."""
    body = str(case["draft"]["body"])
    return [
        (start, start + len(words)) for words in map(str, case.get("wrong", [])) if (start := body.find(words)) >= 0
    ]


def useful(case: Case, verdict: Verdict) -> set[str]:
    """The codes of the loud findings that mark some of the wrong words in the body, or quote them from the subject."""
    places, subject = wrong_places(case), str(case["draft"].get("subject", ""))
    in_subject = [words for words in map(str, case.get("wrong", [])) if words in subject]
    return {
        finding.code
        for finding in verdict.loud
        if not (places or in_subject)
        or any(first < span.end and span.start < end for span in finding.spans for first, end in places)
        or any(words in finding.words for words in in_subject)
    }


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder, by name. A file holds one, or a list of them."""
    found: list[Case] = []
    for path in sorted(folder.glob("*.json")):
        held = json.loads(path.read_text("utf-8"))
        found += held if isinstance(held, list) else [held]
    return found


_QUOTED = re.compile(r"^[ \t]*>[ >]?(.*)$", re.MULTILINE)
_SAID = re.compile(r"(?m)^.{0,200}(?:wrote|writes|said)\s*:\s*$")


def replies(mbox: Path) -> Iterator[Case]:
    """The mails of an mbox that answer what they quote, each as a draft to its own thread."""
    for raw in mailbox.mbox(str(mbox), factory=None, create=False):
        try:
            mail = message_from_bytes(raw.as_bytes(), _class=EmailMessage, policy=default)
            part = mail.get_body(("plain",))
            body = part.get_content() if part is not None else ""
            subject, sender = str(mail["subject"] or ""), str(mail["from"] or "")
        except (LookupError, ValueError, AttributeError, TypeError):
            continue
        quoted = "\n".join(_QUOTED.findall(body))
        answer = _SAID.sub("", _QUOTED.sub("", body)).strip()
        if not subject.lower().startswith("re:") or len(quoted) < 80 or len(answer) < 40 or "@" not in sender:
            continue
        at = datetime(2025, 11, 20, 10, tzinfo=UTC)
        address = re.search(r"[\w.+-]+@[\w.-]+", sender)
        own = address.group(0).lower() if address else "us@company.example"
        yield {
            "own": [own],
            "known": ["anna@customer.example"],
            "thread": [
                {
                    "sender": "Anna <anna@customer.example>",
                    "to": [own],
                    "body": quoted,
                    "subject": subject[3:].strip(),
                    "at": at.isoformat(),
                    "direction": "inbound",
                }
            ],
            "draft": {
                "sender": own,
                "to": ["Anna <anna@customer.example>"],
                "body": answer,
                "subject": subject,
                "at": (at + timedelta(days=1)).isoformat(),
            },
        }


def good_drafts(path: Path) -> list[Case]:
    """Good drafts: of a folder of cases, or the replies of an mbox."""
    return read_cases(path) if path.is_dir() else list(replies(path))


LONG_THREAD = 150_000
"""Characters of the thread that the slowest assessment is measured with."""
LONG_MAIL = 3000


def long_thread(good: Sequence[Case], cases: Sequence[Case]) -> Case:
    """A case with a thread of `LONG_THREAD` characters: what was written in all other cases, mail after mail."""
    base = good[0] if good else cases[0]
    said = "\n\n".join(str(mail["body"]) for case in (*cases, *good) for mail in (*case["thread"], case["draft"]))
    said = (said * (LONG_THREAD // len(said) + 1))[:LONG_THREAD]
    parts = [said[at : at + LONG_MAIL] for at in range(0, LONG_THREAD, LONG_MAIL)]
    return {**base, "thread": [{**base["thread"][-1], "body": part} for part in parts]}


def share(part: int, whole: int) -> str:
    """Such as ` 12 %  (3 of 25)`."""
    return f"{100 * part / whole:5.1f} %  ({part} of {whole})" if whole else "    -"
