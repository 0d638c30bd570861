"""Replies that a reviewer wrote: journaled, recognized anywhere, and not part of an agent's track record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mm_tui.clock import SystemClock
from mm_tui.gateway.errors import GatewayError
from mm_tui.models import PendingItem
from mm_tui.services.assistant.drafts import AlreadySubmitted, ReplyNotJournaled
from mm_tui.services.audit.track_record import TrackRecords
from mm_tui.services.decisions.request import OwnReply
from mm_tui.services.decisions.service import Decisions, Refused
from mm_tui.services.presence.tags import Seat
from mm_tui.services.queue.authors import Author, Authors
from mm_tui.services.queue.entries import ReviewQueue
from mm_tui.services.queue.entry import QueueEntry
from mm_tui.services.sync.service import Sync
from mm_tui.services.sync.waiting_details import WaitingDetails
from mm_tui.settings import sections as config
from mm_tui.settings.file import load as load_settings
from mm_tui.settings.sections import Review
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.text import OneLine
from tests.support.assistant import Assisted, settings_for, synced
from tests.support.cli import Home
from tests.support.desk import HurriedClock
from tests.support.sandbox import Sandbox

BODY = "Dear Anna, it leaves tomorrow."


@pytest.fixture
def mail_id(sandbox: Sandbox) -> str:
    return str(sandbox.inbound(subject="Where is my order?", body="It has not come.")["id"])


@asynccontextmanager
async def at(sandbox: Sandbox, reviewer: str) -> AsyncIterator[Assisted]:
    """A reviewer's machine, with a store of its own and all mail in it."""
    settings = settings_for(sandbox)
    profile = settings.profile.replaced(reviewer=reviewer)
    async with synced(settings.replaced(profile=profile)) as services:
        yield services


async def waiting(services: Assisted, reviewer: str) -> QueueEntry:
    """The only waiting mail, read in full."""
    sync = Sync(services.database, services.gateway, services.settings.sync, SystemClock(), services.notices.append)
    await sync.run_once()
    await WaitingDetails(services.database, sync, SystemClock(), services.notices.append).read_all(seconds=20)
    queue = ReviewQueue(services.database, SystemClock(), services.settings.risk)
    (entry,) = queue.entries(seat=Seat(reviewer))
    return entry


def decisions_of(services: Assisted, reviewer: str, own_replies: str) -> Decisions:
    review = Review.of({"hold_seconds": 0, "own_replies": own_replies})
    return Decisions(services.database, services.gateway, review, reviewer, HurriedClock(), services.notices.append)


def kinds(services: Assisted) -> list[str]:
    assert Journal(services.database).verify().ok
    return [str(entry.kind) for entry in Journal(services.database).entries()]


async def test_a_reply_is_journaled_before_it_leaves_and_after(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "robin") as services:
        receipt = await services.drafts.submit_reply(mail_id, BODY)
        before, after = Journal(services.database).entries()
        assert (before.kind, before.who, before.email_id) == ("reply_submitting", "robin", mail_id)
        assert (after.kind, after.who, after.email_id) == ("reply_submitted", "robin", receipt.id)
        assert after.details[OneLine("about")] == mail_id
        assert not any(BODY in value for entry in (before, after) for value in entry.details.values())
        assert sandbox.look(receipt.id)["tags"]["review.written_by"] == "robin"
        entry = await waiting(services, "robin")
        assert (entry.author_words, entry.is_own_reply) == ("written by you", True)
        assert entry.author == Author(OneLine("robin"), True)


async def test_without_a_journal_nothing_leaves(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "robin") as services:
        with services.database.write() as connection:
            connection.execute("CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'no room'); END")
        with pytest.raises(ReplyNotJournaled, match="nothing was sent"):
            await services.drafts.submit_reply(mail_id, BODY)
    assert not sandbox.calls("POST", "/reply/")


