"""The interface of the pending screen for its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.message import Message
    from textual.timer import Timer

    from mm_tui.screens.pending.pane import ItemPane
    from mm_tui.screens.pending.panes import Panes
    from mm_tui.screens.pending.queue_list import PendingList
    from mm_tui.services.decisions.approval_gate import ApprovalGate
    from mm_tui.services.decisions.listing import QueueListing
    from mm_tui.services.decisions.marks import Marks
    from mm_tui.services.decisions.view import DecisionView
    from mm_tui.services.queue.entry import QueueEntry
    from mm_tui.session import Session


class QueueHost(Protocol):
    """The pending screen, as seen by its parts."""

    @property
    def app(self) -> App[object]: ...
    @property
    def session(self) -> Session: ...
    @property
    def is_open(self) -> bool:
        """Whether the screen is in front, or only behind dialogs."""

    @property
    def panes(self) -> Panes:
        """What is shown of the list, the email and its thread."""

    @property
    def current(self) -> QueueEntry | None:
        """The email under the cursor."""

    @property
    def gate(self) -> ApprovalGate: ...
    @property
    def listing(self) -> QueueListing: ...
    @property
    def marks(self) -> Marks: ...
    @property
    def pane(self) -> ItemPane: ...
    @property
    def queue_list(self) -> PendingList: ...
    def decision_of(self, email_id: str) -> DecisionView | None: ...
    def read_item(self) -> None: ...
    def reload(self) -> None: ...
    def update_list(self, *, stay: bool = True) -> None: ...
    def show_rows(self) -> None: ...
    def show_all(self) -> None: ...
    def update_status(self) -> None:
        """Draws the status line again."""

    def cancel_group(self, group: str) -> None:
        """Cancels the workers of a group."""

    def say(self, text: str, severity: str = "information") -> None: ...
    def unsay(self, text: str) -> None: ...
    def set_timer(self, delay: float, callback: Callable[[], object]) -> Timer: ...
    def set_interval(self, interval: float, callback: Callable[[], object]) -> Timer: ...
    def post_message(self, message: Message) -> bool: ...
    def run_worker(
        self, work: Any, *, group: str = ..., exclusive: bool = ..., exit_on_error: bool = ..., thread: bool = ...
    ) -> object: ...
