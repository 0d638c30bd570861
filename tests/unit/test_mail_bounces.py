"""Delivery reports without a standard's form: the recipient and the reason stand at the top, in plain words."""

from __future__ import annotations

import itertools

import pytest

from mm_tui.sandbox.mail_in.parse import parse_mail

REPLIES = {
    "550 5.1.1 User unknown": "there is no such mailbox",
    "550 No such user here": "there is no such mailbox",
    "452 4.2.2 Mailbox full": "the mailbox is full",
    "552 5.2.2 <{}>: quota exceeded": "the mailbox is full",
    "550 5.7.26 unauthenticated": "it was refused: the sender could not be verified",
    "451 4.7.1 Greylisted, please try later": "the other server asks to try again later",
    "554 message too large": "the email is too large",
}
SERVERS = {
    "qmail": (
        "MAILER-DAEMON@x.example",
        "failure notice",
        "Hi. This is the qmail-send program at x.example.\nThis is a permanent error; I've given up.\n\n{blocks}"
        "--- Below this line is a copy of the message.\n\nReturn-Path: <s@shop.example>\nTo: other@copy.example\n",
        "<{address}>:\n192.0.2.7 does not like recipient.\nRemote host said: {reply}\nGiving up on 192.0.2.7.\n\n",
    ),
    "exim": (
        "Mail Delivery System <Mailer-Daemon@x.example>",
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of its recipients.\n"
        "This is a permanent error. The following address(es) failed:\n\n{blocks}"
        "------ This is a copy of the message, including all the headers. ------\n\nTo: other@copy.example\n",
        "  {address}\n    SMTP error from remote mail server after RCPT TO:<{address}>:\n"
        "    host mx.x.example [192.0.2.1]: {reply}\n\n",
    ),
    "sendmail": (
        "Mail Delivery Subsystem <MAILER-DAEMON@x.example>",
        "Returned mail: see transcript for details",
        "The original message was received at Thu, 5 Nov 2026 07:59:00 GMT\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n{blocks}\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.x.example.:\n",
        "<{address}>\n    (reason: {reply})\n",
    ),
    "postfix in German": (
        "MAILER-DAEMON@x.example (Mail Delivery System)",
        "Unzustellbar: zurück an Absender",
        "Ihre Nachricht konnte nicht zugestellt werden.\n\n{blocks}",
        "<{address}>: Host mx.x.example[192.0.2.1] sagte:\n    {reply} (als Antwort auf RCPT TO)\n\n",
    ),
    "postfix in French": (
        "Postmaster <postmaster@x.example>",
        "Courrier non distribué retourné à l'expéditeur",
        "Votre message n'a pas pu être remis.\n\n{blocks}",
        "<{address}>: l'hôte mx.x.example[192.0.2.3] a répondu : {reply}\n\n",
    ),
    "exchange": (
        "Microsoft Outlook <postmaster@x.example>",
        "Undeliverable: Your refund",
        "Your message\n\n  To:      Nora\n  Subject: Your refund\n\ndid not reach the following recipient(s):\n\n{blocks}",
        "{address} on Thu, 5 Nov 2026 09:00:02 +0100\n    The message could not be delivered.\n"
        "    <mail.x.example #smtp;{reply}>\n\n",
    ),
    "groupwise": (
        "Mailer-Daemon@x.example",
        "Message status - undeliverable",
        "The message that you sent was undeliverable to the following:\n{blocks}\n",
        "\t{address} ({reply})\n",
    ),
}
ADDRESSES = ("lost@customer.example", "o'neil+a.b@mail.two.example", "x_y-z@three.example")


def body_of(sender: str, subject: str, text: str, *headers: str) -> str:
    head = [f"From: {sender}", f"Subject: {subject}", "To: s@shop.example", "Content-Type: text/plain; charset=utf-8"]
    return parse_mail("\n".join([*head, *headers, "", text]).encode(), lambda _what: None).body


