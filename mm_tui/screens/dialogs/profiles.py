"""Chooses another profile from a list with each one's kind of keys and gateway."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from textual.content import Content

from mm_tui.screens.dialogs.dialog import Line, ListDialog
from mm_tui.settings.profiles import ListedProfile, ProfileKind
from mm_tui.text import OneLine


class ProfilesScreen(ListDialog[str]):
    """Returns the key of the chosen profile, or None. `here`: the name of the one that is open. `overriding`:
    environment variables that override every profile's settings."""

    def __init__(self, profiles: Sequence[ListedProfile], here: str, overriding: Sequence[str] = ()) -> None:
        words = f"environment variables override every profile's own settings: {', '.join(overriding)}"
        super().__init__(
            "Switch to which profile?",
            [Line(_words(one, is_here=one.key == here), one.key) for one in profiles],
            choose="switch",
            close="stay",
            at=next((at for at, one in enumerate(profiles) if one.key == here), 0),
            note=Content.assemble(("▲ ", "$warning"), OneLine(words)) if overriding else Content(""),
        )


def _words(profile: ListedProfile, *, is_here: bool) -> Content:
    kind = (str(profile.kind.words), "bold $mm-risk" if profile.kind is ProfileKind.LIVE else "$foreground")
    where = " · ".join(filter(None, (urlsplit(profile.url).netloc, profile.mailbox)))
    lines = [
        Content.assemble(
            ("• " if is_here else "  ", "$accent"),
            (profile.name, "$foreground"),
            "  ",
            kind if profile.url else "",
            ("  you are here" if is_here else "", "$mm-dim"),
        )
    ]
    if where:
        lines.append(Content.assemble(("    " + OneLine(where), "$mm-dim")))
    if profile.trouble:
        lines.append(Content.assemble(("  ▲ ", "$warning"), profile.trouble))
    return Content("\n").join(lines)
