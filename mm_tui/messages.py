"""Service events as Textual messages, and what screens may ask of the app.

Services do not use Textual: they call a plain function with an event. The app wraps each event in
`ServiceEventReceived` and passes it to every main screen, which reads the store again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from textual.dom import DOMNode
from textual.message import Message

from mm_tui.services.events import ServiceEvent
from mm_tui.session import Session


@dataclass(eq=False, repr=False)
class ServiceEventReceived(Message, bubble=False):
    """A service reports what changed; screens read the store again."""

    event: ServiceEvent


class ServicesReady(Message, bubble=False):
    """The network side has been built: the sync, decisions and the assistant can be used from now on."""


@dataclass(eq=False, repr=False)
class DecisionWanted(Message):
    """Somebody wants to decide about a waiting email."""

    email_id: str


class SubjectChanged(Message):
    """From the next paint on, a key would decide another email or another text."""


@dataclass(eq=False, repr=False)
class Said(Message):
    """A message from a worker for the status line, as plain text, away from what is being decided."""

    text: str
    severity: str = "information"
    taken_back: bool = False
    """The message is no longer true: remove it if it is still shown."""


def session_of(node: DOMNode) -> Session:
    """The open profile of the app that `node` is in."""
    session: Session = cast(Any, node.app).session
    return session


def choose_action(
    node: DOMNode, action_id: str, run: Callable[[], Awaitable[object]], *, clicked: bool = False
) -> None:
    """Runs an action that was not chosen by its key; one that decides is subject to the same rules."""
    cast(Any, node.app).keyboard.choose(action_id, run, clicked=clicked)
