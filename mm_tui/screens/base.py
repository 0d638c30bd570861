"""The base of all main screens: the lines around them, and the handling of service events."""

from __future__ import annotations

from collections.abc import Callable, Collection
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.screen import Screen

from mm_tui import keymap
from mm_tui.messages import Said, ServiceEventReceived, ServicesReady, session_of
from mm_tui.screens.lines import StatusLine, TopLine
from mm_tui.services.events import ServiceEvent, SyncState
from mm_tui.session import Session
from mm_tui.widgets.background import Later
from mm_tui.widgets.keys_line import KeysLine

T = TypeVar("T")

NO_WAY_BACK = "there is nothing to go back to: {app.quit} quits"
CHROME_SECONDS = 0.1
"""Seconds: events closer together than this update the top and status lines once."""

LEAST_ROOM = Size(40, 10)
"""The columns and lines below which nothing is released: an address, or what a question is about, has no room."""


def has_room(terminal: Size) -> bool:
    """Whether anything may be released on a terminal of this size."""
    return terminal.width >= LEAST_ROOM.width and terminal.height >= LEAST_ROOM.height


class PartAction:
    """An action or a handler of a screen that is a method of one of its parts, such as `deciding.approve`. The type
    checker does not see the path; `tests/flows/test_actions.py` follows it for every key."""

    def __init__(self, path: str) -> None:
        self._method = attrgetter(path)

    def __get__(self, screen: object, owner: type) -> Any:
        return self if screen is None else self._method(screen)


