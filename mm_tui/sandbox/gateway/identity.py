"""The signed identity of sent mail: the sandbox's own key, its public half, and the header.

Written from the gateway's pages: `base64url(payload).base64url(signature)`, the payload canonical JSON with sorted
keys, the signature ECDSA on P-256 over SHA-256 as the two numbers one after the other.
"""

from __future__ import annotations

import base64
import functools
import json
import sqlite3
from hashlib import sha256
from typing import TYPE_CHECKING

from mm_tui.sandbox.gateway.statuses import SandboxStatus

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from mm_tui.sandbox.gateway.state import SandboxState

LEFT = frozenset({SandboxStatus.SENT, SandboxStatus.DELIVERED, SandboxStatus.BOUNCED})
FIELD = 32


@functools.lru_cache(maxsize=8)
def _key(seed: str) -> EllipticCurvePrivateKey:
    # Derived from the sandbox's id: the same after every start, and useless anywhere else.
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(int.from_bytes(sha256(seed.encode()).digest()) >> 1 | 1, ec.SECP256R1())


def public_key(state: SandboxState) -> dict[str, str]:
    """The public half, as a JSON Web Key."""
    numbers = _key(_seed(state)).public_key().public_numbers()
    x, y = (_text(number.to_bytes(FIELD)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "ES256", "use": "sig"}


def headers(state: SandboxState, row: sqlite3.Row) -> dict[str, str]:
    """The headers that identify the sender of an email; empty for unsent mail."""
    if row["direction"] != "outbound" or row["status"] not in LEFT:
        return {}
    box = state.db.execute("SELECT * FROM mailboxes WHERE id = ?", (row["mailbox_id"],)).fetchone()
    discloses = box is None or bool(box["ai_disclosure"])
    claims: dict[str, object] = {
        "capabilities": ["reply", "send"],
        "iat": (row["approved_at"] or row["received_at"]) // 1000,
        "operator": state.fact("account_name") or "",
        "oversight": box["oversight_mode"] if box is not None else "",
        "service": "multimail-sandbox",
        "verified_operator": False,
    }
    if discloses:
        claims["ai_generated"] = True
    found = {"Message-ID": row["message_id"], "X-MultiMail-Identity": _signed(state, claims)}
    return found | {"X-AI-Generated": "true"} if discloses else found


def _signed(state: SandboxState, claims: dict[str, object]) -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    payload = json.dumps(claims, sort_keys=True, separators=(",", ":")).encode()
    # Deterministic, so that reading an email twice gives the same result.
    rule = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(_key(_seed(state)).sign(payload, rule))
    return f"{_text(payload)}.{_text(r.to_bytes(FIELD) + s.to_bytes(FIELD))}"


def _seed(state: SandboxState) -> str:
    return str(state.fact("tenant_id") or state.folder)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
