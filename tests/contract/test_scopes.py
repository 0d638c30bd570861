"""Keys and scopes: what each key may do, and that none may both send and decide."""

from __future__ import annotations

import httpx
import pytest

from tests.support.sandbox import Sandbox


def status_of(sandbox: Sandbox, method: str, path: str, headers: dict[str, str], json: object = None) -> int:
    return sandbox.http.request(method, path, headers=headers, json=json).status_code


NEEDS: list[tuple[str, str, str, object]] = [
    ("GET", "/v1/account", "read", None),
    ("GET", "/v1/mailboxes", "read", None),
    ("GET", "/v1/mailboxes/{box}/emails", "read", None),
    ("GET", "/v1/usage", "read", None),
    ("GET", "/v1/contacts", "read", None),
    ("POST", "/v1/mailboxes/{box}/send", "send", {"to": ["a@b.example"], "subject": "s", "markdown": "m"}),
    ("POST", "/v1/mailboxes/{box}/reply/{mail}", "send", {"markdown": "m"}),
    ("PUT", "/v1/mailboxes/{box}/emails/{mail}/tags", "send", {"tags": {}}),
    ("POST", "/v1/emails/{mail}/report-spam", "send", None),
    ("POST", "/v1/contacts", "send", {"email": "x@y.example"}),
    ("POST", "/v1/mailboxes/{box}/request-upgrade", "send", {"target_mode": "autonomous"}),
    ("GET", "/v1/oversight/pending", "oversight", None),
    ("POST", "/v1/oversight/decide", "oversight", {"email_id": "{mail}", "action": "approve"}),
    ("GET", "/v1/audit-log", "admin", None),
    ("GET", "/v1/api-keys", "admin", None),
    ("GET", "/v1/webhooks", "admin", None),
    ("GET", "/v1/webhook-deliveries", "admin", None),
    ("PATCH", "/v1/mailboxes/{box}", "admin", {"display_name": "New"}),
    ("POST", "/v1/mailboxes", "admin", {"address_local": "new"}),
    ("GET", "/v1/suppression", "admin", None),
    ("GET", "/v1/domains", "admin", None),
]


def test_each_call_needs_its_scope(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello")
    holders = {"read": {"oversight", "send", "admin"}, "send": {"send"}, "oversight": {"oversight"}, "admin": {"admin"}}
    for method, path, scope, body in NEEDS:
        where = path.format(box=sandbox.mailbox, mail=mail["id"])
        for name, key in sandbox.keys.items():
            got = status_of(sandbox, method, where, {"Authorization": f"Bearer {key}"}, body)
            assert (got == 403) == (name not in holders[scope]), (method, path, name, got)
            assert got < 500
        assert status_of(sandbox, method, where, {}, body) == 401
        assert status_of(sandbox, method, where, {"Authorization": "Bearer mm_test_wrong"}, body) == 401


def test_both_ways_of_giving_the_key(sandbox: Sandbox) -> None:
    assert status_of(sandbox, "GET", "/v1/account", {"X-API-Key": sandbox.keys["send"]}) == 200
    assert status_of(sandbox, "GET", "/v1/account", {"X-API-Key": "mm_test_wrong"}) == 401
    assert status_of(sandbox, "GET", "/v1/account", {"Authorization": f"Basic {sandbox.keys['send']}"}) == 401


def test_no_key_may_send_and_decide(sandbox: Sandbox) -> None:
    admin = {"Authorization": f"Bearer {sandbox.keys['admin']}"}
    both = ["read", "send", "oversight"]
    assert status_of(sandbox, "POST", "/v1/api-keys", admin, {"name": "both", "scopes": both}) == 400
    key_id = sandbox.make_key("one", "read", "send")
    assert status_of(sandbox, "PATCH", f"/v1/api-keys/{key_id}", admin, {"scopes": both}) == 400
    listed = sandbox.call("GET", "/v1/api-keys", key="admin")["api_keys"]
    assert [key["scopes"] for key in listed if key["id"] == key_id] == [["read", "send"]]
    assert not any({"send", "oversight"} <= set(key["scopes"]) for key in listed)


def test_changed_scopes_count_at_once(sandbox: Sandbox) -> None:
    key_id = sandbox.make_key("k", "read")
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.call("GET", "/v1/audit-log", key="k")
    sandbox.call("PATCH", f"/v1/api-keys/{key_id}", key="admin", json={"scopes": ["read", "admin"]})
    assert sandbox.call("GET", "/v1/audit-log", key="k")["entries"]


def test_keys_are_test_keys_and_shown_once(sandbox: Sandbox) -> None:
    assert all(key.startswith("mm_test_") for key in sandbox.keys.values())
    listed = str(sandbox.call("GET", "/v1/api-keys", key="admin"))
    assert not any(key in listed for key in sandbox.keys.values())


def test_health_needs_no_key(sandbox: Sandbox) -> None:
    assert sandbox.call("GET", "/health") == {"status": "ok"}
    sandbox.settings(healthy=False)
    answer = sandbox.http.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"status": "degraded"})
