"""The tags of other programs, as short texts beside an email."""

from __future__ import annotations

from collections.abc import Mapping

from mm_tui.text import OneLine

OWN_TAGS = frozenset(
    {"label", "label.by", "summary", "notes", "intent", "urgency", "requested_action", "deadline", "amounts"}
)
"""Tags that are shown elsewhere."""
OWN_TAG_PREFIXES = ("assist.", "review.")
MOST_CHIPS = 8
LONGEST_CHIP = 24
"""The most characters of a tag's name, and of its value, on a chip."""
_YES = frozenset({"", "true", "yes", "1"})


def chips_of(tags: Mapping[OneLine, OneLine] | Mapping[str, str]) -> tuple[OneLine, ...]:
    """The tags that are not shown elsewhere, by name: `vip`, `plan: gold`. A value of `true` is not shown."""
    values = {str(name): str(value) for name, value in tags.items()}
    others = sorted(name for name in values if name not in OWN_TAGS and not name.startswith(OWN_TAG_PREFIXES))
    chips = []
    for name in others[:MOST_CHIPS]:
        value = values[name].strip()
        words = _short(name) if value.lower() in _YES else f"{_short(name)}: {_short(value)}"
        chips.append(OneLine(words))
    return tuple(chip for chip in chips if chip.strip())


def _short(text: str) -> str:
    line = str(OneLine(text)).strip()
    return line if len(line) <= LONGEST_CHIP else line[: LONGEST_CHIP - 1] + "…"
