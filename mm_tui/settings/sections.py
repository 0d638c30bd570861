"""The sections of the settings, with their defaults and limits.

Order of precedence: command-line flags, environment, `config.toml`, defaults. The docstring under each field is its
documentation: `docs/configuration.md` is generated from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta
from msgspec.structs import force_setattr

from mm_tui.settings.checks import FieldError, checked_key, gateway_address, is_test_key, refuse_plain_http
from mm_tui.settings.secret import Secret

DEFAULT_URL = "https://api.multimail.dev"
DEFAULT_AI21_HOST = "https://api.ai21.com/studio/v1"
_HOUR = r"([01][0-9]|2[0-3]):[0-5][0-9]"


class ConfigError(Exception):
    """Invalid settings. The message says where, what, and what to do. The CLI exits with 10."""

    def __init__(self, where: str, what: str, cure: str) -> None:
        super().__init__(f"{where}: {what}. {cure}")
        self.where = where
        self.what = what
        self.cure = cure


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all sections: frozen, and strict about names so that typos are found."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """Builds the section from values of a file or the environment; "5" is accepted for 5. Raises
        msgspec.ValidationError if a name or value is invalid; the message ends with the place, such as ` - at
        `$.review``."""
        return msgspec.convert(fields, cls, strict=False, dec_hook=_decoded)

    def replaced(self, **fields: Any) -> Self:
        """A copy with other values in these fields, which must have the right types."""
        return msgspec.structs.replace(self, **fields)


def _decoded(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str | Secret):
        return value if isinstance(value, Secret) else Secret(value)
    raise TypeError(f"Expected `str`, got `{type(value).__name__}`")


class Profile(Section, frozen=True):
    """One reviewer's access to one gateway account."""

    name: str = "default"
    """The profile's name, shown on the top line."""
    url: str = DEFAULT_URL
    """Base address of the gateway, with or without `/v1` at its end."""
    mailbox: str | None = None
    """Address or id of the mailbox to show first; if not set, all are shown."""
    oversight_key: Secret | None = None
    """Key with `read` and `oversight`: sees the queue and decides."""
    send_key: Secret | None = None
    """Key with `read` and `send`: submits edited drafts, replies and tags."""
    admin_key: Secret | None = None
    """Key with `read` and `admin`: the audit log, mailboxes, webhooks."""
    oversight_key_command: str | None = None
    """A command that prints the oversight key, for password managers."""
    send_key_command: str | None = None
    """A command that prints the send key."""
    admin_key_command: str | None = None
    """A command that prints the admin key."""
    ai21_key: Secret | None = None
    """Key of AI21 Studio. Without one everything but the assistant works."""
    ai21_key_command: str | None = None
    """A command that prints the AI21 key."""
    ai21_host: str = DEFAULT_AI21_HOST
    """Base address of the AI21 API."""
    keyring: bool = False
    """Look for keys that are not set in the system's keyring (`pip install 'mm-tui[keyring]'`)."""
    live: bool | None = None
    """What the profile is meant for: true for real mail, false for tests. A key of the other kind gets a warning.

    If not set, the keys decide."""
    reviewer: str | None = None
    """The name under which decisions are recorded; if not set, the login name."""
    automatic: bool | None = None
    """`automatic` of `[assist]` for this profile only. It opens new mail, which marks it read at the gateway.

    If not set, as set there."""
    write_tags: bool | None = None
    """`write_tags` of `[assist]` for this profile only.

    If not set, as set there."""
    second_reader: bool | None = None
    """`second_reader` of `[assist]` for this profile only.

    If not set, as set there."""
    facts: tuple[str, ...] | None = None
    """`facts` of `[assist]` for this profile only.

    If not set, as set there."""
    examples: bool | None = None
    """Keep what you release in place of an agent's text as an example for later drafts: masked, on this machine, and
    part of the prompts of similar drafts. `mm-tui agent examples` lists and deletes them.

    If not set, on for test keys only."""

    def __post_init__(self) -> None:
        for name, checked in (("url", gateway_address), ("ai21_host", refuse_plain_http)):
            try:
                force_setattr(self, name, checked(getattr(self, name)))
            except ValueError as error:
                raise FieldError(name, str(error)) from None
        for name in ("oversight_key", "send_key", "admin_key", "ai21_key"):
            key: Secret | None = getattr(self, name)
            if key is not None:
                force_setattr(self, name, checked_key(name, key))

    def gateway_keys(self) -> dict[str, Secret]:
        """The gateway keys that are set, by scope."""
        keys = {"oversight": self.oversight_key, "send": self.send_key, "admin": self.admin_key}
        return {scope: key for scope, key in keys.items() if key is not None}

    @property
    def is_live(self) -> bool:
        """True unless every gateway key that is set is a test key (`mm_test_`)."""
        keys = self.gateway_keys().values()
        return not keys or any(not is_test_key(key) for key in keys)

    @property
    def learns(self) -> bool:
        """Whether edits become examples for later drafts."""
        return not self.is_live if self.examples is None else self.examples

    @property
    def mismatch(self) -> str:
        """The warning if the keys do not fit the profile; empty if they do."""
        keys = self.gateway_keys()
        test = [scope for scope, key in keys.items() if is_test_key(key)]
        other = [scope for scope in keys if scope not in test]
        if test and other:
            return f"test keys ({', '.join(test)}) and live keys ({', '.join(other)}) are mixed in this profile"
        if self.live is True and test:
            return f"this profile is meant for live mail, but its keys are test keys ({', '.join(test)})"
        if self.live is False and other:
            return f"this profile is meant for tests, but its keys are live keys ({', '.join(other)})"
        return ""


