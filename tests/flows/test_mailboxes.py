"""The mailboxes screen through the app: the track records, the trust ladder, new mailboxes, webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mm_tui.app import MmTui
from mm_tui.review.digest import digest_of
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.screens.mailboxes.webhooks import WebhooksScreen
from mm_tui.services.events import AuditChanged
from mm_tui.services.mailboxes import unfit
from tests.support.app import running_app, settings_for, shown, until
from tests.support.mailboxes import fill, open_mailboxes, the_code
from tests.support.sandbox import Sandbox, running_sandbox


def mode(sandbox: Sandbox) -> str:
    boxes = sandbox.call("GET", "/v1/mailboxes", key="admin")["mailboxes"]
    return str(next(box["oversight_mode"] for box in boxes if box["id"] == sandbox.mailbox))


async def says(app: MmTui, pilot: Pilot[Any], words: str) -> None:
    await until(pilot, lambda: words in " ".join(shown(app).split()), f"the words {words!r}")


async def test_decisions_made_here_count_for_the_track_record(sandbox: Sandbox) -> None:
    drafts = [sandbox.draft(f"It is on its way, {name}.") for name in ("Anna", "Ben", "Cleo")]
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, lambda: app.session.pending.count() == 3, "the queue")
        sync, decisions = app.session.sync, app.session.decisions
        assert sync is not None and decisions is not None
        screen = await open_mailboxes(app, pilot, sandbox)
        assert screen.current is not None and screen.current.pending == 3
        for draft in drafts:
            await sync.fetch_detail(sandbox.mailbox, draft)
            item = app.session.pending.get(draft)
            assert item is not None
            digest = digest_of(item.id, item.mailbox_id, item.direction, item.raw)
            if draft == drafts[0]:
                await decisions.approve(item, digest)
            elif draft == drafts[1]:
                from mm_tui.models import EditedDraft

                to = tuple(party.header for party in item.to)
                edit = EditedDraft(to, str(item.subject), "It is on its way, dear Ben.")
                await decisions.release_edit(item, digest, edit)
            else:
                await decisions.reject(item, digest, "Not needed")
            await decisions.overview.settled(draft)
        await says(
            app,
            pilot,
            "3 drafts: 1 as written (33%; at least 6% at 95% confidence), 1 edited, 1 rejected; ",
        )
        tally = screen.current.tallies[7]
        assert (tally.as_written, tally.edited, tally.rejected) == (1, 1, 1)
        assert tally.changed is not None and 0 < tally.changed < 0.5
        assert tally.seconds is not None and tally.seconds < 600
        sync.wake()
        await until(pilot, lambda: screen.current and screen.current.pending == 0, "an empty queue")
        assert screen.current.elsewhere == 0
        assert "Decisions made in this program on this machine." in shown(app)


async def test_the_page_has_figures_for_each_agent(sandbox: Sandbox) -> None:
    sandbox.make_key("second", "send", "read")
    drafts = [sandbox.draft("It is on its way, Anna."), sandbox.draft("It is on its way, Ben.")]
    body = {"to": ["anna@customer.example"], "subject": "Hello", "markdown": "Hello Anna"}
    third = sandbox.call("POST", f"/v1/mailboxes/{sandbox.mailbox}/send", key="second", json=body)["id"]
    sandbox.wait_for(third, "pending_send_approval")
    del sandbox.keys["second"]
    async with running_app(settings_for(sandbox)) as (app, pilot):
        await until(pilot, lambda: app.session.pending.count() == 3, "the queue")
        sync, decisions = app.session.sync, app.session.decisions
        assert sync is not None and decisions is not None
        screen = await open_mailboxes(app, pilot, sandbox)
        for draft in (*drafts, third):
            await sync.fetch_detail(sandbox.mailbox, draft)
            item = app.session.pending.get(draft)
            assert item is not None
            digest = digest_of(item.id, item.mailbox_id, item.direction, item.raw)
            if draft == third:
                await decisions.reject(item, digest, "Too cold")
            else:
                await decisions.approve(item, digest)
            await decisions.overview.settled(draft)
        page = await app.session.network.gateway.audit_log(limit=100)
        app.session.audit.add(page.entries)
        app.take_event(AuditChanged())
        await pilot.press("enter")
        await until(pilot, lambda: "second key: 1 draft" in screen.pager.page.text, "its figures")
        text = screen.pager.page.text
    assert "2 drafts, 2 as written, 0 edited, 0 rejected; half waited less than" in text
    assert "0 as written, 0 edited, 1 rejected" in text and "rejected: Too cold 1" in text
    assert "not as written" in text and "30 days, busiest day 1" in text


async def test_a_mailbox_moves_up_with_the_operators_code_and_down_at_once(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox), size=(80, 24)) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        await until(pilot, lambda: "› [gated send] ›" in shown(app), "the whole ladder, below the table")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        assert "monitored: drafts are sent at once" in shown(app)
        await pilot.press("escape")
        assert sandbox.operator_mail() == []
        await pilot.press("r", "1")
        await says(app, pilot, "/sandbox/operator-mail")
        assert mode(sandbox) == "gated_send"
        await pilot.press("c")
        await fill(app, pilot, "000-wrong")
        await says(app, pilot, "the mailbox is unchanged")
        await fill(app, pilot, the_code(sandbox))
        await until(pilot, lambda: mode(sandbox) == "monitored", "the move up")
        await until(pilot, lambda: screen.current and screen.current.mailbox.oversight_mode == "monitored", "the row")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.press("escape")
        assert mode(sandbox) == "monitored"
        await pilot.press("d", "2")
        await until(pilot, lambda: mode(sandbox) == "gated_all", "the move down")
        await says(app, pilot, "the mailbox is now gated all")


async def test_a_mailbox_is_made_with_the_operators_code(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        before = len(screen.boxes.keys)
        await pilot.press("n")
        await fill(app, pilot, "returns", "Returns desk", "")
        await says(app, pilot, "New mailbox: the operator's code")
        assert [field.value for field in app.screen.query(Input)] == ["returns", "Returns desk", ""]
        await fill(app, pilot, "returns", "Returns desk", the_code(sandbox))
        await until(pilot, lambda: len(screen.boxes.keys) == before + 1, "the new row")
        await pilot.press("n")
        await fill(app, pilot, "returns", "", "")
        await says(app, pilot, "Address is already taken")
        await pilot.press("escape")


@pytest.mark.parametrize(
    ("url", "is_sandbox", "fits"),
    [
        ("https://hooks.example/mm", False, True),
        ("https://hooks.example:8443/mm", False, True),
        ("https://https://hooks.example", False, False),
        ("http://127.0.0.1:8025/", True, True),
        ("http://127.0.0.1:8025/", False, False),
        ("http://hooks.example", True, False),
        ("hooks.example", True, False),
        ("https://ann@hooks.example", False, False),
    ],
)
def test_which_addresses_a_webhook_may_have(url: str, is_sandbox: bool, fits: bool) -> None:
    assert (not unfit(url, is_sandbox=is_sandbox)) == fits


async def test_a_webhook_is_made_its_secret_shown_once_and_it_is_removed(sandbox: Sandbox, tmp_path: Path) -> None:
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        await pilot.press("h")
        await says(app, pilot, "No webhooks yet.")
        assert "N add for all" in shown(app) and "x remove" not in shown(app), "there is nothing to remove"
        await pilot.press("n")
        assert app.screen.query_one(Input).value == "", "nothing is in the way of a pasted address"
        await fill(app, pilot, "http://plain.example/hook", "oversight.pending", "")
        await says(app, pilot, "must start with https://, or with http://127.0.0.1")
        await fill(app, pilot, "https://http://hooks.example/mm", "oversight.pending", "")
        await says(app, pilot, "https:// only once")
        sandbox.fault(method="POST", path="/webhooks$", kind="delay", seconds=2)
        await fill(app, pilot, "https://hooks.example/mm", "oversight.pending, message.received", "")
        await says(app, pilot, "contacting the gateway")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the mailboxes")
        await says(app, pilot, "The webhook's signing secret")
        assert "whsec_" in shown(app)
        await pilot.press("escape", "h")
        await until(pilot, lambda: isinstance(app.screen, WebhooksScreen), "the list")
        await says(app, pilot, "hooks.example/mm")
        await says(app, pilot, "x remove")
        (hook,) = sandbox.call("GET", "/v1/webhooks", key="admin")["subscriptions"]
        assert (hook["mailbox_id"], hook["events"]) == (sandbox.mailbox, ["oversight.pending", "message.received"])
        await pilot.press("j", "x")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen), "the question")
        await pilot.press("X")
        await says(app, pilot, "No webhooks yet.")
        await pilot.press("escape")
        assert app.screen is screen
    assert sandbox.call("GET", "/v1/webhooks", key="admin")["subscriptions"] == []
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("store-*"))
    assert kept and b"whsec_" not in kept


async def test_a_webhook_that_takes_a_code_asks_for_it(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, webhook_approval=True) as sandbox:
        async with running_app(settings_for(sandbox)) as (app, pilot):
            await open_mailboxes(app, pilot, sandbox)
            await pilot.press("h")
            await says(app, pilot, "No webhooks yet.")
            await pilot.press("N")
            await fill(app, pilot, "https://hooks.example/all", "oversight.pending", "")
            await says(app, pilot, "A code has been sent to the operator")
            await fill(app, pilot, "https://hooks.example/all", "oversight.pending", the_code(sandbox))
            await says(app, pilot, "The webhook's signing secret")
            await pilot.press("escape")
            (hook,) = sandbox.call("GET", "/v1/webhooks", key="admin")["subscriptions"]
            assert hook["mailbox_id"] is None


async def test_what_the_keys_may_not_do_is_described_in_words(sandbox: Sandbox) -> None:
    few = settings_for(sandbox, without=("admin", "send"))
    sandbox.fault(path="/v1/oversight/pending", kind="status", status=500, count=0)
    async with running_app(few) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        await says(app, pilot, "this needs a key with the scope admin, and none is set")
        await says(app, pilot, "gated send ? ")
        for key, scope in (("r", "send"), ("c", "send"), ("d", "admin"), ("n", "admin"), ("h", "admin")):
            await pilot.press(key)
            await says(app, pilot, f"this needs a key with the scope {scope}: set {scope}_key")
            assert app.screen is screen


async def test_a_failing_gateway_is_reported_and_nothing_breaks(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox)) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        sandbox.fault(method="PATCH", path="/v1/mailboxes/", kind="close", when="after")
        await pilot.press("d", "1")
        await says(app, pilot, "It may have happened anyway")
        await until(pilot, lambda: screen.current and screen.current.mailbox.oversight_mode == "gated_all", "the truth")
        sandbox.clear_faults()
        sandbox.fault(path="/v1/(account|usage|webhooks)", kind="status", status=500, count=50)
        screen.read_facts()
        await until(pilot, lambda: screen.facts and screen.facts.account is None, "the failed reading")
        assert shown(app).count("▲") >= 3


async def test_the_headings_are_whole_after_reading_about_a_mailbox(sandbox: Sandbox) -> None:
    async with running_app(settings_for(sandbox), size=(60, 20)) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        heading = screen.boxes.heading
        assert heading.startswith("mailbox ")
        await pilot.press("enter")
        await until(pilot, lambda: not screen.boxes.size, "the page alone")
        assert screen.boxes.heading == heading
