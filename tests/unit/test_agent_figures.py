"""Figures for each agent, by the key that composed the draft, from the journal and the gateway's log."""

from __future__ import annotations

from pathlib import Path

from mm_tui.commands.output import fields
from tests.support.cli import Home
from tests.support.sandbox import running_sandbox


def test_each_agents_drafts_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        home = Home(tmp_path / "home")
        home.write_profile(
            sandbox.url, {name: sandbox.keys[name] for name in ("oversight", "send", "admin")}, reviewer="robin"
        )
        assert home.run("stats", "--json").json == {"days": 30, "agents": []}
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
        told = home.run("stats", "--json").json
        assert set(told) == set(fields.OUTPUTS["stats"])
        first, second = told["agents"]
        assert (first["drafts"], first["approved_as_written"], first["edited"], first["rejected"]) == (2, 1, 0, 1)
        assert first["reasons"] == {"wrong name": 1} and first["median_wait_seconds"] is not None
        assert first["by_day"][-1] == [1, 1] and sum(map(sum, first["by_day"])) == 2
        assert (second["key"], second["drafts"], second["rejected"]) == (other, 1, 1)
        assert first["key"] not in (None, other)
        assert "1 as written" in home.run("stats").out
