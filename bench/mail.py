"""How well a folder of mail reads once it is imported: `python -m bench.mail FOLDER ...`.

Counts the mails that show signs of text that was not read as it was meant: tables of HTML (most only lay out a page),
lines over 1,000 characters, replacement characters, empty bodies.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from mm_tui.sandbox.gateway.mail import IncomingMail
from mm_tui.sandbox.mail_in.importer import read_mail
from mm_tui.sandbox.mail_in.sources import ImportReport

LONG_LINE = 1000
_TABLE = re.compile(r"^\s*\|?(?: *:?-{3,}:? *\|)+ *(?::?-{3,}:?)? *$", re.MULTILINE)

SIGNS: dict[str, Callable[[IncomingMail], bool]] = {
    "tables": lambda mail: bool(_TABLE.search(mail.body)),
    f"lines over {LONG_LINE:,} characters": lambda mail: any(len(line) > LONG_LINE for line in mail.body.split("\n")),
    "replacement characters": lambda mail: "�" in mail.sender + mail.subject + mail.body,
    "empty bodies": lambda mail: not mail.body.strip(),
}


def count(mails: list[IncomingMail]) -> dict[str, int]:
    """How many of the mails show each sign."""
    return {name: sum(shows(mail) for mail in mails) for name, shows in SIGNS.items()}


def main(arguments: list[str]) -> None:
    """Imports each folder or file by itself and prints its numbers and what was odd."""
    for argument in arguments:
        report = ImportReport()
        started = time.perf_counter()
        mails = list(read_mail([Path(argument)], report))
        print(f"{argument}: {len(mails)} mails in {time.perf_counter() - started:.1f} s")
        for name, number in count(mails).items():
            print(f"  {number:5} {name}")
        for line in report.lines()[1:]:
            print(f"        {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
