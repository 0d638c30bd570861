"""Random reviews over a bad network, with a colleague at the gateway: what left was ordered, and what is said is so.

Between the real client and the real sandbox stands `tests/support/fault_proxy.py`. `MM_TUI_PROXY_SECONDS` plays for
longer, `MM_TUI_PROXY_SEED` repeats a round.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from mm_tui.decision.state import Act, Choice, Outcome, Question
from mm_tui.gateway.errors import GatewayError
from mm_tui.services.decisions.service import Refused
from mm_tui.services.decisions.view import DecisionView, Phase
from tests.support.desk import Desk, at_desk, digest, edit_of
from tests.support.fault_proxy import Running, fault_proxy
from tests.support.rounds import Rounds
from tests.support.sandbox import Sandbox, running_sandbox

ROUNDS = Rounds("MM_TUI_PROXY", seconds=8)
DRAFTS = 3
OUT = ("sent", "delivered")


class Counting(httpx.AsyncHTTPTransport):
    """The real network, counting the calls that change something, tags apart."""

    def __init__(self) -> None:
        super().__init__()
        self.acts: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET" and not request.url.path.endswith("/tags"):
            self.acts.append(f"{request.method} {request.url.path}")
        return await super().handle_async_request(request)


@dataclass
class Ordered:
    """What the humans at one desk wanted of one draft."""

    bodies: set[str] = field(default_factory=set)
    """Each text that was on the screen when its release was ordered."""
    edited: bool = False
    left: bool = False
    """A question was answered with leaving all as it is: a call in doubt may still arrive."""


class Reviewer:
    """A human at a desk, who decides at random, and reads what the program says."""

    def __init__(self, name: str, key_id: str, chance: random.Random, mailbox: str) -> None:
        self.name, self.key_id, self.chance, self.mailbox = name, key_id, chance, mailbox
        self.ordered: dict[str, Ordered] = defaultdict(Ordered)
        self.said: dict[str, list[DecisionView]] = defaultdict(list)

    async def works(self, desk: Desk, items: list[str]) -> None:
        """Decides about some mail, and answers some questions."""
        for item in self.chance.choices(items, k=self.chance.randint(2, 5)):
            with suppress(Refused, GatewayError):
                await self.decides(desk, item)
            await asyncio.sleep(self.chance.uniform(0, 0.3))
            if self.chance.random() < 0.5:
                await self.answers(desk)

    async def decides(self, desk: Desk, item: str) -> None:
        if (view := desk.decisions.overview.state(item)) is not None and not view.ended:
            return
        mail = await desk.read(self.mailbox, item)
        if str(mail.status) != "pending_send_approval":
            return
        hold, way = self.chance.choice((0, 0, 5)), self.chance.random()
        if way < 0.35:
            self.ordered[item].bodies.add(mail.raw.body)
            await desk.approve(mail, hold=hold)
        elif way < 0.5:
            await desk.reject(mail, hold=hold)
        else:
            body = f"{self.name} wrote {self.chance.randrange(10**9)}"
            edit = edit_of(mail, body)
            self.ordered[item].bodies.add(body)
            await desk.decisions.release_edit(mail, digest(mail), edit, hold=hold)
            self.ordered[item].edited = True
        if self.chance.random() < 0.2:
            await asyncio.sleep(self.chance.uniform(0, 0.1))
            before = desk.decisions.overview.state(item)
            assert before is not None
            if await desk.decisions.undo(item):
                after = desk.decisions.overview.state(item)
                assert after is not None
                assert after.outcome in (Outcome.UNDONE, Outcome.TAKEN_BACK), f"undone, and it says {after.words}"

    async def answers(self, desk: Desk) -> bool:
        """Answers what is asked, as somebody who wants one version of each mail to leave. False: nothing is asked."""
        asked = [view for view in desk.decisions.overview.states() if view.question is not None]
        for view in asked:
            assert view.question is not None
            question, choices = view.question.question, [choice for choice, _ in view.question.choices]
            released = question is Question.RELATIVE_RELEASED or str(view.status) in OUT
            unwanted = {Choice.UNRELATED} | ({Choice.GO_ON, Choice.AGAIN} if released else set())
            choice = self.chance.choice([choice for choice in choices if choice not in unwanted])
            if choice is Choice.ACCEPT and view.changed is not None and view.changed.now is not None:
                self.ordered[view.email_id].bodies.add(str(view.changed.now.body))
            self.ordered[view.email_id].left |= choice is Choice.LEAVE
            await desk.decisions.answer(view.email_id, choice, to=question, digest=view.question.digest)
        return bool(asked)

    async def settles(self, desk: Desk) -> None:
        """Goes on until nothing is under way any more."""
        async with asyncio.timeout(60):
            while any(not view.ended for view in desk.decisions.overview.states()):
                desk.decisions.hurry()
                if not await self.answers(desk):
                    await asyncio.sleep(0.02)

    def hears(self, desk: Desk) -> None:
        """Notes what the program says in the end."""
        for view in desk.decisions.overview.states():
            self.said[view.email_id].append(view)


class Round:
    """One sandbox with some drafts, a proxy, one or two reviewers and a colleague."""

    def __init__(self, sandbox: Sandbox, proxy: Running, folder: Path, seed: int) -> None:
        self.sandbox, self.proxy, self.folder = sandbox, proxy, folder
        self.chance = random.Random(seed)
        self.seed = seed
        self.items: list[str] = []
        self.reviewers: list[Reviewer] = []
        self.keys: dict[str, dict[str, str]] = {}

    def prepare(self) -> None:
        self.sandbox.settings(scan_delay=self.chance.choice((0.0, 0.0, 0.2)), duplicate_window=0)
        self.items = [self.sandbox.draft(f"Draft {self.seed}-{number}") for number in range(DRAFTS)]
        for name in ("kim", "robin")[: self.chance.randint(1, 2)]:
            key_id = self.sandbox.make_key(name, "read", "oversight")
            self.keys[name] = {**self.sandbox.keys, "oversight": self.sandbox.keys[name]}
            self.reviewers.append(Reviewer(name, key_id, random.Random(self.chance.random()), self.sandbox.mailbox))

    async def colleague(self) -> None:
        """Somebody else at the gateway, over a good network."""
        for _ in range(self.chance.randint(0, 3)):
            await asyncio.sleep(self.chance.uniform(0, 0.8))
            item, way = self.chance.choice(self.items), self.chance.choice(("approve", "reject", "cancel", "change"))
            with suppress(httpx.HTTPStatusError):
                if way == "change":
                    if await asyncio.to_thread(self.sandbox.status, item) == "pending_send_approval":
                        await asyncio.to_thread(self.sandbox.change, item, markdown=f"Changed {self.chance.random()}")
                elif way == "cancel":
                    path = f"/v1/mailboxes/{self.sandbox.mailbox}/emails/{item}/cancel"
                    await asyncio.to_thread(self.sandbox.call, "POST", path, key="send")
                else:
                    await asyncio.to_thread(self.sandbox.decide, item, way)

    async def reviews(self, reviewer: Reviewer) -> None:
        """One human's work: perhaps the program is quit or crashes in the middle and is started again."""
        folder = self.folder / reviewer.name
        folder.mkdir(exist_ok=True)
        if reviewer.chance.random() < 0.4:
            line = Counting()
            orderly = reviewer.chance.random() < 0.6
            async with at_desk(
                folder, self.proxy.url, self.keys[reviewer.name], reviewer=reviewer.name, timeout=0.4,
                transport=line, orderly=orderly,
            ) as desk:  # fmt: skip
                with suppress(TimeoutError):
                    async with asyncio.timeout(reviewer.chance.uniform(0.1, 2)):
                        await reviewer.works(desk, self.items)
                begun = len(line.acts)
                if orderly:
                    desk.decisions.begin_closing()
                    await desk.decisions.aclose()
                reviewer.hears(desk)
            assert line.acts[begun:] == [], "called after the quit"
        async with at_desk(
            folder, self.proxy.url, self.keys[reviewer.name], reviewer=reviewer.name, timeout=0.4
        ) as desk:
            await desk.decisions.resume()
            await reviewer.works(desk, self.items)
            self.working.release()
            await self.calmed.wait()
            await reviewer.settles(desk)
            reviewer.hears(desk)
            await asyncio.to_thread(self.check_texts, reviewer, desk)
            desk.journal()

    async def play(self) -> None:
        self.proxy.be(seed=self.seed, share=self.chance.choice((0.1, 0.3, 0.5)))
        self.working, self.calmed = asyncio.Semaphore(0), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.colleague())
            for reviewer in self.reviewers:
                group.create_task(self.reviews(reviewer))
            for _ in self.reviewers:
                await self.working.acquire()
            await asyncio.to_thread(self.proxy.calm)
            self.calmed.set()
        await asyncio.to_thread(self.check)

    def ends(self) -> list[str]:
        """How each decision ended."""
        return [str(view.outcome) for one in self.reviewers for views in one.said.values() for view in views]

    # What must hold

    def check_texts(self, reviewer: Reviewer, desk: Desk) -> None:
        released = {mail["body"] for mail in self.sandbox.outbox()}
        for item, ordered in reviewer.ordered.items():
            if ordered.edited and not released & ordered.bodies:
                assert desk.edits.get(item) is not None, f"the text of {item} is lost"

    def check(self) -> None:
        outbox = self.sandbox.outbox()
        ids = [mail["id"] for mail in outbox]
        assert len(ids) == len(set(ids)), "a mail left twice"
        everyone = {mail["id"]: self.sandbox.look(mail["id"]) for mail in outbox}
        threads = {self.sandbox.look(item)["thread_id"]: item for item in self.items}
        families: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for mail in outbox:
            found = everyone[mail["id"]]
            if found["thread_id"] in threads:
                families[threads[found["thread_id"]]].append({**mail, "by": found.get("approved_by")})
        for item in self.items:
            self.check_family(item, families[item])
            for reviewer in self.reviewers:
                self.check_words(item, reviewer, families[item])

    def check_family(self, item: str, released: list[dict[str, Any]]) -> None:
        reported = [view for reviewer in self.reviewers for view in reviewer.said[item]]
        for reviewer in self.reviewers:
            mine = [mail for mail in released if mail["by"] == reviewer.key_id]
            assert len(mine) <= 1, f"{reviewer.name} released two versions of {item}"
            for mail in mine:
                if mail["body"] not in reviewer.ordered[item].bodies:
                    views = [view for view in reviewer.said[item] if view.outcome is Outcome.NOT_AS_SEEN]
                    assert views or reviewer.ordered[item].left, f"{mail['body']!r} left unseen and nobody says so"
        if len(released) > 1:
            assert any(view.phase is Phase.INCIDENT or view.outcome is Outcome.SIBLING_RELEASED for view in reported), (
                f"{[mail['by'] for mail in released]} released versions of {item}: {[v.words for v in reported]}"
            )

    def check_words(self, item: str, reviewer: Reviewer, released: list[dict[str, Any]]) -> None:
        """What the program said last is so, or it says that it does not know."""
        if not reviewer.said[item]:
            assert all(mail["by"] != reviewer.key_id for mail in released)
            return
        view = reviewer.said[item][-1]
        left = {mail["id"]: mail["by"] for mail in released}
        version = view.replacement_id if view.act is Act.RELEASE_EDIT else item
        doubtful = "in doubt" in view.words or any(
            "in doubt" in earlier.words or not earlier.ended for earlier in reviewer.said[item][:-1]
        )
        status = self.sandbox.status(item)
        if view.phase is Phase.DONE and view.act is Act.REJECT:
            assert status == "rejected", f"reported {view.words}: {status}"
        elif view.phase is Phase.DONE:
            assert version in left, f"reported {view.words}: {status}"
            if view.outcome is Outcome.APPROVED:
                assert left[version] == reviewer.key_id, f"reported {view.words}, but {left[version]} released it"
        elif view.phase is Phase.UNDECIDED:
            mine = [one for one, by in left.items() if by == reviewer.key_id]
            others_say = any(earlier.phase is Phase.DONE for earlier in reviewer.said[item][:-1])
            assert not mine or doubtful or others_say, f"reported {view.words}, but {mine} left"
        elif view.outcome is Outcome.ELSEWHERE:
            assert status != "pending_send_approval", f"reported {view.words}"
            assert doubtful or left.get(item) != reviewer.key_id or str(view.decided_by), f"reported {view.words}"


@pytest.mark.timeout(ROUNDS.seconds + 180)
async def test_what_was_sent_was_ordered_once_and_what_is_shown_is_true(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_sandbox(tmp_path) as sandbox, fault_proxy(sandbox.url) as proxy:
        played, ends = 0, Counter[str]()
        for seed in ROUNDS.seeds():
            folder = tmp_path / f"round-{played}"
            folder.mkdir()
            played += 1
            scene = Round(sandbox, proxy, folder, seed)
            try:
                await asyncio.to_thread(scene.prepare)
                await scene.play()
                ends.update(scene.ends())
            except BaseException:
                with capsys.disabled():
                    print(f"\n{ROUNDS.again(seed)}; round {played}")
                    for reviewer in scene.reviewers:
                        for item, views in reviewer.said.items():
                            print(reviewer.name, item, [(str(v.act), str(v.outcome), str(v.words)) for v in views])
                    for call, kind in proxy.calm():
                        print("   ", kind or "-", call)
                raise
        with capsys.disabled():
            print(f"\n  bad network: {played} rounds, {len(sandbox.outbox())} mails left; {dict(ends.most_common())}")
        assert ROUNDS.seed or len(ends) > 3, "too little happens"
