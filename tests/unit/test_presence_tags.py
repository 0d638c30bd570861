"""Presence tags, which show other machines what is open, against the sandbox."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import MissingKey
from mm_tui.gateway.keys import Keys
from mm_tui.services.presence.tags import LIFETIME, LONGEST, MOST_REMEMBERED, PresenceReader, PresenceTags, presence_in
from mm_tui.services.tags import merge
from mm_tui.settings.secret import Secret
from mm_tui.text import OneLine
from tests.support.clock import FakeClock
from tests.support.sandbox import Sandbox


def client(sandbox: Sandbox, *scopes: str) -> GatewayClient:
    held = {scope: Secret(sandbox.keys[scope]) for scope in scopes}
    return GatewayClient(sandbox.url, Keys(oversight=held.get("oversight"), send=held.get("send")), timeout=5)


async def test_a_presence_is_seen_by_others_renewed_by_its_owner_and_removed(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    clock = FakeClock(datetime.now(UTC))
    async with client(sandbox, "send") as gateway:
        await gateway.put_tags(sandbox.mailbox, draft, {"label": "billing"})
        kim, robin = PresenceTags(gateway, "kim", clock), PresenceTags(gateway, "robin", clock)
        assert await kim.mark(sandbox.mailbox, draft) is None
        found = await robin.mark(sandbox.mailbox, draft)
        assert found is not None
        assert found.by == "kim"
        assert found.words == f"kim has it open since {clock.now().astimezone():%H:%M}"
        assert found.badge == "kim has it open"
        long = replace(found, by=OneLine("a.very.long.reviewer@example"))
        assert long.badge == "a.very.long… has it open"
        doubted = replace(found, as_of=clock.now())
        assert doubted.badge == "kim had it open" and re.fullmatch(
            r"kim had it open at \d\d:\d\d:\d\d, since \d\d:\d\d", doubted.words
        )
        assert replace(doubted, is_own=True).badge == "you had it open"
        clock.advance(60)
        assert await kim.mark(sandbox.mailbox, draft) is None
        renewed = presence_in(await gateway.tags(sandbox.mailbox, draft), clock.now())
        assert renewed is not None
        assert (renewed.since, renewed.until) == (found.since, clock.now() + LIFETIME)
        tomorrow = replace(renewed, today=clock.now().astimezone().date() + timedelta(days=1))
        assert found.since is not None
        assert tomorrow.words == f"kim has it open since {found.since.astimezone():%-d %b %H:%M}"
        await robin.unmark(sandbox.mailbox, draft)
        assert presence_in(await gateway.tags(sandbox.mailbox, draft), clock.now()) == renewed
        await kim.unmark(sandbox.mailbox, draft)
        assert await gateway.tags(sandbox.mailbox, draft) == {"label": "billing"}
    actions = [entry["action"] for entry in sandbox.audit() if "tag" in entry["action"]]
    assert actions == ["email.tags_set"] * 4, "the label, the presence, its renewal, its end"


async def test_presence_and_other_tags_of_one_program_do_not_remove_each_other(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    async with client(sandbox, "send") as gateway:
        kim = PresenceTags(gateway, "kim", FakeClock(datetime.now(UTC)))
        for number in range(10):
            assert await kim.mark(sandbox.mailbox, draft) is None
            await asyncio.gather(
                kim.unmark(sandbox.mailbox, draft),
                merge(gateway, sandbox.mailbox, draft, {f"one{number}": "true"}),
                merge(gateway, sandbox.mailbox, draft, {f"other{number}": "true"}),
            )
        email_tags = await gateway.tags(sandbox.mailbox, draft)
        assert presence_in(email_tags, datetime.now(UTC)) is None
        assert all(OneLine(f"{name}{number}") in email_tags for name in ("one", "other") for number in range(10))


async def test_a_presence_expires(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    clock = FakeClock(datetime.now(UTC))
    async with client(sandbox, "send") as gateway:
        assert await PresenceTags(gateway, "kim", clock).mark(sandbox.mailbox, draft) is None
        clock.advance(LIFETIME.total_seconds())
        assert await PresenceTags(gateway, "robin", clock).mark(sandbox.mailbox, draft) is None


async def test_without_a_send_key_none_is_set(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    async with client(sandbox, "oversight") as gateway:
        presence = PresenceTags(gateway, "kim", FakeClock())
        assert not presence.possible
        with pytest.raises(MissingKey):
            await presence.mark(sandbox.mailbox, draft)


@pytest.mark.parametrize(
    "until", ["", "tomorrow", "2026-03-02T09:00:00", (datetime(2026, 3, 2, tzinfo=UTC) - timedelta(1)).isoformat()]
)
def test_tags_without_a_valid_presence_are_none(until: str) -> None:
    email_tags = {OneLine("review.claimed_by"): OneLine("kim"), OneLine("review.claimed_until"): OneLine(until)}
    assert presence_in(email_tags, datetime(2026, 3, 2, tzinfo=UTC)) is None


def distant_presence(until: datetime, token: str = "t") -> dict[OneLine, OneLine]:
    tags = {"by": "mallory", "until": until.isoformat(), "at": (until - LIFETIME).isoformat()}
    return {OneLine(f"review.claimed_{name}"): OneLine(text) for name, text in tags.items()} | {
        OneLine("review.claim"): OneLine(token)
    }


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=400), timedelta(days=365 * 900)])
def test_a_presence_that_ends_in_the_distant_future_is_cut(ahead: timedelta) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    reader, email_tags = PresenceReader(), distant_presence(now + ahead)
    seen = reader.of("e", email_tags, now)
    assert seen is not None and seen.until == now + LONGEST
    assert seen.since is not None and seen.since <= now, "nobody has it open since a time to come"
    assert reader.of("e", email_tags, now + LONGEST - timedelta(seconds=1)) is not None
    assert reader.of("e", email_tags, now + LONGEST) is None
    assert reader.of("e", email_tags, now + LONGEST + timedelta(hours=1)) is None, (
        "the same presence does not begin again"
    )
    renewed = reader.of("e", distant_presence(now + ahead + LIFETIME), now + LONGEST)
    assert renewed is not None, "a colleague whose clock is wrong renews it"
    assert PresenceReader().of("e", email_tags, now + LONGEST, seen_at=now) is None, (
        "another program, by the time of the tags"
    )


def test_an_honest_presence_ends_when_it_says_and_memory_is_bounded() -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    reader = PresenceReader()
    for number in range(2 * MOST_REMEMBERED):
        seen = reader.of(str(number), distant_presence(now + LIFETIME), now)
        assert seen is not None and seen.until == now + LIFETIME
    assert len(reader._first_seen) <= MOST_REMEMBERED
    assert reader.of("1", distant_presence(now + LIFETIME), now + LIFETIME) is None


async def test_a_presence_without_end_does_not_prevent_another(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    clock = FakeClock(datetime.now(UTC))
    async with client(sandbox, "send") as gateway:
        email_tags = {
            str(name): str(text) for name, text in distant_presence(clock.now() + timedelta(days=9999)).items()
        }
        await merge(gateway, sandbox.mailbox, draft, email_tags)
        ours = PresenceTags(gateway, "robin", clock, timedelta(days=1))
        found = await ours.mark(sandbox.mailbox, draft)
        assert found is not None and found.by == "mallory"
        clock.advance(LONGEST.total_seconds())
        assert await ours.mark(sandbox.mailbox, draft) is None
        taken = presence_in(await gateway.tags(sandbox.mailbox, draft), clock.now())
        assert taken is not None and taken.by == "robin" and taken.until <= clock.now() + LONGEST
