"""The sandbox's answers as the newest public sources have them, one by one."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from mm_tui.sandbox.gateway import database
from mm_tui.sandbox.gateway.state import State
from tests.support.sandbox import Sandbox, running_sandbox, wait_until
from tests.support.webhooks import receiving, subscribe


def status_of(sandbox: Sandbox, method: str, path: str, key: str, body: Any = None) -> int:
    headers = {"Authorization": f"Bearer {sandbox.keys[key]}"}
    return sandbox.http.request(method, path, headers=headers, json=body).status_code


def code_of(sandbox: Sandbox) -> str:
    return str(sandbox.operator_mail()[-1]["code"])


def is_date_time(value: object) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


def test_the_allowlist_of_a_mailbox_takes_the_operators_code(sandbox: Sandbox) -> None:
    path = f"/v1/mailboxes/{sandbox.mailbox}/allowlist"
    empty = {"entries": [], "mailbox_id": sandbox.mailbox, "count": 0}
    assert sandbox.call("GET", path, key="oversight") == empty
    wanted = {"pattern": "*@partner.example", "note": "our partner"}
    assert status_of(sandbox, "POST", path, "send", wanted) == 403
    assert status_of(sandbox, "POST", path, "admin", wanted) == 202
    assert sandbox.call("GET", path, key="oversight") == empty, "nothing before the code"
    assert status_of(sandbox, "POST", path, "admin", {**wanted, "approval_code": "0"}) == 403
    made = sandbox.call("POST", path, key="admin", json={**wanted, "approval_code": code_of(sandbox)})
    assert set(made) == {"id", "pattern", "note", "added_at"} and is_date_time(made["added_at"])
    listed = sandbox.call("GET", path, key="oversight")
    assert listed["count"] == 1
    assert set(listed["entries"][0]) == {"id", "pattern", "added_by", "added_at", "note"}
    assert status_of(sandbox, "POST", path, "admin", wanted) == 409
    assert status_of(sandbox, "POST", path, "admin", {"pattern": "no address"}) == 400

    sent = sandbox.send(to=["tom@partner.example"])["id"]
    assert sandbox.wait_for(sent, "sent", "delivered")
    elsewhere = sandbox.send(mailbox=sandbox.mailboxes[1]["id"], to=["tom@partner.example"])["id"]
    assert sandbox.wait_for(elsewhere, "pending_send_approval"), "the list is of one mailbox"

    entry = f"{path}/{made['id']}"
    assert status_of(sandbox, "DELETE", entry, "admin") == 202
    given = {"approval_code": code_of(sandbox)}
    headers = {"Authorization": f"Bearer {sandbox.keys['admin']}"}
    assert sandbox.http.request("DELETE", entry, headers=headers, json=given).json() == {"status": "deleted"}
    assert sandbox.call("GET", path, key="oversight") == empty


def test_spam_marks_answer_with_the_users_label(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Win")["id"]
    marked = sandbox.call("POST", f"/v1/emails/{mail}/report-spam", key="send")
    assert marked == {"id": mail, "status": "spam_quarantined", "user_label": "spam"}
    restored = sandbox.call("POST", f"/v1/emails/{mail}/not-spam", key="send")
    assert restored == {"id": mail, "status": "unread", "user_label": "not_spam"}


def test_a_contact_needs_a_name_and_an_admin_to_go(sandbox: Sandbox) -> None:
    assert status_of(sandbox, "POST", "/v1/contacts", "send", {"email": "a@b.example"}) == 400
    made = sandbox.call("POST", "/v1/contacts", key="send", json={"email": "a@b.example", "name": "A"})
    assert status_of(sandbox, "DELETE", f"/v1/contacts/{made['id']}", "send") == 403
    assert status_of(sandbox, "DELETE", f"/v1/contacts/{made['id']}", "admin") == 200


def test_a_suppression_names_the_address_the_reason_and_the_mailbox(sandbox: Sandbox) -> None:
    bounced = sandbox.send(to=["bounce@b.example"])["id"]
    sandbox.wait_for(bounced, "pending_send_approval")
    sandbox.decide(bounced)
    sandbox.wait_for(bounced, "bounced")
    (found,) = sandbox.call("GET", "/v1/suppression", key="admin")["suppressions"]
    assert (found["email_address"], found["reason"], found["mailbox_id"]) == (
        "bounce@b.example", "hard_bounce", sandbox.mailbox,
    )  # fmt: skip
    assert found["id"] and is_date_time(found["created_at"])


def test_inbound_mail_that_waits_can_be_cancelled(sandbox: Sandbox) -> None:
    sandbox.set_mode("gated_all")
    mail = sandbox.inbound(subject="Hello")["id"]
    assert sandbox.status(mail) == "pending_inbound_approval"
    cancelled = sandbox.call("POST", f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail}/cancel", key="send")
    assert cancelled == {"id": mail, "status": "cancelled"}


def test_keys_are_made_and_revoked_with_the_operators_code(sandbox: Sandbox) -> None:
    wanted = {"name": "k", "scopes": ["read"]}
    assert status_of(sandbox, "POST", "/v1/api-keys", "admin", wanted) == 202
    assert "k" not in [key["name"] for key in sandbox.call("GET", "/v1/api-keys", key="admin")["api_keys"]]
    code = code_of(sandbox)
    made = sandbox.call("POST", "/v1/api-keys", key="admin", json={**wanted, "approval_code": code})
    assert {"id", "api_key", "prefix", "name", "scopes"} <= set(made)
    assert made["api_key"].startswith(made["prefix"])
    assert status_of(sandbox, "POST", "/v1/api-keys", "admin", {**wanted, "approval_code": code}) == 404, "once"
    path = f"/v1/api-keys/{made['id']}"
    assert status_of(sandbox, "DELETE", path, "admin") == 202
    headers = {"Authorization": f"Bearer {sandbox.keys['admin']}"}
    body = {"approval_code": code_of(sandbox)}
    assert sandbox.http.request("DELETE", path, headers=headers, json=body).json() == {"status": "revoked"}


def test_deletions_and_upgrades_answer_with_a_status(sandbox: Sandbox) -> None:
    def delete(path: str) -> Any:
        return sandbox.call("DELETE", path, key="admin")

    box = f"/v1/mailboxes/{sandbox.mailbox}"
    asked = sandbox.call("POST", f"{box}/request-upgrade", key="send", json={"target_mode": "monitored"})
    assert asked["status"] == "upgrade_requested"
    done = sandbox.call("POST", f"{box}/upgrade", key="send", json={"code": code_of(sandbox)})
    assert done["status"] == "upgraded"
    assert delete(box) == {"status": "deleted"}
    hook = {"url": "https://hooks.example/a", "events": ["*"]}
    made = sandbox.call("POST", "/v1/webhooks", key="admin", json=hook)
    domain = sandbox.call("POST", "/v1/domains", key="admin", json={"domain": "acme.example"})
    keys = sandbox.call("GET", "/v1/api-keys", key="admin")["api_keys"]
    assert all(is_date_time(one["created_at"]) for one in (made, domain, *keys))
    assert delete(f"/v1/webhooks/{made['id']}") == delete(f"/v1/domains/{domain['id']}") == {"status": "deleted"}
    assert delete("/v1/account") == {"status": "deleted"}


@pytest.mark.parametrize("asked", [{"breakdown": "daily"}, {"period": "daily"}])
def test_usage_is_given_day_by_day(sandbox: Sandbox, asked: dict[str, str]) -> None:
    draft = sandbox.draft()
    sandbox.decide(draft)
    sandbox.wait_for(draft, "sent", "delivered")
    used = sandbox.call("GET", "/v1/usage", key="oversight", **asked)
    assert set(used) == {"from", "to", "breakdown", "data"} and used["breakdown"] == "daily"
    today = datetime.fromisoformat(sandbox.audit()[0]["created_at"]).date().isoformat()
    counted = {one["event_type"]: one["count"] for one in used["data"] if one["date"] == today}
    assert counted == {"email_sent": 1, "email_received": 1, "oversight_action": 1}
    none = sandbox.call("GET", "/v1/usage", key="oversight", **asked, **{"from": 0, "to": 1000})
    assert (none["from"], none["to"], none["data"]) == (0, 1000, [])


def test_the_disclosure_cannot_be_switched_off(sandbox: Sandbox) -> None:
    box = f"/v1/mailboxes/{sandbox.mailbox}"
    assert status_of(sandbox, "PATCH", box, "admin", {"ai_disclosure": False}) == 400
    assert status_of(sandbox, "PATCH", box, "admin", {"ai_disclosure": True}) == 200


def test_inbound_mail_goes_through_the_scan_as_well(sandbox: Sandbox) -> None:
    sandbox.settings(inbound_scan_delay=60)
    mail = sandbox.inbound(subject="Hello")
    listed = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="oversight")["emails"]
    assert [(one["id"], one["direction"], one["status"]) for one in listed] == [
        (mail["id"], "inbound", "pending_scan"),
    ]  # fmt: skip
    sandbox.advance(61)
    assert sandbox.status(mail["id"]) == "unread"


def test_an_opened_mail_states_its_direction_unless_told_to_be_strict(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, detail_direction=True) as sandbox:
        mail = sandbox.inbound(subject="Hello")["id"]
        path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail}"
        assert sandbox.call("GET", path, key="oversight")["direction"] == "inbound"
        sandbox.settings(detail_direction=False)
        assert "direction" not in sandbox.call("GET", path, key="oversight")


def test_the_webhook_that_the_vendor_prints(sandbox: Sandbox) -> None:
    sandbox.settings(webhook_shape="event")
    with receiving() as receiver:
        subscribe(sandbox, receiver.url, "email.received")
        mail = sandbox.inbound(subject="Hello")
        wait_until(lambda: receiver.received)
        headers, body = receiver.received[0]
        assert headers["X-MultiMail-Signature"].startswith("sha256=")
        told = json.loads(body)
        assert set(told) == {"event", "timestamp", "data"} and told["event"] == "email.received"
        assert set(told["data"]) == {"email_id", "from", "to", "subject", "direction", "has_attachments"}
        assert told["data"]["email_id"] == mail["id"]


def test_the_export_is_given_once_an_hour(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "/v1/export", key="admin")["account"]["name"] == "Acme"
    with pytest.raises(httpx.HTTPStatusError) as refused:
        sandbox.call("GET", "/v1/export", key="admin")
    assert refused.value.response.status_code == 429
    assert 0 < int(refused.value.response.headers["Retry-After"]) <= 3600


def test_a_folder_of_the_schema_before_is_taken_on(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        draft = sandbox.draft()
    state = State(tmp_path / "sandbox")
    state.db.executescript(
        "DROP TABLE allow_list; CREATE TABLE allow_list(address TEXT PRIMARY KEY) WITHOUT ROWID;"
        " ALTER TABLE suppressions DROP COLUMN mailbox_id;"
        f" PRAGMA user_version = {database.SCHEMA_VERSION - 1};"
    )
    state.close()
    with running_sandbox(tmp_path) as sandbox:
        assert [item["id"] for item in sandbox.pending()] == [draft]
        path = f"/v1/mailboxes/{sandbox.mailbox}/allowlist"
        assert sandbox.call("GET", path, key="oversight")["count"] == 0
