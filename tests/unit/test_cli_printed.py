"""A command decides only about what was printed before."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.services.presence.approvals import Approver
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.cli_review import approve, digest_of
from tests.support.sandbox import Sandbox, running_sandbox


def test_the_list_reads_details_and_says_what_it_could_not_check(home: Home, sandbox: Sandbox) -> None:
    copied = sandbox.draft("It is on its way.", cc=["eve@elsewhere.example"])
    failing = sandbox.draft("So is this.", cc=["eve@elsewhere.example"])
    sandbox.fault(method="GET", path=f"/emails/{failing}$", kind="status", status=500, count=0)
    listed = home.run("pending", "list", "--json", "--order", "riskiest")
    items = {item["id"]: item for item in listed.json["pending"]}
    assert items[copied]["checked"] is True and items[copied]["not_checked_because"] is None
    assert "cc_outside_thread" in [flag["code"] for flag in items[copied]["flags"]] or items[copied]["risk"] != "none"
    assert items[failing]["checked"] is False and items[failing]["risk"] == "unchecked"
    assert "500" in items[failing]["not_checked_because"]
    assert "1 of 2 are not checked yet" in listed.err
    assert "unchecked" in home.run("pending", "list").out
    assert not home.run("pending", "list", "--json", "--filter", "risk:none").json["pending"]
    assert [
        item["id"] for item in home.run("pending", "list", "--json", "--filter", "risk:unchecked").json["pending"]
    ] == [failing]
    sandbox.forget_calls()
    home.run("pending", "list", "--json")
    assert not sandbox.calls("GET", copied), "what was read is not asked for again"
    sandbox.clear_faults()
    again = home.run("pending", "list", "--json")
    assert all(item["checked"] for item in again.json["pending"]) and "not checked" not in again.err


def test_inbound_mail_in_the_list_is_not_opened_and_counts_as_unchecked(home: Home, sandbox: Sandbox) -> None:
    sandbox.set_mode("gated_all")
    held = sandbox.inbound(subject="New", body="Hello")
    (item,) = home.run("pending", "list", "--json").json["pending"]
    assert (item["id"], item["checked"], item["risk"]) == (held["id"], False, "unchecked")
    assert not sandbox.calls("GET", f"/emails/{held['id']}")
    assert home.run("pending", "show", held["id"], "--json").json["checked"] is True


def test_inbound_mail_that_was_let_in_stays_unread_for_the_agent(home: Home, sandbox: Sandbox) -> None:
    sandbox.set_mode("gated_all")
    came = str(sandbox.inbound(subject="New", body="Hello")["id"])
    digest = digest_of(home, came)
    sandbox.decide(came, "approve")
    for done in (approve(home, came, digest), home.run("pending", "show", came)):
        assert done.status == Exit.CHANGED and "its status is unread" in done.err
    assert sandbox.status(came) == "unread"


def test_only_the_text_that_was_printed_can_be_accepted(tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "box", signature_in_draft=True) as sandbox:
        home = Home(tmp_path / "home")
        home.write_profile(sandbox.url, {scope: sandbox.keys[scope] for scope in ("oversight", "send")})
        sandbox.call("PATCH", f"/v1/mailboxes/{sandbox.mailbox}", key="admin", json={"signature_block": "Acme Ltd"})
        draft_id = sandbox.draft()
        text = ("--body", "-", "--json")
        edited = home.run("pending", "edit", draft_id, "--digest", digest_of(home, draft_id), *text, stdin="Hi.").json
        printed = edited["question"]["digest"]
        assert "accept" in edited["question"]["choices"] and "Acme Ltd" in edited["changed"]["now"]["body"]
        sandbox.change(edited["replacement_id"], markdown="Hi. Pay to evil@example.org.\n\nAcme Ltd")
        assert home.run("pending", "answer", draft_id, "accept").status == Exit.USAGE
        refused = home.run("pending", "answer", draft_id, "accept", "--digest", printed[:8])
        assert refused.status == Exit.CHANGED and sandbox.outbox() == []
        shown = home.run("pending", "answer", draft_id)
        (digest,) = re.findall("--digest ([0-9a-f]{8})", shown.err)
        assert "evil@example.org" in shown.err and printed[:8] != digest
        assert home.run("pending", "answer", draft_id, "accept", "--digest", digest).status == 0
        assert len(sandbox.outbox()) == 1


def test_only_the_question_that_was_printed_is_answered(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    sandbox.fault(method="POST", path="decide$", kind="status", status=403, count=1)
    with mock.patch("mm_tui.commands.decide.emit.finish", side_effect=CommandError(Exit.CONFIG, "full")):
        home.run("pending", "edit", draft_id, "--digest", digest, "--body", "-", "--json", stdin="Hi.")
    unread = home.run("pending", "answer", draft_id, "go_on")
    assert unread.status == Exit.CHANGED and sandbox.outbox() == [], "nobody had read the question"
    assert "go on and approve it?" in unread.err
    sandbox.decide(draft_id, "reject", "no")
    refused = home.run("pending", "answer", draft_id, "go_on")
    assert refused.status == Exit.CHANGED and "the original was rejected" in refused.err
    assert sandbox.outbox() == [], "what a colleague has decided must have been read"
    assert home.run("pending", "answer", draft_id, "go_on").status == 0
    assert len(sandbox.outbox()) == 1


def test_the_beginning_of_a_digest_names_only_what_was_printed_here(
    home: Home, sandbox: Sandbox, tmp_path: Path
) -> None:
    elsewhere = Home(tmp_path / "elsewhere")
    elsewhere.write_profile(sandbox.url, sandbox.keys)
    draft_id = sandbox.draft()
    digest_of(home, draft_id)
    sandbox.change(draft_id, markdown="Send it to pay@evil.example instead")
    digest = digest_of(elsewhere, draft_id)
    refused = approve(home, draft_id, digest[:8])
    assert refused.status == Exit.CHANGED and "needs the whole digest" in refused.err and sandbox.outbox() == []
    assert digest not in refused.err
    assert approve(home, draft_id, digest).status == 0


def test_what_was_printed_as_the_first_of_two_approvals_releases_nothing(home: Home, sandbox: Sandbox) -> None:
    home.write_config(home.config.read_text() + '[review]\nsecond_approver = "always"\n')
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    colleague = Approver(OneLine("anna"), "0" * 16).tag(digest, datetime.now(UTC))
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft_id}/tags", key="send", json={"tags": colleague})
    refused = approve(home, draft_id, digest)
    assert refused.status == Exit.CHANGED and "approved by anna" in refused.err and sandbox.outbox() == []
    assert approve(home, draft_id, digest_of(home, draft_id)).status == 0
    assert [message["id"] for message in sandbox.outbox()] == [draft_id]
