"""Renders the bodies for one drawing of a screen without making the reader wait. Cached or short ones are rendered at
once. The others are shown as their source until a thread has rendered them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import Lock

from mm_tui.review.rendered import MOST_CHARACTERS, Rendered, needs_rendering, rendered

QUICK_CHARACTERS = 8_192
"""The most characters rendered at once in one drawing: about 20 ms."""
_STRAY = re.compile(r"(?<!\S)\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?!\S)")
"""A mark of emphasis at the start or the end of a word."""
KEPT_CHARACTERS = 1_048_576
"""The most characters of sources whose renderings are cached."""


class _Cache:
    """Renderings by source. The oldest are dropped first. Thread-safe."""

    def __init__(self) -> None:
        self._made: dict[str, Rendered] = {}
        self._characters = 0
        self._lock = Lock()

    def find(self, source: str) -> Rendered | None:
        with self._lock:
            return self._made.get(source)

    def put(self, source: str, made: Rendered) -> None:
        with self._lock:
            if source not in self._made:
                self._made[source] = made
                self._characters += len(source)
            while self._characters > KEPT_CHARACTERS and len(self._made) > 1:
                oldest = next(iter(self._made))
                del self._made[oldest]
                self._characters -= len(oldest)


_cache = _Cache()
_rendering = Lock()


class RenderPass:
    """One drawing. `as_source`: show all bodies as written."""

    def __init__(self, *, as_source: bool = False) -> None:
        self._as_source = as_source
        self._room = QUICK_CHARACTERS
        self.left: list[str] = []
        """Bodies that take too long, for `render_all` in a thread. Until then they are shown as their source."""

    def of(self, source: str) -> Rendered:
        """The form of a body that can be shown now."""
        if self._as_source or not needs_rendering(source):
            return Rendered(source)
        if (known := _cache.find(source)) is not None:
            return known
        if len(source) > self._room:
            self.left.append(source)
            return Rendered(source)
        self._room -= len(source)
        return _rendered(source)


def plain(source: str) -> str:
    """A short text without its Markdown marks, such as a summary, even those whose other half was cut off."""
    return _STRAY.sub("", RenderPass().of(source).text)


def is_source(source: str) -> bool:
    """Whether a body is shown as written although its recipient sees it differently."""
    if len(source) > MOST_CHARACTERS:
        return True
    made = _cache.find(source)
    return needs_rendering(source) and (made is None or made.is_source)


def render_all(sources: Iterable[str]) -> list[Rendered]:
    """Renders bodies into the cache. Call it in a thread."""
    # One thread at a time: the preview and the reader want the same body, and each thread slows the screen down.
    with _rendering:
        return [_rendered(source) for source in sources]


def _rendered(source: str) -> Rendered:
    made = _cache.find(source)
    if made is None:
        made = rendered(source)
        _cache.put(source, made)
    return made
