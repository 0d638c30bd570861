"""How a reviewer asks an agent for another draft: tags on the rejected one, for any agent to read.

The gateway gives an agent no reason of a rejection, so it stands in tags. A rejection without them is a plain no. The
text is a human's, but any key that may send may have set it: what is read is cleaned and bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mm_tui.text import ManyLine, OneLine

if TYPE_CHECKING:
    from datetime import datetime

ASKED = "review.redraft"
"""When another draft was asked for, ISO 8601. Without it a rejection is a plain no."""
ASKED_BY = "review.redraft_by"
REASON = "review.reason"
SUGGESTION = "review.suggestion"
"""The reviewer's own text as a JSON string; what does not fit goes on in `review.suggestion.2`, `.3` and so on."""
FOLLOWS = "assist.follows"
"""On the new draft: the id of the rejected one that it takes the place of."""
ROUND = "assist.round"
"""On the new draft: 1 for the first one that was asked for, 2 for the second."""

LONGEST_NAME = 80
LONGEST_REASON = 500
LONGEST_SUGGESTION = 10_000
"""Characters of the reviewer's text; the rest is left out."""
PART = 1000
"""Characters of one tag."""
MOST_PARTS = 64
_SPACE = r"\u0020"
_SPACE_AT_END = re.compile("^ | $")
_JOINER = re.compile("[\u200c\u200d\ufe0e\ufe0f]")
"""Without what it joins it would be taken for a hidden character at the edge of a part."""


@dataclass(frozen=True)
class RedraftRequest:
    """What a reviewer asks for."""

    reason: OneLine
    suggestion: ManyLine = ManyLine("")
    """The text that the reviewer would rather have sent; empty for none."""
    by: OneLine = OneLine("")


def as_tags(request: RedraftRequest, at: datetime) -> dict[str, str]:
    """The request as tags, none of which is longer than `PART`."""
    wanted = {
        ASKED: at.isoformat(),
        ASKED_BY: request.by[:LONGEST_NAME],
        REASON: request.reason[:LONGEST_REASON],
    }
    text = request.suggestion.strip()[:LONGEST_SUGGESTION]
    if text:
        wanted |= {_part(at): part for at, part in enumerate(_parts(json.dumps(text, ensure_ascii=False)), start=1)}
    return wanted


def suggestion_tags() -> frozenset[str]:
    """The names of all tags that a suggested text may stand in."""
    return frozenset(map(_part, range(1, MOST_PARTS + 1)))


def read(held: Mapping[OneLine, OneLine]) -> RedraftRequest | None:
    """What an email's tags ask for; None where no other draft is asked for."""
    if not held.get(OneLine(ASKED), OneLine("")).strip():
        return None
    return RedraftRequest(
        OneLine(held.get(OneLine(REASON), OneLine(""))[:LONGEST_REASON]),
        _suggestion(held),
        OneLine(held.get(OneLine(ASKED_BY), OneLine(""))[:LONGEST_NAME]),
    )


def _suggestion(held: Mapping[OneLine, OneLine]) -> ManyLine:
    text = ""
    for at in range(1, MOST_PARTS + 1):
        if (part := held.get(OneLine(_part(at)))) is None:
            break
        text += part
    try:
        # Parts that an earlier, longer text left behind do not count.
        found, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        # Set by hand, as plain words.
        found = text
    return ManyLine(ManyLine(found if isinstance(found, str) else text)[:LONGEST_SUGGESTION])


def follows(held: Mapping[OneLine, OneLine]) -> OneLine:
    """The id of the draft that a draft says it takes the place of; empty for none."""
    return OneLine(held.get(OneLine(FOLLOWS), OneLine(""))[:LONGEST_NAME].strip())


def _part(at: int) -> str:
    return SUGGESTION if at == 1 else f"{SUGGESTION}.{at}"


def _parts(text: str) -> list[str]:
    """Cuts JSON text. Spaces at the ends of a part are escaped, since a gateway may strip them."""
    text = _JOINER.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
    step = PART - 2 * len(_SPACE)
    return [_SPACE_AT_END.sub(lambda _: _SPACE, text[start : start + step]) for start in range(0, len(text), step)]
