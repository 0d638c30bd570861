"""The signed identity of mail: every form of header and key, what holds, what does not, and that no input crashes."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import GatewayError
from mm_tui.gateway.keys import Keys
from mm_tui.gateway.wire import email_detail
from mm_tui.review.identity import KeyUnusable, PublicKey, SignatureState, check, unchecked
from mm_tui.screens.audit.pages import history_page
from mm_tui.services.audit.history import History
from mm_tui.services.audit.identities import Identities
from mm_tui.settings.secret import Secret
from tests.support.app import shown, synced_app, until
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox
from tests.support.seat import NOW, summary

HEADER = "x-multimail-identity"
KEY = ec.derive_private_key(4471, ec.SECP256R1())
OTHER = ec.derive_private_key(2291, ec.SECP256R1())
CLAIMS = {"ai_generated": True, "operator": "Acme", "capabilities": ["send", "reply"]}


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def header(
    claims: object = None, key: ec.EllipticCurvePrivateKey = KEY, *, der: bool = False, over_text: bool = False
) -> str:
    payload = json.dumps(CLAIMS if claims is None else claims, sort_keys=True).encode()
    signed = key.sign(text(payload).encode() if over_text else payload, ec.ECDSA(hashes.SHA256()))
    if not der:
        signed = b"".join(number.to_bytes(32) for number in decode_dss_signature(signed))
    return f"{text(payload)}.{text(signed)}"


def jwk(key: ec.EllipticCurvePrivateKey = KEY) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": text(numbers.x.to_bytes(32)), "y": text(numbers.y.to_bytes(32))}


PEM = (
    KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)
DER = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
POINT = KEY.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@pytest.mark.parametrize(
    "answer",
    [
        jwk(),
        {"keys": [jwk(OTHER), jwk()]},
        {"jwk": jwk()},
        PEM,
        {"public_key": PEM},
        {"publicKey": base64.b64encode(DER).decode()},
        {"key": text(POINT)},
        base64.b64encode(DER).decode(),
    ],
    ids=["jwk", "set", "named", "pem", "named-pem", "spki", "point", "bare"],
)
@pytest.mark.parametrize("der", [False, True])
@pytest.mark.parametrize("over_text", [False, True])
def test_a_good_signature_holds_in_every_usual_form(answer: object, der: bool, over_text: bool) -> None:
    found = check(header(der=der, over_text=over_text), PublicKey(answer))
    assert found.signature is SignatureState.VALID
    assert ("capabilities", "send, reply") in found.claims
    assert ("ai_generated", "true") in found.claims
    assert len(found.fingerprint) == 32


def test_another_key_or_one_changed_byte_does_not_hold() -> None:
    key, good = PublicKey(jwk()), header()
    assert check(header(key=OTHER), key).signature is SignatureState.INVALID
    payload, _, signature = good.partition(".")
    changed = text(base64.urlsafe_b64decode(payload + "==").replace(b"Acme", b"Acne"))
    found = check(f"{changed}.{signature}", key)
    assert found.signature is SignatureState.INVALID
    assert ("operator", "Acne") in found.claims


@pytest.mark.parametrize(
    "value",
    ["", ".", "abc", "a.b.c", text(b"[1]") + "." + text(b"x" * 64), text(b"{}") + ".%%%", "\u202e." + text(b"y"),
     "x" * 20_000, text(b"[" * 4000) + "." + text(b"x" * 64)],
)  # fmt: skip
def test_a_header_of_another_form_is_reported_as_one(value: str) -> None:
    assert check(value, PublicKey(jwk())).signature is SignatureState.UNREADABLE
    assert unchecked(value, "why").signature is SignatureState.UNREADABLE


@pytest.mark.parametrize(
    "signature", [b"", b"x", b"\x00" * 64, b"\xff" * 64, b"\x30\x06\x02\x01\x00\x02\x01\x00", b"\x30\xff"]
)
def test_a_signature_that_is_none_does_not_hold(signature: bytes) -> None:
    assert check(f"{text(b'{}')}.{text(signature)}", PublicKey(jwk())).signature is SignatureState.INVALID


@pytest.mark.parametrize(
    "answer",
    [
        {}, [], "", None, "no key", {"error": "not found"}, {"keys": []}, {**jwk(), "crv": "P-384"}, {"kty": "EC"},
        {**jwk(), "x": text(b"\x01" * 32)},
    ],
)  # fmt: skip
def test_what_is_no_key_is_called_none(answer: object) -> None:
    with pytest.raises(KeyUnusable):
        PublicKey(answer)


def test_a_key_of_another_kind_is_reported_as_one() -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyUnusable, match="not a P-256 key"):
        PublicKey(pem.decode())


@given(st.text(max_size=60), st.binary(max_size=60), st.binary(max_size=80))
def test_no_header_is_an_error(words: str, payload: bytes, signature: bytes) -> None:
    key = PublicKey(jwk())
    for value in (words, f"{text(payload)}.{text(signature)}"):
        assert check(value, key).signature is not SignatureState.VALID


def test_claims_are_cleaned() -> None:
    found = check(header({"operator": "A\x1b]52;c;eA==\x07c\u202eme", "n": {"a": [1]}}), PublicKey(jwk()))
    assert found.claims == (("n", '{"a": [1]}'), ("operator", "Acme"))


class Gateway:
    """Hands out keys, one after the other, or fails."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    async def signing_key(self) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_the_key_is_cached_and_fetched_again_when_it_has_changed() -> None:
    clock = FakeClock(NOW)
    gateway: Any = Gateway(jwk(), jwk(OTHER))
    identities = Identities(gateway.signing_key, clock)
    assert (await identities.check(header())).signature is SignatureState.VALID
    assert (await identities.check(header())).signature is SignatureState.VALID
    assert (await identities.check(header(key=OTHER))).signature is SignatureState.INVALID, (
        "not more than once a minute"
    )
    assert len(gateway.answers) == 1
    clock.advance(timedelta(minutes=2).total_seconds())
    assert (await identities.check(header(key=OTHER))).signature is SignatureState.VALID
    assert gateway.answers == []


