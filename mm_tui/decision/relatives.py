"""The versions of an email: what its tags say about them, and what their unknown outcomes mean (R3).

The tags name the email that it is an edit of, the edits that are to replace it, and their authors.
Each relation has its own tag (`review.replaced_by`, `review.replaced_by.2`, ...), so that nobody has to
overwrite another's. Anybody with a send key can set tags: values that cannot be the id of an email are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from mm_tui.decision.state import MOST_RELATIVES, SUBMISSION, Act
from mm_tui.text import OneLine

PREFIX = "review."
REPLACED_BY = "review.replaced_by"
REPLACES = "review.replaces"
EDITED_BY = "review.edited_by"
LONGEST_NAME = 40
"""The most characters shown of another reviewer's name."""
MOST_NUMBERED = 9
"""The most tags of one kind that are written and read."""
_ID = re.compile(r"[\x21-\x7e]{1,256}")


def relatives_in(tags: Mapping[OneLine, OneLine], own_id: str) -> tuple[str, ...]:
    """The ids that the tags of the email `own_id` name as its original or its edits, at most `MOST_RELATIVES`."""
    found: dict[str, None] = {}
    for kind in (REPLACED_BY, REPLACES):
        for name in _names(kind):
            # Another program may put several ids into one tag.
            for value in re.split(r"[\s,;]+", tags.get(OneLine(name), OneLine(""))):
                if _ID.fullmatch(value) and value != own_id:
                    found[value] = None
    return tuple(found)[:MOST_RELATIVES]


def is_edit(tags: Mapping[OneLine, OneLine]) -> bool:
    """Whether an email's tags say that it is to replace another."""
    return any(tags.get(OneLine(name)) for name in _names(REPLACES))


def is_replaced(tags: Mapping[OneLine, OneLine]) -> bool:
    """Whether an email's tags say that another is to replace it."""
    return any(tags.get(OneLine(name)) for name in _names(REPLACED_BY))


def editor_in(tags: Mapping[OneLine, OneLine]) -> OneLine:
    """The names of all who say that they edited it, shortened; empty if there are none."""
    names = [str(tags.get(OneLine(name), "")).strip() for name in _names(EDITED_BY)]
    return OneLine(" and ".join(dict.fromkeys(name for name in names if name))[:LONGEST_NAME])


def with_relation(tags: Mapping[OneLine, OneLine], kind: str, other: str, reviewer: str) -> dict[str, str]:
    """The tags to add so that an email names `other` as its original or edit (`kind`: `REPLACED_BY` or `REPLACES`),
    without changing those that others have set. Empty if it is already named, or if all tags of this kind are in
    use."""
    email_tags = {str(name): str(value) for name, value in tags.items()}
    if other in (email_tags.get(name) for name in _names(kind)):
        return {}
    for name, by in zip(_names(kind), _names(EDITED_BY), strict=True):
        if not email_tags.get(name) and email_tags.get(by) in (None, "", reviewer):
            return {name: other, by: reviewer}
    return {}


def _names(kind: str) -> tuple[str, ...]:
    return (kind, *(f"{kind}.{number}" for number in range(2, MOST_NUMBERED + 1)))


NAMES = frozenset(name for kind in (REPLACED_BY, REPLACES, EDITED_BY) for name in _names(kind))
"""All tags that are read here."""


def is_doubtful(act: Act, item: str, doubts: Iterable[str], *, same_submission: bool = False) -> bool:
    """Whether a call with an unknown outcome could release a second email beside `act`.

    Approving an email again is harmless, because the gateway sends it once. All other known versions are read before a
    release and must be settled, so calls for them are harmless too. Two cases remain: an edit at the gateway whose id
    we never received, and an edit of an email whose own approval may still take effect, since submitting an edit may
    already release it. `doubts`: from earlier decisions about its versions: ids whose approval has an unknown outcome,
    or `SUBMISSION`. `same_submission`: whether the act would submit the same edit under the same key again.
    """
    doubts = set(doubts)
    if act is Act.APPROVE:
        return SUBMISSION in doubts
    if act is Act.RELEASE_EDIT:
        return item in doubts or (SUBMISSION in doubts and not same_submission)
    return False
