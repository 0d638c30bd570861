"""The table of all gateway calls, used by the client and to generate docs/gateway.md."""

from __future__ import annotations

import msgspec

from mm_tui.gateway.keys import Scope


class Call(msgspec.Struct, frozen=True):
    """One call of the gateway's API. `changes`: it changes something, so a lost answer leaves its outcome unknown."""

    method: str
    path: str
    scope: Scope | None
    purpose: str
    changes: bool = False
    forbidden_is_scope: bool = True
    """Whether a 403 means a missing scope; some calls answer 403 for a wrong code or a limit of the plan."""

    @property
    def name(self) -> str:
        """The call in a log: the path's pattern, without ids."""
        return f"{self.method} {self.path}"


_MAILBOX = "/v1/mailboxes/{mailbox_id}"
_EMAIL = _MAILBOX + "/emails/{email_id}"

HEALTH = Call("GET", "/health", None, "whether the gateway is up")
SIGNING_KEY = Call(
    "GET",
    "/.well-known/multimail-signing-key",
    None,
    "the key that signs the identity of mail; read when you open an email's history",
)
ACCOUNT = Call("GET", "/v1/account", "read", "the account's name, plan and quotas")
USAGE = Call("GET", "/v1/usage", "read", "the account's recent usage, in total and by day")
MAILBOXES = Call("GET", "/v1/mailboxes", "read", "the mailboxes and their oversight modes")
ALLOWLIST = Call("GET", _MAILBOX + "/allowlist", "read", "recipients that need no human approval in gated_send")
EMAILS = Call("GET", _MAILBOX + "/emails", "read", "lists of mail, without bodies")
EMAIL = Call(
    "GET",
    _EMAIL,
    "read",
    "one email with its body; marks it read, so in the background only for drafts, sent mail and mail already read",
)
THREAD = Call("GET", _MAILBOX + "/threads/{thread_id}", "read", "the emails of a thread, without bodies")
ATTACHMENT = Call("GET", _EMAIL + "/attachments/{name}", "read", "an attachment's bytes")
ATTACHMENT_URL = Call("GET", _EMAIL + "/attachments/{name}/url", "read", "where a large attachment can be fetched")
TAGS = Call("GET", _EMAIL + "/tags", "read", "an email's tags")
SPAM = Call("GET", "/v1/emails", "read", "flagged and quarantined mail of all mailboxes")
CONTACTS = Call("GET", "/v1/contacts", "read", "the account's address book")

SEND = Call("POST", _MAILBOX + "/send", "send", "submits an email through the gate", changes=True)
REPLY = Call("POST", _MAILBOX + "/reply/{email_id}", "send", "submits a reply through the gate", changes=True)
CANCEL = Call("POST", _EMAIL + "/cancel", "send", "cancels an email that was not sent yet", changes=True)
SCHEDULE = Call("PATCH", _EMAIL + "/schedule", "send", "changes a scheduled email", changes=True)
PUT_TAGS = Call("PUT", _EMAIL + "/tags", "send", "sets an email's tags", changes=True)
DELETE_TAG = Call("DELETE", _EMAIL + "/tags/{key}", "send", "removes one tag", changes=True)
REPORT_SPAM = Call("POST", "/v1/emails/{email_id}/report-spam", "send", "marks an email as spam", changes=True)
NOT_SPAM = Call("POST", "/v1/emails/{email_id}/not-spam", "send", "removes that mark", changes=True)
REQUEST_UPGRADE = Call(
    "POST", _MAILBOX + "/request-upgrade", "send", "asks for a code to move a mailbox up the trust ladder", changes=True
)
UPGRADE = Call("POST", _MAILBOX + "/upgrade", "send", "redeems that code", changes=True, forbidden_is_scope=False)

PENDING = Call("GET", "/v1/oversight/pending", "oversight", "the emails waiting for a human")
DECIDE = Call("POST", "/v1/oversight/decide", "oversight", "approves or rejects one; never repeated", changes=True)

AUDIT_LOG = Call("GET", "/v1/audit-log", "admin", "the gateway's audit log")
API_KEYS = Call("GET", "/v1/api-keys", "admin", "the names of the keys in that log, without the keys themselves")
CREATE_MAILBOX = Call("POST", "/v1/mailboxes", "admin", "creates a mailbox", changes=True, forbidden_is_scope=False)
UPDATE_MAILBOX = Call("PATCH", _MAILBOX, "admin", "changes a mailbox; moves it down the trust ladder", changes=True)
ALLOW = Call(
    "POST", _MAILBOX + "/allowlist", "admin", "adds to that list, with the operator's code", changes=True,
    forbidden_is_scope=False,
)  # fmt: skip
DISALLOW = Call(
    "DELETE", _MAILBOX + "/allowlist/{entry_id}", "admin", "removes from that list, with the operator's code",
    changes=True, forbidden_is_scope=False,
)  # fmt: skip
WEBHOOKS = Call("GET", "/v1/webhooks", "admin", "the webhooks")
CREATE_WEBHOOK = Call("POST", "/v1/webhooks", "admin", "creates a webhook", changes=True, forbidden_is_scope=False)
DELETE_WEBHOOK = Call("DELETE", "/v1/webhooks/{webhook_id}", "admin", "removes a webhook", changes=True)
WEBHOOK_DELIVERIES = Call("GET", "/v1/webhook-deliveries", "admin", "deliveries of webhooks")
EXPORT = Call("GET", "/v1/export", "admin", "everything stored about the account, once an hour")
SUPPRESSION = Call("GET", "/v1/suppression", "admin", "addresses that the gateway does not send to")


def all_calls() -> tuple[Call, ...]:
    """Every call, in the order above."""
    return tuple(value for value in globals().values() if isinstance(value, Call))
