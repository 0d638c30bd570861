"""What a human reads: a sentence for every state, the right meaning for every status, nothing left out."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from msgspec.structs import replace

from mm_tui.decision import machine
from mm_tui.decision.effects import Decide
from mm_tui.decision.events import Elapsed, Observed
from mm_tui.decision.machine import FIRST_STAGE
from mm_tui.decision.relatives import is_doubtful
from mm_tui.decision.state import (
    CHOICES,
    SUBMISSION,
    Act,
    Case,
    Choice,
    Outcome,
    Question,
    RemoteState,
    Snapshot,
    Stage,
    State,
    Step,
)
from mm_tui.decision.words import choice, question, sentence
from mm_tui.gateway.wire import email_detail
from mm_tui.models import EditedDraft, EmailDetail, Mailbox, Party
from mm_tui.review.digest import digest_of
from mm_tui.review.disclosure import SEND_TIME_PASSED, disclosure, in_short, send_time_words
from mm_tui.review.draft import edited
from mm_tui.services.decisions.remote_state import remote_state_of, snapshot_of
from mm_tui.services.decisions.request import DecisionRequest, Refused
from mm_tui.services.decisions.view import ENDED, Phase, phase_of
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.text import ManyLine, OneLine
from tests.support.clock import FakeClock
from tests.support.seat import idle_session, mailbox, waiting

AT = datetime(2026, 3, 2, 12, 4, tzinfo=UTC)
BY_KIM = Snapshot(RemoteState.RELEASED, status="sent", decided_by="kim", decided_at=AT.isoformat())


def state(stage: Stage = Stage.DECIDE, step: Step = Step.HOLD, act: Act = Act.APPROVE, **more: object) -> State:
    return State(Case("01J1", act, "d" * 64), stage, step, **more)  # type: ignore[arg-type]  # named by the test


def ended(outcome: Outcome, snapshot: Snapshot | None = None) -> State:
    return state(step=Step.END, outcome=outcome, snapshot=snapshot)


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_sentence_and_an_end(outcome: Outcome) -> None:
    for snapshot in (None, BY_KIM, Snapshot(RemoteState.UNCLEAR, status="{odd}")):
        words = sentence(ended(outcome, snapshot))
        assert len(words) > 5
        assert "{by}" not in words
        assert "{status}" not in words
    assert phase_of(ended(outcome)) in ENDED


@pytest.mark.parametrize("asked", Question)
def test_every_question_has_words_and_a_safe_way_out(asked: Question) -> None:
    assert question(state(step=Step.ASK, question=asked))
    assert CHOICES[asked][-1] is Choice.LEAVE
    assert phase_of(state(step=Step.ASK, question=asked)) is Phase.ASKING
    assert all(choice(one) for one in Choice)


@pytest.mark.parametrize(("stage", "step"), product(Stage, Step))
def test_every_state_on_its_way_has_a_sentence(stage: Stage, step: Step) -> None:
    if step is not Step.END:
        for act in Act:
            assert sentence(state(stage, step, act), seconds_left=3.2)


def test_the_countdown_the_name_and_the_time_are_shown() -> None:
    local = AT.astimezone().strftime("%H:%M")
    assert sentence(state(), seconds_left=3.2) == "held: approving in 4 s"
    assert sentence(ended(Outcome.ELSEWHERE, BY_KIM)) == f"approved elsewhere by kim at {local}"
    later = AT.astimezone().date() + timedelta(days=1)
    day = f"{AT.astimezone():%-d %b}"
    assert sentence(ended(Outcome.ELSEWHERE, BY_KIM), today=later) == f"approved elsewhere by kim on {day} at {local}"
    later_on = replace(BY_KIM, remote_state=RemoteState.RELEASED, status="scheduled")
    assert sentence(ended(Outcome.APPROVED, later_on)).endswith("; it is scheduled, not sent yet")
    doubt = state(step=Step.DOUBT, called=True)
    assert sentence(doubt, doubt_since=AT) == f"outcome unknown since {local}: reading back"
    assert sentence(doubt, doubt_since=AT, today=later) == f"outcome unknown since {day} {local}: reading back"
    assert sentence(state(step=Step.DOUBT, called=True, question=Question.STILL_PENDING)) == (
        "outcome unknown, still pending: try again?; reading back"
    )


def test_a_release_left_in_doubt_is_shown() -> None:
    left = state(step=Step.END, outcome=Outcome.LEFT, called=True, may_release="01J1")
    assert sentence(left).endswith("a call in doubt may still take effect")


@pytest.mark.parametrize("act", Act)
def test_a_call_in_doubt_is_never_shown_as_work(act: Act) -> None:
    for step in (Step.CHECK, Step.CALL, Step.DOUBT, Step.FIND):
        assert phase_of(state(FIRST_STAGE[act], step, act, called=True)) is Phase.UNKNOWN


@pytest.mark.parametrize(
    ("status", "direction", "approved", "remote_state"),
    [
        ("pending_send_approval", "outbound", False, RemoteState.PENDING),
        ("pending_inbound_approval", "inbound", False, RemoteState.PENDING),
        ("pending_scan", "outbound", False, RemoteState.SCANNING),
        ("scheduled", "outbound", False, RemoteState.SCHEDULED),
        ("scheduled", "outbound", True, RemoteState.RELEASED),
        ("delivered", "outbound", True, RemoteState.RELEASED),
        ("bounced", "outbound", True, RemoteState.RELEASED),
        ("unread", "inbound", False, RemoteState.RELEASED),
        ("unread", "outbound", False, RemoteState.UNCLEAR),
        ("sent", "inbound", False, RemoteState.UNCLEAR),
        ("rejected", "outbound", True, RemoteState.REJECTED),
        ("cancelled", "outbound", False, RemoteState.CANCELLED),
        ("send_failed", "outbound", True, RemoteState.FAILED),
        ("spam_quarantined", "outbound", False, RemoteState.UNCLEAR),
        ("a new word", "outbound", False, RemoteState.UNCLEAR),
        ("a new word", "outbound", True, RemoteState.RELEASED),
        ("", "", False, RemoteState.UNCLEAR),
    ],
)
def test_a_status_means_what_it_must_for_a_release(
    status: str, direction: str, approved: bool, remote_state: RemoteState
) -> None:
    assert remote_state_of(status, direction, approved=approved) is remote_state


def test_what_the_gateway_adds_or_hides_is_shown() -> None:
    plain = Mailbox(id="1", address=OneLine("a@x.example"))
    assert disclosure(plain) == ("bcc: not disclosed by the gateway",)
    adding = plain.replaced(
        auto_cc=OneLine("boss@x.example"),
        auto_bcc=OneLine("log@x.example"),
        signature_block=ManyLine("Acme\nLtd"),
        ai_disclosure=True,
    )
    lines = "\n".join(disclosure(adding))
    for words in ("boss@x.example", "log@x.example", "Acme Ltd", "AI wrote it"):
        assert words in lines
    assert len(disclosure(None)) == 2
    edited_words = [in_short(plain, knows_send_time=False, edited=True)[0], send_time_words("", AT, edited=True)]
    assert "your edit has none" in edited_words[0]
    assert len(f" bcc  {' · '.join(edited_words)} ") <= 80, "one line of a narrow head"


def test_which_acts_are_not_safe_beside_a_doubt() -> None:
    assert is_doubtful(Act.APPROVE, "1", [SUBMISSION])
    assert not is_doubtful(Act.APPROVE, "1", ["1"])
    assert is_doubtful(Act.RELEASE_EDIT, "1", ["1"])
    assert is_doubtful(Act.RELEASE_EDIT, "1", [SUBMISSION])
    assert not is_doubtful(Act.RELEASE_EDIT, "1", [SUBMISSION], same_submission=True)
    assert not any(is_doubtful(Act.REJECT, "1", doubts) for doubts in ([SUBMISSION], ["1"], []))


NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("send_at", "reported"),
    [
        ("", "not disclosed"),
        ("2026-03-02T18:30:00Z", "02 Mar 2026 18:30"),
        ("1772476200000", "02 Mar 2026 18:30"),
        ("2026-03-02T11:00:00+00:00", "has passed"),
        ("next\x1b[2J week", "next week"),
        ("9" * 40, "once approved"),
        ("9999-12-31T23:59:59-12:00", "once approved"),
    ],
)
def test_the_send_time_is_shown_or_said_to_be_undisclosed(
    send_at: str, reported: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    words = send_time_words(send_at, NOW)
    assert reported in words and "\x1b" not in words
    assert "is sent once approved" in send_time_words(send_at, NOW, edited=True)


@pytest.mark.parametrize("name", ["send_at", "scheduled_at", "scheduled_for"])
def test_a_disclosed_send_time_is_part_of_what_is_approved(name: str) -> None:
    reported: dict[str, object] = {
        "id": "01J1",
        "from": "a@x.example",
        "to": ["b@y.example"],
        "subject": "S",
        "markdown": "Text",
    }
    untimed, timed, later = (
        email_detail({**reported, **more}, "box").raw
        for more in ({}, {name: "2026-03-02T18:30:00Z"}, {name: "2026-03-03T18:30:00Z"})
    )
    digests = {digest_of("01J1", "box", "outbound", raw) for raw in (untimed, timed, later)}
    assert len(digests) == 3
    mine = edited(timed, EditedDraft(timed.to, timed.subject, timed.body))
    assert mine.send_at == "", "an edit leaves as soon as it is approved"


def test_an_edit_that_changes_nothing_is_not_released_in_the_drafts_place() -> None:
    item = waiting(1, "Hello")
    digest = digest_of(item.id, item.mailbox_id, item.direction, item.raw)
    same = EditedDraft(item.raw.to, item.raw.subject, item.raw.body)
    with pytest.raises(Refused, match="changes nothing"):
        DecisionRequest(item, Act.RELEASE_EDIT, digest, edit=same).refuse_unfit(NOW)
    DecisionRequest(item, Act.RELEASE_EDIT, digest, edit=replace(same, body="Bye")).refuse_unfit(NOW)


def test_a_send_time_that_has_passed_is_a_risk_which_an_approval_must_have_shown() -> None:
    clock = FakeClock(NOW)
    session = idle_session(clock=clock, boxes=[mailbox()])
    raw = waiting(1, "Hello").raw.replaced(send_at=(NOW + timedelta(minutes=1)).isoformat())
    session.pending.replace([waiting(1, "Hello").replaced(raw=raw)], NOW)
    before = session.queue.entries()[0]
    clock.advance(61)
    after = session.queue.entries()[0]
    assert SEND_TIME_PASSED not in {finding.code for finding in before.assessment.findings}
    (risk,) = (finding for finding in after.assessment.findings if finding.code == SEND_TIME_PASSED)
    assert after.assessment.asks_again and "sent at once" in risk.words

    def asked(entry: QueueEntry, act: Act = Act.APPROVE) -> None:
        found = entry.assessment.findings
        DecisionRequest(entry.item, act, entry.digest, found=found, reason="r").refuse_unfit(clock.now())

    asked(after)
    asked(before, Act.REJECT)
    with pytest.raises(Refused, match="send time has passed"):
        asked(before)
    earlier = (replace(risk, words=OneLine("its send time has passed (an hour before)")),)
    with pytest.raises(Refused, match="send time has passed"):
        asked(replace(after, assessment=replace(after.assessment, findings=earlier)))


@pytest.mark.parametrize("is_told", [False, True])
def test_a_send_time_that_passes_during_the_hold_stops_an_approval_unless_it_was_shown(is_told: bool) -> None:
    raw = waiting(1, "Hello").raw.replaced(send_at=(NOW + timedelta(minutes=1)).isoformat())
    mail = EmailDetail(
        id="01J1", mailbox_id="box", sender=Party.parse("a@acme.example"), status=OneLine("pending_send_approval"),
        direction=OneLine("outbound"), raw=raw,
    )  # fmt: skip
    in_time, late = (snapshot_of(mail, "outbound", now=NOW + timedelta(minutes=after)) for after in (0, 2))
    case = Case("01J1", Act.APPROVE, in_time.digest, sends_late=is_told)
    checked, _ = machine.step(machine.begin(case)[0], Elapsed())
    assert machine.step(checked, Observed("01J1", in_time))[0].step is Step.CALL
    now, effects = machine.step(checked, Observed("01J1", late))
    assert any(isinstance(effect, Decide) for effect in effects) is is_told
    assert now.outcome is (None if is_told else Outcome.TOO_LATE)
    if not is_told:
        assert phase_of(now) is Phase.UNDECIDED and "send time has passed" in sentence(now)
