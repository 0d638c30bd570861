"""The fields of all JSON output.

They are stable: fields may be added; none is removed or changes its meaning. docs/cli.md is generated from here, and a
test checks the commands against it.
"""

from __future__ import annotations

from collections.abc import Mapping

ITEM: Mapping[str, str] = {
    "id": "the email's id",
    "mailbox_id": "id of its mailbox",
    "mailbox": "address of its mailbox, or null",
    "direction": "outbound (a draft) or inbound",
    "status": "the gateway's word",
    "from": "sender in header form",
    "to": "list of recipients in header form",
    "subject": "subject, cleaned",
    "received_at": "ISO 8601 in UTC, or null",
    "risk": "none (the rules found nothing, which does not mean it is safe), low, medium or high; unchecked until the "
    "details have been read, unless high was found without them",
    "written_by": "the reviewer who wrote it in mm-tui, according to this machine's journal or the email's "
    "tag, or null",
    "checked": "whether its details (cc, attachments, thread) have been read, so that the rules saw everything",
    "not_checked_because": "one sentence if it is not checked, else null",
    "resubmission": "{after, rejected_at, rejected_by, reason, sent_back} if it follows a rejected draft (after: "
    "its id; rejected_by: the reviewer, if it was rejected with this program), else null",
    "snoozed": "until when it is snoozed on this machine, or why it is back, in words; else null",
    "needs_second_approval": "whether two reviewers must approve it",
    "approved_by": "list of {by, at, you}: who has approved its text, by its tags",
    "being_decided_by": "who is deciding about it in another program on this store, or null",
    "assigned_to": "the reviewer or key that it is assigned to, by its tag; else null",
    "note": "{by, at, text}: the note to colleagues, by its tags; else null",
    "flags": "list of {code, level, words}: the findings, worst first",
    "unchecked": "list of sentences: what the risk rules did not look at",
}

SHOWN: Mapping[str, str] = {
    **ITEM,
    "digest": "64 hex digits: the hash of everything that is decided about; `--digest` takes the first "
    "8 or more where they were printed, and elsewhere all",
    "cc": "list of recipients in header form, or null if the gateway does not disclose it",
    "bcc": "who gets a hidden copy; null if the gateway does not disclose it",
    "body": "text, cleaned",
    "attachments": "list of {name, size, content_type}, or null if the gateway does not disclose them; size in bytes",
    "thread_id": "id of its thread, or null",
    "hidden_characters_removed": "number of control and invisible characters removed from subject and body",
    "send_at": "when it will be sent once approved, or null if the gateway does not say",
    "disclosure": "list of sentences: what the gateway adds, or does not disclose",
    "in_house_facts": "list of sentences: what the draft takes from house facts and not from the thread",
    "second_reader": "with --second-reader, else null: phase, words, model, stand_in, dropped, and lines (null if no "
    "model read it; an empty list does not mean it is safe), each with kind (contradicted, not_found, "
    "unanswered), draft and thread (the "
    "quotes), source (the email's id, or a file of house facts) and from",
    "oversight_mode": "of the mailbox, or null",
    "edited_here": "whether an unsent edit is saved on this machine",
    "claimed": "{by, since, until} if a reviewer has it open, else null; only a hint",
    "thread": "list of {id, direction, from, subject, status, received_at, exchanged, body}, oldest first; "
    "body is null if it was not read",
    "live": "whether the profile's keys send real mail",
}

