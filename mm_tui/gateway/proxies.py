"""The proxy that the environment names: `HTTPS_PROXY` or `ALL_PROXY`, but not for hosts in `NO_PROXY`."""

from __future__ import annotations

import base64
import os
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_NAMES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


class Proxy(NamedTuple):
    """Where a proxy is."""

    host: str
    port: int
    is_encrypted: bool
    credentials: str = ""
    """User and password, with a colon between them."""

    def headers(self) -> dict[str, str]:
        """What it has to be told."""
        if not self.credentials:
            return {}
        return {"Proxy-Authorization": f"Basic {base64.b64encode(self.credentials.encode()).decode()}"}

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def proxy_for(host: str) -> Proxy | None:
    """The proxy for https to a host; None if there is none. Raises OSError if it is of a kind that cannot be used."""
    if not any(os.environ.get(name) for name in _NAMES):
        return None
    # urllib.request takes 1 MB, and is needed only here.
    from urllib.request import getproxies, proxy_bypass

    named = getproxies()
    address = named.get("https") or named.get("all")
    if not address or proxy_bypass(host):
        return None
    parts = urlsplit(address if "://" in address else f"http://{address}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OSError("no proxy of this kind can be used")
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Proxy(parts.hostname, port, parts.scheme == "https", f"{user}:{password}" if user else "")
