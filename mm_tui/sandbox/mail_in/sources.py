"""Reads stored mail: mbox files, Maildirs, MH folders, Apple's and Outlook's files, single emails, folders of these.
Files are recognized by content, not by name. Each skipped file is reported with the reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mm_tui.sandbox.mail_in import MailImportError
from mm_tui.sandbox.mail_in.charsets import Odd
from mm_tui.sandbox.mail_in.headers import is_header_block
from mm_tui.sandbox.mail_in.mbox import RawMail, begins_with_separator, first_separator, mails_of_mbox
from mm_tui.sandbox.mail_in.outlook import COMPOUND_FILE, UnreadableOutlookFile, mail_of_outlook_file
from mm_tui.text import OneLine, system_words

_SHOWN_PLACES = 5
_MAIL_ENDINGS = (".eml", ".mbox", ".mbx", ".msg", ".emlx", ".mht")
_MMDF = b"\x01\x01\x01\x01\n"
"""The separator around each email of an MMDF folder."""
_EMLX = re.compile(rb"\s*(\d{1,10})[ \t]*\r?\n")
_NO_MAIL: dict[bytes | tuple[bytes, ...], str] = {
    b"!BDN": "an Outlook data file (.pst): export its mail as .eml or mbox first",
    b"\xcf\xad\x12\xfe": "an Outlook Express folder (.dbx): export its mail as .eml first",
    (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf"): "compressed: unpack it first",
    b"PK\x03\x04": "a ZIP archive: unpack it first",
    b"BABYL OPTIONS:": "an old Rmail file (Babyl): convert it to mbox first",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "a database",
}
_DELIVERED = re.compile(
    rb"^(?:delivered-to|x-original-to|envelope-to):[ \t]*<?([^\s<>@]+@[^\s<>@]+)>?[ \t]*$", re.MULTILINE
)
_LIST = re.compile(rb"^(?:list-post|x-beenthere|mailing-list):(.*)$", re.MULTILINE)
_ADDRESS = re.compile(rb"[^\s<>@:;,]+@[^\s<>@:;,]+")
_SENT = frozenset({"sent", "sent mail", "sent-mail", "sent messages", "sent items"})
"""Names of folders for sent mail, in lower case."""
_BY_THE_WAY = re.compile(
    r"\.DS_Store|.*\.msf|Info\.plist|table_of_contents|\.mh_sequences|dovecot.*|maildirsize|maildirfolder|.*\.cmeta"
    r"|[,#]\d+|\.mew-summary|\.xmhcache|.*\.lock|subscriptions|courierimap.*|.*\.index(?:\.\w+)?|.*\.plist",
    re.IGNORECASE,
)
"""Other files of mail programs; `,12` is an email deleted from an MH folder."""


@dataclass(slots=True)
class ImportReport:
    imported: int = 0
    """The number of imported emails."""
    attachments: int = 0
    """The number of their attachments."""
    odd: dict[str, list[str]] = field(default_factory=dict)
    """Irregularities, each with its places (file, and number of the email in it)."""
    skipped: list[str] = field(default_factory=list)
    """Files that are not mail or could not be read, with the reason."""
    delivered: Counter[str] = field(default_factory=Counter)
    """How many emails were delivered to each address, by their delivery headers; or sent, by a folder for sent mail."""
    lists: set[str] = field(default_factory=set)
    """Addresses of mailing lists: what is delivered to them is not the reader's alone."""

    @property
    def own(self) -> tuple[str, ...]:
        """The reader's own addresses, in lower case, the busiest first. Their mail was sent, not received."""
        least = max(1, self.imported // 50)
        known = self.delivered.most_common()
        return tuple(address for address, number in known if number >= least and address not in self.lists)

    def look_for_own(self, raw: bytes, sender: str, file: Path) -> None:
        """Learns from an email to which address of the reader's it belongs."""
        head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].lower()
        # The topmost was written by the reader's own server.
        if (found := _DELIVERED.search(head)) is not None:
            self.delivered[found[1].decode("ascii", "replace")] += 1
        self.lists.update(
            address.decode("ascii", "replace") for line in _LIST.findall(head) for address in _ADDRESS.findall(line)
        )
        if _SENT.intersection(part.lower().removesuffix(".mbox").lstrip(".") for part in file.parts) and sender:
            self.delivered[sender.lower()] += 1

    def note(self, what: str, place: str) -> None:
        """Counts an irregularity, once per email."""
        places = self.odd.setdefault(what, [])
        if not places or places[-1] != place:
            places.append(place)

    def lines(self) -> list[str]:
        """The report as text, the most frequent irregularity first."""
        made = [f"{_count(self.imported, 'email')} imported, with {_count(self.attachments, 'attachment')}"]
        made.append(OneLine(_own_words(self.own)))
        made += ["What was unusual:"] if self.odd else []
        for what, places in sorted(self.odd.items(), key=lambda item: (-len(item[1]), item[0])):
            shown = ", ".join(places[:_SHOWN_PLACES]) + (", ..." if len(places) > _SHOWN_PLACES else "")
            made.append(OneLine(f"{_count(len(places), 'email')}: {what} ({shown})"))
        return made + [OneLine(f"skipped: {reason}") for reason in self.skipped]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _own_words(own: Sequence[str]) -> str:
    if not own:
        return "no address is taken as yours (no email says to whom it was delivered): all mail counts as received"
    more = f" and {len(own) - _SHOWN_PLACES} more" if len(own) > _SHOWN_PLACES else ""
    shown = ", ".join(own[:_SHOWN_PLACES])
    return f"taken as yours, by delivery headers and folders for sent mail: {shown}{more}; their mail counts as sent"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def files_under(path: Path) -> list[Path]:
    """The files under a path that may contain mail, in a stable order, numbers by value. Raises MailImportError."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise MailImportError(f"{path}: there is no such file or folder")
    return [
        item
        for item in sorted(path.rglob("*"), key=_order)
        if item.is_file()
        and not _BY_THE_WAY.fullmatch(item.name)
        and not (item.parent.name == "tmp" and (item.parent.parent / "cur").is_dir())
    ]


def _order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts 9.emlx before 10.emlx."""
    made = []
    for part in path.parts:
        stem = part.partition(".")[0]
        made.append((0, int(stem), part) if stem.isascii() and stem.isdigit() and len(stem) < 12 else (1, 0, part))
    return tuple(made)


