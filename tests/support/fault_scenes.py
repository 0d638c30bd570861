"""The fault matrix: what a human wants, the calls that it takes, the possible faults of each, and the required end."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from mm_tui.decision.state import Choice
from mm_tui.models import EmailDetail
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.text import OneLine
from tests.support.desk import Desk
from tests.support.sandbox import Sandbox, file_part

WRITTEN = "Dear Anna, we look into it."
FILE = bytes(range(256)) * 8
PREFERRED = (Choice.AGAIN, Choice.GO_ON, Choice.LOOK, Choice.LEAVE)
"""The answers of the human in these tests: continue wherever possible."""


@dataclass(frozen=True)
class Call:
    """One call of a scene, and its number."""

    method: str
    path: str
    nth: int = 1

    @property
    def acts(self) -> bool:
        """Whether it changes something at the gateway."""
        return self.method != "GET"


QUEUE = "^/v1/oversight/pending$"
DECIDE = "^/v1/oversight/decide$"
ITEM = "/emails/{item}$"
EDIT = "/emails/(?!{item})[^/]+$"

DECIDING = {
    "queue": Call("GET", QUEUE),
    "read": Call("GET", ITEM),
    "decide": Call("POST", DECIDE),
    "record": Call("GET", ITEM, 2),
}
EDITING = {
    "queue": Call("GET", QUEUE),
    "read": Call("GET", ITEM),
    "attachment": Call("GET", "/attachments/"),
    "thread": Call("GET", "/threads/"),
    "submit": Call("POST", "/reply/"),
    "wait": Call("GET", EDIT),
    "queue before retiring": Call("GET", QUEUE, 2),
    "read before retiring": Call("GET", ITEM, 2),
    "retire": Call("POST", DECIDE),
    "read the original before release": Call("GET", ITEM, 3),
    "queue before release": Call("GET", QUEUE, 3),
    "read the edit before release": Call("GET", EDIT, 2),
    "release": Call("POST", DECIDE, 2),
    "record": Call("GET", EDIT, 3),
}


@dataclass(frozen=True)
class Scene:
    """One thing that a human wants to do."""

    name: str
    calls: Mapping[str, Call]
    act: Callable[[Desk, EmailDetail], Awaitable[DecisionView]]
    released: str
    """What must have been sent in the end: item, edit, or nothing."""
    item_status: tuple[str, ...]
    scheduled: bool = False
    other_approves: bool = False
    """Another reviewer approves the original as soon as the edit is submitted."""


def _approve(desk: Desk, mail: EmailDetail) -> Awaitable[DecisionView]:
    return desk.approve(mail)


def _reject(desk: Desk, mail: EmailDetail) -> Awaitable[DecisionView]:
    return desk.reject(mail)


def _edit(desk: Desk, mail: EmailDetail) -> Awaitable[DecisionView]:
    return desk.release_edit(mail, WRITTEN)


OUT = ("sent", "delivered")
SCENES = {
    scene.name: scene
    for scene in (
        Scene("approve", DECIDING, _approve, "item", OUT),
        Scene("reject", {"decide": Call("POST", DECIDE)}, _reject, "nothing", ("rejected",)),
        Scene("edit", EDITING, _edit, "edit", ("rejected",)),
        Scene(
            "edit, approved elsewhere",
            {"cancel": Call("POST", "/cancel$"), "read": Call("GET", ITEM, 2)},
            _edit,
            "item",
            OUT,
            other_approves=True,
        ),
        Scene(
            "edit of a scheduled mail",
            {"change": Call("PATCH", "/schedule$"), "read": Call("GET", ITEM), "record": Call("GET", ITEM, 2)},
            _edit,
            "nothing",
            ("pending_scan", "scheduled", "pending_send_approval"),
            scheduled=True,
        ),
    )
}


@dataclass(frozen=True)
class Fault:
    """A fault of one call."""

    name: str
    rule: Mapping[str, object] = field(default_factory=dict)
    """A fault rule of the sandbox; None means that the machine refuses the connection."""
    times: int = 1


def _faults() -> dict[str, Fault]:
    found = [Fault("refused")]
    for when in ("before", "after"):
        found += [
            Fault(f"{kind} {when}", {"kind": kind, "when": when}) for kind in ("close", "reset", "hang", "malformed")
        ]
        found += [
            Fault(f"{status} {when}", {"kind": "status", "status": status, "when": when}) for status in (500, 502, 503)
        ]
    found += [Fault(str(status), {"kind": "status", "status": status}) for status in (401, 403, 404, 409)]
    found += [Fault(kind, {"kind": kind}) for kind in ("rate_limit", "quota", "warmup", "truncated", "reset_mid_body")]
    found.append(Fault("empty answer", {"kind": "malformed", "body": "", "when": "after"}))
    found.append(Fault("another shape", {"kind": "malformed", "body": '{"status": "maybe"}', "when": "after"}))
    found.append(Fault("slow drip", {"kind": "drip", "seconds": 4}))
    return {fault.name: fault for fault in found}


FAULTS = _faults()
LASTING = ("refused", "close before", "hang before", "500 before", "truncated")
"""Faults for reads: those that last longer than the retries of one read."""


def cases() -> list[tuple[str, str, str]]:
    """(scene, call, fault): every fault for each call that changes something, and lasting ones for each read."""
    return [
        (scene.name, name, fault)
        for scene in SCENES.values()
        for name, call in scene.calls.items()
        for fault in (FAULTS if call.acts else LASTING)
    ]


class Divert(httpx.AsyncHTTPTransport):
    """Sends chosen requests to a closed port, so that the machine itself refuses the connection."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: tuple[str, re.Pattern[str], range] | None = None
        self._seen = 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._closed_port: int = probe.getsockname()[1]

    def refuse(self, method: str, path: str, nth: int, times: int) -> None:
        """Refuses the nth matching request and those after it."""
        self._wanted = (method, re.compile(path), range(nth, nth + times))
        self._seen = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._wanted is not None and request.method == self._wanted[0] and self._wanted[1].search(request.url.path):
            self._seen += 1
            if self._seen in self._wanted[2]:
                request.url = request.url.copy_with(port=self._closed_port)
        return await super().handle_async_request(request)