async def test_a_refused_reply_is_journaled_as_refused(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "robin") as services:
        sandbox.fault(method="POST", path="/reply/", kind="rate_limit")
        with pytest.raises(GatewayError):
            await services.drafts.submit_reply(mail_id, BODY)
        assert kinds(services) == ["reply_submitting", "reply_refused"]
        # The same words of an agent are not taken for this human's.
        sandbox.reply(mail_id, BODY)
        assert (await waiting(services, "robin")).author is None


async def test_a_reply_whose_answer_was_lost_is_known_by_its_text(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "robin") as services:
        sandbox.fault(method="POST", path="/reply/", kind="close", when="after")
        with pytest.raises(GatewayError):
            await services.drafts.submit_reply(mail_id, BODY)
        assert kinds(services) == ["reply_submitting", "reply_in_doubt"]
        assert (await waiting(services, "robin")).is_own_reply
        receipt = await services.drafts.submit_reply(mail_id, BODY)
        assert receipt.idempotent
        assert (await waiting(services, "robin")).is_own_reply


async def test_a_reply_that_arrived_although_it_was_refused_is_not_submitted_twice(
    sandbox: Sandbox, mail_id: str
) -> None:
    async with at(sandbox, "robin") as services:
        sandbox.fault(method="POST", path="/reply/", kind="status", status=403, when="after")
        with pytest.raises(GatewayError):
            await services.drafts.submit_reply(mail_id, BODY)
        assert kinds(services) == ["reply_submitting", "reply_refused"]
        with pytest.raises(AlreadySubmitted):
            await services.drafts.submit_reply(mail_id, f"{BODY} Once more.")
        assert len(sandbox.pending()) == 1


async def test_it_is_known_on_another_machine_and_by_others(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "robin") as services:
        await services.drafts.submit_reply(mail_id, BODY)
    async with at(sandbox, "Robin") as services:
        entry = await waiting(services, "Robin")
        assert (entry.author_words, entry.author) == ("written by you", Author(OneLine("robin"), False))
    async with at(sandbox, "anna") as services:
        entry = await waiting(services, "anna")
        assert (entry.author_words, entry.is_own_reply) == ("written by robin", False)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_another_reviewer_must_approve_where_the_settings_say_so(
    sandbox: Sandbox, mail_id: str, elsewhere: bool
) -> None:
    async with at(sandbox, "robin") as services:
        await services.drafts.submit_reply(mail_id, BODY)
        if not elsewhere:
            await refused_to_its_author(services)
    if elsewhere:
        async with at(sandbox, "robin") as services:
            await refused_to_its_author(services)
    async with at(sandbox, "anna") as services:
        entry = await waiting(services, "anna")
        deciding = decisions_of(services, "anna", "another")
        await deciding.approve(entry.item, entry.digest)
        await deciding.overview.settled(entry.item.id)
        await deciding.aclose()
    assert [message["body"].strip() for message in sandbox.outbox()] == [BODY]


async def refused_to_its_author(services: Assisted) -> None:
    entry = await waiting(services, "robin")
    deciding = decisions_of(services, "robin", "another")
    before = len(kinds(services))
    with pytest.raises(OwnReply, match="another reviewer"):
        await deciding.approve(entry.item, entry.digest)
    with pytest.raises(Refused):
        await deciding.approve_all([(entry.item, entry.digest)])
    assert len(kinds(services)) == before
    await deciding.aclose()


async def test_its_author_may_reject_it_and_approve_it_by_default(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "robin") as services:
        await services.drafts.submit_reply(mail_id, BODY)
        entry = await waiting(services, "robin")
        deciding = decisions_of(services, "robin", "another")
        await deciding.reject(entry.item, entry.digest, "Better not")
        await deciding.overview.settled(entry.item.id)
        await services.drafts.submit_reply(mail_id, "Dear Anna, tomorrow.")
        entry = await waiting(services, "robin")
        willing = decisions_of(services, "robin", "self")
        await willing.approve(entry.item, entry.digest)
        await willing.overview.settled(entry.item.id)
        held = [entry for entry in Journal(services.database).entries() if entry.kind == "held"]
        assert [entry.details[OneLine("written_by")] for entry in held] == ["robin", "robin"]
        (row,) = [
            one for one in TrackRecords(services.database, SystemClock()).all() if one.mailbox.id == sandbox.mailbox
        ]
        assert row.tallies[7].drafts == 0, "neither for the agent nor against it"
        for one in (deciding, willing):
            await one.aclose()


