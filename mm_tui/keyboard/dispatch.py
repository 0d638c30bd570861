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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget

from mm_tui.clock import DWELL_SECONDS
from mm_tui.keyboard.front import Front, answer_keys
from mm_tui.keyboard.pasting import FEW, IN_TEXT
from mm_tui.keymap import DECIDING, OPENING
from mm_tui.textual_private import active_binding
from mm_tui.widgets.keys_line import takes_text

if TYPE_CHECKING:
    from mm_tui.terminal.arrival import Arrival

QUIET_SECONDS = DWELL_SECONDS
"""Seconds without a key before a key that decides, for which its email must also have been in front."""
PAUSE_SECONDS = 0.8
"""Seconds within which the same key again counts as held down; longer than terminals wait before repeating a key."""
ROUNDS = 3
"""How many times a message follows a key through the focused widget and its parents: a handler may post a message,
whose handler may move the focus."""
LOST_SECONDS = 0.5
"""Seconds after which it is checked whether the widget that received the message still exists."""
LOOK_SECONDS = 0.05
"""Seconds between checks whether a chosen action may run."""
ALSO_TEXT = frozenset({"enter", "tab", "backspace"})
NOT_SHOWN = "your terminal has not shown all of this yet: look first, then press it again"
NO_ACTION = "does nothing here: {app.help} shows the keys"
TOO_QUICK = "that key came too soon for a decision: look first, then press it again"


@dataclass(eq=False, repr=False)
class KeyPassed(Message):
    """Follows a key through the widgets, and reports to the app when all have handled it."""

    number: int


