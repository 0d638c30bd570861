"""Which mail the worker takes, and which gets a reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mm_tui.agent import policy
from mm_tui.agent.policy import Situation
from mm_tui.config import Agent
from mm_tui.models import EmailSummary, Mailbox, Party, ThreadSummary
from mm_tui.text import OneLine

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AGENT = Agent(reply_labels=("support",))


def mail(
    number: int = 1, *, direction: str = "inbound", status: str = "unread", sender: str = "a@c.example"
) -> EmailSummary:
    return EmailSummary(
        id=f"01MAIL{number:04}",
        mailbox_id="box",
        sender=Party.parse(sender),
        direction=OneLine(direction),
        status=OneLine(status),
        received_at=NOW + timedelta(minutes=number),
        thread_id="thread",
    )


def situation(
    *others: EmailSummary,
    about: EmailSummary | None = None,
    label: str = "support",
    mode: str = "gated_send",
    own_replies: dict[str, datetime | None] | None = None,
    known: bool = True,
) -> Situation:
    subject = about or mail()
    return Situation(
        mail=subject,
        label=label,
        mailbox=Mailbox(id="box", address=OneLine("support@us.example"), oversight_mode=OneLine(mode))
        if known
        else None,
        thread=ThreadSummary(id="thread", mailbox_id="box", emails=(subject, *others)),
        own_addresses={"support@us.example"},
        own_replies=own_replies or {},
        now=NOW,
    )


def test_a_plain_mail_gets_a_reply() -> None:
    assert policy.why_no_reply(situation(), AGENT) is None
    assert policy.why_no_reply(situation(mode="gated_all"), AGENT) is None


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (situation(label="spam"), "the label spam gets no replies"),
        (situation(known=False), "not known"),
        (situation(mode="autonomous"), "no human would be asked"),
        (situation(mode="monitored"), "no human would be asked"),
        (situation(mode="read_only"), "read_only"),
        (situation(mode="something_new"), "something_new"),
        (situation(mode=""), "no known mode"),
        (situation(about=mail(sender="Support@US.example")), "from ourselves"),
        (situation(about=mail(sender="no-reply@c.example")), "a machine"),
        (situation(about=mail(sender="Mailer-Daemon@c.example")), "a machine"),
        (situation(about=mail(sender="noreply+x@c.example")), "a machine"),
        (situation(about=mail(sender="nobody")), "no address"),
        (situation(mail(2, direction="outbound", status="sent")), "has an answer: 01MAIL0002"),
        (situation(mail(2, direction="outbound", status="pending_send_approval")), "has an answer"),
        (situation(mail(2, direction="outbound", status="rejected")), "has an answer"),
        (situation(mail(2)), "a newer mail of the thread"),
        (situation(own_replies={str(number): NOW for number in range(5)}), "too many replies"),
    ],
)
def test_reasons_against_a_reply(case: Situation, words: str) -> None:
    assert words in (policy.why_no_reply(case, AGENT) or "")


@pytest.mark.parametrize(
    "case",
    [
        situation(mail(0, direction="outbound", status="sent")),
        situation(mail(2, direction="outbound", status="sent"), own_replies={"01MAIL0002": NOW}),
        situation(mail(2, status="spam_flagged")),
        situation(own_replies={str(number): NOW - timedelta(days=2) for number in range(9)}),
        situation(about=mail(sender="noreplyson@c.example")),
    ],
)
def test_no_reason(case: Situation) -> None:
    assert policy.why_no_reply(case, AGENT) is None


def test_ungated_mailboxes_only_by_choice_and_never_with_gaps() -> None:
    chosen = Agent(reply_labels=("support",), reply_ungated=True)
    for mode in ("monitored", "autonomous"):
        case = situation(mode=mode)
        assert policy.why_no_reply(case, chosen) is None
        assert case.mailbox is not None
        assert "gaps" in (policy.why_not_this_draft("Hi, [your answer here]", case.mailbox) or "")
        assert policy.why_not_this_draft("Hi, yes.", case.mailbox) is None
    assert "read_only" in (policy.why_no_reply(situation(mode="read_only"), chosen) or "")
    gated = situation().mailbox
    assert gated is not None
    assert policy.why_not_this_draft("Hi, [your answer here]", gated) is None


@pytest.mark.parametrize(
    ("direction", "status", "worked"),
    [
        ("inbound", "unread", True),
        ("inbound", "read", True),
        ("inbound", "pending_inbound_approval", False),
        ("inbound", "spam_flagged", False),
        ("inbound", "archived", False),
        ("inbound", "something_new", False),
        ("outbound", "read", False),
    ],
)
def test_which_mail_is_worked(direction: str, status: str, worked: bool) -> None:
    assert policy.is_worked(mail(direction=direction, status=status)) is worked


def test_the_answer_is_the_newer_outbound_mail_that_is_not_another_mails() -> None:
    thread = situation(
        mail(0, direction="outbound"), mail(2, direction="outbound"), mail(3, direction="outbound")
    ).thread
    assert policy.answer_in(thread, mail(), {"01MAIL0002"}) == "01MAIL0003"
    assert policy.answer_in(thread, mail(), {"01MAIL0002", "01MAIL0003"}) is None
    assert policy.answer_in(None, mail(), {}) is None
