"""The Textual app: main screens, services, keys, palette, leaving, crashes. It connects parts, and decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from textual import events, work
from textual.app import App, ScreenStackError, SystemCommand
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.driver import Driver
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import Worker

from mm_tui import keymap, startup
from mm_tui.app_parts.attendance import LOOK_SECONDS, Attendance
from mm_tui.app_parts.event_messages import EventMessages
from mm_tui.app_parts.leaving import Leaving
from mm_tui.keyboard.dispatch import Keyboard
from mm_tui.messages import DecisionWanted, Said, ServiceEventReceived, ServicesReady
from mm_tui.screens.base import NO_WAY_BACK, BaseScreen, PartAction, look_at_question
from mm_tui.screens.lines import StatusLine
from mm_tui.screens.main import MAIN_SCREENS
from mm_tui.services.events import ServiceEvent
from mm_tui.session import Session
from mm_tui.settings.profiles import Profiles
from mm_tui.store.seal import is_of_store
from mm_tui.system.lookups import look_up_apart
from mm_tui.terminal import hangup
from mm_tui.terminal.arrival import LAST_SECONDS, Arrival
from mm_tui.terminal.compact_driver import compacting
from mm_tui.terminal.control_filter import ControlFilter
from mm_tui.terminal.patient_input import patient
from mm_tui.text import OneLine
from mm_tui.textual_private import active_binding, forget_shown, mend_textual
from mm_tui.theme import DEFAULT_THEME, THEMES, ours, theme_after
from mm_tui.widgets.words import with_keys

if TYPE_CHECKING:
    from mm_tui.app_parts.notifier import Notifier


THREADS = 4
"""Threads for reading and writing the store. Each costs a connection and its memory."""
AFTER_RESIZE_SECONDS = 0.1
REDRAW = "screen.redraw"
"""The id of the action that redraws the screen."""


mend_textual()


class MmTui(App[None], inherit_bindings=False):
    """mm-tui on a terminal. The session is open, but not yet started. `profiles`: those to switch to; None if there are
    no others. `welcome`: the first message and its severity."""

    TITLE = "mm-tui"
    # The first screen's styles are loaded with the app's: loaded later, they would make Textual parse all styles again.
    CSS_PATH = ["app.tcss", "screens/inbox/inbox.tcss"]  # noqa: RUF012 - Textual declares it
    DEFAULT_MODE = "inbox"
    MODES = MAIN_SCREENS
    BINDINGS = [  # noqa: RUF012 - Textual declares it
        *keymap.bindings("app"),
        *keymap.bindings("screen"),
        # On screens without a q of their own.
        Binding("q", "go_back", "back", show=False),
        # Reached only if no text is selected; otherwise ctrl+c copies.
        Binding("ctrl+c", "say_how_to_leave", "quit", show=False, system=True),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (24, "-high")]  # noqa: RUF012 - Textual declares it
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]  # noqa: RUF012 - Textual declares it
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self, session: Session, profiles: Profiles | None = None, welcome: tuple[OneLine, str] | None = None
    ) -> None:
        super().__init__()
        self.session = session
        self._welcome = welcome
        self.leaving = Leaving(self, session, profiles, self._main_screens)
        for theme in THEMES:
            self.register_theme(theme)
        wanted = session.settings.ui.theme
        self._choose_theme(wanted if wanted in self.available_themes else DEFAULT_THEME)
        self.animation_level = "none"
        self._filters.append(ControlFilter())
        good, self._key_problems = keymap.check(session.settings.keys)
        self.set_keymap(good)
        self.arrival = Arrival(self)
        self.keyboard = Keyboard(self, super().on_event, self.say, self.unsay, self.arrival, session.settings.ui.layout)
        self.attendance = Attendance(session)
        self._notifier: Notifier | None = None
        self._look_at_terminal: Callable[[], None] = lambda: None
        self._event_messages = EventMessages(session, self.say, self.unsay)

    # Looks

    def get_driver_class(self) -> type[Driver]:
        return compacting(patient(super().get_driver_class()))

    def _choose_theme(self, name: str) -> None:
        """Chooses the initial theme, bypassing the watcher, which would parse all styles again."""
        theme = self.available_themes[name]
        if theme.ansi:
            self.theme = name
        else:
            self.set_reactive(App.theme, name)
            self.add_class(f"-theme-{name}", "-dark-mode" if theme.dark else "-light-mode", update=False)
            self.stylesheet.set_variables(self.get_css_variables())

    def get_theme(self, theme_name: str) -> Theme | None:
        """One of our themes, or one of Textual's with our variables."""
        theme = super().get_theme(theme_name)
        return None if theme is None else ours(theme)

    def get_system_commands(self, screen: Screen[Any]) -> list[SystemCommand]:
        """Every action that works here, but none of Textual's own commands that write files or quit without asking."""
        from mm_tui.screens.dialogs.palette import commands

        return commands(self, screen)

    def action_command_palette(self) -> None:
        from mm_tui.screens.dialogs.palette import Palette

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(id="--command-palette"))

    def action_next_theme(self) -> None:
        self.theme = theme_after(self.theme)
        self.say(f"theme {self.theme}; to keep it, set [ui] theme in config.toml")

    # Services

    def on_mount(self) -> None:
        self.session.database.hurry()
        self.session.database.damaged.report_to(lambda words: self.call_later(self._event_messages.damage_found, words))
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "mm-tui"))
        look_up_apart()
        self.arrival.start()
        self.screen_change_signal.subscribe(self, self.keyboard.front.screen_changed, immediate=True)
        self.keyboard.front.screen_changed(self.screen)
        # The list is painted from the store first; only then are the network parts imported and built.
        self.call_after_refresh(self._run_services)
        self.call_after_refresh(self._prepare_rules)
        if self.session.news:
            self.call_after_refresh(self.say, self.session.news, "warning")
        elif self._welcome is not None:
            self.call_after_refresh(self.say, *self._welcome)
        self.app_resume_signal.subscribe(self, lambda _: self._came_back())
        if not self.is_headless:
            hidden = self.keyboard.front.hidden
            self._look_at_terminal = hangup.handle_signals(self.leaving.leave, hidden, self._came_back)
        self.set_interval(LOOK_SECONDS, self._look_around)
        if self._key_problems:
            more = f" (and {len(self._key_problems) - 1} more)" if len(self._key_problems) > 1 else ""
            self.call_after_refresh(self.say, f"{self._key_problems[0]}{more}", "warning")

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            # Even if it has its old size again: what it did meanwhile is unknown. Its first size comes after a paint.
            forget_shown(self, event.time)
            # Textual paints what it lays out again: nothing, if the terminal had another size for some milliseconds.
            self.set_timer(AFTER_RESIZE_SECONDS, self._paint)
        if isinstance(event, events.InputEvent):
            self.attendance.note_input()
        if isinstance(event, events.Key) and self._redraws(event.key):
            self.action_redraw()
        elif isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            for screen in self.screen_stack:
                if isinstance(screen, BaseScreen):
                    screen.status_line.note_key()
            await self.keyboard.typed(event)
        else:
            await super().on_event(event)

    def _redraws(self, key: str) -> bool:
        """Whether a key redraws the screen: also in a dialog, but not if the screen has its own action for the key."""
        if all(binding.id != REDRAW for binding in self._bindings.key_to_bindings.get(key, ())):
            return False
        active = active_binding(self.screen, key)
        return active is None or active.binding.id == REDRAW

    def _paint(self) -> None:
        # Without screens the app is ending.
        if self.screen_stack:
            self.screen.refresh()

    def _came_back(self) -> None:
        """The terminal showed something else meanwhile: all of it is drawn, and then has to be looked at, again."""
        if self.screen_stack:
            self.action_redraw()
            self.keyboard.front.subject_changed()

    def action_redraw(self) -> None:
        """Writes every cell to the terminal again."""
        forget_shown(self)
        self.screen.refresh()

    on_key_passed = PartAction("keyboard.passed")
    on_subject_changed = PartAction("keyboard.front.subject_changed")

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        self.arrival.answered(event.time)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        # A blinking cursor would write to the terminal twice a second.
        if getattr(event.widget, "cursor_blink", False):
            event.widget.cursor_blink = False  # type: ignore[attr-defined]  # of fields and editors alike

    @property
    def _front(self) -> BaseScreen | None:
        """The main screen in front, if none of its dialogs is."""
        return self.screen if isinstance(self.screen, BaseScreen) else None

    @property
    def is_attended(self) -> bool:
        """Whether somebody has pressed a key lately: lists redraw ages less often if not."""
        return self.attendance.is_attended

    def _look_around(self) -> None:
        # While the app ends, its timers still run, and its screens have lost their widgets.
        if not self.is_running:
            return
        self.attendance.look()
        self.session.look_at_store()
        self._look_at_terminal()
        for screen in self._main_screens():
            screen.draw_ages()

    @work(thread=True, group="rules", exclusive=True, exit_on_error=False)
    def _prepare_rules(self) -> None:
        """Loads what opening the queue would wait for. It takes 12 MB, which an empty queue does not need."""
        if self.session.pending.count():
            self.session.queue.prepare()
            import mm_tui.screens.pending.screen  # noqa: F401

    @work(group="services", exclusive=True, exit_on_error=False)
    async def _run_services(self) -> None:
        try:
            await asyncio.to_thread(self.session.build, self.take_event)
        except Exception:
            # The error is shown for a moment, and reported, when this worker has failed; this stays.
            self.session.trouble = OneLine("the connection to the gateway could not be started: start mm-tui again")
            raise
        finally:
            startup.all_is_loaded()
            for screen in self._main_screens():
                screen.post_message(ServicesReady())
        from mm_tui.app_parts.notifier import Notifier

        self._notifier = Notifier(self, self.session)
        self._notifier.start()
        await self.session.run()

    def take_event(self, event: ServiceEvent) -> None:
        """The services' callback: passes the event to every main screen. Callable from any thread."""
        for screen in self._main_screens():
            screen.post_message(ServiceEventReceived(event))
        if self._notifier is not None:
            self._notifier.handle_event(event)
        self.post_message(ServiceEventReceived(event))

    def on_service_event_received(self, message: ServiceEventReceived) -> None:
        """Shows the result of a decision or of a requested sync on the current screen."""
        look_at_question(self)
        self.attendance.note_event(message.event)
        self._event_messages.handle_event(message.event)

    def _main_screens(self) -> list[BaseScreen]:
        return [one for stack in list(self._screen_stacks.values()) for one in stack if isinstance(one, BaseScreen)]

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = event.worker.error
        if isinstance(error, Exception) and self._event_messages.failed(error) and event.worker.group != "damage":
            self._look_for_damage(error)

    @work(thread=True, group="damage", exclusive=True, exit_on_error=False)
    def _look_for_damage(self, error: Exception) -> None:
        """Fails, and so is shown, if something in the store cannot be read. Its own failure begins no other look."""
        from mm_tui.store.contents import say_damage

        say_damage(self.session.database, error)

    # Messages to the reader

    def say(self, text: str, severity: str = "information") -> None:
        """Shows a message on the status line, never over what is being decided."""
        for screen in reversed(self.screen_stack):
            for line in screen.query(StatusLine):
                line.flash(self.with_keys(text), severity)
                return

    def unsay(self, text: str) -> None:
        """Removes a message that is still shown."""
        for screen in self.screen_stack:
            for line in screen.query(StatusLine):
                line.unflash(self.with_keys(text))

    def with_keys(self, text: str) -> str:
        return with_keys(text, self.session.settings.keys)

    def on_said(self, message: Said) -> None:
        if message.taken_back:
            self.unsay(message.text)
        else:
            self.say(message.text, message.severity)

    def notify(self, message: str, *, title: str = "", severity: Any = "information", **_others: Any) -> None:
        """Shows Textual's toasts on the status line, where they parse no markup and cover nothing."""
        self.say(f"{title}: {message}" if title else message, severity)

    # Navigation

    def action_go(self, mode: str) -> None:
        """Switches to a main screen; each keeps its position. The queue opens at a decision that failed unseen, and the
        key pressed there also goes to one that asks."""
        from mm_tui.services.decisions.outcomes import to_look_at

        here, is_open = self._front.undo_target() if self._front is not None else None, self.current_mode == "pending"
        wanted = to_look_at(self.session.decisions, but=here, also_open=is_open) if mode == "pending" else ""
        if wanted:
            self.post_message(DecisionWanted(wanted))
        elif mode in self.MODES and mode != self.current_mode:
            self.switch_mode(mode)

    async def on_decision_wanted(self, message: DecisionWanted) -> None:
        await self.switch_mode("pending")
        if self._front is not None:
            self._front.go_to(message.email_id)

    action_sync = PartAction("_event_messages.ask_sync")

    @work(group="undo", exit_on_error=False)
    async def action_undo(self) -> None:
        """Undoes the held decision under the cursor, or else the latest one, with its batch."""
        screen = self._front
        if screen is not None and screen.stop_work():
            self.say("stopping: nothing is rejected")
            return
        from mm_tui.services.decisions.outcomes import undo

        done = await undo(self.session.decisions, screen.undo_target() if screen is not None else None)
        if screen is not None and screen.is_current:
            screen.undone(done.email_ids)
        self._event_messages.undone(done)

    def action_toggle_automatic(self) -> None:
        """Switches automatic mode on, after a warning, or off."""
        from mm_tui.screens.dialogs.mail_actions import toggle_automatic

        toggle_automatic(self, self.session, self.say)

    def action_help(self) -> None:
        from mm_tui.screens.dialogs.help import HelpScreen

        self.push_screen(HelpScreen.of(self.screen))

    def action_go_back(self) -> None:
        """Goes back to the list, or says how to quit: one key too many must not end a program that holds decisions."""
        if self._front is None or not self._front.go_back():
            self.say(NO_WAY_BACK)

    def action_say_how_to_leave(self) -> None:
        """Says how to quit: ctrl+c must not end a program that holds decisions."""
        self.say("{app.quit} quits")

    action_leave = PartAction("leaving.ask")
    action_profiles = PartAction("leaving.choose_profile")

    async def on_unmount(self) -> None:
        if self._notifier is not None:
            self._notifier.stop()
        self.workers.cancel_group(self, "services")
        await self.session.aclose()
        if self.arrival.is_under_way:
            # An answer that arrives after the program has ended would appear at the shell prompt.
            await asyncio.sleep(LAST_SECONDS)

    # Crashes

    def _handle_exception(self, error: Exception) -> None:
        if self._exit and isinstance(error, NoMatches | ScreenStackError):
            # Everything is saved already, and a screen that was still being built has lost its widgets.
            return
        # Textual would print a traceback with local variables, including keys and mail bodies.
        self._return_code = 10 if is_of_store(error) else 1
        if is_first := self._exception is None:
            self._exception = error
            self._exception_event.set()
        self.leaving.crashed(error, first=is_first)
        self._close_messages_no_wait()

    def panic(self, *renderables: RenderableType) -> None:
        """Ends the program without printing its arguments."""
        self._handle_exception(RuntimeError("panic"))
