"""The app, the command line and the agent against a gateway that follows the published document and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from mm_tui.app import MmTui
from mm_tui.screens.dialogs.offers import ReasonScreen
from tests.support.agents import BODY, environment
from tests.support.app import drawn, settings_for, until
from tests.support.cli import Home
from tests.support.processes import MM_TUI
from tests.support.queue import reading_queue, running_queue, seen
from tests.support.sandbox import Sandbox, running_sandbox
from tests.support.spec_gateway import LOOSE, MEANINGLESS, SpecGateway, spec_gateway


@pytest.fixture(params=[LOOSE, MEANINGLESS], ids=["loose names", "names that say nothing"])
def gateway(request: pytest.FixtureRequest) -> Iterator[SpecGateway]:
    with spec_gateway(names=cast(Mapping[str, str], request.param), pending_aliases=True) as running:
        yield running


def a_draft(gateway: SpecGateway, text: str = "Dear Anna, it is on its way.") -> str:
    return gateway.agent_replies(gateway.inbound("Where is my order?", "It has not come."), text)


# The app


async def test_a_draft_is_approved_and_everything_names_its_reviewer(gateway: SpecGateway) -> None:
    draft = a_draft(gateway)
    async with running_queue(settings_for(cast(Sandbox, gateway)), 1) as (app, pilot, screen):
        assert "anna@customer.example" in drawn(app) and "not told" not in drawn(app)
        await seen(pilot, screen)
        await pilot.press("a")
        await until(pilot, lambda: [mail["id"] for mail in gateway.left] == [draft], "the release")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
        await until(pilot, lambda: (view := screen.decision_of(draft)) is None or view.ended, "the decision's end")
        await pilot.press("1")
        await until(pilot, lambda: "Where is my order?" in drawn(app), "the inbox")
        await until(pilot, lambda: "approved" in drawn(app), "a status that the times tell")
        assert "no status" not in drawn(app)
        await pilot.press("3")
        word = "approved" if gateway.names is LOOSE else gateway.names["approve"]

        def named() -> list[str]:
            return [row for row in rows(app) if word in row and "robin" in row]

        await until(pilot, named, "the gateway's own entry with its human")
        assert [row for row in rows(app) if word in row] == named()


def rows(app: MmTui) -> list[str]:
    """The lines of the list, without what is beside it."""
    return [line.partition("│")[0] for line in drawn(app).splitlines()]


async def test_a_draft_is_rejected_with_its_reason(gateway: SpecGateway) -> None:
    draft = a_draft(gateway)
    async with reading_queue(settings_for(cast(Sandbox, gateway)), 1) as (app, pilot, screen):
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, ReasonScreen), "the reasons")
        await pilot.press("f2")
        await until(pilot, lambda: gateway.mails[draft].get("status") == "rejected", "the rejection")
        await until(pilot, lambda: not screen.listing.entries, "the queue to be empty")
    assert gateway.audit[-1]["metadata"]["reason"]


async def test_what_another_decides_is_reported(gateway: SpecGateway) -> None:
    draft = a_draft(gateway)
    async with reading_queue(settings_for(cast(Sandbox, gateway)), 1) as (app, pilot, screen):
        with gateway.lock:
            gateway.decide({"email_id": draft, "action": "reject"}, "oversight")
        await until(pilot, lambda: not screen.listing.entries, "the news")
        await until(pilot, lambda: "rejected elsewhere" in drawn(app), "what became of it")


# The command line


@pytest.fixture
def home(gateway: SpecGateway, tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.write_profile(gateway.url, gateway.keys, reviewer="rita")
    return made


def digest_of(home: Home, email_id: str) -> str:
    return str(home.run("pending", "show", email_id, "--json").json["digest"])


def test_doctor_and_sync_find_nothing_wrong(home: Home, gateway: SpecGateway) -> None:
    a_draft(gateway)
    doctor = home.run("doctor")
    assert "0 problem" in doctor.out, doctor.out
    sync = home.run("sync")
    assert (sync.status, sync.out) == (0, "1 mailbox, 1 waiting for a decision\n"), sync.err


def test_the_command_line_approves_and_the_log_names_the_reviewer(home: Home, gateway: SpecGateway) -> None:
    draft = a_draft(gateway)
    listed = home.run("pending", "list", "--json").json["pending"]
    assert [(item["id"], item["to"]) for item in listed] == [(draft, ["Anna <anna@customer.example>"])]
    done = home.run("pending", "approve", draft, "--digest", digest_of(home, draft), status=0)
    assert "approved by rita" in done.out
    assert [mail["id"] for mail in gateway.left] == [draft]
    entries = home.run("audit", "list", "--json", "--email", draft).json["entries"]
    (decided,) = [one for one in entries if one["source"] == "gateway" and one["action"] == gateway.names["approve"]]
    assert gateway.names is MEANINGLESS or decided["who"] == "rita"


def test_an_edited_text_leaves_once_in_place_of_the_draft(home: Home, gateway: SpecGateway) -> None:
    draft = a_draft(gateway, "Dear Anna, a full refund.")
    digest = digest_of(home, draft)
    done = home.run(
        "pending", "edit", draft, "--digest", digest, "--body", "-", "--json", stdin="Dear Anna.\n", status=0
    )
    (left,) = gateway.left
    assert left["id"] == done.json["replacement_id"] != draft
    assert left["markdown"].strip() == "Dear Anna."
    assert gateway.mails[draft]["status"] == "rejected"


# The agent


def test_the_agent_labels_and_drafts_and_nothing_leaves(gateway: SpecGateway, tmp_path: Path) -> None:
    mails = [gateway.inbound(f"The app closes ({number})", BODY) for number in range(2)]
    with running_sandbox(tmp_path) as model:
        environ = environment(model, tmp_path) | {
            "MULTIMAIL_API_URL": f"{gateway.url}/v1",
            "MULTIMAIL_SEND_API_KEY": gateway.keys["send"],
        }
        environ.pop("MULTIMAIL_API_KEY", None)
        done = subprocess.run(
            [*MM_TUI, "agent", "run", "--once", "--json"],
            env=environ, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    ended: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (ended["waiting"], ended["failed"]) == (0, 0)
    assert gateway.left == []
    drafts = [mail for mail in gateway.mails.values() if mail["direction"] == "outbound"]
    assert sorted(mail["thread_id"] for mail in drafts) == sorted(mail["thread_id"] for mail in mails)
    assert all("label" in gateway.mails[mail["id"]]["tags"] for mail in mails)
