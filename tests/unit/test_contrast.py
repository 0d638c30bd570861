"""Text can be read in the themes with colours of their own: WCAG 2.2, 1.4.3, level AA asks for 4.5 to 1."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme

from mm_tui.theme import THEMES

LEAST = 4.5
TEXTS = ("foreground", "mm-dim", "accent", "warning", "error", "success")
WITH_COLOURS = [theme for theme in THEMES if not theme.ansi]


def luminance(colour: Color) -> float:
    """The relative luminance of WCAG."""
    parts = [value / 255 for value in colour.rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    """The contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(theme: Theme) -> dict[str, Color]:
    """All colours of a theme by name, our own among them."""
    named = {**theme.to_color_system().generate(), **theme.variables}
    return {name: Color.parse(value) for name, value in named.items() if value.startswith("#")}


@pytest.mark.parametrize("theme", WITH_COLOURS, ids=lambda theme: theme.name)
def test_text_can_be_read_on_each_background(theme: Theme) -> None:
    found = colours(theme)
    pairs = [(text, ground) for text in TEXTS for ground in ("background", "surface", "panel")]
    pairs += [("mm-here-text", "mm-here"), ("input-cursor-foreground", "input-cursor-background")]
    if theme.name != "high-contrast":
        # There the row under the cursor is all in one colour.
        pairs += [(text, "mm-here") for text in TEXTS]
    low = {
        f"{text} on {ground}": round(ratio, 2)
        for text, ground in pairs
        if (ratio := contrast(found[text], found[ground])) < LEAST
    }
    assert low == {}
