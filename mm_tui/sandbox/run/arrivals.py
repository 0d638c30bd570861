"""Sample mail that arrives while the demo runs: endless, varied, and repeatable by seed."""

from __future__ import annotations

import itertools
import random
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from importlib import resources
from typing import Any

from mm_tui.sandbox.gateway.mail import Arrival, IncomingMail
from mm_tui.sandbox.samples import DOMAIN

SHORTEST_PAUSE = 4.0
"""The least seconds between two arrivals."""
LONGEST_PAUSE = 120.0
"""The most seconds between two arrivals."""
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
    name = parseaddr(sender)[0]
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


def arrivals(now: datetime, *, seed: int = 7) -> Iterator[Arrival]:
    """The endless emails of a demo.

    Args:
        now: the start of the demo; only makes the Message-IDs of two runs differ. The emails carry no date.
        seed: the same seed gives the same emails at the same pauses.
    """
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
            yield Arrival(_pause(rng, number), due.mailbox, _second(due, mark))
            continue
        if not deck:
            deck = list(data["mail"])
            rng.shuffle(deck)
        entry = deck.pop()
        mail, more = _first(entry, data, rng, mark)
        if more:
            waiting.append(_FollowUp(number + rng.randint(4, 12), entry["mailbox"], mail, more))
        yield Arrival(_pause(rng, number), entry["mailbox"], mail)
