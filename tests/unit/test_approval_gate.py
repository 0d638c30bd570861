"""What the approval gate lets through, and the reason that it gives for what it does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from mm_tui.clock import DWELL_SECONDS
from mm_tui.decision.state import Act, Outcome, Question
from mm_tui.models import EditedDraft, Party, PendingItem, RawContent
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.engine import explanation
from mm_tui.review.risk.model import Assessment
from mm_tui.screens.pending.deciding import Deciding
from mm_tui.screens.pending.findings import findings_page
from mm_tui.screens.pending.keys import label_here
from mm_tui.screens.pending.pages import thread_page
from mm_tui.screens.pending.words import question_words
from mm_tui.services.decisions import approval_gate
from mm_tui.services.decisions.approval_gate import ApprovalGate
from mm_tui.services.decisions.view import Asked, DecisionView, Phase
from mm_tui.services.presence.approvals import Approvals, FirstApproval
from mm_tui.services.queue.entry import QueueEntry, ThreadMail
from mm_tui.store.decisions.edits import SavedEdit
from mm_tui.text import ManyLine, OneLine
from tests.support.clock import FakeClock
from tests.support.fake_gateway import make_detail, make_mail

RAW = RawContent(sender="a@acme.example", to=("b@x.example",), cc=(), subject="S", body="Text.", attachments=())


def waiting(*, edit: SavedEdit | None = None, digest: str = "d" * 64, **fields: Any) -> QueueEntry:
    item = PendingItem(
        id="e1", mailbox_id="m1", direction=OneLine("outbound"), sender=Party.parse("a@acme.example"),
        to=(Party.parse("b@x.example"),), body=ManyLine("Text."), raw=RAW, **{"complete": True, **fields},
    )  # fmt: skip
    return QueueEntry(item, digest, Assessment((), ()), edit)


def edit_of(entry: QueueEntry, body: str = "Mine.") -> SavedEdit:
    return SavedEdit(
        entry.item.id, "m1", entry.digest, RAW, EditedDraft(("b@x.example",), "S", body), FakeClock().now()
    )


def decision(phase: Phase, question: Asked | None = None) -> DecisionView:
    return DecisionView("r1", "e1", Act.APPROVE, phase, OneLine(""), None, OneLine("d" * 64), question=question)


@pytest.fixture
def gate() -> ApprovalGate:
    return ApprovalGate(FakeClock())


def test_what_was_seen_is_let_through_and_nothing_else(gate: ApprovalGate) -> None:
    entry = waiting()
    assert gate.why_not_approve(entry, None) == approval_gate.UNSEEN
    gate.saw(entry.version)
    assert gate.why_not_approve(entry, None) == ""
    assert gate.why_not_approve(replace(entry, digest="e" * 64), None) == approval_gate.UNSEEN


def test_a_listed_mail_is_not_approved_before_its_details_are_read(gate: ApprovalGate) -> None:
    listed, whole = waiting(complete=False), waiting()
    gate.saw(listed.version)
    assert gate.why_not_approve(listed, None) == listed.unread_words != ""
    assert gate.why_not_approve(whole, None) == approval_gate.UNSEEN


def test_an_edit_must_be_seen_itself_and_be_of_this_draft(gate: ApprovalGate) -> None:
    entry = waiting()
    edited = replace(entry, edit=edit_of(entry))
    gate.saw(entry.version)
    assert gate.why_not_approve(edited, None) == approval_gate.UNSEEN
    gate.saw(edited.version)
    assert gate.why_not_approve(edited, None) == ""
    assert gate.why_not_approve(replace(entry, edit=edit_of(entry, "Other.")), None) == approval_gate.UNSEEN
    assert gate.why_not_approve(replace(edited, digest="e" * 64), None) == approval_gate.EDIT_OUTDATED


def test_mail_that_came_in_the_thread_counts_as_seen_once_all_of_it_can_be_read(gate: ApprovalGate) -> None:
    older, newer = (
        ThreadMail(make_mail(n), make_detail(make_mail(n), body)) for n, body in ((1, "Older"), (3, "Newer"))
    )
    unopened = ThreadMail(make_mail(4), None)
    entry = waiting(received_at=make_mail(2).received_at)
    assert gate.has_seen_newer(replace(entry, thread=(older,)))
    one = replace(entry, thread=(older, newer))
    page = thread_page(one.thread, newer=one.newer)
    assert page.needed is not None and "Newer" in page.text[: page.needed] and "Older" in page.text[page.needed :]
    assert not gate.has_seen_newer(one)
    gate.saw(one.newer_name)
    assert gate.has_seen_newer(one)
    two = replace(one, thread=(*one.thread, unopened))
    gate.saw(two.newer_name)
    assert not gate.has_seen_newer(two)


def test_a_question_whether_to_approve_is_over_when_a_rule_has_found_something_else(gate: ApprovalGate) -> None:
    links = [
        Finding("link_other_host", Level.HIGH, OneLine(f"a link to {host}")) for host in ("x.example", "y.example")
    ]
    asked, other, fewer = (replace(waiting(), assessment=Assessment(found)) for found in ((links[0],), (links[1],), ()))
    now = [asked]
    screen: Any = SimpleNamespace(
        listing=SimpleNamespace(find=lambda _: now[0]), gate=gate, why_not=lambda asked, entry: asked(entry, None)
    )
    deciding = Deciding(screen, lambda *_: None)
    for now[0], is_over in ((asked, False), (fewer, False), (other, True)):
        assert bool(deciding.why_outdated(asked)) is is_over
        assert not deciding.why_over(asked)


def test_what_came_unasked_waits_for_the_dwell_time() -> None:
    clock = FakeClock()
    gate, entry = ApprovalGate(clock), waiting()
    gate.saw(entry.version)
    gate.came()
    assert gate.why_not_approve(entry, None) == approval_gate.TOO_SOON
    assert gate.why_not_decide(entry, None) == approval_gate.TOO_SOON
    clock.advance(DWELL_SECONDS)
    assert gate.why_not_approve(entry, None) == ""
    assert gate.why_not_decide(entry, None) == ""


def test_nothing_crosses_a_decision_that_begins_or_is_under_way(gate: ApprovalGate) -> None:
    entry = waiting()
    gate.saw(entry.version)
    gate.begin([entry.item.id])
    assert gate.why_not_approve(entry, None) == approval_gate.UNDER_WAY
    gate.begun([entry.item.id])
    assert gate.why_not_approve(entry, None) == ""
    assert "undo" in gate.why_busy(entry, decision(Phase.HELD))
    assert gate.why_busy(entry, decision(Phase.UNKNOWN)) == approval_gate.UNDER_WAY
    asked = Asked(Question.STILL_PENDING, OneLine("try again?"), ())
    assert "answer" in gate.why_busy(entry, decision(Phase.ASKING, asked))
    for ended in (Phase.UNDECIDED, Phase.CHANGED):
        assert gate.why_not_approve(entry, decision(ended)) == ""


def test_nothing_is_done_to_a_mail_that_waits_no_more_and_it_says_how_it_ended(gate: ApprovalGate) -> None:
    entry = waiting()
    gate.saw(entry.version)
    ended = replace(entry, ended=OneLine("rejected elsewhere at 15:22 by key …ABCDEF"))
    for why in (gate.why_not_approve, gate.why_not_decide, gate.why_busy):
        assert why(ended, None).startswith("rejected elsewhere at 15:22")
        view = replace(decision(Phase.ELSEWHERE), words=OneLine("rejected by robin"), outcome=Outcome.ELSEWHERE)
        assert why(entry, view).startswith("rejected by robin")


@pytest.mark.parametrize(
    ("action_id", "entry", "busy", "label"),
    [
        ("pending.approve", waiting(), "", "approve"),
        (
            "pending.approve",
            replace(waiting(), item=waiting().item.replaced(direction=OneLine("inbound"))),
            "",
            "let in",
        ),
        (
            "pending.approve",
            replace(waiting(), approvals=Approvals(True, FirstApproval(OneLine("me"), "key", None))),
            "",
            "take back",
        ),
        ("pending.approve", waiting(), "held", ""),
        ("pending.edit", waiting(), "held", ""),
        ("pending.next", waiting(), "held", "next"),
        ("pending.note", replace(waiting(), ended=OneLine("sent")), "sent", ""),
    ],
)
def test_the_keys_say_what_they_do_to_this_email(action_id: str, entry: QueueEntry, busy: str, label: str) -> None:
    assert label_here(action_id, action_id.partition(".")[2], entry, busy) == label


def test_the_keys_for_marked_words_are_named_also_where_only_the_second_reader_marked_some() -> None:
    entry = replace(waiting(), assessment=replace(waiting().assessment, findings=()))
    assert label_here("pending.next_finding", "next finding", entry, "") == ""
    assert label_here("pending.next_finding", "next finding", entry, "", remarks=True) == "next finding"


def test_the_question_about_an_inbound_mail_has_the_word_of_its_key() -> None:
    inbound = replace(waiting(), item=waiting().item.replaced(direction=OneLine("inbound")))
    assert question_words(inbound)[1] == "let it in anyway"
    assert question_words(waiting())[1] == "approve anyway"


def test_the_page_of_findings_explains_each_rule_once() -> None:
    found = tuple(Finding("promise_money", level, OneLine(f"words {level}")) for level in (Level.HIGH, Level.LOW))
    text = findings_page(replace(waiting(), assessment=Assessment(found, ())), explain=True).plain
    assert text.count(explanation("promise_money")) == 1
    assert "(promise_money, high risk)" in text and "(promise_money, low risk)" in text