class Assist(Section, frozen=True):
    """What the models do, and what they may cost."""

    automatic: bool | None = None
    """Work on new mail automatically. It reads details, which marks mail read at the gateway.

    If not set, on for test keys only."""
    small_model: str = "jamba-mini"
    """Model for labels and extraction."""
    large_model: str = "jamba-large"
    """Model for drafts and long threads."""
    labels: tuple[str, ...] = ("support", "billing", "partnership", "spam", "other")
    """The labels an email can get; anything else becomes the last one."""
    daily_budget_usd: Annotated[float, Meta(ge=0)] = 1.0
    """US dollars a day; automatic work stops when they are spent."""
    write_tags: bool = False
    """Write label, summary and extraction to the gateway as tags (needs the send key)."""
    task_models: dict[Literal["summarise", "classify", "extract", "draft", "redraft", "second_reader"], str] = (
        msgspec.field(default_factory=dict)
    )
    """Task = model, in place of the small or the large one."""
    thread_tokens: Annotated[int, Meta(ge=500)] = 24_000
    """The most tokens of a thread that a model gets; the oldest quoted text is left out first."""
    long_thread_tokens: Annotated[int, Meta(ge=0)] = 4_000
    """Threads with at least this many tokens are summarised by the large model."""
    signature: str = ""
    """Text at the end of each draft; if empty, the model writes one."""
    second_reader: bool = False
    """Have a model compare the current draft and the next one with their threads automatically."""
    facts: tuple[str, ...] = ()
    """Text files with facts about the company (prices, hours, policies); paths are relative to `config.toml`. Drafts,
    redrafts and the second reader use them, and the risk rules count the sums, dates, links and addresses in them as
    known."""
    mailbox_facts: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Address of a mailbox = its own files, in place of `facts`."""

    def __post_init__(self) -> None:
        if not self.labels or not all(label.strip() for label in self.labels):
            raise FieldError("labels", "must have at least one label, and none that is empty")


class Agent(Section, frozen=True):
    """What the headless worker (`mm-tui agent run`) does with new mail."""

    mailboxes: tuple[str, ...] = ()
    """Addresses or ids of the mailboxes to handle; if empty, all."""
    reply_labels: tuple[str, ...] = ("support", "billing", "partnership")
    """Labels of the mail that gets a draft reply. Every draft goes through the gate."""
    reply_ungated: bool = False
    """Also reply in mailboxes where no human is asked first (monitored, autonomous)."""
    interval_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 15
    """Time between polls."""
    concurrency: Annotated[int, Meta(ge=1, le=32)] = 16
    """Number of emails handled at the same time, and of calls to one model. Raise it for a slow model: one that takes
    more than 14 seconds for an email."""


SecondApprover = Literal["never", "high", "medium", "low", "always"]


class Review(Section, frozen=True):
    """How decisions are made."""

    hold_seconds: Annotated[float, Meta(ge=0, le=60)] = 5
    """How long a decision is held before it is made; until then it can be undone."""
    reasons: tuple[str, ...] = (
        "Wrong recipient",
        "Promises something we cannot keep",
        "Wrong facts",
        "Wrong tone",
        "Not needed",
    )
    """Reasons offered when you reject a draft."""
    redraft_reasons: tuple[str, ...] = ("Promises something we cannot keep", "Wrong facts", "Wrong tone")
    """The reasons with which another draft is asked for, by tags, as when sending back. With any other reason
    `ctrl+t` asks for it."""
    own_replies: Literal["self", "another"] = "self"
    """Who may approve a reply that a reviewer wrote in the inbox: `self`, with the same one key as any other email, or
    only `another` reviewer: this program then refuses to approve what its own reviewer wrote."""
    second_approver: SecondApprover = "never"
    """The risk level from which two reviewers must approve an email: `low`, `medium` or `high`; `always` includes
    emails without findings. The first approval is recorded as a tag (which needs the send key); another reviewer's
    approval of the same content sends the email. Set it for every reviewer; docs/team.md says what it cannot do."""
    mailbox_second_approver: dict[str, SecondApprover] = msgspec.field(default_factory=dict)
    """Address of a mailbox = its own level, in place of `second_approver`."""
    claim_minutes: Annotated[int, Meta(ge=0, le=24 * 60)] = 10
    """How long others see that you have an email open, unless you still have it open. A tag, which needs the send key.

    It is only a hint: anybody can still decide. 0 sets no tag; more than 60 count as 60."""
    sla_minutes: dict[str, Annotated[int, Meta(ge=1, le=1_000_000)]] = msgspec.field(default_factory=dict)
    """Address of a mailbox = minutes within which its waiting mail should be decided; `default` is for all others.

    Mail is due in the last third of that time, and overdue after it. Without minutes nothing becomes due."""


class Risk(Section, frozen=True):
    """Which drafts are flagged, and at what level. The rules and their codes are in docs/risk.md."""

    off: tuple[str, ...] = ()
    """Codes of rules that do not run. Every draft shows which rules are off."""
    levels: dict[str, Literal["low", "medium", "high"]] = msgspec.field(default_factory=dict)
    """Rule code = the level of its findings, in place of the rule's own."""
    max_recipients: Annotated[int, Meta(ge=1)] = 5
    """A draft with more recipients than this is flagged."""
    own_domains: tuple[str, ...] = ()
    """Our own domains besides those of the mailboxes."""
    promises: tuple[str, ...] = ()
    """More words and phrases that count as a promise."""
    similarity: Annotated[float, Meta(gt=0, le=1)] = 0.8
    """Share of common words at which a draft counts as similar to a rejected one."""


