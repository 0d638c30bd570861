"""The sandbox's state: its database, clock, ids and tuning, and the basic operations.

One process serves it, and each request is handled in one turn of the event loop within one transaction, so concurrent
requests never see each other's partial work.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mm_tui.sandbox.gateway import ids
from mm_tui.sandbox.gateway.database import open_database
from mm_tui.sandbox.gateway.statuses import Scope

DOMAIN = "acme.multimail.example"
DEFAULT_MAILBOXES = (("support", "Acme Support"), ("billing", "Acme Billing"), ("partnerships", "Acme Partnerships"))
BOOTSTRAP_KEYS: Mapping[str, tuple[Scope, ...]] = {
    "oversight": (Scope.READ, Scope.OVERSIGHT),
    "send": (Scope.READ, Scope.SEND),
    "admin": (Scope.READ, Scope.ADMIN),
}
TUTORIAL_KEY = "tutorial"
"""The key for all calls of the tutorial. It can send and administer, but not approve."""
TUTORIAL_SCOPES = (Scope.READ, Scope.SEND, Scope.ADMIN)
WebhookShape = Literal["all", "event", "type", "flat"]
Cursors = Literal["time", "id"]
AttachmentShape = Literal["bytes", "base64"]


class Tuning(BaseModel):
    """Settings that tests and demos can change at run time, by `PATCH /sandbox/settings`. Times are in seconds."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    scan_delay: float = Field(default=1.0, ge=0, le=86400)
    """How long a submitted email stays `pending_scan`. 0: until the next request."""
    inbound_scan_delay: float = Field(default=0.0, ge=0, le=86400)
    """How long inbound mail stays `pending_scan`."""
    delivery_delay: float = Field(default=1.0, ge=0, le=86400)
    """How long a released email stays `sent` before it becomes `delivered`."""
    duplicate_window: float = Field(default=60, ge=0, le=86400)
    """The same reply to the same email within this time is refused with 409."""
    idempotency_window: float = Field(default=86400, ge=0, le=10 * 86400)
    """How long an idempotency key is remembered."""
    webhook_backoff: float = Field(default=1.0, ge=0, le=3600)
    """Wait before the first retry of a webhook; doubles each time."""
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    """How many requests a key may make per minute before it gets 429 with Retry-After. None: no limit."""
    daily_send_limit: int | None = Field(default=None, ge=0, le=1_000_000)
    """How many emails a day before `send` answers the 429 of a warm-up stage. None: no limit."""
    monthly_email_quota: int = Field(default=100_000, ge=0, le=1_000_000_000)
    """How many emails a month before `send` answers the 429 for the quota."""
    max_mailboxes: int = Field(default=100, ge=0, le=100_000)
    mailbox_approval: bool = True
    """Creating a mailbox needs a code that is emailed to the operator."""
    webhook_approval: bool = False
    """The same for webhooks."""
    key_approval: bool = True
    """Creating or revoking an API key needs a code as well."""
    webhook_shape: WebhookShape = "all"
    """The format of webhook events: `event` as documented by the vendor (neither thread nor mailbox, the signature with
    `sha256=`), `type` and `flat` as expected by others; `all` gives each event the fields of the first two."""
    cursors: Cursors = "time"
    """How lists continue: `time` from the time of the last email, so that further emails with the same time are missed;
    `id` misses none."""
    small_attachments: AttachmentShape = "bytes"
    """The format of attachments up to 50 KB: `bytes`, or `base64` in JSON. Larger ones are available only by link."""
    detail_direction: bool = True
    """An opened email has its direction, as other clients expect. The published document does not have it there."""
    signature_in_draft: bool = False
    """The mailbox's signature is added when an email is submitted, not when it is released."""
    healthy: bool = True
    """False: /health answers 503 with status "degraded"."""


class ApiError(Exception):
    """An error answer of the gateway: a status and `{"error": …}`."""

    def __init__(
        self, status: int, error: str, *, headers: Mapping[str, str] | None = None, **more: str | int | float
    ) -> None:
        super().__init__(error)
        self.status = status
        self.body: dict[str, str | int | float] = {"error": error, **more}
        self.headers = dict(headers or {})


RATE_LIMITED = "Rate limit exceeded"
QUOTA_USED_UP = "Monthly email quota exceeded"


