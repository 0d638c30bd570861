"""Mailboxes: the trust ladder with its one-time codes, approval of new ones, what can be changed."""

from __future__ import annotations

import httpx
import pytest

from tests.support.sandbox import Sandbox


def refused(sandbox: Sandbox, method: str, path: str, key: str, json: object = None) -> httpx.Response:
    with pytest.raises(httpx.HTTPStatusError) as error:
        sandbox.call(method, path, key=key, json=json)
    return error.value.response


def mode_of(sandbox: Sandbox) -> str:
    found = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}", key="oversight")
    return str(found["oversight_mode"])


def test_a_mailbox_on_the_wire(sandbox: Sandbox) -> None:
    box = sandbox.mailboxes[0]
    assert (box["oversight_mode"], box["is_active"], box["forward_inbound"]) == ("gated_send", 1, 0)
    assert isinstance(box["created_at"], int)
    whole = sandbox.call("GET", f"/v1/mailboxes/{box['id']}", key="send")
    assert {"default_gate_timing", "mcp_configured"} <= set(whole)


def test_going_up_needs_the_operators_code_once(sandbox: Sandbox) -> None:
    up = f"/v1/mailboxes/{sandbox.mailbox}/request-upgrade"
    redeem = f"/v1/mailboxes/{sandbox.mailbox}/upgrade"
    assert refused(sandbox, "POST", redeem, "send", {"code": "1"}).status_code == 404
    sandbox.call("POST", up, key="send", json={"target_mode": "autonomous"})
    assert mode_of(sandbox) == "gated_send"
    code = next(mail["code"] for mail in sandbox.operator_mail() if mail["kind"] == "upgrade")
    assert refused(sandbox, "POST", redeem, "send", {"code": "no"}).status_code == 403
    sandbox.call("POST", redeem, key="send", json={"code": code})
    assert mode_of(sandbox) == "autonomous"
    assert refused(sandbox, "POST", redeem, "send", {"code": code}).status_code == 404
    assert code not in str(sandbox.audit())


def test_a_code_lives_a_day(sandbox: Sandbox) -> None:
    up, redeem = (f"/v1/mailboxes/{sandbox.mailbox}/{name}" for name in ("request-upgrade", "upgrade"))
    sandbox.call("POST", up, key="send", json={"target_mode": "monitored"})
    code = sandbox.operator_mail()[-1]["code"]
    sandbox.advance(24 * 3600 + 1)
    assert refused(sandbox, "POST", redeem, "send", {"code": code}).status_code == 404


def test_upgrades_only_go_up_and_three_times_an_hour(sandbox: Sandbox) -> None:
    up = f"/v1/mailboxes/{sandbox.mailbox}/request-upgrade"
    for mode in ("gated_send", "gated_all", "nonsense"):
        assert refused(sandbox, "POST", up, "send", {"target_mode": mode}).status_code == 400
    for _ in range(3):
        sandbox.call("POST", up, key="send", json={"target_mode": "monitored"})
    limited = refused(sandbox, "POST", up, "send", {"target_mode": "monitored"})
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) > 0
    sandbox.advance(3601)
    sandbox.call("POST", up, key="send", json={"target_mode": "monitored"})


def test_patching_only_goes_down(sandbox: Sandbox) -> None:
    path = f"/v1/mailboxes/{sandbox.mailbox}"
    assert refused(sandbox, "PATCH", path, "admin", {"oversight_mode": "autonomous"}).status_code == 403
    assert sandbox.call("PATCH", path, key="admin", json={"oversight_mode": "gated_all"}) == {"status": "updated"}
    assert mode_of(sandbox) == "gated_all"


def test_fields_of_a_mailbox_can_be_changed_under_both_paths(sandbox: Sandbox) -> None:
    path = f"/v1/mailboxes/{sandbox.mailbox}"
    sandbox.call("PATCH", path, key="admin", json={"auto_cc": "log@acme.example", "forward_inbound": True})
    sandbox.call("PATCH", f"{path}/configure", key="admin", json={"default_gate_timing": "schedule_first"})
    found = sandbox.call("GET", path, key="admin")
    assert (found["auto_cc"], found["forward_inbound"], found["default_gate_timing"]) == (
        "log@acme.example",
        1,
        "schedule_first",
    )
    sandbox.call("PATCH", path, key="admin", json={"auto_cc": None})
    assert "auto_cc" not in sandbox.call("GET", path, key="admin")
    too_long = {"signature_block": "x" * 201}
    assert refused(sandbox, "PATCH", path, "admin", too_long).status_code == 400
    assert refused(sandbox, "PATCH", path, "admin", {}).status_code == 400


def test_a_new_mailbox_needs_approval_and_a_free_address(sandbox: Sandbox) -> None:
    body = {"address_local": "sales", "display_name": "Sales"}
    assert "code" in sandbox.call("POST", "/v1/mailboxes", key="admin", json=body)["message"]
    wrong = {**body, "approval_code": "no"}
    assert refused(sandbox, "POST", "/v1/mailboxes", "admin", wrong).status_code == 403
    code = sandbox.operator_mail()[-1]["code"]
    made = sandbox.call("POST", "/v1/mailboxes", key="admin", json={**body, "approval_code": code})
    assert made["address"] == "sales@acme.multimail.example"
    assert refused(sandbox, "POST", "/v1/mailboxes", "admin", body).status_code == 409
    for bad in ("", "a b", "x@elsewhere.example", "ü"):
        answer = refused(sandbox, "POST", "/v1/mailboxes", "admin", {"address_local": bad})
        assert answer.status_code == 400
    sandbox.settings(max_mailboxes=4)
    assert refused(sandbox, "POST", "/v1/mailboxes", "admin", {"address_local": "more"}).status_code == 403


def test_a_deleted_mailbox_sends_no_more(sandbox: Sandbox) -> None:
    sandbox.call("DELETE", f"/v1/mailboxes/{sandbox.mailbox}", key="admin")
    assert (
        refused(
            sandbox,
            "POST",
            f"/v1/mailboxes/{sandbox.mailbox}/send",
            "send",
            {"to": ["a@b.example"], "subject": "s", "markdown": "m"},
        ).status_code
        == 403
    )
