"""Cards and labels: what the model says about an email, once, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from mm_tui.assist import errors
from mm_tui.models import Status
from mm_tui.services.assistant import rounds as triage_rounds
from mm_tui.services.assistant.cards import CardPhase
from mm_tui.services.events import AssistChanged
from mm_tui.settings.sections import Assist
from mm_tui.store.mail.mails import MailStore
from tests.support.assistant import assisted, settings_for, synced
from tests.support.clock import FakeClock
from tests.support.models import completion, plain, raw_server
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.triage import REFUND, Answering, only_this


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("triage")) as running:
        yield running


@pytest.fixture
def mail_id(sandbox: Sandbox) -> str:
    sandbox.clear_faults()
    return str(sandbox.inbound(subject="Refund for 4471", body=REFUND, sender="Anna <anna@customer.example>")["id"])


async def test_examine_with_the_stand_in(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox)) as services:
        assert services.triage.card(mail_id).phase is CardPhase.WAITING
        card = await services.triage.examine(mail_id)
        assert card.phase is CardPhase.DONE
        assert (card.label, card.label_by) == ("billing", "model")
        assert "$240" in card.summary
        assert card.intent
        assert card.urgency in ("low", "normal", "high")
        assert card.amounts == ("$240",)
        assert card.models == ("local-rules-0",)
        assert card.stand_in
        assert "local stand-in, not Jamba" in card.badge
        assert card == services.triage.card(mail_id)
        row = services.mail.row(mail_id)
        assert row is not None
        assert (row.label, row.urgency) == (card.label, card.urgency)
        assert str(row.summary) == str(card.summary)
        assert {notice.email_id for notice in services.notices if isinstance(notice, AssistChanged)} == {mail_id}
        assert sandbox.look(mail_id)["tags"] == {}, "tags are written only by choice"


async def test_nothing_is_paid_twice(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    async with synced(settings_for(sandbox), model) as services:
        await services.triage.examine(mail_id)
        assert model.calls == 3
        spend = services.triage.spend()
        assert (spend.prompt_tokens, spend.completion_tokens) == (3000, 300)
        assert spend.usd == pytest.approx(3000 * 0.2e-6 + 300 * 0.4e-6, abs=2e-6)
        assert spend.model == "jamba-mini-2-2026-01"
        await services.triage.examine(mail_id)
        assert model.calls == 3
        await services.triage.examine(mail_id, again=True)
        assert model.calls == 6
        assert not services.triage.card(mail_id).stand_in


async def test_two_who_ask_at_once_share_one_run(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    async with synced(settings_for(sandbox), model) as services:
        cards = await asyncio.gather(*(services.triage.examine(mail_id) for _ in range(4)))
        assert model.calls == 3
        assert {card.phase for card in cards} == {CardPhase.DONE}


async def test_without_a_key_the_card_says_how_to_add_one(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox, ai21_key=None)) as services:
        for card in (services.triage.card(mail_id), await services.triage.examine(mail_id)):
            assert card.phase is CardPhase.NO_KEY
            assert "AI21_API_KEY" in card.words
        await services.triage._rounds.round()
    assert sandbox.status(mail_id) == Status.UNREAD


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (401, "", "does not accept the key"),
        (403, "", "may not use this model"),
        (422, "", "refused the request"),
        (429, "Retry-After: 90\r\n", "asked to wait 90 s"),
        (503, "Retry-After: 60\r\n", "has a problem"),
    ],
)
async def test_a_failing_model_is_a_quiet_word(
    sandbox: Sandbox, mail_id: str, status: int, headers: str, words: str
) -> None:
    async with raw_server(plain(status, b'{"detail":"\x1b[31msecret"}', headers)) as server:
        async with synced(settings_for(sandbox, ai21_host=server.host)) as services:
            card = await services.triage.examine(mail_id)
            assert card.phase is CardPhase.FAILED
            assert words in card.words
            assert "secret" not in card.words
            assert card.can_retry
        await server.all_closed()


async def test_a_failure_keeps_what_was_found_and_can_be_retried(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    async with synced(settings_for(sandbox), model) as services:
        await services.triage.examine(mail_id)
        model.problem = errors.TimedOut()
        card = await services.triage.examine(mail_id, again=True)
        assert (card.phase, card.label) == (CardPhase.FAILED, "billing")
        model.problem = None
        assert (await services.triage.examine(mail_id)).phase is CardPhase.DONE


async def test_an_unreadable_extraction_is_unknown(sandbox: Sandbox, mail_id: str) -> None:
    async with (
        raw_server(plain(200, completion("billing"))) as server,
        assisted(settings_for(sandbox, ai21_host=server.host)) as services,
    ):
        await services.sync()
        card = await services.triage.examine(mail_id)
        assert card.phase is CardPhase.DONE
        assert (card.label, card.intent, card.urgency) == ("billing", "unknown", "unknown")
        row = services.mail.row(mail_id)
        assert row is not None
        assert row.urgency == "unknown"
        asked = len(server.requests)
        await services.triage.examine(mail_id)
        assert len(server.requests) == asked + 2, "the extraction and its repair are tried again, the rest is known"


async def test_a_gateway_that_fails_is_a_quiet_word(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox), Answering()) as services:
        sandbox.fault(method="GET", path=f"/emails/{mail_id}$", kind="status", status=503)
        card = await services.triage.examine(mail_id)
        assert card.phase is CardPhase.FAILED
        assert "cannot be read" in card.words
        assert (await services.triage.examine(mail_id)).phase is CardPhase.DONE


async def test_cancelling_stops_and_says_so(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    model.gate = asyncio.Event()
    async with synced(settings_for(sandbox), model) as services:
        task = asyncio.create_task(services.triage.examine(mail_id))
        await model.started.wait()
        assert services.triage.card(mail_id).phase is CardPhase.WORKING
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        card = services.triage.card(mail_id)
        assert (card.phase, card.words) == (CardPhase.WAITING, "Stopped.")
        model.gate.set()
        assert (await services.triage.examine(mail_id)).phase is CardPhase.DONE


async def test_a_store_that_fails_is_a_quiet_word_and_leaves_no_card_at_work(
    sandbox: Sandbox, mail_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    async with synced(settings_for(sandbox)) as services:
        monkeypatch.setattr(MailStore, "save_detail", locked)
        card = await services.triage.examine(mail_id)
        assert card.phase is CardPhase.FAILED and "database is locked" in card.words
        assert card.can_retry


async def test_an_unknown_mail(sandbox: Sandbox) -> None:
    async with assisted(settings_for(sandbox)) as services:
        assert services.triage.card("01NOSUCH").phase is CardPhase.FAILED
        assert (await services.triage.examine("01NOSUCH")).phase is CardPhase.FAILED


async def test_a_card_is_about_the_threads_newest_inbound_mail(sandbox: Sandbox, mail_id: str) -> None:
    reply = sandbox.reply(mail_id, "We will look into it.")["id"]
    async with synced(settings_for(sandbox), Answering()) as services:
        card = await services.triage.examine(reply)
        assert card.label == "billing"
        assert services.triage.card(mail_id) == card
    calls = sandbox.calls("GET", f"/emails/{reply}")
    assert calls == [], "a draft that waits is no part of what was said"


async def test_a_humans_label_wins_and_is_written(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox, assist=Assist(write_tags=True)), Answering()) as services:
        card = await services.triage.set_label(mail_id, "partnership")
        assert (card.label, card.label_by) == ("partnership", "human")
        card = await services.triage.examine(mail_id)
        assert (card.label, card.label_by) == ("partnership", "human")
        row = services.mail.row(mail_id)
        assert row is not None
        assert row.label == "partnership"
        with pytest.raises(ValueError, match="not a configured label"):
            await services.triage.set_label(mail_id, "nonsense")
    tags = sandbox.look(mail_id)["tags"]
    assert (tags["label"], tags["label.by"]) == ("partnership", "human")
    assert tags["summary"] == "Refund order 4471. It broke."
    assert tags["requested_action"] == "Refund it"
    assert tags["assist.model"] == "jamba-mini-2-2026-01"

    # Another reviewer's machine, and a model that thinks otherwise.
    async with synced(settings_for(sandbox, assist=Assist(write_tags=True)), Answering()) as services:
        card = await services.triage.examine(mail_id)
        assert (card.label, card.label_by) == ("partnership", "human")
    assert sandbox.look(mail_id)["tags"] == tags


async def test_tags_that_cannot_be_written_are_a_quiet_word(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox, assist=Assist(write_tags=True)), Answering()) as services:
        sandbox.fault(method="PUT", path="/tags$", kind="status", status=503)
        card = await services.triage.examine(mail_id)
        assert card.phase is CardPhase.DONE
        assert "tags were not written" in card.words
        assert (await services.triage.examine(mail_id)).words == ""


async def test_an_agents_tags_are_taken_over_without_opening_the_mail(sandbox: Sandbox, mail_id: str) -> None:
    tags = {"label": "partnership", "label.by": "model", "summary": "An offer.", "urgency": "LOW", "amounts": "$1; $2"}
    sandbox.call(
        "PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail_id}/tags", key="send", json={"tags": {**tags, "x": "y"}}
    )
    model = Answering()
    async with synced(settings_for(sandbox, ai21_key=None), None) as services:
        await services.triage._rounds.round()
        card = services.triage.card(mail_id)
        assert card.phase is CardPhase.DONE
        assert (card.label, card.label_by, card.summary) == ("partnership", "model", "An offer.")
        assert (card.urgency, card.amounts) == ("low", ("$1", "$2"))
        row = services.mail.row(mail_id)
        assert row is not None
        assert (row.label, row.summary, row.urgency) == ("partnership", "An offer.", "low")
    assert model.calls == 0
    assert sandbox.status(mail_id) == Status.UNREAD


@pytest.mark.parametrize(("age", "looks"), [(timedelta(), len(triage_rounds.PATIENCE)), (timedelta(hours=1), 1)])
async def test_tags_are_looked_for_again_only_while_an_agent_may_still_set_them(
    sandbox: Sandbox, mail_id: str, age: timedelta, looks: int
) -> None:
    clock = FakeClock(datetime.now(UTC) + age)
    async with synced(settings_for(sandbox, ai21_key=None), clock=clock) as services:
        only_this(services, mail_id)
        sandbox.forget_calls()
        for _ in range(2 * len(triage_rounds.PATIENCE)):
            await services.triage._rounds.round()
            clock.advance(max(triage_rounds.PATIENCE))
    assert len(sandbox.calls("GET", f"{mail_id}/tags")) == looks


async def test_a_long_thread_is_cut_and_the_card_says_so(sandbox: Sandbox, mail_id: str) -> None:
    quoted = "\n".join(["> words that were said before"] * 400)
    answer = sandbox.inbound(
        subject="Re: Refund for 4471",
        body=f"Any news?\n\n{quoted}",
        sender="Anna <anna@customer.example>",
        in_reply_to=sandbox.look(mail_id)["message_id"],
    )
    assert answer["thread_id"] == sandbox.look(mail_id)["thread_id"]
    async with synced(settings_for(sandbox, assist=Assist(thread_tokens=500)), Answering()) as services:
        card = await services.triage.examine(mail_id)
        assert card.phase is CardPhase.DONE
        assert card.cut
    async with synced(settings_for(sandbox), Answering()) as services:
        assert not (await services.triage.examine(mail_id)).cut
