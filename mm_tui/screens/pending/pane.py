"""Shows one waiting email: its head, then draft, thread or difference; draft beside thread if there is room."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from textual import getters
from textual.containers import Horizontal, Vertical
from textual.content import Content

from mm_tui.messages import session_of
from mm_tui.models import Mailbox
from mm_tui.review.render_pass import RenderPass, is_source
from mm_tui.screens.pending.advice import NO_ADVICE, Advice
from mm_tui.screens.pending.diff_pages import difference, follows, sides
from mm_tui.screens.pending.head import above, banner, head
from mm_tui.screens.pending.pages import draft_page, edit_page, thread_page
from mm_tui.screens.rendering import BodiesRendered, render_later
from mm_tui.services.decisions.read_versions import ReadChange
from mm_tui.services.decisions.view import DecisionView
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.hanging import SIGN, hanging
from mm_tui.widgets.pager import Page, Pager
from mm_tui.widgets.words import joined

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.geometry import Size


class View(StrEnum):
    """What the main pager shows."""

    DRAFT = "Draft"
    THREAD = "Thread"
    DIFF = "Diff"


INBOUND_WORD = "Mail"
"""The title of `View.DRAFT` for inbound mail."""
MOST_FINDINGS = 8
HEAD_SHARE = 2
"""The largest share of the pane for the head."""
PADDING = 2
STARTS = re.compile(rf"{SIGN.pattern}|(?:from|also|when|came|asks|about|(?:to|cc) {{2}}) ")
"""What lines of the head begin with, before they continue."""
LATE_ROWS = 2
"""Rows kept for an email that is not checked yet, besides the one that says so: for what the rules find, or cc."""


class ItemPane(Vertical):
    """Shows an email. Posts `Pager.EndSeen` when the page that would be sent has been read to the end."""

    DEFAULT_CSS = """
    ItemPane {
        & > #item-head { height: auto; max-height: 50%; padding: 0 1; }
        & > #item-banner { height: auto; padding: 0 1; background: $mm-here; color: $mm-here-text; display: none; }
        &:ansi > #item-banner { text-style: reverse; }
        & > #item-tabs { height: 1; padding: 0 1; color: $mm-dim; background: $panel; }
        & #item-side { display: none; width: 1fr; border-left: solid $mm-rule; }
        & #item-main { width: 1fr; }
        &.-beside #item-side { display: block; }
    }
    """

    main = getters.query_one("#item-main", Pager)
    """The pager with the content to decide on."""
    side = getters.query_one("#item-side", Pager)
    """The pager that shows the thread beside the draft."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = View.DRAFT
        self._entry: QueueEntry | None = None
        self._decision: DecisionView | None = None
        self._mailbox: Mailbox | None = None
        self._change: ReadChange | None = None
        self._drawn: object = None
        self._drawn_views = 0
        self.advice = NO_ADVICE
        """The models' advice on the email shown."""
        self._place = ""
        self._as_source = False
        """Whether bodies are shown as written, not as a recipient reads them."""
        self._stays_source = ""
        """The version that the reader started reading as its source, before it was rendered."""
        self._waiting: frozenset[str] = frozenset()
        """Bodies on the screen that are being rendered."""
        self._crowded = False
        """Whether the head has no room for everything that must be seen."""
        self._head_rows = 0
        """The height of the head: the greatest for the email and size in `_head_for`."""
        self._head_for: tuple[str, Size] | None = None

    def compose(self) -> ComposeResult:
        yield CachedStatic(id="item-head")
        yield CachedStatic(id="item-banner")
        yield CachedStatic(id="item-tabs")
        with Horizontal():
            yield Pager(id="item-main")
            yield Pager(id="item-side")

    @property
    def mailbox(self) -> Mailbox | None:
        """The mailbox of the email that is shown."""
        return self._mailbox

    @property
    def entry(self) -> QueueEntry | None:
        """The email that is shown."""
        return self._entry

    @property
    def has_views(self) -> bool:
        """Whether there is another view to switch to."""
        return self._entry is not None and len(self._views()) > 1

    def show(
        self,
        entry: QueueEntry | None,
        decision: DecisionView | None,
        mailbox: Mailbox | None,
        change: ReadChange | None = None,
        advice: Advice = NO_ADVICE,
    ) -> None:
        """Shows a waiting email, or none. Keeps view and position if it is the same email as before.

        Args:
            change: its content differs from what the reader had on the screen: the difference is shown at once.
        """
        before, was_pointed_out = self._entry, self._change is not None
        same = entry is not None and before is not None and entry.item.id == before.item.id
        is_known = was_pointed_out and entry is not None and before is not None and entry.version == before.version
        self._entry, self._decision, self._mailbox, self._change = entry, decision, mailbox, change
        if entry is None or entry.version != self._stays_source:
            self._stays_source = ""
        self.advice = advice
        if change is not None and not is_known:
            self.view, same = View.DIFF, False
        elif not same or self.view not in self._views():
            self.view = View.DRAFT
        self._draw(keep_place=same)

    def set_place(self, words: str) -> None:
        """Shows the email's position in the queue and how long it has waited, to the right of the views."""
        if words != self._place:
            self._place = words
            self._draw_tabs()

    def next_view(self) -> None:
        """Switches to the next view: draft, thread, differences, and draft again."""
        views = self._views()
        at = views.index(self.view) if self.view in views else 0
        self.view = views[(at + 1) % len(views)]
        self._draw(keep_place=False)

    def make_room(self) -> None:
        """Lets the head show again all that came while the email was on the screen."""
        self._head_for = None

    def toggle_source(self) -> None:
        """Switches between bodies as written and as a recipient reads them."""
        if self._stays_source:
            self._stays_source = ""
        else:
            self._as_source = not self._as_source
        self._drawn = None
        self._draw(keep_place=False)

    def on_bodies_rendered(self, message: BodiesRendered) -> None:
        """Shows the rendered bodies, unless the reader is in the middle of the text."""
        if message.bodies.isdisjoint(self._waiting):
            return
        if self._entry is not None and self.main.scroll_offset.y:
            self._stays_source = self._entry.version
            self._draw_tabs()
        else:
            self._drawn = None
            self._draw(keep_place=True)

    def show_view(self, view: View) -> None:
        """Shows this view if it applies."""
        if view in self._views():
            self.view = view
            self._draw(keep_place=False)

    def show_what_leaves(self) -> None:
        """Shows a view with everything that would be sent: the current one if it qualifies, otherwise the draft."""
        if self._entry is not None and self._entry.version not in self.main.page_name.splitlines():
            self.show_view(View.DRAFT)

    def set_beside(self, beside: bool) -> None:
        """Shows or hides the thread beside the draft."""
        if self.has_class("-beside") != beside:
            self.set_class(beside, "-beside")
            if beside and self.view is View.THREAD:
                self.view = View.DRAFT
            self._drawn = None
            self._draw(keep_place=True)

    def tick(self, decision: DecisionView | None) -> None:
        """Updates the pane after the decision changed, a second of its hold passed, or other keys work."""
        self._decision = decision
        self._draw_banner()

    def on_resize(self) -> None:
        self._draw(keep_place=True)

    def _views(self) -> list[View]:
        views = [View.DRAFT] if self.has_class("-beside") else [View.DRAFT, View.THREAD]
        entry, changed = self._entry, self._decision is not None and self._decision.changed is not None
        if changed or self._change is not None or (entry is not None and (entry.edit is not None or follows(entry))):
            views.append(View.DIFF)
        return views

    def _draw(self, *, keep_place: bool) -> None:
        self._draw_head()
        self._draw_banner()
        above_page = self._above()
        changed = self._decision.changed if self._decision else None
        wanted = (self._entry, self.view, changed, self._change, above_page, self._as_source, self.advice.reader)
        if wanted != self._drawn:
            self._drawn = wanted
            bodies = RenderPass(as_source=self._as_source or bool(self._stays_source))
            page, name = self._page(bodies)
            self.main.show(page, name, keep_place=keep_place)
            self.side.show(self._side_page(bodies), "", keep_place=keep_place)
            self._draw_tabs()
            self._waiting = frozenset(bodies.left)
            render_later(self, bodies)

    def _side_page(self, bodies: RenderPass) -> Page:
        if self._entry is None:
            return Page()
        if self._compares_sides():
            return sides(self._entry)[0]
        return thread_page(self._entry.thread, bodies, marks=self.advice.thread_marks)

    def _compares_sides(self) -> bool:
        changed = self._decision is not None and self._decision.changed is not None
        edited = self._entry is not None and self._entry.edit is not None
        return self.view is View.DIFF and self.has_class("-beside") and edited and not changed

    def _page(self, bodies: RenderPass) -> tuple[Page, str]:
        entry = self._entry
        if entry is None:
            return Page(), ""
        if self.view is View.THREAD:
            return thread_page(entry.thread, bodies, marks=self.advice.thread_marks), ""
        if self._compares_sides():
            return sides(entry, above=self._above())[1], entry.version
        if self.view is View.DIFF:
            return difference(entry, self._decision, self._change, above=self._above())
        findings, above_page, more = entry.assessment.findings, self._above(), self.advice.draft_marks
        if entry.edit is not None:
            page = edit_page(entry.edit, entry.item, findings, above=above_page, bodies=bodies, more=more)
        else:
            page = draft_page(entry.item, findings, above=above_page, bodies=bodies, more=more)
        return page, entry.version

    def _above(self) -> list[OneLine] | None:
        if not self._crowded or self._entry is None:
            return None
        return above(self._entry, self._mailbox, session_of(self).clock.now())

    def _draw_head(self) -> None:
        """Draws the head. If it changes while an email is shown, the line being read stays where it is: what comes late
        takes the room that is there, and only what does not fit there makes the head grow."""
        room, width = self.size.height // HEAD_SHARE, max(1, self.size.width - PADDING)
        key = (self._entry.item.id, self.size) if self._entry is not None else None
        before = self._head_rows if key is not None and key == self._head_for else 0
        text = self._head(before)
        rows = text.get_height({}, width) if key is not None else 0
        if self._entry is not None and not self._entry.is_checked:
            rows += LATE_ROWS
        self._head_for, self._head_rows = key, max(before, min(rows, room))
        line = self.query_one("#item-head", CachedStatic)
        line.styles.min_height = self._head_rows
        line.put(text)
        grown = self._head_rows - before
        for pager in (self.main, self.side):
            # At its top the text is only beginning to be read: its first lines must not be covered.
            if before and grown and pager.scroll_offset.y:
                pager.scroll_to(y=pager.scroll_offset.y + grown, animate=False, immediate=True)
        self._draw_tabs()

    def _draw_tabs(self) -> None:
        views = self._views()
        if len(views) != self._drawn_views:
            # The key that switches between them is shown only if there are several.
            self._drawn_views = len(views)
            self.screen.refresh_bindings()
        inbound = self._entry is not None and self._entry.is_inbound
        words = [INBOUND_WORD if inbound and view is View.DRAFT else str(view) for view in views]
        tabs = [
            Content.styled(word, "bold $mm-accent" if view is self.view else "$mm-dim")
            for word, view in zip(words, views, strict=True)
        ]
        labels = joined(tabs, " │ ")
        if self.has_class("-beside"):
            beside = "the agent's draft" if self._compares_sides() else "thread"
            labels = Content.assemble(labels, (f"   {beside} beside it", "$mm-dim"))
        if self._is_source_shown():
            labels = Content.assemble(labels, ("   Markdown source", "$mm-dim"))
        gap = self.size.width - PADDING - labels.cell_length - len(self._place)
        if self._place and gap >= 2:
            labels = Content.assemble(labels, " " * gap, (self._place, "$mm-dim"))
        self.query_one("#item-tabs", CachedStatic).put(labels if self._entry is not None else Content(""))

    def _is_source_shown(self) -> bool:
        """Whether a body is shown as written: the reader asked for it, or it is not rendered or cannot be."""
        entry = self._entry
        if entry is None or self.view is not View.DRAFT:
            return self._as_source and self.view is View.THREAD
        body = entry.edit.text.body if entry.edit is not None else entry.item.body
        return self._as_source or bool(self._stays_source) or is_source(body)

    def _head(self, shown_rows: int = 0) -> Content:
        """The head, as much as fits into its share of the pane; the rest that must be seen is on the page.

        Args:
            shown_rows: the height it has had for this email; rather than grow it counts findings, and has no card.
        """
        entry, room = self._entry, self.size.height // HEAD_SHARE
        self._crowded = False
        if entry is None:
            return Content("")
        now = session_of(self).clock.now()
        width = max(1, self.size.width - PADDING)
        least = min(1, len(entry.assessment.findings))
        # Advice is dropped before anything else.
        tries = [(False, MOST_FINDINGS, more) for more in (self.advice.lines(width), self.advice.short_lines(width))]
        tries += [
            (crowded, findings, []) for crowded in (False, True) for findings in range(MOST_FINDINGS, least - 1, -1)
        ]
        for crowded, findings, more in tries:
            text = hanging(
                head(entry, self._mailbox, now=now, shown_findings=findings, crowded=crowded, more=more), width, STARTS
            )
            if not room or text.get_height({}, width) <= room:
                self._crowded = crowded
                break
        else:
            self._crowded = True
        # What is scrolled stays in its place while the head grows.
        if not shown_rows or self._crowded or self.main.scroll_offset.y or text.get_height({}, width) <= shown_rows:
            return text
        remarks = replace(self.advice, card=None).lines(width)
        for findings in range(MOST_FINDINGS, -1, -1):
            shorter = hanging(head(entry, self._mailbox, now=now, shown_findings=findings, more=remarks), width, STARTS)
            if shorter.get_height({}, width) <= shown_rows:
                return shorter
        return text

    def _draw_banner(self) -> None:
        today = session_of(self).clock.now().astimezone().date()
        words = banner(self._decision, self._entry, self._change, screen=self.screen, today=today)
        line = self.query_one("#item-banner", CachedStatic)
        line.display = bool(words)
        line.put(words)
