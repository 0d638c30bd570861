"""Shows one waiting email: its head, then draft, thread or difference; draft beside thread if there is room."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace
from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen

from mm_tui.clock import at_time
from mm_tui.decision.state import Act, Outcome
from mm_tui.messages import session_of
from mm_tui.models import Mailbox
from mm_tui.review.render_pass import RenderPass, is_source
from mm_tui.screens.pending.advice import NO_ADVICE, Advice
from mm_tui.screens.pending.diff_pages import difference, sides
from mm_tui.screens.pending.findings import above
from mm_tui.screens.pending.head import PADDING, ItemHead, OpenedEmail
from mm_tui.screens.pending.pages import draft_page, thread_page
from mm_tui.screens.rendering import BodiesRendered, render_later
from mm_tui.services.decisions.ended import says_how_it_ended
from mm_tui.services.decisions.view import DecisionView, Phase
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import OneLine
from mm_tui.widgets.cached_static import CachedStatic
from mm_tui.widgets.hanging import with_hints
from mm_tui.widgets.keys_line import hint
from mm_tui.widgets.pager import Page, Pager
from mm_tui.widgets.words import joined


class View(StrEnum):
    """What the main pager shows."""

    DRAFT = "Draft"
    THREAD = "Thread"
    DIFF = "Diff"


INBOUND_WORD = "Mail"
"""The title of `View.DRAFT` for inbound mail."""
LEAST_TEXT = 2
"""The rows of text without which nobody sees what an email is about."""
ALERT = "▲ "
SIGNS = {Phase.HELD: "◔ ", Phase.WORKING: "◑ ", Phase.WAITING: "◑ ", Phase.DONE: "✓ ", Phase.UNDECIDED: "○ "}


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

    head = getters.query_one("#item-head", ItemHead)
    main = getters.query_one("#item-main", Pager)
    """The pager with the content to decide on."""
    side = getters.query_one("#item-side", Pager)
    """The pager that shows the thread beside the draft."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = View.DRAFT
        self._opened: OpenedEmail | None = None
        self._place = ""
        self._drawn: object = None
        """What the pages were made from."""
        self._drawn_views = 0
        self._as_source = False
        """Whether bodies are shown as written, not as a recipient reads them."""
        self._stays_source = ""
        """The version that the reader started reading as its source, before it was rendered."""
        self._waiting: frozenset[str] = frozenset()
        """Bodies on the screen that are being rendered."""
        self._waiting_in_main: frozenset[str] = frozenset()
        """Those of them in the main page."""

    def compose(self) -> ComposeResult:
        yield ItemHead(id="item-head")
        yield CachedStatic(id="item-banner")
        yield CachedStatic(id="item-tabs")
        with Horizontal():
            yield Pager(id="item-main")
            yield Pager(id="item-side")

    @property
    def entry(self) -> QueueEntry | None:
        return self._opened.entry if self._opened is not None else None

    @property
    def mailbox(self) -> Mailbox | None:
        return self._opened.mailbox if self._opened is not None else None

    @property
    def advice(self) -> Advice:
        """The models' advice on the email that is shown."""
        return self._opened.advice if self._opened is not None else NO_ADVICE

    @property
    def _version(self) -> str:
        return self._opened.entry.version if self._opened is not None else ""

    @property
    def shows_whom_and_text(self) -> bool:
        """Whether all rows with the recipients, or their number, are on the screen, and some of the page below."""
        return self.head.shows_whom and self.main.size.height >= LEAST_TEXT

    # What is shown

    def show(self, opened: OpenedEmail | None) -> None:
        """Shows a waiting email, or none. Keeps view and position if it is the same email as before. If it differs from
        what the reader had on the screen, the difference is shown at once."""
        before, self._opened = self._opened, opened
        same = opened is not None and before is not None and opened.entry.item.id == before.entry.item.id
        if self._version != self._stays_source:
            self._stays_source = ""
        pointed_out = before is not None and before.change is not None and before.entry.version == self._version
        if opened is not None and opened.change is not None and not pointed_out:
            self.view, same = View.DIFF, False
        elif not same or self.view not in self._views():
            self.view = View.DRAFT
        self._draw(keep_place=same)

    def set_place(self, words: str) -> None:
        """Shows the email's position in the queue and how long it has waited, to the right of the views."""
        if words != self._place:
            self._place = words
            self._draw_tabs()

    def set_beside(self, beside: bool) -> None:
        if self.has_class("-beside") != beside:
            self.set_class(beside, "-beside")
            if beside and self.view is View.THREAD:
                self.view = View.DRAFT
            self._draw(keep_place=True, again=True)

    def tick(self, decision: DecisionView | None) -> None:
        """Updates the pane after the decision changed, a second of its hold passed, or other keys work."""
        if self._opened is not None:
            self._opened = replace(self._opened, decision=decision)
        self._draw_banner()

    def on_resize(self) -> None:
        self._draw(keep_place=True)

    # Views

    def _views(self) -> list[View]:
        views = [View.DRAFT] if self.has_class("-beside") else [View.DRAFT, View.THREAD]
        return [*views, View.DIFF] if self._opened is not None and self._opened.has_differences else views

    @property
    def has_views(self) -> bool:
        """Whether there is another view to switch to."""
        return self._opened is not None and len(self._views()) > 1

    def next_view(self) -> None:
        """Switches to the next view: draft, thread, differences, and draft again."""
        views = self._views()
        at = views.index(self.view) if self.view in views else 0
        self.show_view(views[(at + 1) % len(views)])

    def show_view(self, view: View) -> None:
        if view in self._views():
            self.view = view
            self._draw(keep_place=False)

    def go_to_words(self, step: int) -> tuple[int, int] | None:
        """As `Pager.go_to_words`, in the draft; highlights the sentence too."""
        found = self.main.go_to_words(step)
        self._draw_head()
        return found

    def show_what_leaves(self) -> None:
        """Shows a view with everything that would be sent: the current one if it qualifies, otherwise the draft."""
        if self._opened is not None and self._version not in self.main.page_name.splitlines():
            self.show_view(View.DRAFT)

    # Source or rendered

    def toggle_source(self) -> None:
        """Switches between bodies as written and as a recipient reads them."""
        if self._stays_source:
            self._stays_source = ""
        else:
            self._as_source = not self._as_source
        self._draw(keep_place=False, again=True)

    def on_bodies_rendered(self, message: BodiesRendered) -> None:
        """Shows the rendered bodies, unless the reader is in the middle of the text."""
        if message.bodies.isdisjoint(self._waiting):
            return
        if self._is_reading_source and not message.bodies.isdisjoint(self._waiting_in_main):
            self._stays_source = self._version
            self._draw_tabs()
        else:
            self._draw(keep_place=True, again=True)

    @property
    def _is_reading_source(self) -> bool:
        """Whether the reader is in the middle of a text that is shown as its source until it is rendered."""
        return self._opened is not None and bool(self._waiting_in_main) and self.main.scroll_offset.y > 0

    @property
    def _is_source_shown(self) -> bool:
        """Whether a body is shown as written: the reader asked for it, or it is not rendered or cannot be."""
        entry = self.entry
        if entry is None or self.view is not View.DRAFT:
            return self._as_source and self.view is View.THREAD
        return self._as_source or bool(self._stays_source) or is_source(entry.text.body)

    # Drawing

    @property
    def _now(self) -> datetime:
        return session_of(self).clock.now()

    def _draw(self, *, keep_place: bool, again: bool = False) -> None:
        """Draws everything; the pages only if something in them changed, or `again`."""
        self._draw_head()
        self._draw_banner()
        opened, beyond_head = self._opened, self._beyond_head()
        shown = (opened.entry, opened.changed, opened.change, opened.advice.reader) if opened is not None else None
        made_from = (shown, self.view, beyond_head, self._as_source)
        if again or made_from != self._drawn:
            self._drawn = made_from
            if keep_place and self._is_reading_source:
                self._stays_source = self._version
            bodies = RenderPass(as_source=self._as_source or bool(self._stays_source))
            page, name = self._main_page(bodies, beyond_head)
            self._waiting_in_main = frozenset(bodies.left)
            about = self._about
            self.main.show(page, name, keep_place=keep_place)
            if self.view is View.DIFF and not keep_place:
                self.main.show_first({"added", "removed"})
            if self._about != about:
                self._draw_head()
            self.side.show(*self._side_page(bodies), keep_place=keep_place)
            self._draw_tabs()
            self._waiting = frozenset(bodies.left)
            render_later(self, bodies)

    @property
    def _about(self) -> str:
        """The sentence of the marked words that the reader went to."""
        words = self.main.words_here
        return words.about if words is not None else ""

    def _draw_head(self) -> None:
        opened = replace(self._opened, about=self._about) if self._opened is not None else None
        grown = self.head.draw(opened, self.size, self._now, is_scrolled=bool(self.main.scroll_offset.y))
        for pager in (self.main, self.side):
            # At its top the text is only beginning to be read: its first lines must not be covered.
            if grown and pager.scroll_offset.y:
                pager.scroll_to(y=pager.scroll_offset.y + grown, animate=False, immediate=True)
        self._draw_tabs()

    def _draw_banner(self) -> None:
        today = self._now.astimezone().date()
        width = max(1, self.size.width - PADDING)
        words = _banner(self._opened, today, self.screen, width) if self._opened is not None else Content("")
        line = self.query_one("#item-banner", CachedStatic)
        line.display = bool(words)
        line.put(words)

    def _draw_tabs(self) -> None:
        views = self._views()
        if len(views) != self._drawn_views:
            # The key that switches between them is shown only if there are several.
            self._drawn_views = len(views)
            self.screen.refresh_bindings()
        self.query_one("#item-tabs", CachedStatic).put(self._tabs(views))

    def _tabs(self, views: list[View]) -> Content:
        """The views, what is beside them, and the email's position in the queue."""
        if self._opened is None:
            return Content("")
        words = {view: str(view) for view in views} | (
            {View.DRAFT: INBOUND_WORD} if self._opened.entry.is_inbound else {}
        )
        tabs = [Content.styled(words[view], "bold $mm-accent" if view is self.view else "$mm-dim") for view in views]
        beside = "the agent's draft" if self._compares_sides else "thread"
        tabs_line = Content.assemble(
            joined(tabs, " │ "),
            (f"   {beside} beside it" if self.has_class("-beside") else "", "$mm-dim"),
            ("   Markdown source" if self._is_source_shown else "", "$mm-dim"),
        )
        gap = self.size.width - PADDING - tabs_line.cell_length - len(self._place)
        if self._place and gap >= 2:
            return Content.assemble(tabs_line, " " * gap, (self._place, "$mm-dim"))
        return tabs_line

    # The pages

    @property
    def _compares_sides(self) -> bool:
        """Whether the agent's draft and the human's edit stand side by side."""
        opened = self._opened
        is_edited = opened is not None and opened.entry.edit is not None and opened.changed is None
        return is_edited and self.view is View.DIFF and self.has_class("-beside")

    def _beyond_head(self) -> list[OneLine] | None:
        """The lines for which the head has no room; None if it has room for everything."""
        opened = self._opened
        if opened is None or not self.head.is_crowded:
            return None
        return above(opened.entry, opened.mailbox, self._now)

    def _main_page(self, bodies: RenderPass, beyond_head: list[OneLine] | None) -> tuple[Page, str]:
        """The page to read, and its name: what has been read once it was seen to the end."""
        opened = self._opened
        if opened is None:
            return Page(), ""
        if self.view is View.THREAD:
            return self._thread_page(opened, bodies)
        if self._compares_sides:
            return sides(opened.entry, above=beyond_head)[1], opened.entry.version
        if self.view is View.DIFF:
            return difference(opened.entry, opened.decision, opened.change, above=beyond_head)
        page = draft_page(opened.entry, above=beyond_head, bodies=bodies, more=opened.advice.draft_marks)
        return page, opened.entry.version

    def _side_page(self, bodies: RenderPass) -> tuple[Page, str]:
        if self._opened is None:
            return Page(), ""
        if self._compares_sides:
            return sides(self._opened.entry)[0], ""
        return self._thread_page(self._opened, bodies)

    def _thread_page(self, opened: OpenedEmail, bodies: RenderPass) -> tuple[Page, str]:
        """The thread, and a name if there are new emails in it."""
        entry = opened.entry
        page = thread_page(entry.thread, bodies, marks=opened.advice.thread_marks, newer=entry.newer)
        return page, entry.newer_name


