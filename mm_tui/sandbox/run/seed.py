"""Fills a sandbox with past mail: imported mail, and the demo's sample mail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import datetime

from mm_tui.sandbox.gateway import ids, mailboxes, threads
from mm_tui.sandbox.gateway.insert import NewEmail, bare, clues_of, file, inbound_status, letters_in, storable
from mm_tui.sandbox.gateway.mail import IncomingMail, SampleDraft, SampleMailbox
from mm_tui.sandbox.gateway.state import DOMAIN, SandboxState
from mm_tui.sandbox.gateway.statuses import Mode, SandboxStatus, spam_verdict

DRAFT_AFTER_MS = 90_000
"""How long a sample draft was written after the email that it answers."""


def fill_mail(state: SandboxState, mailbox_id: str, mails: Iterable[IncomingMail], own: Iterable[str] = ()) -> int:
    """Inserts past mail into a mailbox, oldest first, as unread; returns how many. Their ids sort by date. An email
    without a date comes before all others. Mail from one of the `own` addresses, which are in lower case, or from the
    mailbox's was sent."""
    box = mailboxes.find(state, mailbox_id)
    with state.write():
        count = _file_all(state, box, mails, own={box["address"].lower(), *own})
        state.audit("mailbox.imported", "mailbox", mailbox_id, None, {"emails": count})
    return count


def fill_samples(state: SandboxState, samples: Sequence[SampleMailbox]) -> int:
    """Inserts the sample mail with its drafts, creating missing mailboxes; returns how many emails."""
    count = 0
    with state.write() as db:
        for sample in samples:
            box = _mailbox_for(state, sample)
            filed = _file_all(state, box, sample.mails, own={box["address"].lower()}, read=sample.read)
            file(state, _drafts(state, box, sample.drafts))
            db.executemany(
                "INSERT INTO tags SELECT id, ?, ? FROM emails WHERE mailbox_id = ? AND message_id = ?",
                [
                    (name, value, box["id"], message_id)
                    for message_id, tags in sample.tags.items()
                    for name, value in tags.items()
                ],
            )
            state.audit("mailbox.imported", "mailbox", box["id"], None, {"emails": filed, "drafts": len(sample.drafts)})
            count += filed + len(sample.drafts)
    return count


def once(state: SandboxState, name: str) -> bool:
    """Returns True the first time for a name, so that a restart does not insert the same mail again."""
    if was_done(state, name):
        return False
    state.set_fact(f"filled:{name}", "yes")
    return True


def was_done(state: SandboxState, name: str) -> bool:
    """Whether `once` was called for a name before."""
    return state.fact(f"filled:{name}") is not None


def _file_all(
    state: SandboxState, box: sqlite3.Row, mails: Iterable[IncomingMail], *, own: Set[str], read: Set[str] = frozenset()
) -> int:
    """`own`: the addresses of the mailbox's owner. `read`: the Message-IDs of emails that have been read."""
    dated = [(_received(mail.date), at, storable(mail)) for at, mail in enumerate(mails)]
    dated.sort(key=lambda item: item[:2])
    before = letters_in(state, box["id"])
    grouped = threads.group([*before, *(clues_of(mail, ms) for ms, _, mail in dated)])
    for old, kept in grouped.merged.items():
        for table in ("emails", "thread_refs"):
            # Both threads may have named the same email.
            state.db.execute(
                f"UPDATE OR REPLACE {table} SET thread_id = ? WHERE mailbox_id = ? AND thread_id = ?",  # noqa: S608
                (kept, box["id"], old),
            )
    groups = grouped.group_of[len(before) :]
    file(state, _entries(box, dated, groups, grouped.lasting, state.now_ms(), own, read))
    return len(dated)


