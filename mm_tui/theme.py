"""The four themes, and the variables for the screens' styles.

One accent says where you are. Amber (`$warning`) and red (`$error`) are used only for risk and failure, always beside a
word or a sign. `$mm-dim` is for what may be skipped, `$mm-rule` for the thin line between panes and `$mm-here` for the
row under the cursor. Signs are in the colours themselves; words in `$mm-accent`, `$mm-risk` and `$mm-fail`: in the
terminal's own palette nobody knows which hues can be read, so there words have none. Backgrounds keep their order where
a terminal has 256 colours only: hardly tinted ones become greys there, others saturated colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from textual.color import Color
from textual.theme import Theme

DEFAULT_THEME = "mm-dark"
AIM = 4.6
"""The contrast of text with its background to aim for: a little more than 4.5, because themes round colours again."""


TEXTS = ("foreground", "accent", "warning", "error", "success")
"""The colours that words are written in."""
SHADE = 0.15
"""The share of the accent in the colour of the row under the cursor, in themes that are not ours."""
RAISED = 0.5
"""The share of a theme's panel colour in raised backgrounds; with all of it, colours on them would be hard to read."""
STEPS = 20
"""The number of steps in which a colour is moved towards white or black until it is readable."""


_made: dict[str, Theme] = {}
"""What `ours` made, by name: Textual asks for the theme again and again."""


def theme_after(name: str) -> str:
    """The name of our theme that follows this one; the first after one of Textual's."""
    names = [theme.name for theme in THEMES]
    at = names.index(name) if name in names else -1
    return names[(at + 1) % len(names)]


def ours(theme: Theme) -> Theme:
    """A Textual theme with our variables, and its colours made readable (WCAG 2.2, level AA), unless it is ours."""
    if theme in THEMES:
        return theme
    if theme.name not in _made:
        _made[theme.name] = _readable_theme(theme)
    return _made[theme.name]


def _readable_theme(theme: Theme) -> Theme:
    if theme.ansi:
        return replace(
            theme, accent=TERMINAL.accent, warning=TERMINAL.warning, error=TERMINAL.error, success=TERMINAL.success,
            variables=theme.variables | TERMINAL.variables,
        )  # fmt: skip
    given = theme.to_color_system().generate()
    ground = Color.parse(given["background"])
    raised = _as_written(ground.blend(Color.parse(given["panel"]), RAISED))
    here = _as_written(ground.blend(Color.parse(given["accent"]), SHADE))
    grounds = (ground, raised, here)
    text = {name: _readable(Color.parse(given[name]), grounds) for name in TEXTS}
    dim = _readable(ground.blend(text["foreground"], 0.6), grounds)
    words, accent = text["foreground"].hex, text["accent"].hex
    variables = _quiet(
        dim.hex, ground.blend(text["foreground"], 0.2).hex, here.hex, words, accent, ground.hex,
        risk=text["warning"].hex, fail=text["error"].hex,
    )  # fmt: skip
    return replace(
        theme, background=ground.hex, surface=ground.hex, panel=raised.hex, foreground=words, accent=accent,
        warning=text["warning"].hex, error=text["error"].hex, success=text["success"].hex,
        variables=theme.variables | variables,
    )  # fmt: skip


def _readable(colour: Color, grounds: Sequence[Color]) -> Color:
    """The colour, or a lighter or darker one that is readable on all these backgrounds."""
    lightest, darkest = Color(255, 255, 255), Color(0, 0, 0)
    end = max(lightest, darkest, key=lambda one: min(_contrast(one, ground) for ground in grounds))
    shades = (colour.blend(end, step / STEPS) for step in range(STEPS))
    seen = map(_as_written, shades)
    return next((one for one in seen if all(_contrast(one, ground) >= AIM for ground in grounds)), end)


def _as_written(colour: Color) -> Color:
    """Rounds the colour as a theme does, so that the colour that is compared is the one that is shown."""
    return Color.parse(colour.hex)


def _contrast(one: Color, other: Color) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _words(accent: str, risk: str, fail: str) -> dict[str, str]:
    return {"mm-accent": accent, "mm-risk": risk, "mm-fail": fail}


