"""What services tell the screens, as Textual messages, and what screens may ask of the app.

Services know nothing of Textual: they call a plain function with an event. The app wraps each event in
`ServiceEventReceived` and hands it to every main screen; the screen reads the store again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from textual.message import Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.dom import DOMNode

    from mm_tui.services.events import ServiceEvent
    from mm_tui.session import Session


class ServiceEventReceived(Message, bubble=False):
    """A service says what changed."""

    def __init__(self, notice: ServiceEvent) -> None:
        super().__init__()
        self.notice = notice


class ServicesReady(Message, bubble=False):
    """The network side has been built: sync, releases and the assistant may be asked from now on."""


class SubjectChanged(Message):
    """What a key would decide about is another email, or has another text, from the next paint on."""


class Said(Message):
    """One line for the reader, from a worker: shown on the status line, away from what is being decided.

    Args:
        text: plain words; shown without markup.
        severity: "information", "warning" or "error".
        taken_back: the line is no longer true: it goes if it still stands there.
    """

    def __init__(self, text: str, severity: str = "information", *, taken_back: bool = False) -> None:
        super().__init__()
        self.taken_back = taken_back
        self.text = text
        self.severity = severity


def session_of(node: DOMNode) -> Session:
    """The open profile of the app that `node` is in."""
    return cast("HasSession", node.app).session


def choose_act(node: DOMNode, act_id: str, run: Callable[[], Awaitable[object]]) -> None:
    """Runs an act that was not chosen by its key; one that decides is held to what holds for its key."""
    cast("HasSession", node.app).keyboard.choose(act_id, run)


class ChoosesActs(Protocol):
    """The app's keyboard, as screens and widgets see it."""

    def choose(self, act_id: str, run: Callable[[], Awaitable[object]]) -> None:
        """As `choose_act`."""


class HasSession(Protocol):
    """The app, as screens and widgets see it."""

    session: Session
    keyboard: ChoosesActs
