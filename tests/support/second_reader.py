"""A draft, its thread, and what a second reader says about them."""

from __future__ import annotations

import json

from mm_tui.assist.second_reader import SecondReading

BODY = "Hello Anna,\n\nwe will be there on Friday 13 March\nat 14:00, and room 12 costs $249.\n\nMara"
ASKED = "Hello,\ncan you come on Thursday 12 March at 14:00? And is breakfast in the price of room 12?\nAnna"


def line(kind: str, draft: object, thread: object) -> dict[str, object]:
    return {"kind": kind, "draft": draft, "thread": thread}


def answer(*lines: dict[str, object]) -> str:
    return json.dumps({"lines": lines})


def kinds(found: SecondReading) -> list[str]:
    return [str(one.kind) for one in found.lines]