async def test_a_tag_alone_never_counts_in_favour_of_an_agent(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "anna") as services:
        deciding = decisions_of(services, "anna", "self")
        for text, approves in (("One.", True), ("Two.", False)):
            draft = sandbox.reply(mail_id, text)["id"]
            path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags"
            sandbox.call("PUT", path, key="send", json={"tags": {"review.written_by": "robin"}})
            entry = await waiting(services, "anna")
            if approves:
                await deciding.approve(entry.item, entry.digest)
            else:
                await deciding.reject(entry.item, entry.digest, "Wrong facts")
            await deciding.overview.settled(draft)
        (row,) = [
            one for one in TrackRecords(services.database, SystemClock()).all() if one.mailbox.id == sandbox.mailbox
        ]
        assert (row.tallies[7].as_written, row.tallies[7].rejected) == (0, 1)
        await deciding.aclose()


async def test_who_wrote_it_is_cleaned_and_short(sandbox: Sandbox, mail_id: str) -> None:
    async with at(sandbox, "anna") as services:
        draft = sandbox.reply(mail_id, "One.")["id"]
        path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags"
        name = "ro\x1b[31mbin\u202e" + "x" * 300
        sandbox.call("PUT", path, key="send", json={"tags": {"review.written_by": name}})
        entry = await waiting(services, "anna")
        assert entry.author is not None and entry.author.name.startswith("robinx") and len(entry.author.name) <= 40


def test_who_else_may_approve_is_one_of_two_words(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[review]\nown_replies = "nobody"\n')
    with pytest.raises(config.ConfigError) as caught:
        load_settings(path)
    assert "own_replies" in str(caught.value.where) + caught.value.what
    assert caught.value.cure == "It takes 'self' or 'another', see `mm-tui docs configuration`."


def test_the_command_line_says_who_wrote_it_and_refuses_its_author(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write_profile(sandbox.url, sandbox.keys, reviewer="robin")
    draft = sandbox.draft("It is on its way.")
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags"
    sandbox.call("PUT", path, key="send", json={"tags": {"review.written_by": "robin"}})
    (listed,) = home.run("pending", "list", "--json").json["pending"]
    assert listed["written_by"] == "robin"
    shown = home.run("pending", "show", draft, "--json").json
    assert shown["written_by"] == "robin"
    assert "robin, a human (according to its tag)" in home.run("pending", "show", draft).out
    assert "written by robin" in home.run("pending", "list").out
    with home.config.open("a") as file:
        file.write('\n[review]\nown_replies = "another"\n')
    done = home.run("pending", "approve", draft, "--digest", shown["digest"])
    assert done.status == 4 and "another reviewer" in done.err
    assert sandbox.status(draft) == "pending_send_approval"


def test_a_journal_without_replies_costs_nothing(database: Database) -> None:
    """Asked for every waiting mail: only a journal that grew is read again."""
    from mm_tui.models import Party, RawContent

    journal = Journal(database)
    authors = Authors(database)
    item = PendingItem(
        id="M1", mailbox_id="mb1", direction=OneLine("outbound"), sender=Party.parse("a@x.example"),
        raw=RawContent(sender="a@x.example", body=BODY),
    )  # fmt: skip
    assert authors.of(item) is None
    journal.write("held", "robin", "M2", SystemClock().now(), {})
    assert authors.of(item) is None
    journal.write("reply_submitted", "robin", "M1", SystemClock().now(), {"key": "k"})
    assert authors.of(item) == Author(OneLine("robin"), True)
