"""A team at work: real programs on terminals, a colleague at the gateway, and a bad network between.

A seeded driver presses in each program keys that fit what its screen shows. Every text has a mark in each line, so what
a screen has shown, what was approved there and what left can be compared without asking the program.
"""

from __future__ import annotations

import random
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.support.fault_proxy import Running
from tests.support.pty import plain_environment
from tests.support.sandbox import Sandbox
from tests.support.team_seat import LINE, TYPED, Seat, Store

TOLD = re.compile(r"(?<!not )(sent|rejected: email|approved: email) to q(\d+)@")
SETTLE_SECONDS = 90
"""Seconds. Generous: a busy machine and the longest pause between two readings."""


def text(number: int, version: int, lines: int) -> str:
    """A draft's text, marked in each line."""
    mark = f"Q{number}v{version}"
    return "\n".join([*(f"{mark} line {at}" for at in range(lines)), "", f"{mark} ends"])


def soon(minutes: int) -> str:
    """A time as tags have it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


class TeamRound:
    """Some drafts, two or three programs, a colleague, and what must hold afterwards."""

    def __init__(self, sandbox: Sandbox, proxy: Running, folder: Path, seed: int) -> None:
        self.sandbox, self.proxy, self.folder = sandbox, proxy, folder
        self._chance = random.Random(seed)
        self._base = seed % 10**6 * 10
        self.drafts: dict[int, str] = {}
        self._versions: dict[int, int] = defaultdict(int)
        self.seats: list[Seat] = []
        self.keys: dict[str, str] = {}
        """Reviewer: id of the key."""
        self._needs_second = False
        """Two reviewers must approve what leaves."""

    def play(self, acts: int, drafts: int = 3) -> None:
        """Opens the programs, acts so many times in each, waits for the ends, and checks."""
        chance = self._chance
        for number in range(self._base, self._base + drafts):
            lines = chance.choice((2, 2, 2, 30))
            mail = self.sandbox.inbound(subject=f"Order {number}", body="Where is it?", sender=f"q{number}@c.example")
            self.drafts[number] = self.sandbox.reply(mail["id"], text(number, 0, lines))["id"]
        with ExitStack() as stack:
            self._open(stack)
            self.proxy.be(
                seed=chance.randrange(10**6), share=chance.choice((0.0, 0.1, 0.25)), without=("busy for a day",)
            )
            for _ in range(acts):
                for seat in chance.sample(self.seats, len(self.seats)):
                    seat.act()
                if chance.random() < 0.15:
                    self._colleague()
                for seat in self.seats:
                    seat.wait(chance.choice((0.02, 0.05, 0.2)))
                    self._hear(seat)
            self.proxy.calm()
            self._settle()
            for seat in self.seats:
                seat.leave()
        self._check()

    def _open(self, stack: ExitStack) -> None:
        stores = {name: Store(self.folder / name) for name in ("one", "other")}
        places = self._chance.choice(
            (
                (("kim", "one"), ("kim", "one")),
                (("kim", "one"), ("robin", "other")),
                (("kim", "one"), ("kim", "one"), ("robin", "other")),
            )
        )
        reviewers = sorted({reviewer for reviewer, _ in places})
        self._needs_second = len(reviewers) > 1 and self._chance.random() < 0.4
        for reviewer in reviewers:
            name = f"{reviewer}-{self._base}"
            self.keys[reviewer] = self.sandbox.make_key(name, "read", "oversight")
        for at, (reviewer, store) in enumerate(places):
            home = stores[store].home
            config = home / "config.toml"
            hold = f"[review]\nhold_seconds = {self._chance.choice((0, 1, 2))}\n"
            if self._needs_second:
                hold += 'second_approver = "always"\n'
            config.write_text(f"{hold}[sync]\nactive_seconds = 1\n[assist]\nautomatic = false\n")
            env = plain_environment(
                home,
                MULTIMAIL_API_URL=self.proxy.url,
                MULTIMAIL_API_KEY=self.sandbox.keys[f"{reviewer}-{self._base}"],
                MULTIMAIL_SEND_API_KEY=self.sandbox.keys["send"],
                MM_TUI_CONFIG=str(config),
                MM_TUI_DATA=str(home / "data"),
                MM_TUI_REVIEWER=reviewer,
            )
            seat = Seat("abc"[at], reviewer, stores[store], env, random.Random(self._chance.random()))
            stack.callback(seat.close)
            self.seats.append(seat)
        for seat in self.seats:
            seat.terminal.wait_for("Inbox", timeout=60)
            seat.terminal.press("2")
        for seat in self.seats:
            seat.terminal.wait_for(f"q{self._base}@", timeout=60)

    def _colleague(self) -> None:
        """Somebody else at the gateway, over a good network."""
        number = self._chance.choice(list(self.drafts))
        item = self.drafts[number]
        way = self._chance.choice(
            ("approve", "reject", "change", "change", "note", "presence", "assign", "all", "cancel")
        )
        path = f"/v1/mailboxes/{self.sandbox.mailbox}/emails/{item}"
        with suppress(httpx.HTTPStatusError):
            if way == "change":
                if self.sandbox.status(item) == "pending_send_approval":
                    self._versions[number] += 1
                    version = text(number, self._versions[number], self._chance.choice((2, 30)))
                    self.sandbox.change(item, markdown=version)
            elif way == "cancel":
                self.sandbox.call("POST", f"{path}/cancel", key="send")
            elif way == "all":
                if self._chance.random() < 0.3:
                    for mail in self.sandbox.pending():
                        self.sandbox.decide(mail["id"], "reject", "runaway agent")
            elif way in ("approve", "reject"):
                self.sandbox.decide(item, way, "not needed")
            else:
                tags = {
                    "note": {"review.note": "look twice", "review.note_by": "jo"},
                    "presence": {
                        "review.claimed_by": "jo",
                        "review.claimed_at": soon(0),
                        "review.claimed_until": soon(9),
                    },
                    "assign": {"review.assigned_to": "jo", "review.assigned_by": "jo"},
                }[way]
                self.sandbox.call("PUT", f"{path}/tags", key="send", json={"tags": tags})

    def _hear(self, seat: Seat) -> None:
        """What a screen says of a decision's end must be so at that moment."""
        for what, digits in TOLD.findall(seat.look()):
            number = int(digits)
            if (what, number) in seat.reported or number not in self.drafts:
                continue
            seat.reported.add((what, number))
            if what == "rejected: email":
                statuses = {mail["status"] for mail in self._family(number)}
                assert "rejected" in statuses, f"{seat.name} says {what} {number}: {statuses}\n{seat.terminal.text}"
            else:
                assert self._released(number), (
                    f"{seat.name} says {what} {number}, and nothing left\n{seat.terminal.text}"
                )

    def _family(self, number: int) -> list[dict[str, Any]]:
        original = self.sandbox.look(self.drafts[number])
        path = f"/v1/mailboxes/{self.sandbox.mailbox}/threads/{original['thread_id']}"
        found = self.sandbox.call("GET", path, key="oversight")
        return [mail for mail in found["emails"] if mail.get("direction", "outbound") == "outbound"]

    def _released(self, number: int) -> list[dict[str, Any]]:
        return [mail for mail in self.sandbox.outbox() if any(f"q{number}@" in to for to in mail["to"])]

    def _settle(self) -> None:
        ends = time.monotonic() + SETTLE_SECONDS
        while waiting := [state for seat in self.seats for state in seat.store.unsettled()]:
            assert time.monotonic() < ends, f"never ends nor asks: {waiting}"
            for seat in self.seats:
                seat.settle()
                seat.wait(0.3)
                self._hear(seat)

    # What must hold

    def _check(self) -> None:
        outbox = [mail for number in self.drafts for mail in self._released(number)]
        ids = [mail["id"] for mail in outbox]
        assert len(ids) == len(set(ids)), "an email left twice"
        for reviewer, key in self.keys.items():
            seats = [seat for seat in self.seats if seat.reviewer == reviewer]
            entries = [entry for store in {seat.store for seat in seats} for entry in store.journal()]
            for number in self.drafts:
                mine = [mail for mail in self._released(number) if self.sandbox.look(mail["id"])["approved_by"] == key]
                assert len(mine) <= 1, f"{reviewer} released two versions of {number}"
                for mail in mine:
                    self._check_release(number, mail, seats, entries)
        self._check_texts(outbox)

    def _check_release(
        self, number: int, mail: dict[str, Any], seats: list[Seat], entries: list[dict[str, Any]]
    ) -> None:
        of = f"{mail['id']} of {number}"
        lines = [e for e in entries if mail["id"] in (e["email_id"], e["details"].get("about"))]
        decided = {e["details"].get("release") for e in lines if e["kind"] == "deciding"}
        assert decided, f"{of} left without a line in the journal"
        taken_back = {
            e["details"].get("release") for e in entries if e["kind"] in ("undone", "fell_back", "withdrawing")
        }
        assert decided - taken_back, f"{of} left although it was taken back"
        notes = {str(e["details"].get("note")) for e in entries if e["details"].get("release") in decided}
        if "not_as_seen" in notes:
            return
        versions = {(int(one), int(version)) for one, version in LINE.findall(mail["body"])}
        words = set(TYPED.findall(mail["body"]))
        assert versions <= set().union(*(seat.ends for seat in seats)), f"the end of {of} was on no screen: {versions}"
        assert versions <= set().union(*(seat.approved for seat in seats)), f"nobody approved {of}: {versions}"
        if self._needs_second:
            for reviewer in self.keys:
                theirs = set().union(*(seat.approved for seat in self.seats if seat.reviewer == reviewer))
                assert versions <= theirs, f"{of} left without the approval of {reviewer}"
        assert words <= set().union(*(seat.read for seat in self.seats)), f"{words} of {of} was on no screen"

    def _check_texts(self, outbox: list[dict[str, Any]]) -> None:
        left = "\n".join(mail["body"] for mail in outbox)
        for seat in self.seats:
            kept = seat.store.texts()
            for word in seat.typed - seat.discarded:
                assert word in left or word in kept, f"what {seat.name} typed is lost: {word}"

    def story(self) -> Iterator[str]:
        """What was pressed in each program, for a round that fails."""
        for seat in self.seats:
            yield f"{seat.name} ({seat.reviewer}): {' '.join(seat.pressed)}"
