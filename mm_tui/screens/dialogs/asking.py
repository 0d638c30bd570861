"""Questions that lose their reason while they are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.app import App


def look_at_question(app: App[Any]) -> None:
    """Something changed: has the question in front, if there is one, look whether it still holds."""
    look = getattr(app.screen, "look_again", None) if app.screen_stack else None
    if look is not None and app.screen.is_mounted:
        look()
