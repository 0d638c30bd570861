"""At most one of an original and its edits may be released (R3): what an earlier unknown outcome means for a new
decision."""

from __future__ import annotations

from collections.abc import Iterable

from mm_tui.decision.state import SUBMISSION, Act


def is_doubtful(act: Act, item: str, doubts: Iterable[str], *, same_submission: bool = False) -> bool:
    """Whether a call that was left in doubt could release a second mail beside what `act` decisions.

    Approving again what may have been approved is harmless: the gateway releases one email once. All other known
    members of the family are read before a release and must be settled, which makes calls for them harmless too.
    What remains is an edit at the gateway whose id we never received, and an edit of an email whose own
    approval may still arrive, since submitting an edit may already release it.

    Args:
        act: what the human wants now.
        item: the email it is about.
        doubts: of the family's earlier decisions: ids whose approval was left in doubt, or `SUBMISSION`.
        same_submission: the act would submit the very same edit under the very same key again.
    """
    doubts = set(doubts)
    if act is Act.APPROVE:
        return SUBMISSION in doubts
    if act is Act.RELEASE_EDIT:
        return item in doubts or (SUBMISSION in doubts and not same_submission)
    return False
