"""What all main screens share: the chrome around them, and how they hear what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from mm_tui.messages import Said, ServiceEventReceived, ServicesReady, session_of
from mm_tui.widgets.chrome import KeysLine, StatusLine, TopLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.timer import Timer

    from mm_tui.services.events import ServiceEvent
    from mm_tui.session import Session

CHROME_SECONDS = 0.1
"""News that comes faster than this changes the chrome once."""


class BaseScreen(Screen[None]):
    """A main screen: top line, body, status line, keys.

    Subclasses yield their body from `compose_body` and read the store again in `handle_event`. While another main
    screen is in front, events wait (each kind once) and are handled when this one comes back.
    """

    MODE: ClassVar[str] = ""
    """The main screen that the top line shows as current: "inbox", "pending", "audit" or "mailboxes"."""
    TITLE_WORD: ClassVar[str] = ""
    """The heading of this screen's help."""
    DECIDES: ClassVar[bool] = False
    """Keys decide about mail here: a letter that is no key is taken for text that was meant for something else."""
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._missed: dict[object, ServiceEvent] = {}
        self._chrome_timer: Timer | None = None

    @property
    def session(self) -> Session:
        """The open profile: its stores and services."""
        return session_of(self)

    def compose(self) -> ComposeResult:
        # Known before the first styles are applied, so that the first frame is not styled and laid out twice.
        self.add_class(*self.size_classes(*self.app.size), update=False)
        yield TopLine(self.MODE)
        yield from self.compose_body()
        yield StatusLine()
        yield KeysLine()

    def size_classes(self, width: int, height: int) -> tuple[str, ...]:
        """The style classes that follow from the size of the screen, in cells."""
        del height
        return tuple(name for least, name in self.app.HORIZONTAL_BREAKPOINTS or [] if width >= least)[-1:]

    def compose_body(self) -> ComposeResult:
        """The widgets between top line and status line."""
        yield from ()

    def handle_event(self, notice: ServiceEvent) -> None:
        """Something changed: re-read what is shown. Called on the screen's own message loop."""

    def services_ready(self) -> None:
        """The network side can be asked from now on."""

    def say(self, text: str, severity: str = "information") -> None:
        """One line to the reader, on the status line."""
        self.post_message(Said(text, severity))

    def unsay(self, text: str) -> None:
        """Takes a line back that was said, if it still stands there."""
        self.post_message(Said(text, "", taken_back=True))

    def save_work(self) -> bool:
        """Keeps what the human has written; False when the store did not take it.

        Called before the program ends, for whatever reason.
        """
        return True

    def written_text(self) -> str:
        """What the human has written here, for a file of its own where `save_work` failed."""
        return ""

    def more_commands(self) -> list[tuple[str, str, Callable[[], None]]]:
        """What the palette offers besides the acts: words, help, and what to run."""
        return []

    def stop_work(self) -> bool:
        """Stops what this screen prepares before anything is decided. Returns whether there was something."""
        return False

    def undo_target(self) -> str | None:
        """Id of the email whose held decision undo takes back; None for the last one that was made."""
        return None

    def status_mailbox(self) -> str | None:
        """Id of the mailbox that the status line speaks of; None for all."""
        return None

    def on_service_event_received(self, message: ServiceEventReceived) -> None:
        notice = message.notice
        if self in self.app.screen_stack:
            if self._chrome_timer is None:
                self._chrome_timer = self.set_timer(CHROME_SECONDS, self._update_chrome)
            self.handle_event(notice)
        else:
            self._missed[_kind(notice)] = notice

    def _update_chrome(self) -> None:
        self._chrome_timer = None
        for line in self.query(StatusLine):
            line.update_state()
        for top in self.query(TopLine):
            top.update_state()

    def on_services_ready(self, _message: ServicesReady) -> None:
        for line in self.query(StatusLine):
            line.update_state()
        self.services_ready()

    def on_screen_suspend(self) -> None:
        # A dialog leaves these lines in sight, and other keys work then.
        self.call_later(self._update_lines)

    def _update_lines(self) -> None:
        for line in self.query(StatusLine):
            line.update_state()
        for keys in self.query(KeysLine):
            keys.refresh()

    def on_screen_resume(self) -> None:
        self.call_later(self._update_lines)
        for top in self.query(TopLine):
            top.update_state()
        for line in self.query(StatusLine):
            line.update_state()
        missed, self._missed = self._missed, {}
        for notice in missed.values():
            self.handle_event(notice)


def _kind(notice: ServiceEvent) -> object:
    """Notices that name different emails are kept apart; the rest once a kind."""
    from mm_tui.services.events import AssistChanged, DecisionChanged, MailChanged

    if isinstance(notice, DecisionChanged | AssistChanged | MailChanged):
        return notice
    return type(notice)