@pytest.mark.parametrize("server", SERVERS)
def test_every_recipient_and_the_reason_are_at_the_top(server: str) -> None:
    sender, subject, frame, block = SERVERS[server]
    for count, shift in itertools.product((1, 2, 3), range(len(REPLIES))):
        replies = [[*REPLIES][(shift + at) % len(REPLIES)] for at in range(count)]
        reported = zip(ADDRESSES, replies, strict=False)
        blocks = "".join(block.format(address=one, reply=reply.format(one)) for one, reply in reported)
        text = frame.format(blocks=blocks)
        body = body_of(sender, subject, text)
        lines = body.split("\n\n")[0].split("\n")
        assert [line.split(": ")[1] for line in lines] == [*ADDRESSES[:count]], body
        for line, reply in zip(lines, replies, strict=True):
            assert REPLIES[reply] in line and line.startswith("Not delivered"), (line, reply)
        assert text.expandtabs().strip() in body and "copy.example" not in "".join(lines)


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        ("postmaster@x.example", "Unzustellbar: Ihre Bestellung", "Die Adresse lost@customer.example ist unbekannt."),
        ("MAILER-DAEMON@x.example", "配信不能メール", "<lost@customer.example> へのメールは配信できませんでした。"),
        (
            "postmaster@x.example",
            "DELIVERY FAILURE: not listed",
            "was not delivered to:\n\n  lost@customer.example\n\nbecause:\n\n  User lost not listed in Domino Directory",
        ),
        ("MAILER-DAEMON@x.example", "No se pudo entregar", "<lost@customer.example>: buzón lleno"),
    ],
)
def test_reports_in_other_words(sender: str, subject: str, text: str) -> None:
    assert body_of(sender, subject, text).startswith("Not delivered: lost@customer.example")


def test_the_header_that_names_the_recipient_is_used() -> None:
    body = body_of("x@y.example", "Sorry", "It did not work.", "X-Failed-Recipients: a@one.example, b@two.example")
    assert body.startswith("Not delivered: a@one.example\nNot delivered: b@two.example\n\nIt did not work.")


def test_a_delay_is_no_failure() -> None:
    text = "The address to which the message has not yet been delivered is:\n\n  late@customer.example\n    451 busy\n"
    body = body_of("Mailer-Daemon@x.example", "Warning: message 1abc delayed 24 hours", text)
    assert body.startswith("Not delivered yet; it is tried again: late@customer.example")


def test_a_report_that_names_nobody_is_described_so() -> None:
    assert body_of("MAILER-DAEMON@x.example", "Undelivered Mail", "Something went wrong.").startswith("Not delivered:")


@pytest.mark.parametrize(
    ("sender", "subject"),
    [
        ("Nora <nora@c.example>", "Undelivered mail to bo@two.example?"),
        ("Postmaster <postmaster@c.example>", "Our new mail server"),
        ("bounces+17@news.example", "Lamps of the month: delivery status of your order"),
    ],
)
def test_people_and_newsletters_are_no_reports(sender: str, subject: str) -> None:
    text = "My mail to\n\nbo@two.example: came back\n\nWhy?"
    assert body_of(sender, subject, text) == text


STATUS = "Reporting-MTA: dns; x\n{gap}Final-Recipient: rfc822; a@c.example\nAction: failed\nStatus: 5.1.1\n{gap}"
STATUS += "Final-Recipient: rfc822; b@c.example\nAction: failed\nStatus: 5.2.2\n"


@pytest.mark.parametrize("gap", ["\n", "", "\n\n", " \n"])
def test_each_recipient_of_a_report_is_named_whatever_separates_them(gap: str) -> None:
    raw = (
        "From: MAILER-DAEMON@x.example\nSubject: Failure\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: message/delivery-status\n\n{STATUS.format(gap=gap)}--b--\n"
    )
    body = parse_mail(raw.encode(), lambda _what: None).body
    assert body.startswith(
        "Not delivered: a@c.example: there is no such mailbox (5.1.1)\n"
        "Not delivered: b@c.example: the mailbox is full (5.2.2)\n\nReporting-MTA: dns; x"
    )
    assert body.count("Final-Recipient") == 2