def _quiet(
    dim: str, rule: str, here: str, here_text: str, strong: str, background: str, *, risk: str, fail: str
) -> dict[str, str]:
    """The variables of one theme: ours, and muted ones for Textual's widgets."""
    return {
        "mm-dim": dim,
        "mm-rule": rule,
        "mm-here": here,
        "mm-here-text": here_text,
        "mm-here-risk": risk,
        "mm-here-fail": fail,
        **_words(strong, risk, fail),
        "text-muted": dim,
        "text-disabled": dim,
        "input-selection-background": here,
        "input-selection-foreground": here_text,
        "border": strong,
        "border-blurred": rule,
        "block-cursor-background": here,
        "block-cursor-foreground": here_text,
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": here,
        "block-cursor-blurred-foreground": here_text,
        "input-cursor-background": strong,
        "input-cursor-foreground": background,
        "scrollbar": rule,
        "scrollbar-hover": dim,
        "scrollbar-active": strong,
        "scrollbar-background": background,
        "scrollbar-background-hover": background,
        "scrollbar-background-active": background,
        "scrollbar-corner-color": background,
    }


def _theme(
    name: str, accent: str, text: str, ground: str, panel: str, *, dim: str, rule: str, here: str, here_text: str,
    risk: str, fail: str, variables: Mapping[str, str] | None = None, dark: bool = True, **more: Any,
) -> Theme:  # fmt: skip
    """A theme of ours. Textual has several names for each of its colours; `variables` come instead of the usual."""
    usual = _quiet(dim, rule, here, here_text, accent, ground, risk=risk, fail=fail)
    return Theme(
        name=name, primary=accent, secondary=accent, accent=accent, foreground=text, success=text, background=ground,
        surface=ground, panel=panel, warning=risk, error=fail, dark=dark,
        variables={**usual, **(variables or {})}, **more,
    )  # fmt: skip


MM_DARK = _theme(
    "mm-dark", "#7fb4e6", "#ccd0d8", "#14161b", "#1d2026",
    dim="#979fac", rule="#2e333d", here="#2a3038", here_text="#eef1f6", risk="#e3aa52", fail="#f07066",
)  # fmt: skip
MM_LIGHT = _theme(
    "mm-light", "#1f5fa8", "#23272e", "#fbfaf7", "#efeeeb", dark=False,
    dim="#565d68", rule="#d4d3cd", here="#d5e3f4", here_text="#10141a", risk="#8a5600", fail="#b3261e",
)  # fmt: skip
# Solarized makes bright black the background, light palettes do so with white: text is in the default colour or a hue.
_PLAIN = "ansi_default"
TERMINAL = _theme(
    "terminal", "ansi_cyan", _PLAIN, _PLAIN, _PLAIN, ansi=True, boost=_PLAIN,
    dim=_PLAIN, rule="ansi_bright_black", here=_PLAIN, here_text=_PLAIN, risk="ansi_yellow", fail="ansi_red",
    variables={
        "mm-here-risk": _PLAIN,
        "mm-here-fail": _PLAIN,
        **_words(_PLAIN, _PLAIN, _PLAIN),
        # Reversed text is as readable as the terminal's own.
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-text-style": "reverse",
        "input-cursor-background": _PLAIN,
        "input-cursor-foreground": _PLAIN,
        "input-cursor-text-style": "reverse",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
    },
)  # fmt: skip
HIGH_CONTRAST = _theme(
    "high-contrast", "#4dd2ff", "#ffffff", "#000000", "#0c0c0c",
    dim="#d2d2d2", rule="#9a9a9a", here="#ffffff", here_text="#000000", risk="#ffc400", fail="#ff7b72",
    variables={
        "mm-here-risk": "#7a4b00",
        "mm-here-fail": "#b3001b",
        # A choice has words in several colours, which would be lost on white.
        "block-cursor-background": "#333333",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#333333",
        "block-cursor-blurred-foreground": "#ffffff",
    },
)  # fmt: skip

THEMES = (MM_DARK, MM_LIGHT, TERMINAL, HIGH_CONTRAST)
