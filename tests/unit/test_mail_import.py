"""Import of real mail, broken mail first."""

from __future__ import annotations

import base64
import io
import itertools
import mailbox
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in import MailImportError
from mm_tui.sandbox.mail_in.html import html_to_markdown
from mm_tui.sandbox.mail_in.importer import ProgressBar, import_with_bar, read_mail
from mm_tui.sandbox.mail_in.parse import UNKNOWN_SENDER, parse_mail
from mm_tui.sandbox.mail_in.sources import ImportReport

# Read on import: the tests' own environment is emptied of the program's variables.
CORPUS = os.environ.get("MM_TUI_CORPUS")
HEAD = b"From: Ann <ann@x.example>\nTo: Bob <bob@y.example>\nSubject: Soup\nDate: Fri, 20 Nov 2026 10:00:00 +0100\n"
WHOLE = HEAD + b"Message-ID: <1@x.example>\n"


def parse(raw: bytes) -> tuple[IncomingMail, list[str]]:
    odd: list[str] = []
    return parse_mail(raw, odd.append), odd


def import_of(*paths: Path) -> tuple[list[IncomingMail], ImportReport]:
    report = ImportReport()
    return list(read_mail(paths, report)), report


class TestOneMail:
    def test_a_sound_mail_has_nothing_odd(self) -> None:
        mail, odd = parse(WHOLE + b"In-Reply-To: <0@x.example>\nReferences: <a@x> <0@x.example>\n\nHello.\n")
        assert odd == []
        assert mail.sender == "Ann <ann@x.example>" and mail.to == ("Bob <bob@y.example>",)
        assert mail.date == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
        assert (mail.message_id, mail.in_reply_to) == ("<1@x.example>", "<0@x.example>")
        assert mail.references == ("<a@x>", "<0@x.example>")
        assert mail.body == "Hello."

    @pytest.mark.parametrize(
        ("subject", "shown"),
        [
            (b"=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
            (b"=?iso-8859-1?Q?caf=E9?= =?utf-8?q?_ol=C3=A9?=", "café olé"),
            (b"=?utf-8?B?5L2g5aU=?= =?utf-8?B?vQ==?=", "你好"),
            (b"=?utf-8*en?Q?plain?= text", "plain text"),
            (b"a =?utf-8?Q?b?= c =?utf-8?Q?d?=\n =?utf-8?Q?e?=", "a b c de"),
            (b"=?nonsense?Q?caf=C3=A9?=", "café"),
            (b"=?utf-8?B?!!!?=", "!!!"),
            (b"=?utf-8?Q?open", "open"),
            (b"Gr\xfc\xdfe", "Grüße"),
            (b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
            (b"folded\n\tline", "folded line"),
        ],
    )
    def test_subjects(self, subject: bytes, shown: str) -> None:
        mail, _odd = parse(b"Subject: " + subject + b"\n\nx")
        assert mail.subject == shown

    @pytest.mark.parametrize(
        ("charset", "data", "text"),
        [
            ("utf-8", "Grüße".encode(), "Grüße"),
            ("iso-8859-1", b"\x93caf\xe9\x94", "“café”"),
            ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
            ("gb2312", "镕".encode("gb18030"), "镕"),
            ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
            ("us-ascii", "né".encode(), "né"),
            ("x-made-up", b"caf\xe9", "café"),
            ("utf-8", b"\xff\xfecaf\xe9", "ÿþcafé"),
            ("base64", b"x", "x"),
            ("utf-7", b"+2AA-", "?"),
            ('"', b"x", "x"),
        ],
    )
    def test_charsets(self, charset: str, data: bytes, text: str) -> None:
        mail, _odd = parse(WHOLE + f"Content-Type: text/plain; charset={charset}\n\n".encode() + data)
        assert mail.body == text

    @pytest.mark.parametrize("encoding", [b"base64", b"quoted-printable", b"x-uuencode", b"wrong", b"7bit", b"binary"])
    @pytest.mark.parametrize("body", [b"", b"=", b"=ZZ", b"Zm9v", b"Zm9vY", b"\xff\x00", b"begin 666 x\n!!\nend\n"])
    def test_transfer_encodings_never_fail(self, encoding: bytes, body: bytes) -> None:
        mail, _odd = parse(WHOLE + b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body)
        assert mail.subject == "Soup"

    def test_broken_base64_is_noted(self) -> None:
        _mail, odd = parse(WHOLE + b"Content-Transfer-Encoding: base64\n\nZm9vY\n")
        assert "broken base64" in odd

    def test_missing_headers_are_noted(self) -> None:
        mail, odd = parse(b"\nonly a body")
        assert set(odd) >= {"no sender", "no recipient", "no subject", "no date", "no message-id"}
        assert mail.sender == UNKNOWN_SENDER and mail.date is None and mail.body == "only a body"

    def test_a_missing_date_is_taken_from_received_or_the_envelope(self) -> None:
        received = b"Received: from a by b; Fri, 20 Nov 2026 08:00:00 +0000\n\nx"
        assert parse(received)[0].date == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
        mail = parse_mail(b"Date: soon\n\nx", lambda _what: None, envelope="ann@x.example Fri Nov 20 07:00:00 2026")
        assert mail.date == datetime(2026, 11, 20, 7, 0, tzinfo=UTC)
        assert mail.sender == "ann@x.example"

    @pytest.mark.parametrize(
        "date", ["Fri, 99 Nov 2026 10:00", "0", "Fri, 20 Nov 99999 10:00:00 +0100", "\x00", "1 Jan 1 00:00 +9999"]
    )
    def test_unreadable_dates(self, date: str) -> None:
        mail, odd = parse(f"Date: {date}\n\nx".encode())
        assert mail.date is None and "unreadable date" in odd

    @pytest.mark.parametrize(
        ("raw", "shown"),
        [
            (b'"Bell, Anna" <a@x.example>', '"Bell, Anna" <a@x.example>'),
            (b"=?utf-8?Q?Bell=2C_Ann=C3=A9?= <a@x.example>", '"Bell, Anné" <a@x.example>'),
            (b"a@x.example (Ann)", "Ann <a@x.example>"),
            (b"J\xfcrgen <j@x.example>", "Jürgen <j@x.example>"),
            (b"nobody in particular", "nobody in particular"),
        ],
    )
    def test_senders(self, raw: bytes, shown: str) -> None:
        assert parse(b"From: " + raw + b"\n\nx")[0].sender == shown

    def test_recipients_hidden_from_us(self) -> None:
        mail, odd = parse(b"To: undisclosed-recipients:;\n\nx")
        assert mail.to == () and "no recipient" in odd and "unreadable address" not in odd


class TestStructure:
    def test_plain_text_is_preferred_and_files_are_kept_from_every_branch(self) -> None:
        message = EmailMessage()
        message["Subject"] = "Soup"
        message.set_content("plain")
        message.add_alternative("<p>rich</p>", subtype="html")
        message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Grüße.pdf")
        mail, _odd = parse(message.as_bytes())
        assert mail.body == "plain"
        assert [(item.name, item.content_type, item.data) for item in mail.attachments] == [
            ("Grüße.pdf", "application/pdf", b"%PDF")
        ]
        hidden_in_the_other = (
            WHOLE + b'Content-Type: multipart/alternative; boundary="a"\n\n--a\n\nplain\n--a\n'
            b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b\n'
            b'Content-Type: application/pdf; name="x.pdf"\n\n%PDF\n--b--\n--a--\n'
        )
        mail, _odd = parse(hidden_in_the_other)
        assert mail.body == "plain" and [item.name for item in mail.attachments] == ["x.pdf"]

    def test_html_alone_becomes_markdown(self) -> None:
        html = b"<style>p{}</style><h1>Hi</h1><p>a <b>b</b> <a href='https://x.example/'>c</a></p><script>x()</script>"
        mail, _odd = parse(WHOLE + b"Content-Type: text/html\n\n" + html)
        assert mail.body == "# Hi\n\na **b** [c](https://x.example/)"

    def test_a_forwarded_mail_is_an_attachment(self) -> None:
        mail, _odd = parse(WHOLE + b"Content-Type: message/rfc822\n\n" + HEAD + b"\ninner\n")
        assert mail.attachments[0].name == "message-1.eml" and b"inner" in mail.attachments[0].data

    @pytest.mark.parametrize(
        "raw",
        [
            b"Content-Type: multipart/mixed\n\nno boundary\n",
            b'Content-Type: multipart/mixed; boundary="b"\n\nnever started\n',
            b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nnever closed\n',
            b'Content-Type: multipart/alternative; boundary="b"\n\n--b--\n',
            b"Content-Type: ;;;=\n\nx\n",
            b"Content-Type: text/plain; charset*=bad''%FF\n\nx\n",
            b"Content-Disposition: attachment; filename*=zz'x'%E9\n\nx\n",
            b"Content-Disposition: attachment; filename*0*=x; filename*2=y\n\nx\n",
            b" leading continuation\nSubject: x\n\ny",
            b"no colon here\nSubject: x\n\ny",
            b"Subject: x",
            b"From:\nTo: ,,,;;<<>>@\n\n",
            b'From: "unclosed <a@x.example>\n\nx',
            b"To: " + b"(" * 3000 + b"\n\nx",
            b"To: " + b"a@x.example, " * 3000 + b"\n\nx",
            b"References: " + b"<a@b> " * 20000 + b"\n\nx",
            b"Subject: " + b"=?utf-8?Q?a?= " * 20000 + b"\n\nx",
            b"\x00" * 1000,
            b"Content-Type: text/plain (x); charset*=x-nope''y\n\nx",
            b'Content-Type: application/pdf; name=""; x=\xff\n\nx',
            b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: \xcc\x95\xff\n\nx",
        ],
    )
    def test_broken_structure_never_fails(self, raw: bytes) -> None:
        started = time.perf_counter()
        parse(raw)
        assert time.perf_counter() - started < 3

    @pytest.mark.parametrize("depth", [100, 3000])
    def test_deep_nesting(self, depth: int) -> None:
        parts = [b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)]
        mail, odd = parse(WHOLE + b"".join(parts) + b"\nat the bottom\n")
        assert odd and b"at the bottom" in mail.body.encode() + b"".join(item.data for item in mail.attachments)

    @settings(max_examples=150)
    @given(
        st.binary(max_size=400), st.sampled_from([b"", WHOLE, b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"])
    )
    def test_any_bytes_make_a_mail(self, raw: bytes, head: bytes) -> None:
        mail, _odd = parse(head + raw)
        for text in (mail.sender, mail.subject, mail.body, *mail.to, *(item.name for item in mail.attachments)):
            text.encode("utf-8")


class TestHtml:
    @pytest.mark.parametrize("tag", ["div", "table><tr><td", "blockquote", "b"])
    def test_deep_nesting_keeps_the_text(self, tag: str) -> None:
        odd: list[str] = []
        assert "deep" in html_to_markdown(f"<{tag}>" * 5000 + "deep", odd.append)
        assert odd == ["HTML nested too deep for markdown"]

    def test_huge_bodies_lose_only_their_tags(self) -> None:
        odd: list[str] = []
        made = html_to_markdown("<script>no</script>" + "<p>word</p>" * 100_000, odd.append)
        assert made.count("word") == 100_000 and "no" not in made and odd

    @pytest.mark.parametrize(
        "html", ["<![if", "<!-", "<a href=", "&#xffffffff;", "<![CDATA[x", "</p></p>", "<p" * 2000, "<", "\x00"]
    )
    def test_malformed_html(self, html: str) -> None:
        html_to_markdown(html + " text", lambda _what: None)

    def test_no_script_no_image_no_odd_link(self) -> None:
        html = "<img src='http://x.example/spy.gif' alt='A cat'><a href='javascript:alert(1)'>go</a><!-- hidden -->"
        made = html_to_markdown(html, lambda _what: None)
        assert made == "[image: A cat]go"


MBOX = b"""From ann@x.example Fri Nov 20 10:00:00 2026
From: Ann <ann@x.example>
To: bob@y.example
Subject: one
Date: Fri, 20 Nov 2026 10:00:00 +0000
Message-ID: <1@x.example>

Body.
>From here on it is quoted.

From here on the quoting was forgotten.

From bob@y.example Fri Nov 20 11:00:00 2026
From: bob@y.example
To: ann@x.example
Subject: Re: one
Date: Fri, 20 Nov 2026 11:00:00 +0000
Message-ID: <1@x.example>
In-Reply-To: <1@x.example>

Same id.

From - Fri Nov 20 12:00:00 2026
Subject: three

"""


class TestSources:
    def test_an_mbox(self, tmp_path: Path) -> None:
        (tmp_path / "in.mbox").write_bytes(MBOX)
        mails, report = import_of(tmp_path / "in.mbox")
        assert [mail.subject for mail in mails] == ["one", "Re: one", "three"]
        assert "\nFrom here on it is quoted." in mails[0].body and "forgotten." in mails[0].body
        assert report.imported == 3
        assert report.odd['unquoted "From " line'] == ["in.mbox #1"]
        assert report.odd["message-id seen before"] == ["in.mbox #2"]
        assert report.odd["no date"] == ["in.mbox #3"]
        assert mails[1].message_id == mails[1].in_reply_to == "<1@x.example>"
        assert mails[2].date == datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
        assert str(report).startswith("3 emails imported, with 0 attachments\nno address is taken as yours")

    def test_an_mbox_written_by_the_standard_library(self, tmp_path: Path) -> None:
        box = mailbox.mbox(tmp_path / "box")
        for number in range(30):
            message = EmailMessage()
            message["Subject"] = f"mail {number}"
            message.set_content("text\nFrom the start\n\nFrom: x\n")
            box.add(message)
        box.close()
        mails, _report = import_of(tmp_path / "box")
        assert [mail.subject for mail in mails] == [f"mail {number}" for number in range(30)]
        assert all("From the start" in mail.body for mail in mails)

    def test_a_maildir(self, tmp_path: Path) -> None:
        box = mailbox.Maildir(tmp_path / "md")
        for number in range(3):
            box.add(HEAD + b"\nbody %d" % number)
        (tmp_path / "md" / "tmp" / "half").write_bytes(b"half written")
        mails, report = import_of(tmp_path / "md")
        assert sorted(mail.body for mail in mails) == ["body 0", "body 1", "body 2"] and report.skipped == []

    def test_a_folder_says_what_it_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "a.eml").write_bytes(WHOLE + b"\na")
        (tmp_path / "b.EML").write_bytes(HEAD + b"\nb")
        (tmp_path / "c.mbox").write_bytes(MBOX)
        (tmp_path / "empty.eml").write_bytes(b"")
        (tmp_path / "notes\x1b[31m.txt").write_text("no mail")
        mails, report = import_of(tmp_path)
        assert len(mails) == report.imported == 5
        assert len(report.skipped) == 2
        assert not any("\x1b" in line for line in report.lines())

    def test_several_paths_and_one_mail(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(HEAD + b"\n" + name.encode())
        mails, _report = import_of(tmp_path / "b", tmp_path / "a")
        assert [mail.body for mail in mails] == ["b", "a"]

    def test_a_path_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(MailImportError, match="nowhere"):
            import_of(tmp_path / "nowhere")


class TestProgress:
    def test_it_is_reported_to_the_end(self, tmp_path: Path) -> None:
        (tmp_path / "a.mbox").write_bytes(MBOX)
        (tmp_path / "b.eml").write_bytes(WHOLE + b"\nb")
        reported: list[tuple[int, int]] = []
        report = ImportReport()
        list(read_mail([tmp_path], report, lambda done, total: reported.append((done, total))))
        total = len(MBOX) + len(WHOLE) + 2
        assert [done for done, _total in reported] == sorted(done for done, _total in reported)
        assert reported[-1] == (total, total) and len(reported) == 4

    def test_the_bar_comes_late_and_goes_away(self) -> None:
        ticks: Iterator[float] = itertools.count(0.0, 0.4)
        stream = io.StringIO()
        bar = ProgressBar(stream, clock=lambda: next(ticks))
        bar(1, 10)
        assert stream.getvalue() == ""
        for done in range(2, 6):
            bar(done, 10)
        bar.close()
        assert " 50%" in stream.getvalue() and stream.getvalue().endswith("\r")

    def test_no_bar_where_there_is_no_terminal(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "a.mbox").write_bytes(MBOX)
        mails, report = import_with_bar([tmp_path / "a.mbox"])
        assert len(mails) == report.imported == 3
        assert capsys.readouterr().err == ""


def test_a_large_attachment_survives(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    raw = WHOLE + b'Content-Type: application/zip; name="a.zip"\nContent-Transfer-Encoding: base64\n\n'
    (tmp_path / "a.eml").write_bytes(raw + base64.encodebytes(data))
    mails, report = import_of(tmp_path / "a.eml")
    assert mails[0].attachments[0].data == data and report.attachments == 1 and report.odd == {}


def test_the_standard_library_s_collection_of_broken_mail() -> None:
    package = pytest.importorskip("test.test_email", reason="this Python comes without its own tests")
    samples = sorted((Path(str(package.__file__)).parent / "data").glob("msg_*.txt"))
    if not samples:
        pytest.skip("this Python comes without its own tests' mail")
    for sample in samples:
        mail, odd = parse(sample.read_bytes())
        assert mail.body or mail.attachments or "no content" in odd, sample.name


def test_a_corpus_of_real_mail() -> None:
    if not CORPUS:
        pytest.skip("MM_TUI_CORPUS is not set to an mbox of real mail: the import of real mail was NOT tried")
    mails, report = import_of(Path(CORPUS))
    separators = sum(line.startswith(b"From ") for line in Path(CORPUS).read_bytes().split(b"\n"))
    assert len(mails) == report.imported == separators
    assert sum(not (mail.body or mail.attachments) for mail in mails) == len(report.odd.get("no content", []))


@pytest.mark.parametrize("kind", ["text/plain", "multipart/mixed", "message/rfc822", "multipart/alternative"])
@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode"])
def test_a_charset_that_cannot_replace_what_it_does_not_know_stops_no_import(kind: str, charset: str) -> None:
    head = f"From: a@b.example\nTo: c@d.example\nContent-Type: {kind}; charset={charset}; boundary=q\n\n"
    mail = parse_mail(head.encode() + b"--other\n\nRefund of 20 \xe2\x82\xac\n--other--\n", lambda _what: None)
    assert "Refund of 20" in mail.body or mail.attachments


def test_the_readers_own_addresses_are_those_that_mail_was_delivered_to_and_sent_from(tmp_path: Path) -> None:
    (tmp_path / "Sent").mkdir()
    delivered = b"Delivered-To: Me@Y.example\nDelivered-To: ann@x.example\n"
    (tmp_path / "a.eml").write_bytes(delivered + WHOLE + b"\nHello.\n")
    listed = b"Delivered-To: talk@list.example\nX-BeenThere: talk@list.example\n"
    (tmp_path / "b.eml").write_bytes(listed + WHOLE + b"\nHello all.\n")
    (tmp_path / "Sent" / "c.eml").write_bytes(WHOLE.replace(b"ann@x.example", b"desk@y.example") + b"\nYes.\n")
    _, report = import_of(tmp_path)
    assert sorted(report.own) == ["desk@y.example", "me@y.example"]
    assert "taken as yours" in report.lines()[1] and "me@y.example" in report.lines()[1]
