"""The line with the keys that work here, and which they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from textual import events
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from mm_tui import keymap
from mm_tui.messages import choose_action
from mm_tui.widgets.words import is_typed, joined, key_name

BESIDE = " │ "
"""Between the end of a message and the keys."""


class KeysLine(Widget):
    """The keys that work here, as `key label`, from the bindings; disabled ones are not shown."""

    DEFAULT_CSS = "KeysLine { height: 1; padding: 0 1; background: $background; color: $mm-dim; }"

    def __init__(self) -> None:
        super().__init__()
        self._spans: list[tuple[int, int, ActiveBinding]] = []
        self._shown: tuple[tuple[str, str], ...] = ()
        self._will_be_drawn = True
        """Whether the keys are looked for anyway soon, because the line is drawn."""
        self._lead = Content("")

    def set_lead(self, words: Content) -> None:
        """Shows the end of a message before the keys that still fit."""
        if not words.is_same(self._lead):
            self._lead = words
            self.refresh()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def _bindings_updated(self, _screen: Screen[object]) -> None:
        # Moving within a list publishes this signal too: repaint only if the keys differ.
        if not self._will_be_drawn and self._wanted() != self._shown:
            self._will_be_drawn = True
            self.refresh()

    def _wanted(self) -> tuple[tuple[str, str], ...]:
        found = footer_keys(self.screen) if self.screen.is_active else []
        return tuple((key, active.binding.description) for key, active in found)

    def render(self) -> Content:
        # Behind a dialog none of them works.
        found = footer_keys(self.screen) if self.screen.is_active else []
        self._will_be_drawn = False
        self._shown = tuple((key, active.binding.description) for key, active in found)
        start = self._lead.cell_length + len(BESIDE) if self._lead else 0
        width = self.size.width - start
        always = [item for item in found if item[1].binding.id == "app.help"]
        others = [item for item in found if item[1].binding.id != "app.help"]
        while others and _keys_length([*others, *always]) > width:
            others.pop()
        self._spans = []
        pieces: list[Content] = []
        at = start
        fitting = [*others, *always] if _keys_length(always) <= width else []
        for key, active in fitting:
            label = active.binding.description
            pieces.append(Content.assemble((key, "$foreground"), f" {label}"))
            length = pieces[-1].cell_length
            self._spans.append((at, at + length, active))
            at += length + 2
        return joined([part for part in (self._lead, joined(pieces, "  ")) if part], BESIDE)

    def on_click(self, event: events.Click) -> None:
        for start, end, active in self._spans:
            if start <= event.x - 1 < end:
                run = partial(self.app.run_action, active.binding.action, active.node)
                choose_action(self, active.binding.id or "", run, clicked=True)


def _keys_length(found: Sequence[tuple[str, ActiveBinding]]) -> int:
    return sum(len(key) + 1 + len(active.binding.description) for key, active in found) + 2 * (len(found) - 1)


def footer_keys(screen: Screen[object]) -> list[tuple[str, ActiveBinding]]:
    """(name of the key, binding) for each key in the footer of `screen`, the least important last."""
    is_last: Callable[[str], bool] = getattr(screen, "is_last_in_footer", lambda _id: False)
    found = [(key, active) for key, active in awake_keys(screen, lambda one: one.show) if active.enabled]
    return sorted(found, key=lambda one: is_last(one[1].binding.id or ""))


def awake_keys(
    screen: Screen[object], wanted: Callable[[Binding], bool] = lambda _binding: True
) -> list[tuple[str, ActiveBinding]]:
    """(names of the keys, binding) for each `wanted` action that works on `screen` now, in the key table's order, each
    once. Its description is what the key does there."""
    label_here: Callable[[str, str], str] = getattr(screen, "label_here", lambda _id, label: label)
    order = {action.id: at for at, action in enumerate(keymap.KEY_ACTIONS)}
    firsts: dict[str, tuple[str, ActiveBinding]] = {}
    typing = takes_text(screen.focused)
    for active in screen.active_bindings.values():
        if typing and not active.binding.priority and is_typed(active.binding.key):
            continue
        action_id = active.binding.id
        if action_id is None or action_id not in order or action_id in firsts or not wanted(active.binding):
            continue
        if label := label_here(action_id, active.binding.description):
            described = active._replace(binding=replace(active.binding, description=label))
            firsts[action_id] = (key_name(active.binding.key), described)
    nearest = {"app": 2, "list": 1}
    return [
        firsts[action_id]
        for action_id in sorted(firsts, key=lambda one: (nearest.get(one.partition(".")[0], 0), order[one]))
    ]


def hint(screen: Screen[object], action_id: str, does: str = "") -> str:
    """The key hint for an action on `screen`, such as `(u undo)`; empty if its key does not work now. `does`: what the
    key does here, if not what its binding says."""
    if not screen.is_active:
        return ""
    for key, active in awake_keys(screen, lambda one: one.id == action_id):
        if active.enabled:
            return f"({key} {does or active.binding.description})"
    return ""


def takes_text(widget: Widget | None) -> bool:
    """Whether keys are typed into this widget. By class name: importing the editor takes too long here."""
    return widget is not None and any(kind.__name__ in ("Input", "TextArea") for kind in type(widget).__mro__)
