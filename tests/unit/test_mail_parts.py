"""The parts of mail as it comes: text, HTML, invitations, reports and damaged encodings."""

from __future__ import annotations

import base64
import quopri

import pytest

from mm_tui.sandbox.mail_in.parse import parse_mail
from tests.support.mail_parts import HEAD, mail_of, part

HTML = part("text/html; charset=utf-8", "<p>You owe us <b>EUR 310</b> until 12 December, please pay in time.</p>")
CALENDAR = part(
    "text/calendar; method=REQUEST",
    "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nDTSTART:20261204T130000Z\nSUMMARY:Fitting\\, kitchen\n"
    "LOCATION:Hall 3\nORGANIZER:mailto:ann@x.example\nEND:VEVENT\nEND:VCALENDAR",
)


@pytest.mark.parametrize(
    "blank",
    [
        part("text/plain", ""),
        part("text/plain", " \n\t\n"),
        part("text/plain; charset=utf-8", base64.b64encode(b"\r\n\r\n").decode(), "Content-Transfer-Encoding: base64"),
        part(
            "text/plain; charset=utf-8",
            base64.b64encode("\ufeff\u200b ".encode()).decode(),
            "Content-Transfer-Encoding: BASE64",
        ),
        part("text/plain", "=20=0A=", "Content-Transfer-Encoding: quoted-printable"),
        part(
            "text/plain; charset=utf-16",
            base64.b64encode("\r\n".encode("utf-16")).decode(),
            "Content-Transfer-Encoding: base64",
        ),
        part("text/plain", "Your mail program does not support HTML."),
        part("text/plain", "Please view this email in your browser."),
    ],
)
def test_html_is_read_where_the_plain_text_says_nothing(blank: str) -> None:
    assert mail_of("multipart/alternative", blank, HTML).body.startswith("You owe us **EUR 310**")


