"""Real mail into the sandbox: mbox files, Maildirs, folders of .eml files, single mails.

Nothing is skipped silently: every mail found is handed on, and the report counts what was odd, with where it was.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, TextIO

from mm_tui.sandbox.mail import IncomingMail
from mm_tui.sandbox.mail_parse import parse_mail
from mm_tui.text import OneLine

Progress = Callable[[int, int], None]
"""Is told the bytes done and the bytes in all."""

_HEADER_LINE = re.compile(rb"[!-9;-~]+[ \t]*:|>From ")
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_MAIL_ENDINGS = (".eml", ".mbox", ".mbx", ".msg")
_SHOWN_PLACES = 5


class MailImportError(Exception):
    """A path from which no mail can be read at all. Says which, and why."""


@dataclass(slots=True)
class ImportReport:
    """What an import found."""

    imported: int = 0
    """Mails handed on."""
    attachments: int = 0
    """Attachments in them."""
    odd: dict[str, list[str]] = field(default_factory=dict)
    """What was odd, and the places (file and number of the mail in it) where."""
    skipped: list[str] = field(default_factory=list)
    """Files that are no mail or could not be read, with the reason."""

    def note(self, what: str, place: str) -> None:
        """Counts an oddity, once for each mail."""
        places = self.odd.setdefault(what, [])
        if not places or places[-1] != place:
            places.append(place)

    def lines(self) -> list[str]:
        """The report for people, the commonest oddity first."""
        made = [f"{self.imported} mails imported, with {self.attachments} attachments"]
        for what, places in sorted(self.odd.items(), key=lambda item: (-len(item[1]), item[0])):
            shown = ", ".join(places[:_SHOWN_PLACES]) + (", ..." if len(places) > _SHOWN_PLACES else "")
            made.append(OneLine(f"odd: {what}: {len(places)} ({shown})"))
        return made + [OneLine(f"skipped: {reason}") for reason in self.skipped]

    def __str__(self) -> str:
        return "\n".join(self.lines())


@dataclass(frozen=True, slots=True)
class _RawMail:
    raw: bytes
    place: str
    envelope: str = ""
    end: int = 0
    """Bytes of the file read up to the end of this mail."""
    oddities: tuple[str, ...] = ()


def _mails_of_mbox(file: BinaryIO, name: str) -> Iterator[_RawMail]:
    """Splits an mbox at its "From " lines.

    A separator stands at the start or behind an empty line and before a header line. Other lines that begin with
    "From " are text whose quoting was forgotten. Quoting as in mboxrd is undone.
    """
    held: list[bytes] = []
    envelope = ""
    number = 0
    oddities: list[str] = []
    line = file.readline()
    blank = True
    while line:
        following = file.readline()
        if line.startswith(b"From ") and blank and (number == 0 or _HEADER_LINE.match(following)):
            if number:
                yield _mbox_mail(held, name, number, envelope, file.tell() - len(following) - len(line), oddities)
            number += 1
            held, oddities = [], []
            envelope = line[5:200].decode("latin-1").strip()
        else:
            if line.startswith(b"From ") and blank:
                oddities.append('unquoted "From " line')
            held.append(line)
        blank = not line.strip()
        line = following
    if number or held:
        yield _mbox_mail(held, name, max(number, 1), envelope, file.tell(), oddities)


def _mbox_mail(held: list[bytes], name: str, number: int, envelope: str, end: int, oddities: list[str]) -> _RawMail:
    raw = _QUOTED_FROM.sub(rb"\1", b"".join(held))
    return _RawMail(raw, f"{name} #{number}", envelope, end, tuple(oddities))


def _is_maildir(folder: Path) -> bool:
    return (folder / "cur").is_dir() or (folder / "new").is_dir()


def _files(path: Path, report: ImportReport) -> Iterator[Path]:
    """The mail files under a path, in a stable order."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise MailImportError(f"{path}: there is no such file or folder")
    for item in sorted(path.rglob("*")):
        if not item.is_file():
            continue
        stored = item.parent.name in ("cur", "new") and _is_maildir(item.parent.parent)
        if stored or item.suffix.lower() in _MAIL_ENDINGS:
            yield item
        elif not (item.parent.name == "tmp" and _is_maildir(item.parent.parent)) and not item.name.startswith("."):
            report.skipped.append(f"{item.name}: not a mail file by its name")


def _raw_mails(path: Path, report: ImportReport) -> Iterator[_RawMail]:
    try:
        with path.open("rb") as file:
            start = file.read(5)
            file.seek(0)
            if start == b"From ":
                yield from _mails_of_mbox(file, path.name)
                return
            raw = file.read()
    except OSError as error:
        report.skipped.append(f"{path.name}: {error.strerror or 'cannot be read'}")
        return
    if not raw.strip():
        report.skipped.append(f"{path.name}: empty")
        return
    yield _RawMail(raw, path.name, end=len(raw))


def read_mail(paths: Iterable[Path], report: ImportReport, progress: Progress | None = None) -> Iterator[IncomingMail]:
    """Reads mail, one at a time, in the order in which it is stored.

    Args:
        paths: mbox files, Maildirs, folders of mails, single mails.
        report: is filled while reading.
        progress: is told the bytes done and in all, after each mail.

    Raises:
        MailImportError: a path that does not exist.
    """
    files = [file for path in paths for file in _files(path, report)]
    total = sum(file.stat().st_size for file in files)
    done = 0
    seen: set[str] = set()
    for file in files:
        for item in _raw_mails(file, report):
            mail = _one(item, report, seen)
            report.imported += 1
            report.attachments += len(mail.attachments)
            yield mail
            if progress is not None:
                progress(done + item.end, total)
        done += file.stat().st_size


def _one(item: _RawMail, report: ImportReport, seen: set[str]) -> IncomingMail:
    def odd(what: str) -> None:
        report.note(what, item.place)

    for what in item.oddities:
        odd(what)
    mail = parse_mail(item.raw, odd, envelope=item.envelope)
    if mail.message_id and mail.message_id in seen:
        # Two mails cannot share a place in a thread: the later one hangs beside its twin.
        odd("message-id seen before")
        return replace(mail, message_id="", references=(*mail.references, mail.message_id))
    seen.add(mail.message_id)
    return mail


class ProgressBar:
    """A bar on a terminal, drawn ten times a second at most, from the second second on."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._drawn_at = self._started + 1
        self._drawn = False

    def __call__(self, done: int, total: int) -> None:
        now = self._clock()
        if now < self._drawn_at or not total:
            return
        self._drawn_at = now + 0.1
        self._drawn = True
        share = min(1.0, done / total)
        filled = int(share * 30)
        self._stream.write(f"\rReading mail [{'#' * filled}{'.' * (30 - filled)}] {share:4.0%}")
        self._stream.flush()

    def close(self) -> None:
        """Clears the line."""
        if self._drawn:
            self._stream.write("\r" + " " * 60 + "\r")
            self._stream.flush()


def import_with_bar(paths: Iterable[Path]) -> tuple[list[IncomingMail], ImportReport]:
    """Reads all mail, with a progress bar on the error stream where that is a terminal."""
    report = ImportReport()
    if not sys.stderr.isatty():
        return list(read_mail(paths, report)), report
    bar = ProgressBar(sys.stderr)
    try:
        return list(read_mail(paths, report, bar)), report
    finally:
        bar.close()
