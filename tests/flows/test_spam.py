"""Spam: reported and restored from the inbox, a thread and the command line, and journaled before it leaves."""

from __future__ import annotations

import pytest

from mm_tui.commands.output.exits import Exit
from mm_tui.models import Status
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.thread.screen import ThreadScreen
from mm_tui.services.mail.spam import NotMarked, why_not
from mm_tui.store.audit.journal import Journal
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.cli import Home
from tests.support.sandbox import Sandbox


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_mail_is_reported_from_the_inbox_and_restored_from_its_thread(
    sandbox: Sandbox, size: tuple[int, int]
) -> None:
    mail = sandbox.inbound(subject="Win a prize", body="Click")["id"]
    async with running_app(settings_for(sandbox), size=size) as (app, pilot):
        await until(pilot, lambda: "Win a prize" in drawn(app), "the mail")
        home = app.screen
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and "Report as spam?" in drawn(app), "asking")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is home, "the inbox")
        assert sandbox.status(mail) == "unread", "nothing before the answer"
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await until(pilot, lambda: "Report as spam?" in drawn(app), "the question on the screen")
        await pilot.press("S")
        await until(pilot, lambda: sandbox.status(mail) == "spam_quarantined", "the mark")
        row = app.session.mail.row
        await until(pilot, lambda: (found := row(mail)) and found.status == "spam_quarantined", "the store")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ThreadScreen) and "Click" in drawn(app), "the thread")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "Not spam?" in drawn(app), "the question in the thread")
        await pilot.press("N")
        await until(pilot, lambda: sandbox.status(mail) == "unread", "the mail to be restored")
        entries = Journal(app.session.database).entries(naming=mail)
        assert [str(one.kind) for one in entries] == ["reporting_spam", "clearing_spam"]


def test_the_command_line_lists_reports_and_restores(sandbox: Sandbox, home: Home) -> None:
    mail = sandbox.inbound(subject="Win\x1b[2J", body="Click")["id"]
    assert home.run("spam", "list").err.startswith("The gateway lists no spam")
    assert home.run("spam", "report", mail).status == Exit.NOT_FOUND, "what the store does not know cannot be judged"
    home.run("sync")
    reported = home.run("spam", "report", mail)
    assert (reported.status, sandbox.status(mail)) == (0, "spam_quarantined")
    (listed,) = home.run("spam", "list", "--json").json["spam"]
    assert (listed["id"], listed["status"]) == (mail, "spam_quarantined")
    assert "\x1b" not in home.run("spam", "list").out
    assert "support@" in home.run("spam", "list", "--mailbox", listed["mailbox"]).out
    others = home.run("spam", "list", "--mailbox", "billing@acme.multimail.example")
    assert (others.status, others.out) == (0, "")
    assert home.run("spam", "list", "--mailbox", "nobody").status == Exit.NOT_FOUND
    assert home.run("spam", "report", mail).status == Exit.CHANGED
    assert home.run("spam", "restore", mail).status == 0
    assert sandbox.status(mail) == "unread"
    entries = home.run("audit", "list", "--source", "journal", "--json", "--email", mail).json["entries"]
    assert [one["action"] for one in entries] == ["reporting_spam", "clearing_spam"]


def test_what_waits_is_decided_about_and_not_marked(sandbox: Sandbox, home: Home) -> None:
    sandbox.set_mode("gated_all")
    mail = sandbox.inbound(subject="Win", body="Click")["id"]
    home.run("sync")
    for act in ("report", "restore"):
        refused = home.run("spam", act, mail)
        assert refused.status == Exit.CHANGED and "reject it instead" in refused.err
    assert sandbox.status(mail) == "pending_inbound_approval"


@pytest.mark.parametrize(
    ("direction", "status", "spam", "can"),
    [
        ("inbound", "unread", True, True),
        ("inbound", "spam_flagged", True, True),
        ("inbound", "spam_flagged", False, True),
        ("inbound", "something_new", True, True),
        ("inbound", "read", False, False),
        ("inbound", "spam_quarantined", True, False),
        ("outbound", "sent", True, False),
    ],
)
def test_which_mail_can_be_marked(direction: str, status: str, spam: bool, can: bool) -> None:
    assert (not why_not(direction, status, spam=spam)) is can


def test_restoring_lets_nothing_in_that_waits_or_was_rejected(home: Home, sandbox: Sandbox) -> None:
    sandbox.set_mode("gated_all")
    came = str(sandbox.inbound(subject="New", body="Hello")["id"])
    refused = home.run("spam", "restore", came)
    assert refused.status == Exit.CHANGED and "does not list it as spam" in refused.err
    assert sandbox.status(came) == "pending_inbound_approval"
    sandbox.decide(came, "reject", "no")
    assert home.run("spam", "restore", came).status == Exit.CHANGED
    assert sandbox.status(came) == "rejected"


async def test_the_app_restores_nothing_that_only_its_store_takes_for_spam(sandbox: Sandbox) -> None:
    mail = str(sandbox.inbound(subject="New", body="Hello")["id"])
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, lambda: app.session.mail.summary(mail) is not None, "the mail")
        summary = app.session.mail.summary(mail)
        assert summary is not None and app.session.spam is not None
        app.session.mail.upsert([summary.replaced(status=Status.SPAM_FLAGGED)])
        with pytest.raises(NotMarked):
            await app.session.spam.mark(mail, spam=False)
        assert not list(Journal(app.session.database).entries(naming=mail))
