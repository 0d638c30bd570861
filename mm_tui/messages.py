"""Service events as Textual messages, and what screens may ask of the app.

Services do not use Textual: they call a plain function with an event. The app wraps each event in
`ServiceEventReceived` and passes it to every main screen, which reads the store again.
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
    """A service reports what changed."""

    def __init__(self, event: ServiceEvent) -> None:
        super().__init__()
        self.event = event


class ServicesReady(Message, bubble=False):
    """The network side has been built: sync, releases and the assistant may be asked from now on."""


class DecisionWanted(Message):
    """Somebody wants to decide about a waiting email."""

    def __init__(self, email_id: str) -> None:
        super().__init__()
        self.email_id = email_id


class SubjectChanged(Message):
    """From the next paint on, a key would decide another email or another text."""


class Said(Message):
    """A message from a worker for the status line, as plain text, away from what is being decided. `taken_back`: the
    message is no longer true: remove it if it is still shown."""

    def __init__(self, text: str, severity: str = "information", *, taken_back: bool = False) -> None:
        super().__init__()
        self.taken_back = taken_back
        self.text = text
        self.severity = severity


def session_of(node: DOMNode) -> Session:
    """The open profile of the app that `node` is in."""
    return cast("HasSession", node.app).session


def choose_act(node: DOMNode, act_id: str, run: Callable[[], Awaitable[object]], *, clicked: bool = False) -> None:
    """Runs an action that was not chosen by its key; one that decides is subject to the same rules."""
    cast("HasSession", node.app).keyboard.choose(act_id, run, clicked=clicked)


class ChoosesActs(Protocol):
    """The app's keyboard, as screens and widgets see it."""

    def choose(self, act_id: str, run: Callable[[], Awaitable[object]], *, clicked: bool) -> None:
        """See `choose_act`."""


class HasSession(Protocol):
    """The app, as screens and widgets see it."""

    session: Session
    keyboard: ChoosesActs
