"""Who bypasses the gate: read, shown, warned about before anything would leave at once, and no reply of the agent's."""

from __future__ import annotations

import pytest

from mm_tui.agent import policy
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.errors import CodeSent
from mm_tui.gateway.keys import Keys
from mm_tui.models import Allowed, EmailDetail, Mailbox, OversightMode, Party, RawContent
from mm_tui.screens.dialogs.choice import ChoiceScreen
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import Agent
from mm_tui.text import OneLine
from tests.support.app import drawn, running_app, settings_for, until
from tests.support.mailboxes import fill, open_mailboxes, the_code
from tests.support.queue import bodies, running_queue, seen
from tests.support.sandbox import Sandbox


def box(*patterns: str, mode: str = OversightMode.GATED_SEND) -> Mailbox:
    allowed = tuple(Allowed(id=f"A{at}", pattern=OneLine(pattern)) for at, pattern in enumerate(patterns))
    return Mailbox(id="01M", address=OneLine("us@acme.example"), oversight_mode=OneLine(mode), allowed=allowed)


def mail(sender: str, *reply_to: str) -> EmailDetail:
    return EmailDetail(
        id="01A",
        mailbox_id="01M",
        sender=Party.parse(sender),
        reply_to=tuple(map(Party.parse, reply_to)),
        raw=RawContent(sender=sender),
    )


@pytest.mark.parametrize(
    ("pattern", "address", "named"),
    [
        ("anna@customer.example", "Anna <ANNA@customer.example>", True),
        ("@customer.example", "anna@customer.example", True),
        ("*@customer.example", "anna@customer.example", True),
        ("customer.example", "anna@customer.example", True),
        ("*@*.customer.example", "anna@mail.customer.example", True),
        ("@customer.example", "anna@mail.customer.example", False),
        ("@customer.example", "anna@customer.example.evil.example", False),
        ("@customer.example", "anna@evilcustomer.example", False),
        ("a.na@customer.example", "anna@customer.example", False),
        ("[a-z]@customer.example", "b@customer.example", False),
    ],
)
def test_an_entry_names_an_address_or_a_domain(pattern: str, address: str, named: bool) -> None:
    assert bool(box(pattern).let_through([address])) is named


def test_the_list_counts_in_gated_send_alone() -> None:
    to = ["anna@customer.example"]
    assert box("@customer.example").let_through([*to, "x@y.example"]) == tuple(to)
    assert box("@customer.example", mode="gated_all").let_through(to) == ()
    unread = box().replaced(allowed=None)
    assert unread.let_through(to) == ()


def test_the_agent_takes_such_recipients_for_ungated() -> None:
    listed, anna, tom = box("@customer.example"), mail("anna@customer.example"), mail("tom@elsewhere.example")
    for reached in (
        anna,
        mail("tom@elsewhere.example", "anna@customer.example"),
        mail("anna@customer.example", "x@y.z"),
    ):
        assert "allowlist" in (policy.why_not_gated(listed, Agent(), reached) or "")
        assert "@" not in (policy.why_not_gated(listed, Agent(), reached) or "")
        assert "gaps" in (policy.why_not_this_draft("Hi, [your answer here]", listed, reached) or "")
    assert policy.why_not_gated(listed, Agent(), tom) is None
    assert policy.why_not_gated(listed, Agent(reply_ungated=True), anna) is None


async def test_the_client_edits_the_list_with_the_operators_code(sandbox: Sandbox) -> None:
    async with GatewayClient(sandbox.url, Keys(admin=Secret(sandbox.keys["admin"]))) as gateway:
        with pytest.raises(CodeSent):
            await gateway.account.allow(sandbox.mailbox, "@partner.example", "partner", None)
        assert await gateway.account.allow_list(sandbox.mailbox) == ()
        code = str(sandbox.operator_mail()[-1]["code"])
        await gateway.account.allow(sandbox.mailbox, "@partner.example", "partner", code)
        (entry,) = await gateway.account.allow_list(sandbox.mailbox)
        assert (entry.pattern, entry.note) == ("@partner.example", "partner")
        with pytest.raises(CodeSent):
            await gateway.account.disallow(sandbox.mailbox, entry.id, None)
        await gateway.account.disallow(sandbox.mailbox, entry.id, str(sandbox.operator_mail()[-1]["code"]))
        assert await gateway.account.allow_list(sandbox.mailbox) == ()


async def test_an_edit_that_would_leave_at_once_is_asked_about(sandbox: Sandbox) -> None:
    sandbox.draft("We refund $20.")
    sandbox.allow("anna@customer.example")
    async with running_queue(settings_for(sandbox), 1) as (app, pilot, screen):
        await until(pilot, lambda: any(one.allowed for one in app.session.mail.mailboxes()), "the allowlist")
        entry = screen.current
        assert entry is not None
        await seen(pilot, screen)
        await pilot.press("e")
        await until(pilot, lambda: "We refund" in drawn(app), "the editor")
        await pilot.press(*"Bye", "ctrl+s")
        await until(pilot, lambda: screen.current is not None and screen.current.edit is not None, "the edit")
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, ChoiceScreen) and "allowlist" in drawn(app), "the question")
        assert "anna@customer.example" in drawn(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "the queue")
        assert bodies(sandbox) == []
        await pilot.press("4")
        await pilot.press("enter")
        await until(pilot, lambda: "sent without approval" in drawn(app), "the allowlist on the mailbox's page")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_list_is_edited_on_the_mailboxes_screen_with_the_operators_code(
    sandbox: Sandbox, size: tuple[int, int]
) -> None:
    path = f"/v1/mailboxes/{sandbox.mailbox}/allowlist"

    def listed() -> list[str]:
        return [one["pattern"] for one in sandbox.call("GET", path, key="oversight")["entries"]]

    async with running_app(settings_for(sandbox), size=size) as (app, pilot):
        screen = await open_mailboxes(app, pilot, sandbox)
        await pilot.press("l")
        await until(pilot, lambda: "It is empty" in drawn(app), "the list")
        await pilot.press("+")
        await fill(app, pilot, "@partner.example", "partner", "")
        await until(pilot, lambda: "code" in drawn(app) and sandbox.operator_mail(), "the code to be asked for")
        assert listed() == []
        await fill(app, pilot, "@partner.example", "partner", the_code(sandbox))
        await until(pilot, lambda: listed() == ["@partner.example"], "the entry")
        await until(pilot, lambda: screen.current and screen.current.mailbox.allowed, "the list to be read again")
        await pilot.press("l")
        await until(pilot, lambda: "remove @partner.example" in drawn(app), "the entry in the dialog")
        await pilot.press("1")
        mails = len(sandbox.operator_mail())
        await fill(app, pilot, "")
        await until(pilot, lambda: len(sandbox.operator_mail()) > mails, "another code")
        await until(pilot, lambda: "enter it" in drawn(app), "the code to be asked for")
        await fill(app, pilot, the_code(sandbox))
        await until(pilot, lambda: listed() == [], "the entry to be gone")