def warming_up(stage: int, sent: int, limit: int) -> ApiError:
    """429: the mailbox is new, and has sent all that it may today."""
    return ApiError(
        429,
        "Daily sending limit of this warm-up stage reached",
        warmup_stage=stage,
        daily_sent=sent,
        daily_limit=limit,
        hint="New mailboxes may send more from day to day. Try again tomorrow.",
    )


def moment(value: datetime | None) -> int | None:
    """A time in a request in epoch ms; 400 if it is invalid."""
    try:
        return None if value is None else ids.to_ms(value)
    except (OverflowError, ValueError):
        raise ApiError(400, "Time out of range") from None


class CodeMailed(ApiError):
    """202: nothing was done yet; the operator was sent a code, with which the call must be repeated."""

    def __init__(self) -> None:
        super().__init__(202, "")
        self.body = {"status": "approval_required", "message": "A code has been sent to the operator"}


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The API key that made a request, with its scopes."""

    key_id: str
    name: str
    scopes: frozenset[str]


@dataclass(slots=True)
class SeenRequest:
    """One request as the sandbox saw it, for tests that check what a client really did."""

    method: str
    path: str
    query: str
    key: str
    status: int | None
    fault: str | None


class SandboxState:
    """All state of a sandbox. `folder` has the database and the outbox of released mail."""

    def __init__(self, folder: Path, tuning: Tuning | None = None) -> None:
        self.folder = folder
        self.db = open_database(folder)
        self.outbox = folder / "outbox"
        self.outbox.mkdir(exist_ok=True, mode=0o700)
        self.tuning = tuning or Tuning()
        self.calls: deque[SeenRequest] = deque(maxlen=20_000)
        self.on_due: Callable[[], None] = lambda: None
        self._ulids = ids.Ulids()
        self._depth = 0
        self._skew_ms = int(self.fact("clock_skew_ms") or 0)
        self._next_due: int | None = 0
        self._callers: dict[str, RequestKey] = {}
        self.api_calls = int(self.fact("api_calls") or 0)
        self._bootstrap()
        self.tutorial_key()

    def close(self) -> None:
        """Saves what is in memory and closes the database."""
        self.set_fact("api_calls", str(self.api_calls))
        self.db.close()

    # -- time and ids

    def now_ms(self) -> int:
        """The sandbox's own time in epoch milliseconds: the machine's, moved by `advance_clock`."""
        return time.time_ns() // 1_000_000 + self._skew_ms

    def advance_clock(self, seconds: float) -> None:
        """Moves the sandbox's clock forward, to see windows of hours end at once."""
        self._skew_ms += int(seconds * 1000)
        self.set_fact("clock_skew_ms", str(self._skew_ms))
        self.on_due()

    def new_id(self) -> str:
        """An id that sorts after all earlier ones."""
        return self._ulids.new(self.now_ms())

    # -- transactions and facts

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction; nested ones join it."""
        if self._depth == 0:
            self.db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield self.db
        except BaseException:
            if self._depth == 1:
                self.db.execute("ROLLBACK")
            raise
        else:
            if self._depth == 1:
                self.db.execute("COMMIT")
        finally:
            self._depth -= 1

    def add(self, table: str, **values: object) -> None:
        """Inserts a row. Names of tables and columns are constants of the code; the values are bound."""
        columns, marks = ", ".join(values), ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO {table}({columns}) VALUES ({marks})", (*values.values(),))  # noqa: S608

    def create(self, table: str, **values: object) -> str:
        """Inserts a row with a new id and the present time; returns the id."""
        row_id = self.new_id()
        self.add(table, id=row_id, **values, created_at=self.now_ms())
        return row_id

    def one(self, sql: str, values: Sequence[object], missing: str) -> sqlite3.Row:
        """The first row of a query; 404 with the text `missing` if there is none."""
        row: sqlite3.Row | None = self.db.execute(sql, values).fetchone()
        if row is None:
            raise ApiError(404, missing)
        return row

    def fact(self, name: str) -> str | None:
        """A value stored under a name."""
        row = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    # -- due steps

    def due(self, ms: int | None) -> int | None:
        """Records that something is due at `ms`, and returns it for storing in the row."""
        if ms is not None and (self._next_due is None or ms < self._next_due):
            self._next_due = ms
        self.on_due()
        return ms

    def is_due(self) -> bool:
        """Whether anything may be due. Cheap: called before every request."""
        return self._next_due is not None and self._next_due <= self.now_ms()

    def next_due(self) -> int | None:
        """Reads again when the next step is due, in epoch milliseconds."""
        (self._next_due,) = self.db.execute("SELECT min(due_at) FROM emails WHERE due_at IS NOT NULL").fetchone()
        return self._next_due

    # -- keys

    def caller(self, secret: str) -> RequestKey | None:
        """The caller with this key; None if it is wrong or revoked."""
        known = self._callers.get(secret)
        if known is None:
            row = self.db.execute(
                "SELECT id, name, scopes FROM api_keys WHERE secret = ? AND revoked_at IS NULL", (secret,)
            ).fetchone()
            if row is None:
                return None
            known = RequestKey(row["id"], row["name"], frozenset(json.loads(row["scopes"])))
            self._callers[secret] = known
        return known

    def forget_callers(self) -> None:
        """Call it after keys have changed."""
        self._callers.clear()

    def keys(self) -> dict[str, str]:
        """The sandbox's three initial keys: oversight, send, admin."""
        rows = self.db.execute("SELECT name, secret FROM api_keys ORDER BY id").fetchall()
        secrets = {row["name"]: row["secret"] for row in rows}
        return {name: secrets[name] for name in BOOTSTRAP_KEYS}

    def tutorial_key(self) -> str:
        """The key for the tutorial's snippets; created when the folder is opened."""
        row = self.db.execute(
            "SELECT secret FROM api_keys WHERE name = ? AND revoked_at IS NULL ORDER BY id", (TUTORIAL_KEY,)
        ).fetchone()
        if row is not None:
            return str(row["secret"])
        return self.add_key(TUTORIAL_KEY, TUTORIAL_SCOPES)[1]

    def add_key(self, name: str, scopes: Sequence[str]) -> tuple[str, str]:
        """Adds an API key; returns its id and its secret."""
        secret = ids.test_key()
        with self.write():
            return self.create("api_keys", name=name, secret=secret, scopes=json.dumps(scopes)), secret

    def add_mailbox(self, address: str, name: str | None, mode: str) -> str:
        return self.create("mailboxes", address=address, display_name=name, oversight_mode=mode)

    # -- audit log and operator mail

    def audit(
        self,
        action: str,
        kind: str,
        resource: str,
        actor: RequestKey | None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Writes an audit entry. Without an actor it is the gateway itself."""
        self.create(
            "audit", action=action, resource_type=kind, resource_id=resource,
            actor_key_id=actor.key_id if actor else None, metadata=json.dumps(metadata) if metadata else None,
        )  # fmt: skip

    def mail_operator(
        self, kind: str, subject: str, body: str, *, code: str | None = None, mailbox_id: str | None = None
    ) -> None:
        """Adds an email to the operator's mailbox, which `GET /sandbox/operator-mail` returns."""
        self.create("operator_mail", kind=kind, subject=subject, body=body, code=code, mailbox_id=mailbox_id)

    def _bootstrap(self) -> None:
        if self.fact("tenant_id") is not None:
            return
        with self.write():
            self.set_fact("tenant_id", self.new_id())
            self.set_fact("account_name", "Acme")
            self.set_fact("oversight_email", "operator@acme.example")
            self.set_fact("ai21_key", "sandbox-" + ids.test_key().removeprefix("mm_test_"))
            for name, scopes in BOOTSTRAP_KEYS.items():
                self.add_key(name, scopes)
            for local, name in DEFAULT_MAILBOXES:
                self.add_mailbox(f"{local}@{DOMAIN}", name, "gated_send")


class RateLimiter:
    """Counts requests by key in fixed minutes."""

    def __init__(self) -> None:
        self._minutes: dict[str, tuple[int, int]] = {}
        """By key the beginning of its minute in epoch ms, and the requests made since."""

    def check(self, state: SandboxState, caller: RequestKey) -> None:
        """Raises 429 with Retry-After if the key has made too many requests."""
        limit = state.tuning.requests_per_minute
        if limit is None:
            return
        now = state.now_ms()
        started, made = self._minutes.get(caller.key_id, (now, 0))
        if now - started >= 60_000:
            started, made = now, 0
        self._minutes[caller.key_id] = started, made + 1
        if made >= limit:
            wait = max(1, -(-(started + 60_000 - now) // 1000))
            raise ApiError(429, RATE_LIMITED, headers={"Retry-After": str(wait)})
