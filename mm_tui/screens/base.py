"""What all main screens share: the chrome around them, and how they hear what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.screen import Screen

from mm_tui.messages import Said, Services, ServicesReady, Told, services_of
from mm_tui.widgets.chrome import KeysLine, StatusLine, TopLine

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mm_tui.services.notices import Notice


class BaseScreen(Screen[None]):
    """A main screen: top line, body, status line, keys.

    Subclasses yield their body from `compose_body` and re-read the store in `heed`. While another main screen is in
    front, notices are kept (each kind once) and heeded when this one comes back.
    """

    MODE: ClassVar[str] = ""
    """The main screen that the top line shows as current: "inbox", "pending", "audit" or "mailboxes"."""
    TITLE_WORD: ClassVar[str] = ""
    """The heading of this screen's help."""
    AUTO_FOCUS = ""

    def __init__(self) -> None:
        super().__init__()
        self._missed: dict[object, Notice] = {}

    @property
    def services(self) -> Services:
        """The stores and services."""
        return services_of(self)

    def compose(self) -> ComposeResult:
        yield TopLine(self.MODE)
        yield from self.compose_body()
        yield StatusLine()
        yield KeysLine()

    def compose_body(self) -> ComposeResult:
        """The widgets between top line and status line."""
        yield from ()

    def heed(self, notice: Notice) -> None:
        """Something changed: re-read what is shown. Called on the screen's own message loop."""

    def services_ready(self) -> None:
        """The network side can be asked from now on."""

    def say(self, text: str, severity: str = "information") -> None:
        """One line to the reader, on the status line."""
        self.post_message(Said(text, severity))

    def save_work(self) -> None:
        """Keeps what the human has written. Called before the program ends, for whatever reason."""

    def undo_target(self) -> str | None:
        """Id of the mail whose held decision undo takes back; None for the last one that was made."""
        return None

    def status_mailbox(self) -> str | None:
        """Id of the mailbox that the status line speaks of; None for all."""
        return None

    def on_told(self, message: Told) -> None:
        notice = message.notice
        for line in self.query(StatusLine):
            line.update_state()
        for top in self.query(TopLine):
            top.update_state()
        if self in self.app.screen_stack:
            self.heed(notice)
        else:
            self._missed[_kind(notice)] = notice

    def on_services_ready(self, _message: ServicesReady) -> None:
        for line in self.query(StatusLine):
            line.update_state()
        self.services_ready()

    def on_screen_resume(self) -> None:
        for top in self.query(TopLine):
            top.update_state()
        for line in self.query(StatusLine):
            line.update_state()
        missed, self._missed = self._missed, {}
        for notice in missed.values():
            self.heed(notice)


def _kind(notice: Notice) -> object:
    """Notices that name different mails are kept apart; the rest once a kind."""
    from mm_tui.services.notices import AssistChanged, MailChanged, ReleaseChanged

    if isinstance(notice, ReleaseChanged | AssistChanged | MailChanged):
        return notice
    return type(notice)
