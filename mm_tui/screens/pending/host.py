"""The pending screen as its parts know it: the widgets, the queue, and the email under the cursor."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from textual import getters

from mm_tui.screens.base import BaseScreen
from mm_tui.screens.pending.column import QueueColumn
from mm_tui.screens.pending.pane import ItemPane
from mm_tui.screens.pending.panes import Panes
from mm_tui.services.decisions.approval_gate import ApprovalGate
from mm_tui.services.decisions.listing import QueueListing
from mm_tui.services.decisions.marks import Marks

if TYPE_CHECKING:
    from mm_tui.screens.pending.queue_list import PendingList
    from mm_tui.services.decisions.view import DecisionView
    from mm_tui.services.queue.entry import QueueEntry


class QueueHost(BaseScreen):
    """What the parts of the pending screen share, and what they may ask of it."""

    column = getters.query_one("#left", QueueColumn)
    """The list and what stands above it."""
    pane = getters.query_one("#item", ItemPane)
    """The pane with the open email."""

    def __init__(self) -> None:
        super().__init__()
        self.marks = Marks()
        self.panes = Panes(self)

    @cached_property
    def gate(self) -> ApprovalGate:
        """The approval gate, which says whether an email may be decided now."""
        return ApprovalGate(self.session.clock, self.session.settings.review.own_replies)

    @cached_property
    def listing(self) -> QueueListing:
        """The listed part of the queue."""
        session = self.session
        return QueueListing(
            session.clock, session.settings.filters.queue, session.queue.filter_context, self.decision_of
        )

    @property
    def queue_list(self) -> PendingList:
        """The list of waiting emails."""
        return self.column.queue_list

    @property
    def is_open(self) -> bool:
        """Whether the screen is in front, or only behind dialogs."""
        return self in self.app.screen_stack

    @property
    def current(self) -> QueueEntry | None:
        """The email under the cursor."""
        key = self.queue_list.current_key if self.is_mounted else None
        return self.listing.listed.get(key) if key is not None else None

    def decision_of(self, email_id: str) -> DecisionView | None:
        """The decision about an email; None if there is none."""
        decisions = self.session.decisions
        return decisions.overview.state(email_id) if decisions is not None else None

    def read_item(self) -> None:
        """Focuses the item and gives it the full width, with its thread beside it if there is room."""

    def update_list(self, *, stay: bool = True) -> None:
        """Updates the list after a change of filter; `stay` is as for `QueueListing.list_anew`."""

    def show_rows(self) -> None:
        """Draws the list and its heading."""

    def show_all(self) -> None:
        """Ends filter and search."""
