"""The choice of a snippet to insert into a draft."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from mm_tui.screens.dialogs.choice import CHOICE_KEYS, Choice, ChoiceScreen
from mm_tui.text import ManyLine, OneLine

LONGEST_SNIPPET = 60
"""The most characters of a snippet shown in the choice."""
NO_SNIPPETS = 'no snippets yet: add lines like name = "text" under [snippets] in config.toml'


def snippet_dialog(snippets: Mapping[str, str]) -> ChoiceScreen[str]:
    """The dialog that returns the text of the chosen one."""
    choices = [
        Choice(key, f"{OneLine(name)}: {OneLine(ManyLine(text))[:LONGEST_SNIPPET]}", str(ManyLine(text)))
        for key, (name, text) in zip(CHOICE_KEYS, snippets.items(), strict=False)
    ]
    return ChoiceScreen("Insert which snippet?", Content(""), choices, at_once=True)
