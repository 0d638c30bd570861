"""High risk on the command line: what nobody was shown is not approved, and a terminal asks again."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mm_tui.commands import risk_gate
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.commands.printed import REMEMBERED, Printed, printed, remember
from mm_tui.models import EditedDraft
from mm_tui.review.findings import Finding, Level
from mm_tui.review.risk.model import Assessment
from mm_tui.store.audit.journal import Journal
from mm_tui.store.database import Database
from mm_tui.store.decisions.edits import EditStore, SavedEdit
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.cli import Home
from tests.support.processes import MM_TUI
from tests.support.pty import Terminal
from tests.support.sandbox import Sandbox

RISKY = "Dear Anna, please look here: [https://acme.example](https://evil.example/x)"
CODE = "link_other_host"


def digest_now(sandbox: Sandbox, email_id: str) -> str:
    """The digest as another machine tells it: nothing of it was shown here."""
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = Home(Path(folder))
        elsewhere.write_profile(sandbox.url, sandbox.keys)
        return str(elsewhere.run("pending", "show", email_id, "--json").json["digest"])


def found_in_journal(home: Home, email_id: str) -> str:
    """What the journal says was found in what was decided, and no other entry repeats."""
    with Database.open(home.data / "store-default.sqlite3") as database:
        entries = [entry for entry in Journal(database).entries() if entry.email_id == email_id]
    name = OneLine("found")
    reported = [(entry.kind, entry.details[name]) for entry in entries if name in entry.details]
    assert [kind for kind, _ in reported] == ["held"]
    assert "evil.example" not in str(entries), "codes, never content"
    return str(reported[0][1])


def test_what_nobody_has_seen_is_not_approved(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft(RISKY)
    approve = ("pending", "approve", draft_id, "--digest", digest_now(sandbox, draft_id))
    refused = home.run(*approve, status=Exit.RISK)
    assert f"high risk, {CODE}" in refused.err and f"--accept-risk {CODE}" in refused.err
    assert home.run(*approve, "--accept-risk", "link_userinfo").status == Exit.RISK
    assert sandbox.status(draft_id) == "pending_send_approval" and sandbox.outbox() == []
    with Database.open(home.data / "store-default.sqlite3") as database:
        assert list(Journal(database).entries()) == []
    home.run(*approve, "--accept-risk", CODE, status=Exit.OK)
    assert [message["id"] for message in sandbox.outbox()] == [draft_id]
    assert f"{CODE} (high)" in found_in_journal(home, draft_id)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_was_shown_needs_its_digest_only(home: Home, sandbox: Sandbox, form: tuple[str, ...]) -> None:
    draft_id = sandbox.draft(RISKY)
    shown = home.run("pending", "show", draft_id, *form)
    assert "high" in shown.out and CODE in shown.out
    done = home.run("pending", "approve", draft_id, "--digest", digest_now(sandbox, draft_id)[:8], status=Exit.OK)
    assert f"approved despite high risk, {CODE}" in done.err, "the output of show may have gone nowhere"


def test_below_a_draft_of_high_risk_is_what_approves_it(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft(RISKY)
    shown = home.run("pending", "show", draft_id).out
    digest = digest_now(sandbox, draft_id)[:8]
    assert f"! high risk, {CODE}: " in shown
    below = shown[shown.index("digest   ") :]
    assert f"mm-tui pending approve {draft_id} --digest {digest}\n" in below and f"--accept-risk {CODE}" in below
    calm = home.run("pending", "show", sandbox.draft("Dear Anna, it is on its way.")).out
    assert "pending approve" not in calm


def test_a_risk_that_came_up_since_it_was_shown_is_not_covered(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna, we pay you $5,000.", subject="Hello")
    low = '[risk.levels]\npromise_money = "low"\npayment = "low"\n'
    settings = home.config.read_text()
    home.write_config(settings + low)
    shown = home.run("pending", "show", draft_id, "--json").json
    assert shown["risk"] != "high"
    home.write_config(settings)
    done = home.run("pending", "approve", draft_id, "--digest", shown["digest"])
    assert done.status == Exit.RISK and sandbox.outbox() == []


def test_only_the_last_items_shown_are_remembered(database: Database) -> None:
    for number in range(REMEMBERED + 1):
        remember(database, Printed.RISKS, f"d{number}", [CODE])
    assert printed(database, Printed.RISKS, "d0") == frozenset()
    assert printed(database, Printed.RISKS, "d1") == {CODE}
    remember(database, Printed.RISKS, "d1", [])
    assert printed(database, Printed.RISKS, "d1") == frozenset()


def test_rejecting_needs_no_acceptance(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft(RISKY)
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    assert home.run("pending", "reject", draft_id, "--digest", digest, "--reason", "no").status == Exit.OK


def test_what_is_not_of_high_risk_needs_its_digest_only(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna, it is on its way.")
    shown = home.run("pending", "show", draft_id, "--json").json
    home.run("pending", "approve", draft_id, "--digest", shown["digest"], "--accept-risk", CODE, status=Exit.OK)


def test_a_code_that_no_rule_has_is_a_usage_error(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna")
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    done = home.run("pending", "approve", draft_id, "--digest", digest, "--accept-risk", "link_other_hosts")
    assert done.status == Exit.USAGE and f"Did you mean {CODE}?" in done.err
    assert sandbox.outbox() == []


def test_the_edited_text_is_what_counts_when_it_is_released(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    draft_id = sandbox.draft("Dear Anna")
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    body = tmp_path / "body.md"
    body.write_text(RISKY)
    release = ("pending", "edit", draft_id, "--digest", digest, "--body", str(body))
    assert home.run(*release).status == Exit.RISK
    assert sandbox.status(draft_id) == "pending_send_approval" and sandbox.outbox() == []
    assert home.run(*release, "--accept-risk", CODE).status == Exit.OK
    assert len(sandbox.outbox()) == 1
    assert f"{CODE} (high)" in found_in_journal(home, draft_id), "of the edit, for that is what left"


def test_a_saved_edit_hides_no_risk_of_the_draft(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft(RISKY)
    shown = home.run("pending", "show", draft_id, "--json").json
    with Database.open(home.data / "store-default.sqlite3") as database:
        item = PendingStore(database).get(draft_id)
        assert item is not None and item.received_at is not None
        EditStore(database).save(
            SavedEdit(
                draft_id,
                item.mailbox_id,
                shown["digest"],
                item.raw,
                EditedDraft(("anna@customer.example",), "Re", "Dear Anna"),
                item.received_at,
            )
        )
    again = home.run("pending", "show", draft_id, "--json").json
    assert (again["edited_here"], again["risk"]) == (True, "high")
    (listed,) = home.run("pending", "list", "--json").json["pending"]
    assert listed["risk"] == "high"


@pytest.mark.parametrize(("answer", "status"), [("yes", Exit.OK), ("y", Exit.RISK), ("", Exit.RISK)])
def test_on_a_terminal_it_is_asked(home: Home, sandbox: Sandbox, answer: str, status: Exit) -> None:
    draft_id = sandbox.draft(RISKY)
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    program = [*MM_TUI, "pending", "approve", draft_id, "--digest", digest]
    with Terminal(program, env=home.environment({"TERM": "xterm"}), cols=120) as terminal:
        terminal.wait_for("Type yes:")
        assert f"high risk, {CODE}" in terminal.text
        terminal.send(answer + "\r")
        assert terminal.wait_exit() == status
    assert len(sandbox.outbox()) == (1 if status is Exit.OK else 0)


def test_ctrl_c_at_the_question_decides_nothing(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft(RISKY)
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    program = [*MM_TUI, "pending", "approve", draft_id, "--digest", digest]
    with Terminal(program, env=home.environment({"TERM": "xterm"}), cols=120) as terminal:
        terminal.wait_for("Type yes:")
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == Exit.INTERRUPTED
    assert sandbox.status(draft_id) == "pending_send_approval" and sandbox.outbox() == []


def test_a_risk_of_the_draft_is_not_accepted_for_the_edit(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft(RISKY)
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    text = RISKY.replace("evil.example", "worse.example")
    refused = home.run("pending", "edit", draft_id, "--digest", digest, "--body", "-", stdin=text)
    assert refused.status == Exit.RISK and "worse.example" in refused.err and "pending show" not in refused.err
    assert sandbox.outbox() == []


def test_a_typed_text_is_not_lost_when_the_command_fails(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    home.run("pending", "show", draft_id, status=0)
    program = [*MM_TUI, "pending", "edit", draft_id, "--digest", "00000000", "--body", "-"]
    with Terminal(program, env=home.environment({"TERM": "xterm"}), cols=200) as terminal:
        terminal.send("Dear Anna, at nine.\r")
        terminal.press("ctrl+d")
        terminal.wait_for("your text is in ")
        assert terminal.wait_exit() == Exit.CHANGED
    (kept,) = home.data.glob("mm-tui-text-*")
    assert kept.read_text() == "Dear Anna, at nine.\n" and kept.stat().st_mode & 0o077 == 0


def test_a_terminal_asks_before_what_a_colleague_has_open_is_approved(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna, it is on its way.")
    now = datetime.now(UTC)
    tags = {"review.claimed_by": "anna", "review.claimed_at": now.isoformat()}
    tags["review.claimed_until"] = (now + timedelta(minutes=5)).isoformat()
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft_id}/tags", key="send", json={"tags": tags})
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    program = [*MM_TUI, "pending", "approve", draft_id, "--digest", digest]
    with Terminal(program, env=home.environment({"TERM": "xterm"}), cols=120) as terminal:
        terminal.wait_for("Type yes:")
        assert "anna has it open" in terminal.text
        terminal.send("no\r")
        assert terminal.wait_exit() == Exit.RISK
    assert sandbox.outbox() == []


def test_mail_that_arrived_in_the_thread_since_is_reported(home: Home, sandbox: Sandbox) -> None:
    drafts = [sandbox.draft(), sandbox.draft()]
    parents = {draft: sandbox.look(draft)["in_reply_to"] for draft in drafts}
    sandbox.inbound(in_reply_to=parents[drafts[0]], subject="Re: Where is my order?", body="Hello?")
    digests = [home.run("pending", "show", draft, "--json").json["digest"] for draft in drafts]
    sandbox.inbound(in_reply_to=parents[drafts[1]], subject="Re: Where is my order?", body="It has come.")
    reported = [
        home.run("pending", "approve", draft, "--digest", digest, status=Exit.OK).err
        for draft, digest in zip(drafts, digests, strict=True)
    ]
    assert ["the thread continued" in words for words in reported] == [False, True]


def test_an_edit_that_would_leave_at_once_is_announced(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna")
    sandbox.allow("anna@customer.example")
    digest = home.run("pending", "show", draft_id, "--json").json["digest"]
    done = home.run("pending", "edit", draft_id, "--digest", digest, "--body", "-", stdin="Dear Anna, tomorrow.")
    assert "anna@customer.example: on the mailbox's allowlist" in done.err


async def test_each_code_is_to_be_accepted_once() -> None:
    def finding(code: str, level: Level) -> Finding:
        return Finding(code, level, OneLine("words"))

    found = Assessment((finding(CODE, Level.HIGH), finding(CODE, Level.HIGH), finding("secret", Level.MEDIUM)), ())
    assert risk_gate.to_accept(found) == [CODE]
    with pytest.raises(CommandError) as caught:
        await risk_gate.pass_through("01", found, [], may_ask=False)
    assert caught.value.status is Exit.RISK
    await risk_gate.pass_through("01", found, [CODE], may_ask=False)
    await risk_gate.pass_through("01", found, [], risk_gate.shown(found), may_ask=False)


async def test_a_risk_is_shown_by_its_words_and_a_code_stands_for_what_was_shown() -> None:
    first, second = (Finding(CODE, Level.HIGH, OneLine(f"a link to {host}")) for host in ("x.example", "y.example"))
    other = Finding("secret", Level.HIGH, OneLine("a password"))
    before = risk_gate.shown(Assessment((first,), ()))
    for found, accepted in [((second,), []), ((second,), [CODE]), ((first, second), [CODE]), ((first, other), [CODE])]:
        with pytest.raises(CommandError) as caught:
            await risk_gate.pass_through("01", Assessment(found, ()), accepted, before, may_ask=False)
        assert caught.value.status is Exit.RISK
        # What was shown under the same code is outdated; what was not shown at all may be accepted.
        assert ("--accept-risk" in caught.value.cure) == (other in found)
    await risk_gate.pass_through("01", Assessment((first,), ()), [], before, may_ask=False)
    await risk_gate.pass_through("01", Assessment((first, other), ()), ["secret"], before, may_ask=False)
    # Scripts accept what the digest shows elsewhere.
    await risk_gate.pass_through("01", Assessment((first, second), ()), [CODE], [], may_ask=False)
