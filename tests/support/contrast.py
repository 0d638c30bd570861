"""The contrast of two colours, by WCAG."""

from __future__ import annotations

from textual.color import Color

LEAST = 4.5
"""For text (WCAG AA)."""


def luminance(colour: Color) -> float:
    """The relative luminance of WCAG."""
    parts = [value / 255 for value in colour.rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    """The contrast of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
