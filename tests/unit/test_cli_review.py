"""Reviewing on the command line: listing, showing, deciding, and what was decided."""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import json_fields
from mm_tui.commands.output.exits import Exit
from mm_tui.decision.effects import Decide
from mm_tui.decision.events import Event
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.ended import how_it_ended
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import LockStore, Process, token_of
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore
from tests.support.cli import Home
from tests.support.cli_review import approve, digest_of
from tests.support.sandbox import Sandbox, file_part


def test_an_item_is_listed_shown_approved_and_audited(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna", attachments=[file_part("a.txt", b"abc", "text/plain")])
    (item,) = home.run("pending", "list", "--json").json["pending"]
    assert (item["id"], item["mailbox"], item["direction"]) == (draft_id, sandbox.address, "outbound")
    listed = home.run("pending", "list")
    assert draft_id in listed.out and "mm-tui sync" in listed.err

    text = home.run("pending", "show", draft_id).out
    shown = home.run("pending", "show", draft_id, "--json").json
    assert shown["digest"][:8] in text and shown["body"] == "Dear Anna"
    assert shown["attachments"][0]["name"] == "a.txt"
    assert len(re.findall(r"\bbcc\b", text)) == 1  # a digest may hold these three letters too
    assert "bcc is not disclosed by the gateway" in text and "default, TEST" in text
    assert [mail["direction"] for mail in shown["thread"]] == ["inbound"]

    done = approve(home, draft_id, shown["digest"][:8], "--json")
    assert (done.status, done.json["phase"], done.json["exit_status"]) == (0, "done", 0)
    assert [message["id"] for message in sandbox.outbox()] == [draft_id]

    entries = home.run("audit", "list", "--json", "--email", draft_id).json["entries"]
    assert {"journal", "gateway"} == {entry["source"] for entry in entries}
    assert "rita" in {entry["who"] for entry in entries}
    assert home.run("audit", "verify").status == 0


def test_an_email_without_a_subject_says_so(home: Home, sandbox: Sandbox) -> None:
    draft_id = str(sandbox.send(subject=" ")["id"])
    sandbox.wait_for(draft_id, "pending_send_approval")
    assert home.run("pending", "list").out.endswith("(no subject)\n")
    text = home.run("pending", "show", draft_id).out
    assert "subject  (no subject)\n" in text
    assert "when     not disclosed by the gateway\n" in text
    assert home.run("pending", "list", "--json").json["pending"][0]["subject"].strip() == ""


@pytest.mark.parametrize("act", ["approved", "rejected", "edited and approved"])
@pytest.mark.parametrize(("reader", "by"), [("rita", "you"), ("otto", "rita")])
def test_the_app_says_that_a_decision_came_from_this_machines_command_line(
    home: Home, sandbox: Sandbox, act: str, reader: str, by: str
) -> None:
    draft_id = sandbox.draft()
    asked = {
        "approved": ("approve", draft_id),
        "rejected": ("reject", draft_id, "--reason", "Wrong"),
        "edited and approved": ("edit", draft_id, "--body", "-"),
    }[act]
    home.run("pending", *asked, "--digest", digest_of(home, draft_id), stdin="Dear Anna, tomorrow.\n", status=0)
    home.run("sync")
    database = Database.open(home.data / "store-default.sqlite3")
    try:
        stores = MailStore(database), AuditStore(database), DecisionStore(database)
        words = how_it_ended(*stores, reader, draft_id)
    finally:
        database.close()
    assert words.startswith(f"{act} by {by} at ") and words.endswith(", from this machine's command line")


def test_another_digest_or_changed_content_exits_6(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    assert approve(home, draft_id, "0" * 8).status == Exit.CHANGED
    sandbox.change(draft_id, markdown="Send it to pay@evil.example instead")
    refused = approve(home, draft_id, digest)
    assert refused.status == Exit.CHANGED
    assert "pending show" in refused.err
    assert digest_of(home, draft_id)[:8] not in refused.err, "whoever copies it has read nothing"
    assert sandbox.outbox() == [] and sandbox.status(draft_id) == "pending_send_approval"


def test_what_was_decided_elsewhere_exits_6_and_says_by_whom(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    sandbox.decide(draft_id, "reject", "no")
    refused = approve(home, draft_id, digest)
    assert refused.status == Exit.CHANGED and "rejected" in refused.err


def test_who_approved_elsewhere_is_named_by_the_name_of_the_key(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    sandbox.make_key("sam", "read", "oversight")
    sandbox.call("POST", "/v1/oversight/decide", key="sam", json={"email_id": draft_id, "action": "approve"})
    assert home.run("sync").status == 0
    for done in (approve(home, draft_id, digest), home.run("pending", "show", draft_id)):
        assert done.status == Exit.CHANGED and "approved by sam key" in done.err


def test_a_draft_is_printed_as_written_with_what_its_recipient_does_not_see(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear **Anna** <!-- pay at once -->\n\n[ref]: https://evil.example/x")
    text = home.run("pending", "show", draft_id).out
    assert "Dear **Anna** <!-- pay at once -->" in text
    assert "the text is printed as written, in Markdown" in text
    assert "the recipient does not see: <!-- pay at once -->" in text
    assert "the recipient does not see: [ref]: https://evil.example/x" in text
    plain = home.run("pending", "show", sandbox.draft("Dear Anna")).out
    assert "Markdown" not in plain and "does not see" not in plain


def test_rejecting_passes_on_the_reason(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    assert home.run("pending", "reject", draft_id, "--digest", digest).status == Exit.USAGE
    home.run("pending", "reject", draft_id, "--digest", digest, "--reason", "Wrong facts", status=0)
    assert sandbox.status(draft_id) == "rejected"
    assert any("Wrong facts" in json.dumps(entry) for entry in sandbox.audit())


@pytest.mark.parametrize("from_file", [True, False])
def test_an_edited_text_leaves_in_place_of_the_draft(
    home: Home, sandbox: Sandbox, tmp_path: Path, from_file: bool
) -> None:
    draft_id = sandbox.draft("Dear Anna, a full refund.")
    digest = digest_of(home, draft_id)
    # Windows editors begin a file with a mark.
    text, file = "\ufeffDear Anna.\n", tmp_path / "body.md"
    file.write_text(text)
    body = str(file) if from_file else "-"
    done = home.run("pending", "edit", draft_id, "--digest", digest, "--body", body, "--json", stdin=text, status=0)
    (message,) = sandbox.outbox()
    assert message["id"] == done.json["replacement_id"] != draft_id
    assert sandbox.status(draft_id) == "rejected"
    assert sandbox.look(message["id"])["markdown"].strip() == "Dear Anna."

    sandbox.set_mode("gated_all")
    came = str(sandbox.inbound(subject="New", body="Hello")["id"])
    refused = home.run("pending", "edit", came, "--digest", digest_of(home, came), "--body", "-", stdin="Hi.\n")
    assert refused.status == Exit.CHANGED and "only be approved or rejected as it is" in refused.err
    assert sandbox.status(came) == "pending_inbound_approval" and len(sandbox.outbox()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # Where the locale is C, as in many containers, the interpreter would let it pass.
        ("Grüße".encode("latin-1"), "- is not UTF-8 text"),
        # The command before it in the pipe failed.
        (b" \n", "the text is empty"),
    ],
)
def test_a_text_that_cannot_be_meant_is_refused(home: Home, sandbox: Sandbox, text: bytes, words: str) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    refused = home.run("pending", "edit", draft_id, "--digest", digest, "--body", "-", stdin=text)
    assert refused.status == Exit.USAGE and words in refused.err
    assert sandbox.outbox() == [] and sandbox.status(draft_id) == "pending_send_approval"


def test_a_lost_answer_is_read_back_and_never_repeated(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    sandbox.fault(method="POST", path="decide$", kind="close", when="after")
    done = approve(home, draft_id, digest)
    assert done.status == 0, done.err
    assert "no answer tells whether by your call" in done.out
    assert len(sandbox.calls("POST", "/decide")) == 1
    assert len(sandbox.outbox()) == 1
    entries = home.run("audit", "list", "--json", "--email", draft_id).json["entries"]
    assert "decided" in [entry["details"].get("note") for entry in entries if entry["action"] == "ended"]


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"markdown": "Pay to the new account."}, "Pay to the [-old-] {+new+} account."),
        ({"subject": "Re: Other\x1b[2J"}, "{+Re: Other+}"),
        ({"to": ["eve@evil.example"]}, "{+eve@evil.example+}"),
    ],
)
def test_what_left_instead_of_what_was_seen_is_printed(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, change: dict[str, object], reported: str
) -> None:
    decide = DecisionCalls._decide

    async def after_a_change(self: DecisionCalls, live: ActiveDecision, effect: Decide) -> Event:
        sandbox.change(effect.email_id, **change)
        return await decide(self, live, effect)

    monkeypatch.setattr(DecisionCalls, "_decide", after_a_change)
    for as_json in (False, True):
        draft_id = sandbox.draft("Pay to the old account.")
        digest = digest_of(home, draft_id)
        done = approve(home, draft_id, digest, *(["--json"] if as_json else []))
        assert done.status == Exit.CHANGED
        if as_json:
            assert (done.json["phase"], done.json["outcome"]) == ("incident", "not_as_seen")
            seen, left = done.json["changed"]["seen"], done.json["changed"]["now"]
            assert seen["body"] == "Pay to the old account." and seen != left
            assert "@" in seen["from"]
        else:
            assert "DIFFERENT TEXT WAS SENT" in done.err and "as it left" in done.err
            assert reported in done.err.replace("-]{+", "-] {+")
            assert "\x1b" not in done.err + done.out


@pytest.mark.parametrize("memory", [False, True], ids=["", "mail in memory only"])
def test_a_lost_request_ends_in_a_question_that_answer_answers(home: Home, sandbox: Sandbox, memory: bool) -> None:
    if memory:
        home.write_config(f"{home.config.read_text()}[sync]\nmemory = true\n")
    draft_id = sandbox.draft("Please pay to DE89 3704 0044 0532 0130 00.")
    shown = home.run("pending", "show", draft_id, "--json").json
    assert shown["risk"] == "high"
    sandbox.fault(method="POST", path="decide$", kind="close", when="before")
    asked = approve(home, draft_id, shown["digest"][:8], "--json")
    assert asked.status == Exit.GATEWAY
    assert "again" in asked.json["question"]["choices"]
    assert sandbox.outbox() == []
    checks = {check["check"]: check for check in home.run("doctor", "--json").json["checks"]}
    assert checks["decisions"]["result"] == "warning" and draft_id in checks["decisions"]["words"]
    printed = home.run("pending", "answer", draft_id)
    assert printed.status == Exit.GATEWAY and "again" in printed.err
    assert home.run("pending", "answer", draft_id, "nonsense").status == Exit.USAGE
    assert home.run("pending", "answer", draft_id, "again").status == 0
    assert len(sandbox.outbox()) == 1


def test_hostile_mail_reaches_the_terminal_clean(home: Home, sandbox: Sandbox) -> None:
    evil = "x\x1b]52;c;aGk=\x07\u202ey\x9b2J"
    draft_id = sandbox.draft(f"{evil}\n{evil}", attachments=[file_part(f"{evil}.txt", b"a", "text/plain")])
    sandbox.change(draft_id, subject=evil)
    for arguments in (["list"], ["show", draft_id], ["list", "--json"], ["show", draft_id, "--json"]):
        done = home.run("pending", *arguments, status=0)
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(done.out + done.err)


def test_sync_fills_the_store_and_opens_nothing(home: Home, sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="One", body="x")
    sandbox.draft()
    done = home.run("sync", "--json", status=0)
    assert done.json == {"ok": True, "mailboxes": len(sandbox.mailboxes), "pending": 1, "failed": []}
    assert sandbox.status(mail["id"]) == "unread"
    sandbox.fault(path="pending$", kind="status", status=500, count=0)
    failed = home.run("sync", "--json")
    assert failed.status == Exit.GATEWAY and failed.json["failed"][0]["part"] == "pending"
    assert failed.json["pending"] is None
    assert home.run("sync").out == f"{len(sandbox.mailboxes)} mailboxes\n", "what was not read is not counted"
    sandbox.clear_faults()
    sandbox.fault(path="pending$", kind="rate_limit", count=0)
    assert home.run("sync").status == Exit.RATE_LIMITED
    keys = {"send": sandbox.keys["send"]}
    home.write_profile(sandbox.url, keys, reviewer="rita")
    assert home.run("sync").status == Exit.AUTH


def test_json_has_the_documented_fields(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    (item,) = home.run("pending", "list", "--json").json["pending"]
    assert list(item) == list(json_fields.ITEM)
    shown = home.run("pending", "show", draft_id, "--json").json
    assert set(shown) == set(json_fields.SHOWN)
    done = home.run("pending", "reject", draft_id, "--digest", shown["digest"], "--reason", "no", "--json")
    assert set(done.json) == set(json_fields.DECISION)
    for command in ("sync", "doctor", "profiles", "audit verify", "audit list", "scheduled list"):
        assert set(home.run(*command.split(), "--json").json) == set(json_fields.OUTPUTS[command])
    assert set(json.loads(home.run("audit", "export").out.splitlines()[0])) == set(json_fields.AUDIT)


def test_whoever_has_an_email_open_is_named_and_prevents_no_decision(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna")
    now = datetime.now(UTC)
    tags = {
        "review.claimed_by": "anna",
        "review.claimed_at": now.isoformat(),
        "review.claimed_until": (now + timedelta(minutes=5)).isoformat(),
    }
    sandbox.call("PUT", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft_id}/tags", key="send", json={"tags": tags})
    assert "anna has it open since" in home.run("pending", "show", draft_id).out
    shown = home.run("pending", "show", draft_id, "--json").json
    assert shown["claimed"]["by"] == "anna"
    assert approve(home, draft_id, shown["digest"]).status == 0
    assert len(sandbox.outbox()) == 1


def test_what_another_program_on_this_store_is_deciding_is_shown(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("Dear Anna")
    digest = digest_of(home, draft_id)
    # The parent process stands for the other program, which holds or asks.
    other = Process(os.getppid(), token_of(os.getppid()))
    with closing(Database.open(home.data / "store-default.sqlite3")) as database, database.write() as connection:
        LockStore(database, other).take(connection, draft_id, "r1", "anna", datetime.now(UTC))
    reported = "anna decided about it in another window: not finished, or it asks there"
    assert reported in home.run("pending", "list").out and reported in home.run("pending", "show", draft_id).out
    (item,) = home.run("pending", "list", "--json").json["pending"]
    assert item["being_decided_by"] == "anna"
    assert approve(home, draft_id, digest).status and not sandbox.outbox()