@pytest.mark.parametrize("char", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_an_attached_email_with_odd_line_ends_in_a_header_is_kept(char: str) -> None:
    inner = part("message/rfc822", f"Subject: Inner\nX-Odd: a{char}b: c\n\nThe attached words.")
    mail = mail_of("multipart/mixed", part("text/plain", "See below."), inner)
    assert "Subject: Inner" in mail.body and "The attached words." in mail.body
    assert b"The attached words." in mail.attachments[0].data


def test_alternatives_that_are_no_text_do_not_hide_it() -> None:
    mail = mail_of("multipart/alternative", HTML, CALENDAR)
    assert mail.body.startswith("You owe us") and [file.content_type for file in mail.attachments] == ["text/calendar"]
    amp = part("text/x-amp-html", "<html amp4email><body><p>dynamic</p></body></html>")
    assert mail_of("multipart/alternative", HTML, amp).body.startswith("You owe us")
    assert mail_of("multipart/alternative", amp).body == "dynamic"
    assert (
        mail_of("multipart/alternative", part("text/plain", "The plain words."), amp, HTML).body == "The plain words."
    )
    related = f'Content-Type: multipart/related; boundary="r"\n\n--r\n{HTML}\n--r--\n'
    assert mail_of("multipart/alternative", part("text/plain", " "), related).body.startswith("You owe us")
    assert mail_of("multipart/alternative", part("text/enriched", "<bold>rich</bold> words")).body == "rich words"


def test_an_invitation_alone_is_described_in_words() -> None:
    mail = mail_of("multipart/mixed", CALENDAR)
    assert mail.body.split("\n") == [
        "Invitation: Fitting, kitchen", "From: 2026-12-04 13:00 UTC", "Where: Hall 3", "Organizer: ann@x.example"
    ]  # fmt: skip


def test_every_event_of_a_calendar_is_described_without_its_alarms() -> None:
    zone = "BEGIN:VTIMEZONE\nBEGIN:STANDARD\nDTSTART:19701025T030000\nEND:STANDARD\nEND:VTIMEZONE"
    alarm = "BEGIN:VALARM\nDESCRIPTION:Reminder\nEND:VALARM"
    text = (
        f"BEGIN:VCALENDAR\nMETHOD:REPLY\n{zone}\nBEGIN:VEVENT\nSUMMARY:One\n{alarm}\n"
        'DTSTART;TZID="Europe/Berlin":20261204T130000\nATTENDEE;CN="Li: Wu";PARTSTAT=DECLINED:mailto:li@x.example\n'
        "COMMENT:Not then\nEND:VEVENT\nBEGIN:VTODO\nSUMMARY:Two\nDUE:20261205\nEND:VTODO\nEND:VCALENDAR"
    )
    assert mail_of("multipart/mixed", part("text/calendar", text)).body.split("\n") == [
        "Answer to an invitation: One", "From: 2026-12-04 13:00 (Europe/Berlin)", "Answer: declined (li@x.example)",
        "", "Not then", "", "Answer to an invitation: Two", "Until: 2026-12-05",
    ]  # fmt: skip


def test_every_text_part_is_shown_in_order() -> None:
    mail = mail_of(
        "multipart/mixed", part("text/plain", "one"), part("text/html", "<p>two</p>"), part("text/plain", "three")
    )
    assert mail.body == "one\n\ntwo\n\nthree"
    mail = mail_of("multipart/mixed", part("text/plain", "kept", 'Content-Disposition: attachment; filename="a.txt"'))
    assert mail.body == "kept" and mail.attachments[0].data == b"kept\n"


@pytest.mark.parametrize("spelled", ["base64", "Base64 (comment)", " BASE64 ", '"base64"', "base64;", "base-64"])
def test_base64_however_it_is_spelled(spelled: str) -> None:
    raw = HEAD + f"Content-Transfer-Encoding: {spelled}\n\n".encode() + base64.encodebytes("Grüße".encode())
    assert parse_mail(raw, lambda _what: None).body == "Grüße"


@pytest.mark.parametrize("footer", ["", "\n--\nSent-to-all", "\n_______________\nThe list"])
def test_base64_with_the_letters_for_addresses(footer: str) -> None:
    text = "Is it ready? ~~~ Größe ÿÿ? " * 9
    encoded = base64.encodebytes(text.encode()).replace(b"+", b"-").replace(b"/", b"_").strip()
    assert b"-" in encoded or b"_" in encoded
    raw = HEAD + b"Content-Transfer-Encoding: base64\n\n" + encoded + footer.encode()
    body = parse_mail(raw, lambda _what: None).body
    assert body.startswith(text.strip()) and body.endswith(footer.lstrip("\n"))


@pytest.mark.parametrize(
    ("encoding", "raw", "text"),
    [
        ("base64", b"R3LDvMOfZQ==\nlist-name\n", "Grüße\n\nlist-name"),
        ("base64", b"R3LDvMOf\nlist-name\n", "Grüß\n\nlist-name"),
        ("base64", b"Rmlyc3Qu\nU2Vjb25kLg==\nVGhpcmQu\n", "First.Second.Third."),
        (
            "base64",
            base64.b64encode("Öle".encode()) + b"\nFooter of the list\n",
            "Öle\n\nFooter of the list",
        ),
        ("base64", b"Hello there\nthis is plain text", "Hello there\nthis is plain text"),
        ("base64", b"R3LD vMOf ZQ==", "Grüße"),
        ("quoted-printable", b"a line = \ngoes on=\t\r\n here", "a line goes on here"),
    ],
)
def test_damaged_encodings_lose_nothing(encoding: str, raw: bytes, text: str) -> None:
    head = f"{HEAD.decode()}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
    assert parse_mail(head.encode() + raw, lambda _what: None).body == text


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=\"fallback.pdf\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ('attachment; filename=""', "named.pdf"),
        ("attachment; filename*=x-unknown''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*=Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("attachment; filename*0*=''Gr%C3;\n filename*1*=%BC%C3%9Fe;\n filename*2=.pdf", "Grüße.pdf"),
        ("attachment filename=a.pdf", "a.pdf"),
        ('attachment; filename="a b.pdf', "a b.pdf"),
    ],
)
def test_file_names_however_they_are_given(disposition: str, name: str) -> None:
    file = part("application/pdf; name=named.pdf", "x", f"Content-Disposition: {disposition}")
    assert mail_of("multipart/mixed", file).attachments[0].name == name


