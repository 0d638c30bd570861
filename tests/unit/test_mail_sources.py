"""Where imported mail is stored, and how it is found there."""

from __future__ import annotations

import gzip
import mailbox
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in import MailImportError
from mm_tui.sandbox.mail_in.importer import read_mail
from mm_tui.sandbox.mail_in.sources import ImportReport
from tests.support.compound_file import compound_file, outlook_mail

LINE = b"From x@example.com Mon Nov  2 09:00:00 2026\n"


def mail(number: int, text: bytes = b"Text.") -> bytes:
    return b"From: Ann <ann@x.example>\nTo: b@y.example\nSubject: Mail %d\nMessage-ID: <%d@x.example>\n\n%s\n" % (
        number,
        number,
        text,
    )


def import_of(path: Path) -> tuple[list[IncomingMail], ImportReport]:
    report = ImportReport()
    return list(read_mail([path], report)), report


def subjects(path: Path) -> list[str]:
    return [one.subject for one in import_of(path)[0]]


@pytest.mark.parametrize(
    "data",
    [
        LINE + mail(1) + b"\n" + LINE + mail(2),
        b"\n\n" + LINE + mail(1) + b"\n" + LINE + mail(2),
        b"\xef\xbb\xbf" + LINE + mail(1) + b"\n" + LINE + mail(2),
        (LINE + mail(1) + b"\n" + LINE + mail(2)).replace(b"\n", b"\r"),
        (LINE + mail(1) + b"\n" + LINE + mail(2)).replace(b"\n", b"\r\n"),
        LINE + mail(1) + LINE + mail(2),
        b"Exported by a program\n\n" + LINE + mail(1) + b"\n" + LINE + mail(2),
        mail(1) + b"\n" + LINE + mail(2),
        b"\x01\x01\x01\x01\n" + mail(1) + b"\x01\x01\x01\x01\n\x01\x01\x01\x01\n" + mail(2) + b"\x01\x01\x01\x01\n",
        b"From ann@x.example Mon, 02 Nov 2026 09:00:00 +0100\n"
        + mail(1)
        + b"\nFrom ann@x.example 2026-11-02T10:00:00Z\n"
        + mail(2),
        b"From - Mon Nov  2 09:00:00 2026\n" + mail(1) + b"\nFrom - Tue Nov  3 09:00:00 2026\n" + mail(2),
        b"From MAILER-DAEMON Mon Nov  2 09:00:00 2026\n"
        + mail(1)
        + b"\nFrom nobody@x Tue Nov  3 09:00:00 CET 2026\n"
        + mail(2),
        (LINE + mail(1) + b"\n" + LINE + mail(2)).decode().encode("utf-16"),
    ],
)
def test_kinds_of_mbox(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "Inbox").write_bytes(data)
    mails, report = import_of(tmp_path / "Inbox")
    assert [(one.subject, one.body) for one in mails] == [
        ("Mail 1", "Text."),
        ("Mail 2", "Text."),
    ] and report.skipped == []


