"""The lines above and below the body of every main screen, but for that of the keys (`mm_tui.widgets.keys_line`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from mm_tui.messages import session_of
from mm_tui.store.seal import STORE_FAULTS, fault_of_store
from mm_tui.text import OneLine
from mm_tui.widgets.background import Later
from mm_tui.widgets.keys_line import KeysLine, hint
from mm_tui.widgets.words import LinePart, fit, joined, with_keys

SCREENS = (("inbox", "Inbox"), ("pending", "Pending"), ("audit", "Audit"), ("mailboxes", "Mailboxes"))
FLASH_SECONDS = 8.0
"""Seconds for which a message is shown, or longer if reading it takes longer."""
READING_SECONDS, CELLS_A_SECOND = 1.0, 20
"""Seconds until a message has been noticed, and how much of it is read in each second after that."""
COUNT_DIGITS = 3
"""Room for the counts beside the names of the main screens."""
COUNTDOWN_SECONDS = 1.0
"""Seconds between updates while something counts down: a held decision, or the time until the gateway is tried again.
"""


class TopLine(Widget):
    """The top line: name, main screens with their counts, profile, TEST, LIVE or that no key is set."""

    DEFAULT_CSS = "TopLine { height: 1; background: $panel; color: $mm-dim; }"

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode
        self._shown: tuple[str, ...] = ()
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.update_state()

    def update_state(self) -> None:
        """Reads the counts again, and repaints if they changed."""
        from mm_tui.screens.status import counts

        try:
            shown = counts(session_of(self))
        except STORE_FAULTS:
            # The status line says so.
            return
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def render(self) -> Content:
        settings = session_of(self).settings
        profile = settings.profile
        numbers = dict(zip(("inbox", "pending"), self._shown, strict=False))
        width = self.size.width
        roomy = width >= 80
        left: list[Content] = [Content(" mm-tui  ") if roomy else Content("")]
        self._spans = []
        at = left[0].cell_length
        for name, word in SCREENS:
            key = with_keys(f"{{app.{name}}}", settings.keys)
            count = f" {numbers[name]}" if name in numbers else ""
            # A count that comes, goes or gets another digit must not push the other words about.
            text = f" {key} {word}{count:<{1 + COUNT_DIGITS if count and roomy else 0}} "
            here = name == self._mode
            left.append(Content.styled(text, "bold $mm-accent" if here else ""))
            self._spans.append((at, at + len(text), name))
            at += len(text) + (1 if roomy else 0)
            if roomy:
                left.append(Content(" "))
        start = Content.assemble(*left)
        room = width - start.cell_length
        # A live profile has a style of its own; without colours the word says it.
        if not profile.gateway_keys():
            gap, badge = " · ", Content("no key ")
        elif profile.is_live:
            gap, badge = " ·", Content.styled(" LIVE ", "bold reverse $mm-risk")
        else:
            gap, badge = " · ", Content.assemble(("TEST", "$foreground"), " ")
        whose = Content.assemble(OneLine(profile.name), gap)
        notes = [Content.styled(words, "$mm-risk") for words in ("▲ keys do not match ", "▲ keys ")]
        notes = notes if profile.mismatch else [Content("")]
        ways = [Content.assemble(*front, note) for front in ([whose, badge], [badge]) for note in notes]
        right = next((way for way in ways if way.cell_length <= room), ways[-1])
        at = width - right.cell_length
        self._spans.append((at, width, ""))
        return Content.assemble(start, " " * max(0, room - right.cell_length), right)

    def on_click(self, event: events.Click) -> None:
        for start, end, name in self._spans:
            if start <= event.x < end:
                act = f"app.go({name!r})" if name else "app.profiles"
                self.run_worker(self.app.run_action(act), exit_on_error=False)


class StatusLine(Widget):
    """The status line: gateway and age of data, mailbox and its oversight mode, model and spend, held decisions. It
    also shows the app's short messages, so that nothing pops up over what is being decided."""

    DEFAULT_CSS = """
    StatusLine { height: auto; max-height: 3; min-height: 1; padding: 0 1; background: $panel; color: $mm-dim; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._line = Content("")
        self._deciding = Content("")
        self._flash: Content | None = None
        self._flash_text = ""
        self._fading = Later(self, FLASH_SECONDS, self.unflash)
        self._is_plain = True
        """Whether the message only says what was done, and so goes with the next key once it could be read."""
        self._read_at = 0.0
        """When there was time to read the message (monotonic)."""
        self._next = ""
        """The message that waits until a warning could be read; empty if none does."""
        self._following = Later(self, 0, self._follow)
        self._countdown: Timer | None = None

    def on_mount(self) -> None:
        self._countdown = self.set_interval(COUNTDOWN_SECONDS, self.update_state, pause=True)
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)
        self.update_state()

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        # The undo key is shown where it works: in lists, not in text fields.
        if self._deciding:
            self.update_state()

    def on_resize(self) -> None:
        self.update_state()
        if self._flash is not None:
            self._make_room()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        # The state is made to fit one line, though only once the new width is known.
        return max(1, len(self._lines(max(10, width))) - 1)

    def flash(self, text: str, severity: str = "information") -> None:
        """Shows a message; one that only says what was done follows a warning that could not be read yet."""
        is_plain = severity == "information"
        left = self._read_at - session_of(self).clock.monotonic()
        if is_plain and self._flash is not None and not self._is_plain and left > 0:
            self._next = text
            self._following.stop()
            self._following = Later(self, left, self._follow)
            self._following.soon()
            return
        self._next, self._is_plain = "", is_plain
        sign = {"information": ("· ", "$accent"), "warning": ("▲ ", "$warning"), "error": ("✕ ", "$error")}[severity]
        self._flash_text = text
        self._flash = Content.assemble(sign, (OneLine(text), "$foreground"))
        reading = READING_SECONDS + self._flash.cell_length / CELLS_A_SECOND
        self._read_at = session_of(self).clock.monotonic() + reading
        self._fading.stop()
        self._fading = Later(self, max(FLASH_SECONDS, reading), self.unflash)
        self._fading.soon()
        self._make_room()

    @property
    def shows_message(self) -> bool:
        """Whether a message is shown in place of the state."""
        return self._flash is not None

    def unflash(self, text: str | None = None) -> None:
        """Returns to showing the state; with `text`, only if that message is shown, or never shows it if it waits."""
        if text == self._next:
            self._next = ""
        if self._flash is not None and text in (None, self._flash_text):
            self._flash = None
            self.update_state()
            self._make_room()
            self._follow()

    def _follow(self) -> None:
        if self._next:
            self._flash = None
            self.flash(self._next)

    def note_key(self) -> None:
        """A key was pressed: a message that says what an earlier one did goes, if there was time to read it."""
        # A warning stays: whoever types fast may not look at this line.
        if self._is_plain and self._flash is not None and session_of(self).clock.monotonic() >= self._read_at:
            self.unflash()

    def update_state(self) -> None:
        """Reads the state again; repaints only if a word changed."""
        # It is also visible behind a dialog, and must stay true.
        shown = self.is_mounted and self.screen.is_current
        if self._countdown is not None:
            # It wakes the process up, so it runs only where something counts down.
            (self._countdown.resume if shown and self._counts_down else self._countdown.pause)()
        if not shown:
            return
        width = max(10, self.size.width - 2)
        parts = status_parts(self)
        line, deciding = fit(parts, width), parts[-1].content
        if not line.is_same(self._line) or not deciding.is_same(self._deciding):
            self._line, self._deciding = line, deciding
            if self._flash is None:
                self.refresh()
            else:
                self._make_room()

    @property
    def _counts_down(self) -> bool:
        session = session_of(self)
        if session.decisions is not None:
            overview = session.decisions.overview
            if overview.hold_ends() or overview.under_way():
                return True
        if session.sync is not None and session.sync.state.retry_at is not None:
            return True
        with suppress(*STORE_FAULTS):
            return session.triage is not None and session.triage.spend().rests_for > 0
        return False

    def _make_room(self) -> None:
        """The last line of a long message goes before the keys, so that nothing above moves for it."""
        lines = self._lines(max(10, self.size.width))
        for keys in self.screen.query(KeysLine):
            keys.set_lead(lines[-1] if len(lines) > 1 else Content(""))
        self.refresh(layout=True)

    def _lines(self, width: int) -> list[Content]:
        if self._flash is None:
            return [self._line]
        # A message never hides a decision that can still be undone.
        return joined([part for part in (self._flash, self._deciding) if part], " · ").wrap(width)

    def render(self) -> Content:
        lines = self._lines(max(10, self.size.width))
        return joined(lines[:-1] or lines, "\n")


def _gateway_part(forms: list[Content]) -> LinePart:
    """The state of the gateway: the age of the data takes precedence over all but its shortest form."""
    part = LinePart(1, forms[-1])
    for form in reversed(forms[:-1]):
        part = LinePart(3, form, part)
    return part


def status_parts(node: Widget) -> list[LinePart]:
    """The parts of the status line, from the stores and services."""
    from mm_tui.screens import status

    session = session_of(node)
    mailbox: Callable[[], str | None] = getattr(node.screen, "status_mailbox", lambda: None)
    under_cursor: Callable[[], str | None] = getattr(node.screen, "undo_target", lambda: None)
    look = partial(hint, node.screen, "app.pending", "shows it")
    try:
        parts = [
            _gateway_part(status.gateway(session)),
            LinePart(2, status.data_age(session)),
            LinePart(4, status.mailbox(session, mailbox())),
            LinePart(5, status.assistant(session)),
        ]
    except STORE_FAULTS as error:
        parts = [LinePart(1, Content.assemble(("✕ ", "$error"), (fault_of_store(error), "$foreground")))]
    return [
        *parts,
        LinePart(0, status.incidents(session, look)),
        LinePart(0, status.unsettled(session, under_cursor(), look, in_queue=node.app.current_mode == "pending")),
        LinePart(0, status.under_way(session, partial(hint, node.screen, "app.undo"))),
        LinePart(0, status.held(session, partial(hint, node.screen, "app.undo"))),
    ]