DECISION: Mapping[str, str] = {
    "id": "the email's id",
    "act": "approve, approve_first (of two approvals), reject, release_edit or reschedule",
    "phase": "done, decided (as wanted, but not known whether by this call), undecided, changed, elsewhere, incident, "
    "unknown, asking, waiting or working",
    "outcome": "how it ended, in the journal's word, or null; not_as_seen: the content sent differs from what was seen",
    "words": "one sentence",
    "digest": "of what was decided about",
    "replacement_id": "id of the edited email, or null",
    "decided_by": "as named by the gateway, or null",
    "decided_at": "ISO 8601 in UTC, or null",
    "changed": "{seen, now} if the content differs from what was decided about, each {to, cc, subject, "
    "body, attachments, "
    "send_at} or null; after not_as_seen `now` is what was sent; else null",
    "question": "{words, choices, digest} (the last is null, or what accept needs) if a human must answer, else null",
    "redraft": "{state, words} if another draft was wanted after a rejection, else null; state is asked, later (the "
    "request is repeated when mm-tui runs next) or refused (the exit status is then not 0, although the email is "
    "rejected)",
    "exit_status": "the exit status",
}

AUDIT: Mapping[str, str] = {
    "at": "ISO 8601 in UTC",
    "source": "gateway or journal",
    "action": "what happened, in the source's word",
    "who": "the reviewer if it was decided here, else the gateway's key id",
    "about": "id of the email or other thing",
    "details": "object with text values",
    "id": "the gateway's id, or the number in the journal",
    "hash": "in the journal's chain; empty for the gateway's lines",
}

OUTPUTS: Mapping[str, Mapping[str, str]] = {
    "pending list": {"pending": "list of items, each with the fields of the next table above digest"},
    "pending show": SHOWN,
    "pending approve, reject, edit, answer": DECISION,
    "pending reject --filter": {
        "rejected": "list of ids",
        "failed": "list of {id, words}: what could not be rejected, and why",
        "snoozed_left_out": "number of snoozed emails that the filter selects too; they are rejected only if the query "
        "says is:snoozed",
    },
    "scheduled list": {
        "scheduled": "list of {id, send_at (as the gateway says it, or null), mailbox, status, to (addresses), "
        "subject}: emails that will be sent later",
        "more": "whether the list was too long to read all of it",
    },
    "scheduled cancel": {
        "id": "the email's id",
        "cancelled": "true",
        "words": "one sentence",
    },
    "stats": {
        "days": "number of days covered",
        "agents": "list of {key (id of the key that wrote the drafts, or null), drafts, "
        "approved_as_written, edited, rejected, "
        "reasons (object: reason to number), median_wait_seconds (or null), flags (object: code to number), by_day (30 "
        "pairs, oldest first: as written, edited or rejected)}, busiest first",
        "mailboxes": "list of {mailbox_id, without_examples, words_changed_without, with_examples, "
        "words_changed_with}: released drafts that were written without and with examples of earlier edits, and the "
        "share of their words that humans changed, 0 to 1 or null",
    },
    "agent examples": {
        "examples": "list of {id, at, mailbox_id, label, asked, written, released, words_changed}, the newest first; "
        "all texts are masked",
        "kept": "whether edits of this profile become examples",
    },
    "audit list": {"entries": "list of lines, each with the fields of `audit export`"},
    "audit export": AUDIT,
    "audit verify": {
        "ok": "whether the journal is intact",
        "words": "one sentence",
        "entries": "number of intact entries, from the first on",
        "first_bad": "number of the first entry that is not as written, or null",
        "head": "NUMBER:HASH; keep a copy elsewhere",
    },
    "sync": {
        "ok": "whether every part succeeded",
        "mailboxes": "how many there are; null if they could not be read",
        "pending": "number of waiting emails; null if the queue could not be read",
        "failed": "list of {part, error, cure}",
    },
    "doctor": {
        "ok": "whether there is no problem",
        "checks": "list of {check, result, words, cure}; result is ok, warning or problem",
    },
    "profiles": {
        "profiles": "list of {name, default, live, url, mailbox, trouble}; live is null if only the keys can tell, "
        "mailbox and trouble are null if there is none",
        "overriding": "list of environment variables that are used for every profile",
    },
    "init": {
        "profile": "the profile's name",
        "config": "the file",
        "keys": "object: oversight, send, admin to {kind, scopes}; kind is test or live, scopes is null if "
        "the key was not tried",
        "mailboxes": "list of {id, address, oversight_mode}",
        "warnings": "list of sentences",
    },
}
