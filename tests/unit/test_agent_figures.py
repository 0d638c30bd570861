"""Figures for each agent, by the key that composed the draft, from the journal and the gateway's log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import json_fields
from mm_tui.models import AuditEntry
from mm_tui.services.audit.agents import MOST_REASONS, by_agent
from mm_tui.services.audit.track_record import Decided
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.cli_review import approve, digest_of
from tests.support.sandbox import Sandbox

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def test_each_agents_drafts_are_counted_by_what_became_of_them(sandbox: Sandbox, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.write_profile(
        sandbox.url, {name: sandbox.keys[name] for name in ("oversight", "send", "admin")}, reviewer="robin"
    )
    assert home.run("stats", "--json").json == {"days": 30, "agents": [], "mailboxes": []}
    other = sandbox.make_key("second", "send", "read")
    good, bad = sandbox.draft("Dear Anna, fine."), sandbox.draft("Dear Anna, no.")
    body = {"to": ["anna@customer.example"], "subject": "Hello", "markdown": "Hello Anna"}
    path = f"/v1/mailboxes/{sandbox.mailbox}/send"
    third = str(sandbox.call("POST", path, key="second", json=body)["id"])
    sandbox.wait_for(third, "pending_send_approval")
    for draft, act in ((good, "approve"), (bad, "reject"), (third, "reject")):
        digest = home.run("pending", "show", draft, "--json").json["digest"]
        more = ("--reason", "wrong name") if act == "reject" else ()
        assert home.run("pending", act, draft, "--digest", digest, *more).status == 0
    reported = home.run("stats", "--json").json
    assert set(reported) == set(json_fields.OUTPUTS["stats"])
    first, second = reported["agents"]
    assert (first["drafts"], first["approved_as_written"], first["edited"], first["rejected"]) == (2, 1, 0, 1)
    assert first["reasons"] == {"wrong name": 1} and first["median_wait_seconds"] is not None
    assert first["by_day"][-1] == [1, 1] and sum(map(sum, first["by_day"])) == 2
    assert (second["key"], second["drafts"], second["rejected"]) == (other, 1, 1)
    assert first["key"] not in (None, other)
    said = home.run("stats").out
    assert f"{other}: 1 decided, 0 as written, 0 edited, 1 rejected, median wait" in said
    assert "  rejected: wrong name 1" in said
    # The last of thirty days has the whole height.
    assert "  not as written |" + " " * 29 + "█| 30 days, busiest day 1" in said


def test_without_the_audit_log_no_agent_is_known_and_a_note_says_why(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, {"oversight": sandbox.keys["oversight"]})
    draft = sandbox.draft()
    approve(home, draft, digest_of(home, draft))
    done = home.run("stats", status=0)
    assert done.out.startswith("unknown key: 1 decided") and "read with an admin_key" in done.err


def made(number: int, outcome: str, at: datetime, **more: Any) -> Decided:
    return Decided("mb1", at, outcome, False, 60.0 * number, email_id=f"E{number}", **more)


def test_reasons_and_flags_are_counted_cleaned_and_bounded(database: Database) -> None:
    audit = AuditStore(database)
    audit.add(
        AuditEntry(
            id=f"A{number}", action=OneLine(action), resource_id=OneLine(f"E{number}"), actor_key_id=OneLine(key)
        )
        for number, action, key in (
            (1, "email.submitted", "key-a"),
            (2, "send_email", "key-a"),
            (3, "opened", "key-b"),
        )
    )
    decided = [
        made(1, "approved", NOW, flags=("promise",)),
        made(2, "rejected", NOW, reason="Wrong\x1b[2J tone", flags=("promise", "amount")),
        made(3, "edit_released", NOW - timedelta(days=1)),
        Decided("mb1", NOW, "approved", True, None),
        *(made(number, "rejected", NOW, reason=f"reason {number}") for number in range(10, 40)),
    ]
    unknown, known = by_agent(decided, audit)
    assert (unknown.key_id, len(unknown.decided), unknown.edited) == ("", 31, 1)
    assert len(unknown.reasons) == MOST_REASONS
    assert known.key_id == "key-a" and known.flags == [("promise", 2), ("amount", 1)]
    assert known.reasons == [("Wrong tone", 1)] and known.seconds == 90.0
    days = unknown.days(NOW)
    assert (days[-1], days[-2]) == ((0, 30), (0, 1))
