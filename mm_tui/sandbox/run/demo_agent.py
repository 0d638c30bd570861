"""The activity in the demo: sample mail that arrives, endless and repeatable by seed, and the agent that answers it."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from typing import Any

from mm_tui.sandbox.gateway import inbound, mailboxes, messages, sending
from mm_tui.sandbox.gateway.mail import IncomingMail, OutgoingMail, TimedMail, name_and_address
from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import DOMAIN, ApiError, SandboxState
from mm_tui.sandbox.gateway.statuses import SandboxStatus
from mm_tui.sandbox.model import replies
from mm_tui.sandbox.model.text import PromptMail
from mm_tui.sandbox.run.child import end, start_supervised

ASKED, REASON, SUGGESTION = "review.redraft", "review.reason", "review.suggestion"
"""Tags of a reviewer's program on a rejected draft; the suggested text goes on in `review.suggestion.2` and so on."""
FOLLOWS, ROUND = "assist.follows", "assist.round"
"""Tags on the other draft: which one it replaces, and how many were written for the email."""
MOST_ROUNDS = 2

_ASKED_SQL = """
SELECT emails.* FROM emails JOIN tags ON tags.email_id = emails.id AND tags.name = ? WHERE emails.status = ?
 AND EXISTS (SELECT 1 FROM audit WHERE resource_id = emails.id AND action = 'email.reply_submitted'
  AND actor_key_id IS NULL)
 AND NOT EXISTS (SELECT 1 FROM tags AS other WHERE other.name = ? AND other.value = emails.id)
"""
"""Rejected drafts with a reviewer's request that no key has submitted."""


def redraft(state: SandboxState) -> int:
    """Submits another draft for each rejected sample draft for which a reviewer asks for one; returns how many."""
    number = 0
    for row in state.db.execute(_ASKED_SQL, (ASKED, SandboxStatus.REJECTED, FOLLOWS)).fetchall():
        tags = messages.tags(state, row["id"])
        answered = state.db.execute(
            "SELECT * FROM emails WHERE mailbox_id = ? AND message_id = ?", (row["mailbox_id"], row["in_reply_to"])
        ).fetchone()
        round_ = tags.get(ROUND, "0")
        # Anybody with a send key can set tags.
        at = int(round_) + 1 if round_.isdecimal() and len(round_) < 9 else MOST_ROUNDS + 1
        if answered is None or at > MOST_ROUNDS:
            continue
        mail = OutgoingMail((), "", other_text(state, row, answered, tags))
        try:
            with state.write() as db:
                made = sending.reply(state, None, row["mailbox_id"], answered["id"], mail)
                follows = [(made.body["id"], FOLLOWS, row["id"]), (made.body["id"], ROUND, str(at))]
                db.executemany("INSERT INTO tags VALUES (?, ?, ?)", follows)
        except ApiError:
            # The mailbox may not send now.
            continue
        number += 1
    return number


def other_text(state: SandboxState, draft: sqlite3.Row, answered: sqlite3.Row, tags: dict[str, str]) -> str:
    """The reviewer's own text, or the draft changed for the reviewer's reason, or else a new reply."""
    if suggested := _suggestion(tags):
        return suggested
    before, reason = messages.body(state, draft["id"]), tags.get(REASON, "")
    text = replies.redraft(before, reason)
    if text.split() != before.split():
        return text
    mail = PromptMail(answered["sender"], "", answered["subject"], messages.body(state, answered["id"]))
    return replies.draft([mail], reason)


def _suggestion(tags: dict[str, str]) -> str:
    names = [SUGGESTION, *(f"{SUGGESTION}.{number}" for number in range(2, len(tags) + 1))]
    text = "".join(tags.get(name, "") for name in names)
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return text
    return str(found)


SHORTEST_PAUSE = 4.0
"""The least seconds between two arrivals."""
LONGEST_PAUSE = 120.0
"""The most seconds between two arrivals."""
REDRAFT_SECONDS = 3.0
"""Seconds between two looks for reviewers who ask for another draft in place of a sample draft."""
_BUSY = 6
"""How many emails arrive in quick succession at the start, so that there is something to see."""


@dataclass(frozen=True, slots=True)
class _FollowUp:
    """A second email of a thread, due some arrivals later."""

    due: int
    mailbox: str
    first: IncomingMail
    text: str


def _pause(rng: random.Random, number: int) -> float:
    mean = 8.0 if number < _BUSY else 30.0
    return round(min(LONGEST_PAUSE, SHORTEST_PAUSE + rng.expovariate(1 / mean)), 1)


def _values(rng: random.Random, table: Mapping[str, list[str]], sender: str) -> dict[str, str]:
    name = name_and_address(sender)[0]
    return {
        "order": str(rng.randint(4530, 9899)),
        "invoice": str(rng.randint(2330, 5999)),
        "day": str(rng.randint(2, 19)),
        "name": name.split()[0] if name else "",
        **{key: rng.choice(options) for key, options in table.items()},
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"{{{key}}}", value)
    return text.strip("\n")


def _first(
    entry: Mapping[str, Any], data: Mapping[str, Any], rng: random.Random, mark: str
) -> tuple[IncomingMail, str]:
    """An email from its template, and its follow-up's text (empty if there is none)."""
    sender = rng.choice(data["people"][entry.get("language", "en")])
    values = _values(rng, data["values"], sender)
    mail = IncomingMail(
        sender=sender,
        to=(f"{entry['mailbox']}@{DOMAIN}",),
        subject=_filled(entry["subject"], values),
        body=_filled(entry["text"], values),
        message_id=f"<arrival-{mark}@samples.example>",
        spam_score=entry.get("spam_score"),
    )
    return mail, _filled(entry.get("follow_up", ""), values)


