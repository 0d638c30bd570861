"""The looks: four themes and the variables that screens style with.

One accent says where you are. Amber (`$warning`) and red (`$error`) stand for risk and failure only, and always
beside a word or a sign. `$mm-dim` is for what may be skipped, `$mm-rule` for the thin line between panes and
`$mm-here` for the row under the cursor.
"""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme

DEFAULT_THEME = "mm-dark"
READABLE = 4.5
"""Contrast that text must have on its background."""


def fallbacks(theme: Theme) -> dict[str, str]:
    """Our own variables for a theme that does not set them (those built into Textual)."""
    if theme.ansi:
        return {
            "mm-dim": "ansi_default",
            "mm-rule": "ansi_bright_black",
            "mm-here": "ansi_blue",
            "mm-here-text": "ansi_bright_white",
        }
    colours = theme.to_color_system().generate()
    return {
        "mm-dim": _dimmed(colours["foreground"], colours["background"]),
        "mm-rule": f"{colours['foreground']} 20%",
        "mm-here": f"{colours['accent']} 25%",
        "mm-here-text": colours["foreground"],
    }


def _dimmed(foreground: str, background: str) -> str:
    """Text that may be skipped: as faint as WCAG's AA (4.5 to 1) allows, from 60 % of the text's own colour on."""
    text, ground = Color.parse(foreground), Color.parse(background)
    shares = (ground.blend(text, share / 100) for share in range(60, 100, 5))
    return next((one for one in shares if _contrast(one, ground) >= READABLE), text).hex


def _contrast(one: Color, other: Color) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [value / 255 for value in colour.rgb]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _quiet(dim: str, rule: str, here: str, here_text: str, strong: str, background: str) -> dict[str, str]:
    """The variables of one theme: ours, and those of Textual's widgets that would otherwise be loud."""
    return {
        "mm-dim": dim,
        "mm-rule": rule,
        "mm-here": here,
        "mm-here-text": here_text,
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
    panel="#1b1e25",
    warning="#e3aa52",
    error="#ec6a5e",
    success="#ccd0d8",
    dark=True,
    variables=_quiet("#8d95a2", "#2e333d", "#1d2a3b", "#eef1f6", "#7fb4e6", "#14161b"),
)
MM_LIGHT = Theme(
    name="mm-light",
    primary="#1f5fa8",
    secondary="#1f5fa8",
    accent="#1f5fa8",
    foreground="#23272e",
    background="#fbfaf7",
    surface="#fbfaf7",
    panel="#f0efea",
    warning="#8a5600",
    error="#b3261e",
    success="#23272e",
    dark=False,
    variables=_quiet("#5c636e", "#d4d3cd", "#d5e3f4", "#10141a", "#1f5fa8", "#fbfaf7"),
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
        **_quiet("ansi_default", "ansi_bright_black", "ansi_blue", "ansi_bright_white", "ansi_cyan", "ansi_default"),
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
    variables=_quiet("#d2d2d2", "#9a9a9a", "#ffffff", "#000000", "#4dd2ff", "#000000"),
)

THEMES = (MM_DARK, MM_LIGHT, TERMINAL, HIGH_CONTRAST)
