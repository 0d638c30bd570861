"""The signed identity of an email sent through the gateway: the claims in `X-MultiMail-Identity`, and whether the
signature is valid.

The gateway's pages describe the header as `base64url(payload).base64url(signature)`: canonical JSON, signed with ECDSA
on P-256 under the key at `/.well-known/multimail-signing-key`. They do not say in which format the key is, nor whether
the JSON's bytes or their base64url text are signed, so all usual forms are tried. The claims have no id or hash of the
email: a valid signature proves who made the claims, not that they belong to this email.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from mm_tui.text import OneLine

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

LONGEST = 16_384
"""The most characters of a header to examine."""
MOST_CLAIMS = 24
FIELD = 32
"""The size in bytes of a number of the curve."""


class SignatureState(StrEnum):
    """What is known about the signature of an email's identity."""

    VALID = "the gateway's signature is valid"
    INVALID = "the signature is not valid"
    UNREADABLE = "its format is not known, so it was not checked"
    UNCHECKED = "it was not checked"


class Identity(msgspec.Struct, frozen=True):
    """The result of checking the signed identity of an email."""

    signature: SignatureState
    claims: tuple[tuple[OneLine, OneLine], ...] = ()
    """The header's claims, in order; trust them only if the signature is valid."""
    why: OneLine = OneLine("")
    """Why it could not be checked."""
    fingerprint: OneLine = OneLine("")
    """The first half of the SHA-256 of the key that verified it."""


class KeyUnusable(Exception):
    """The gateway's answer is not a P-256 public key in any usual form."""


class PublicKey:
    """The gateway's key, from the answer of the well-known address, parsed if it was JSON: a JWK, a set of them, a PEM
    text, or base64 of a SubjectPublicKeyInfo or of a point, bare or under a name. Raises KeyUnusable if it is none of
    these."""

    def __init__(self, answer: object) -> None:
        self._keys = [_key(one) for one in _candidates(answer)]
        if not self._keys:
            raise KeyUnusable("there is no key")

    def matching(self, messages: tuple[bytes, ...], signature: bytes) -> str | None:
        """The fingerprint of the key that verifies the signature of one of the messages; None if none does."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        der = _as_der(signature)
        if der is None:
            return None
        for key in self._keys:
            for message in messages:
                try:
                    key.verify(der, message, ec.ECDSA(hashes.SHA256()))
                except InvalidSignature:
                    continue
                return _fingerprint(key)
        return None


def check(header: str, key: PublicKey) -> Identity:
    parts = _parts(header)
    if parts is None:
        return Identity(SignatureState.UNREADABLE)
    text, payload, signature = parts
    found = key.matching((payload, text), signature)
    claims = _claims(payload)
    if found is None:
        return Identity(SignatureState.INVALID, claims)
    return Identity(SignatureState.VALID, claims, fingerprint=OneLine(found))


def unchecked(header: str, why: str) -> Identity:
    """An identity that could not be checked now, with its claims."""
    parts = _parts(header)
    return Identity(SignatureState.UNREADABLE) if parts is None else Identity(
        SignatureState.UNCHECKED, _claims(parts[1]), OneLine(why)
    )  # fmt: skip


def _parts(header: str) -> tuple[bytes, bytes, bytes] | None:
    """The payload's text, the payload and the signature; None if the format is different."""
    text, dot, signature = header.strip().partition(".")
    if not dot or len(header) > LONGEST:
        return None
    try:
        payload, signed = _decoded(text), _decoded(signature)
        is_object = isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return None
    return (text.encode("ascii"), payload, signed) if is_object else None


def _decoded(text: str) -> bytes:
    """Decodes base64url, with or without padding."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def _claims(payload: bytes) -> tuple[tuple[OneLine, OneLine], ...]:
    claims: dict[str, Any] = json.loads(payload)
    shown = [(OneLine(name), OneLine(_word(value))) for name, value in list(claims.items())[:MOST_CLAIMS]]
    return tuple((name, value) for name, value in shown if name)


def _word(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)


def _candidates(answer: object) -> list[object]:
    """The places of a key in the answer: itself, under a name, or in a set."""
    if isinstance(answer, Mapping):
        if "kty" in answer:
            return [answer]
        for name in ("keys", "jwk", "public_key", "publicKey", "key", "signing_key", "public_key_pem", "pem", "spki"):
            if inner := answer.get(name):
                return list(inner) if isinstance(inner, list) else [inner]
        return []
    return list(answer) if isinstance(answer, list) else [answer]


def _key(answer: object) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    curve = ec.SECP256R1()
    try:
        if isinstance(answer, Mapping):
            if answer.get("kty") != "EC" or answer.get("crv") != "P-256":
                raise KeyUnusable("it is not a P-256 key")
            x, y = (int.from_bytes(_decoded(str(answer.get(name, "")))) for name in ("x", "y"))
            return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
        text = str(answer).strip()
        if text.startswith("-----BEGIN"):
            key = serialization.load_pem_public_key(text.encode())
        else:
            raw = _decoded(text.replace("+", "-").replace("/", "_"))
            if len(raw) in (1 + FIELD, 1 + 2 * FIELD):
                return ec.EllipticCurvePublicKey.from_encoded_point(curve, raw)
            key = serialization.load_der_public_key(raw)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable("its format is not known") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyUnusable("it is not a P-256 key")
    return key


def _as_der(signature: bytes) -> bytes | None:
    """Converts the signature for the library. Web programs concatenate the two numbers (IEEE P1363)."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    if len(signature) == 2 * FIELD:
        return encode_dss_signature(int.from_bytes(signature[:FIELD]), int.from_bytes(signature[FIELD:]))
    return signature if signature[:1] == b"\x30" else None


def _fingerprint(key: EllipticCurvePublicKey) -> str:
    from hashlib import sha256

    from cryptography.hazmat.primitives import serialization

    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()[:32]
