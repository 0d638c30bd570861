"""Headers of mail as it comes: addresses, dates and damaged blocks."""

from __future__ import annotations

import pytest

from mm_tui.sandbox.mail_in.parse import parse_mail
from tests.support.mail_parts import HEAD


@pytest.mark.parametrize(
    "head",
    [
        b"\xef\xbb\xbfFrom: Ann <ann@x.example>\nSubject: Soup\nTo: bob@y.example\n",
        b"\n\nFrom: Ann <ann@x.example>\nSubject: Soup\nTo: bob@y.example\n",
        b"*** Scanned by a gateway ***\nFrom: Ann <ann@x.example>\nSubject: Soup\nTo: bob@y.example\n",
        b"Exported 1 message\n\nFrom: Ann <ann@x.example>\nSubject: Soup\nTo: bob@y.example\n",
        b"From: Ann <ann@x.example>\nthis line is none\nSubject: Soup\nTo: bob@y.example\n",
        b"From : Ann <ann@x.example>\nSubject  : Soup\nTo :bob@y.example\n",
        b"From: Ann <ann@x.example>\n\nSubject: Soup\nTo: bob@y.example\n",
        b"From ann@x.example Mon Nov  2 09:00:00 2026\nFrom: Ann <ann@x.example>\nSubject: Soup\nTo: bob@y.example\n",
        b">From ann@x.example Mon Nov  2 09:00:00 2026\nFrom: Ann <ann@x.example>\nSubject: Soup\nTo: bob@y.example\n",
        b"FROM: Ann <ann@x.example>\r\nSUBJECT: Soup\r\nTO: bob@y.example\r\n",
        b"From:\n Ann <ann@x.example>\nSubject:\n\tSoup\nTo: bob@y.example\n",
        b"From: Ann <ann@x.example>\nSubject: Soup\n \nTo: bob@y.example\nContent-Type: text/plain (x); charset=utf-8\n",
    ],
)
def test_broken_header_blocks_are_mended(head: bytes) -> None:
    mail = parse_mail(head + b"\nThis text is fine.\n", lambda _what: None)
    assert (mail.sender, mail.subject, mail.to) == ("Ann <ann@x.example>", "Soup", ("bob@y.example",))
    assert mail.body == "This text is fine."


def test_a_body_that_looks_like_headers_stays_text() -> None:
    mail = parse_mail(HEAD + b"\nFrom: the team\nTo: all\nSubject: nothing\n\nText.\n", lambda _what: None)
    assert mail.body.startswith("From: the team") and mail.subject == "Soup"


def test_all_of_six_hundred_recipients_are_kept() -> None:
    people = ", ".join(f"Member {number} <m{number}@c.example>" for number in range(600))
    mail = parse_mail(f"From: a@x.example\nTo: {people}\n\nx".encode(), lambda _what: None)
    assert len(mail.to) == 600 and mail.to[599] == "Member 599 <m599@c.example>"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("Lind, Nora <n@x.example>, Falk, Bo <b@y.example>, c@z.example",
         ('"Lind, Nora" <n@x.example>', '"Falk, Bo" <b@y.example>', "c@z.example")),
        ("a@x.example; b@y.example", ("a@x.example", "b@y.example")),
        ("Team: a@x.example, Bo <b@y.example>;", ("a@x.example", "Bo <b@y.example>")),
        ("<a@x.example> <b@y.example>", ("a@x.example", "b@y.example")),
        ("a@x.example b@y.example", ("a@x.example", "b@y.example")),
        ("Nora <n@x.example", ("Nora <n@x.example>",)),
        ('"a@trusted.example" <b@evil.example>', ('"a@trusted.example" <b@evil.example>',)),
        ("a@trusted.example <b@evil.example>", ('"a@trusted.example" <b@evil.example>',)),
        ("a@x.example <a@x.example>, c@z.example", ("a@x.example", "c@z.example")),
        ('"nora lind"@x.example, Bo <"b f"@y.example>', ('"nora lind"@x.example', 'Bo <"b f"@y.example>')),
        ('"a@trusted.example"@evil.example', ('"a@trusted.example"@evil.example',)),
        ("n@[192.0.2.1], [b@y.example]", ("n@[192.0.2.1]", "b@y.example")),
        ("Nora <SMTP:n@x.example>", ("Nora <n@x.example>",)),
    ],
)  # fmt: skip
def test_lists_of_addresses(given: str, read: tuple[str, ...]) -> None:
    assert parse_mail(f"From: a@x.example\nTo: {given}\n\nx".encode(), lambda _what: None).to == read


def test_several_senders_are_all_named() -> None:
    raw = b"From: Ada <a@x.example>, Bo <b@y.example>\nSender: Office <o@z.example>\nSubject: Joint\n\nBoth."
    mail = parse_mail(raw, lambda _what: None)
    assert mail.sender == "Ada <a@x.example>"
    assert all(name in mail.body for name in ("Ada <a@x.example>", "Bo <b@y.example>", "Office <o@z.example>"))


def test_a_date_that_cannot_be_read_is_shown_as_it_stands() -> None:
    odd: list[str] = []
    mail = parse_mail(HEAD + b"Date: next Tuesday\n\nText", odd.append)
    assert mail.date is None and "unreadable date" in odd
    assert mail.body == '(The date of this email cannot be read: "next Tuesday".)\n\nText'


def test_all_addresses_that_replies_go_to_are_named() -> None:
    mail = parse_mail(b"Reply-To: a@x.example, Bo <b@y.example>\n" + HEAD + b"\nHi.", lambda _what: None)
    assert mail.reply_to == "a@x.example" and "(Replies go to 2 addresses: a@x.example, Bo <b@y.example>.)" in mail.body