def test_quoted_printable_with_a_comment_and_text_behind_base64() -> None:
    raw = HEAD + b"Content-Transfer-Encoding: Quoted-Printable (really)\n\n" + quopri.encodestring("Grüße = 1".encode())
    assert parse_mail(raw, lambda _what: None).body == "Grüße = 1"
    raw = (
        HEAD
        + b"Content-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(b"Hello there")
        + b"\n-- \nList footer: here\n"
    )
    body = parse_mail(raw, lambda _what: None).body
    assert body.startswith("Hello there") and "List footer: here" in body


REPORT = """Reporting-MTA: dns; mx.shop.example

Final-Recipient: rfc822; lost@c.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 user unknown

Original-Recipient: rfc822; team@c.example
Final-Recipient: rfc822; full@c.example
Action: delayed
Status: 4.2.2
"""


@pytest.mark.parametrize("encoded", [False, True])
def test_a_delivery_report_says_who_and_why_at_the_top_and_keeps_every_block(encoded: bool) -> None:
    status = part("message/delivery-status", REPORT)
    if encoded:
        text = base64.encodebytes(REPORT.encode()).decode()
        status = part("message/delivery-status", text, "Content-Transfer-Encoding: base64")
    returned = part(
        "message/rfc822", "From: s@shop.example\nTo: lost@c.example\nSubject: Your refund\n\nThe refund is on its way."
    )
    mail = mail_of("multipart/report; report-type=delivery-status", part("text/plain", "I'm sorry."), status, returned)
    top = mail.body.split("\n")
    assert top[0] == "Not delivered: lost@c.example: there is no such mailbox (550 5.1.1 user unknown)"
    assert (
        top[1]
        == "Not delivered yet; it is tried again: full@c.example (written to as team@c.example): the mailbox is full (4.2.2)"
    )
    for words in (
        "I'm sorry.",
        "mx.shop.example",
        "Final-Recipient: rfc822; full@c.example",
        "The refund is on its way.",
    ):
        assert words in mail.body


