"""A real sandbox gateway for tests, on a port of its own: in a thread of this process, or as a process.

```python
with running_sandbox(tmp_path) as sandbox:
    sandbox.url, sandbox.keys["oversight"], sandbox.mailbox      # id of the first mailbox (support@)
    mail = sandbox.inbound(subject="Refund", body="Please")      # {"id", "thread_id", "status"}
    draft = sandbox.send(subject="Hi", markdown="…")             # {"id", "status": "pending_scan", …}
    sandbox.fault(method="POST", path="decide$", kind="close", when="after")
    sandbox.outbox()                                             # what was released
```

`running_sandbox_process(tmp_path, "--synthetic", "100")` gives the same, run by `mm-tui sandbox serve` as a child.
The scan delay is 0 unless given: what was submitted is past its scan at the next request.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx

from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import SandboxState, Tuning
from mm_tui.sandbox.run.child import Ready, SandboxChild
from mm_tui.sandbox.run.serve import ready_message

T = TypeVar("T")
QUICK: Mapping[str, Any] = {
    "scan_delay": 0.0,
    "delivery_delay": 0.0,
    "webhook_backoff": 0.02,
    # As the published document has it: what is not disclosed must not be needed.
    "detail_direction": False,
}


class Sandbox:
    """A running sandbox and a small client that drives it. Errors of the sandbox raise `httpx.HTTPStatusError`."""

    def __init__(self, ready: Ready, folder: Path) -> None:
        self.ready = ready
        self.url = ready.url
        self.ai21_url = ready.ai21_url
        self.ai21_key = ready.ai21_key
        self.keys = dict(ready.keys)
        self.folder = folder
        """Where it keeps its data; released mail lies in `outbox` below it."""
        # Plain http on loopback: reading the machine's certificates would cost every test 0.1 s.
        self.http = httpx.Client(base_url=ready.url, timeout=30, trust_env=False, verify=False)
        self.mailboxes: list[dict[str, Any]] = self.call("GET", "/v1/mailboxes", key="admin")["mailboxes"]
        self.mailbox: str = self.mailboxes[0]["id"]
        self.address: str = self.mailboxes[0]["address"]

    def call(self, method: str, path: str, *, key: str | None = None, json: object = None, **params: Any) -> Any:
        """A request with one of the sandbox's keys (`oversight`, `send`, `admin`); returns the parsed answer."""
        headers = {"Authorization": f"Bearer {self.keys[key]}"} if key else {}
        answer = self.http.request(method, path, headers=headers, json=json, params=params)
        answer.raise_for_status()
        return answer.json()

    def make_key(self, name: str, *scopes: str) -> str:
        """Makes an API key with the operator's code and keeps it as `keys[name]`; returns its id."""
        body = {"name": name, "scopes": scopes}
        self.call("POST", "/v1/api-keys", key="admin", json=body)
        code = self.operator_mail()[-1]["code"]
        made = self.call("POST", "/v1/api-keys", key="admin", json={**body, "approval_code": code})
        self.keys[name] = made["api_key"]
        return cast(str, made["id"])

    def send(self, *, mailbox: str | None = None, **fields: Any) -> dict[str, Any]:
        """Submits an email with the send key."""
        body = {"to": ["anna@customer.example"], "subject": "Hello", "markdown": "Hello Anna", **fields}
        return cast(
            dict[str, Any], self.call("POST", f"/v1/mailboxes/{mailbox or self.mailbox}/send", key="send", json=body)
        )

    def reply(self, email_id: str, markdown: str = "Hello back", **fields: Any) -> dict[str, Any]:
        """Submits a reply with the send key."""
        found = self.look(email_id)
        path = f"/v1/mailboxes/{found['mailbox_id']}/reply/{email_id}"
        return cast(dict[str, Any], self.call("POST", path, key="send", json={"markdown": markdown, **fields}))

    def draft(self, markdown: str = "Dear Anna, it is on its way.", **fields: Any) -> str:
        """Delivers an email and submits a reply to it, which then waits for a human; returns the reply's id."""
        mail = self.inbound(subject="Where is my order?", body="It has not come.")
        draft_id = cast(str, self.reply(mail["id"], markdown, **fields)["id"])
        self.wait_for(draft_id, "pending_send_approval")
        return draft_id

    def inbound(self, *, mailbox: str | None = None, **fields: Any) -> dict[str, Any]:
        """Delivers an email into a mailbox; `sender` is its From."""
        if "sender" in fields:
            fields["from"] = fields.pop("sender")
        body = {"mailbox": mailbox or self.mailbox, **fields}
        return cast(dict[str, Any], self.call("POST", "/sandbox/inbound", json=body))

    def pending(self) -> list[dict[str, Any]]:
        """What waits for a human."""
        return cast(list[dict[str, Any]], self.call("GET", "/v1/oversight/pending", key="oversight")["emails"])

    def decide(self, email_id: str, action: str = "approve", reason: str | None = None) -> dict[str, Any]:
        """Decides with the oversight key: another reviewer, so to speak."""
        body = {"email_id": email_id, "action": action, "reason": reason}
        return cast(dict[str, Any], self.call("POST", "/v1/oversight/decide", key="oversight", json=body))

    def look(self, email_id: str) -> dict[str, Any]:
        """All about an email, without marking it read."""
        return cast(dict[str, Any], self.call("GET", f"/sandbox/emails/{email_id}"))

    def change(self, email_id: str, **fields: Any) -> dict[str, Any]:
        """Changes an email behind everyone's back: subject, markdown, to, cc, status."""
        return cast(dict[str, Any], self.call("PATCH", f"/sandbox/emails/{email_id}", json=fields))

    def status(self, email_id: str) -> str:
        """An email's status."""
        return cast(str, self.look(email_id)["status"])

    def wait_for(self, email_id: str, *statuses: str) -> str:
        """Waits up to a minute for an email to reach one of the statuses."""
        reached = wait_until(lambda: (status := self.status(email_id)) in statuses and status)
        return cast(str, reached)

    def outbox(self) -> list[dict[str, Any]]:
        """What was released, oldest first."""
        return cast(list[dict[str, Any]], self.call("GET", "/sandbox/outbox")["messages"])

    def operator_mail(self) -> list[dict[str, Any]]:
        """What the operator was mailed, oldest first."""
        return cast(list[dict[str, Any]], self.call("GET", "/sandbox/operator-mail")["messages"])

    def audit(self) -> list[dict[str, Any]]:
        """The whole audit log, newest first."""
        entries: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            given = {"cursor": cursor} if cursor else {}
            page = self.call("GET", "/v1/audit-log", key="admin", limit=100, **given)
            entries += page["entries"]
            cursor = page["cursor"]
            if cursor is None:
                return entries

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Changes the tuning: scan_delay, requests_per_minute, …"""
        return cast(dict[str, Any], self.call("PATCH", "/sandbox/settings", json=changes))

    def set_mode(self, mode: str, mailbox: str | None = None) -> None:
        """Sets a mailbox's oversight mode, upwards too."""
        self.call("PATCH", f"/sandbox/mailboxes/{mailbox or self.mailbox}", json={"oversight_mode": mode})

    def allow(self, *addresses: str) -> None:
        """Sets the allow-list."""
        self.call("PUT", "/sandbox/allow-list", json={"addresses": addresses})

    def advance(self, seconds: float) -> None:
        """Moves the sandbox's clock forward."""
        self.call("POST", "/sandbox/clock", json={"advance": seconds})

    def fault(self, **rule: Any) -> dict[str, Any]:
        """Installs a fault rule, see `mm_tui.sandbox.gateway.faults`; returns it with its id."""
        return cast(dict[str, Any], self.call("POST", "/sandbox/faults", json=rule)["faults"][0])

    def faults(self) -> list[dict[str, Any]]:
        """The fault rules with `seen` and `hits`."""
        return cast(list[dict[str, Any]], self.call("GET", "/sandbox/faults")["faults"])

    def clear_faults(self) -> None:
        """Clears all fault rules."""
        self.call("DELETE", "/sandbox/faults")

    def calls(self, method: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """The requests the gateway saw, oldest first; those whose path contains `path`."""
        seen = self.call("GET", "/sandbox/calls")["calls"]
        return [call for call in seen if method in (None, call["method"]) and path in call["path"]]

    def forget_calls(self) -> None:
        """Empties the list of calls."""
        self.call("DELETE", "/sandbox/calls")


@contextmanager
def running_sandbox(
    folder: Path, *, fill: Callable[[SandboxState], None] | None = None, **tuning: Any
) -> Iterator[Sandbox]:
    """Starts a sandbox in a thread and stops it at the end.

    Args:
        folder: where it keeps its data (`folder/sandbox`); a folder used before brings its state back.
        fill: called with the state before anything is served.
        tuning: fields of `mm_tui.sandbox.gateway.state.Tuning`; delays are 0 unless given.
    """
    state = SandboxState(folder / "sandbox", Tuning(**{**QUICK, **tuning}))
    if fill is not None:
        fill(state)
    server = Server(state)
    # Read before the server runs: the state is used by one thread at a time.
    ready = Ready.parse(json.dumps(ready_message(state, server.url)))
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            loop.run_until_complete(server.run(started.set, stop))
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=serve, name="sandbox", daemon=True)
    thread.start()
    started.wait(30)
    try:
        if failed:
            raise failed[0]
        sandbox = Sandbox(ready, state.folder)
        try:
            yield sandbox
        finally:
            sandbox.http.close()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
        state.close()
    if failed:
        raise failed[0]


@contextmanager
def running_sandbox_process(folder: Path, *arguments: str) -> Iterator[Sandbox]:
    """Runs `mm-tui sandbox serve` with these arguments as a process, and ends it at the end.

    The data lies in `folder/sandbox`; the scan delay is 0 unless `--scan-delay` is given.
    """
    data = folder / "sandbox"
    with SandboxChild("--data", str(data), "--scan-delay", "0", *arguments) as child:
        sandbox = Sandbox(child.ready, data)
        try:
            yield sandbox
        finally:
            sandbox.http.close()


def file_part(name: str, data: bytes, content_type: str = "application/octet-stream") -> dict[str, str]:
    """An attachment as send, reply and `/sandbox/inbound` take it."""
    return {"name": name, "content_type": content_type, "content_base64": base64.b64encode(data).decode()}


def wait_until(condition: Callable[[], T], *, seconds: float = 60) -> T:
    """Calls `condition` until it answers something true, and returns that."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {answer!r} after {seconds} s")
        time.sleep(0.01)
    return answer
