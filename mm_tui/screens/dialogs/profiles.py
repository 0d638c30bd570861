"""Chooses another profile from a list with each one's kind of keys and gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mm_tui.screens.dialogs.confirm import keys_line
from mm_tui.settings.profiles import Kind, Listed
from mm_tui.text import OneLine
from mm_tui.widgets.choice_list import ChoiceList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult


class ProfilesScreen(ModalScreen[str | None]):
    """Returns the key of the chosen profile, or None.

    Args:
        profiles: those of the settings file.
        here: the name of the one that is open.
        overriding: environment variables that override every profile's settings.
    """

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
    ]

    def __init__(self, profiles: Sequence[Listed], here: str, overriding: Sequence[str] = ()) -> None:
        super().__init__()
        self._profiles, self._here, self._overriding = profiles, here, overriding

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(Content("Switch to which profile?"), classes="dialog--title")
            yield ChoiceList(*[Option(self._lines(profile)) for profile in self._profiles])
            if self._overriding:
                words = f"environment variables override every profile's own settings: {', '.join(self._overriding)}"
                yield Static(Content.assemble(("▲ ", "$warning"), OneLine(words)))
            yield keys_line(("enter", "switch"), ("esc", "stay"))

    def _lines(self, profile: Listed) -> Content:
        is_here = profile.key == self._here
        kind = (str(profile.kind.words), "bold $mm-risk" if profile.kind is Kind.LIVE else "$foreground")
        where = " · ".join(filter(None, (urlsplit(profile.url).netloc, profile.mailbox)))
        lines = [
            Content.assemble(
                ("• " if is_here else "  ", "$accent"),
                (profile.name, "$foreground"),
                "  ",
                kind if profile.url else "",
                ("  you are here" if is_here else "", "$mm-dim"),
            )
        ]
        if where:
            lines.append(Content.assemble(("    " + OneLine(where), "$mm-dim")))
        if profile.trouble:
            lines.append(Content.assemble(("  ▲ ", "$warning"), profile.trouble))
        return Content("\n").join(lines)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = next((at for at, one in enumerate(self._profiles) if one.key == self._here), 0)

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        self.dismiss(self._profiles[message.option_index].key)

    def action_close(self) -> None:
        self.dismiss(None)