@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
def test_a_forwarded_mail_is_read_and_kept_whole(encoding: str) -> None:
    inner = b"From: Nora <nora@c.example>\nTo: s@shop.example\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n\nThe refund of EUR 40.\n"
    sent = {"": inner, "base64": base64.encodebytes(inner), "quoted-printable": quopri.encodestring(inner)}[encoding]
    headers = [f"Content-Transfer-Encoding: {encoding}"] if encoding else []
    forwarded = part('message/rfc822; name="a.eml"', sent.decode(), *headers)
    mail = mail_of("multipart/mixed", part("text/plain", "See below."), forwarded)
    assert mail.body.startswith("See below.") and "Subject: Grüße" in mail.body and "The refund of EUR 40." in mail.body
    assert mail.attachments[0].name == "a.eml" and mail.attachments[0].data.startswith(b"From: Nora")
    alone = parse_mail(HEAD + forwarded.encode(), lambda _what: None).body
    assert alone.startswith("(This email has no text of its own. It forwards the email below.)")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\n'
         b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\nx\n--b--\n",
         "encrypted with PGP"),
        (b"Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", "encrypted with PGP"),
        (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n"
         b"Content-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHA6CA\n", "encrypted with S/MIME"),
        (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64\n\nMIAG\n",
         "signed with S/MIME"),
        (b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+\n", "winmail.dat"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_reported(raw: bytes, words: str) -> None:
    assert words in parse_mail(HEAD + raw, lambda _what: None).body


def test_the_text_of_opaque_s_mime_is_read() -> None:
    inner = b"Content-Type: text/plain\r\n\r\nThe signed words.\r\n"
    octets = b"\x04" + bytes([len(inner)]) + inner
    content = b"\xa0" + bytes([len(octets)]) + octets
    encapsulated = bytes.fromhex("06092a864886f70d010701") + content
    signed = bytes.fromhex("06092a864886f70d010702") + b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80" + encapsulated
    raw = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64\n\n"
    mail = parse_mail(HEAD + raw + base64.encodebytes(b"\x30\x80" + signed), lambda _what: None)
    assert "The signed words." in mail.body


FLOWED = """Dear Ann, 
the lamp came 
today.

> You wrote: 
> it is 
>> older 
>> text
> lit.
 From now on
-- 
Bob"""


def test_a_blank_line_ends_a_flowed_paragraph() -> None:
    raw = HEAD + b"Content-Type: text/plain; format=flowed\n\none \ntwo \n\nthree\n> four \n>\n> five"
    assert parse_mail(raw, lambda _what: None).body == "one two\n\nthree\n> four\n>\n> five"


def test_flowed_lines_are_joined_and_quote_levels_kept() -> None:
    raw = HEAD + b"Content-Type: text/plain; format=flowed\n\n" + FLOWED.encode()
    assert parse_mail(raw, lambda _what: None).body == (
        "Dear Ann, the lamp came today.\n\n> You wrote: it is\n>> older text\n> lit.\nFrom now on\n-- \nBob"
    )
    raw = (
        HEAD
        + "Content-Type: text/plain; charset=utf-8; Format=Flowed; DelSp=Yes\n\nhttps://x.example/a/ \nb.html\n\nご注文 \nです".encode()
    )
    assert parse_mail(raw, lambda _what: None).body == "https://x.example/a/b.html\n\nご注文です"


def test_tabs_are_stops() -> None:
    raw = HEAD + "Content-Type: text/plain; charset=utf-8\n\nItem\tQty\nBulb E27\t4\n電球\t2\n".encode()
    assert parse_mail(raw, lambda _what: None).body == "Item    Qty\nBulb E27        4\n電球    2"


def test_a_boundary_that_is_not_the_one_named_is_found() -> None:
    inner = b"--B\nContent-Type: text/plain\n\nInside.\n--B\nContent-Type: application/pdf; name=a.pdf\n\nx\n--B--\n"
    for named in (b'multipart/mixed; boundary="other"', b"multipart/mixed"):
        mail = parse_mail(HEAD + b"Content-Type: " + named + b"\n\n" + inner, lambda _what: None)
        assert mail.body == "Inside." and [file.name for file in mail.attachments] == ["a.pdf"]


def test_text_before_the_first_part_is_read_where_there_is_no_other() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b"\n\nThe real words.\n--b\nContent-Type: application/pdf\n\nx\n--b--\n'
    assert parse_mail(HEAD + raw, lambda _what: None).body == "The real words."
    usual = raw.replace(b"The real words.", b"This is a multi-part message in MIME format.")
    assert parse_mail(HEAD + usual, lambda _what: None).body == ""


def test_a_receipt_and_a_report_without_a_clear_status_are_described_in_words() -> None:
    receipt = "Final-Recipient: rfc822; ann@x.example\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    mail = mail_of("multipart/report", part("message/disposition-notification", receipt))
    assert mail.body.startswith("ann@x.example has opened the email.")
    status = "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@c.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 mailbox is full\n"
    mail = mail_of("multipart/report", part("message/delivery-status", status))
    assert mail.body.startswith("Not delivered: a@c.example: the mailbox is full (550 mailbox is full)")


def test_parts_behind_an_inner_group_of_the_same_boundary_are_read() -> None:
    inner = f'Content-Type: multipart/alternative; boundary="b"\n\n--b\n{part("text/plain", "words")}\n--b--'
    file = part("application/pdf", "x", 'Content-Disposition: attachment; filename="a.pdf"')
    mail = mail_of("multipart/mixed", inner, file)
    assert mail.body == "words" and [one.name for one in mail.attachments] == ["a.pdf"]


def test_text_after_the_last_part_is_kept() -> None:
    inner = (
        'Content-Type: multipart/alternative; boundary="c"\n\n--c\n'
        + part("text/plain", "Words.")
        + "\n--c--\n\nFooter."
    )
    assert mail_of("multipart/mixed", inner).body == "Words.\n\nFooter."
    assert mail_of("multipart/mixed", part("text/plain", "Words.") + "\n--b--\n\u200b\n").body == "Words."


def test_mail_of_images_alone_is_described_so() -> None:
    assert "images alone" in mail_of("multipart/mixed", part("text/html", "<img src='cid:1'>")).body
