"""The sandbox's answers as the newest public sources have them, one by one."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from mm_tui.gateway.client import GatewayClient
from mm_tui.gateway.keys import Keys
from mm_tui.sandbox.gateway import database
from mm_tui.sandbox.gateway.state import SandboxState
from mm_tui.settings.secret import Secret
from tests.support.sandbox import Sandbox, file_part, running_sandbox, wait_until
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


def test_an_opened_email_states_its_direction_except_in_strict_mode(tmp_path: Path) -> None:
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
        reported = json.loads(body)
        assert set(reported) == {"event", "timestamp", "data"} and reported["event"] == "email.received"
        assert set(reported["data"]) == {"email_id", "from", "to", "subject", "direction", "has_attachments"}
        assert reported["data"]["email_id"] == mail["id"]


def test_the_export_is_given_once_an_hour(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "/v1/export", key="admin")["account"]["name"] == "Acme"
    with pytest.raises(httpx.HTTPStatusError) as refused:
        sandbox.call("GET", "/v1/export", key="admin")
    assert refused.value.response.status_code == 429
    assert 0 < int(refused.value.response.headers["Retry-After"]) <= 3600


def at_one_moment(sandbox: Sandbox, mails: int) -> list[str]:
    """Mails that came at the very same moment, oldest first, as only a stopped clock lets it happen."""
    return [str(sandbox.inbound(subject=f"Mail {number}")["id"]) for number in range(mails)]


def pages(sandbox: Sandbox, limit: int) -> list[list[str]]:
    """The ids of all pages of the first mailbox, as the cursors lead from one to the next."""
    found: list[list[str]] = []
    given: dict[str, str] = {}
    while True:
        page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="oversight", limit=limit, **given)
        found.append([one["id"] for one in page["emails"]])
        if page["cursor"] is None:
            return found
        given = {"cursor": page["cursor"]}


@pytest.fixture
def one_moment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two older mails, then three of one moment, then one more; oldest first."""
    older = at_one_moment(sandbox, 2)
    sandbox.advance(5)
    now = SandboxState.now_ms
    stopped: list[int] = []

    def stopped_now(state: SandboxState) -> int:
        stopped.append(now(state))
        return stopped[0]

    monkeypatch.setattr(SandboxState, "now_ms", stopped_now)
    same = at_one_moment(sandbox, 3)
    monkeypatch.setattr(SandboxState, "now_ms", now)
    sandbox.advance(5)
    return [*older, *same, *at_one_moment(sandbox, 1)]


def test_a_cursor_is_the_time_of_the_last_mail_and_misses_others_of_that_moment(
    sandbox: Sandbox, one_moment: list[str]
) -> None:
    newest_first = one_moment[::-1]
    page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="oversight", limit=2)
    edge = datetime.fromisoformat(page["emails"][-1]["received_at"])
    assert page["cursor"] == str(round(edge.timestamp() * 1000))
    assert pages(sandbox, 2) == [newest_first[:2], newest_first[4:]], "two of three are missed"
    sandbox.settings(cursors="id")
    assert [one for page in pages(sandbox, 2) for one in page] == newest_first


async def test_our_client_misses_none_of_a_moment(sandbox: Sandbox, one_moment: list[str]) -> None:
    async with GatewayClient(sandbox.url, Keys(Secret(sandbox.keys["oversight"]))) as gateway:
        for limit in (2, 3, 4, 5, 6):
            found = [
                mail.id async for page in gateway.email_pages(sandbox.mailbox, limit=limit) for mail in page.emails
            ]
            assert set(found) == set(one_moment), limit


@pytest.mark.parametrize("shape", ["bytes", "base64"])
async def test_a_small_attachment_comes_at_once_and_a_large_one_by_its_link(sandbox: Sandbox, shape: str) -> None:
    sandbox.settings(small_attachments=shape)
    small, large = b"a,b\n" * 10, b"x" * 51_201
    files = [file_part("small.csv", small, "text/csv"), file_part("large.bin", large, "application/octet-stream")]
    mail = sandbox.draft(attachments=files)
    path = f"/v1/mailboxes/{sandbox.mailbox}/emails/{mail}/attachments"
    headers = {"Authorization": f"Bearer {sandbox.keys['oversight']}"}
    direct = sandbox.http.get(f"{path}/small.csv", headers=headers)
    reported = base64.b64decode(direct.json()["content_base64"]) if shape == "base64" else direct.content
    assert reported == small
    assert sandbox.http.get(f"{path}/large.bin", headers=headers).status_code == 400
    link = sandbox.call("GET", f"{path}/large.bin/url", key="oversight")
    assert set(link) == {"url", "filename", "size_bytes", "content_type", "expires_in"}
    assert sandbox.http.get(link["url"]).content == large
    async with GatewayClient(sandbox.url, Keys(Secret(sandbox.keys["oversight"]))) as gateway:
        for name, content in (("small.csv", small), ("large.bin", large)):
            for size in (None, len(content)):
                assert await gateway.attachment(sandbox.mailbox, mail, name, size=size) == content


def test_a_folder_of_the_schema_before_is_taken_on(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        draft = sandbox.draft()
    state = SandboxState(tmp_path / "sandbox")
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