class Keyboard:
    """Passes keys and pasted text to the app, in order.

    Args:
        app: its message pump calls `typed` and `passed`.
        deliver: gives an event to the focused widget, as Textual does.
        say: shows a message with a severity.
        unsay: removes a message.
        arrival: reports when painted output has arrived at the terminal.
        layout: a name in `LAYOUTS`; empty for a keyboard with Latin letters.
    """

    def __init__(
        self,
        app: App[Any],
        deliver: Callable[[events.Event], Awaitable[None]],
        say: Callable[[str, str], None],
        unsay: Callable[[str], None],
        arrival: Arrival,
        layout: str = "",
    ) -> None:
        self._app, self._deliver = app, deliver
        self.front = Front(app, arrival, self._go_on)
        self._say, self._unsay = say, unsay
        self._latin = LAYOUTS.get(layout, {})
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._number = 0
        """The number of the message that is in progress."""
        self._rounds = 0
        """How many messages must still follow; 0 once the last key is done."""
        self._target: MessagePump | None = None
        self._wrote_in: Widget | None = None
        """The field that received the last key."""
        self._opening = ""
        """The id of the last key's action, if it should have opened something."""
        self._opened_by_text = False
        """Whether the first letter of pasted text opened the field in front, whose answer decides."""
        self._ignores = False
        """Whether an action was refused: keys that follow without a pause were meant for it."""
        self._typed_at = self._plain_at = self._plain_before = float("-inf")
        """The times of the last key, the last text key, and the text key before that."""
        self._last_key = ""
        self._looks = False
        """Whether a timer runs for `_look_after`."""
        self._pressed: dict[str, float] = {}
        """The last time of each key, and, by action, when each deciding action was last clicked or chosen."""
        self._refusal = ""
        """The message saying why a key was dropped."""
        self._refused_at = float("-inf")

    # Called by the app

    async def typed(self, event: events.Key | events.Paste) -> None:
        self._waiting.append(event)
        await self._go_on()

    async def passed(self, message: KeyPassed) -> None:
        """Handles a message that has followed a key to its end."""
        if message.number != self._number or not self._rounds or not self._app.screen_stack:
            return
        self._rounds -= 1
        if self._rounds:
            self._follow(self._app.focused or self._app.screen)
            return
        self._settled()
        await self._go_on()

    @property
    def is_ready(self) -> bool:
        """Whether all keys are handled and the current screen is drawn."""
        return not self._waiting and not self._rounds and self.front.painted_at is not None

    # One after the other

    async def _go_on(self) -> None:
        # Without screens the app is ending.
        while self._waiting and not self._rounds and self._app.screen_stack:
            event, writes = self._waiting[0], takes_text(self._app.focused)
            if self.front.painted_at is None and not writes:
                return
            self._waiting.popleft()
            if not writes and isinstance(event, events.Key):
                event = self._on_latin(event)
            if isinstance(event, events.Key) and self._is_end_of_text(event):
                self._refuse(TOO_QUICK)
            elif writes and self._waiting and isinstance(event, events.Key) and event.is_printable:
                # A letter in a field does not move the focus, so the next one need not wait.
                event = await self._deliver_letters(event)
            elif writes or isinstance(event, events.Paste) or self._may_act(event):
                self._forget_refusal()
                await self._send(event)
            self._note(event)

    async def _deliver_letters(self, letter: events.Key) -> events.Key:
        """Delivers the letter, and with it those that wait behind it as one text: a field draws and searches again with
        each event, and a thousand letters may have come at once. Returns the last one delivered."""
        letters = [letter]
        while self._waiting and isinstance(key := self._waiting[0], events.Key) and key.is_printable:
            letters.append(key)
            self._waiting.popleft()
        if len(letters) < FEW:
            self._waiting.extendleft(reversed(letters[1:]))
            await self._deliver(letter)
            return letter
        await self._deliver(events.Paste("".join(key.character or "" for key in letters)))
        return letters[-1]

    def _on_latin(self, key: events.Key) -> events.Key:
        """The same key on a Latin keyboard."""
        latin = self._latin.get(key.character or "")
        if latin is None:
            return key
        pressed = events.Key(latin, latin)
        pressed.time = key.time
        setattr(pressed, IN_TEXT, _is_in_text(key))
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
        self._look_later()

    def _look_later(self) -> None:
        # One timer for the keys of half a second: a timer costs as much as a row.
        if not self._looks:
            self._looks = True
            self._app.set_timer(LOST_SECONDS, partial(self._look_after, self._number))

    def _look_after(self, number: int) -> None:
        """Checks whether the widget was removed, which drops the message."""
        self._looks = False
        target = self._target
        if not self._rounds or target is None or not self._app.screen_stack:
            return
        if number != self._number or (target.is_running and target.is_attached):
            self._look_later()
        else:
            self._follow(self._app.focused or self._app.screen)

    def _settled(self) -> None:
        app, wrote_in, opening = self._app, self._wrote_in, self._opening
        self._opening = ""
        if wrote_in is not None and app.screen is self.front.screen and not takes_text(app.focused):
            self.front.becomes(app.screen, closed=True)
        elif opening and app.screen is self.front.screen and not takes_text(app.focused):
            self._ignores = True

    # Whether a key counts where letters are keys

    def _is_end_of_text(self, key: events.Key) -> bool:
        """Whether it is a line break in pasted text that opened a question that it would answer."""
        self._opened_by_text = self._opened_by_text and _is_in_text(key)
        return self._opened_by_text and key.key == "enter"

    def _note(self, event: events.Key | events.Paste) -> None:
        self._typed_at = event.time
        if isinstance(event, events.Key):
            self._pressed[event.key] = event.time
            self._last_key = event.key
        # Pasted text may hold an end marker, so that its rest comes as keys.
        if isinstance(event, events.Paste) or _is_plain(event):
            self._plain_before, self._plain_at = self._plain_at, event.time

    # Actions chosen without their key

    def choose(self, action_id: str, run: Callable[[], Awaitable[object]], *, clicked: bool) -> None:
        """Runs an action that was clicked or chosen in the palette. A deciding action follows the same rules as its
        key, but the email to which the palette returns may be looked at first.
        """
        now = monotonic()
        if action_id not in DECIDING:
            self._run(run)
            return
        # The enter that chose it may precede it at once; other letters may not.
        plain_at = self._plain_before if self._last_key == "enter" else self._plain_at
        chosen_at = self._plain_at if self._last_key == "enter" else now
        again = now - self._pressed.get(action_id, float("-inf")) < PAUSE_SECONDS
        self._pressed[action_id] = now
        if again or chosen_at - plain_at < QUIET_SECONDS:
            self._refuse(TOO_QUICK)
        elif clicked and not self._has_stood(now):
            self._refuse()
        else:
            self._run_when_seen(run, self.front.item(), self._typed_at)

    def _run_when_seen(
        self, run: Callable[[], Awaitable[object]], about: tuple[object, object], typed_at: float
    ) -> None:
        """Runs the action once its email has been in front long enough without other keys."""
        if not self._app.screen_stack:
            return
        front = self.front
        left = front.screen is not None and front.screen is not about[0] and not front.screen.is_modal
        if self._typed_at > typed_at or front.item() != about or left:
            self._refuse(TOO_QUICK)
        elif front.screen is about[0] and front.painted_at and self._has_stood(monotonic()):
            self._run(run)
        else:
            self._app.set_timer(LOOK_SECONDS, lambda: self._run_when_seen(run, about, typed_at))

    def _run(self, run: Callable[[], Awaitable[object]]) -> None:
        self._forget_refusal()
        self._app.run_worker(run(), group="chosen", exclusive=False, exit_on_error=False)

    def _may_act(self, key: events.Key) -> bool:
        if key.time - self._typed_at >= PAUSE_SECONDS:
            self._ignores = False
        if not _is_plain(key):
            return True
        screen, painted_at = self._app.screen, self.front.painted_at or 0.0
        if self._ignores:
            if _action_id(screen, key) in DECIDING:
                self._refuse()
            return False
        # Typed for the dialog that has closed.
        is_late = self.front.was_closed and key.time <= painted_at
        if is_late and screen.is_modal:
            return False
        if answers := answer_keys(screen):
            if (
                not _is_in_text(key)
                and self._has_stood(key.time)
                and key.time - max(painted_at, self._plain_at) >= QUIET_SECONDS
            ):
                return True
            if key.character in answers:
                self._refuse()
            return False
        if screen.is_modal:
            return True
        return self._may_act_on_main(key, screen, painted_at, is_late=is_late)

    def _may_act_on_main(self, key: events.Key, screen: Screen[Any], painted_at: float, *, is_late: bool) -> bool:
        action_id = _action_id(screen, key)
        decides_here = getattr(screen, "DECIDES", False)
        if action_id in DECIDING:
            quick = (
                key.time - self._pressed.get(key.key, float("-inf")) < PAUSE_SECONDS
                or key.time - self._plain_at < QUIET_SECONDS
                or key.time - painted_at < QUIET_SECONDS
                or not self._has_stood(key.time)
                or (action_id not in OPENING and _is_in_text(key))
            )
            if quick:
                self._ignores = True
                self._refuse()
                return False
        elif not action_id and decides_here and (key.is_printable or self.front.item()[1] is not None):
            # A key without an action here is part of words being typed; enter in an empty list is not.
            self._ignores = True
        if not action_id and key.is_printable and key.time - self._typed_at >= QUIET_SECONDS:
            loading = getattr(screen, "still_loading", "") if active_binding(screen, key.key) is not None else ""
            words = f"does nothing yet: {loading}" if loading else NO_ACTION
            self._say(f"{key.key if key.character == ' ' else key.character} {words}", "information")
        if action_id in OPENING and not is_late:
            self._opening = action_id
            self._opened_by_text = action_id in DECIDING and _is_in_text(key)
        return not is_late

    def _refuse(self, why: str = "") -> None:
        """Says why a key was dropped, until another key counts after a pause."""
        self._refused_at = monotonic()
        self._refusal = why or (TOO_QUICK if self.front.arrived_at is not None else NOT_SHOWN)
        self._say(self._refusal, "warning")

    def _forget_refusal(self) -> None:
        if self._refusal and monotonic() - self._refused_at >= QUIET_SECONDS:
            self._unsay(self._refusal)
            self._refusal = ""

    def _has_stood(self, at: float) -> bool:
        """Whether the email had been visible on the terminal for a moment at that time."""
        arrived_at = self.front.arrived_at
        return arrived_at is not None and at - arrived_at >= QUIET_SECONDS