async def test_without_the_key_it_says_that_nothing_was_checked() -> None:
    gateway: Any = Gateway(GatewayError("cannot be reached"), {"error": "none"})
    identities = Identities(gateway.signing_key, FakeClock(NOW))
    first, second = [await identities.check(header()) for _ in range(2)]
    assert first.signature is second.signature is SignatureState.UNCHECKED
    assert first.why == "the gateway's key could not be read: cannot be reached"
    assert second.why == "the gateway's key cannot be used: there is no key"
    assert ("operator", "Acme") in first.claims


async def test_the_sandbox_signs_what_left_and_nothing_else(sandbox: Sandbox) -> None:
    waits, left = sandbox.draft("One."), sandbox.draft("Two.")
    sandbox.decide(left)
    keys = {name: Secret(key) for name, key in sandbox.keys.items()}
    async with GatewayClient(sandbox.url, Keys(keys["oversight"], keys["send"], keys["admin"])) as gateway:
        key = PublicKey(await gateway.signing_key())
        mail = await gateway.email(sandbox.mailbox, left)
        found = check(mail.identity, key)
        assert found.signature is SignatureState.VALID
        assert {"ai_generated", "operator", "oversight"} <= {str(name) for name, _ in found.claims}
        assert mail.ai_generated == "true"
        assert (await gateway.email(sandbox.mailbox, left)).identity == mail.identity
        assert (await gateway.email(sandbox.mailbox, waits)).identity == ""


def test_headers_of_any_shape_are_read() -> None:
    given = {"id": "1", "from": "a@x.example", "to": []}
    assert email_detail({**given, "headers": {HEADER.upper(): " ab.cd "}}, "mb").identity.strip() == "ab.cd"
    shapes: list[object] = [None, [], "x", {"X-MultiMail-Identity": None}, {"X-MultiMail-Identity": ["a.b"]}]
    for headers in shapes:
        assert isinstance(email_detail({**given, "headers": headers}, "mb").identity, str)


async def test_a_mails_life_shows_its_identity(sandbox: Sandbox) -> None:
    sandbox.decide(draft := sandbox.draft("It is on its way."))
    from mm_tui.screens.audit.history import HistoryScreen

    async with synced_app(sandbox, size=(100, 50)) as (app, pilot):
        assert app.session.sync is not None
        await app.session.sync.fetch_detail(sandbox.mailbox, draft)
        app.push_screen(HistoryScreen(draft))
        await until(pilot, lambda: "✓ the gateway's signature is valid" in shown(app))
        await until(pilot, lambda: "ai_generated: true" in shown(app) and "names no email" in shown(app))


def test_a_broken_identity_is_an_alert_and_an_absent_one_is_not() -> None:
    given = {"id": "1", "from": "a@x.example", "to": []}
    signed = email_detail({**given, "headers": {HEADER: header(key=OTHER)}}, "mb")
    life = History("1", summary(1), signed, {}, ())
    page = history_page(life, 90, check(signed.identity, PublicKey(jwk())))
    assert "✕ the signature is not valid" in page.text
    assert "ECDSA" not in page.text
    bare = History("1", summary(1), email_detail(given, "mb"), {}, ())
    assert "sent no identity header" in history_page(bare, 90).text
