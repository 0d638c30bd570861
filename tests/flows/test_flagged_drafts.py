"""Forty waiting drafts, every second one bad: each bad one is stopped by a flag, no good one takes many keys."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot

from mm_tui import keymap
from mm_tui.app import MmTui
from mm_tui.review.findings import Level
from mm_tui.screens.dialogs.offers import ReasonScreen
from mm_tui.screens.pending.screen import PendingScreen
from mm_tui.services.decisions import approval_gate
from mm_tui.settings.sections import Review
from mm_tui.widgets import pager
from tests.support.app import settings_for, until
from tests.support.queue import running_queue
from tests.support.sandbox import Sandbox

ASKED = "Hello,\n\nmy station of order 4471 has not come. I paid $120 on 3 March. When will it come?\n\nAnna"
BAD: tuple[dict[str, Any], ...] = (
    {"markdown": "Hi Anna,\n\nyou will receive a full refund of $240 within 24 hours."},
    {"markdown": "Hi Anna,\n\nwe guarantee a replacement free of charge, for ever."},
    {"markdown": "Hi {{first_name}},\n\nyour order is on its way."},
    {"markdown": "Hi Anna,\n\nyour order is on its way: [your answer here]."},
    {"markdown": "Hi Anna,\n\nlog in at [our shop](http://shop.example.evil.test/login) to see it."},
    {"markdown": "Hi Anna,\n\nsee http://192.0.2.7/track for the parcel."},
    {"markdown": "Hi Anna,\n\nplease write to payouts@refund-desk.test for the money."},
    {"markdown": "Hi Anna,\n\nour key is sk-live-4f9d8a7b6c5e4d3c2b1a0f9e8d7c6b5a, use it to look it up."},
    {"markdown": "Hi Anna,\n\nyour card 4111 1111 1111 1111 has been charged once more."},
    {"markdown": "Hi Anna,\n\nthe label is attached. Please print it."},
    {"markdown": "Hallo Anna,\n\nvielen Dank für Ihre Nachricht. Wir kümmern uns um Ihre Bestellung."},
    {"markdown": "Hi Anna,\n\nyour order is on\u202eits way\u202c and will come soon."},
    {"markdown": "Hi Anna,\n\nit was sent.", "cc": ["stranger@elsewhere.test"]},
    {"markdown": "Hi Anna,\n\nit was sent.", "cc": [f"person{number}@elsewhere.test" for number in range(9)]},
    {"markdown": "Hi Anna,\n\nwe accept full liability for the delay."},
    {"markdown": "Hi Anna,\n\nas the price is $210 you still owe us that."},
    {"markdown": "Hi Anna,\n\nthe password is hunter2-hunter2 for your account."},
    {"markdown": "Hi Anna,\n\nwe give you a discount of 60 % on everything, without end."},
    {"markdown": "Hi Anna,\n\nyour IBAN DE89 3704 0044 0532 0130 00 was used."},
    {"markdown": "Hi Anna,\n\nsee xn--pypal-4ve.test for your money: https://xn--pypal-4ve.test/pay"},
)
GOOD = (
    "Hi Anna,\n\nthank you for writing. I have asked the carrier about order 4471 and will write.\n\nKind regards",
    "Dear Anna,\n\nI am sorry for the wait. The parcel left our house and is with the carrier.\n\nKind regards",
    "Hello Anna,\n\nyour order 4471 is being packed today. You will get a note when it leaves.\n\nBest requests",
    "Hi Anna,\n\nI see the payment of $120 from 3 March. The station is on its way.\n\nKind regards",
)


def fill(sandbox: Sandbox) -> dict[str, bool]:
    """Forty waiting drafts; id of each and whether it is bad. Every second one is."""
    bad_ones = iter(BAD)
    drafts: dict[str, bool] = {}
    for number in range(2 * len(BAD)):
        mail = sandbox.inbound(
            subject=f"Order 4471, question {number}", body=ASKED, sender=f"Anna <anna{number}@customer.example>"
        )
        bad = number % 2 == 1
        fields = dict(next(bad_ones)) if bad else {"markdown": GOOD[number // 2 % len(GOOD)]}
        sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail['id']}", key="send")  # as the agent does
        drafts[sandbox.reply(mail["id"], fields.pop("markdown"), **fields)["id"]] = bad
    return drafts


def key_of(action_id: str) -> str:
    """The default key of an act."""
    return keymap.action(action_id).keys.split(",")[0]


def is_read(screen: PendingScreen) -> bool:
    """The mail under the cursor has been seen to its end, and what it answers is there."""
    entry = screen.current
    return entry is not None and screen.gate.has_seen(entry) and all(mail.detail is not None for mail in entry.thread)


async def press(pilot: Pilot[Any], action_id: str, keys: list[str]) -> None:
    keys.append(action_id)
    await pilot.press(key_of(action_id))


async def test_every_bad_draft_is_stopped_by_a_flag(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (pager, approval_gate):
        monkeypatch.setattr(module, "DWELL_SECONDS", 0.01)
    drafts = fill(sandbox)
    missed: list[str] = []
    most_keys = total = 0
    quick = settings_for(sandbox, review=Review(hold_seconds=60))
    async with running_queue(quick, len(drafts), size=(120, 40)) as (app, pilot, screen):
        for _ in drafts:
            await until(pilot, lambda: (now := screen.current) and now.item.complete, "the detail")
            entry = screen.current
            assert entry is not None
            email_id, keys = entry.item.id, list[str]()
            await until(pilot, partial(is_read, screen), "its end, and what it answers")
            entry = screen.current
            assert entry is not None
            flagged = entry.assessment.level >= Level.MEDIUM
            if drafts[email_id] and not flagged:
                missed.append(f"{entry.item.body!r}: {[finding.code for finding in entry.assessment.findings]}")
            if flagged:
                await press(pilot, "pending.reject", keys)
                await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the reasons")
                keys.append("enter")
                await pilot.press("enter")
            else:
                await until(pilot, lambda: not screen.gate.came_unasked, "a moment to look")
                await press(pilot, "pending.approve", keys)
            await until(pilot, partial(decided, app, email_id), f"the decision about {entry.item.subject}")
            total += len(keys)
            if not drafts[email_id]:
                most_keys = max(most_keys, len(keys))
                assert not flagged, f"a good draft was flagged: {entry.assessment.findings}"
        assert app.session.decisions is not None
        for held in app.session.decisions.overview.states():
            await app.session.decisions.undo(held.email_id)
    with capsys.disabled():
        print(f"\n{len(drafts)} drafts decided with {total} keys; at most {most_keys} for a good one")
    assert missed == []
    assert most_keys <= 3


def decided(app: MmTui, email_id: str) -> bool:
    """A decision about the mail is held."""
    return app.session.decisions is not None and app.session.decisions.overview.state(email_id) is not None