def _entries(
    box: sqlite3.Row,
    dated: Sequence[tuple[int, int, IncomingMail]],
    groups: Sequence[int],
    thread_ids: dict[int, str],
    now: int,
    own: Set[str],
    read: Set[str],
) -> Iterator[NewEmail]:
    ulids = ids.Ulids()
    for (ms, _, mail), group in zip(dated, groups, strict=True):
        # Mail dated in the future is listed as such, but its id must not sort after mail still to arrive.
        email_id = ulids.new(min(ms, now))
        thread_id = thread_ids.setdefault(group, "") or ulids.new(min(ms, now))
        thread_ids[group] = thread_id
        ours = bare(mail.sender) in own
        verdict = None if ours else spam_verdict(mail.spam_score)
        status: str = SandboxStatus.DELIVERED if ours else inbound_status(box["oversight_mode"], verdict)
        if not ours and mail.message_id in read and verdict in (None, "clean"):
            status = SandboxStatus.READ
        yield NewEmail.of(
            mail,
            id=email_id,
            mailbox_id=box["id"],
            thread_id=thread_id,
            direction="outbound" if ours else "inbound",
            status=status,
            received_at=ms,
            message_id=mail.message_id or f"<{email_id}@imported.invalid>",
            spam_score=None if ours else mail.spam_score,
            spam_verdict=verdict,
            delivered_at=ms if ours else None,
        )


def _drafts(state: SandboxState, box: sqlite3.Row, drafts: Sequence[SampleDraft]) -> Iterator[NewEmail]:
    now = state.now_ms()
    found = []
    for draft in drafts:
        row = state.db.execute(
            "SELECT * FROM emails WHERE mailbox_id = ? AND message_id = ?", (box["id"], draft.in_reply_to)
        ).fetchone()
        if row is None:
            raise ValueError(f"a sample draft answers {draft.in_reply_to}, which is not among the sample mail")
        found.append((min(row["received_at"] + DRAFT_AFTER_MS, now), draft, row))
    ulids = ids.Ulids()
    for ms, draft, row in sorted(found, key=lambda item: item[0]):
        email_id = ulids.new(ms)
        after = draft.leaves_after
        leaves_at = None if after is None else now + int(after.total_seconds() * 1000)
        state.audit("email.reply_submitted", "email", email_id, None, {"mailbox_id": box["id"]})
        state.audit("oversight.pending" if leaves_at is None else "email.scheduled", "email", email_id, None)
        yield NewEmail.of(
            draft,
            id=email_id,
            mailbox_id=box["id"],
            thread_id=row["thread_id"],
            direction="outbound",
            status=SandboxStatus.PENDING_SEND_APPROVAL if leaves_at is None else SandboxStatus.SCHEDULED,
            sender=box["address"],
            to=[storable(address) for address in draft.to] or [row["reply_to"] or row["sender"]],
            subject=storable(draft.subject or threads.reply_subject(row["subject"])),
            body=storable(draft.body),
            received_at=ms,
            message_id=f"<{email_id}@{box['address'].rpartition('@')[2]}>",
            in_reply_to=row["message_id"],
            references=[row["message_id"]],
            send_at=leaves_at,
            gate_timing=None if leaves_at is None else "schedule_first",
            due_at=leaves_at,
        )


def _mailbox_for(state: SandboxState, sample: SampleMailbox) -> sqlite3.Row:
    address = f"{sample.local}@{DOMAIN}"
    if not state.db.execute("SELECT 1 FROM mailboxes WHERE address = ?", (address,)).fetchone():
        mailboxes.insert(state, None, address, sample.display_name)
    state.db.execute(
        "UPDATE mailboxes SET display_name = ?, oversight_mode = ? WHERE address = ?",
        (sample.display_name, Mode(sample.oversight_mode), address),
    )
    return mailboxes.by_address(state, address)


def _received(date: datetime | None) -> int:
    """When an email arrived, in epoch ms; 0 if unknown."""
    try:
        return ids.to_ms(date) if date is not None and 1970 < date.year <= 2100 else 0
    except (OverflowError, ValueError, OSError):
        return 0
