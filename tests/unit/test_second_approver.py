"""Two reviewers must approve: the first approval is recorded, another's of the same content sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm_tui.clock import SystemClock
from mm_tui.decision.state import Act, Outcome
from mm_tui.gateway.keys import Keys
from mm_tui.models import EmailDetail
from mm_tui.review.findings import Finding, Level
from mm_tui.services.decisions.request import Refused, WaitsForSecond
from mm_tui.services.decisions.view import DecisionView
from mm_tui.services.presence.approvals import MOST_SHOWN, Approvals, Approver, approvals_in, needs_second
from mm_tui.services.presence.notes import NotSet, TeamTags
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Review
from mm_tui.store.mail.mails import MailStore
from mm_tui.text import OneLine
from tests.support.desk import Desk, at_desk, digest
from tests.support.sandbox import Sandbox

ALWAYS = Review(second_approver="always")
RISKY = [Finding("promise_money", Level.HIGH, OneLine("promises money"))]


@asynccontextmanager
async def reviewer_at(
    folder: Path, sandbox: Sandbox, name: str, *, key: str = "", review: Review = ALWAYS, without: tuple[str, ...] = ()
) -> AsyncIterator[Desk]:
    """A reviewer on a machine of their own, with an oversight key of their own or with this one."""
    store = folder / f"{name}-{len(list(folder.iterdir()))}"
    store.mkdir()
    if not key:
        sandbox.make_key(name, "read", "oversight")
    keys = {**sandbox.keys, "oversight": key or sandbox.keys[name]}
    async with at_desk(store, sandbox.url, keys, reviewer=name, review=review, without=without) as desk:
        yield desk


async def approved(desk: Desk, mail: EmailDetail) -> DecisionView:
    """Approves what was read, and waits for the end."""
    await desk.approve(mail)
    return await desk.settled(mail.id)


async def test_only_another_reviewers_approval_of_the_same_text_sends_it(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        first = await approved(anna, await anna.read(sandbox.mailbox, draft))
        assert (first.act, first.outcome) == (Act.APPROVE_FIRST, Outcome.FIRST_APPROVED)
        assert sandbox.status(draft) == "pending_send_approval" and not sandbox.calls("POST", "/oversight/decide")
        assert anna.kinds()[-4:] == ["held", "recording_approval", "approval_recorded", "ended"]

        with pytest.raises(WaitsForSecond, match="approved by you"):
            await anna.approve(await anna.read(sandbox.mailbox, draft))

        second = await approved(bert, await bert.read(sandbox.mailbox, draft))
        assert (second.act, second.outcome) == (Act.APPROVE, Outcome.APPROVED)
        assert [mail["id"] for mail in sandbox.outbox()] == [draft]


async def test_the_same_key_or_the_same_name_twice_is_one_reviewer(sandbox: Sandbox, tmp_path: Path) -> None:
    draft, key = sandbox.draft(), sandbox.keys["oversight"]
    async with (
        reviewer_at(tmp_path, sandbox, "anna", key=key) as anna,
        reviewer_at(tmp_path, sandbox, "kim", key=key) as same_key,
        reviewer_at(tmp_path, sandbox, "Anna") as same_name,
    ):
        await approved(anna, await anna.read(sandbox.mailbox, draft))
        for desk in (same_key, same_name):
            with pytest.raises(WaitsForSecond):
                await desk.approve(await desk.read(sandbox.mailbox, draft))
        assert not sandbox.outbox()


async def test_an_approval_counts_for_no_other_text(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        await approved(anna, await anna.read(sandbox.mailbox, draft))
        sandbox.change(draft, markdown="Dear Anna, we pay you 900 EUR.")
        view = await approved(bert, await bert.read(sandbox.mailbox, draft))
        assert view.outcome is Outcome.FIRST_APPROVED and not sandbox.outbox()


async def test_an_approval_that_is_gone_when_the_hold_ends_does_not_count(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        await approved(anna, await anna.read(sandbox.mailbox, draft))
        read = await bert.read(sandbox.mailbox, draft)
        await anna.gateway.put_tags(sandbox.mailbox, draft, {"label": "other"})
        view = await approved(bert, read)
        assert view.outcome is Outcome.NOT_SECONDED and not sandbox.outbox()
        assert "no longer has the approval of another reviewer" in view.words


async def test_an_edit_waits_for_another_reviewer_and_is_theirs_to_send(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        await anna.release_edit(await anna.read(sandbox.mailbox, draft), "Dear Anna, it leaves on Monday.")
        view = await anna.settled(draft)
        assert view.outcome is Outcome.FIRST_APPROVED and anna.edits.get(draft) is not None
        assert "waits for another reviewer" in view.words
        assert view.replacement_id is not None and not sandbox.outbox()
        assert sandbox.status(draft) == "rejected"

        with pytest.raises(WaitsForSecond):
            await anna.approve(await anna.read(sandbox.mailbox, view.replacement_id))
        second = await approved(bert, await bert.read(sandbox.mailbox, view.replacement_id))
        assert second.outcome is Outcome.APPROVED
        assert [mail["id"] for mail in sandbox.outbox()] == [view.replacement_id]


@pytest.mark.parametrize(
    "cut", [{"kind": "close"}, {"kind": "close", "when": "after"}, {"kind": "status", "status": 502}]
)
async def test_a_first_approval_whose_answer_was_lost_is_read_back(
    sandbox: Sandbox, tmp_path: Path, cut: dict[str, object]
) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna:
        read = await anna.read(sandbox.mailbox, draft)
        sandbox.fault(method="PUT", path="/tags$", count=1, **cut)
        await anna.approve(read)
        view = await anna.settled(draft)
        assert not sandbox.outbox()
        approvals = approvals_in((await anna.read(sandbox.mailbox, draft)).tags, digest(read))
        assert (view.outcome is Outcome.FIRST_APPROVED) == bool(approvals), view


async def test_an_edit_that_no_gate_would_hold_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    sandbox.allow("anna@customer.example")
    async with reviewer_at(tmp_path, sandbox, "anna") as anna:
        allowed = tuple(await anna.gateway.account.allow_list(sandbox.mailbox))
        boxes = [box.replaced(allowed=allowed) for box in await anna.gateway.account.mailboxes()]
        MailStore(anna.database).save_mailboxes(boxes)
        with pytest.raises(Refused, match="sent as soon as it is submitted"):
            await anna.release_edit(await anna.read(sandbox.mailbox, draft), "Dear Anna, tomorrow.")
    assert not sandbox.outbox() and sandbox.status(draft) == "pending_send_approval"


async def test_a_key_decides_only_what_its_label_says(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        shown = Approvals(needed=True)
        await approved(anna, await anna.read(sandbox.mailbox, draft))
        mail = await bert.read(sandbox.mailbox, draft)
        with pytest.raises(Refused, match="changed meanwhile: approved by anna"):
            await bert.decisions.approve(mail, digest(mail), shown=shown, hold=0)
        assert not sandbox.outbox()


async def test_a_second_act_of_the_first_never_releases_even_when_the_rule_is_gone(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    draft, key = sandbox.draft(), sandbox.keys["oversight"]
    async with (
        reviewer_at(tmp_path, sandbox, "anna", key=key) as anna,
        reviewer_at(tmp_path, sandbox, "anna", key=key, review=Review()) as later,
    ):
        await approved(anna, await anna.read(sandbox.mailbox, draft))
        with pytest.raises(WaitsForSecond):
            await later.approve(await later.read(sandbox.mailbox, draft))


async def test_taking_back_says_when_it_is_too_late(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        await approved(anna, await anna.read(sandbox.mailbox, draft))
        team = TeamTags(anna.database, anna.gateway, "anna", SystemClock(), anna.notices.append)
        await approved(bert, await bert.read(sandbox.mailbox, draft))
        with pytest.raises(NotSet, match="too late"):
            await team.take_back_approval(sandbox.mailbox, draft)
        with pytest.raises(NotSet, match="have not approved"):
            await team.take_back_approval(sandbox.mailbox, sandbox.draft("Another."))


async def test_the_text_of_an_edit_goes_once_another_has_sent_it(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna") as anna, reviewer_at(tmp_path, sandbox, "bert") as bert:
        await anna.release_edit(await anna.read(sandbox.mailbox, draft), "Dear Anna, it leaves on Monday.")
        edit = (await anna.settled(draft)).replacement_id
        assert edit is not None and anna.edits.get(draft) is not None
        await anna.decisions.resume()
        assert anna.edits.get(draft) is not None
        await approved(bert, await bert.read(sandbox.mailbox, edit))
        sandbox.wait_for(edit, "sent", "delivered")
        MailStore(anna.database).upsert((await anna.gateway.emails(sandbox.mailbox)).emails)
        await anna.decisions.resume()
        assert anna.edits.get(draft) is None


async def test_without_a_send_key_it_says_what_is_missing(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with reviewer_at(tmp_path, sandbox, "anna", without=("send",)) as anna:
        with pytest.raises(Refused, match="needs a send key"):
            await anna.approve(await anna.read(sandbox.mailbox, draft))
        assert not sandbox.calls("POST", "/oversight/decide")


async def test_a_harmless_email_needs_one_reviewer_below_the_level(sandbox: Sandbox, tmp_path: Path) -> None:
    review = Review(second_approver="high")
    async with reviewer_at(tmp_path, sandbox, "anna", review=review) as anna:
        plain, risky = sandbox.draft("Dear Anna, thank you."), sandbox.draft("Dear Anna, here is the money.")
        assert (await approved(anna, await anna.read(sandbox.mailbox, plain))).outcome is Outcome.APPROVED
        mail = await anna.read(sandbox.mailbox, risky)
        await anna.decisions.approve(mail, digest(mail), found=RISKY, hold=0)
        assert (await anna.settled(risky)).outcome is Outcome.FIRST_APPROVED
        assert [mail["id"] for mail in sandbox.outbox()] == [plain]


@pytest.mark.parametrize(
    ("least", "asked"), [("never", ""), ("high", "h"), ("medium", "mh"), ("low", "lmh"), ("always", "nlmh")]
)
def test_the_level_and_the_mailbox_decide_who_must_approve(least: str, asked: str) -> None:
    review = Review.of({"second_approver": "never", "mailbox_second_approver": {"a@acme.example": least}})
    levels = {"n": Level.NONE, "l": Level.LOW, "m": Level.MEDIUM, "h": Level.HIGH}
    assert "".join(sign for sign, level in levels.items() if needs_second(review, "a@acme.example", level)) == asked
    assert not any(needs_second(review, "b@acme.example", level) for level in levels.values())
    assert "".join(sign for sign, level in levels.items() if needs_second(review, "A@Acme.example", level)) == asked
    # A mailbox that is not known yet counts as the strictest one.
    assert "".join(sign for sign, level in levels.items() if needs_second(review, "", level)) == asked


ANNA = Approver.of("anna", Keys(oversight=Secret("mm_test_a")))
BERT = Approver.of("bert", Keys(oversight=Secret("mm_test_b")))
NOW = datetime(2026, 11, 3, 12, 3, tzinfo=UTC)
CONTENT = "ab" * 32


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=40) | st.from_regex(r"review\.approved\.[0-9a-f]{16}"), st.text(max_size=700)))
def test_hostile_tags_are_no_approvals(tags: dict[str, str]) -> None:
    email_tags = {OneLine(name): OneLine(value) for name, value in tags.items()}
    for found in approvals_in(email_tags, CONTENT):
        assert 0 < len(found.by) <= 40
    email_tags |= {OneLine(name): OneLine(value) for name, value in ANNA.tag(CONTENT, NOW).items()}
    assert any(found.by == "anna" for found in approvals_in(email_tags, CONTENT))


def test_a_flood_of_forged_approvals_is_cut_and_never_hides_who_is_first() -> None:
    tags = {
        f"review.approved.{number:016x}": f"{CONTENT} 2026-11-03T13:00:00+00:00 x{number}" for number in range(9999)
    }
    email_tags = {OneLine(name): OneLine(value) for name, value in {**tags, **ANNA.tag(CONTENT, NOW)}.items()}
    found = approvals_in(email_tags, CONTENT)
    assert len(found) == MOST_SHOWN and found[0].by == "anna"


def test_what_is_said_names_who_approved_and_what_is_missing() -> None:
    email_tags = {OneLine(name): OneLine(value) for name, value in ANNA.tag(CONTENT, NOW).items()}
    found = approvals_in(email_tags, CONTENT)
    at = f"{NOW.astimezone():%d %b %H:%M}"
    assert Approvals.of(found, BERT, needed=True).words == f"approved by anna {at}, needs a second: yours releases it"
    assert Approvals.of(found, ANNA, needed=True).words == f"approved by you {at}, needs a second reviewer"
    assert Approvals.of((), ANNA, needed=True).words == "needs two approvals"
    assert Approvals.of((), ANNA, needed=False).words == ""
    namesake = Approvals.of(found, Approver.of("Anna", Keys(oversight=Secret("mm_test_c"))), needed=True)
    assert namesake.waits_for_other and "another key under your name" in namesake.words
    assert "mm_test" not in str(email_tags) and len(ANNA.key_mark) == 16 and ANNA.key_mark != BERT.key_mark
