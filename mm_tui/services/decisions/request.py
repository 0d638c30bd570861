"""Requests for decisions, and the reasons why one cannot begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

import msgspec
from msgspec.structs import replace

from mm_tui.clock import at_time
from mm_tui.decision.state import Act, Outcome
from mm_tui.models import Direction, EditedDraft, PendingItem
from mm_tui.review.digest import digest_of
from mm_tui.review.disclosure import late
from mm_tui.review.findings import Finding
from mm_tui.services.decisions.approval_gate import AS_IT_IS, OWN_REPLY
from mm_tui.services.decisions.record import meta_of, state_of
from mm_tui.services.decisions.view import Seen
from mm_tui.services.presence.approvals import Approvals, SecondApproval
from mm_tui.store.decisions.records import SavedDecision
from mm_tui.text import OneLine


class Refused(Exception):
    """A decision cannot begin. Nothing was journaled and nothing was sent.

    Attributes:
        message: why, for the user.
        what_to_do: what the user can do about it.
    """

    def __init__(self, message: str, what_to_do: str) -> None:
        self.message = OneLine(message)
        self.what_to_do = OneLine(what_to_do)
        super().__init__(f"{self.message}: {self.what_to_do}")


class OwnReply(Refused):
    """By the settings, another reviewer must approve what this one wrote."""

    def __init__(self) -> None:
        super().__init__(OWN_REPLY, "Another reviewer approves it in their mm-tui; you may reject it.")


class WaitsForSecond(Refused):
    """This reviewer has already approved it, and it needs another reviewer's approval."""

    def __init__(self, words: str) -> None:
        super().__init__(words, "Another reviewer approves it in their mm-tui; you may reject it or take yours back.")


class DecisionRequest(msgspec.Struct, frozen=True):
    """What a human wants done with one email."""

    item: Seen
    act: Act
    digest: str
    edit: EditedDraft | None = None
    reason: str = ""
    found: Sequence[Finding] = ()
    """The findings that the reviewer was shown."""
    asks_redraft: bool = False
    """Whether the rejection asks the agent for another draft."""
    shown: Approvals | None = None
    """What was shown about approvals when the human decided; None if nothing was."""
    needs_second: bool = False
    """Whether two reviewers must approve it."""

    def refuse_unfit(self, now: datetime) -> None:
        """Raises `Refused` if the request itself is invalid, or an approval's send time has passed unseen."""
        item = self.item
        if self.act is Act.APPROVE and late(item.raw.send_at, now) and not self.sends_late(now):
            raise Refused("its send time has passed meanwhile, so it would be sent at once", "Look again first.")
        if isinstance(item, PendingItem) and not item.complete:
            raise Refused(
                "this email has not been read in full", "Open it first: cc and attachments are not known yet."
            )
        if digest_of(item.id, item.mailbox_id, item.direction, item.raw) != self.digest:
            raise Refused("the digest does not match what was on the screen", "Read the email again.")
        if self.act is Act.REJECT and not self.reason.strip():
            raise Refused("rejecting needs a reason", "Say why, so that the agent can do better.")
        if self.edit is not None and str(item.direction) == Direction.INBOUND:
            raise Refused(AS_IT_IS, "Approve or reject it, and answer it once it has arrived.")
        if self.edit is not None and not [address for address in self.edit.to if address.strip()]:
            raise Refused("your edit has no recipient", "Fill in To.")
        if self.act is Act.RELEASE_EDIT and self.edit == EditedDraft(item.raw.to, item.raw.subject, item.raw.body):
            raise Refused("your edit changes nothing", "Approve the draft as it is, without the edit.")

    def sends_late(self, now: datetime) -> bool:
        """Whether its send time has passed, and the reviewer was shown so."""
        shown = {(finding.code, finding.words) for finding in self.found}
        return any((finding.code, finding.words) in shown for finding in late(self.item.raw.send_at, now))

    def by_two(self, second: SecondApproval, tags: Mapping[OneLine, OneLine], *, can_tag: bool) -> Self:
        """The request under the two-person rule: the first approval of an email is only recorded. Its tags hold first
        approvals; `can_tag`: whether a key may set them. Raises Refused if it may not be approved, or not in this
        way."""
        if self.act not in (Act.APPROVE, Act.RELEASE_EDIT):
            return self
        approvals = second.of(self.item.mailbox_id, tags, self.digest, self.found)
        shown = self.shown if self.act is Act.APPROVE and self.shown is not None else approvals
        if shown != approvals and (shown.needed or approvals.needed):
            raise Refused(
                f"who has approved it changed meanwhile: {approvals.words or 'one approval is enough now'}",
                "Look again, and decide once more.",
            )
        if not approvals.needed:
            return self
        if self.act is Act.RELEASE_EDIT and (why := second.why_ungated(self.item, self.edit)):
            raise Refused(
                f"two reviewers must approve this, but your edit would be sent as soon as it is submitted: {why}",
                "Send it back to the agent with your text, or approve the draft as it is.",
            )
        if self.act is Act.APPROVE and approvals.waits_for_other:
            raise WaitsForSecond(approvals.words)
        if approvals.is_first and not can_tag:
            raise Refused(
                "two reviewers must approve this, and the first approval is a tag, which needs a send key",
                "Set send_key in the profile.",
            )
        first = self.act is Act.APPROVE and approvals.is_first
        return replace(self, act=Act.APPROVE_FIRST if first else self.act, needs_second=True)


def refuse_released(email_id: str, family: Sequence[SavedDecision], reviewer: str, now: datetime) -> None:
    """Raises `Refused` if one of these decisions released the email, whatever the gateway lists as waiting now."""
    for row in family:
        state, meta = state_of(row), meta_of(row)
        own = row.item_id if state.case.act is Act.APPROVE else None
        released = {
            Outcome.APPROVED: own,
            Outcome.DECIDED: own,
            Outcome.NOT_AS_SEEN: own or row.replacement_id,
            Outcome.EDIT_RELEASED: row.replacement_id,
        }
        if state.outcome is not None and released.get(state.outcome) == email_id:
            who = "you" if meta.reviewer in ("", reviewer) else meta.reviewer
            # Decided, but by whom is not known.
            said = "it was approved" if state.outcome is Outcome.DECIDED else f"{who} approved it"
            raise Refused(
                f"{said} {at_time(row.updated_at, now.astimezone().date())} already",
                "If the gateway lists it again, find out whether it was sent. You may reject it.",
            )


def fit(requests: Sequence[DecisionRequest], now: datetime) -> tuple[list[DecisionRequest], dict[str, OneLine]]:
    """Those that can begin, and by the ids of the other emails why they cannot."""
    found: list[DecisionRequest] = []
    refused: dict[str, OneLine] = {}
    for request in requests:
        try:
            request.refuse_unfit(now)
        except Refused as why:
            refused[request.item.id] = why.message
        else:
            found.append(request)
    return found, refused
