"""The errors of gateway calls, one class for each kind of reaction that a caller needs. This module is cheap to import:
it does not import httpx."""

from __future__ import annotations

from typing import ClassVar

from mm_tui.text import OneLine

LONGEST_WAIT = 300.0
"""Seconds. The longest wait that the gateway can ask for, so that its mistake cannot stop work for a day."""


class GatewayError(Exception):
    """A call that did not succeed.

    Attributes:
        message: the gateway's message, cleaned, or ours if it sent none.
        status: the HTTP status; None if no answer came.
        may_have_happened: whether the action may have taken effect despite the error: True whenever this cannot be
            excluded, and always False for calls that change nothing. Such an action is read back, never repeated.
        retry_after: seconds that the gateway asked us to wait, at most `LONGEST_WAIT`; None if it did not.
        where: the address of a call that got no answer.
        what_to_do: what the user can do about it.
    """

    what_to_do: str = "See the gateway's message; `mm-tui doctor` checks keys, scopes and connection."
    default_may_have_happened: ClassVar[bool] = False
    default_message: ClassVar[str] = "the gateway refused the call"

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        may_have_happened: bool | None = None,
    ) -> None:
        self.message = OneLine(message.strip() or self.default_message)
        super().__init__(str(self.message))
        self.status = status
        self.where = OneLine("")
        self.retry_after = None if retry_after is None else min(retry_after, LONGEST_WAIT)
        self.may_have_happened = self.default_may_have_happened if may_have_happened is None else may_have_happened


class MissingKey(GatewayError):
    """No key for this scope is set. Nothing was sent."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        needed = "any gateway key" if scope == "read" else f"{scope}_key"
        self.what_to_do = f"Set {needed} for this profile: `mm-tui init`, or see `mm-tui docs configuration`."
        super().__init__(f"this needs a key with the scope {scope}, and none is set")


class NotJournaled(GatewayError):
    """The call was not made, because it could not be journaled first."""

    default_message = "the journal cannot be written, so the gateway was not called"
    what_to_do = "Fix the store on this machine first: `mm-tui doctor` says more."


class Unauthorized(GatewayError):
    """401: the key is not known, was revoked, or belongs to another gateway."""

    default_message = "the gateway does not know this key"
    key_name = ""
    """The key that was refused, such as oversight; empty if not known."""

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.say_key("")

    def say_key(self, key_name: str, profile: str = "") -> None:
        """Says which key was refused and, if `profile` is known, how to set its keys."""
        self.key_name = key_name
        key = f"{key_name} key" if key_name else "key"
        of = f" --profile {profile}" if profile else ""
        self.what_to_do = (
            f"The {key} is wrong, revoked or for another gateway: `mm-tui doctor` tries each key, "
            f"`mm-tui init --replace{of}` sets them again."
        )


class Forbidden(GatewayError):
    """403 for another reason than scope, such as a wrong code or a limit of the plan."""

    default_message = "the gateway does not allow this"
    what_to_do = "The gateway does not allow this; its message says why."


class MissingScope(Forbidden):
    """403: the key lacks the scope that the call needs."""

    def __init__(self, message: str = "", *, scope: str = "") -> None:
        self.scope = scope
        self.what_to_do = (
            f"Use a key that has the scope {scope or 'for this'}; a key cannot hold send and oversight together, "
            "so they are two keys."
        )
        super().__init__(message or f"the key lacks the scope {scope}".rstrip(), status=403)


class ReadOnlyMailbox(Forbidden):
    """403: the mailbox is `read_only`, so nothing can be sent from it."""

    default_message = "the mailbox is read_only"
    what_to_do = "Raise the mailbox to gated_send or above (screen Mailboxes) before sending from it."


class CodeSent(GatewayError):
    """202: nothing was done yet. The operator was sent a code; the same call with it succeeds."""

    default_message = "a code was sent to the operator by email"
    what_to_do = "Try again with the operator's code."


class NotFound(GatewayError):
    """404: no such thing, or not for this key."""

    default_message = "the gateway does not have this item"
    what_to_do = "It may have been deleted or belong to another account: refresh, and check the profile."


class NoSuchCall(NotFound):
    """404 for a call that names no particular object: this gateway does not have the call."""

    default_message = "this gateway does not know the call"
    what_to_do = "This gateway may be older, or the plan may not include it; everything else works."


class NotMultiMail(GatewayError):
    """The server at this address is not a MultiMail gateway, so its answer says nothing about any email."""

    default_message = "this address does not speak the MultiMail v1 API"
    what_to_do = "Check the profile's url: it is the address before /v1, such as https://api.multimail.dev."


class Blocked(GatewayError):
    """403 from the proxy in front of the gateway (Cloudflare): it refuses this machine's address, not the key."""

    default_message = "blocked before it reached the gateway"
    what_to_do = "This network's address is blocked. Use another network, or ask MultiMail to lift the block."
    on_the_way: ClassVar[str] = (
        "Another web server, a proxy or a firewall answered: check the profile's url, or use another network."
    )

    @classmethod
    def by(cls, what: str, what_to_do: str = "") -> Blocked:
        """The error for this answer; its `what_to_do` depends on whether Cloudflare sent it."""
        made = cls(f"{cls.default_message} (403, {what})", status=403)
        made.what_to_do = what_to_do or cls.what_to_do
        return made


