"""At most one of an original and its edits may be released (R3): what an earlier unknown outcome means for a new
decision."""

from __future__ import annotations

from collections.abc import Iterable

from mm_tui.decision.state import SUBMISSION, Act


def is_doubtful(act: Act, item: str, doubts: Iterable[str], *, same_submission: bool = False) -> bool:
    """Whether a call with an unknown outcome could release a second email beside `act`.

    Approving an email again is harmless, because the gateway sends it once. All other known versions are read before a
    release and must be settled, so calls for them are harmless too. Two cases remain: an edit at the gateway whose id
    we never received, and an edit of an email whose own approval may still take effect, since submitting an edit may
    already release it.

    Args:
        act: what the human has decided now.
        item: the email it is about.
        doubts: from earlier decisions about its versions: ids whose approval has an unknown outcome, or `SUBMISSION`.
        same_submission: whether the act would submit the same edit under the same key again.
    """
    doubts = set(doubts)
    if act is Act.APPROVE:
        return SUBMISSION in doubts
    if act is Act.RELEASE_EDIT:
        return item in doubts or (SUBMISSION in doubts and not same_submission)
    return False
