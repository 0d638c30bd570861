"""What of Textual is changed below its public surface. A test checks that each name is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen

if TYPE_CHECKING:
    from textual.app import App


def write_to_terminal(app: App[Any], sequences: str) -> None:
    """Writes control sequences behind all that has been painted. Nothing where there is no terminal."""
    if app._driver is not None:
        app._driver.write(sequences)
        app._driver.flush()


def keep_backgrounds_still() -> None:
    """From now on a screen behind another passes on what changed in it, once, and only where it can be seen.

    Textual marks the whole screen behind as changed each time it passes something on, and so repaints it again and
    again as long as a dialog is open, even behind a screen that covers it: a megabyte in a quarter of a minute.
    """
    if Screen._compositor_refresh is not _refresh:
        Screen._compositor_refresh = _refresh  # type: ignore[method-assign, assignment]  # as said above


_refresh_in_front = Screen._compositor_refresh


def _refresh(self: Screen[object]) -> None:
    front = self.app.screen
    if self is front or self.app.is_inline:
        _refresh_in_front(self)
        return
    changed = tuple(self._compositor._dirty_regions)
    self._compositor._dirty_regions.clear()
    self._dirty_widgets.clear()
    # What is covered is painted anew as a whole when it comes back to the front.
    if changed and front.styles.background.a < 1:
        front.refresh(*changed)
