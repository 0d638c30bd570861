"""Imports real mail into the sandbox. The report counts irregularities, with their places."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from mm_tui.sandbox.gateway.insert import bare
from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in import MailImportError
from mm_tui.sandbox.mail_in.mbox import RawMail
from mm_tui.sandbox.mail_in.parse import parse_mail
from mm_tui.sandbox.mail_in.sources import ImportReport, files_under, raw_mails

Progress = Callable[[int, int], None]
"""Called with the bytes done and the total bytes."""


def read_mail(paths: Iterable[Path], report: ImportReport, progress: Progress | None = None) -> Iterator[IncomingMail]:
    """Reads emails one at a time, in the order in which they are stored, from mbox files, Maildirs, folders of emails,
    and single emails. `progress` is called after each email with the bytes read so far and the total. Raises
    MailImportError if a path does not exist, or there is no mail under any of them."""
    named = list(paths)
    files = [file for path in named for file in files_under(path)]
    total = sum(file.stat().st_size for file in files)
    done = 0
    seen: set[str] = set()
    for file in files:
        for item in raw_mails(file, report):
            mail = _one(item, report, seen)
            report.imported += 1
            report.look_for_own(item.raw, bare(mail.sender), file)
            report.attachments += len(mail.attachments)
            yield mail
            if progress is not None:
                progress(done + item.end, total)
        done += file.stat().st_size
    if named and not report.imported:
        raise MailImportError(_why_nothing(named, files, report))


def _why_nothing(named: list[Path], files: list[Path], report: ImportReport) -> str:
    where = ", ".join(map(str, named))
    if not files:
        return f"{where}: no mail found: the folder holds no files"
    return f"{where}: no mail found: {'; '.join(report.skipped[:5])}{'; ...' if len(report.skipped) > 5 else ''}"


def _one(item: RawMail, report: ImportReport, seen: set[str]) -> IncomingMail:
    def odd(what: str) -> None:
        report.note(what, item.place)

    for what in item.oddities:
        odd(what)
    mail = parse_mail(item.raw, odd, envelope=item.envelope)
    if mail.message_id and mail.message_id in seen:
        odd("message-id seen before")
    seen.add(mail.message_id)
    if mail.date is not None and mail.date > datetime.now(UTC) + timedelta(days=1):
        odd("date in the future")
    return mail


class ProgressBar:
    """A progress bar on a terminal, drawn at most ten times a second, starting after a second."""

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
    """Reads all mail, with a progress bar on standard error if that is a terminal. Raises MailImportError if a path
    does not exist, or there is no mail under any of them."""
    report = ImportReport()
    if not sys.stderr.isatty():
        return list(read_mail(paths, report)), report
    bar = ProgressBar(sys.stderr)
    try:
        return list(read_mail(paths, report, bar)), report
    finally:
        bar.close()
