"""What goes wrong when a command decides or reads: each fault has its exit status and its words."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mm_tui.commands.output.exits import Exit
from mm_tui.store.mail.pending import PendingStore
from tests.support.cli import Home
from tests.support.cli_review import approve, digest_of, rows_of
from tests.support.sandbox import Sandbox, running_sandbox


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
        connection.execute("UPDATE pending SET model = '[' || model, received_at = 'soon'")
    assert "store.records: a row of pending cannot be read" in home.run("doctor").out
    listed = home.run("pending", "list", status=0)
    assert draft_id in listed.out and f"the waiting email {draft_id} is damaged" in listed.err
    again = home.run("pending", "list", status=0)
    assert draft_id in again.out and "damaged" not in again.err, "it costs only itself"
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
