"""Drafts of a thread that nobody received stand apart from what was said, each with its state in words."""

from __future__ import annotations

from typing import Any

import pytest

from mm_tui.models import EmailSummary, Party, Status
from mm_tui.screens.pending.pages import UNSAID, thread_page
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.mail.unsent import state_words, unsent_words
from mm_tui.services.queue.entry import ThreadMail
from mm_tui.text import OneLine
from tests.support.app import running_app, shown, until
from tests.support.fake_gateway import make_detail, make_mail
from tests.support.seat import NOW, idle_session, mailbox, summary

STATES = {
    "pending_send_approval": "waits for a decision",
    "pending_scan": "is being scanned",
    "scheduled": "not sent yet",
    "rejected": "rejected, was not sent",
    "cancelled": "cancelled, was not sent",
    "send_failed": "failed, was not sent",
    "held_by_policy": "not known to have been sent (held by policy)",
}


def draft(number: int, status: str, **fields: Any) -> EmailSummary:
    changes: dict[str, Any] = {
        "thread_id": "T",
        "sender": Party.parse("support@acme.example"),
        "direction": OneLine("outbound"),
    }
    return make_mail(number, **{**changes, "status": OneLine(status), **fields})


@pytest.mark.parametrize("direction", ["inbound", "outbound", ""])
@pytest.mark.parametrize("status", [*Status, "held_by_policy", ""])
def test_every_mail_that_was_not_said_has_words(direction: str, status: str) -> None:
    mail = make_mail(1, direction=OneLine(direction), status=OneLine(status))
    assert bool(unsent_words(mail)) != mail.is_exchanged
    assert state_words(direction, status) == unsent_words(mail)


@pytest.mark.parametrize(("status", "words"), STATES.items())
def test_unsent_versions_are_listed_below_the_conversation_of_a_draft(status: str, words: str) -> None:
    said = make_mail(1, thread_id="T", status=OneLine("read"))
    left = draft(2, "delivered")
    unsent = draft(3, status)
    mails = [
        ThreadMail(mail, make_detail(mail, f"Text {number}.")) for number, mail in enumerate((said, left, unsent), 1)
    ]
    text = thread_page(mails).text
    above, _, below = text.partition(UNSAID)
    assert "Text 1." in above and "Text 2." in above and "Text 3." not in above
    assert "Text 3." in below and words in below
    assert UNSAID not in thread_page(mails[:2]).text
    assert "No earlier email" in thread_page(mails[2:]).text


async def test_in_the_thread_each_draft_that_was_not_sent_says_so() -> None:
    session = idle_session(boxes=[mailbox()])
    ours: dict[str, Any] = {
        "direction": OneLine("outbound"),
        "sender": Party.parse("support@acme.example"),
        "thread_id": "T",
    }
    mails = [
        summary(number, **ours, status=OneLine(status), subject=OneLine("Re: Question 0"))
        for number, status in enumerate(STATES, 1)
    ]
    session.mail.upsert([summary(0, thread_id="T"), *mails, summary(9, **ours, status=OneLine("delivered"))])
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: "Question 0" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
        await until(pilot, lambda: all(words in shown(app) for words in STATES.values()))
        assert shown(app).count("▲") >= len(STATES)
        screen = app.screen
        assert isinstance(screen, ThreadScreen)
        assert [bool(item.unsent) for item in screen.thread_view.items].count(True) == len(STATES)
        # Once it leaves, it is part of the conversation.
        gone = next(mail for mail in mails if mail.status == "scheduled")
        session.mail.upsert([gone.replaced(status=OneLine("sent"))])
        screen._reread()
        await until(pilot, lambda: "not sent yet" not in shown(app))


@pytest.mark.parametrize(
    ("send_at", "words"),
    [
        ("2099-01-01T00:00:00Z", "2099"),
        ("4070908800000", "2099"),
        ("next \x1b[1mweek", "“next week”"),
        ("", "not disclosed"),
    ],
)
async def test_in_the_thread_a_scheduled_email_has_its_send_time(send_at: str, words: str) -> None:
    session = idle_session(boxes=[mailbox()])
    mail = make_mail(1, status=OneLine("scheduled"), direction=OneLine("outbound"))
    session.mail.upsert([mail])
    detail = make_detail(mail, "See you.")
    session.mail.save_detail(detail.replaced(raw=detail.raw.replaced(send_at=send_at)), at=NOW)
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: mail.subject in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and "not part of" in shown(app))
        (line,) = (line for line in shown(app).split("\n") if "not part of" in line)
        assert "not sent yet; send time: " in line and words in line


@pytest.mark.parametrize("status", ["pending_inbound_approval", "spam_quarantined", "spam_flagged", "rejected"])
async def test_a_reply_goes_to_the_newest_mail_that_arrived(status: str) -> None:
    session = idle_session(boxes=[mailbox()])
    eve = Party.parse("eve@evil.test")
    session.mail.upsert([summary(1, thread_id="T"), summary(0, thread_id="T", sender=eve, status=OneLine(status))])
    async with running_app(session) as (app, pilot):
        await until(pilot, lambda: "Question 0" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen))
        screen = app.screen
        assert isinstance(screen, ThreadScreen)
        await pilot.press("r")
        await until(pilot, lambda: screen.reply.is_open)
        assert screen.reply.reply_to is not None and screen.reply.reply_to.sender == "writer1@customer.example"
