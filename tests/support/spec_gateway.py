"""A second gateway for tests, written from the published OpenAPI document alone: it shares nothing with the sandbox.

Where the document is silent it does the opposite of what the sandbox does: no status says that an email left, the audit
log uses other names (or none that mean anything), an opened mail states no direction, tags merge, lists stand under
other keys, cursors are times, small attachments come as base64.

```python
with spec_gateway() as gateway:
    mail = gateway.inbound(subject="Where is it?", body="…")
    draft = gateway.agent_replies(mail, "It is on its way.")
    gateway.left        # what was approved and left, oldest first
```
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SCOPES = {"oversight": ("read", "oversight"), "send": ("read", "send"), "admin": ("read", "admin")}
LOOSE = {"approve": "oversight_approve", "reject": "oversight_reject", "send": "send_email"}
MEANINGLESS = {"approve": "E17", "reject": "E17", "send": "E4"}
"""Names of audit entries that say nothing."""

Json = dict[str, Any]


class Refused(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


@dataclass
class SpecGateway:
    """The state of the gateway, and acts of others on it: the agent, a correspondent, another reviewer."""

    url: str = ""
    names: Mapping[str, str] = field(default_factory=lambda: LOOSE)
    pending_aliases: bool = False
    """Whether the queue names people `from_address` and `to_addresses`, as some clients read them."""
    distort: Callable[[str, str, int, Any], tuple[int, str, bytes] | None] | None = None
    """Makes another answer of method, path, status and JSON: status, content type and body. None: as it is."""
    mails: dict[str, Json] = field(default_factory=dict)
    audit: list[Json] = field(default_factory=list)
    allowed: dict[str, Json] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.keys = {name: f"mm_test_spec_{name}_0000" for name in SCOPES}
        self.mailbox, self.address = "01JSPECBOX0000000000000000", "help@spec.example"
        self._count = 0
        self._began = datetime.now(UTC) - timedelta(hours=1)
        self._repeats: dict[str, str] = {}
        self.contacts: list[Json] = []

    @property
    def left(self) -> list[Json]:
        """What left, oldest first."""
        return [mail for mail in self.mails.values() if mail["direction"] == "outbound" and mail.get("approved_at")]

    def _next(self) -> tuple[str, str]:
        self._count += 1
        moment = self._began + timedelta(seconds=self._count)
        return f"01JSPEC{self._count:019d}", moment.isoformat(timespec="seconds").replace("+00:00", "Z")

    def log(self, what: str, email_id: str, key: str, **metadata: str) -> None:
        entry_id, at = self._next()[0], _now()
        entry = {"id": entry_id, "action": self.names.get(what, what), "resource_type": "email", "created_at": at}
        self.audit.append({**entry, "resource_id": email_id, "actor_key_id": f"key-{key}", "metadata": metadata})

    def _file(self, **fields: Any) -> Json:
        email_id, at = self._next()
        mail = {"id": email_id, "received_at": at, "cc": [], "attachments": [], "tags": {}, **fields}
        mail.setdefault("thread_id", f"thread-{email_id}")
        self.mails[email_id] = mail
        return mail

    def inbound(self, subject: str, body: str, sender: str = "Anna <anna@customer.example>") -> Json:
        with self.lock:
            return self._file(
                direction="inbound",
                status="unread",
                subject=subject,
                markdown=body,
                to=[self.address],
                **{"from": sender},
            )

    def agent_replies(self, mail: Json, body: str, **fields: Any) -> str:
        with self.lock:
            return str(self.reply(mail["id"], {"markdown": body, **fields}, "send")[1]["id"])

    # The calls

    def mailboxes(self, **_: Any) -> Json:
        box = {"id": self.mailbox, "address": self.address, "display_name": "Help", "tenant_id": "01JSPECTENANT"}
        flags = {"oversight_mode": "gated_send", "forward_inbound": 0, "is_active": 1}
        return {"mailboxes": [{**box, **flags, "created_at": 1772366400000}]}

    def summary(self, mail: Json) -> Json:
        names = ("id", "from", "to", "subject", "direction", "received_at", "thread_id", "delivered_at")
        found = {name: mail[name] for name in names if name in mail}
        if "status" in mail:
            found["status"] = mail["status"]
        return {**found, "has_attachments": bool(mail["attachments"])}

    def emails(self, query: Json) -> Json:
        self._scanned()
        found = sorted(self.mails.values(), key=lambda mail: mail["received_at"], reverse=True)
        if "status" in query:
            found = [mail for mail in found if mail.get("status") == query["status"]]
        if "direction" in query:
            found = [mail for mail in found if mail["direction"] == query["direction"]]
        if "since_id" in query:
            found = [mail for mail in found if mail["id"] > query["since_id"]]
        if "date_after" in query:
            found = [mail for mail in found if _epoch(mail) > datetime.fromisoformat(query["date_after"]).timestamp()]
        if "cursor" in query:
            found = [mail for mail in found if _epoch(mail) < int(query["cursor"])]
        limit = int(query.get("limit", 20))
        page = found[:limit]
        cursor = str(int(_epoch(page[-1]))) if len(found) > limit else None
        return {"emails": [self.summary(mail) for mail in page], "cursor": cursor}

    def _scanned(self) -> None:
        for mail in self.mails.values():
            if mail.get("status") == "pending_scan":
                mail["status"] = "unread" if mail["direction"] == "inbound" else "pending_send_approval"

    def find(self, email_id: str) -> Json:
        self._scanned()
        if email_id not in self.mails:
            raise Refused(404, "Email not found")
        return self.mails[email_id]

    def detail(self, email_id: str) -> Json:
        mail = self.find(email_id)
        if mail.get("status") == "unread":
            mail["status"] = "read"
        return {name: value for name, value in mail.items() if name not in ("direction", "files")}

    def thread(self, thread_id: str) -> Json:
        found = [mail for mail in self.mails.values() if mail["thread_id"] == thread_id]
        if not found:
            raise Refused(404, "Thread not found")
        people = list({mail["from"]: None for mail in found})
        reported = {"thread_id": thread_id, "message_count": len(found), "participants": people}
        last = {"last_activity": found[-1]["received_at"], "has_unanswered_inbound": False}
        return {**reported, **last, "emails": [self.summary(mail) for mail in found]}

    def pending(self) -> Any:
        self._scanned()
        items = []
        for mail in self.mails.values():
            if str(mail.get("status", "")).startswith("pending_"):
                names = ("id", "direction", "subject", "status", "received_at")
                item = {name: mail[name] for name in names} | {"mailbox_id": self.mailbox}
                people = {"from_address": mail["from"], "to_addresses": mail["to"]}
                item |= people if self.pending_aliases else {"from": mail["from"], "to": mail["to"]}
                items.append({**item, "body_markdown": mail["markdown"]})
        return {"data": items}

    def decide(self, body: Json, key: str) -> Json:
        mail = self.find(body["email_id"])
        if not str(mail.get("status", "")).startswith("pending_"):
            raise Refused(404, "Not pending")
        self.log(body["action"], mail["id"], key, **({"reason": body["reason"]} if body.get("reason") else {}))
        if body["action"] == "reject":
            mail["status"] = "rejected"
            return {"status": "rejected"}
        mail |= {"approved_at": _now(), "approved_by": f"key-{key}"}
        if mail["direction"] == "inbound":
            mail["status"] = "unread"
        else:
            # The document has no status for mail that left.
            del mail["status"]
        return {"status": "approved"}

    def _submit(self, key: str, body: Json, **fields: Any) -> tuple[int, Json]:
        repeat = body.get("idempotency_key")
        if repeat in self._repeats:
            return 200, {"id": self._repeats[repeat], "status": "already_sent", "idempotent": True}
        files = body.get("attachments") or []
        listed = [
            {
                "name": one["name"],
                "size": len(base64.b64decode(one["content_base64"])),
                "content_type": one["content_type"],
            }
            for one in files
        ]
        status = "pending_scan"
        mail = self._file(
            direction="outbound", status=status, markdown=body["markdown"], attachments=listed, files=files,
            **{"from": self.address, "cc": body.get("cc", []), **fields},
        )  # fmt: skip
        if repeat:
            self._repeats[repeat] = mail["id"]
        self.log("send", mail["id"], key)
        return 202, {"id": mail["id"], "status": status, "thread_id": mail["thread_id"]}

    def send(self, body: Json, key: str) -> tuple[int, Json]:
        return self._submit(key, body, to=body["to"], subject=body["subject"])

    def reply(self, email_id: str, body: Json, key: str) -> tuple[int, Json]:
        answered = self.find(email_id)
        subject = answered["subject"] if answered["subject"].startswith("Re:") else f"Re: {answered['subject']}"
        to = [answered["from"]] if answered["direction"] == "inbound" else answered["to"]
        return self._submit(key, body, to=to, subject=subject, thread_id=answered["thread_id"])

    def put_tags(self, email_id: str, body: Json) -> Json:
        tags = self.find(email_id)["tags"]
        tags.update(body["tags"])
        return {"tags": tags}

    def delete_tag(self, email_id: str, name: str) -> Json:
        self.find(email_id)["tags"].pop(name, None)
        return {"deleted": True}

    def attachment(self, email_id: str, name: str) -> Json:
        for one in self.find(email_id).get("files", []):
            if one["name"] == name:
                return {"name": name, "content_type": one["content_type"], "content_base64": one["content_base64"]}
        raise Refused(404, "Attachment not found")

    def audit_log(self, query: Json) -> Json:
        limit, start = int(query.get("limit", 50)), int(query.get("cursor", 0))
        newest = self.audit[::-1]
        more = str(start + limit) if len(newest) > start + limit else None
        return {"entries": newest[start : start + limit], "cursor": more}

    def cancel(self, email_id: str) -> Json:
        mail = self.find(email_id)
        if not str(mail.get("status", "")).startswith(("pending_", "cancelled")):
            raise Refused(409, "Not cancellable")
        mail["status"] = "cancelled"
        return {"id": email_id, "status": "cancelled"}

    def allow_list(self) -> Json:
        return {"entries": list(self.allowed.values()), "mailbox_id": self.mailbox, "count": len(self.allowed)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _epoch(mail: Json) -> float:
    return datetime.fromisoformat(mail["received_at"]).timestamp()


_BOX = r"/v1/mailboxes/(?P<box>[^/]+)"
_MAIL = rf"{_BOX}/emails/(?P<mail>[^/]+)"
Handle = Callable[[SpecGateway, SimpleNamespace], Any]
ROUTES: tuple[tuple[str, str, str, Handle], ...] = (
    (
        "GET",
        "/v1/account",
        "read",
        lambda g, r: {"id": "01JSPECTENANT", "name": "Spec", "plan": "free", "is_active": True},
    ),
    ("GET", "/v1/mailboxes", "read", lambda g, r: g.mailboxes()),
    ("GET", f"{_BOX}/emails", "read", lambda g, r: g.emails(r.query)),
    ("GET", _MAIL, "read", lambda g, r: g.detail(r.mail)),
    ("GET", rf"{_MAIL}/tags", "read", lambda g, r: {"tags": g.find(r.mail)["tags"]}),
    ("PUT", rf"{_MAIL}/tags", "send", lambda g, r: g.put_tags(r.mail, r.body)),
    ("DELETE", rf"{_MAIL}/tags/(?P<name>[^/]+)", "send", lambda g, r: g.delete_tag(r.mail, r.name)),
    ("GET", rf"{_MAIL}/attachments/(?P<name>[^/]+)", "read", lambda g, r: g.attachment(r.mail, r.name)),
    ("POST", rf"{_MAIL}/cancel", "send", lambda g, r: g.cancel(r.mail)),
    ("GET", rf"{_BOX}/threads/(?P<thread>[^/]+)", "read", lambda g, r: g.thread(r.thread)),
    ("POST", rf"{_BOX}/send", "send", lambda g, r: g.send(r.body, r.key)),
    ("POST", rf"{_BOX}/reply/(?P<mail>[^/]+)", "send", lambda g, r: g.reply(r.mail, r.body, r.key)),
    ("GET", rf"{_BOX}/allowlist", "read", lambda g, r: g.allow_list()),
    ("GET", "/v1/oversight/pending", "oversight", lambda g, r: g.pending()),
    ("POST", "/v1/oversight/decide", "oversight", lambda g, r: g.decide(r.body, r.key)),
    ("GET", "/v1/audit-log", "admin", lambda g, r: g.audit_log(r.query)),
    ("GET", "/v1/api-keys", "admin", lambda g, r: {"api_keys": []}),
    ("GET", "/v1/webhooks", "admin", lambda g, r: {"webhooks": []}),
    ("GET", "/v1/contacts", "read", lambda g, r: {"data": g.contacts}),
    ("GET", "/v1/suppression", "admin", lambda g, r: {"suppressions": []}),
)


def answer(gateway: SpecGateway, method: str, target: str, authorization: str, raw: bytes) -> tuple[int, Any]:
    """The status and JSON of an answer."""
    parts = urlsplit(target)
    gateway.calls.append((method, parts.path))
    if parts.path == "/health":
        return 200, {"status": "ok"}
    key = next((name for name, key in gateway.keys.items() if authorization == f"Bearer {key}"), None)
    if key is None:
        return 401, {"error": "Invalid API key"}
    for wanted, pattern, scope, handle in ROUTES:
        found = re.fullmatch(pattern, parts.path)
        if found is None or wanted != method:
            continue
        if scope not in SCOPES[key]:
            return 403, {"error": f"This key lacks the scope {scope}"}
        names = {name: unquote(value) for name, value in found.groupdict().items()}
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        request = SimpleNamespace(**names, query=query, body=json.loads(raw or b"{}"), key=key)
        try:
            reported = handle(gateway, request)
        except Refused as refused:
            return refused.status, {"error": str(refused)}
        return reported if isinstance(reported, tuple) else (200, reported)
    return 404, {"error": "Not found"}


@contextmanager
def spec_gateway(**how: Any) -> Iterator[SpecGateway]:
    """Runs one on loopback. `how`: fields of `SpecGateway`."""
    gateway = SpecGateway(**how)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with gateway.lock:
                status, reported = answer(gateway, self.command, self.path, self.headers.get("Authorization", ""), raw)
                body, kind = json.dumps(reported).encode(), "application/json"
                if gateway.distort is not None:
                    path = urlsplit(self.path).path
                    status, kind, body = gateway.distort(self.command, path, status, reported) or (status, kind, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
