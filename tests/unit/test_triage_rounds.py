"""Automatic mode: which new mail is examined without being asked for, and when it rests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from mm_tui.assist import errors
from mm_tui.clock import SystemClock
from mm_tui.models import Status
from mm_tui.services.assistant import rounds as triage_rounds
from mm_tui.services.assistant.cards import CardPhase, CardState
from mm_tui.services.assistant.rounds import PATIENCE, Rounds
from mm_tui.services.assistant.triage import NOT_ASKED, Triage
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Assist
from mm_tui.store.database import Database
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.rows import MailRow
from mm_tui.text import OneLine
from tests.support.assistant import assisted, settings_for, synced
from tests.support.clock import FakeClock
from tests.support.fake_gateway import make_mail
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


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triage_rounds, "GRACE", 0.0)


@pytest.mark.usefixtures("no_grace")
async def test_automatic_mode_examines_new_mail(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox), Answering()) as services:
        only_this(services, mail_id)
        assert services.triage.automatic, "on for test keys"
        running = asyncio.create_task(services.triage.run())
        async with asyncio.timeout(10):
            while services.triage.card(mail_id).phase is not CardPhase.DONE:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert services.triage.card(mail_id).label == "billing"
    assert sandbox.status(mail_id) == Status.READ


@pytest.mark.usefixtures("no_grace")
async def test_an_older_email_of_a_thread_is_not_examined_in_every_round(sandbox: Sandbox, mail_id: str) -> None:
    answered = sandbox.look(mail_id)["message_id"]
    newest = sandbox.inbound(subject="Re: Refund for 4471", body=REFUND, in_reply_to=answered)["id"]
    async with assisted(settings_for(sandbox), Answering()) as services:
        await services.sync()
        only_this(services, mail_id)
        services.mail.annotate(newest, summary="")
        for _ in range(2):
            await services.triage._rounds.round()
        row = services.mail.row(newest)
        assert row is not None and row.summary, "the newest has the summary of the thread"
        services.notices.clear()
        for _ in range(3):
            await services.triage._rounds.round()
        assert services.notices == []


async def test_automatic_mode_leaves_new_mail_to_the_agent_for_a_while(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    async with synced(settings_for(sandbox), model) as services:
        only_this(services, mail_id)
        await services.triage._rounds.round()
        assert model.calls == 0
    assert sandbox.status(mail_id) == Status.UNREAD


@pytest.mark.usefixtures("no_grace")
async def test_automatic_mode_is_off_on_live_profiles(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    settings = settings_for(sandbox)
    live = settings.profile.replaced(send_key=Secret("mm_live_made_up"))
    chosen = settings.replaced(profile=live.replaced(automatic=True))
    async with synced(settings, model) as services:
        only_this(services, mail_id)
        changed = settings.replaced(profile=live)
        triage = Triage(
            services.database, services.gateway, services.assistant, changed, SystemClock(), services.notices.append
        )
        assert not triage.automatic
        assert Triage(
            services.database, services.gateway, services.assistant, chosen, SystemClock(), services.notices.append
        ).automatic
        assert triage.card(mail_id).words == NOT_ASKED
        await triage._rounds.round()
        assert model.calls == 0
        assert sandbox.status(mail_id) == Status.UNREAD
        triage.set_automatic(True)
        await triage._rounds.round()
        assert model.calls == 3


@pytest.mark.usefixtures("no_grace")
async def test_the_daily_budget_stops_automatic_work_and_says_so(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    async with synced(settings_for(sandbox, assist=Assist(daily_budget_usd=0)), model) as services:
        only_this(services, mail_id)
        await services.triage._rounds.round()
        card = services.triage.card(mail_id)
        assert card.phase is CardPhase.OVER_BUDGET
        assert "daily_budget_usd" in card.words
        assert model.calls == 0
        assert services.triage.spend().over
        assert (await services.triage.examine(mail_id)).phase is CardPhase.DONE, "a human may still ask"
    assert sandbox.status(mail_id) == Status.READ


@pytest.mark.usefixtures("no_grace")
async def test_automatic_work_rests_after_a_failure(sandbox: Sandbox, mail_id: str) -> None:
    model = Answering()
    model.problem = errors.AssistUnauthorized()
    async with synced(settings_for(sandbox), model) as services:
        only_this(services, mail_id)
        for _ in range(5):
            await services.triage._rounds.round()
        assert model.calls == 3, "one mail, once"
        assert services.triage.card(mail_id).phase is CardPhase.FAILED


@pytest.mark.usefixtures("no_grace")
async def test_an_agents_label_is_not_asked_for_again(sandbox: Sandbox, mail_id: str) -> None:
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail_id}/tags"
    sandbox.call("PUT", path, key="send", json={"tags": {"label": "support", "label.by": "model"}})
    model = Answering()
    async with synced(settings_for(sandbox), model) as services:
        only_this(services, mail_id)
        await services.triage._rounds.round()
        card = services.triage.card(mail_id)
        assert (card.phase, card.label, card.intent) == (CardPhase.DONE, "support", "refund")
        assert model.calls == 2


@pytest.mark.usefixtures("no_grace")
async def test_old_read_mail_is_examined_only_when_asked_for(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox), Answering()) as services:
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail_id}", key="oversight")
        await services.sync()
        row = services.mail.row(mail_id)
        assert row is not None
        assert services.triage.may_examine(row)
        month_ago = (row.received_at or 0) - 30 * 86_400_000
        assert not services.triage.may_examine(row._replace(received_at=month_ago))
        assert services.triage.may_examine(row._replace(received_at=month_ago, status=OneLine("unread")))
        assert not services.triage.may_examine(row._replace(status=OneLine("spam_flagged")))


async def test_a_round_looks_at_no_email_before_something_is_due_or_stored() -> None:
    class Counting:
        examines = False
        asked = looked = 0

        def may_examine(self, row: MailRow) -> bool:
            del row
            self.asked += 1
            return False

        async def take_over_tags(self, row: MailRow) -> bool:
            del row
            self.looked += 1
            return False

        async def examine(self, email_id: str, *, automatic: bool) -> CardState:
            raise AssertionError((email_id, automatic))

    clock, examiner = FakeClock(), Counting()
    with Database.open(None) as database:
        mail = MailStore(database)
        await asyncio.to_thread(mail.upsert, [make_mail(number) for number in range(3)])
        rounds = Rounds(examiner, mail, clock)
        for _ in PATIENCE:
            await rounds.round()
            clock.advance(PATIENCE[-1])
        await rounds.round()
        before = examiner.asked, examiner.looked
        await rounds.round()
        assert (examiner.asked, examiner.looked) == before
        await asyncio.to_thread(mail.upsert, [make_mail(3, received_at=clock.now())])
        await rounds.round()
        assert examiner.looked == before[1] + 1, "what is new"
        before = examiner.asked, examiner.looked
        await rounds.round()
        assert (examiner.asked, examiner.looked) == before, "not due yet"
        clock.advance(PATIENCE[1])
        await rounds.round()
        assert examiner.looked == before[1] + 1
        before = examiner.asked, examiner.looked
        examiner.examines = True
        await rounds.round()
        assert examiner.asked > before[0]
