"""The entry point `mm-tui`: arguments, exit statuses, and error messages. `--help` and `--version` import neither
Textual nor httpx nor pydantic, as tests/unit/test_cli.py checks."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from mm_tui import startup
from mm_tui.commands.output import printing as emit
from mm_tui.commands.output.exits import Exit
from mm_tui.system import environment


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the program and exits with its status."""
    sys.exit(run(sys.argv[1:] if argv is None else list(argv)))


def run(argv: Sequence[str]) -> int:
    """Runs the program with these arguments; returns its exit status."""
    startup.prepare_process()
    environment.mend_time_zone()
    emit.prepare()
    if environment.time_zone_fault:
        emit.warning(environment.time_zone_fault)
    try:
        status = _dispatch(argv)
    except BrokenPipeError:
        # The interpreter flushes once more at exit, which must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PIPE
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return status


def _dispatch(argv: Sequence[str]) -> int:
    try:
        arguments = _arguments(argv)
        status: int = arguments.run(arguments)
        emit.finish()
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - the boundary of the program: each failure ends in words
        return _failed(error)
    return status


def _arguments(argv: Sequence[str]) -> Any:
    if not argv:
        # The usual start of the app: without argparse, and without the parser that imports all commands.
        from mm_tui.commands import app

        return SimpleNamespace(profile=None, config=None, debug=False, run=app.run)
    from mm_tui.commands.parser import parse

    return parse(argv)


def _failed(error: Exception) -> int:
    from mm_tui.commands.output.exits import of_failure

    expected = of_failure(error)
    if expected is None:
        from mm_tui import crash
        from mm_tui.settings.paths import reports_dir

        emit.note(crash.report(error, reports_dir()))
        return Exit.CRASH
    status, what, cure = expected
    emit.error(what, _demo_hint(error) or cure)
    return status


def _demo_hint(error: Exception) -> str:
    """What to do about a missing key of somebody who has no settings, but a demo that is open; empty otherwise."""
    from mm_tui.gateway.errors import MissingKey
    from mm_tui.settings.paths import config_path

    if not isinstance(error, MissingKey) or config_path().exists():
        return ""
    from mm_tui.commands.sandbox import running_demo

    demo = running_demo()
    if demo is None:
        return ""
    return f"For the demo that is open: `mm-tui sandbox run {demo} pending list`. For your account: `mm-tui init`."
