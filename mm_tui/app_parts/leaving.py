"""Leaving the app: asks first, saves unfinished texts (R4), and opens the profile that runs next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from textual.app import App

from mm_tui import crash
from mm_tui.session import Session
from mm_tui.settings.paths import reports_dir
from mm_tui.settings.profiles import Profiles
from mm_tui.store.seal import STORE_FAULTS, fault_of_store, is_of_store
from mm_tui.text import OneLine, system_words

if TYPE_CHECKING:
    from mm_tui.screens.base import BaseScreen


class Leaving:
    """Ends the app. From the moment it is left, the session starts no call. `profiles`: those to switch to; None if
    there are no others. `screens` gives the screens that may hold unfinished texts."""

    def __init__(
        self, app: App[Any], session: Session, profiles: Profiles | None, screens: Callable[[], Sequence[BaseScreen]]
    ) -> None:
        self._app = app
        self._session = session
        self._profiles = profiles
        self._screens = screens
        self._saved_elsewhere: dict[str, str] = {}
        """Texts that could not be saved to the store and are in files beside it, with the message about each."""
        self.next_session: Session | None = None
        """What to open when this app has ended: another profile, with its store already open."""
        self._crash: Exception | None = None
        self.crash_line = ""
        """Why the app crashed, for the terminal."""
        self.parting_words: list[str] = []
        """The message for the terminal once the app has ended."""

    def ask(self) -> None:
        """Ends the app; asks first if decisions are in progress."""
        from mm_tui.screens.dialogs.leave import LeaveScreen, on_the_way

        if any(isinstance(screen, LeaveScreen) for screen in self._app.screen_stack):
            return
        decisions, texts = on_the_way(self._session), self._save_texts()
        if decisions.all or texts:
            self._app.push_screen(LeaveScreen(decisions, texts), lambda sure: self.leave() if sure else None)
        else:
            self.leave()

    def leave(self, status: int = 0) -> None:
        """Saves unfinished texts and ends the app with this exit status."""
        # A signal asks nobody.
        self._session.begin_closing(unasked=status != 0)
        self.parting_words = self._save_texts()
        if status:
            from mm_tui.screens.dialogs.leave import on_the_way

            self.parting_words += filter(None, [on_the_way(self._session).words()])
        if self._session.database.path is not None:
            from mm_tui.services.saved_texts.left_behind import saved_words

            self.parting_words += saved_words(self._session.edits)
        self._app.exit(return_code=status)

    def _save_texts(self) -> list[str]:
        """Saves the unfinished text of each screen; returns messages about texts saved elsewhere."""
        return [words for screen in self._screens() if (words := self._save_text(screen))]

    def _save_text(self, screen: BaseScreen) -> str:
        if screen.save_work() or not (text := screen.written_text()):
            return ""
        if text not in self._saved_elsewhere:
            from mm_tui.store.loose_texts import keep_text

            try:
                kept = keep_text(text, self._session.database.path)
            except OSError as error:
                return f"What you wrote cannot be saved anywhere ({system_words(error)}). If you leave, it is lost."
            self._saved_elsewhere[text] = f"What you wrote could not be saved in the local store; it is in {kept}."
        return self._saved_elsewhere[text]

    def choose_profile(self) -> None:
        if self._profiles is None:
            self._app.notify("a sandbox has only one profile")
        else:
            self._app.run_worker(self._switch(self._profiles), group="profiles", exclusive=True, exit_on_error=False)

    async def _switch(self, profiles: Profiles) -> None:
        from mm_tui.app_parts import switching

        other = await switching.choose(self._app, profiles)
        if other is None:
            return
        if all(screen.save_work() for screen in self._screens()):
            self.next_session = other
            self._session.begin_closing()
            self._app.exit()
        else:
            # The screen that could not save has shown the reason.
            other.database.close()

    def crashed(self, error: Exception, *, first: bool) -> None:
        """Saves unfinished texts after an exception, and reports it if it is the first."""
        self._session.begin_closing(unasked=True)
        if first:
            self.crash_line = crash.report(error, reports_dir())
            if is_of_store(error):
                self.crash_line = OneLine(f"mm-tui stopped: {fault_of_store(error)}. `mm-tui doctor` checks it.")
        for screen in self._screens():
            try:
                self.parting_words += filter(None, [self._save_text(screen)])
            except Exception as second:  # noqa: BLE001 - one screen's failure must not cost another's text
                crash.report(second, reports_dir())
        self._crash = self._crash or error

    def look_for_damage(self) -> OneLine:
        """Once the app has ended by an exception: says if something in the store cannot be read, and sees to it that
        the next start rebuilds it. Reads everything, so it is nothing for a screen that waits."""
        from mm_tui.store.connecting import CorruptStore
        from mm_tui.store.contents import say_damage
        from mm_tui.store.database import Database

        path, memory = self._session.database.path, self._session.database.memory
        if self._crash is None or path is None:
            return OneLine("")
        with suppress(*STORE_FAULTS):
            try:
                with Database.open(path, memory=memory) as database:
                    say_damage(database, self._crash)
            except CorruptStore as damage:
                return fault_of_store(damage)
        return OneLine("")