# The line with the state of its decision


def _banner(opened: OpenedEmail, today: date, screen: Screen[Any], width: int) -> Content:
    """What is to be said about the email's decision; empty if nothing is. All in the one colour of its ground. `today`:
    the reader's date: an earlier day is named. `screen`: where it is shown, for the keys that work there."""
    entry, decision, change = opened.entry, opened.decision, opened.change
    goes_on = hint(screen, "pending.next") if entry.ended else ""
    if entry.ended and not says_how_it_ended(decision, entry.item.id):
        return with_hints(Content.assemble(ALERT, (entry.ended, "bold")), [goes_on], width)
    if change is not None and entry.edit is None and (decision is None or decision.ended):
        at = at_time(change.at, today)
        words = f"changed {at} while you were reading: see what changed in Diff, the whole text in Draft"
        return Content.assemble(ALERT, (words, "bold"))
    # What was undone before the draft was edited was about another text.
    is_past = decision is not None and decision.outcome is Outcome.UNDONE and decision.act is Act.APPROVE and entry.edit
    if decision is not None and not is_past and not decision.is_shown_by_tags(entry.item.id):
        asked = decision.question
        words = str(asked.words if asked is not None else decision.words)
        words += ": see Diff" if decision.outcome is Outcome.NOT_AS_SEEN else ""
        act = "pending.answer" if asked is not None else "app.undo" if decision.can_undo else ""
        line = Content.assemble(SIGNS.get(decision.phase, ALERT), (words, "bold"))
        return with_hints(line, [hint(screen, act) if act else "", goes_on], width)
    if entry.edit is not None and not entry.edit_is_current:
        words = "the draft changed since your edit began"
        return with_hints(Content.assemble(ALERT, (words, "bold")), [hint(screen, "pending.edit")], width)
    return Content("")
