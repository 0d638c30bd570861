"""The command line's twin of the screens, against a real sandbox: every exit status has a case that causes it."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from bench import json_fields
from mm_tui.commands.output.exits import CommandError, Exit
from mm_tui.decision.effects import Decide
from mm_tui.decision.events import Event
from mm_tui.services.decisions.calls import DecisionCalls
from mm_tui.services.decisions.ended import how_it_ended
from mm_tui.services.decisions.record import ActiveDecision
from mm_tui.services.presence.approvals import Approver
from mm_tui.store.audit.entries import AuditStore
from mm_tui.store.database import Database
from mm_tui.store.decisions.locks import LockStore, Process, token_of
from mm_tui.store.decisions.records import DecisionStore
from mm_tui.store.mail.mails import MailStore
from mm_tui.store.mail.pending import PendingStore
from mm_tui.text import OneLine
from tests.support.cli import Done, Home
from tests.support.sandbox import Sandbox, file_part, running_sandbox


def digest_of(home: Home, email_id: str) -> str:
    shown = home.run("pending", "show", email_id, "--json", status=0)
    return str(shown.json["digest"])


def approve(home: Home, email_id: str, digest: str, *more: str) -> Done:
    return home.run("pending", "approve", email_id, "--digest", digest, *more)


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


def test_an_unknown_mail_exits_3(home: Home) -> None:
    assert approve(home, "01NOSUCHMAIL", "0" * 8).status == Exit.NOT_FOUND
    assert home.run("pending", "show", "01NOSUCHMAIL").status == Exit.NOT_FOUND
    assert home.run("pending", "list", "--mailbox", "nobody@x.example").status == Exit.NOT_FOUND
    assert home.run("pending", "answer", "01NOSUCHMAIL").status == Exit.NOT_FOUND


def test_an_outcome_is_shown_although_the_store_can_no_longer_be_written(
    home: Home, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    monkeypatch.setattr(PendingStore, "remove", full)
    done = approve(home, draft_id, digest)
    assert done.status == 0 and "approved" in done.out and "database or disk is full" in done.err
    assert [message["id"] for message in sandbox.outbox()] == [draft_id]


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


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "status", "status": 401}, Exit.AUTH),
        ({"kind": "status", "status": 403}, Exit.AUTH),
        ({"kind": "status", "status": 500}, Exit.GATEWAY),
        ({"kind": "malformed"}, Exit.GATEWAY),
        ({"kind": "close"}, Exit.GATEWAY),
        ({"kind": "rate_limit"}, Exit.RATE_LIMITED),
        ({"kind": "quota"}, Exit.RATE_LIMITED),
        ({"kind": "warmup"}, Exit.RATE_LIMITED),
    ],
)
def test_each_failure_of_the_gateway_has_its_status(
    home: Home, sandbox: Sandbox, fault: dict[str, object], status: Exit
) -> None:
    sandbox.fault(path="pending$", **fault)
    done = home.run("pending", "list", status=status)
    assert done.out == "" and len(done.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [({"kind": "status", "status": 403}, Exit.AUTH), ({"kind": "rate_limit"}, Exit.RATE_LIMITED)],
)
def test_a_decision_that_the_gateway_refuses_says_by_its_status_why(
    home: Home, sandbox: Sandbox, fault: dict[str, object], status: Exit
) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    sandbox.fault(method="POST", path="decide$", **fault)
    assert approve(home, draft_id, digest).status == status
    assert sandbox.status(draft_id) == "pending_send_approval"


def test_a_decision_that_takes_too_long_ends_as_unknown(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    digest = digest_of(home, draft_id)
    sandbox.fault(method="POST", path="decide$", kind="close", when="after")
    sandbox.fault(method="GET", path=f"emails/{draft_id}$", kind="status", status=503, nth=3, count=0)
    done = approve(home, draft_id, digest, "--wait", "2", "--json")
    assert (done.status, done.json["phase"]) == (Exit.GATEWAY, "unknown")
    sandbox.clear_faults()
    assert home.run("pending", "answer", draft_id).status == 0
    assert len(sandbox.calls("POST", "/decide")) == 1


def test_a_thread_that_cannot_be_read_is_left_out(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    sandbox.fault(path="/threads/", kind="status", status=500)
    done = home.run("pending", "show", draft_id)
    assert done.status == 0 and "not all of the thread" in done.err and "digest" in done.out
    assert "It has not come." in home.run("pending", "show", draft_id, "--thread").out


def test_missing_keys_exit_4(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, {"send": sandbox.keys["send"]})
    done = home.run("pending", "list")
    assert done.status == Exit.AUTH and "oversight_key" in done.err
    home.write_profile(sandbox.url, {**sandbox.keys, "oversight": "mm_test_wrong"})
    done = home.run("pending", "list", status=Exit.AUTH)
    assert "oversight key is wrong" in done.err and "`mm-tui init --replace --profile default`" in done.err


def test_an_unreachable_gateway_exits_5(home: Home, sandbox: Sandbox) -> None:
    home.write_profile("http://127.0.0.1:9", sandbox.keys)
    assert home.run("pending", "list").status == Exit.GATEWAY


def test_mixed_keys_are_pointed_out(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, {**sandbox.keys, "admin": "mm_live_made_up"})
    assert "are mixed in this profile" in home.run("pending", "list").err


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


def test_the_audit_is_exported_whole(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    draft_id = sandbox.draft()
    home.run("pending", "reject", draft_id, "--digest", digest_of(home, draft_id), "--reason", "=cmd()")
    target = tmp_path / "out.csv"
    assert home.run("audit", "export", str(target)).status == 0
    assert target.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert {"journal", "gateway"} == {row["source"] for row in rows}
    assert not any(cell.startswith("=") for row in rows for cell in row.values())
    assert home.run("audit", "export", "--output", str(tmp_path / "named as before.jsonl")).status == 0
    assert home.run("audit", "export", str(target)).status == Exit.USAGE
    assert home.run("audit", "export", str(target), "--output", str(target)).status == Exit.USAGE
    assert home.run("audit", "export", "--format", "jsonl", str(tmp_path / "b.csv")).status == Exit.USAGE
    assert home.run("audit", "export", "--format", "csv").out.splitlines() == target.read_text().splitlines()
    lines = home.run("audit", "export").out.splitlines()
    assert len(lines) == len(rows) and all(json.loads(line)["at"] for line in lines)
    assert len(home.run("audit", "list", "--limit", "2").out.splitlines()) == 2
    lines = home.run("audit", "list", "--json").json["entries"]
    who, action = lines[-1]["who"], lines[-1]["action"]
    assert home.run("audit", "list", "--json", "--by", who, "--action", action).json["entries"]
    assert "No line matches." in home.run("audit", "list", "--by", "nobody").err


def test_without_an_admin_key_the_journal_is_shown_and_said(home: Home, sandbox: Sandbox) -> None:
    home.write_profile(sandbox.url, {"oversight": sandbox.keys["oversight"]})
    done = home.run("audit", "list")
    assert done.status == 0 and "needs an admin_key" in done.err
    assert home.run("audit", "list", "--source", "gateway").status == Exit.AUTH


def test_a_changed_journal_exits_6(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    approve(home, draft_id, digest_of(home, draft_id))
    whole = home.run("audit", "verify", "--json").json
    assert whole["ok"] and whole["entries"] > 0
    with sqlite3.connect(home.data / "store-default.sqlite3") as connection:
        connection.execute("DROP TRIGGER journal_is_never_shortened")
        connection.execute("DELETE FROM journal WHERE number = (SELECT max(number) FROM journal)")
    assert home.run("audit", "verify").status == Exit.CHANGED, "the head beside the store tells of the cut end"
    (home.data / "store-default.sqlite3.head").unlink()
    assert home.run("audit", "verify").status == 0, "without any head a cut end is not found"
    cut = home.run("audit", "verify", "--head", whole["head"], "--json")
    assert cut.status == Exit.CHANGED and cut.json["first_bad"] == whole["entries"]
    assert home.run("audit", "verify", "--head", "nonsense").status == Exit.USAGE


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


def test_a_damaged_store_is_set_aside_and_said(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft()
    home.data.mkdir(mode=0o700)
    store = home.data / "store-default.sqlite3"
    store.write_bytes(b"no database" * 1000)
    assert home.run("audit", "verify").status == Exit.CONFIG
    done = home.run("pending", "list")
    assert done.status == 0 and draft_id in done.out and "was damaged" in done.err
    assert len(list(home.data.glob("*damaged*"))) == 1
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE pending SET model = '[' || model")
    listed = home.run("pending", "list", status=0)
    assert draft_id in listed.out and f"the waiting email {draft_id} is damaged" in listed.err
    again = home.run("pending", "list", status=0)
    assert draft_id in again.out and "damaged" not in again.err
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("INSERT INTO journal VALUES (1, CAST(x'7bff' AS TEXT), 'x')")
    assert "a row of journal cannot be read" in home.run("doctor").out
    assert "was damaged" in home.run("pending", "list").err, "doctor said that it would be rebuilt"


def test_nothing_private_is_logged(home: Home, sandbox: Sandbox) -> None:
    draft_id = sandbox.draft("A secret sentence for anna@customer.example")
    digest = digest_of(home, draft_id)
    done = home.run(
        "--debug", "pending", "reject", draft_id, "--digest", digest, "--reason", "because of anna@customer.example"
    )
    log = (home.data / "logs" / "mm-tui.log").read_text()
    assert '"event": "request"' in done.err
    assert "anna@" not in done.err and not any(key in done.err for key in sandbox.keys.values())
    assert "GET /v1/oversight/pending" in log
    assert '"event": "request"' in log
    assert (home.data / "logs" / "mm-tui.log").stat().st_mode & 0o777 == 0o600
    for private in ("secret sentence", "anna@", *sandbox.keys.values()):
        assert private not in log
    assert all(json.loads(line)["at"] for line in log.splitlines())


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


def copy_of(store: Path, target: Path) -> Path:
    with closing(sqlite3.connect(store)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target


def rows_of(store: Path) -> list[str]:
    with closing(sqlite3.connect(store)) as connection:
        # The table of words gives no rows itself; those that keep it are among the others.
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        ).fetchall()
        return [f"{name}: {row}" for (name,) in tables for row in connection.execute(f"SELECT * FROM {name}")]


def test_an_older_store_decides_nothing_until_a_human_accepts_it(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    first, second, third = sandbox.draft(), sandbox.draft(), sandbox.draft()
    approve(home, first, digest_of(home, first))
    store = home.data / "store-default.sqlite3"
    backup = copy_of(store, tmp_path / "backup")
    approve(home, second, digest_of(home, second))
    for ending in ("-wal", "-shm"):
        Path(f"{store}{ending}").unlink(missing_ok=True)
    backup.replace(store)
    digest = digest_of(home, third)
    refused = home.run("pending", "approve", third, "--digest", digest, status=Exit.CONFIG)
    assert "not the one that was used last" in refused.err and "mm-tui audit accept" in refused.err
    assert len(sandbox.outbox()) == 2
    assert home.run("doctor").out.count("not the one that was used last") == 1
    assert home.run("audit", "verify").status == Exit.CHANGED
    assert home.run("audit", "accept").status == 0
    assert home.run("audit", "accept").out.startswith("the journal is the one")
    approve(home, third, digest)
    assert len(sandbox.outbox()) == 3
    assert home.run("audit", "verify").status == 0


def test_verify_reads_a_copy_that_nobody_can_write_to(home: Home, sandbox: Sandbox, tmp_path: Path) -> None:
    draft_id = sandbox.draft()
    approve(home, draft_id, digest_of(home, draft_id))
    copy = tmp_path / "evidence" / "copy.sqlite3"
    copy.parent.mkdir()
    copy_of(home.data / "store-default.sqlite3", copy)
    copy.chmod(0o400)
    copy.parent.chmod(0o500)
    try:
        done = home.run("audit", "verify", "--store", str(copy), "--json")
        assert done.status == 0 and done.json["entries"] > 0
        assert [path.name for path in copy.parent.iterdir()] == ["copy.sqlite3"]
    finally:
        copy.parent.chmod(0o700)
    assert home.run("audit", "verify", "--store", str(tmp_path / "none")).status == Exit.NOT_FOUND


def test_what_verify_cannot_read_has_the_name_that_the_user_gave(home: Home, tmp_path: Path) -> None:
    home.run("pending", "list", status=0)
    copy = copy_of(home.data / "store-default.sqlite3", tmp_path / "copy.sqlite3")
    for sql in ("CREATE TABLE later (x); PRAGMA user_version = 9999", "DROP TABLE later", "DROP TABLE edits"):
        with closing(sqlite3.connect(copy)) as store:
            store.executescript(sql)
        done = home.run("audit", "verify", "--store", str(copy), status=Exit.CONFIG)
        assert f"{copy} " in done.err and "/mm-tui-" not in done.err


@pytest.mark.parametrize("command", [["sync"], ["pending", "list"], ["doctor"]])
def test_the_store_of_another_gateway_is_left_alone(
    home: Home, sandbox: Sandbox, tmp_path: Path, command: list[str]
) -> None:
    sandbox.draft()
    assert home.run("sync").status == 0
    store = home.data / "store-default.sqlite3"
    with running_sandbox(tmp_path / "other") as other:
        environ = {"MULTIMAIL_API_URL": other.url, "MULTIMAIL_API_KEY": other.keys["oversight"]}
        before = rows_of(store)
        done = home.run(*command, env=environ, status=Exit.CONFIG)
        said = done.err + done.out
        assert sandbox.url in said and other.url in said and "profile of its own" in said
        assert rows_of(store) == before
        assert not other.calls("GET", "/v1/oversight/pending") or command == ["doctor"]


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
