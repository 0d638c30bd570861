"""`mm-tui demo`: the app on its own sandbox, where mail arrives and an agent answers it."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from mm_tui import startup
from mm_tui.commands import common
from mm_tui.commands.common import Commands
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.values import add_mail
from mm_tui.text import OneLine

if TYPE_CHECKING:
    from mm_tui.sandbox.run.child import Ready

DATA = "app"
"""The folder of the app's own data within that of the demo."""
SERVED = "sandbox"
"""The folder of the sandbox's data within that of the demo."""
PROFILE = "demo"
TEMPORARY = "mm-tui-demo-"
_OWN = ("MULTIMAIL_", "AI21_", "MM_TUI_")


def add(commands: Commands) -> None:
    parser = commands.alone(
        "demo",
        help="try the app on sample mail, with an agent at work; no email is sent",
        description="Opens the app on a sandbox gateway of its own with sample mail, or with yours, and an agent that "
        "answers what arrives. No account or key is needed, and nothing leaves this machine: the assistant is a "
        "rule-based stand-in, not Jamba. If AI21_API_KEY is set, you are first asked whether to use Jamba "
        "instead; then emails go to AI21 and each answer costs money, up to a budget for each run (with "
        "--data: for each day). The agent's drafts are the stand-in's in any case.",
        run=run,
    )
    add_mail(parser, "mail to show")
    parser.add_argument("--samples", action="store_true", help="with --mail: also show the sample mail")
    parser.add_argument("--synthetic", type=int, default=0, metavar="N", help="add N made-up emails")
    parser.add_argument(
        "--agent",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="let new mail arrive (sample mail, not mixed with your own) and an agent answer it",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="keep everything in this folder; default: deleted at the end, unless you left an edit",
    )


def run(arguments: argparse.Namespace) -> int:
    """Starts the sandbox, opens the app on it, and then stops everything."""
    from mm_tui import crash
    from mm_tui.sandbox.run.child import SandboxChild, SandboxFailed

    for path in arguments.mail:
        if not path.exists():
            raise CommandError(Exit.NOT_FOUND, f"--mail {path}: there is no such file or folder")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise CommandError(
            Exit.USAGE, "the demo needs a terminal", "`mm-tui sandbox serve` runs the gateway alone, without one."
        )
    if not sys.stderr.isatty():
        raise CommandError(Exit.USAGE, "the app draws on standard error, which is redirected", "Start it without 2>.")
    if arguments.data is not None and not arguments.data.absolute().parent.is_dir():
        raise CommandError(Exit.NOT_FOUND, f"--data {arguments.data}: there is no folder {arguments.data.parent}")
    try:
        crash.refuse_unsafe_environment(os.environ)
    except crash.UnsafeEnvironment as error:
        raise CommandError(Exit.USAGE, str(error)) from None
    jamba = _jamba(os.environ, keeps=arguments.data is not None)
    _leave_in_order()
    with ExitStack() as stack:
        if arguments.data is not None:
            folder = arguments.data.absolute()
            folder.mkdir(mode=0o700, exist_ok=True)
            make_known(folder, stack)
        else:
            folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
            stack.callback(clear, folder)
        if (arguments.samples or not arguments.mail) and not (folder / SERVED).exists():
            write_settings(folder)
        notes = getattr(sys.stderr, "buffer", None)
        emit.note(OneLine("Starting a sandbox gateway ..."))
        child = SandboxChild(*_sandbox_arguments(arguments, folder), notes=notes, log=folder / "sandbox.log")
        try:
            ready = stack.enter_context(child).ready
        except SandboxFailed as error:
            status = Exit.USAGE if error.status == Exit.USAGE else Exit.GATEWAY
            # Its own words are on the terminal already.
            what = f"the sandbox did not start: {error}" if notes is None else "the demo did not start: see above"
            raise CommandError(status, what) from None
        return open_app(ready, folder, folder / DATA, name=PROFILE, debug=arguments.debug, jamba=jamba)


def write_settings(folder: Path) -> None:
    """Gives a new demo of the sample mail settings to try. A settings file that is there stays."""
    from importlib import resources

    from mm_tui.system.private_files import replace_private

    for name in ("config.toml", "house-facts.md"):
        if not (folder / name).exists():
            text = resources.files("mm_tui.sandbox.samples").joinpath(name).read_text("utf-8")
            replace_private(folder / name, text, durable=False)


def make_known(folder: Path, stack: ExitStack) -> None:
    """Lets `running_demo` find a demo that keeps its folder, until the stack unwinds."""
    link = Path(tempfile.gettempdir()) / f"{TEMPORARY}{os.getpid()}"
    with suppress(OSError):
        link.symlink_to(folder)
        stack.callback(link.unlink, missing_ok=True)


