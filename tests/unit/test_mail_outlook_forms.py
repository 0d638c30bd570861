"""Mail in Outlook's own forms: winmail.dat, rich text, mails within .msg files; and files within plain text."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in.importer import read_mail
from mm_tui.sandbox.mail_in.parse import parse_mail
from mm_tui.sandbox.mail_in.rtf import text_of_rtf, unpacked
from mm_tui.sandbox.mail_in.sources import ImportReport
from mm_tui.sandbox.mail_in.tnef import read_tnef
from tests.support.compound_file import compound_file, outlook_mail
from tests.support.winmail import packed, rich_html, winmail

HTML = "<html><body><p>You owe us <b>EUR 310</b> – größer {als} gedacht.</p></body></html>"
SHOWN = "You owe us **EUR 310** – größer {als} gedacht."


def mail_with(winmail_dat: bytes, text: str = "", name: str = "winmail.dat") -> IncomingMail:
    encoded = base64.b64encode(winmail_dat).decode()
    raw = (
        "From: a@x.example\nTo: b@y.example\nSubject: s\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\n{text}\n"
        f'--b\nContent-Type: application/ms-tnef; name="{name}"\nContent-Transfer-Encoding: base64\n\n{encoded}\n--b--\n'
    )
    return parse_mail(raw.encode(), lambda _what: None)


@pytest.mark.parametrize(
    "data",
    [
        winmail(text="Grüße, EUR 310"),
        winmail(properties=[(0x1E, 0x1000, "Grüße, EUR 310\0".encode("cp1252"))]),
        winmail(properties=[(0x1F, 0x1000, "Grüße, EUR 310\0".encode("utf-16-le"))]),
        winmail(properties=[(0x102, 0x1013, b"<p>Gr&uuml;&szlig;e, <i></i>EUR 310</p>")]),
        winmail(properties=[(0x102, 0x1009, packed(rb"{\rtf1\ansi\ansicpg1252 Gr\'fc\'dfe, {\b EUR} 310\par}"))]),
        winmail(text="plain", properties=[(0x102, 0x1009, packed(rich_html("<p>Grüße, EUR 310</p>")))]),
    ],
)
def test_the_text_of_winmail_dat_is_read(data: bytes) -> None:
    mail = mail_with(data)
    assert mail.body == "Grüße, EUR 310"
    assert [file.name for file in mail.attachments] == ["winmail.dat"]
    # What the mail says itself goes first.
    assert mail_with(data, "See below.").body == "See below."


def test_the_files_in_winmail_dat_have_their_long_names() -> None:
    inner = winmail(text="Older words", files=[("plan.pdf", b"%PDF-2")])
    data = winmail(
        text="Two files", files=[("Größe der Küche.pdf", b"%PDF-1"), ("b.txt", b"two")], wrapped=[("Old", inner)]
    )
    mail = mail_with(data, name="att0001.bin")
    assert [(file.name, file.data) for file in mail.attachments[1:]] == [
        ("Größe der Küche.pdf", b"%PDF-1"), ("b.txt", b"two"), ("plan.pdf", b"%PDF-2")
    ]  # fmt: skip
    assert mail.body.startswith("Two files\n\n----------") and mail.body.endswith("Subject: Old\n\nOlder words")


def test_a_winmail_dat_that_is_unreadable_or_has_no_text_is_noted() -> None:
    assert mail_with(winmail(files=[("a.txt", b"1")])).body == "(This email holds files and no text.)"
    assert "Outlook's own format" in mail_with(b"\x78\x9f\x3e\x22\x00\x00damaged").body
    assert "Outlook's own format" in mail_with(b"nothing of that kind").body


@given(st.binary(max_size=300), st.integers(0, 400))
def test_damaged_forms_never_fail(noise: bytes, cut: int) -> None:
    whole = winmail(text="Words", properties=[(0x102, 0x1009, packed(rich_html(HTML)))], files=[("a", b"1")])
    for data in (whole[:cut] + noise, whole[:6] + noise, noise):
        read_tnef(data, lambda _what: None)
    text_of_rtf(unpacked(packed(rich_html(HTML))[:cut] + noise))
    text_of_rtf(b"{\\rtf1 " + noise)


@given(st.text(alphabet="ab {}\\'\n", max_size=600))
def test_packed_rich_text_is_unpacked(text: str) -> None:
    assert unpacked(packed(text.encode())) == text.encode()


@pytest.mark.parametrize(
    ("rich", "text"),
    [
        (rb"{\rtf1\ansi Hello \b bold\b0  words\par Second\tab line}", "Hello bold words\nSecond\tline"),
        (rb"{\rtf1\ansi\uc1 \u8364?10 {\uc0\u8364 20} \u-10179?\u-8704?}", "€10 €20 😀"),
        (
            rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}{\f2\fcharset128 C;}}"
            rb"{\f1 \'cf\'f0\'e8\'e2\'e5\'f2} {\f2 \'93\'fa\'96\'7b} W\'e4rme}",
            "Привет 日本 Wärme",
        ),
        (
            rb"{\rtf1{\*\secret never}{\info{\title never}}{\field{\*\fldinst HYPERLINK x}{\fldrslt link}} \{a\}}",
            "link {a}",
        ),
    ],
)
def test_rich_text_in_words(rich: bytes, text: str) -> None:
    assert text_of_rtf(rich) == (text, False)
    raw = b"From: a@x.example\nContent-Type: text/rtf\n\n" + rich
    assert parse_mail(raw, lambda _what: None).body == text.expandtabs()


def outlook(tmp_path: Path, **more: object) -> IncomingMail:
    streams = outlook_mail(
        subject="Bill", body="", sender=("Nora", "nora@c.example"), to=[("Support", "s@shop.example")],
        message_id="<1@c.example>", sent=datetime(2026, 11, 5, 8, tzinfo=UTC), **more,  # type: ignore[arg-type]
    )  # fmt: skip
    (tmp_path / "a.msg").write_bytes(compound_file(streams))
    return next(read_mail([tmp_path / "a.msg"], ImportReport()))


def test_outlook_files_with_rich_text_alone(tmp_path: Path) -> None:
    assert outlook(tmp_path, rich=packed(rich_html(HTML))).body == SHOWN
    assert outlook(tmp_path, rich=packed(rb"{\rtf1\ansi Plain \b rich\b0  words\par}")).body == "Plain rich words"


def test_mails_in_an_outlook_file_are_read_with_their_files(tmp_path: Path) -> None:
    innermost = outlook_mail(
        subject="First", body="The very first words.", sender=("Ann", "ann@x.example"), to=[("Bo", "bo@x.example")],
        message_id="<3@x.example>", sent=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    inner = outlook_mail(
        subject="Second", body="Words between.", sender=("Bo", "bo@x.example"), to=[("Nora", "nora@c.example")],
        message_id="<2@x.example>", sent=datetime(2026, 11, 2, tzinfo=UTC), files=[("plan.pdf", b"%PDF" * 2000)],
        mails=[innermost],
    )  # fmt: skip
    mail = outlook(tmp_path, mails=[inner], files=[("top.pdf", b"%PDT" * 2000)])
    assert mail.subject == "Bill" and mail.sender == "Nora <nora@c.example>"
    for words in ("From: Bo <bo@x.example>", "Subject: Second", "Words between.", "plan.pdf", "The very first words."):
        assert words in mail.body
    assert {file.content_type for file in mail.attachments} >= {"message/rfc822"}
    assert ("top.pdf", b"%PDT" * 2000) in [(file.name, file.data) for file in mail.attachments]


def uuencoded(data: bytes) -> str:
    return "".join(binascii.b2a_uu(data[at : at + 45]).decode() for at in range(0, len(data), 45))


@given(st.binary(min_size=1, max_size=400), st.booleans())
def test_a_uuencoded_file_in_plain_text_is_a_file(data: bytes, stripped: bool) -> None:
    block = uuencoded(data)
    if stripped:
        block = "\n".join(line.rstrip() for line in block.split("\n"))
    raw = f"From: a@x.example\n\nSee the file.\n\nbegin 644 my plan.bin\n{block}`\nend\n\nRegards\n".encode()
    mail = parse_mail(raw, lambda _what: None)
    assert [(file.name, file.data) for file in mail.attachments] == [("my plan.bin", data)]
    assert mail.body == "See the file.\n\n(file: my plan.bin)\n\nRegards"


@pytest.mark.parametrize(
    "text",
    [
        "begin 644 a.txt\nthis is not encoded at all, as everybody can see from it\nend",
        "We begin 100 days of work\nand then we\nend",
        "begin 644 a.txt\n#86)C\nwithout its end",
    ],
)
def test_text_that_only_looks_uuencoded_stays_text(text: str) -> None:
    mail = parse_mail(f"From: a@x.example\n\n{text}\n".encode(), lambda _what: None)
    assert mail.attachments == () and mail.body == text


def test_a_base64_block_with_its_name_is_a_file() -> None:
    raw = b"From: a@x.example\n\nSee it.\n\nbegin-base64 644 plan.bin\nAQIDBA==\n====\n\nRegards\n"
    mail = parse_mail(raw, lambda _what: None)
    assert [(file.name, file.data) for file in mail.attachments] == [("plan.bin", b"\1\2\3\4")]
    assert mail.body == "See it.\n\n(file: plan.bin)\n\nRegards"


def test_an_uuencoded_part_with_more_behind_its_lines_is_read() -> None:
    block = uuencoded(b"Hello over there").replace("\n", "  checksum\n")
    raw = f"From: a@x.example\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a.txt\n{block}`\nend\n".encode()
    assert parse_mail(raw, lambda _what: None).body == "Hello over there"


def test_yenc_is_left_alone_and_said() -> None:
    block = "=ybegin line=128 size=3 name=a b.bin\nabc\n=yend size=3 crc32=00000000"
    mail = parse_mail(f"From: a@x.example\n\nHere:\n\n{block}\n".encode(), lambda _what: None)
    assert "yEnc" in mail.body.split("\n")[0] and block in mail.body