@pytest.mark.parametrize(
    "text",
    [
        b"Agenda:\n\nFrom the team to all:\nNote: bring plans.\n\nThe end.",
        b"\nFrom now on\n\nAll is well. The end.",
        b"From: me\n\nFrom here to there\nSubject: to change\n\nThe end.",
        b"He wrote:\n\nFrom Monday Nov 2 at 09:00 in 2026\nwe are closed.\n\nThe end.",
        b"quoted\n>From the start\n\nThe end.",
    ],
)
def test_text_that_begins_like_a_separator(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.mbox").write_bytes(LINE + mail(1, text) + b"\n" + LINE + mail(2))
    mails, _report = import_of(tmp_path / "a.mbox")
    assert [one.subject for one in mails] == ["Mail 1", "Mail 2"] and mails[0].body.endswith("The end.")


def test_a_length_is_believed_where_it_leads_to_the_next_mail(tmp_path: Path) -> None:
    inner = b"As sent:\n\n" + LINE + mail(9) + b"\nThe end.\n"
    counted = mail(1, inner).replace(b"\n\n", b"\nContent-Length: %d\n\n" % (len(inner) + 1), 1)
    (tmp_path / "a.mbox").write_bytes(LINE + counted + b"\n" + LINE + mail(2))
    mails, _report = import_of(tmp_path / "a.mbox")
    assert [one.subject for one in mails] == ["Mail 1", "Mail 2"] and mails[0].body.endswith("The end.")
    wrong = mail(1).replace(b"\n\n", b"\nContent-Length: 3\n\n", 1)
    (tmp_path / "a.mbox").write_bytes(LINE + wrong + b"\n" + LINE + mail(2))
    assert subjects(tmp_path / "a.mbox") == ["Mail 1", "Mail 2"]


PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x">\n<plist><dict/></plist>\n'


def test_apple_s_mailboxes(tmp_path: Path) -> None:
    box = tmp_path / "INBOX.mbox"
    (box / "Data" / "Messages").mkdir(parents=True)
    (box / "mbox").write_bytes(LINE + mail(1))
    (box / "table_of_contents").write_bytes(b"\x00\x01")
    (box / "Info.plist").write_bytes(PLIST)
    (box / "Data" / "Messages" / "10.emlx").write_bytes(b"%d\n" % len(mail(3)) + mail(3) + PLIST)
    (box / "Data" / "Messages" / "9.partial.emlx").write_bytes(b"%-10d\n" % len(mail(2)) + mail(2) + PLIST)
    mails, report = import_of(tmp_path)
    assert sorted(one.subject for one in mails) == ["Mail 1", "Mail 2", "Mail 3"]
    assert all(one.body == "Text." for one in mails) and report.skipped == []


def test_mh_and_thunderbird_and_maildir_folders(tmp_path: Path) -> None:
    mh = mailbox.MH(tmp_path / "mh")
    for number in range(1, 12):
        mh.add(mail(number))
    assert subjects(tmp_path / "mh") == [f"Mail {number}" for number in range(1, 12)]
    (tmp_path / "tb" / "Inbox.sbd").mkdir(parents=True)
    (tmp_path / "tb" / "Inbox").write_bytes(LINE + mail(1))
    (tmp_path / "tb" / "Inbox.msf").write_bytes(b"// <!-- mork -->")
    (tmp_path / "tb" / "Inbox.sbd" / "Old").write_bytes(LINE + mail(2))
    assert sorted(subjects(tmp_path / "tb")) == ["Mail 1", "Mail 2"]
    maildir = mailbox.Maildir(tmp_path / "md")
    maildir.add(mail(1))
    (tmp_path / "md" / ".Sent" / "cur").mkdir(parents=True)
    (tmp_path / "md" / ".Sent" / "cur" / "1:2,S").write_bytes(mail(2))
    assert sorted(subjects(tmp_path / "md")) == ["Mail 1", "Mail 2"]


def test_an_outlook_file(tmp_path: Path) -> None:
    (tmp_path / "a.msg").write_bytes(
        compound_file(
            outlook_mail(
                subject="Grüße",
                body="Die Lampe ist kaputt.",
                sender=("Nora Lind", "nora@c.example"),
                to=[("Support", "support@shop.example")],
                message_id="<1@c.example>",
                sent=datetime(2026, 11, 5, 8, 0, tzinfo=UTC),
                files=[("Bild.png", b"\x89PNG" * 2000)],
            )
        )
    )
    mails, report = import_of(tmp_path / "a.msg")
    assert report.skipped == []
    one = mails[0]
    assert (one.sender, one.to, one.subject) == (
        "Nora Lind <nora@c.example>",
        ("Support <support@shop.example>",),
        "Grüße",
    )
    assert (one.body, one.message_id) == ("Die Lampe ist kaputt.", "<1@c.example>")
    assert one.date == datetime(2026, 11, 5, 8, 0, tzinfo=UTC)
    assert [(file.name, file.data) for file in one.attachments] == [("Bild.png", b"\x89PNG" * 2000)]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "Die Lampe".encode("utf-16-le"), "Outlook file"),
        ("a.mbox.gz", gzip.compress(LINE + mail(1), mtime=0), "compressed"),
        ("archive.pst", b"!BDN" + bytes(100), "Outlook data file"),
        ("notes.txt", b"Dear diary.\nNote: lamps.", "not an email"),
        ("diary.txt", b"From the start all went well.\nAnd so on.", "not an email"),
        ("empty.eml", b"", "empty"),
    ],
)
def test_nothing_imported_is_an_error_with_the_reason(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MailImportError, match=reason):
        import_of(tmp_path / name)
    (tmp_path / "good.eml").write_bytes(mail(1))
    mails, report = import_of(tmp_path)
    assert len(mails) == 1 and reason in report.skipped[0]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MailImportError, match="holds no files"):
        import_of(tmp_path)


@pytest.mark.parametrize("envelope", [b"", LINE], ids=["eml", "mbox"])
def test_a_blank_before_the_colon_of_from_makes_no_separator(tmp_path: Path, envelope: bytes) -> None:
    place = tmp_path / "mail"
    place.write_bytes(envelope + mail(1).replace(b"From:", b"From :") + b"\n" + (envelope and envelope + mail(2)))
    mails, report = import_of(place)
    assert [one.sender for one in mails] == ["Ann <ann@x.example>"] * (2 if envelope else 1)
    assert "no sender" not in report.odd


def test_what_was_deleted_from_an_mh_folder_stays_deleted(tmp_path: Path) -> None:
    for name, number in (("1", 1), (",2", 2), ("#3", 3), ("10", 10)):
        (tmp_path / name).write_bytes(mail(number))
    assert subjects(tmp_path) == ["Mail 1", "Mail 10"]