def raw_mails(path: Path, report: ImportReport) -> Iterator[RawMail]:
    """The raw emails in a file. A file without any is reported. `report`: called with what was left out."""
    try:
        data = path.read_bytes()
    except OSError as error:
        report.skipped.append(f"{path.name}: {system_words(error)}")
        return
    size = len(data)
    oddities: list[str] = []
    try:
        mails = list(_mails_in(data, path, oddities.append))
    except UnreadableOutlookFile as error:
        report.skipped.append(f"{path.name}: {error}")
        return
    if not mails:
        report.skipped.append(f"{path.name}: {oddities[-1] if oddities else 'empty'}")
    for mail in mails:
        yield RawMail(mail.raw, mail.place, mail.envelope, min(mail.end, size), (*oddities, *mail.oddities))


def _mails_in(data: bytes, path: Path, odd: Odd) -> Iterator[RawMail]:
    if data.startswith(COMPOUND_FILE):
        yield RawMail(mail_of_outlook_file(data), path.name, end=len(data))
        return
    if reason := next((reason for start, reason in _NO_MAIL.items() if data.startswith(start)), ""):
        odd(reason)
        return
    if not data.strip():
        odd("empty")
        return
    if (numbered := _EMLX.match(data)) and (path.suffix == ".emlx" or is_header_block(data[numbered.end() :][:20_000])):
        # Apple Mail: the email's length on a line of its own, the email, then properties of the program.
        length = int(numbered[1])
        mail = data[numbered.end() :]
        cut = mail[:length] if mail[length:].lstrip().startswith((b"<?xml", b"<!DOCTYPE plist", b"bplist")) else mail
        yield RawMail(cut if cut.strip() else mail, path.name, end=len(data))
        return
    text = _with_line_feeds(data, odd)
    start = text.lstrip(b"\n\r\t \xef\xbb\xbf")
    if begins_with_separator(start):
        if len(start) != len(text):
            odd("blank lines before the first mail")
        yield from mails_of_mbox(start, path.name)
        return
    if text.startswith(_MMDF):
        for number, piece in enumerate((piece for piece in text.split(_MMDF) if piece.strip()), 1):
            yield RawMail(piece, f"{path.name} #{number}", end=len(data))
        return
    at = first_separator(text) if path.suffix.lower() not in (".eml", ".emlx") else None
    if at is not None:
        # An mbox that does not begin with a separator.
        if is_header_block(start):
            yield RawMail(start[: at - (len(text) - len(start))], f"{path.name} #0", end=at)
        else:
            odd("text before the first mail")
        yield from mails_of_mbox(text[at:], path.name)
        return
    if _looks_like_mail(text[:20_000], path):
        yield RawMail(text, path.name, end=len(data))
        return
    odd("not an email")


def _with_line_feeds(data: bytes, odd: Odd) -> bytes:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        odd("file in UTF-16")
        data = data.decode("utf-16", "replace").encode("utf-8", "surrogatepass")
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\n", b"\n")
    if data.count(b"\r") > data.count(b"\n"):
        odd("lines that end in carriage returns")
        data = data.replace(b"\r", b"\n")
    return data


def _looks_like_mail(text: bytes, path: Path) -> bool:
    """Whether a file is an email: by its headers, or by its folder and name."""
    if path.suffix.lower() in _MAIL_ENDINGS or (path.parent.name in ("cur", "new") and not path.name.startswith(".")):
        return True
    return is_header_block(text.lstrip())