def _second(due: _FollowUp, mark: str) -> IncomingMail:
    return IncomingMail(
        sender=due.first.sender,
        to=due.first.to,
        subject=f"Re: {due.first.subject}",
        body=due.text,
        message_id=f"<arrival-{mark}@samples.example>",
        in_reply_to=due.first.message_id,
        references=(due.first.message_id,),
    )


def arrivals(now: datetime, *, seed: int = 7) -> Iterator[TimedMail]:
    """The endless emails of a demo; the same seed gives the same emails at the same pauses. `now`, the start of the
    demo, only makes the Message-IDs of two runs differ: the emails carry no date."""
    data = tomllib.loads(resources.files("mm_tui.sandbox.samples").joinpath("arrivals.toml").read_text("utf-8"))
    # Repeatable on purpose; nothing here is a secret.
    rng = random.Random(seed)  # noqa: S311
    run = f"{int(now.timestamp()):x}"
    waiting: list[_FollowUp] = []
    deck: list[Mapping[str, Any]] = []
    for number in itertools.count():
        mark = f"{run}-{number}"
        due = next((item for item in waiting if item.due <= number), None)
        if due is not None:
            waiting.remove(due)
            yield TimedMail(_pause(rng, number), due.mailbox, _second(due, mark))
            continue
        if not deck:
            deck = list(data["mail"])
            rng.shuffle(deck)
        entry = deck.pop()
        mail, more = _first(entry, data, rng, mark)
        if more:
            waiting.append(_FollowUp(number + rng.randint(4, 12), entry["mailbox"], mail, more))
        yield TimedMail(_pause(rng, number), entry["mailbox"], mail)


SECRET_PREFIXES = ("MULTIMAIL_", "AI21_", "MM_TUI_")
"""The user's variables that the agent must not see, because they may contain live keys."""


class DemoActivity:
    """Runs the agent and delivers sample mail if `works`; otherwise does nothing."""

    def __init__(self, state: SandboxState, server: Server, *, works: bool, mail_arrives: bool = True) -> None:
        self._state = state
        self._server = server
        self._works = works
        self._mail_arrives = mail_arrives
        self._agent: subprocess.Popen[bytes] | None = None
        self._reported: set[str] = set()

    def open(self) -> None:
        """Starts the program's own agent as a process with its own send key."""
        if not self._works:
            return
        folder = self._state.folder / "agent"
        folder.mkdir(exist_ok=True, mode=0o700)
        with (folder / "agent.log").open("ab") as log:
            self._agent = start_supervised(
                ("agent", "run", "--interval", "3"),
                stdout=log,
                stderr=log,
                environment=self.agent_environment(os.environ),
            )

    def agent_environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """The agent's variables: the sandbox's address and send key, and nothing of the user's own accounts."""
        folder = self._state.folder / "agent"
        kept = {name: value for name, value in own.items() if not name.startswith(SECRET_PREFIXES)}
        return {
            **kept,
            "MULTIMAIL_API_URL": self._server.url,
            "MULTIMAIL_SEND_API_KEY": self._state.keys()["send"],
            "AI21_API_HOST": f"{self._server.url}/studio/v1",
            "AI21_API_KEY": self._state.fact("ai21_key") or "",
            "MM_TUI_CONFIG": str(folder / "config.toml"),
            "MM_TUI_DATA": str(folder),
        }

    def close(self) -> None:
        if self._agent is not None:
            end(self._agent)
            self._agent = None

    async def run(self) -> None:
        """Delivers mail and answers reviewers, until cancelled."""
        await asyncio.gather(self.let_mail_arrive(), self._answer_reviewers())

    async def _answer_reviewers(self) -> None:
        while self._works:
            self._attempt("Another draft could not be written", lambda: redraft(self._state))
            await asyncio.sleep(REDRAFT_SECONDS)

    async def let_mail_arrive(self) -> None:
        """Delivers sample arrivals, one after the other, and reports if the agent has ended."""
        if not self._works or not self._mail_arrives:
            return
        # A different seed for each run on the same folder, or the same mail would arrive again.
        run = int(self._state.fact("runs_with_arrivals") or 0) + 1
        self._state.set_fact("runs_with_arrivals", str(run))
        for arrival in arrivals(datetime.now(UTC), seed=run):
            await asyncio.sleep(arrival.after_seconds)
            if self._agent is not None and self._agent.poll() is not None:
                log = self._state.folder / "agent" / "agent.log"
                sys.stderr.write(f"The agent has ended with status {self._agent.returncode}; see {log}\n")
                self._agent = None
            self._attempt("Sample mail could not be delivered", partial(self._deliver, arrival))

    def _deliver(self, arrival: TimedMail) -> None:
        mailbox = mailboxes.by_address(self._state, f"{arrival.mailbox}@{DOMAIN}")
        inbound.deliver(self._state, mailbox["id"], arrival.mail)

    def _attempt(self, failed: str, step: Callable[[], object]) -> None:
        """Takes a step. A failure is reported once, and ends neither this activity nor another."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one step, the demo goes on
            words = f"{failed}: {type(error).__name__}"
            if words not in self._reported:
                self._reported.add(words)
                sys.stderr.write(f"{words}\n")
