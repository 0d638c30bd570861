"""neomutt, aerc and alot on as many mails, where they are installed: what people of the terminal are used to."""

from __future__ import annotations

import mailbox
import shutil
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from bench.terminal import Program, Spread

NEWEST = "Newest-of-all"


@dataclass(frozen=True)
class Neighbour:
    """A program ready to be started."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Measured:
    """Its figures: seconds, reactions to `j`, MB."""

    name: str
    launch: float
    moves: Spread
    memory: float


def measure(folder: Path, mails: int, environment: dict[str, str], *, runs: int) -> Iterator[Measured]:
    """Those that are installed, one after the other, caches and indexes warm."""
    programs = [name for name in ("neomutt", "aerc", "alot") if shutil.which(name)]
    if not programs:
        return
    _write_maildir(folder / "inbox", mails)
    makers = {"neomutt": _neomutt, "aerc": _aerc, "alot": _alot}
    for name in programs:
        if name == "alot" and not shutil.which("notmuch"):
            continue
        neighbour = makers[name](folder, environment)
        launches = []
        # The first start fills its caches and does not count.
        for number in range(runs + 1):
            with Program(neighbour.command, neighbour.environment) as program:
                seconds = program.wait_for(NEWEST, timeout=180)
                if number:
                    launches.append(seconds)
                if number == runs:
                    program.settle(1.0)
                    moves = Spread.of(program.press_all("j" * 100))
                    yield Measured(name, statistics.median(launches), moves, program.memory())


def _write_maildir(folder: Path, mails: int) -> None:
    mailbox.Maildir(folder).close()
    for number in range(mails):
        newest = number == mails - 1
        moment = 1_700_000_000 + number * 60
        text = (
            f"From: Anna {number} <anna{number % 500}@customer.example>\nTo: support@acme.example\n"
            f"Subject: {NEWEST if newest else f'Refund for order {number}'}\n"
            f"Date: {formatdate(moment)}\nMessage-ID: <{number}@bench.example>\n\nHello,\n\nplease.\n"
        )
        (folder / "cur" / f"{moment}.{number}.bench:2,S").write_text(text)


def _neomutt(folder: Path, environment: dict[str, str]) -> Neighbour:
    settings = folder / "neomuttrc"
    settings.write_text(
        f'set header_cache="{folder}/headers"\nset sort=reverse-date\nset folder="{folder}"\nset quit=yes\n'
    )
    command = ("neomutt", "-n", "-F", str(settings), "-f", str(folder / "inbox"))
    return Neighbour("neomutt", command, environment)


def _aerc(folder: Path, environment: dict[str, str]) -> Neighbour:
    home = folder / "aerc-home"
    configuration = home / "aerc"
    configuration.mkdir(parents=True)
    accounts = configuration / "accounts.conf"
    accounts.write_text(
        f"[bench]\nsource = maildir://{folder}\ndefault = inbox\nfrom = Bench <bench@bench.example>\nfolders = inbox\n"
    )
    accounts.chmod(0o600)
    (configuration / "aerc.conf").write_text("[ui]\nsort = -r date\n")
    directories = {"XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home), "XDG_DATA_HOME": str(home)}
    return Neighbour("aerc", ("aerc",), {**environment, **directories})


def _alot(folder: Path, environment: dict[str, str]) -> Neighbour:
    settings = folder / "notmuch-config"
    settings.write_text(
        f"[database]\npath={folder}\n[user]\nname=Bench\nprimary_email=bench@bench.example\n[new]\ntags=inbox\n"
        "ignore=headers;aerc-home\n"
    )
    with_settings = {**environment, "NOTMUCH_CONFIG": str(settings), "XDG_CONFIG_HOME": str(folder / "alot-home")}
    subprocess.run(["notmuch", "new", "--quiet"], env=with_settings, check=True, timeout=900, capture_output=True)
    return Neighbour("alot", ("alot", "-n", str(settings), "search", "tag:inbox"), with_settings)