def clear(folder: Path) -> None:
    """Deletes a demo's folder, unless an edit of a waiting draft is in it: that is for its writer to throw away."""

    from mm_tui.services.saved_texts.edits import Edits
    from mm_tui.store.database import Database
    from mm_tui.store.seal import STORE_FAULTS

    why = ""
    try:
        for store in (folder / DATA).glob("store-*.sqlite3"):
            with Database.open(store) as database:
                why = "of your edits" if Edits(database).of_waiting() else why
    except STORE_FAULTS:
        why = "its store cannot be read, and may have edits of yours"
    if not why:
        shutil.rmtree(folder, ignore_errors=True)
        return
    emit.note(OneLine(f"The demo is kept because {why}. Go on with: mm-tui demo --data {folder}"))
    emit.note(OneLine("Delete that folder if you do not want them."))


def _jamba(own: Mapping[str, str], *, keeps: bool) -> dict[str, str]:
    """The variables for the real models, where the user has a key and agrees to what that means; else none. `keeps`:
    the demo keeps its folder, and with it what was spent today; otherwise each run begins at nothing. Raises
    CommandError if the question was broken off."""
    if not own.get("AI21_API_KEY") or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return {}
    from mm_tui.settings.sections import DEFAULT_AI21_HOST, Assist

    chosen = {name: own[name] for name in ("AI21_API_KEY", "AI21_API_HOST") if own.get(name)}
    host = OneLine(chosen.get("AI21_API_HOST", DEFAULT_AI21_HOST))
    budget = Assist().daily_budget_usd
    # A demo that keeps nothing does not know what earlier ones spent.
    period = "today" if keeps else "in this run"
    for words in (
        "AI21_API_KEY is set. The app can use Jamba in place of its free stand-in:",
        f"- The emails shown go to {host}, and each answer costs money.",
        f"- It works on new mail at once, and stops once ${budget:.2f} are spent {period}.",
        "  Answers that you ask for are not stopped.",
        "- The demo's agent keeps the stand-in: its drafts are not Jamba's, and cost nothing.",
    ):
        emit.note(OneLine(words))
    try:
        return chosen if input("Use Jamba? [y/N] ").strip().lower() in ("y", "yes") else {}
    except (EOFError, KeyboardInterrupt):
        raise CommandError(Exit.INTERRUPTED, "nothing was started") from None


def open_app(
    ready: Ready, folder: Path, data: Path, *, name: str, debug: bool, jamba: Mapping[str, str] | None = None
) -> int:
    """Opens the app on a sandbox, isolated from the user's own accounts and data. `folder`: where its settings file
    would be. `data`: where its store and log go. `jamba`: the variables for the real models; none for the stand-in."""
    used = ready.environment()
    if jamba:
        del used["AI21_API_HOST"]
        used |= jamba
    use(used, folder, data)
    startup.before_drawing()
    from mm_tui import launch
    from mm_tui.commands.output import logs
    from mm_tui.settings.file import load as load_settings

    logs.set_up(debug=debug)
    common.report_crashes()
    chosen = load_settings()
    named = chosen.profile.replaced(name=name)
    # Even with sample mail, the first line is about the reader's own mail.
    about = tuple(map(OneLine, ready.import_report))
    return launch.run(chosen.replaced(profile=named), demo=about)


def _sandbox_arguments(arguments: argparse.Namespace, folder: Path) -> list[str]:
    given = ["--data", str(folder / SERVED), "--agent" if arguments.agent else "--no-agent"]
    for path in arguments.mail:
        given += ["--mail", str(path)]
    if arguments.synthetic:
        given += ["--synthetic", str(arguments.synthetic)]
    if arguments.samples:
        given.append("--samples")
    return given


def use(environment: dict[str, str], folder: Path, data: Path) -> None:
    """Points this process at the sandbox instead of the user's own accounts and data. The secret of a webhook stays: it
    is given for one run, and names no account."""
    for name in list(os.environ):
        if name.startswith(_OWN) and name != common.WEBHOOK_SECRET:
            del os.environ[name]
    os.environ.update(environment)
    os.environ["MM_TUI_CONFIG"] = str(folder / "config.toml")
    os.environ["MM_TUI_DATA"] = str(data)


def _leave_in_order() -> None:
    """Unwinds on termination, or when the terminal goes away, so that the temporary folder is deleted."""

    def leave(number: int, frame: FrameType | None) -> None:
        del frame
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
