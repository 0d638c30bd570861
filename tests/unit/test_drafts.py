"""Drafting, redrafting and submitting on a running sandbox."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from mm_tui.assist import errors
from mm_tui.gateway.errors import GatewayError, NotFound
from mm_tui.services.assistant.cards import STAND_IN_MODEL, DraftText
from mm_tui.services.assistant.drafts import AlreadySubmitted, Drafts
from tests.support.assistant import assisted, settings_for, synced
from tests.support.models import MODEL_KEY, event, plain, raw_server, stream
from tests.support.sandbox import Sandbox, running_sandbox

REFUND = "Hello,\n\nmy order 4471 arrived broken last week. Please refund the $240.\n\nAnna"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("drafts")) as running:
        yield running


@pytest.fixture
def mail_id(sandbox: Sandbox) -> str:
    sandbox.clear_faults()
    return str(sandbox.inbound(subject="Refund for 4471", body=REFUND, sender="Anna <anna@customer.example>")["id"])


async def whole(parts: AsyncIterator[DraftText]) -> list[DraftText]:
    return [part async for part in parts]


async def test_a_draft_streams_and_ends(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox)) as services:
        parts = await whole(services.drafts.draft_reply(mail_id, "offer a replacement"))
        assert len(parts) > 5
        assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True]
        assert all(later.text.startswith(earlier.text.rstrip()) for earlier, later in itertools.pairwise(parts))
        assert parts[-1].model == "local-rules-0"
        assert "offer a replacement" in parts[-1].text
        assert services.triage.spend().completion_tokens > 0
        shorter = (await whole(services.drafts.redraft(mail_id, parts[-1].text, "shorter")))[-1]
        assert shorter.done
        assert 0 < len(shorter.text) <= len(parts[-1].text)


async def test_what_the_thread_does_not_hold_is_flagged(sandbox: Sandbox, mail_id: str) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    text = "We refund $240 and $999. Pay at https://evil.example/x or write to pay@elsewhere.example."
    async with (
        raw_server(stream(event(text), event("", "stop", usage=usage))) as server,
        assisted(settings_for(sandbox, ai21_host=server.host)) as services,
    ):
        await services.sync()
        draft = (await whole(services.drafts.draft_reply(mail_id)))[-1]
        words = "\n".join(draft.warnings)
        assert "$999" in words
        assert "evil.example" in words
        assert "elsewhere.example" in words
        assert '"$240"' not in words


async def test_leaving_early_closes_the_stream_and_is_paid_for(sandbox: Sandbox, mail_id: str) -> None:
    async with raw_server(stream(event("Dear Anna, "), event("thank you"), hang=True)) as server:
        async with synced(settings_for(sandbox, ai21_host=server.host)) as services:
            async with aclosing(services.drafts.draft_reply(mail_id)) as parts:
                assert (await anext(parts)).text.startswith("Dear")
            spend = services.triage.spend()
            assert spend.prompt_tokens > 0
            assert spend.model == STAND_IN_MODEL, "on this machine no other model answers"
        await server.all_closed()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (plain(401), errors.AssistUnauthorized),
        (plain(429, headers="Retry-After: 99\r\n"), errors.AssistRateLimited),
        (stream(event("Dear Anna")), errors.HalfStream),
        (stream(b"data: nonsense\n\n"), errors.Garbled),
    ],
)
async def test_failures_are_reported(
    sandbox: Sandbox, mail_id: str, answer: object, kind: type[errors.AssistError]
) -> None:
    async with raw_server(answer) as server:  # type: ignore[arg-type]  # parametrize forgets the type
        async with synced(settings_for(sandbox, ai21_host=server.host, ai21_key=MODEL_KEY)) as services:
            with pytest.raises(kind) as caught:
                await whole(services.drafts.draft_reply(mail_id))
            assert MODEL_KEY not in str(caught.value)
        await server.all_closed()


async def test_a_text_is_rewritten_without_its_thread_where_that_cannot_be_read(sandbox: Sandbox, mail_id: str) -> None:
    async with assisted(settings_for(sandbox)) as services:
        text = "Dear Anna,\n\nThank you for writing. We will look into it.\n\nKind regards"
        unknown = (await whole(services.drafts.redraft("01NOSUCH", text, "shorter")))[-1]
        await services.sync()
        sandbox.fault(method="GET", path=f"/emails/{mail_id}$", kind="status", status=503)
        failed = (await whole(services.drafts.redraft(mail_id, text, "shorter")))[-1]
    for draft in (unknown, failed):
        assert draft.done
        assert draft.text
        assert draft.warnings == ()


async def test_without_a_key_nothing_is_opened(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox, ai21_key=None)) as services:
        with pytest.raises(errors.NoKey):
            await whole(services.drafts.draft_reply(mail_id))
    assert sandbox.status(mail_id) == "unread"


async def test_submitting_goes_through_the_gate_and_once(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox)) as services:
        first = await services.drafts.submit_reply(mail_id, "Dear Anna")
        assert sandbox.wait_for(first.id, "pending_send_approval")
        assert sandbox.look(first.id)["to"] == ["Anna <anna@customer.example>"]
        other = await services.drafts.submit_reply(mail_id, "And another thing")
        assert other.id != first.id
        with pytest.raises(NotFound):
            await services.drafts.submit_reply("01NOSUCH", "x")


@pytest.mark.parametrize("text", ["Dear Anna", "Dear Anna!"])
async def test_a_lost_answer_makes_no_second_reply_not_even_after_a_restart(
    sandbox: Sandbox, mail_id: str, text: str
) -> None:
    async with synced(settings_for(sandbox)) as services:
        sandbox.fault(method="POST", path="/reply/", kind="close", when="after")
        with pytest.raises(GatewayError) as lost:
            await services.drafts.submit_reply(mail_id, "Dear Anna")
        assert lost.value.may_have_happened
        sandbox.fault(method="POST", path="/reply/", kind="rate_limit")
        with pytest.raises(GatewayError):
            await services.drafts.submit_reply(mail_id, text)
        again = Drafts(services.database, services.gateway, services.assistant, services.settings)
        try:
            receipt = await again.submit_reply(mail_id, text)
        except AlreadySubmitted as earlier:
            assert text != "Dear Anna"
            receipt = earlier.receipt
        else:
            assert text == "Dear Anna"
        assert receipt.idempotent
        thread = sandbox.look(mail_id)["thread_id"]
        pending = [item for item in sandbox.pending() if sandbox.look(item["id"])["thread_id"] == thread]
        assert [item["id"] for item in pending] == [receipt.id]


async def test_a_text_changed_after_a_refusal_is_the_one_submitted(sandbox: Sandbox, mail_id: str) -> None:
    async with synced(settings_for(sandbox)) as services:
        sandbox.fault(method="POST", path="/reply/", kind="rate_limit")
        with pytest.raises(GatewayError):
            await services.drafts.submit_reply(mail_id, "Dear Anna")
        receipt = await services.drafts.submit_reply(mail_id, "Dear Anna, better")
        assert sandbox.look(receipt.id)["markdown"] == "Dear Anna, better"
