"""Keyboard layouts without Latin letters: maps each letter to the Latin letter on the same key."""

from __future__ import annotations

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_ROWS = {
    "el": " ςερτυθιοπ  ασδφγηξκλ  ζχψωβνμ  ",
    "he": "  קראטוןםפ  שדגכעיחלך  זסבהנמצתץ",
    "ru": "йцукенгшщзхъфывапролджэячсмитьбю",
    "uk": "йцукенгшщзхїфівапролджєячсмитьбю",
}
"""The letters of each layout in the order of `_LATIN`; a space if a key has none."""

LAYOUTS = {
    name: {
        case(own): case(latin)
        for own, latin in zip(row, _LATIN, strict=True)
        if own != " " and latin.isalpha()
        for case in (str.upper, str.lower)  # without capitals the small letter is kept
    }
    for name, row in _ROWS.items()
}
"""For each layout, its letters, small and capital, with the Latin letter on the same key."""
