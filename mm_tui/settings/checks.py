"""Checks of single settings: addresses that keys are sent to, and the keys themselves."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mm_tui.settings.secret import Secret

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class FieldError(ValueError):
    """A value rejected by a section's own check."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")


def refuse_plain_http(url: str) -> str:
    """Returns `url` without a trailing slash; raises ValueError if no key may be sent to it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[^\s\x00-\x20\x7f]+", url):
        raise ValueError("must be an https:// address")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address: no user, ? or #")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS:
        raise ValueError("plain http is allowed only for this machine (127.0.0.1): a key would be sent unencrypted")
    return url.rstrip("/")


def gateway_address(url: str) -> str:
    """The base address of a gateway, without `/v1` at its end: the vendor's documentation uses both forms. Raises
    ValueError as `refuse_plain_http` does."""
    return re.sub(r"/v1$", "", refuse_plain_http(url), flags=re.IGNORECASE).rstrip("/")


def checked_key(field: str, key: Secret) -> Secret:
    """The key without surrounding space; raises FieldError if it cannot be a key. The error does not quote it."""
    text = key.get_secret_value().strip()
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise FieldError(field, "is empty or has a space, a line break or a non-ASCII character, which no key has")
    return Secret(text)


def is_test_key(key: Secret) -> bool:
    """Whether it is a test key: mail sent with it is never delivered."""
    return key.get_secret_value().startswith("mm_test_")
