"""Dispatches keys one at a time, each to what the previous key opened, and prevents accidental decisions.

Textual passes a key to the widget focused when the key arrives. Keys that arrive together then all go to the same
widget, even those typed for a dialog that the first one opens. Here a key waits until the previous one has had its full
effect, so text typed in one burst with the key that opens a field goes into that field.

Keys typed for a dialog or a field that arrive after it has closed are dropped, because letters are keys behind it. An
action that decides about mail counts only after a moment without keys, and its own key only after a longer pause, so
that neither words nor a key held down decide anything. The same applies if such an action is chosen in the palette or
clicked: its email must be in front for that moment, without a key in between.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual.message import Message

from mm_tui.keymap import DECIDING, OPENING
from mm_tui.layouts import LAYOUTS
from mm_tui.services.decisions.approval_gate import DWELL_SECONDS
from mm_tui.widgets.chrome import takes_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import App
    from textual.message_pump import MessagePump
    from textual.screen import Screen
    from textual.widget import Widget

    from mm_tui.arrival import Arrival

QUIET_SECONDS = DWELL_SECONDS
"""No key for so long before one that decides, and so long what it decides about has been in front."""
PAUSE_SECONDS = 0.8
"""The same key again within this time is held down, not pressed. Longer than terminals wait before they repeat one."""
ROUNDS = 3
"""How often a message follows a key through the focused widget and its parents until the key's effects are done: a
handler may post a message, and that one may move the focus."""
LOST_SECONDS = 0.5
"""After this time it is looked whether the widget that the message went to is still there."""
LOOK_SECONDS = 0.05
"""Between two looks whether an act that was chosen may run."""
ALSO_TEXT = frozenset({"enter", "tab", "backspace"})
NOT_SHOWN = "your terminal has not shown all of this yet: look first, then press it again"
TOO_QUICK = "that key came too soon to be a decision: look at the screen, then press it again"


class KeyPassed(Message):
    """Follows a key on its way, and tells the app that everybody has had it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Keyboard:
    """Hands keys and pasted text to the app, in their order.

    Args:
        app: its pump calls `typed` and `passed`.
        deliver: gives an event to the focused widget, as Textual does.
        say: one line to the reader, with its severity.
        arrival: knows when a picture has arrived at the terminal.
        layout: a name in `LAYOUTS`, or empty where the keyboard has Latin letters.
    """

    def __init__(
        self,
        app: App[Any],
        deliver: Callable[[events.Event], Awaitable[None]],
        say: Callable[[str, str], None],
        arrival: Arrival,
        layout: str = "",
    ) -> None:
        self._app, self._deliver, self._say, self._arrival = app, deliver, say, arrival
        self._latin = LAYOUTS.get(layout, {})
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._number = 0
        """Of the message that is under way."""
        self._rounds = 0
        """How many are still to follow; 0: the last key is done."""
        self._target: MessagePump | None = None
        self._front: Screen[Any] | None = None
        self._mode = ""
        """The main screen that it is above of, or is."""
        self._wrote_in: Widget | None = None
        """The field that the last key went to."""
        self._painted_at: float | None = 0.0
        """When what is in front now had been drawn; None while it is not."""
        self._arrived_at: float | None = 0.0
        """When what a key would decide about had arrived at the terminal; None while it is on its way."""
        self._awaited: object = None
        """Which picture's arrival counts."""
        self._was_closed = False
        """What is in front came there because a dialog or a field before it was closed."""
        self._opening = ""
        """Id of the act that the last key ran and that should have opened something."""
        self._ignores = False
        """An act was refused: what follows without a pause belonged to it."""
        self._typed_at = self._plain_at = self._plain_before = float("-inf")
        """When the last key was pressed, the last one that can be part of a text, and the one of those before it."""
        self._last_key = ""
        self._pressed: dict[str, float] = {}
        """When each key was pressed last, and by its act when each deciding one was clicked or chosen."""

    # What the app tells

    def screen_changed(self, screen: Screen[Any]) -> None:
        """Another screen is in front."""
        if screen is not self._front:
            left_open = self._mode != self._app.current_mode or self._front in self._app.screen_stack
            self._new_front(screen, closed=self._front is not None and not left_open)

    async def typed(self, event: events.Key | events.Paste) -> None:
        """A key was pressed, or text was pasted."""
        self._waiting.append(event)
        await self._go_on()

    async def passed(self, message: KeyPassed) -> None:
        """A message that followed a key has come through."""
        if message.number != self._number or not self._rounds or not self._app.screen_stack:
            return
        self._rounds -= 1
        if self._rounds:
            self._follow(self._app.focused or self._app.screen)
            return
        self._settled()
        await self._go_on()

    def subject_changed(self) -> None:
        """What a key would decide about is another one from the next paint on."""
        if self._arrival.asks and self._front is not None:
            self._arrived_at = None
            self._front.call_after_refresh(self._await_arrival)

    @property
    def is_ready(self) -> bool:
        """No key is on its way, and what is in front has been drawn."""
        return not self._waiting and not self._rounds and self._painted_at is not None

    # One after the other

    async def _go_on(self) -> None:
        # Without screens the app is ending.
        while self._waiting and not self._rounds and self._app.screen_stack:
            event, writes = self._waiting[0], takes_text(self._app.focused)
            if self._painted_at is None and not writes:
                return
            self._waiting.popleft()
            if not writes and isinstance(event, events.Key):
                event = self._on_latin(event)
            if writes and self._waiting and isinstance(event, events.Key) and event.is_printable:
                # A letter in a field does not move the focus, so the next one need not wait.
                await self._deliver(event)
            elif writes or isinstance(event, events.Paste) or self._may_act(event):
                await self._send(event)
            if isinstance(event, events.Key):
                self._note(event)

    def _on_latin(self, key: events.Key) -> events.Key:
        """The same key on a Latin keyboard."""
        latin = self._latin.get(key.character or "")
        if latin is None:
            return key
        pressed = events.Key(latin, latin)
        pressed.time = key.time
        return pressed

    async def _send(self, event: events.Key | events.Paste) -> None:
        focused = self._app.focused
        self._wrote_in = focused if takes_text(focused) else None
        self._rounds = ROUNDS
        target = focused or self._app.screen
        await self._deliver(event)
        self._follow(target)

    def _follow(self, target: MessagePump) -> None:
        self._number += 1
        self._target = target
        target.post_message(KeyPassed(self._number))
        self._app.set_timer(LOST_SECONDS, lambda number=self._number: self._look_after(number))

    def _look_after(self, number: int) -> None:
        """A removed widget drops the keys on their way through it."""
        target = self._target
        if number == self._number and self._rounds and target is not None and self._app.screen_stack:
            if target.is_running and target.is_attached:
                self._app.set_timer(LOST_SECONDS, lambda: self._look_after(number))
            else:
                self._follow(self._app.focused or self._app.screen)

    def _settled(self) -> None:
        app, wrote_in, opening = self._app, self._wrote_in, self._opening
        self._opening = ""
        if wrote_in is not None and app.screen is self._front and not takes_text(app.focused):
            self._new_front(app.screen, closed=True)
        elif opening and app.screen is self._front and not takes_text(app.focused):
            self._ignores = True

    def _new_front(self, screen: Screen[Any], *, closed: bool) -> None:
        self._front, self._mode = screen, self._app.current_mode
        self._was_closed, self._painted_at = closed, None
        screen.call_after_refresh(self._painted, screen)

    def _painted(self, screen: Screen[Any]) -> None:
        if screen is self._front and self._painted_at is None:
            self._painted_at = monotonic()
            self._arrived_at = self._painted_at
            if _answer_keys(screen) or getattr(screen, "DECIDES", False):
                self._await_arrival()
            self._app.call_later(self._go_on)

    def _await_arrival(self) -> None:
        """A decision needs more than a paint: the picture must have been visible on the terminal."""
        if self._arrival.asks:
            self._arrived_at = None
            self._awaited = awaited = object()
            self._arrival.once_arrived(partial(self._arrived, awaited))

    def _arrived(self, awaited: object, at: float) -> None:
        if awaited is self._awaited:
            self._arrived_at = at

    # Whether a key counts where letters are keys

    def _note(self, key: events.Key) -> None:
        self._typed_at = self._pressed[key.key] = key.time
        self._last_key = key.key
        if _is_plain(key):
            self._plain_before, self._plain_at = self._plain_at, key.time

    # Actions chosen without their key

    def choose(self, act_id: str, run: Callable[[], Awaitable[object]]) -> None:
        """Runs an action that was clicked or chosen in the palette. One that decides is subject to the same rules as
        its key.

        Args:
            act_id: the act.
            run: runs it.
        """
        now = monotonic()
        if act_id not in DECIDING:
            self._run(run)
            return
        # The enter that chose it does not count against it; letters right before it do.
        plain_at = self._plain_before if self._last_key == "enter" else self._plain_at
        chosen_at = self._plain_at if self._last_key == "enter" else now
        again = now - self._pressed.get(act_id, float("-inf")) < PAUSE_SECONDS
        self._pressed[act_id] = now
        if again or chosen_at - plain_at < QUIET_SECONDS:
            self._say(TOO_QUICK, "warning")
        else:
            self._run_when_seen(run, self._front_item(), self._typed_at)

    def _front_item(self) -> tuple[object, object]:
        """What would be decided: the main screen in front and its email."""
        main = next((one for one in reversed(self._app.screen_stack) if hasattr(one, "undo_target")), None)
        return main, main.undo_target() if main is not None else None

    def _run_when_seen(
        self, run: Callable[[], Awaitable[object]], about: tuple[object, object], typed_at: float
    ) -> None:
        """Runs it once its email has been in front for long enough without other keys."""
        if not self._app.screen_stack:
            return
        left = self._front is not None and self._front is not about[0] and not self._front.is_modal
        if self._typed_at > typed_at or self._front_item() != about or left:
            self._say(TOO_QUICK, "warning")
        elif self._front is about[0] and self._painted_at and monotonic() - self._painted_at >= QUIET_SECONDS:
            self._run(run)
        else:
            self._app.set_timer(LOOK_SECONDS, lambda: self._run_when_seen(run, about, typed_at))

    def _run(self, run: Callable[[], Awaitable[object]]) -> None:
        self._app.run_worker(run(), group="chosen", exclusive=False, exit_on_error=False)

    def _may_act(self, key: events.Key) -> bool:
        if not _is_plain(key):
            return True
        screen, painted_at = self._app.screen, self._painted_at or 0.0
        if self._ignores and key.time - self._typed_at < PAUSE_SECONDS:
            return False
        self._ignores = False
        # Typed for the dialog that has closed.
        is_late = self._was_closed and key.time <= painted_at
        if is_late and screen.is_modal:
            return False
        if answer_keys := _answer_keys(screen):
            if self._has_stood(key) and key.time - max(painted_at, self._plain_at) >= QUIET_SECONDS:
                return True
            if key.character in answer_keys:
                self._say(TOO_QUICK if self._arrived_at is not None else NOT_SHOWN, "warning")
            return False
        if screen.is_modal:
            return True
        return self._may_act_on_main(key, screen, painted_at, is_late=is_late)

    def _may_act_on_main(self, key: events.Key, screen: Screen[Any], painted_at: float, *, is_late: bool) -> bool:
        active = screen.active_bindings.get(key.key)
        act_id = active.binding.id or "" if active is not None and active.enabled else ""
        decides_here = getattr(screen, "DECIDES", False)
        if act_id in DECIDING:
            quick = (
                key.time - self._pressed.get(key.key, float("-inf")) < PAUSE_SECONDS
                or key.time - self._plain_at < QUIET_SECONDS
                or key.time - painted_at < QUIET_SECONDS
                or not self._has_stood(key)
            )
            if quick:
                self._ignores = True
                self._say(TOO_QUICK if self._arrived_at is not None else NOT_SHOWN, "warning")
                return False
        elif not act_id and decides_here:
            # A key that does nothing here belongs to words that are being typed.
            self._ignores = True
        if act_id in OPENING and not is_late:
            self._opening = act_id
        return not is_late

    def _has_stood(self, key: events.Key) -> bool:
        """Whether the email had been on the terminal for a moment when the key was pressed."""
        return self._arrived_at is not None and key.time - self._arrived_at >= QUIET_SECONDS


def _answer_keys(screen: Screen[Any]) -> frozenset[str]:
    """The keys that answer the question in front; none if there is no question that decides something."""
    keys: frozenset[str] = getattr(screen, "answer_keys", frozenset())
    return keys


def _is_plain(key: events.Key) -> bool:
    """Whether the key can be part of a text."""
    return (key.is_printable and "+" not in key.key) or key.key in ALSO_TEXT
