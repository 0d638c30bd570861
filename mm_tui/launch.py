"""From settings to a running app, and from one profile's app to the next."""

from __future__ import annotations

import os
import sys

from mm_tui import crash, startup
from mm_tui.app import MmTui
from mm_tui.keyboard import pasting
from mm_tui.session import Session
from mm_tui.settings.paths import reports_dir
from mm_tui.settings.profiles import Profiles
from mm_tui.settings.sections import Settings
from mm_tui.store.opening import StoreUnusable
from mm_tui.system import environment
from mm_tui.text import OneLine


def run(settings: Settings, profiles: Profiles | None = None, *, demo: tuple[OneLine, ...] | None = None) -> int:
    """Runs the app until the user quits; after a switch, with the other profile. `profiles`: those to switch to; None
    if there are no others. `demo`: in the demo, notes about the imported mail, for the first screen; otherwise None.
    Returns the exit status: 0, 1 after a crash, 2 if the terminal cannot be used, 10 if the store cannot."""
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        sys.stderr.write("mm-tui: this is not a terminal. The commands work without one; see mm-tui --help\n")
        return 2
    if not sys.stderr.isatty():
        # Textual draws there: the screen would be invisible while keys still act.
        sys.stdout.write("mm-tui: the app draws on standard error, which is redirected. Start it without 2>.\n")
        return 2
    try:
        crash.refuse_unsafe_environment(os.environ)
    except crash.UnsafeEnvironment as error:
        sys.stderr.write(f"mm-tui: {error}\n")
        return 2
    try:
        session = Session.open(settings, demo=demo)
    except StoreUnusable as error:
        sys.stderr.write(f"mm-tui: {OneLine(str(error))}\n        {OneLine(error.cure)}\n")
        return 10
    # Otherwise an exception in a thread would be printed, with values, over the screen.
    crash.install_hooks(reports_dir())
    pasting.install()
    said = (session.news, environment.time_zone_fault, environment.draw_signs_in(sys.__stderr__))
    session.news = OneLine("; ".join(filter(None, said)))
    app = MmTui(session, profiles)
    app.run()
    while (other := app.leaving.next_session) is not None and not app.leaving.crash_line:
        from mm_tui.app_parts.switching import welcome

        del app
        startup.forget_last_app()
        app = MmTui(other, profiles, welcome(other.settings))
        app.run()
    if app.leaving.crash_line:
        if app.leaving.next_session is not None:
            app.leaving.next_session.database.close()
        # Printed here because Textual would cut it at the width of the terminal.
        sys.stderr.write(f"{app.leaving.crash_line}\n")
    for words in app.leaving.parting_words:
        sys.stderr.write(f"mm-tui: {OneLine(words)}\n")
    if damage := app.leaving.look_for_damage():
        sys.stderr.write(f"mm-tui: {damage}\n")
        return 10
    return app.return_code or 0
