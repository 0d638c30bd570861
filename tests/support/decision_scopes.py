"""The scopes of the walks."""

from __future__ import annotations

from mm_tui.decision.state import Act
from tests.support.decision_world import Scope

SCOPES = {
    "approve": Scope((Act.APPROVE,)),
    "reject": Scope((Act.REJECT,)),
    "edit a scheduled mail": Scope((Act.RESCHEDULE,)),
    "approve, known by name": Scope((Act.APPROVE,), names_us=True),
    "approve beside a colleague's edit": Scope((Act.APPROVE,), glitches=False, colleague=True),
    "edit and release": Scope((Act.RELEASE_EDIT,), rewrites=False),
    "approve, then approve again": Scope((Act.APPROVE, Act.APPROVE)),
    "approve, then edit and release": Scope((Act.APPROVE, Act.RELEASE_EDIT), others=False, glitches=False),
    "edit and release, then approve": Scope((Act.RELEASE_EDIT, Act.APPROVE), others=False, glitches=False),
    "edit and release, then again": Scope(
        (Act.RELEASE_EDIT, Act.RELEASE_EDIT), others=False, glitches=False, signs=False
    ),
    "first of two approvals": Scope((Act.APPROVE_FIRST,), needs_second=True),
    "second of two approvals": Scope((Act.APPROVE,), needs_second=True),
    "both approvals by one reviewer": Scope((Act.APPROVE_FIRST, Act.APPROVE), needs_second=True, others=False),
    "approve for a set time": Scope((Act.APPROVE,), is_timed=True, others=False, glitches=False),
    "edit and approve first": Scope(
        (Act.RELEASE_EDIT,), needs_second=True, others=False, sends_at_once=False, rewrites=False
    ),
}
DEEPER = {
    "edit and release, rewritten": Scope((Act.RELEASE_EDIT,), glitches=False, sends_at_once=False, signs=False),
    "edit and release beside a colleague's edit": Scope(
        (Act.RELEASE_EDIT,), glitches=False, sends_at_once=False, signs=False, rewrites=False, colleague=True
    ),
    "both approvals by one reviewer, others too": Scope((Act.APPROVE_FIRST, Act.APPROVE), needs_second=True),
    "edit and approve first, others too": Scope(
        (Act.RELEASE_EDIT,), needs_second=True, rewrites=False, glitches=False, sends_at_once=False, signs=False
    ),
    "approve, then edit and release, others too": Scope((Act.APPROVE, Act.RELEASE_EDIT), glitches=False),
    "edit and release, then approve, others too": Scope((Act.RELEASE_EDIT, Act.APPROVE), glitches=False),
}
"""Some minutes more, where `MM_TUI_DEEP` is set."""