class Conflict(GatewayError):
    """409: the current state does not allow the action: already decided, a duplicate within 60 s, an address in use."""

    default_message = "the gateway says that this conflicts with the current state"
    what_to_do = "Refresh: it was changed elsewhere in the meantime."


class BadRequest(GatewayError):
    """400, 413, 422 and other 4xx: the gateway did not accept the request."""

    default_message = "the gateway did not accept the request"
    what_to_do = "Change the request as the gateway's message says."


class TooMany(GatewayError):
    """Base of the three kinds of 429."""


class RateLimited(TooMany):
    """429: too many requests; `retry_after` says how long to wait."""

    default_message = "too many requests"
    what_to_do = "Wait; it is retried automatically where that is safe."


class QuotaExceeded(TooMany):
    """429: the month's quota is used up."""

    default_message = "the account's quota has been used up"
    what_to_do = "Wait for next month or upgrade the plan."


class WarmupLimit(TooMany):
    """429: a new account's daily limit while it warms up."""

    default_message = "the daily limit of the warm-up is reached"
    what_to_do = "Wait until tomorrow; the limit rises as the account warms up."


class ServerFault(GatewayError):
    """5xx: the gateway, or a proxy in front of it, failed. The action may have taken effect."""

    default_may_have_happened = True
    default_message = "the gateway failed"
    what_to_do = (
        "The fault is on the gateway's side. Reads are retried; before a change is retried, its outcome is read."
    )


class Unreachable(GatewayError):
    """No connection was made: certainly nothing was sent."""

    default_message = "the gateway cannot be reached"
    what_to_do = "Check the network and the profile's url."


class Closing(Unreachable):
    """The program is closing: the call was not started."""

    default_message = "the program is closing"


class Interrupted(GatewayError):
    """The connection broke, or the call timed out, after part of the request was sent."""

    default_may_have_happened = True
    default_message = "the connection was cut before the answer came"

    def __init__(self, message: str = "", *, status: int | None = None, may_have_happened: bool | None = None) -> None:
        super().__init__(message, status=status, may_have_happened=may_have_happened)
        # A call that changes nothing has no outcome to read.
        doubtful, certain = "The outcome is read from the gateway.", "Check the network, and try again."
        self.what_to_do = doubtful if self.may_have_happened else certain


class Malformed(GatewayError):
    """An answer that cannot be read, or is not in the documented form of this call."""

    default_may_have_happened = True
    default_message = "the gateway's answer cannot be read"
    what_to_do = "Check that the profile's url is a MultiMail gateway and not a proxy page."
