"""Text can be read in the themes with colours of their own: WCAG 2.2, 1.4.3, level AA asks for 4.5 to 1."""

from __future__ import annotations

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from mm_tui.theme import THEMES, ours
from tests.support.contrast import LEAST, contrast

TEXTS = ("foreground", "mm-dim", "accent", "warning", "error", "success", "mm-accent", "mm-risk", "mm-fail",
         "text-muted", "text-disabled")  # fmt: skip
GROUNDS = ("background", "surface", "panel", "block-cursor-background", "block-cursor-blurred-background")
ALL = [*THEMES, *(ours(theme) for theme in BUILTIN_THEMES.values())]
WITH_COLOURS = [theme for theme in ALL if not theme.ansi]

PALETTES = {
    # Background, default text, and the colours that text may have: cyan, yellow, red. Values of the palettes' authors.
    "Solarized dark": ("#002b36", {"ansi_default": "#839496", "ansi_cyan": "#2aa198", "ansi_yellow": "#b58900",
                                   "ansi_bright_black": "#002b36", "ansi_red": "#dc322f"}),
    "Solarized light": ("#fdf6e3", {"ansi_default": "#657b83", "ansi_cyan": "#2aa198", "ansi_yellow": "#b58900",
                                    "ansi_bright_black": "#002b36", "ansi_red": "#dc322f", "ansi_white": "#eee8d5"}),
    "xterm": ("#000000", {"ansi_default": "#e5e5e5", "ansi_cyan": "#00cdcd", "ansi_yellow": "#cdcd00",
                          "ansi_bright_black": "#7f7f7f", "ansi_red": "#cd0000"}),
    "xterm on white": ("#ffffff", {"ansi_default": "#000000", "ansi_cyan": "#00cdcd", "ansi_yellow": "#cdcd00",
                                   "ansi_bright_black": "#7f7f7f", "ansi_red": "#cd0000", "ansi_white": "#e5e5e5"}),
}  # fmt: skip


def colours(theme: Theme) -> dict[str, Color]:
    """All colours of a theme by name, our own among them."""
    named = {**theme.to_color_system().generate(), **theme.variables}
    return {name: Color.parse(value) for name, value in named.items() if value.startswith("#")}


@pytest.mark.parametrize("theme", WITH_COLOURS, ids=lambda theme: theme.name)
def test_text_can_be_read_on_each_background(theme: Theme) -> None:
    found = colours(theme)
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS]
    pairs += [("mm-here-text", "mm-here"), ("mm-here-risk", "mm-here"), ("mm-here-fail", "mm-here")]
    pairs += [("input-cursor-foreground", "input-cursor-background"),
              ("input-selection-foreground", "input-selection-background"),
              ("block-cursor-foreground", "block-cursor-background")]  # fmt: skip
    low = {
        f"{text} on {ground}": round(ratio, 2)
        for text, ground in pairs
        if (ratio := contrast(found[text], found[ground])) < LEAST
    }
    assert low == {}


def in_256(colour: Color) -> Color:
    """The colour that a terminal with 256 colours shows instead."""
    near = RichColor.parse(colour.hex).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
    return Color(*near)


@pytest.mark.parametrize("theme", [theme for theme in THEMES if not theme.ansi], ids=lambda theme: theme.name)
def test_256_colours_are_enough(theme: Theme) -> None:
    found = colours(theme)
    for ground in GROUNDS:
        was, shown = found[ground], in_256(found[ground])
        assert max(abs(one - other) for one, other in zip(was.rgb, shown.rgb, strict=True)) < 15, (ground, shown.hex)
        least = 4.0 if "cursor" in ground else LEAST
        low = {text: in_256(found[text]).hex for text in TEXTS if contrast(in_256(found[text]), shown) < least}
        assert low == {}, ground


WORDS = ("foreground", "mm-dim", "mm-here-text", "mm-accent", "mm-risk", "mm-fail")
GROUND = ("background", "surface", "panel", "mm-here", "block-cursor-background")


@pytest.mark.parametrize("theme", [theme for theme in ALL if theme.ansi], ids=lambda theme: theme.name)
@pytest.mark.parametrize("palette", PALETTES)
def test_words_are_as_readable_as_the_terminal_s_own_in_its_colours(palette: str, theme: Theme) -> None:
    paper, known = PALETTES[palette]
    own = contrast(Color.parse(known["ansi_default"]), Color.parse(paper))
    found = {**theme.to_color_system().generate(), **theme.variables}
    assert {found[ground] for ground in GROUND} <= {"ansi_default", "transparent"}, "the palette's own ground"
    for words in WORDS:
        assert contrast(Color.parse(known[found[words]]), Color.parse(paper)) >= min(LEAST, own), words
