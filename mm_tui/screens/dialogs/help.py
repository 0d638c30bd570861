"""The help of a screen: all its keys, from its bindings."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from mm_tui import keymap
from mm_tui.screens.dialogs.dialog import Dialog, keys_words
from mm_tui.widgets.keys_line import awake_keys
from mm_tui.widgets.words import joined, key_name
from mm_tui.widgets.wrapping import wrapped

WIDTH, SHARE, FRAME = 110, 94, 5
"""The dialog's greatest width in cells and its share of the screen in percent, as in dialogs.tcss, and its margins."""
KEYS = 10
"""The least width in cells of the column of keys."""
NARROWEST = 20
"""The least width in cells of what keys do beside them."""
EVERYWHERE = "Everywhere"
HEADINGS = {
    "list": "Lists", "app": EVERYWHERE, "screen": EVERYWHERE, "paper": "Reading", "life": "History",
    "quoted": "Thread beside a draft",
}  # fmt: skip


class HelpScreen(Dialog[None]):
    """Keys and what they do, in groups: this screen's, lists', and those that work everywhere. `groups`: (heading,
    [(keys, what they do)]). `more`: (heading, lines) beneath, for instance the signs and the search language."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1,enter", "close", "close"),
        Binding("j,down", "scroll(1)", "down"),
        Binding("k,up", "scroll(-1)", "up"),
        Binding("pagedown,ctrl+d", "page(1)", "page down"),
        Binding("pageup,ctrl+u", "page(-1)", "page up"),
        Binding("g,home", "edge(False)", "first"),
        Binding("G,end", "edge(True)", "last"),
    ]

    def __init__(
        self,
        title: str,
        groups: list[tuple[str, list[tuple[str, str]]]],
        more: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (),
    ) -> None:
        super().__init__()
        self._title = title
        self._groups = [*groups, *((heading, list(rows)) for heading, rows in more if rows)]

    @classmethod
    def of(cls, screen: Screen[Any]) -> Self:
        """The help for the current state of a screen."""
        title = getattr(screen, "TITLE_WORD", "") or "this screen"
        groups: dict[str, list[tuple[str, str]]] = {}
        for _key, active in awake_keys(screen):
            action = keymap.action(active.binding.id or "")
            heading = HEADINGS.get(action.context, action.context.capitalize())
            groups.setdefault(heading, []).append((_all_keys(screen, action.id), action.help))
        signs, more = getattr(screen, "HELP_SIGNS", ()), getattr(screen, "HELP_MORE", ())
        more_title = getattr(screen, "HELP_MORE_TITLE", "Search")
        in_order = sorted(groups.items(), key=lambda group: group[0] == EVERYWHERE)
        return cls(f"Keys · {title}", in_order, (("Signs", signs), (more_title, more)))

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog dialog--help"):
            yield Static(Content(self._title), classes="dialog--title")
            for words in self._groups_drawn():
                yield Static(words, classes="help--group")
        yield Static(classes="dialog--below")

    def on_mount(self) -> None:
        self.watch(self.query_one(VerticalScroll), "show_vertical_scrollbar", self._name_keys)

    def _name_keys(self, scrolls: bool) -> None:
        keys = keys_words(*([("j k", "scroll")] if scrolls else []), ("esc", "close"))
        self.query_one(".dialog--below", Static).update(keys)

    def _groups_drawn(self) -> list[Content]:
        # In the terminal's own colours a dialog has a border.
        line = 2 if self.app.current_theme.ansi else 0
        cells = min(WIDTH, self.app.size.width * SHARE // 100) - FRAME - line
        keys = max([KEYS, *(len(keys) + 2 for _, rows in self._groups for keys, _ in rows)])
        return [_group(heading, rows, keys, cells) for heading, rows in self._groups]

    def on_resize(self) -> None:
        groups = self._groups_drawn()
        for at, static in enumerate(self.query(".help--group").results(Static)):
            words: Content = groups[at]
            static.update(words)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        shown = self.query_one(VerticalScroll)
        shown.scroll_relative(y=pages * max(1, shown.size.height - 2), animate=False)

    def action_edge(self, last: bool) -> None:
        shown = self.query_one(VerticalScroll)
        shown.scroll_to(y=shown.max_scroll_y if last else 0, animate=False)


def _all_keys(screen: Screen[Any], action_id: str) -> str:
    keys = [active.binding.key for active in screen.active_bindings.values() if active.binding.id == action_id]
    return " ".join(dict.fromkeys(key_name(key) for key in keys))


def _group(heading: str, rows: list[tuple[str, str]], width: int, cells: int) -> Content:
    """A heading and its rows (keys, what they do); long text continues below in its own column, or below the keys if
    that column were narrow. `width`: cells of the column of keys, the same in all groups of a dialog. `cells`: cells of
    a line."""
    lines: list[Content] = [Content.styled(heading, "$mm-dim")]
    is_narrow = cells - width - 2 < NARROWEST
    indent = 4 if is_narrow else width + 2
    for keys, words in rows:
        parts = [Content(words[start:end]) for start, end in wrapped(words, max(2, cells - indent))]
        lines.append(Content.assemble((f"  {keys:<{width}}", "bold"), "" if is_narrow else parts.pop(0)))
        lines += [Content(" " * indent) + part for part in parts]
    return joined(lines, "\n")