def _action_id(screen: Screen[Any], key: events.Key) -> str:
    """The id of the action that the key has now, or its name if it has no id; empty for none."""
    active = active_binding(screen, key.key)
    return active.binding.id or active.binding.action if active is not None and active.enabled else ""


def _is_in_text(key: events.Key) -> bool:
    """Whether it arrived together with other letters, as pasted text without markers does."""
    return getattr(key, IN_TEXT, False)


def _is_plain(key: events.Key) -> bool:
    """Whether the key can be part of a text."""
    return (key.is_printable and "+" not in key.key) or key.key in ALSO_TEXT


_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_ROWS = {
    "el": " ςερτυθιοπ  ασδφγηξκλ  ζχψωβνμ  ",
    "he": "  קראטוןםפ  שדגכעיחלך  זסבהנמצתץ",
    "ru": "йцукенгшщзхъфывапролджэячсмитьбю",
    "uk": "йцукенгшщзхїфівапролджєячсмитьбю",
}
"""The letters of each layout in the order of `_LATIN`; a space if a key has none."""

LAYOUTS = {
    name: {
        case(own): case(latin)
        for own, latin in zip(row, _LATIN, strict=True)
        if own != " " and latin.isalpha()
        for case in (str.upper, str.lower)  # without capitals the small letter is kept
    }
    for name, row in _ROWS.items()
}
"""For each layout, its letters, small and capital, with the Latin letter on the same key."""
