"""The four themes, and the variables for the screens' styles.

One accent says where you are. Amber (`$warning`) and red (`$error`) are used only for risk and failure, always beside a
word or a sign. `$mm-dim` is for what may be skipped, `$mm-rule` for the thin line between panes and `$mm-here` for the
row under the cursor. Signs are in the colours themselves; words in `$mm-accent`, `$mm-risk` and `$mm-fail`: in the
terminal's own palette nobody knows which hues can be read, so there words have none. Backgrounds keep their order where
a terminal has 256 colours only: hardly tinted ones become greys there, others saturated colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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


def ours(theme: Theme) -> Theme:
    """A Textual theme with our variables, and its colours made readable (WCAG 2.2, level AA), unless it is ours."""
    if theme in THEMES:
        return theme
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
    """The colours of words."""
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


MM_DARK = Theme(
    name="mm-dark",
    primary="#7fb4e6",
    secondary="#7fb4e6",
    accent="#7fb4e6",
    foreground="#ccd0d8",
    background="#14161b",
    surface="#14161b",
    panel="#1d2026",
    warning="#e3aa52",
    error="#f07066",
    success="#ccd0d8",
    dark=True,
    variables=_quiet("#979fac", "#2e333d", "#2a3038", "#eef1f6", "#7fb4e6", "#14161b", risk="#e3aa52", fail="#f07066"),
)
MM_LIGHT = Theme(
    name="mm-light",
    primary="#1f5fa8",
    secondary="#1f5fa8",
    accent="#1f5fa8",
    foreground="#23272e",
    background="#fbfaf7",
    surface="#fbfaf7",
    panel="#efeeeb",
    warning="#8a5600",
    error="#b3261e",
    success="#23272e",
    dark=False,
    variables=_quiet("#565d68", "#d4d3cd", "#d5e3f4", "#10141a", "#1f5fa8", "#fbfaf7", risk="#8a5600", fail="#b3261e"),
)
# Solarized makes bright black the background, light palettes do so with white: text is in the default colour or a hue.
TERMINAL = Theme(
    name="terminal",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_cyan",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_default",
    dark=True,
    variables={
        **_quiet(
            "ansi_default",
            "ansi_bright_black",
            "ansi_default",
            "ansi_default",
            "ansi_cyan",
            "ansi_default",
            risk="ansi_default",
            fail="ansi_default",
        ),
        **_words("ansi_default", "ansi_default", "ansi_default"),
        # Reversed text is as readable as the terminal's own.
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-text-style": "reverse",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
    },
)
HIGH_CONTRAST = Theme(
    name="high-contrast",
    primary="#4dd2ff",
    secondary="#4dd2ff",
    accent="#4dd2ff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#0c0c0c",
    warning="#ffc400",
    error="#ff7b72",
    success="#ffffff",
    dark=True,
    variables={
        **_quiet("#d2d2d2", "#9a9a9a", "#ffffff", "#000000", "#4dd2ff", "#000000", risk="#ffc400", fail="#ff7b72"),
        "mm-here-risk": "#7a4b00",
        "mm-here-fail": "#b3001b",
        # A choice has words in several colours, which would be lost on white.
        "block-cursor-background": "#333333",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#333333",
        "block-cursor-blurred-foreground": "#ffffff",
    },
)

THEMES = (MM_DARK, MM_LIGHT, TERMINAL, HIGH_CONTRAST)
