"""The status machine: scan first, then what the mailbox's oversight mode asks for."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import httpx
import pytest

from mm_tui.sandbox.gateway.statuses import SCAN_BLOCK
from tests.support.sandbox import Sandbox, file_part, running_sandbox, wait_until


def actions(sandbox: Sandbox, email_id: str) -> list[str]:
    return [entry["action"] for entry in reversed(sandbox.audit()) if entry["resource_id"] == email_id]


def test_the_scan_comes_first_and_takes_its_time(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, scan_delay=3600) as sandbox:
        sent = sandbox.send()
        assert sandbox.status(sent["id"]) == "pending_scan"
        assert sandbox.pending() == []
        with pytest.raises(httpx.HTTPStatusError) as refused:
            sandbox.decide(sent["id"])
        assert refused.value.response.status_code == 404
        sandbox.advance(3601)
        assert sandbox.status(sent["id"]) == "pending_send_approval"


def test_mail_moves_on_although_nobody_asks(tmp_path: Path) -> None:
    with running_sandbox(tmp_path, scan_delay=0.05, delivery_delay=0.05) as sandbox:
        sandbox.set_mode("autonomous")
        sandbox.send()
        assert wait_until(lambda: list((sandbox.folder / "outbox").glob("*.eml")))


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("gated_all", "pending_send_approval"),
        ("gated_send", "pending_send_approval"),
        ("monitored", "delivered"),
        ("autonomous", "delivered"),
    ],
)
def test_outbound_mail_by_mode(sandbox: Sandbox, mode: str, outcome: str) -> None:
    sandbox.set_mode(mode)
    sent = sandbox.send(subject="By mode")
    assert sandbox.wait_for(sent["id"], "pending_send_approval", "delivered") == outcome
    assert len(sandbox.outbox()) == (outcome == "delivered")
    copies = [mail for mail in sandbox.operator_mail() if mail["kind"] == "copy"]
    assert len(copies) == (mode == "monitored")


def test_read_only_refuses_to_send(sandbox: Sandbox) -> None:
    mail = sandbox.inbound(subject="Hello")
    sandbox.set_mode("read_only")
    path = f"/v1/mailboxes/{sandbox.mailbox}"
    new = {"to": ["a@b.example"], "subject": "s", "markdown": "m"}
    for where, body in ((f"{path}/send", new), (f"{path}/reply/{mail['id']}", {"markdown": "m"})):
        with pytest.raises(httpx.HTTPStatusError) as refused:
            sandbox.call("POST", where, key="send", json=body)
        assert refused.value.response.status_code == 403
        assert "read_only" in refused.value.response.json()["error"]


@pytest.mark.parametrize(
    ("mode", "status"),
    [
        ("read_only", "unread"),
        ("gated_all", "pending_inbound_approval"),
        ("gated_send", "unread"),
        ("monitored", "unread"),
        ("autonomous", "unread"),
    ],
)
def test_inbound_mail_by_mode(sandbox: Sandbox, mode: str, status: str) -> None:
    sandbox.set_mode(mode)
    assert sandbox.inbound(subject="Hello")["status"] == status


def test_gated_inbound_mail_is_decided_in_the_same_queue(sandbox: Sandbox) -> None:
    sandbox.set_mode("gated_all")
    good, bad = (sandbox.inbound(subject=subject, body="Text")["id"] for subject in ("good", "bad"))
    assert [(item["direction"], item["body_markdown"]) for item in sandbox.pending()] == [("inbound", "Text")] * 2
    sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{good}", key="oversight")
    assert sandbox.status(good) == "pending_inbound_approval"
    assert sandbox.decide(good, "approve") == {"status": "approved"}
    assert sandbox.decide(bad, "reject", "phishing") == {"status": "rejected"}
    assert (sandbox.status(good), sandbox.status(bad)) == ("unread", "rejected")
    assert sandbox.outbox() == []


def test_allow_listed_recipients_bypass_the_gate_in_gated_send_only(sandbox: Sandbox) -> None:
    sandbox.allow("anna@customer.example", "@partner.example")
    to = ["Anna <ANNA@customer.example>", "x@partner.example"]
    assert sandbox.wait_for(sandbox.send(to=to)["id"], "delivered")
    one_stranger = sandbox.send(to=["anna@customer.example"], bcc=["tom@elsewhere.example"])
    sandbox.set_mode("gated_all", sandbox.mailboxes[1]["id"])
    gated = sandbox.send(to=to, mailbox=sandbox.mailboxes[1]["id"])
    assert [item["id"] for item in sandbox.pending()] == [one_stranger["id"], gated["id"]]


def test_approved_mail_is_sent_at_once_and_the_audit_log_records_it(sandbox: Sandbox) -> None:
    draft = sandbox.draft("It is **on its way**.", attachments=[file_part("plan.pdf", b"%PDF", "application/pdf")])
    answer = sandbox.decide(draft, "approve", "fine")
    assert answer["status"] == "approved_and_sent"
    assert answer["postmark_message_id"]
    (released,) = sandbox.outbox()
    assert (released["id"], released["body"]) == (draft, "It is **on its way**.")
    assert released["attachments"][0]["name"] == "plan.pdf"
    sandbox.wait_for(draft, "delivered")
    detail = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails/{draft}", key="oversight")
    assert detail["approved_at"] and detail["delivered_at"]
    reported = sandbox.audit()
    approved = next(entry for entry in reported if entry["action"] == "oversight.approved")
    assert approved["actor_key_id"] == detail["approved_by"]
    assert approved["metadata"] == {"reason": "fine"}
    assert actions(sandbox, draft) == [
        "email.reply_submitted",
        "email.scanned",
        "oversight.pending",
        "oversight.approved",
        "email.sent",
        "email.delivered",
    ]


def test_what_was_decided_cannot_be_decided_again(sandbox: Sandbox) -> None:
    draft = sandbox.draft()
    sandbox.decide(draft, "reject", "no")
    for action in ("approve", "reject"):
        with pytest.raises(httpx.HTTPStatusError) as refused:
            sandbox.decide(draft, action)
        assert refused.value.response.status_code == 404
    assert sandbox.outbox() == []


def test_a_blocked_scan_fails_the_mail(sandbox: Sandbox) -> None:
    sent = sandbox.send(markdown=f"Click here {SCAN_BLOCK}")
    assert sandbox.wait_for(sent["id"], "send_failed")
    assert sandbox.pending() == []


def test_a_bounce_is_reported_and_suppresses_the_address(sandbox: Sandbox) -> None:
    sandbox.set_mode("autonomous")
    sent = sandbox.send(to=["bounce-1@b.example"])
    sandbox.wait_for(sent["id"], "bounced")
    page = sandbox.call("GET", f"/v1/mailboxes/{sandbox.mailbox}/emails", key="send")
    assert page["emails"][0]["bounce_type"] == "hard"
    with pytest.raises(httpx.HTTPStatusError) as refused:
        sandbox.send(to=["bounce-1@b.example"])
    assert refused.value.response.status_code == 400


def test_spam_is_flagged_quarantined_and_restored(sandbox: Sandbox) -> None:
    flagged = sandbox.inbound(subject="Win", spam_score=6.1)["id"]
    quarantined = sandbox.inbound(subject="WIN", spam_score=11)["id"]
    clean = sandbox.inbound(subject="Hello", spam_score=0.3)["id"]
    assert [sandbox.status(found) for found in (flagged, quarantined, clean)] == [
        "spam_flagged",
        "spam_quarantined",
        "unread",
    ]
    spam = sandbox.call("GET", "/v1/emails", key="oversight")["emails"]
    assert [item["id"] for item in spam] == [quarantined, flagged]
    assert [item["spam_verdict"] for item in spam] == ["quarantined", "flagged"]
    assert sandbox.call("POST", f"/v1/emails/{flagged}/not-spam", key="send")["status"] == "unread"
    assert sandbox.call("POST", f"/v1/emails/{clean}/report-spam", key="send")["status"] == "spam_quarantined"
    spam = sandbox.call("GET", "/v1/emails", key="oversight", status="spam_quarantined")["emails"]
    assert [item["id"] for item in spam] == [clean, quarantined]


def test_released_mail_is_a_whole_eml_under_the_mailboxs_own_address(sandbox: Sandbox) -> None:
    patch = {"auto_cc": "log@acme.example", "auto_bcc": "vault@acme.example", "signature_block": "Acme, since 1999"}
    sandbox.call("PATCH", f"/v1/mailboxes/{sandbox.mailbox}", key="admin", json=patch)
    mail = sandbox.inbound(subject="Ärger", message_id="<q1@customer.example>")
    fields = {"cc": ["Zoë <zoe@c.example>"], "bcc": ["secret@d.example"], "from": "ceo@elsewhere.example"}
    data = bytes(range(256)) * 50
    draft = sandbox.reply(mail["id"], "Grüße", attachments=[file_part("ä b.bin", data)], **fields)["id"]
    sandbox.wait_for(draft, "pending_send_approval")
    sandbox.decide(draft)
    (released,) = sandbox.outbox()
    assert released["bcc"] == ["secret@d.example", "vault@acme.example"]
    raw = Path(released["file"]).read_bytes()
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert sandbox.address in parsed["From"]
    assert b"elsewhere" not in raw and b"secret" not in raw and b"vault" not in raw
    assert (parsed["Subject"], parsed["In-Reply-To"]) == ("Re: Ärger", "<q1@customer.example>")
    assert "zoe@c.example" in parsed["Cc"] and "log@acme.example" in parsed["Cc"]
    body = parsed.get_body()
    assert body is not None
    assert body.get_content().replace("\r", "") == "Grüße\n\n-- \nAcme, since 1999"
    (part,) = parsed.iter_attachments()
    assert (part.get_filename(), part.get_payload(decode=True)) == ("ä b.bin", data)


def test_a_signature_can_be_added_to_the_draft_instead(sandbox: Sandbox) -> None:
    sandbox.settings(signature_in_draft=True)
    sandbox.call("PATCH", f"/v1/mailboxes/{sandbox.mailbox}", key="admin", json={"signature_block": "Acme"})
    draft = sandbox.draft("Hello")
    assert sandbox.pending()[0]["body_markdown"] == "Hello\n\n-- \nAcme"
    sandbox.decide(draft)
    assert sandbox.outbox()[0]["body"] == "Hello\n\n-- \nAcme"
