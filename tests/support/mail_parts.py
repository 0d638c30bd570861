"""Mail of several parts, built from text."""

from __future__ import annotations

from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in.parse import parse_mail

HEAD = b"From: Ann <ann@x.example>\nTo: bob@y.example\nSubject: Soup\nMessage-ID: <1@x.example>\nMIME-Version: 1.0\n"


def mail_of(kind: str, *parts: str, head: bytes = HEAD) -> IncomingMail:
    lines = [f'Content-Type: {kind}; boundary="b"\n']
    lines += [f"--b\n{part}\n" for part in parts]
    raw = head + "\n".join([*lines, "--b--\n"]).encode()
    return parse_mail(raw, lambda _what: None)


def part(kind: str, text: str, *headers: str) -> str:
    return "\n".join([f"Content-Type: {kind}", *headers, "", text])