class SyncSettings(Section, frozen=True):
    """How the gateway is polled. Seconds."""

    active_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 5
    """Time between polls while somebody uses the keyboard."""
    idle_seconds: Annotated[float, Meta(ge=1, le=86_400)] = 15
    """Time between polls when nobody has pressed a key for a while."""
    window_days: Annotated[int, Meta(ge=0, le=36_500)] = 3
    """Outbound mail of this many days is read again, because its status may change."""
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] | None = None
    """Days of mail kept on this machine; if not set, all of it."""
    memory: bool = False
    """Keep mail in memory only. On disk are settings, journal, unsent edits, and ids and digests of what was shown or
    snoozed."""


class Notice(Section, frozen=True):
    """How the reviewer is notified about waiting mail. Notices contain only counts, nothing from an email."""

    title: bool = True
    """Show in the terminal's window title how many emails wait, and how many are overdue."""
    bell: bool = False
    """Ring the terminal's bell when mail enters the queue or becomes overdue."""
    desktop: Literal["off", "osc9", "osc777"] = "off"
    """Send a desktop notification then, if the terminal can: `osc9` (iTerm2, WezTerm, Windows Terminal, kitty) or
    `osc777` (urxvt, foot, Ghostty, VTE)."""
    quiet_hours: str = ""
    """No bell and no notification at these hours of this machine's clock, such as `22:00-07:00`."""

    def __post_init__(self) -> None:
        value = self.quiet_hours.strip()
        start, dash, end = value.partition("-")
        if value and not (dash and all(re.fullmatch(_HOUR, one.strip()) for one in (start, end))):
            raise FieldError("quiet_hours", "must look like 22:00-07:00")
        force_setattr(self, "quiet_hours", value)


class Filters(Section, frozen=True):
    """Saved filters: name = query, in the order in which they are shown."""

    queue: dict[str, str] = msgspec.field(default_factory=dict)
    """Filters of the queue, shown before the built-in ones. The name of a built-in filter changes it; an empty query
    removes it."""
    inbox: dict[str, str] = msgspec.field(default_factory=dict)
    """Filters of the inbox, in the same way."""


class Ui(Section, frozen=True):
    """How the app looks."""

    theme: str = "mm-dark"
    """Name of the theme: mm-dark, mm-light, terminal, high-contrast, or any built into Textual."""
    layout: Literal["", "el", "he", "ru", "uk"] = ""
    """Your keyboard layout, if it has no Latin letters: a letter then counts as the Latin one on the same key."""


class Settings(Section, frozen=True):
    """All of `config.toml`, with one profile chosen."""

    profile: Profile = Profile()
    assist: Assist = Assist()
    agent: Agent = Agent()
    review: Review = Review()
    risk: Risk = Risk()
    sync: SyncSettings = SyncSettings()
    notice: Notice = Notice()
    filters: Filters = Filters()
    ui: Ui = Ui()
    snippets: dict[str, str] = msgspec.field(default_factory=dict)
    """Name = text that the draft editor can insert."""
    keys: dict[str, str] = msgspec.field(default_factory=dict)
    """Id of the action = key or keys, see docs/keys.md."""


FORMAT = 1
"""The version of `config.toml` that this program reads and writes (`version = 1` on its first line)."""
