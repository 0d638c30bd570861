"""A proxy between the program and the sandbox that makes every text of every answer hostile.

It forwards requests to a real sandbox and puts hostile strings into all answers: subjects, names, bodies, file
names, tags and their keys, statuses, audit metadata, errors, quotas' words, and what the model says. Ids, times and
what the program needs to walk from one object to the next stay as they are, and so does what is hostile already. The
same text gets the same strings every time, so that digests hold.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.support.hostile import VECTORS, naughty_strings

STRINGS: tuple[str, ...] = (*(vector.text for vector in VECTORS), *naughty_strings())
KEPT = frozenset(
    {
        "id",
        "email_id",
        "mailbox_id",
        "thread_id",
        "tenant_id",
        "cursor",
        "direction",
        "oversight_mode",
        "received_at",
        "created_at",
        "approved_at",
        "delivered_at",
        "bounced_at",
        "expires_at",
        "send_at",
        "timestamp",
        "type",
        "object",
        "model",
        "role",
        "finish_reason",
        "content_base64",
        "resource_id",
        "signing_secret",
        "plan",
        "expires_in",
        "action",
        "address",
    }
)
"""Fields needed for navigation."""
BODIES = frozenset({"markdown", "body_markdown", "body", "text_body", "signature_block"})
MARKDOWN = (
    "**HERE** and *HERE* and ~~HERE~~", "# HERE", "> HERE\n> - HERE", "1. HERE", "`HERE`", "```HERE\nHERE\n```", "",
    "[HERE](https://evil.test/HERE 'HERE')", "[](https://evil.test/HERE)", "![HERE](https://evil.test/HERE)",
    "<https://evil.test/HERE>", "[HERE]: https://evil.test/HERE 'HERE'", "",
    "| HERE | b |\n|---|---|\n| HERE | HERE |", "",
    "<!-- HERE -->", "<div style='display:none'>HERE</div>", "\\HERE",
    # What the parser would make of these comes after the text was cleaned.
    "&#27;]52;c;cHduZWQ=&#7; &#x1b;[2J &#155;2J &#x9b;31m &#13;&#8;&#0;&#127; &#x202e;evil",
    "&#8203;&#xfeff;&#x2028;&NewLine;&Tab;",
    "[&#27;]52;c;cHduZWQ=&#7;](https://evil.test/&#27;[2J '&#27;[2J&#x202e;')",
    "![&#27;[2J](&#27;[2J)", "```&#27;[2J\nx\n```",
    "[x]: https://evil.test/&#27;[2J '&#27;]52;c;cHduZWQ=&#7;'", "[x]", "`&#27;[2J`", "| &#27;[2J \\| |\n|---|",
)  # fmt: skip
"""Places in a rendered body; a hostile string replaces HERE."""
ADDRESSES = frozenset({"from", "to", "cc", "sender", "participants"})


class _Deal:
    """Assigns the strings in turn, and the same ones for the same text."""

    def __init__(self) -> None:
        self._begin: dict[str, int] = {}
        self._next = 0
        self._lock = threading.Lock()

    def picked(self, seed: str, count: int) -> list[str]:
        """The `count` strings for one text."""
        with self._lock:
            if seed not in self._begin:
                self._begin[seed] = self._next
                self._next = (self._next + count) % len(STRINGS)
            at = self._begin[seed]
        return [STRINGS[(at + step) % len(STRINGS)] for step in range(count)]


_deal = _Deal()
_picked = _deal.picked


def hostile(value: Any, name: str = "", used: set[str] | None = None) -> Any:
    """`value` with hostile strings in every text of it.

    Args:
        value: parsed JSON.
        name: the field that it stands in.
        used: where to note which strings were put in.
    """

    def note(strings: Sequence[str]) -> str:
        if used is not None:
            used.update(strings)
        return " ".join(strings)

    if isinstance(value, dict):
        changed = {}
        for key, part in value.items():
            shown = f"{key} {note(_picked(key, 1))}" if name in ("tags", "metadata") else key
            changed[shown] = hostile(part, "" if name in ("tags", "metadata") else key, used)
        return changed
    if isinstance(value, list):
        return [hostile(part, name, used) for part in value]
    if not isinstance(value, str) or name in KEPT or "\x1b" in value:
        return value
    if name == "status":
        # One in eight gets a status that nobody knows.
        return f"{value} {note(_picked(value, 1))}" if value in ("read", "delivered") else value
    if name in ADDRESSES:
        return f'"{note(_picked(value, 2))}" <{value.rpartition("<")[2].rstrip(">")}>'
    if name in BODIES:
        written = note(_picked(value, 50))
        strings = _picked(value, 50)
        marked = "\n".join(form.replace("HERE", strings[at % 50]) for at, form in enumerate(MARKDOWN))
        return f"{value}\n{written}\n\n{marked}\n\n{value}"
    if name == "content":
        return _spoken(value, note)
    return f"{note(_picked(name + value, 3))} {value}"


def _spoken(text: str, note: Any) -> str:
    """What a model says: JSON stays JSON, with hostile strings inside."""
    try:
        said = json.loads(text)
    except ValueError:
        return f"{text} {note(_picked(text, 1))}" if text.strip() else text
    if isinstance(said, dict):
        return json.dumps({key: _in_answer(part, note) for key, part in said.items()})
    return text


def _in_answer(part: Any, note: Any) -> Any:
    if isinstance(part, str):
        return f"{part} {note(_picked(part, 3))}"
    return [_in_answer(each, note) for each in part] if isinstance(part, list) else part


class HostileGateway:
    """Its address, and the strings that it has sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.used: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.failing: set[str] = set()
        """Path prefixes answered with a hostile error."""


@contextmanager
def hostile_gateway(target: str) -> Iterator[HostileGateway]:
    """Runs one in front of the sandbox at `target`."""
    parts = urlsplit(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        gateway: ClassVar[HostileGateway]

        def _pass_on(self) -> None:
            gateway = self.gateway
            gateway.requests.append((self.command, self.path))
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length) if length else None
            if any(self.path.startswith(path) for path in gateway.failing):
                error = {"error": "no such thing", "hint": "try later", "warmup_stage": "cold"}
                self._answer(403, "application/json", json.dumps(hostile(error, used=gateway.used)).encode())
                return
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in ("host", "connection", "accept-encoding", "content-length")
            }
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
            try:
                connection.request(self.command, self.path, sent, headers)
                answer = connection.getresponse()
                data = answer.read()
            finally:
                connection.close()
            kind = answer.headers.get("Content-Type", "")
            if "json" in kind and data:
                data = json.dumps(hostile(json.loads(data), used=gateway.used)).encode()
            elif "event-stream" in kind:
                data = b"\n".join(map(self._event, data.split(b"\n")))
            self._answer(answer.status, kind, data)

        def _event(self, line: bytes) -> bytes:
            if not line.startswith(b"data: {"):
                return line
            return b"data: " + json.dumps(hostile(json.loads(line[6:]), used=self.gateway.used)).encode()

        def _answer(self, status: int, kind: str, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            # The program may have ended meanwhile.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gateway = HostileGateway(f"http://127.0.0.1:{server.server_port}")
    Handler.gateway = gateway
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
