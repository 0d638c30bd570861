"""The agent's record of each email. It is on disk before anything is sent, so a crash never causes duplicate work."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import closing
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from mm_tui.agent.schema import create_tables
from mm_tui.store.connecting import CorruptStore
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import Process, token_of
from mm_tui.store.sort_keys import from_ms, to_ms

FOLLOWED = timedelta(days=7)
"""How long after a draft was submitted, or its rejection was seen, another one may be requested."""
LONGEST_LOOK = timedelta(hours=1)
LONGEST_WAIT = timedelta(hours=25)
"""No job is postponed for longer, so one that is due later was postponed while the clock was wrong: it is due now."""
LOOKED_AT = timedelta(seconds=10), timedelta(hours=1)
"""The tags of a finished email are looked at once more, this long after, at the earliest and at the latest."""
LONGEST_HOLD = timedelta(hours=1)
"""After this long an agent has let go of an email, even if its process seems to be alive: another may have its pid."""
MOST_HELD = 16
"""The most emails that other agents on the same store may be working on."""
EVENTS_KEPT = timedelta(days=7)
"""How long events are remembered: webhooks are retried within minutes, so a week is more than enough."""


class JobState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    """Labelled, tagged, and answered if it needs an answer."""
    FAILED = "failed"
    """Given up; `why` has the reason."""


class Job(msgspec.Struct, frozen=True):
    """One email to handle, or one rejected draft to write again."""

    email_id: str
    """The email's id; for a redraft, the rejected draft's."""
    mailbox_id: str
    thread_id: str = ""
    state: JobState = JobState.WAITING
    tries: int = 0
    """How often it was postponed for a reason other than a limit."""
    faults: int = 0
    """How often the email itself was the cause."""
    due_at: datetime | None = None
    why: str = ""
    draft: str | None = None
    """The exact reply to submit."""
    submitted_at: datetime | None = None
    """When it was first submitted; set before the call."""
    reply_id: str | None = None
    answers: str = ""
    """For a redraft, the email that is answered; otherwise empty."""
    examples: int = 0
    """How many examples the draft was written with."""

    @property
    def is_redraft(self) -> bool:
        """Whether a reviewer requested it in place of a rejected draft."""
        return bool(self.answers)

    @property
    def answered_id(self) -> str:
        return self.answers or self.email_id

    @property
    def idempotency_key(self) -> str:
        """The key for this email or rejected draft, the same on any machine: the gateway creates only one reply."""
        return "mm-tui-agent-" + hashlib.sha256(f"{self.mailbox_id} {self.email_id}".encode()).hexdigest()[:40]


class Jobs:
    """The agent's jobs, in its own database file."""

    def __init__(self, database: Database) -> None:
        """Creates missing tables."""
        self._database = database
        self._holder = f"{os.getpid()} {token_of(os.getpid())} {secrets.token_hex(4)}"
        with database.write() as connection:
            create_tables(connection)

    def copy_from(self, store: Path) -> None:
        """Copies the jobs, notes and rejected drafts of another agent's store, which is only read."""
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as other:
            other.row_factory = sqlite3.Row
            there = {row[0] for row in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            with self._database.write() as connection:
                for table in ("agent_jobs", "agent_rejected", "agent_notes"):
                    for row in other.execute(f"SELECT * FROM {table}") if table in there else ():  # noqa: S608
                        columns = ", ".join(row.keys())
                        marks = ", ".join("?" * len(row))
                        connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row))  # noqa: S608
                connection.execute("UPDATE agent_jobs SET held_by = ''")

    def add(self, jobs: Iterable[Job], *, is_listed: bool = False) -> int:
        """Adds emails that are not known yet; returns how many were new. `is_listed`: their mailboxes list them. One
        that an event had announced in another mailbox is new then."""
        again = "DO NOTHING"
        if is_listed:
            again = (
                "DO UPDATE SET mailbox_id = excluded.mailbox_id, thread_id = excluded.thread_id, state = 'waiting',"
                " due_at = 0, tries = 0, faults = 0 WHERE mailbox_id <> excluded.mailbox_id"
                " AND state <> 'done' AND draft IS NULL AND reply_id IS NULL"
            )
        with self._database.write(durable=True) as connection:
            before = connection.total_changes
            connection.executemany(
                "INSERT INTO agent_jobs (email_id, mailbox_id, thread_id, answers) VALUES (?, ?, ?, ?)"  # noqa: S608
                f" ON CONFLICT (email_id) {again}",
                [(job.email_id, job.mailbox_id, job.thread_id, job.answers) for job in jobs],
            )
            return connection.total_changes - before

    def due(self, now: datetime, limit: int, without: Collection[str] = ()) -> list[Job]:
        """The jobs to do now, newest first, so that new mail does not wait for a backlog. A job that was postponed
        later than now was postponed before the clock was set back: it is due too."""
        rows = self._database.reader().execute(
            "SELECT * FROM agent_jobs INDEXED BY agent_jobs_waiting"
            " WHERE state = 'waiting' AND (due_at <= ? OR due_at > ? OR put_off_at > ?)"
            " ORDER BY email_id DESC LIMIT ?",
            (to_ms(now), to_ms(now + LONGEST_WAIT), to_ms(now), limit + len(without)),
        )
        return [self._job(row) for row in rows if row["email_id"] not in without][:limit]

    def take(self, now: datetime, without: Collection[str] = ()) -> Job | None:
        """The next job to do now, which no other agent on this store takes until it is released."""
        tried: set[str] = set()
        for most in (1, MOST_HELD):
            for job in self.due(now, most, {*without, *tried}):
                if self._take(job, now):
                    return job
                tried.add(job.email_id)
        return None

    def _take(self, job: Job, now: datetime) -> bool:
        with self._database.write() as connection:
            row = connection.execute("SELECT * FROM agent_jobs WHERE email_id = ?", (job.email_id,)).fetchone()
            if row is None or self._job(row) != job or self._is_held(row["held_by"], from_ms(row["held_at"]), now):
                return False
            connection.execute(
                "UPDATE agent_jobs SET held_by = ?, held_at = ? WHERE email_id = ?",
                (self._holder, to_ms(now), job.email_id),
            )
            return True

    def release(self, email_id: str) -> None:
        """Lets other agents on this store take the job, if it is still to be done."""
        self._change("UPDATE agent_jobs SET held_by = '' WHERE email_id = ? AND held_by = ?", email_id, self._holder)

    def _is_held(self, holder: str, since: datetime | None, now: datetime) -> bool:
        """Whether another agent that still runs is working on a job."""
        pid, token, *_ = [*holder.split(" "), "", ""]
        # It may have been taken a moment after this agent looked at its clock.
        if not pid.isdigit() or holder == self._holder or since is None or abs(now - since) >= LONGEST_HOLD:
            return False
        return Process(int(pid), token).is_alive()

    def next_due(self, after: datetime) -> datetime | None:
        """When the next postponed job is due; None if there is none."""
        row = self._database.one(
            "SELECT min(due_at) FROM agent_jobs WHERE state = 'waiting' AND due_at > ?", (to_ms(after),)
        )
        return from_ms(row[0])

    def get(self, email_id: str) -> Job | None:
        row = self._database.one("SELECT * FROM agent_jobs WHERE email_id = ?", (email_id,))
        return self._job(row) if row else None

    def replies_in(self, thread_id: str) -> dict[str, datetime | None]:
        """This agent's replies in a thread: their times by id."""
        if not thread_id:
            return {}
        rows = self._database.reader().execute(
            "SELECT reply_id, submitted_at FROM agent_jobs WHERE thread_id = ? AND reply_id IS NOT NULL", (thread_id,)
        )
        return {row[0]: from_ms(row[1]) for row in rows}

    def written_before(self, job: Job, since: datetime) -> int:
        """How many drafts to the same reader were written before this one and not discarded; if it may reach several,
        the most to one of them."""
        rows = self._database.reader().execute(
            "SELECT other.writes_to, this.writes_to FROM agent_jobs AS other,"
            " (SELECT * FROM agent_jobs WHERE email_id = ?) AS this"
            " WHERE other.writes_to <> '' AND other.submitted_at >= ?"
            " AND (other.submitted_at, other.email_id) < (this.submitted_at, this.email_id)"
            " AND (other.draft IS NOT NULL OR other.reply_id IS NOT NULL)",
            (job.email_id, to_ms(since)),
        )
        counted = Counter(reader for other, this in rows for reader in {*other.split()} & {*this.split()})
        return max(counted.values(), default=0)

    # Rejected drafts

    def oldest_followed(self, mailbox_id: str, now: datetime) -> str | None:
        """The id of the agent's oldest draft that a reviewer may still want redrafted; None if there is none."""
        row = self._database.one(
            "SELECT min(reply_id) FROM agent_jobs WHERE mailbox_id = ? AND submitted_at >= ? AND reply_id IS NOT NULL",
            (mailbox_id, to_ms(now - FOLLOWED)),
        )
        return row[0] if row else None

    def followed(self, draft_ids: Collection[str], now: datetime) -> dict[str, Job]:
        """Those of these drafts that a reviewer may still want the agent to redraft, by id, with their jobs."""
        rows = self._database.reader().execute(
            f"SELECT * FROM agent_jobs AS made WHERE reply_id IN ({', '.join('?' * len(draft_ids))})"  # noqa: S608
            " AND submitted_at >= ? AND NOT EXISTS (SELECT 1 FROM agent_jobs WHERE email_id = made.reply_id)",
            (*draft_ids, to_ms(now - FOLLOWED)),
        )
        return {row["reply_id"]: self._job(row) for row in rows}

    def is_looked_at(self, draft_id: str, now: datetime) -> bool:
        """Whether to check a rejected draft's tags now; also records when it was first seen. A reviewer's program may
        set them after the rejection, so they are checked again, less and less often."""
        row = self._database.one("SELECT seen_at, look_at FROM agent_rejected WHERE draft_id = ?", (draft_id,))
        seen, look = (from_ms(row["seen_at"]), from_ms(row["look_at"])) if row else (now, now)
        if seen is None or look is None or seen <= now < look or now - seen > FOLLOWED:
            return False
        again = now + min(LONGEST_LOOK, (now - seen) / 4)
        self._change("INSERT OR REPLACE INTO agent_rejected VALUES (?, ?, ?)", draft_id, to_ms(seen), to_ms(again))
        return True

    def redrafts_of(self, answered_id: str) -> int:
        """How many redrafts reviewers requested for this email."""
        row = self._database.one(
            "SELECT count(*) FROM agent_jobs WHERE answers = ? AND reply_id IS NOT NULL", (answered_id,)
        )
        return int(row[0])

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        rows = self._database.reader().execute("SELECT state, count(*) FROM agent_jobs GROUP BY state")
        return {str(state): 0 for state in JobState} | {row[0]: row[1] for row in rows}

    def is_low(self, mark: int) -> bool:
        """Whether fewer than `mark` jobs wait that no other agent works on."""
        row = self._database.one(
            "SELECT count(*) FROM (SELECT 1 FROM agent_jobs WHERE state = 'waiting' AND held_by IN ('', ?) LIMIT ?)",
            (self._holder, mark),
        )
        return int(row[0]) < mark

    def write_draft(self, email_id: str, draft: str, at: datetime, *, writes_to: str = "", examples: int = 0) -> None:
        """Stores the reply before it is first submitted. `writes_to`: addresses it may reach, separated by spaces."""
        self._set(email_id, draft=draft, submitted_at=to_ms(at), writes_to=writes_to.lower(), examples=examples)

    def adopt(self, job: Job) -> None:
        """Records a draft that this agent submitted before its store was lost, as the reply of its job."""
        self.add([job])
        done, at = str(JobState.DONE), to_ms(job.submitted_at)
        self._set(job.email_id, state=done, reply_id=job.reply_id, submitted_at=at, only_if="reply_id IS NULL")

    def put_off(
        self,
        email_id: str,
        until: datetime,
        why: str,
        *,
        at: datetime | None = None,
        is_try: bool = True,
        is_fault: bool = False,
    ) -> None:
        """Postpones a job. `at` is now; without it, a clock that is set back meanwhile is not noticed. `is_try`: the
        next wait is to be longer. `is_fault`: the email itself was the cause."""
        times: dict[str, Any] = {"due_at": to_ms(until), "put_off_at": to_ms(at) if at else 0}
        self._set(email_id, why=why, add_tries=int(is_try), add_faults=int(is_fault), **times)

    def finish(
        self,
        email_id: str,
        state: JobState,
        why: str,
        *,
        reply_id: str | None = None,
        tagged_at: datetime | None = None,
    ) -> None:
        """Ends a job: the draft is at the gateway, or is not needed. `reply_id` is the submitted draft; one that is
        known stays known. `tagged_at` is now, if the email's tags are to be looked at once more."""
        columns: dict[str, Any] = {"reply_id": reply_id} if reply_id is not None else {}
        due_at = to_ms(tagged_at + LOOKED_AT[0]) if tagged_at else 0
        self._set(email_id, state=str(state), why=why, draft=None, due_at=due_at, **columns)

    def tagged_lately(self, now: datetime, limit: int) -> list[Job]:
        """Finished emails whose tags are to be looked at once more."""
        rows = self._database.reader().execute(
            "SELECT * FROM agent_jobs WHERE state = 'done' AND due_at BETWEEN ? AND ? ORDER BY due_at LIMIT ?",
            (to_ms(now - LOOKED_AT[1]), to_ms(now), limit),
        )
        return [self._job(row) for row in rows]

    def looked_at(self, email_id: str, *, is_tagged: bool) -> None:
        """Records a look at the tags of a finished email. If they are lost, its job waits again, which counts as a
        fault of the email."""
        state = JobState.DONE if is_tagged else JobState.WAITING
        self._set(email_id, state=str(state), due_at=0, add_faults=int(not is_tagged))

    def forget(self, email_id: str) -> None:
        """Deletes a job for an email that the agent should not handle now; a poll adds it again if that changes."""
        self._change("DELETE FROM agent_jobs WHERE email_id = ?", email_id)

    def set_thread(self, email_id: str, thread_id: str) -> None:
        """Sets the thread of an email that was listed without it."""
        self._set(email_id, thread_id=thread_id)

    def _set(
        self, email_id: str, *, add_tries: int = 0, add_faults: int = 0, only_if: str = "TRUE", **columns: object
    ) -> None:
        """Sets columns of a job, and counts further tries and faults."""
        made = "".join(f"{name} = ?, " for name in columns) + "tries = tries + ?, faults = faults + ?"
        sql = f"UPDATE agent_jobs SET {made} WHERE email_id = ? AND {only_if}"  # noqa: S608 - names of columns
        self._change(sql, *columns.values(), add_tries, add_faults, email_id)

    def _change(self, statement: str, *values: object) -> None:
        # Work not yet on disk when the machine dies is repeated, and found to be done.
        with self._database.write() as connection:
            connection.execute(statement, values)

    def _job(self, row: Any) -> Job:
        """A stored job. Raises CorruptStore if it is damaged."""
        try:
            given = {name: row[name] for name in Job.__struct_fields__}
            times = {name: from_ms(row[name]) for name in ("due_at", "submitted_at")}
            return Job(**{**given, **times, "state": JobState(row["state"])})
        except (ValueError, TypeError):
            raise CorruptStore(self._database.path or Path(":memory:"), "a job in it cannot be read") from None

    # Webhook events, and the state of polls

    def is_replay(self, body: bytes, at: datetime) -> bool:
        """Records an event by its content; True if it came before."""
        digest = hashlib.sha256(body).hexdigest()
        with self._database.write(durable=True) as connection:
            connection.execute("DELETE FROM agent_events WHERE at < ?", (to_ms(at - EVENTS_KEPT),))
            before = connection.total_changes
            connection.execute("INSERT OR IGNORE INTO agent_events VALUES (?, ?)", (digest, to_ms(at)))
            return connection.total_changes == before

    def note(self, name: str) -> str | None:
        """A small value that outlives a run."""
        row = self._database.one("SELECT value FROM agent_notes WHERE name = ?", (name,))
        return row[0] if row else None

    def set_note(self, name: str, value: str) -> None:
        """Stores such a value, in place of the one before."""
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO agent_notes VALUES (?, ?)", (name, value))
