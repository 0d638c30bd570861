"""Keyboard layouts without Latin letters: which Latin letter stands on the same key, so that keys work as labelled."""

from __future__ import annotations

_LATIN = "qwertyuiop[]asdfghjkl;'zxcvbnm,."
_ROWS = {
    "el": " ςερτυθιοπ  ασδφγηξκλ  ζχψωβνμ  ",
    "he": "  קראטוןםפ  שדגכעיחלך  זסבהנמצתץ",
    "ru": "йцукенгшщзхъфывапролджэячсмитьбю",
    "uk": "йцукенгшщзхїфівапролджєячсмитьбю",
}
"""The signs of each layout in the order of `_LATIN`; a space where a key has no letter of its own."""

LAYOUTS = {
    name: {
        case(own): case(latin)
        for own, latin in zip(row, _LATIN, strict=True)
        if own != " " and latin.isalpha()
        for case in (str.upper, str.lower)  # where there are no capitals the small letter stays
    }
    for name, row in _ROWS.items()
}
"""By the layout's name: each of its letters, small and capital, with the Latin one on the same key."""
