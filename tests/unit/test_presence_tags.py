"""Claims between machines, by tags, against the sandbox."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import MissingKey
from mm_tui.gateway.keys import Keys
from mm_tui.services.presence.tags import LIFE, LONGEST, MOST_REMEMBERED, PresenceReader, PresenceTags, presence_in
from mm_tui.services.tags import merge
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox


def client(sandbox: Sandbox, *scopes: str) -> GatewayClient:
    held = {scope: Secret(sandbox.keys[scope]) for scope in scopes}
    return GatewayClient(sandbox.url, Keys(oversight=held.get("oversight"), send=held.get("send")), timeout=5)


async def test_a_claim_is_seen_by_others_renewed_by_its_owner_and_given_back(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    clock = FakeClock(datetime.now(UTC))
    async with client(sandbox, "send") as gateway:
        await gateway.put_tags(sandbox.mailbox, draft, {"label": "billing"})
        kim, robin = PresenceTags(gateway, "kim", clock), PresenceTags(gateway, "robin", clock)
        assert await kim.take(sandbox.mailbox, draft) is None
        standing = await robin.take(sandbox.mailbox, draft)
        assert standing is not None
        assert standing.by == "kim"
        assert standing.words == f"kim has it open since {clock.now().astimezone():%H:%M}"
        assert standing.badge == "kim has it open"
        long = replace(standing, by=OneLine("a.very.long.reviewer@example"))
        assert long.badge == "a.very.long… has it open"
        doubted = replace(standing, as_of=clock.now())
        assert doubted.badge == "kim had it open" and re.fullmatch(
            r"kim had it open at \d\d:\d\d:\d\d, since \d\d:\d\d", doubted.words
        )
        assert replace(doubted, is_own=True).badge == "you had it open"
        clock.advance(60)
        assert await kim.take(sandbox.mailbox, draft) is None
        renewed = presence_in(await gateway.tags(sandbox.mailbox, draft), clock.now())
        assert renewed is not None
        assert (renewed.since, renewed.until) == (standing.since, clock.now() + LIFE)
        tomorrow = replace(renewed, today=clock.now().astimezone().date() + timedelta(days=1))
        assert standing.since is not None
        assert tomorrow.words == f"kim has it open since {standing.since.astimezone():%-d %b %H:%M}"
        await robin.give_back(sandbox.mailbox, draft)
        assert presence_in(await gateway.tags(sandbox.mailbox, draft), clock.now()) == renewed
        await kim.give_back(sandbox.mailbox, draft)
        assert await gateway.tags(sandbox.mailbox, draft) == {"label": "billing"}
    told = [entry["action"] for entry in sandbox.audit() if "tag" in entry["action"]]
    assert told == ["email.tags_set"] * 4, "the label, the claim, its renewal, its end"


async def test_claims_and_other_tags_of_one_program_do_not_take_each_other_away(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    async with client(sandbox, "send") as gateway:
        kim = PresenceTags(gateway, "kim", FakeClock(datetime.now(UTC)))
        for number in range(10):
            assert await kim.take(sandbox.mailbox, draft) is None
            await asyncio.gather(
                kim.give_back(sandbox.mailbox, draft),
                merge(gateway, sandbox.mailbox, draft, {f"one{number}": "true"}),
                merge(gateway, sandbox.mailbox, draft, {f"other{number}": "true"}),
            )
        held = await gateway.tags(sandbox.mailbox, draft)
        assert presence_in(held, datetime.now(UTC)) is None
        assert all(OneLine(f"{name}{number}") in held for name in ("one", "other") for number in range(10))


async def test_a_claim_ends_by_itself(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    clock = FakeClock(datetime.now(UTC))
    async with client(sandbox, "send") as gateway:
        assert await PresenceTags(gateway, "kim", clock).take(sandbox.mailbox, draft) is None
        clock.advance(LIFE.total_seconds())
        assert await PresenceTags(gateway, "robin", clock).take(sandbox.mailbox, draft) is None


async def test_without_a_send_key_none_is_made(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    async with client(sandbox, "oversight") as gateway:
        claims = PresenceTags(gateway, "kim", FakeClock())
        assert not claims.possible
        with pytest.raises(MissingKey):
            await claims.take(sandbox.mailbox, draft)


@pytest.mark.parametrize(
    "until", ["", "tomorrow", "2026-03-02T09:00:00", (datetime(2026, 3, 2, tzinfo=UTC) - timedelta(1)).isoformat()]
)
def test_tags_that_hold_no_valid_claim_are_none(until: str) -> None:
    held = {OneLine("review.claimed_by"): OneLine("kim"), OneLine("review.claimed_until"): OneLine(until)}
    assert presence_in(held, datetime(2026, 3, 2, tzinfo=UTC)) is None


def far_claim(until: datetime, token: str = "t") -> dict[OneLine, OneLine]:
    tags = {"by": "mallory", "until": until.isoformat(), "at": (until - LIFE).isoformat()}
    return {OneLine(f"review.claimed_{name}"): OneLine(text) for name, text in tags.items()} | {
        OneLine("review.claim"): OneLine(token)
    }


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=400), timedelta(days=365 * 900)])
def test_a_claim_that_ends_far_ahead_is_cut(ahead: timedelta) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    reader, held = PresenceReader(), far_claim(now + ahead)
    seen = reader.of("e", held, now)
    assert seen is not None and seen.until == now + LONGEST
    assert seen.since is not None and seen.since <= now, "nobody has it open since a time to come"
    assert reader.of("e", held, now + LONGEST - timedelta(seconds=1)) is not None
    assert reader.of("e", held, now + LONGEST) is None
    assert reader.of("e", held, now + LONGEST + timedelta(hours=1)) is None, "the same claim does not begin anew"
    renewed = reader.of("e", far_claim(now + ahead + LIFE), now + LONGEST)
    assert renewed is not None, "a colleague whose clock is wrong renews it"
    assert PresenceReader().of("e", held, now + LONGEST, seen_at=now) is None, (
        "another program, by the time of the tags"
    )


def test_an_honest_claim_ends_when_it_says_and_memory_is_bounded() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    reader = PresenceReader()
    for number in range(2 * MOST_REMEMBERED):
        seen = reader.of(str(number), far_claim(now + LIFE), now)
        assert seen is not None and seen.until == now + LIFE
    assert len(reader._first_seen) <= MOST_REMEMBERED
    assert reader.of("1", far_claim(now + LIFE), now + LIFE) is None


async def test_a_claim_without_end_keeps_nobody_from_claiming(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    clock = FakeClock(datetime.now(UTC))
    async with client(sandbox, "send") as gateway:
        held = {str(name): str(text) for name, text in far_claim(clock.now() + timedelta(days=9999)).items()}
        await merge(gateway, sandbox.mailbox, draft, held)
        ours = PresenceTags(gateway, "robin", clock, timedelta(days=1))
        standing = await ours.take(sandbox.mailbox, draft)
        assert standing is not None and standing.by == "mallory"
        clock.advance(LONGEST.total_seconds())
        assert await ours.take(sandbox.mailbox, draft) is None
        taken = presence_in(await gateway.tags(sandbox.mailbox, draft), clock.now())
        assert taken is not None and taken.by == "robin" and taken.until <= clock.now() + LONGEST
