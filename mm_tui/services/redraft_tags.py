"""Tags on a rejected draft by which a reviewer asks any agent for another draft.

The gateway does not tell agents why a draft was rejected, so the reason is in tags; without them a rejection is a plain
no. The text should be a human's, but anybody with a send key may have set it, so it is cleaned and bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from mm_tui.text import ManyLine, OneLine

ASKED = "review.redraft"
"""When another draft was requested, ISO 8601. Without it a rejection is a plain no."""
ASKED_BY = "review.redraft_by"
REASON = "review.reason"
SUGGESTION = "review.suggestion"
"""The reviewer's own text as a JSON string, continued in `review.suggestion.2`, `.3` and so on."""
FOLLOWS = "assist.follows"
"""On the new draft: the id of the rejected one that it replaces."""
ROUND = "assist.round"
"""On the new draft: 1 for the first requested draft, 2 for the second."""

LONGEST_NAME = 80
LONGEST_REASON = 500
LONGEST_SUGGESTION = 10_000
"""The most characters of the reviewer's text; the rest is left out."""
PART = 1000
"""The most characters of one tag."""
MOST_PARTS = 64
_SPACE = r"\u0020"
_SPACE_AT_END = re.compile("^ | $")
_JOINER = re.compile("[\u200c\u200d\ufe0e\ufe0f]")
"""At the edge of a part, without its neighbours, it would look like a hidden character."""


class RedraftRequest(msgspec.Struct, frozen=True):
    """What a reviewer asks for."""

    reason: OneLine
    suggestion: ManyLine = ManyLine("")
    """The text that the reviewer would rather send; empty for none."""
    by: OneLine = OneLine("")


def as_tags(request: RedraftRequest, at: datetime) -> dict[str, str]:
    """The request as tags, none longer than `PART`."""
    wanted = {ASKED: at.isoformat(), ASKED_BY: request.by[:LONGEST_NAME], REASON: request.reason[:LONGEST_REASON]}
    text = request.suggestion.strip()[:LONGEST_SUGGESTION]
    if text:
        wanted |= {_part(at): part for at, part in enumerate(_parts(json.dumps(text, ensure_ascii=False)), start=1)}
    return wanted


def suggestion_tags() -> frozenset[str]:
    """The names of all tags that a suggested text may use."""
    return frozenset(map(_part, range(1, MOST_PARTS + 1)))


def read(tags: Mapping[OneLine, OneLine]) -> RedraftRequest | None:
    """The request in an email's tags; None if there is none."""
    if not tags.get(OneLine(ASKED), OneLine("")).strip():
        return None
    return RedraftRequest(
        OneLine(tags.get(OneLine(REASON), OneLine(""))[:LONGEST_REASON]),
        _suggestion(tags),
        OneLine(tags.get(OneLine(ASKED_BY), OneLine(""))[:LONGEST_NAME]),
    )


def _suggestion(tags: Mapping[OneLine, OneLine]) -> ManyLine:
    text = ""
    for at in range(1, MOST_PARTS + 1):
        if (part := tags.get(OneLine(_part(at)))) is None:
            break
        text += part
    try:
        # Ignore parts left over from an earlier, longer text.
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        # Set by hand, as plain text.
        found = text
    return ManyLine(ManyLine(found if isinstance(found, str) else text)[:LONGEST_SUGGESTION])


def follows(tags: Mapping[OneLine, OneLine]) -> OneLine:
    """The id of the draft that a draft says it replaces; empty for none."""
    return OneLine(tags.get(OneLine(FOLLOWS), OneLine(""))[:LONGEST_NAME].strip())


def _part(at: int) -> str:
    return SUGGESTION if at == 1 else f"{SUGGESTION}.{at}"


def _parts(text: str) -> list[str]:
    """Cuts JSON text. Spaces at the ends of a part are escaped, since a gateway may strip them."""
    text = _JOINER.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    step = PART - 2 * len(_SPACE)
    return [_SPACE_AT_END.sub(lambda _: _SPACE, text[start : start + step]) for start in range(0, len(text), step)]
