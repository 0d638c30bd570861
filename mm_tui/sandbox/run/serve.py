"""`mm-tui sandbox serve`: fills a sandbox, serves it, and prints its address."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from mm_tui.sandbox.gateway import mailboxes, webhooks
from mm_tui.sandbox.gateway.database import UnusableFolder
from mm_tui.sandbox.gateway.server import Server
from mm_tui.sandbox.gateway.state import SandboxState, Tuning
from mm_tui.sandbox.mail_in import MailImportError
from mm_tui.sandbox.run import seed
from mm_tui.sandbox.run.child import READY_FILE
from mm_tui.sandbox.run.demo_agent import DemoActivity
from mm_tui.sandbox.run.synthetic import fill_synthetic
from mm_tui.sandbox.samples import load_samples
from mm_tui.system.private_files import replace_private
from mm_tui.text import ManyLine, system_words

EXIT_USAGE = 2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
STREAM_WORD_SECONDS = 0.02
PORT = "port"
"""The fact with the port that the folder was first served on. Stores and profiles are bound to that address."""
IMPORT_REPORT = "import_report"
"""The fact with the last import report, as JSON."""


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGINT, SIGTERM or SIGHUP. Returns 0 if stopped by them, 2 if it could not start."""
    if arguments.host not in webhooks.LOOPBACK:
        return _refuse(f"--host {arguments.host}: the sandbox serves this machine only (127.0.0.1, ::1 or localhost)")
    for path in arguments.mail:
        if not path.exists():
            return _refuse(f"--mail {path}: there is no such file or folder")
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            # While mail is still being inserted: unwinds, so that a temporary folder is deleted.
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    with ExitStack() as stack:
        folder = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mm-tui-sandbox-")))
        return _serve(arguments, folder, stack)


def _serve(arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    tuning = Tuning() if arguments.scan_delay is None else Tuning(scan_delay=arguments.scan_delay)
    try:
        state = SandboxState(folder, tuning)
    except UnusableFolder as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"--data {folder}: {system_words(error)}")
    stack.callback(state.close)
    try:
        fill(state, arguments.mail, arguments.synthetic, arguments.samples)
    except MailImportError as error:
        return _refuse(f"--mail {error}")
    has_port = state.fact(PORT) is not None
    kept = int(state.fact(PORT) or _last_port(folder))
    port = arguments.port or kept
    try:
        server = Server(state, host=arguments.host, port=port, token_delay=STREAM_WORD_SECONDS)
    except OSError as error:
        return _refuse(
            f"cannot listen on {arguments.host} port {port}: {system_words(error)}"
            + (_bound_to_port(folder, kept) if port == kept else "")
        )
    if not has_port:
        with state.write():
            state.set_fact(PORT, str(kept or urlsplit(server.url).port))
    # No sample mail arrives among the reader's own mail, unless samples were requested too.
    own_alone = state.fact(IMPORT_REPORT) is not None and not seed.was_done(state, "samples")
    activity = DemoActivity(state, server, works=arguments.agent, mail_arrives=not own_alone)

    def started() -> None:
        message = ready_message(state, server.url)
        replace_private(folder / READY_FILE, json.dumps(message) + "\n", durable=False)
        way_in = f"In another terminal: mm-tui sandbox open {shlex.quote(str(folder.absolute()))}"
        keys = f"Address and keys for programs: {folder.absolute() / READY_FILE}"
        serving = f"Serving at {server.url}; ctrl+c ends it."
        announce(message, arguments.ready_file, on_terminal=(way_in, serving, keys))
        if sys.stderr.isatty() and not sys.stdout.isatty():
            _say(way_in)
        activity.open()

    try:
        asyncio.run(_until_signal(server, activity, started))
    finally:
        activity.close()
    return 0


def fill(state: SandboxState, mail: Sequence[Path], synthetic: int, samples: bool | None) -> None:
    """Fills the mailboxes as requested, skipping what an earlier run has inserted. Raises MailImportError if no mail
    could be imported from the paths."""
    first = mailboxes.all_mailboxes(state)[0]["id"]
    with state.write():
        new = [path for path in mail if seed.once(state, f"mail:{path.resolve()}")]
        if new:
            # Imported late: it brings parsers that few sandboxes need.
            from mm_tui.sandbox.mail_in.importer import import_with_bar

            mails, report = import_with_bar(new)
            seed.fill_mail(state, first, mails, report.own)
            state.set_fact(IMPORT_REPORT, json.dumps(report.lines()))
            _say(str(report))
    with state.write():
        if synthetic and seed.once(state, f"synthetic:{synthetic}"):
            fill_synthetic(state, synthetic)
        if samples is None:
            samples = not mail and not synthetic and state.fact(IMPORT_REPORT) is None
        if samples and seed.once(state, "samples"):
            seed.fill_samples(state, load_samples(datetime.now(UTC)).mailboxes)


def ready_message(state: SandboxState, url: str) -> dict[str, object]:
    """The content of the ready file and of standard output."""
    report = state.fact(IMPORT_REPORT)
    return {
        "url": url,
        "ai21_url": f"{url}/studio/v1",
        "ai21_key": state.fact("ai21_key"),
        "keys": state.keys(),
        "tutorial_key": state.tutorial_key(),
        "mailboxes": [{"id": row["id"], "address": row["address"]} for row in mailboxes.all_mailboxes(state)],
    } | ({"import_report": json.loads(report)} if report else {})


def announce(message: dict[str, object], file: Path | None, *, on_terminal: Sequence[str]) -> None:
    """Prints the ready message and writes the ready file atomically, readable only by its owner. `on_terminal`: lines
    to print instead where a person reads them, without keys."""
    line = json.dumps(message)
    if file is not None:
        replace_private(file, line + "\n", durable=False)
    shown = "\n".join(on_terminal) if sys.stdout.isatty() else line
    print(shown, flush=True)  # noqa: T201 - the ready message is this command's output


async def _until_signal(server: Server, activity: DemoActivity, started: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, *STOP_SIGNALS):
        # Signals that are already ignored, such as SIGHUP under nohup, stay ignored.
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    running = asyncio.create_task(activity.run())
    try:
        await server.run(started, stop)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _say(text: str) -> None:
    # Names of files may contain control characters.
    sys.stderr.write(f"{ManyLine(text)}\n")


def _refuse(text: str) -> int:
    _say(f"mm-tui sandbox serve: {text}")
    return EXIT_USAGE


def _last_port(folder: Path) -> int:
    """The port that the folder was last served on, for folders of versions that did not keep it; 0 if unknown."""
    try:
        return urlsplit(json.loads((folder / READY_FILE).read_bytes())["url"]).port or 0
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0


def _bound_to_port(folder: Path, port: int) -> str:
    return (
        f". {folder} was served there before, and the app's store and profiles made for it are bound to that address."
        f" End the program that uses port {port} and start again, or begin with another folder. --port N serves this"
        " one elsewhere for now, but `mm-tui sandbox open` then refuses to use the app's store"
    )