def set_scene(sandbox: Sandbox, scene: Scene) -> str:
    """Makes the email that the scene is about; returns its id."""
    sandbox.clear_faults()
    sandbox.forget_calls()
    if scene.scheduled:
        mail = sandbox.send(markdown="Later", send_at="2099-01-01T00:00:00Z", gate_timing="schedule_first")
        sandbox.wait_for(mail["id"], "scheduled")
        return str(mail["id"])
    return sandbox.draft("Dear Anna, you get $240.", attachments=[file_part("terms.pdf", FILE)])


def let_go_wrong(sandbox: Sandbox, divert: Divert, scene: Scene, call_name: str, fault_name: str, item: str) -> None:
    """Installs the fault at the call."""
    call, fault = scene.calls[call_name], FAULTS[fault_name]
    path = call.path.format(item=item)
    # A read is tried three times before the network counts as lost.
    times = 1 if call.acts else 3
    if fault.rule:
        sandbox.fault(method=call.method, path=path, nth=call.nth, count=times, **fault.rule)
    else:
        divert.refuse(call.method, path, call.nth, times)


async def play(
    desk: Desk, scene: Scene, mailbox: str, item: str, look: Callable[[DecisionView], Awaitable[None]] | None = None
) -> None:
    """Starts or continues until the result is as the human wanted. `look` is called at every stop."""
    for _ in range(12):
        if desk.decisions.overview.state(item) is None and not await begin_again(desk, scene, mailbox, item):
            return
        view = await desk.settled(item)
        if look is not None:
            await look(view)
        if view.phase is Phase.DONE or (scene.other_approves and view.phase is Phase.ELSEWHERE):
            return
        if view.question is not None:
            choice = next(choice for choice in PREFERRED if choice in dict(view.question.choices))
            await desk.decisions.answer(item, choice)
        elif not await begin_again(desk, scene, mailbox, item):
            return
    raise AssertionError(f"no end of questions: {desk.decisions.overview.state(item)}")


async def begin_again(desk: Desk, scene: Scene, mailbox: str, item: str) -> bool:
    """Reads the email again and decides again, unless it no longer waits."""
    mail = await reopened(desk, mailbox, item)
    if str(mail.status) not in ("pending_send_approval", "scheduled"):
        return False
    await scene.act(desk, mail)
    return True


async def reopened(desk: Desk, mailbox: str, item: str) -> EmailDetail:
    """The email read again by a patient human."""
    for _ in range(10):
        try:
            return await desk.read(mailbox, item)
        except Exception:  # noqa: BLE001 - any fault of the matrix may still be on
            await asyncio.sleep(0.01)
    raise AssertionError("the mail cannot be read")


async def agree(desk: Desk, sandbox: Sandbox, scene: Scene, view: DecisionView) -> None:
    """Checks that what the human sees does not contradict the gateway."""
    left = await asyncio.to_thread(released, sandbox, view.email_id, view.replacement_id)
    assert len(left) <= 1, f"released: {left}, reported: {view.words}"
    if view.phase is Phase.DONE:
        expected = {"item": [view.email_id], "edit": [view.replacement_id], "nothing": []}[scene.released]
        assert left == expected, f"released: {left}, reported: {view.words}"
    if view.phase is Phase.UNDECIDED:
        assert view.email_id not in left, f"released, reported: {view.words}"
    if scene.released == "edit" and view.replacement_id not in left:
        assert desk.edits.get(view.email_id) is not None, "the edited text is lost"


def released(sandbox: Sandbox, *family: str | None) -> list[str]:
    """Those of the family that left, as the gateway's outbox has them; an email that left twice stands there twice."""
    return [mail["id"] for mail in sandbox.outbox() if mail["id"] in family]


def family(desk: Desk, item: str) -> list[str]:
    """The email and all edits of it that the journal knows."""
    edits = [str(entry.details[OneLine("about")]) for entry in desk.journal() if entry.kind == "submitted"]
    return [item, *edits]


def finished(desk: Desk, sandbox: Sandbox, scene: Scene, item: str) -> None:
    """Checks the end state according to the gateway."""
    left = released(sandbox, *family(desk, item))
    assert sandbox.status(item) in scene.item_status
    if scene.released == "nothing":
        assert left == []
    else:
        assert len(left) == 1
        assert (left[0] == item) == (scene.released == "item")
    if scene.released == "edit":
        mail = sandbox.look(left[0])
        assert mail["markdown"] == WRITTEN
        assert mail["thread_id"] == sandbox.look(item)["thread_id"]
        assert [part["size"] for part in sandbox.outbox()[-1]["attachments"]] == [len(FILE)]
        assert desk.edits.get(item) is None
    decisions = len(sandbox.calls("POST", "/oversight/decide")) - (1 if scene.other_approves else 0)
    kinds = desk.kinds()
    journaled = kinds.count("deciding") + kinds.count("retiring")
    assert decisions <= journaled, "a decision left that is not in the journal"
    wanted = kinds.count("held") * (2 if scene.released == "edit" else 1) + kinds.count("answered")
    assert journaled <= wanted, f"a decision was repeated unasked: {kinds}"