class BaseScreen(Screen[None]):
    """A main screen: top line, body, status line, keys. Subclasses yield their body from `compose_body` and read the
    store again in `handle_event`. While another main screen is in front, events wait (one of each kind) and are handled
    when this one returns."""

    MODE: ClassVar[str] = ""
    """The main screen to show as current in the top line: "inbox", "pending", "audit" or "mailboxes"."""
    TITLE_WORD: ClassVar[str] = ""
    """The heading of this screen's help."""
    DECIDES: ClassVar[bool] = False
    """Whether keys decide about mail here. A letter that is not a key then counts as text meant for something else."""
    RELOAD_SECONDS: ClassVar[float] = 0.3
    """Seconds: events closer together than this have the store read once."""
    AUTO_FOCUS = ""
    # Only dialogs have styles for low terminals: here such a class would have every widget styled again.
    VERTICAL_BREAKPOINTS = []  # noqa: RUF012 - Textual declares it

    def __init__(self) -> None:
        super().__init__()
        self.status_line = StatusLine()
        self._was_suspended = False
        self._missed: dict[object, ServiceEvent] = {}
        self._sync_state: SyncState | None = None
        """The state of the sync in its last event."""
        self._chrome = Later(self, CHROME_SECONDS, self._update_chrome)
        self._reloading = Later(self, self.RELOAD_SECONDS, self.reload)

    def go_to(self, email_id: str) -> None:
        """Puts the cursor on an email, if this screen lists emails to decide about."""

    @property
    def session(self) -> Session:
        return session_of(self)

    def compose(self) -> ComposeResult:
        # Set before the first styles are applied, so that the first frame is not styled and laid out twice.
        self.add_class(*self.size_classes(*self.app.size), update=False)
        yield TopLine(self.MODE)
        yield from self.compose_body()
        yield self.status_line
        yield KeysLine()

    def size_classes(self, width: int, height: int) -> tuple[str, ...]:
        """The style classes for a screen of this size in cells."""
        del height
        return tuple(name for least, name in self.app.HORIZONTAL_BREAKPOINTS or [] if width >= least)[-1:]

    def compose_body(self) -> ComposeResult:
        """Yields the widgets between top line and status line."""
        yield from ()

    def handle_event(self, event: ServiceEvent) -> None:
        """Handles a service event by reading the store again. Called on the screen's message loop."""

    def services_ready(self) -> None:
        """Called once the gateway can be used."""

    @property
    def still_loading(self) -> str:
        """That what this screen lists is still loading; empty once it is there, or cannot be loaded."""
        return ""

    def reload_soon(self) -> None:
        """Reads the store again soon, once for all events until then."""
        self._reloading.soon()

    def reload(self) -> None:
        """Reads the store again. Subclasses add what they read; what `reload_soon` asked for is done here."""
        self._reloading.stop()

    def say(self, text: str, severity: str = "information") -> None:
        self.post_message(Said(text, severity))

    def usable(self, service: T | None, scope: str) -> T | None:
        """A service that calls the gateway, if it is there and a key for this scope is set; otherwise says what is
        missing."""
        if service is None:
            self.say(self.session.trouble or "still starting", "warning")
        elif not self.session.can(scope):
            self.say(
                f"this needs a key with the scope {scope}: set {scope}_key, for example with mm-tui init", "warning"
            )
        else:
            return service
        return None

    def unsay(self, text: str) -> None:
        """Removes a message, if it is still shown."""
        self.post_message(Said(text, "", taken_back=True))

    def save_work(self) -> bool:
        """Saves what the human has written, before the program ends. Returns False if the store failed."""
        return True

    def written_text(self) -> str:
        """What the human has written here, to be written to a file if `save_work` failed."""
        return ""

    def more_commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        """Further palette entries: title, help, and what to run."""
        return []

    def stop_work(self) -> bool:
        """Stops any work in preparation of decisions. Returns whether there was any."""
        return False

    def undo_target(self) -> str | None:
        """The id of the email whose held decision `undo` undoes; None for the latest decision."""
        return None

    def go_back(self) -> bool:
        """Goes back to the list; returns False if it is all that is shown."""
        return False

    def undone(self, email_ids: Collection[str]) -> None:
        """Handles an undo on this screen, after which these emails wait again."""

    def label_here(self, action_id: str, label: str) -> str:
        """The label of an action's key for what is shown now; empty leaves the key out of the key row and the help."""
        del action_id
        return label

    def is_last_in_footer(self, action_id: str) -> bool:
        """Whether the footer shows an action's key behind all others."""
        return action_id in keymap.LAST_IN_FOOTERS

    def status_mailbox(self) -> str | None:
        """The id of the mailbox shown on the status line; None for all."""
        return None

    def on_service_event_received(self, message: ServiceEventReceived) -> None:
        event = message.event
        if self in self.app.screen_stack:
            if self._concerns_chrome(event):
                self._chrome.soon()
            self.handle_event(event)
        else:
            self._missed[_kind(event)] = event

    def _concerns_chrome(self, event: ServiceEvent) -> bool:
        """Whether the top and status lines may have changed. Most polls bring nothing new."""
        from mm_tui.screens.status import looks_the_same
        from mm_tui.services.events import SyncChanged

        if not isinstance(event, SyncChanged):
            return True
        before, self._sync_state = self._sync_state, event.state
        return before is None or not looks_the_same(before, event.state)

    def draw_ages(self) -> None:
        """Draws what has changed with time. Called every `LOOK_SECONDS`, by one timer for all."""
        self.update_status()

    def _update_chrome(self) -> None:
        self.update_status()
        for top in self.query(TopLine):
            top.update_state()

    def update_status(self) -> None:
        for line in self.query(StatusLine):
            line.update_state()

    def on_services_ready(self, _message: ServicesReady) -> None:
        self.update_status()
        self.services_ready()

    def on_screen_suspend(self) -> None:
        self._was_suspended = True
        # These lines stay visible behind a dialog, where other keys work.
        self.call_later(self._update_lines)

    def _update_lines(self) -> None:
        self.update_status()
        for keys in self.query(KeysLine):
            keys.refresh()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        # A screen that was in front since it was mounted has its styles.
        event.refresh_styles = self._was_suspended
        self.call_later(self._update_lines)
        for top in self.query(TopLine):
            top.update_state()
        self.update_status()
        # What the lines show now may be of an event that was missed.
        self._sync_state = None
        missed, self._missed = self._missed, {}
        for service_event in missed.values():
            self.handle_event(service_event)


def _kind(event: ServiceEvent) -> object:
    """Groups events: those that name different emails are kept separately, others once per kind."""
    from mm_tui.services.events import AssistChanged, DecisionChanged, MailChanged

    if isinstance(event, DecisionChanged | AssistChanged | MailChanged):
        return event
    return type(event)


def look_at_question(app: App[Any]) -> None:
    """Something changed: an open question checks whether it still applies."""
    look = getattr(app.screen, "look_again", None) if app.screen_stack else None
    if look is not None and app.screen.is_mounted:
        look()
