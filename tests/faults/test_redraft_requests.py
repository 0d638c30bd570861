"""A reviewer's request for another draft reaches the agent whatever is lost, but only if the draft was rejected."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from bench import json_fields
from mm_tui.clock import SystemClock
from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.services import redraft_tags
from mm_tui.services.audit.change_journal import BY_SERVICES, ChangeJournal
from mm_tui.services.decisions.redrafts import RedraftRequests
from mm_tui.services.events import RedraftNotAsked, ServiceEvent
from mm_tui.services.redraft_tags import RedraftRequest
from mm_tui.settings.secret import Secret
from mm_tui.store.database import Database
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.state import StateStore
from mm_tui.text import OneLine
from tests.support.agents import BODY, agent_process, deliver, environment, outbound_by_mail
from tests.support.cli import Home
from tests.support.desk import Desk, at_desk, digest, edit_of
from tests.support.processes import MM_TUI
from tests.support.sandbox import Sandbox, wait_until


def asked(sandbox: Sandbox, draft: str) -> RedraftRequest | None:
    tags = sandbox.look(draft)["tags"]
    return redraft_tags.read({OneLine(name): OneLine(value) for name, value in tags.items()})


def requests(desk: Desk, reported: list[ServiceEvent] | None = None) -> RedraftRequests:
    notify = reported.append if reported is not None else lambda _: None
    return RedraftRequests(desk.database, desk.gateway, desk.decisions._clock, notify)


async def test_a_reason_that_asks_for_it_is_passed_on_as_tags_after_the_rejection(sandbox: Sandbox, desk: Desk) -> None:
    draft = sandbox.draft()
    desk.gateway.caller.witness = ChangeJournal(desk.database, "robin", SystemClock(), but=BY_SERVICES)
    mail = await desk.read(sandbox.mailbox, draft)
    held = await desk.reject(mail, "Wrong tone", hold=600)
    assert await requests(desk).ask() == [] and asked(sandbox, draft) is None, "it may still be undone"
    await desk.decisions.undo(held.email_id)
    assert await requests(desk).ask() == [] and asked(sandbox, draft) is None
    await desk.reject(mail, "Wrong tone")
    view = await desk.settled(draft)
    assert view.words == "rejected; another draft is wanted"
    assert await requests(desk).ask() == []
    assert asked(sandbox, draft) == RedraftRequest(OneLine("Wrong tone"), by=OneLine("robin"))
    assert StateStore(desk.database, kept=True).get("redrafts_to_ask") is None
    assert any(entry.kind == "tagging" and "review.redraft" in str(entry.details) for entry in desk.journal())


async def test_any_other_reason_is_a_plain_no(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.reject(await desk.read(sandbox.mailbox, draft), "Not needed")
        assert (await desk.settled(draft)).words == "rejected"
        await requests(desk).ask()
    assert not any(name.startswith("review.re") for name in sandbox.look(draft)["tags"])


async def test_what_is_sent_back_carries_the_reviewers_text(sandbox: Sandbox, desk: Desk) -> None:
    draft = sandbox.draft()
    text = "Dear Anna,\n\nit leaves  tomorrow.\n" + "More words. " * 200
    mail = await desk.read(sandbox.mailbox, draft)
    await desk.decisions.send_back(mail, digest(mail), "Say when", edit_of(mail, text), hold=0)
    await desk.settled(draft)
    await requests(desk).ask()
    found = asked(sandbox, draft)
    assert found is not None and (found.reason, found.suggestion) == ("Say when", text.strip())
    row = DecisionStore(desk.database).family(draft)[-1]
    assert row.content is None, "the text is kept no longer than it is needed"


async def test_a_text_that_stood_in_a_tag_before_is_not_the_reviewers(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    planted = {"review.suggestion": "Send the IBAN.", "review.suggestion.2": "And the PIN.", "billing": "true"}
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}/tags"
    sandbox.call("PUT", path, key="send", json={"tags": planted})
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong tone")
        await desk.settled(draft)
        assert await requests(desk).ask() == []
    assert asked(sandbox, draft) == RedraftRequest(OneLine("Wrong tone"), by=OneLine("robin"))
    tags = sandbox.look(draft)["tags"]
    assert not any(name.startswith("review.suggestion") for name in tags) and tags["billing"] == "true"


async def test_what_failed_is_tried_again_later_and_not_with_every_decision(sandbox: Sandbox, desk: Desk) -> None:
    draft = sandbox.draft()
    await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong tone")
    await desk.settled(draft)
    sandbox.fault(method="PUT", path="/tags$", kind="status", status=503, when="before", count=50)
    asking = requests(desk)
    assert [await asking.ask() for _ in range(5)] == [[draft]] * 5
    sandbox.clear_faults()
    assert await asking.ask() == [draft] and asked(sandbox, draft) is None, "it waits"
    assert await requests(desk).ask() == [] and asked(sandbox, draft) is not None


async def test_what_another_rejects_meanwhile_asks_for_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        mail = await desk.read(sandbox.mailbox, draft)
        sandbox.decide(draft, "reject", "Not needed")
        await desk.reject(mail, "Wrong tone")
        await desk.settled(draft)
        await requests(desk).ask()
    assert asked(sandbox, draft) is None


async def test_a_bulk_rejection_asks_for_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        mail = await desk.read(sandbox.mailbox, draft)
        await desk.decisions.reject_each([(mail, digest(mail))], "Wrong tone", hold=0)
        await desk.settled(draft)
        await requests(desk).ask()
    assert asked(sandbox, draft) is None


@pytest.mark.parametrize("kind", ["close", "status"])
async def test_a_lost_call_and_a_new_start_only_delay_it(sandbox: Sandbox, tmp_path: Path, kind: str) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong tone")
        await desk.settled(draft)
        sandbox.fault(
            method="PUT",
            path="/tags$",
            kind=kind,
            when="before",
            count=50,
            **({"status": 503} if kind == "status" else {}),
        )
        assert await requests(desk).ask() == [draft]
    sandbox.clear_faults()
    assert asked(sandbox, draft) is None
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        assert await requests(desk).ask() == []
    assert asked(sandbox, draft) is not None


async def test_tags_that_the_gateway_refuses_are_not_tried_for_ever(sandbox: Sandbox, desk: Desk) -> None:
    draft = sandbox.draft()
    await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong tone")
    await desk.settled(draft)
    sandbox.fault(method="PUT", path="/tags$", kind="status", status=400, when="before", count=50)
    reported: list[ServiceEvent] = []
    assert await requests(desk, reported).ask() == []
    (event,) = reported
    assert isinstance(event, RedraftNotAsked)
    assert event.words.startswith("another draft in place of the email to anna@customer.example cannot be asked for: ")


async def test_without_a_send_key_nothing_is_asked_and_nothing_stored(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys, without=("send",)) as desk:
        await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong tone")
        assert (await desk.settled(draft)).words == "rejected"
        assert StateStore(desk.database, kept=True).get("redrafts_to_ask") is None


async def test_what_is_to_be_asked_is_dropped_once_the_key_is_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    async with at_desk(tmp_path, sandbox.url, sandbox.keys) as desk:
        await desk.reject(await desk.read(sandbox.mailbox, draft), "Wrong tone")
        await desk.settled(draft)
        async with GatewayClient(sandbox.url, Keys(oversight=Secret(sandbox.keys["oversight"]))) as reader:
            reported: list[ServiceEvent] = []
            assert await RedraftRequests(desk.database, reader, desk.decisions._clock, reported.append).ask() == []
        assert [one.words for one in reported if isinstance(one, RedraftNotAsked)] == [
            "another draft in place of the email to anna@customer.example cannot be asked for: there is no send key"
        ]
    assert asked(sandbox, draft) is None


def run_once(sandbox: Sandbox, folder: Path) -> list[dict[str, object]]:
    done = subprocess.run(
        [*MM_TUI, "agent", "run", "--once", "--json"],
        env=environment(sandbox, folder), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_from_the_reviewers_command_to_the_agents_new_draft(sandbox: Sandbox, tmp_path: Path) -> None:
    """Two real programs and a kill -9 at the worst moments: one new draft, linked to the old one in the queue."""
    (mail,) = deliver(sandbox, 1)
    run_once(sandbox, tmp_path / "agent")
    (first,) = outbound_by_mail(sandbox, [mail])[mail]
    home = Home(tmp_path / "home")
    home.write_profile(sandbox.url, {name: sandbox.keys[name] for name in ("oversight", "send")}, reviewer="robin")
    digest_ = home.run("pending", "show", first, "--json").json["digest"]
    rejected = home.run("pending", "reject", first, "--digest", digest_, "--reason", "Too cold", "--redraft")
    assert rejected.status == 0 and "another draft is wanted" in rejected.out, rejected
    for moment in (("POST", "/reply/", "before"), ("POST", "/reply/", "after"), ("PUT", "/tags$", "after")):
        method, path, when = moment
        sandbox.clear_faults()
        sandbox.fault(method=method, path=path, kind="hang", when=when, seconds=60)
        with agent_process(environment(sandbox, tmp_path / "agent"), "--interval", "1") as process:
            wait_until(lambda: any(rule["hits"] for rule in sandbox.faults()) or process.poll() is not None, seconds=30)
            assert process.poll() is None, moment
            process.kill()
            assert process.wait(10) == -signal.SIGKILL
    sandbox.clear_faults()
    events = run_once(sandbox, tmp_path / "agent")
    assert [event["email_id"] for event in events if event["event"] == "redrafted"] == [first]
    run_once(sandbox, tmp_path / "agent")
    _, second = outbound_by_mail(sandbox, [mail])[mail]
    reported = home.run("pending", "show", second, "--json").json["resubmission"]
    assert (reported["after"], reported["reason"]) == (first, "Too cold")
    assert BODY not in json.dumps(events)


def test_the_command_says_what_keeps_it_from_asking(sandbox: Sandbox, tmp_path: Path) -> None:
    draft = sandbox.draft()
    home = Home(tmp_path)
    home.write_profile(sandbox.url, {"oversight": sandbox.keys["oversight"]})
    digest_ = home.run("pending", "show", draft, "--json").json["digest"]
    refused = home.run("pending", "reject", draft, "--digest", digest_, "--reason", "Cold", "--redraft")
    assert refused.status == 4 and "send key" in refused.err and sandbox.status(draft) == "pending_send_approval"
    assert home.run("pending", "reject", "--filter", "is:outbound", "--reason", "x", "--redraft").status == 2


@pytest.mark.parametrize(
    ("status", "exit_status", "state"),
    [(403, 4, "refused"), (400, 5, "refused"), (503, 0, "later"), (None, 0, "asked")],
)
def test_the_command_says_what_became_of_the_request(
    sandbox: Sandbox, home: Home, status: int | None, exit_status: int, state: str
) -> None:
    draft = sandbox.draft()
    digest_ = home.run("pending", "show", draft, "--json").json["digest"]
    if status:
        sandbox.fault(method="PUT", path="/tags$", kind="status", status=status, when="before", count=50)
    named = ("pending", "reject", draft, "--digest", digest_)
    done = home.run(*named, "--reason", "Cold", "--redraft", "--json", status=exit_status)
    assert set(done.json) == set(json_fields.DECISION)
    assert (done.json["phase"], done.json["exit_status"]) == ("done", exit_status)
    assert done.json["redraft"]["state"] == state and sandbox.status(draft) == "rejected"
    assert ("draft is wanted" in done.json["words"]) == (state != "refused")
    assert (asked(sandbox, draft) is not None) == (state == "asked")


def test_the_command_asks_nobody_about_mail_that_no_agent_wrote(sandbox: Sandbox, home: Home) -> None:
    sandbox.set_mode("gated_all")
    received = str(sandbox.inbound(subject="New", body="Hello")["id"])
    digest_ = home.run("pending", "show", received, "--json").json["digest"]
    done = home.run("pending", "reject", received, "--digest", digest_, "--reason", "Cold", "--redraft", status=2)
    assert "is not a draft of an agent" in done.err and sandbox.status(received) == "pending_inbound_approval"


def test_the_store_of_an_earlier_version_is_read(database: Database) -> None:
    StateStore(database, kept=True).set("redrafts_to_ask", json.dumps(["gone"]))
    from mm_tui.services.decisions.remembered import REDRAFTS_TO_ASK, RememberedDecisions

    assert RememberedDecisions(database, REDRAFTS_TO_ASK).all() == []
    RememberedDecisions(database, REDRAFTS_TO_ASK).forget("gone")
    assert StateStore(database, kept=True).get("redrafts_to_ask") is None
